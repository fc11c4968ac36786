"""Checks every quarter of an hour that the bot and what it stands on answer."""

import asyncio
from datetime import UTC, datetime, timedelta

from prefect import State, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run
from prefect.tasks import exponential_backoff

from flows import presentation, starting
from tradeops.domain.health import HealthReport, PreviousRun, Round, assess
from tradeops.domain.incidents.of_health import observations
from tradeops.errors import TradeOpsError
from tradeops.jobs.alerts import alerting
from tradeops.jobs.alerts.past_outbox import tell_directly
from tradeops.jobs.monitoring import health
from tradeops.jobs.monitoring.heartbeats import heartbeat
from tradeops.rendering.health import health_page
from tradeops.rendering.notices import with_untold
from tradeops.wiring import Desk, open_desk

PERIOD = timedelta(minutes=15)
DIRECTLY_SECONDS = 4.0


@task(cache_policy=NO_CACHE)
async def probe_everything(desk: Desk) -> Round:
    """Probe all configured parts at once; a dead part is a result here, not a failed task."""
    return await health.probe_all(desk)


@task(
    cache_policy=NO_CACHE,
    timeout_seconds=4,  # all tries together end before the flow's deadline
    retries=2,
    retry_delay_seconds=exponential_backoff(1),
    retry_jitter_factor=0.5,
    retry_condition_fn=presentation.is_transient,
)
async def record(desk: Desk, report: HealthReport) -> None:
    """Keep the report, once however often this is repeated: uptime and incidents are computed from it."""
    await health.record(desk, report, run_id=str(flow_run.get_id()))


@task(cache_policy=NO_CACHE)
async def tell(desk: Desk, report: HealthReport) -> tuple[str, ...]:
    """Open and resolve incidents, and hand over what waits; returns what did not work, since that fails no run.

    What is critical goes straight to the channels where our store is down.
    """
    looks, run_id = observations(report), str(flow_run.get_id())
    untold = await alerting.tell(desk, looks, source="health", run_id=run_id)
    if not untold or not untold[0].startswith(alerting.NOT_COUNTED):
        return untold
    telling = tell_directly(desk.settings, looks, run_id=run_id, because=untold[0])
    [failure] = await asyncio.gather(asyncio.wait_for(telling, DIRECTLY_SECONDS), return_exceptions=True)
    return untold if failure is None else (*untold, f"not told directly: {str(failure) or 'no channel in time'}")


async def tell_and_publish(desk: Desk, report: HealthReport, before: PreviousRun | None) -> None:
    """Publish last: the artifact says what could not be told."""
    untold = await tell(desk, report)
    page = with_untold(health_page(report, before, desk.settings.zone), untold)
    await presentation.publish("system-health-check", page)


@flow(timeout_seconds=30)
async def system_health_check() -> State[HealthReport]:
    """Probe, judge, tell, publish and record; ends `Critical` or `Degraded` when the bot is.

    It comes often, so it also sees to it that a decision which was left behind is finished in time.

    A run that starts so late that the next one is due ends `Skipped`: a backlog is not replayed.

    Raises:
        MisconfiguredError: a setting is missing or wrong; names it.
    """
    if (late := presentation.lateness()) > PERIOD:
        return presentation.skipped(f"{late.total_seconds() / 60:.0f} min late: the next run is due")
    try:
        async with (
            open_desk(needs_store=False) as desk,
            heartbeat(desk, "system-health-check", run_id=str(flow_run.get_id())),
        ):
            before, probed = await asyncio.gather(health.previous_run(desk), probe_everything(desk))
            report = assess(probed, health.thresholds(desk.settings))
            kept = await asyncio.gather(
                tell_and_publish(desk, report, before),
                record(desk, report),
                starting.finish_decision(desk, now=datetime.now(UTC)),
                return_exceptions=True,
            )
    except TradeOpsError as error:
        return presentation.failed(error)
    parts = report.named(report.overall)
    return presentation.end_state(
        "system-health-check", report, report.overall, report.summary, parts=parts, mishaps=kept
    )
