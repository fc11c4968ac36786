"""The night: what is run, what is shown, and when it counts as it should have been."""

import io
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console

from tradeops.adapters.prefect_api.client import Deployment, Run
from tradeops.cli import night, patience
from tradeops.cli.night import Job, run_night
from tradeops.errors import RejectedError, TransientError, UnavailableError

JOB = "system-health-check"
UI = "http://127.0.0.1:4200"
RUN_ID = "7046b05d-c0f3-440f-9fba-1d4c9db9387a"
LINK = f"{UI}/runs/flow-run/{RUN_ID}"
DEPLOYED = [Deployment("other-id", "other/other"), Deployment("its-id", f"{JOB}/{JOB}")]


def run(name: str, kind: str = "", *, message: str = "", seconds: float = 0) -> Run:
    return Run(RUN_ID, "calm-ox", kind or name.upper(), name, message, None, None, None, timedelta(seconds=seconds))


SCHEDULED, RUNNING = run("Scheduled"), run("Running", seconds=1.2)
CRITICAL = run("Critical", "FAILED", message="frontend", seconds=2.9)
COMPLETED = run("Completed", message="all parts are healthy", seconds=2.5)


NOT_YET = run("never")


class RecordingApi:
    """Answers with the given runs, the last one for ever; an exception among them is raised."""

    def __init__(self, *answers: Run | Exception) -> None:
        self._answers = list(answers)
        self.started: list[tuple[str, str]] = []
        self.asked: list[str] = []

    async def start(self, deployment_id: str, *, idempotency_key: str) -> Run:
        self.started.append((deployment_id, idempotency_key))
        return self._next()

    async def last_run(self, deployment_id: str) -> Run | None:
        self.asked.append(deployment_id)
        answer = self._next()
        return None if answer is NOT_YET else answer

    async def run(self, run_id: str) -> Run:
        self.asked.append(run_id)
        return self._next()

    def _next(self) -> Run:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(night, "LOOK_AGAIN_SECONDS", 0)
    monkeypatch.setattr(patience, "PAUSE_SECONDS", 0)


async def spent(
    *answers: Run | Exception,
    expected: str | None = "Critical",
    deployments: Sequence[Deployment] = DEPLOYED,
    **terminal: Any,  # noqa: ANN401 - as Console takes them
) -> tuple[RecordingApi, list[Job], str]:
    api, shown = RecordingApi(*answers), io.StringIO()
    console = Console(file=shown, highlight=False, **({"width": 80} | terminal))
    states = {} if expected is None else {JOB: expected}
    try:
        jobs = await run_night(api, deployments, states, ui=UI, console=console)  # type: ignore[arg-type]
    except UnavailableError as error:
        error.add_note(shown.getvalue())
        raise
    return api, jobs, shown.getvalue()


async def test_every_job_that_is_deployed_runs_once_until_its_end() -> None:
    api, jobs, _ = await spent(SCHEDULED, RUNNING, RUNNING, CRITICAL)
    assert [deployment for deployment, _ in api.started] == ["its-id"]
    assert api.asked == [RUN_ID] * 3
    assert [(job.name, job.expected, job.run, job.as_expected) for job in jobs] == [(JOB, "Critical", CRITICAL, True)]


async def test_a_job_that_something_else_starts_is_waited_for() -> None:
    api, shown = RecordingApi(CRITICAL, NOT_YET, SCHEDULED, COMPLETED), io.StringIO()
    brake = Deployment("brake-id", "emergency-strategy-disable/emergency-strategy-disable")
    expected = {JOB: "Critical", "emergency-strategy-disable": "Completed", "not-deployed": "Completed"}
    console = Console(file=shown, highlight=False, width=120)
    jobs = await run_night(api, [*DEPLOYED, brake], expected, ui=UI, console=console)  # type: ignore[arg-type]
    assert [(job.name, job.as_expected) for job in jobs] == [(JOB, True), ("emergency-strategy-disable", True)]
    assert [deployment for deployment, _ in api.started] == ["its-id"]
    assert api.asked == ["brake-id"] * 3


