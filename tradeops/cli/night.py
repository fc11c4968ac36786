"""Runs the deployed jobs once, in the order of a night, and shows how they fare."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import uuid4

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tradeops.adapters.prefect_api.client import Deployment, PrefectApiClient, Run
from tradeops.cli.patience import patiently
from tradeops.errors import UnavailableError

NIGHT = (
    "system-health-check",
    "daily-performance-analysis",
    "gpt4-self-analysis",
    "daily-portfolio-report",
    "daily-api-cost-report",
)
LOOK_AGAIN_SECONDS = 0.5
ROOM_LOOKS = 6  # so many looks long a run that others gave way to is left alone
LONGEST_RUN = timedelta(minutes=3)
LONGER = {"adaptive-retrain": timedelta(minutes=15)}  # three networks learn
GAVE_WAY = "Deployment concurrency limit reached"  # Prefect's words when CANCEL_NEW cancels
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
    """Run every job that is deployed, one after the other: a live table on a terminal, and at the end one that stays.

    A job that is expected besides is one that something else starts; its run is waited for.

    Raises:
        UnavailableError: a run did not end within `LONGEST_RUN`.
    """
    found = {deployment.full_name.rpartition("/")[2]: deployment for deployment in deployments}
    jobs = [Job(name, expected.get(name)) for name in NIGHT if name in found]
    jobs += [Job(name, state) for name, state in expected.items() if name not in NIGHT and name in found]
    try:
        with Live(Group(*_rows(jobs, ui)), console=console, transient=True, auto_refresh=False) as live:
            for job in jobs:
                to_end = _run_to_end if job.name in NIGHT else _watch_to_end
                await to_end(api, job, found[job.name], lambda: live.update(Group(*_rows(jobs, ui)), refresh=True))
    finally:
        for row in _rows(jobs, ui, all_links=True):
            console.print(row, soft_wrap=isinstance(row, Text))  # a link that is cut or wrapped leads nowhere
    return jobs


async def _run_to_end(api: PrefectApiClient, job: Job, deployment: Deployment, show: Callable[[], None]) -> None:
    """Once more when it gave way to a scheduled run that was at work already."""
    deadline = time.monotonic() + LONGEST_RUN.total_seconds()
    while job.run is None or GAVE_WAY in job.run.message:
        if job.run is not None:  # each try leaves a cancelled run in Prefect's lists
            await asyncio.sleep(ROOM_LOOKS * LOOK_AGAIN_SECONDS)
        key = str(uuid4())  # so that a start whose answer was lost is no second run
        job.run = await patiently(partial(api.start, deployment.deployment_id, idempotency_key=key))
        while not job.run.is_final:
            show()
            if time.monotonic() > deadline:
                problem = f"{job.name} is still {job.run.state_name} after {LONGEST_RUN.total_seconds():.0f} s"
                raise UnavailableError("worker", problem, remedy="look at the worker's log")
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            job.run = await patiently(partial(api.run, job.run.run_id))


async def _watch_to_end(api: PrefectApiClient, job: Job, deployment: Deployment, show: Callable[[], None]) -> None:
    """Of a run that something else starts: the guard, or a decision."""
    longest = LONGER.get(job.name, LONGEST_RUN)
    deadline = time.monotonic() + longest.total_seconds()
    while job.run is None or not job.run.is_final:
        job.run = await patiently(partial(api.last_run, deployment.deployment_id))
        show()
        if time.monotonic() > deadline:
            stands = "was not started" if job.run is None else f"is still {job.run.state_name}"
            problem = f"{job.name} {stands} after {longest.total_seconds():.0f} s"
            raise UnavailableError("worker", problem, remedy="look at the logs of the worker and of the watchdog")
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


def _rows(jobs: Sequence[Job], ui: str, *, all_links: bool = False) -> list[RenderableType]:
    """The table, row by row, with the link of a run below its row: of the one at work, or of all."""
    header = [Text(name, "bold") for name in ("job", "state", "expected", "took", "finding")]
    table = [header, *(_cells(job) for job in jobs)]
    if not any(job.expected for job in jobs):
        for cells in table:
            del cells[2]
    widths = [max(cells[column].cell_len for cells in table) for column in range(len(header) - 1)]
    rows: list[RenderableType] = [_row(header, widths)]
    for job, cells in zip(jobs, table[1:], strict=True):
        rows.append(_row(cells, widths))
        if job.run and (all_links or not job.run.is_final):
            rows.append(Text(f"  {ui}/runs/flow-run/{job.run.run_id}", "dim", no_wrap=True, overflow="ignore"))
    return rows


def _row(cells: Sequence[Text], widths: Sequence[int]) -> Table:
    row = Table.grid(padding=(0, 2, 0, 0))
    for width in widths:
        row.add_column(width=width, no_wrap=True)
    row.add_column(overflow="fold")
    row.add_row(*cells)
    return row


def _cells(job: Job) -> list[Text]:
    run = job.run
    if run is None:
        return [Text(job.name), Text("waiting", "dim"), Text(job.expected or "–", "dim"), Text(), Text()]
    colour = "yellow" if run.state_name == "Degraded" else COLOURS.get(run.state_type, "cyan")
    met = "green" if job.as_expected else "red" if run.is_final else "dim"
    return [
        Text(job.name),
        Text(run.state_name or "Scheduled", colour),
        Text(job.expected or "–", met),
        Text(f"{run.duration.total_seconds():.1f} s"),
        Text(_finding(run)),
    ]


def _finding(run: Run) -> str:
    """What the run says of itself, on one line; a run that has ended never says nothing."""
    said = " ".join(run.message.split())
    if said or not run.is_final:
        return said
    return "nothing to report" if run.state_type == "COMPLETED" else "no reason given: see the run"
