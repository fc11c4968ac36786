"""Switches a strategy off that has lost too much; started by the guard's event, or by a person, and never retried."""

from typing import Any

from prefect import State, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows import presentation
from tradeops.domain.brakes import Order
from tradeops.errors import CriticalVerdictError, TradeOpsError
from tradeops.jobs.brake import emergency
from tradeops.jobs.brake.emergency import Emergency
from tradeops.rendering.brake import brake_page
from tradeops.rendering.notices import with_untold
from tradeops.settings import Settings, load_settings

NAME = "emergency-strategy-disable"
DISABLED = "tradeops.strategy.disabled"


@task(cache_policy=NO_CACHE)
async def brake(settings: Settings, order: Order, again: str) -> Emergency:
    """Switch it off and see that it is; the brake itself tries as often as it makes sense."""
    return await emergency.disable(settings, order, again=again)


@task(cache_policy=NO_CACHE)
async def record(settings: Settings, done: Emergency) -> tuple[str, ...]:
    """Keep it and tell people, once; returns what did not work."""
    return await emergency.record(settings, done)


@flow(timeout_seconds=60)
async def emergency_strategy_disable(
    strategy_name: str, reason: str, figures: dict[str, Any] | None = None, incident_id: str = ""
) -> State[Emergency]:
    """Brake, record, publish; ends `NotConfirmed` when it may still trade, and `Skipped` when it was released since.

    Args:
        strategy_name: `RSI Strategy`, `rsi`, `symbol:ETHUSDT` or `portfolio`.
        reason: why, one line.
        figures: names and values that say how bad it is.
        incident_id: of the guard's disable that this run is about.

    Raises:
        TradeOpsError: no such strategy or symbol, or a setting is wrong.
    """
    try:
        settings = load_settings()
        if incident_id and await emergency.is_over(settings, strategy_name, incident_id):
            return presentation.skipped(f"{strategy_name} was released since")
        told = {name: str(value) for name, value in (figures or {}).items()}
        done = await brake(settings, Order(strategy_name, reason, f"run {flow_run.get_name()}", told), incident_id)
        if done.disabled.released:
            return presentation.skipped(f"{strategy_name} was released meanwhile")
        untold = await record(settings, done)
        await publish(settings, done, untold)
    except TradeOpsError as error:
        return presentation.failed(error)
    return end_state(done)


async def publish(settings: Settings, done: Emergency, untold: tuple[str, ...]) -> None:
    """Make the artifact; tell automations of what is off."""
    off, outcome = done.disabled, done.outcome
    page = brake_page(
        off, outcome.timeline, done.risks, settings.zone, already_off=outcome.already_off, unlisted=done.unlisted
    )
    await presentation.publish(NAME, with_untold(page, untold))
    if outcome.confirmed:
        payload = {"strategy": off.target, "reason": off.reason, "incident_id": off.incident_id, "method": off.method}
        presentation.emit(DISABLED, f"tradeops.strategy.{off.target}", payload)


def end_state(done: Emergency) -> State[Emergency]:
    """The state that operators and automations see."""
    target = done.outcome.order.target
    if not done.outcome.confirmed:
        problem = f"{target} may still trade: {done.outcome.problem}"
        return Failed(name="NotConfirmed", message=problem, data=CriticalVerdictError(NAME, (problem,)))
    how = "was off already" if done.outcome.already_off else f"is off, by {done.outcome.method}"
    milliseconds = done.outcome.timeline[-1][1]
    return Completed(message=f"{target} {how}, confirmed after {milliseconds:.0f} ms", data=done)