async def test_a_job_that_nothing_starts_ends_the_night(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(night, "LONGEST_RUN", timedelta(0))
    brake = Deployment("brake-id", "brake/brake")
    with pytest.raises(
        UnavailableError, match="brake was not started after 0 s; look at the logs of the worker and of the watchdog"
    ):
        await run_night(
            RecordingApi(NOT_YET),  # type: ignore[arg-type]
            [brake],
            {"brake": "Completed"},
            ui=UI,
            console=Console(file=io.StringIO()),
        )


async def test_a_run_that_gave_way_to_a_scheduled_one_is_started_again() -> None:
    gave_way = run("Cancelled", message="Deployment concurrency limit reached.")
    api, [job], _ = await spent(SCHEDULED, gave_way, SCHEDULED, CRITICAL)
    assert job.as_expected
    assert len(set(api.started)) == 2


async def test_a_run_that_somebody_cancelled_stays_so() -> None:
    api, [job], _ = await spent(SCHEDULED, run("Cancelled"))
    assert not job.as_expected
    assert len(api.started) == 1


async def test_a_job_that_is_not_deployed_is_left_out() -> None:
    api, jobs, _ = await spent(CRITICAL, deployments=DEPLOYED[:1])
    assert (jobs, api.started) == ([], [])


async def test_what_stays_is_the_table_with_the_finding_and_an_uncut_link() -> None:
    _, _, shown = await spent(SCHEDULED, CRITICAL)
    assert [re.split(r"\s{2,}", line.rstrip()) for line in shown.splitlines()] == [
        ["job", "state", "expected", "took", "finding"],
        [JOB, "Critical", "Critical", "2.9 s", "frontend"],
        ["", LINK],
    ]


@pytest.mark.parametrize("width", [60, 80, 200])
async def test_no_width_cuts_a_link_or_a_finding(width: int) -> None:
    message = "engine, ai_service, frontend, mongodb, redis, rabbitmq, exchange, llm, prefect, disk"
    _, _, shown = await spent(run("Critical", "FAILED", message=message), width=width)
    assert LINK in shown.splitlines()[-1]
    assert all(part in "".join(shown.split()) for part in message.split(", "))
    assert "…" not in shown


async def test_without_an_expectation_there_is_no_column_for_it() -> None:
    _, _, shown = await spent(COMPLETED, expected=None)
    assert shown.splitlines()[0].split() == ["job", "state", "took", "finding"]


@pytest.mark.parametrize(
    ("ended", "finding"),
    [
        pytest.param(run("Completed"), "nothing to report", id="completed"),
        pytest.param(run("Crashed"), "no reason given: see the run", id="crashed"),
        pytest.param(run("Completed", message="two\n  lines"), "two lines", id="one line of two"),
        pytest.param(run("Failed", message="[/red] broken"), "[/red] broken", id="no markup of others"),
    ],
)
async def test_a_finding_is_one_line_and_never_empty(ended: Run, finding: str) -> None:
    _, _, shown = await spent(ended)
    assert shown.splitlines()[1].rstrip().endswith(f" {finding}")


async def test_on_a_terminal_the_table_lives_and_each_state_is_seen_with_its_link() -> None:
    waiting = run("")  # as before its first state
    _, _, shown = await spent(waiting, RUNNING, run("Degraded", "COMPLETED"), force_terminal=True)
    assert "waiting" in shown
    assert "Scheduled" in shown
    assert "Running" in shown
    assert shown.count(LINK) >= 3


@pytest.mark.parametrize(
    ("expected", "ended", "met"),
    [
        pytest.param("Critical", CRITICAL, True, id="critical as expected"),
        pytest.param("Completed", CRITICAL, False, id="critical instead of well"),
        pytest.param("Critical", COMPLETED, False, id="well instead of critical"),
        pytest.param("Critical", RUNNING, False, id="not at its end"),
        pytest.param("Critical", None, False, id="not begun"),
        pytest.param(None, COMPLETED, True, id="well, nothing expected"),
        pytest.param(None, run("Degraded", "COMPLETED"), True, id="degraded, nothing expected"),
        pytest.param(None, CRITICAL, False, id="failed, nothing expected"),
    ],
)
def test_when_a_job_counts_as_expected(expected: str | None, ended: Run | None, met: bool) -> None:
    assert Job(JOB, expected, ended).as_expected is met


async def test_a_run_that_never_ends_is_an_error_below_the_table_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(night, "LONGEST_RUN", timedelta(0))
    with pytest.raises(UnavailableError) as raised:
        await spent(SCHEDULED, run("Pending"))
    assert str(raised.value) == f"worker: {JOB} is still Scheduled after 0 s; look at the worker's log"
    assert LINK in raised.value.__notes__[0]


async def test_trouble_that_passes_stops_nothing_and_starts_nothing_twice() -> None:
    busy = TransientError("prefect", "HTTP 503")
    api, [job], _ = await spent(busy, busy, SCHEDULED, busy, CRITICAL)
    assert job.as_expected
    assert len(api.started) == 3
    assert len(set(api.started)) == 1


async def test_trouble_that_does_not_pass_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE", timedelta(0))
    with pytest.raises(UnavailableError, match="refused"):
        await spent(UnavailableError("prefect", "refused"))


async def test_a_refusal_is_told_at_once() -> None:
    with pytest.raises(RejectedError):
        await spent(RejectedError("prefect", "no such deployment"), CRITICAL)
