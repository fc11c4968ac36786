"""The last step of a job: its observations become incidents, and what waits is handed over. Never fails the job."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from tradeops.adapters.notify.channel import Channel
from tradeops.adapters.store.interface import Message
from tradeops.domain.incidents.model import Observation
from tradeops.domain.notices import Notice
from tradeops.errors import TradeOpsError
from tradeops.jobs.alerts import incidents, outbox, standin
from tradeops.jobs.alerts.incidents import Ground, Outcome
from tradeops.jobs.alerts.standin import StandIn
from tradeops.wiring import open_channels

PATIENCE = timedelta(seconds=6)
QUEUEING_SECONDS = 4.0
NOT_COUNTED = "incidents were not counted"

log = logging.getLogger(__name__)


async def tell(ground: Ground, observations: Iterable[Observation], *, source: str, run_id: str) -> tuple[str, ...]:
    """Count what was observed and hand over what waits; returns a line for each thing that did not work.

    Takes 6 s for counting, and for handing over as long as `outbox.deliver` does. Never raises: a notification that
    fails must not fail what it tells of.

    Args:
        ground: a desk.
        observations: as for `incidents.observe`.
        source: likewise.
        run_id: likewise.
    """
    problems = await _carefully("nobody was told", _tell(ground, tuple(observations), source, run_id))
    for problem in problems:
        log.warning(problem)
    return tuple(problems)


async def announce(
    ground: Ground, notice: Notice | None, observations: Iterable[Observation], *, source: str, run_id: str
) -> tuple[str, ...]:
    """Queue a report, if any, for all who read reports, once for its key, and `tell`. Takes 4 s more, and never raises.

    Args:
        ground: a desk.
        notice: the report; `None` is not sent.
        observations: as for `tell`.
        source: likewise.
        run_id: likewise.
    """
    if notice is None:
        return await tell(ground, observations, source=source, run_id=run_id)
    queued = await _carefully("the report was not sent", asyncio.wait_for(_queue(ground, notice), QUEUEING_SECONDS))
    for problem in queued:
        log.warning(problem)
    return (*queued, *await tell(ground, observations, source=source, run_id=run_id))


async def deliver(
    ground: Ground, stand_in: StandIn | None, channels: Mapping[str, Channel], *, owner: str
) -> list[str]:
    """Hand over what waits in our store, and in the file that stands in for it; a line for each thing that failed."""
    stores = [ground.store] if stand_in is None else [ground.store, stand_in.store]
    rounds = await asyncio.gather(*(outbox.deliver(store, channels, owner=owner) for store in stores))
    return [line for one in rounds for line in (*one.given_up, *filter(None, [one.store_problem]))]


async def _tell(ground: Ground, looks: tuple[Observation, ...], source: str, run_id: str) -> list[str]:
    async with standin.open_stand_in(ground.settings) as stand_in:
        counting = standin.observe(ground, stand_in, looks, source=source, run_id=run_id, now=datetime.now(UTC))
        owner = f"run-{os.getpid()}-{run_id}"
        return [
            *await _carefully(NOT_COUNTED, asyncio.wait_for(counting, PATIENCE.total_seconds())),
            *await _carefully("nothing was handed over", _deliver(ground, stand_in, owner)),
        ]


async def _deliver(ground: Ground, stand_in: StandIn | None, owner: str) -> list[str]:
    async with open_channels(ground.settings) as channels:
        return await deliver(ground, stand_in, channels, owner=owner)


async def _queue(ground: Ground, notice: Notice) -> list[str]:
    at = notice.occurred_at
    for target in incidents.route(ground.settings)(notice.event, notice.level):
        message = Message(f"{notice.key}:{target}", target, notice.as_body(), created_at=at, due_at=at)
        await ground.store.enqueue(message)
    return []


async def _carefully(what: str, step: Awaitable[Outcome | list[str]]) -> list[str]:
    """The lines of the step, or the one that says why it did not work."""
    try:
        done = await step
    except (TradeOpsError, TimeoutError) as error:
        return [f"{what}: {str(error) or 'the store did not answer in time'}"]
    except Exception as error:
        log.exception("alerting broke")
        return [f"{what}: our own code broke ({type(error).__name__}, see the log)"]
    return done if isinstance(done, list) else []
