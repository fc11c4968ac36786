"""Trainings as files: what was asked, how far it is, what came of it. A folder each, HOME/jobs/ID.

The service alone writes `asked.json` and `ended.json`, the child that trains alone writes `progress.json`; each is
replaced whole, so that either may be killed at any time.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from shutil import rmtree
from typing import Any

from tradeops.domain.models.training import Epoch, JobState, TrainingPlan
from trainer.durable import read_json, write_json
from trainer.registry import Kind

ASKED, PROGRESS, ENDED, RESULT = "asked.json", "progress.json", "ended.json", "result.json"
MEMORY = "memory.json"
TIMED_EPOCHS = 3  # the last ones tell how long an epoch takes
SMALLEST_BATCH = 8
JOB_ID = re.compile(r"[0-9a-f]{20}")


@dataclass(frozen=True, slots=True)
class Job:
    """One training.

    Attributes:
        asked_at: when it was accepted, aware.
    """

    job_id: str
    plan: TrainingPlan
    asked_at: datetime
    folder: Path

    @property
    def kind(self) -> Kind:
        """What it is of."""
        return Kind(self.plan.model_type, self.plan.symbol)

    @property
    def version(self) -> str:
        """The version that it makes: the same however often it is begun again."""
        return f"{self.asked_at:%Y%m%dT%H%M%S}-{self.job_id[:8]}"

    @property
    def ended(self) -> JobState | None:
        """How it ended; `None` while it has not."""
        if (self.folder / RESULT).exists():
            return JobState.SUCCEEDED
        body = read_json(self.folder / ENDED)
        return None if body is None else JobState(body["state"])

    @property
    def problem(self) -> str:
        """Why it failed; empty when it did not."""
        body = read_json(self.folder / ENDED)
        return "" if body is None or self.ended is JobState.SUCCEEDED else str(body["problem"])

    def end(self, state: JobState, problem: str) -> None:
        """Say for ever how it ended; the first word counts."""
        if self.ended is None:
            write_json(self.folder / ENDED, {"state": state, "problem": problem})

    def report(self, history: tuple[Epoch, ...], at: datetime) -> None:
        """Say how far it is."""
        before = read_json(self.folder / PROGRESS) or {"times": []}
        times = [*before["times"], at.timestamp()][-TIMED_EPOCHS - 1 :]
        write_json(self.folder / PROGRESS, {"history": [asdict(one) for one in history], "times": times})

    @property
    def history(self) -> tuple[Epoch, ...]:
        """Its epochs so far."""
        body = read_json(self.folder / PROGRESS)
        return () if body is None else tuple(Epoch(**one) for one in body["history"])

    @property
    def seconds_per_epoch(self) -> float | None:
        """As its last epochs were; `None` before the first."""
        times = (read_json(self.folder / PROGRESS) or {"times": []})["times"]
        return (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else None

    @property
    def most_batch(self) -> int | None:
        """The largest batch that its process is believed to have memory for; `None` while nothing is known."""
        body = read_json(self.folder / MEMORY)
        return None if body is None else int(body["most_batch"])

    def halve_batch(self) -> None:
        """Let the next process take half of the batch, at least 8."""
        before = self.most_batch or self.plan.batch_size
        write_json(self.folder / MEMORY, {"most_batch": max(before // 2, SMALLEST_BATCH)})

    @property
    def result(self) -> Mapping[str, Any] | None:
        """What it brought, once it has succeeded; see `trainer.child`."""
        body: Mapping[str, Any] | None = read_json(self.folder / RESULT)
        return body


class Jobs:
    """All trainings of one service."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def accept(self, key: str, plan: TrainingPlan, now: datetime) -> Job:
        """Keep a new training under its idempotency key."""
        job_id = id_of(key)
        write_json(self._folder / job_id / ASKED, {"plan": asdict(plan), "asked_at": now.isoformat()})
        return Job(job_id, plan, now, self._folder / job_id)

    def find(self, job_id: str) -> Job | None:
        """The training of that id."""
        if not JOB_ID.fullmatch(job_id):
            return None
        body = read_json(self._folder / job_id / ASKED)
        if body is None:
            return None
        asked_at = datetime.fromisoformat(body["asked_at"])
        return Job(job_id, TrainingPlan(**body["plan"]), asked_at, self._folder / job_id)

    def all(self) -> list[Job]:
        """By the time they were asked for."""
        found = [self.find(path.parent.name) for path in self._folder.glob(f"*/{ASKED}")]
        return sorted((job for job in found if job is not None), key=lambda job: (job.asked_at, job.job_id))

    def forget(self, *, asked_before: datetime) -> list[str]:
        """Delete trainings that have ended and were asked for before; returns their ids. Their keys are free again."""
        old = [job for job in self.all() if job.asked_at < asked_before and job.ended is not None]
        for job in old:
            (job.folder / ASKED).unlink()  # first: a folder that is half deleted is no training
            rmtree(job.folder)
        return [job.job_id for job in old]


def id_of(key: str) -> str:
    """The id of the training that is asked for under a key."""
    return hashlib.sha256(key.encode()).hexdigest()[:20]
