"""A run that did not do its work as an observation of its job."""

from dataclasses import dataclass
from datetime import datetime

from tradeops.domain.heartbeats import key_of_job
from tradeops.domain.incidents.model import CERTAIN, Observation
from tradeops.domain.notices import Level

LONGEST_MESSAGE = 300
GRAVE = frozenset({"gpt4-self-analysis", "adaptive-retrain", "emergency-strategy-disable"})
WORDS = {"Failed": "failed", "Crashed": "crashed", "TimedOut": "ran out of time", "Late": "has not started in time"}


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run that ended badly, or did not even start.

    Attributes:
        deployment: the job's name.
        state: the name of Prefect's state.
        run: the run's name.
        message: of the state; may be empty.
        at: when we heard of it, aware.
    """

    deployment: str
    state: str
    run: str
    message: str
    at: datetime


def observation(ended: RunEnded) -> Observation:
    """One such run is enough for an alert: Prefect has retried what could be retried."""
    what = WORDS.get(ended.state, f"ended {ended.state}")
    message = " ".join(ended.message.split())
    told = f"the run {ended.run} {what}" + (f": {message[:LONGEST_MESSAGE]}" if message else "")
    severity = Level.CRITICAL if ended.deployment in GRAVE else Level.ERROR
    return Observation(key_of_job(ended.deployment), severity, told, ended.at, CERTAIN)
