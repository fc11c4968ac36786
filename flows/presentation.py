"""How runs show themselves in Prefect: one Markdown artifact each, events, and end states that automations read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from prefect import State, Task
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import TaskRun
from prefect.events import emit_event
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from prefect.utilities.urls import url_for

from tradeops.domain.health import Severity, beyond
from tradeops.domain.incidents.model import Observation
from tradeops.domain.notices import Level, Notice
from tradeops.errors import CriticalVerdictError, TradeOpsError, TransientError
from tradeops.jobs.alerts import alerting
from tradeops.rendering.markdown import to_markdown
from tradeops.rendering.notices import report_notice, with_untold
from tradeops.rendering.page import Page
from tradeops.wiring import Desk

R = TypeVar("R")


async def publish(key: str, page: Page) -> None:
    """Make the run's one artifact; a second one under the same key would hide it."""
    await acreate_markdown_artifact(to_markdown(page), key=key)


async def announce(
    desk: Desk, job: str, page: Page, *, event: str, day: date | None, looks: Iterable[Observation] = ()
) -> None:
    """Send the day's report once, open and end incidents, hand over what waits; publish last, with what was not told.

    Args:
        desk: of the run.
        job: the deployment's name, under which the page is published.
        page: the report.
        event: by which it is routed, `cost_report`; what comes before `_report` names the incidents' source.
        day: of the report; a second one of that day is not sent. `None` is shown here alone.
        looks: what the report found.
    """
    link = url_for("flow-run", obj_id=str(flow_run.get_id()))
    notice = report_notice(page, key=f"{job}:{day}", event=event, occurred_at=datetime.now(UTC), link=link)
    await pass_on(desk, job, page, [notice] if day else [], source=event.removesuffix("_report"), looks=looks)


async def pass_on(
    desk: Desk, job: str, page: Page, notices: Iterable[Notice], *, source: str, looks: Iterable[Observation]
) -> None:
    """Send each notice once for its key, open and end incidents; publish last, with what was not told."""
    run_id, untold, waiting = str(flow_run.get_id()), list[str](), looks
    for notice in tuple(notices) or (None,):
        untold += await alerting.announce(desk, notice, waiting, source=source, run_id=run_id)
        waiting = ()
    await publish(job, with_untold(page, tuple(untold)))


async def announce_run(desk: Desk, job: str, page: Page, *, event: str, level: Level = Level.INFO) -> None:
    """Send the page of a run once, hand over what waits; publish last, with what was not told.

    Args:
        desk: of the run.
        job: the deployment's name, under which the page is published.
        page: of the run.
        event: by which it is routed, `retrain_complete`.
        level: how bad.
    """
    run_id = str(flow_run.get_id())
    link = url_for("flow-run", obj_id=run_id)
    notice = report_notice(page, key=f"{job}:{run_id}:{event}", event=event, occurred_at=datetime.now(UTC), link=link)
    await pass_on(desk, job, page, [replace(notice, level=level)], source=job, looks=())


def emit(event: str, resource: str, payload: Mapping[str, Any]) -> None:
    """Tell Prefect's automations of `event` about `resource`; the payload is plain JSON.

    It never raises: the report matters more, and the log says what could not be told.
    """
    try:
        emit_event(event=event, resource={"prefect.resource.id": resource}, payload=dict(payload))
    except Exception as error:  # noqa: BLE001 - whatever Prefect's events client raises
        get_run_logger().error("the event %s was not emitted: %s", event, error)


async def is_transient(_task: Task[..., object], _run: TaskRun, state: State[object]) -> bool:
    """The condition of every retry: the error says that waiting helps."""
    return isinstance(await state.aresult(raise_on_failure=False), TransientError)


def lateness() -> timedelta:
    """How long after its time this run began."""
    return datetime.now(UTC) - flow_run.get_scheduled_start_time()


def too_late(grace: timedelta, *, remedy: str = "run it with the parameter `date` to make this report") -> str:
    """Why this run should be skipped: it began more than `grace` after its time; empty when it did not."""
    late = lateness()
    if late <= grace:
        return ""
    hours, allowed = late.total_seconds() / 3600, grace.total_seconds() / 3600
    return f"{beyond(hours, allowed)} h late, more than {allowed:g} h; {remedy}"


def skipped(reason: str) -> State[Any]:
    """The state of a run that decided to do nothing."""
    return Completed(name="Skipped", message=reason)


def failed(error: TradeOpsError) -> State[Any]:
    """The state of a run that could not begin or do its work: why and what to do, without a traceback.

    It raises the error in a plain caller.
    """
    get_run_logger().error(str(error))
    return Failed(message=str(error), data=error)


def end_state(
    job: str,
    report: R,
    severity: Severity | None,
    message: str,
    *,
    parts: Sequence[str] = (),
    mishaps: Sequence[object] = (),
) -> State[R]:
    """The state that operators and automations see; a critical one raises `CriticalVerdictError` in a plain caller.

    Args:
        job: the deployment's name.
        report: what a plain caller gets.
        severity: the verdict; `None` is "insufficient data".
        message: the verdict in one line, names included.
        parts: what is critical, for the error; the message when none is given.
        mishaps: outcomes of publishing and recording; an exception among them is told, and takes the run from good to
            `Degraded`.
    """
    lost = [f"not kept: {outcome}" for outcome in mishaps if isinstance(outcome, Exception)]
    for text in lost:
        get_run_logger().error(text)
    told = "; ".join([message, *lost])
    match severity:
        case Severity.CRITICAL:
            return Failed(name="Critical", message=told, data=CriticalVerdictError(job, parts or (message,)))
        case Severity.HEALTHY if not lost:
            return Completed(message=told, data=report)
        case None if not lost:
            return Completed(name="InsufficientData", message=told, data=report)
        case _:
            return Completed(name="Degraded", message=told, data=report)
