"""Runs the deployed jobs once, in the order of a night, and shows how they fare."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import uuid4

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tradeops.adapters.prefect_api.client import Deployment, PrefectApiClient, Run
from tradeops.errors import TransientError, UnavailableError

NIGHT = (
    "system-health-check",
    "daily-performance-analysis",
    "daily-portfolio-report",
    "daily-api-cost-report",
)
LOOK_AGAIN_SECONDS = 0.5
BUSY_SERVER = timedelta(seconds=30)
LONGEST_RUN = timedelta(minutes=3)
COLOURS = {"COMPLETED": "green", "FAILED": "red", "CRASHED": "red", "CANCELLED": "red"}


@dataclass(slots=True)
class Job:
    """One job of the night.

    Attributes:
        name: of the deployment.
        expected: the state name that the scenario expects; `None` when nothing is expected.
        run: as it was last seen; `None` before its start.
    """

    name: str
    expected: str | None
    run: Run | None = None

    @property
    def as_expected(self) -> bool:
        """Whether it ended as its scenario says, or, where nothing is said, without failing."""
        if self.run is None or not self.run.is_final:
            return False
        return self.run.state_type == "COMPLETED" if self.expected is None else self.run.state_name == self.expected


async def run_night(
    api: PrefectApiClient,
    deployments: Sequence[Deployment],
    expected: Mapping[str, str],
    *,
    ui: str,
    console: Console,
) -> list[Job]:
    """Run every job that is deployed, one after the other, with a live table on a terminal, else a line for each.

    Raises:
        UnavailableError: a run did not end within `LONGEST_RUN`.
        TransientError: Prefect was busy or away for longer than `BUSY_SERVER`.
    """
    found = {deployment.full_name.rpartition("/")[2]: deployment for deployment in deployments}
    jobs = [Job(name, expected.get(name)) for name in NIGHT if name in found]
    with Live(_table(jobs, ui), console=console, refresh_per_second=4, transient=False) as live:
        for job in jobs:
            start = partial(api.start, found[job.name].deployment_id, idempotency_key=str(uuid4()))
            job.run = await _patiently(start)
            deadline = time.monotonic() + LONGEST_RUN.total_seconds()
            while not job.run.is_final:
                live.update(_table(jobs, ui))
                if time.monotonic() > deadline:
                    problem = f"{job.name} is still {job.run.state_name} after {LONGEST_RUN.total_seconds():.0f} s"
                    raise UnavailableError("worker", problem, remedy="look at the worker's log")
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
                job.run = await _patiently(partial(api.run, job.run.run_id))
            live.update(_table(jobs, ui))
    return jobs


async def _patiently(ask: Callable[[], Awaitable[Run]]) -> Run:
    """The answer, asked for again for a while: a Prefect server on SQLite that is busy says 503 now and then."""
    deadline = time.monotonic() + BUSY_SERVER.total_seconds()
    while True:
        try:
            return await ask()
        except TransientError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


def _table(jobs: Sequence[Job], ui: str) -> Table:
    with_expectation = any(job.expected for job in jobs)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    columns = ["job", "state", *(["expected"] if with_expectation else []), "took", "finding"]
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name in {"job", "state"})
    for job in jobs:
        run = job.run
        if run is None:
            table.add_row(job.name, Text("waiting", "dim"))
            continue
        state = Text(run.state_name or "Scheduled", COLOURS.get(run.state_type, "cyan"))
        if run.state_name == "Degraded":
            state.stylize("yellow")
        state.stylize(f"link {ui}/runs/flow-run/{run.run_id}")
        hope = [Text(job.expected or "–", "green" if job.as_expected else "red" if run.is_final else "dim")]
        took = f"{run.duration.total_seconds():.1f} s"
        table.add_row(job.name, state, *(hope if with_expectation else []), took, Text(run.message))
    return table
