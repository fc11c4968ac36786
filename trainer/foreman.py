"""Has one training at a time done by a child process, the longest waiting first; takes up again what a crash left."""

import asyncio
import logging
import os
import shutil
import signal
import sys
from asyncio.subprocess import Process
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tradeops.domain.models.training import JobState, TrainingPlan
from trainer.datasets import Datasets
from trainer.errors import BusyError, FullError, TakenError, TrainerError, UnknownError
from trainer.jobs import Job, Jobs, id_of
from trainer.registry import Registry
from trainer.settings import TrainerSettings

MOST_DEATHS = 5
DAY = timedelta(days=1)
RETRY_AFTER_SECONDS = 60
PAUSE = 30  # seconds, for a full disk or a full process table to be mended
BACKEND = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}  # unless the environment says otherwise

log = logging.getLogger(__name__)


class Foreman:
    """The queue of one service; its tasks live on one event loop.

    Args:
        settings: bounds.
        jobs: where trainings are kept.
        registry: where their models go.
    """

    def __init__(self, settings: TrainerSettings, jobs: Jobs, registry: Registry) -> None:
        self._settings, self._jobs, self._registry = settings, jobs, registry
        self._home = settings.home.resolve()
        self._wake = asyncio.Event()
        self._child: tuple[str, Process] | None = None

    @property
    def running(self) -> str | None:
        """The id of the training at work."""
        return self._child[0] if self._child else None

    def submit(self, key: str, plan: TrainingPlan) -> Job:
        """Accept a training; under a key that is known, return that one.

        Raises:
            TakenError: that key is another plan's, or another training of that type and symbol waits or runs.
            BusyError: too many wait, or too many began within a day.
        """
        known = self._jobs.find(id_of(key))
        if known is not None:
            if known.plan != plan:
                raise TakenError("this idempotency key belongs to another training")
            return known
        now = datetime.now(UTC)
        every = self._jobs.all()
        unfinished = [job for job in every if job.ended is None]
        for job in unfinished:
            if job.kind.model_type == plan.model_type and job.kind.symbol == plan.symbol:
                raise TakenError(f"{plan.model_type} of {plan.symbol} is being trained already: {job.job_id}")
        if len(unfinished) >= self._settings.queue_size:
            raise BusyError(f"{len(unfinished)} trainings wait already", retry_after=RETRY_AFTER_SECONDS)
        today = [job for job in every if job.asked_at > now - DAY]
        if len(today) >= self._settings.most_per_day:
            wait = today[0].asked_at + DAY - now
            problem = f"{len(today)} trainings began within 24 hours; TRADEOPS_TRAINER_MOST_PER_DAY allows no more"
            raise BusyError(problem, retry_after=int(wait.total_seconds()) + 1)
        if free_gib(self._settings.home) < self._settings.least_disk_gib:
            raise FullError(f"less than {self._settings.least_disk_gib:g} GiB of disk are free")
        job = self._jobs.accept(key, plan, now)
        self._wake.set()
        return job

    def cancel(self, job_id: str) -> Job:
        """End a training, at work or waiting; one that has ended stays as it is.

        Raises:
            UnknownError: there is none of that id.
        """
        job = self._jobs.find(job_id)
        if job is None:
            raise UnknownError(f"there is no training {job_id[:40]!r}")
        if self._child is not None and self._child[0] == job_id:
            self._child[1].kill()
        job.end(JobState.CANCELLED, "cancelled")
        return job

    def state(self, job: Job) -> JobState:
        """Where it stands."""
        return job.ended or (JobState.RUNNING if self.running == job.job_id else JobState.QUEUED)

    async def work(self) -> None:
        """Train what waits until cancelled; the child at work ends with it and is taken up again at the next start."""
        try:
            self._forget()
            while True:
                self._wake.clear()
                waiting = [job for job in self._jobs.all() if job.ended is None]
                if not waiting:
                    await self._wake.wait()
                    continue
                try:
                    await self._train(waiting[0])
                except OSError:
                    log.exception("the training %s could not go on; next try in %d s", waiting[0].job_id, PAUSE)
                    await asyncio.sleep(PAUSE)
        finally:
            if self._child is not None:
                self._child[1].kill()
                await self._child[1].wait()

    async def _train(self, job: Job) -> None:
        """Until it has ended; a child that is killed again before it got any further may lack memory."""
        epochs_before = -1
        for death in range(1, MOST_DEATHS + 1):
            code = await self._run_child(job)
            if job.ended is not None:
                break
            how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
            log.warning("the process of training %s %s, time %d of %d", job.job_id, how, death, MOST_DEATHS)
            if death == MOST_DEATHS:
                job.end(JobState.FAILED, f"its process {how}, {MOST_DEATHS} times; see the log")
            if len(job.history) == epochs_before and code == -signal.SIGKILL:
                job.halve_batch()
            epochs_before = len(job.history)
        self._registry.tidy(job.kind)
        self._forget()

    def _forget(self) -> None:
        """Delete what is too old, unless the disk does not let us: no training waits for that."""
        before = datetime.now(UTC) - timedelta(days=self._settings.keep_days)
        try:
            trainings = self._jobs.forget(asked_before=before)
            needed = {job.plan.dataset_id for job in self._jobs.all()}
            data = Datasets(self._home / "datasets").forget(kept_before=before, needed=needed)
        except OSError:
            log.exception("what is older than %d days could not be deleted", self._settings.keep_days)
            return
        if trainings or data:
            done = (len(trainings), len(data), self._settings.keep_days)
            log.info("%d trainings and %d data sets were older than %d days and are deleted", *done)

    async def _run_child(self, job: Job) -> int:
        home = self._home
        facts = (str(home), job.job_id, str(os.getpid()), str(self._settings.niceness))
        command = (sys.executable, "-m", "trainer.child", *facts)
        log.info("training %s of %s: %s", job.plan.model_type, job.plan.symbol, job.job_id)
        child = await asyncio.create_subprocess_exec(*command, env={**backend(home), **os.environ})
        self._child = (job.job_id, child)
        if job.ended is not None:  # cancelled while it was being started
            child.kill()
        code = await child.wait()
        self._child = None
        return code


def backend(home: Path) -> dict[str, str]:
    """The environment of whoever computes; what was compiled once is kept, since that takes longer than an epoch."""
    cache = {"JAX_COMPILATION_CACHE_DIR": str(home / "compiled"), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    return {**BACKEND, **cache}


def free_gib(home: Path) -> float:
    """What is left on the disk that holds the models."""
    return shutil.disk_usage(home).free / 2**30


def plan_within(plan: TrainingPlan, settings: TrainerSettings) -> TrainingPlan:
    """The plan, when each of its figures is allowed.

    Raises:
        TrainerError: names the one that is not.
    """
    bounds = {
        "epochs": 1 <= plan.epochs <= settings.most_epochs,
        "batch_size": plan.batch_size > 0 and plan.batch_size & (plan.batch_size - 1) == 0,
        "learning_rate": 0 < plan.learning_rate <= 1,
        "length": 1 < plan.length <= 1000,  # noqa: PLR2004 - the most candles that the contract allows
        "label": plan.label in {"hard", "soft"},
    }
    for name, is_allowed in bounds.items():
        if not is_allowed:
            raise TrainerError(f"{name} {getattr(plan, name)!r} is not allowed")
    return plan
