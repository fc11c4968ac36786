"""What people are told of a brake: the same incident, once, whoever pulled it and however often."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from tradeops.adapters.engine.client import EngineClient
from tradeops.domain.brakes import Disabled
from tradeops.domain.incidents.model import CERTAIN, Observation
from tradeops.domain.notices import Level
from tradeops.domain.position_risk import PositionRisk, risks_of
from tradeops.errors import TradeOpsError
from tradeops.jobs.alerts import alerting
from tradeops.jobs.alerts.incidents import Ground
from tradeops.jobs.brake.journal import Journal
from tradeops.jobs.brake.pull import Outcome
from tradeops.jobs.brake.records import replay
from tradeops.settings import Settings
from tradeops.wiring import open_guard

RECORDING_WITHIN = timedelta(seconds=5)
log = logging.getLogger(__name__)
STAY = "open positions stay open, supervised by the engine"


def looks(disabled: Disabled, *, at: datetime) -> Mapping[str, tuple[Observation, ...]]:
    """What there is to observe of a target that is off, or should be, by the source that observes it.

    `brake:TARGET` is open from when it is known to be off until the release, `brake-unconfirmed:TARGET` before that. Of
    what was released meanwhile there is nothing: the release tells that.
    """
    if disabled.released:
        return {}
    if disabled.confirmed:
        symbols = ", ".join(disabled.symbols)
        said = f"switched off ({symbols}): {disabled.reason}; {STAY}; only `tradeops release` switches it on again"
        off = Observation(f"brake:{disabled.target}", Level.CRITICAL, said, at, CERTAIN)
        sure = Observation(f"brake-unconfirmed:{disabled.target}", None, "confirmed", at, CERTAIN)
        return {"brake": (off,), "emergency": (sure,)}
    told = f"NOT CONFIRMED to be off ({disabled.reason}): {disabled.problem or 'no answer yet'}; it is tried again"
    doubt = Observation(f"brake-unconfirmed:{disabled.target}", Level.CRITICAL, told, at, CERTAIN)
    return {"emergency": (doubt,)}


def looks_after_release(target: str, *, at: datetime) -> Mapping[str, tuple[Observation, ...]]:
    """What there is to observe of a target that a person released."""
    return {
        "brake": (Observation(f"brake:{target}", None, "released", at, CERTAIN),),
        "emergency": (Observation(f"brake-unconfirmed:{target}", None, "released", at, CERTAIN),),
    }


async def tell(
    ground: Ground, seen: Mapping[str, tuple[Observation, ...]], *, incident_id: str, stage: str
) -> tuple[str, ...]:
    """Tell people, once for each incident and stage; returns what did not work. Never raises.

    Args:
        ground: a desk.
        seen: as `looks` gives it.
        incident_id: of the disable.
        stage: `confirmed`, `not-confirmed` or `released`.
    """
    lines: list[str] = []
    for source, observations in seen.items():
        if observations:
            run_id = f"{incident_id}:{source}:{stage}"
            lines += await alerting.tell(ground, observations, source=source, run_id=run_id)
    return tuple(dict.fromkeys(lines))


async def record(
    settings: Settings,
    journal: Journal,
    seen: Mapping[str, tuple[Observation, ...]],
    *,
    incident_id: str,
    stage: str,
) -> tuple[str, ...]:
    """Bring journal and store together and `tell`; a line for each thing that did not work, and will by itself later.

    Takes some seconds at most, and never raises.
    """
    lines: list[str] = []
    try:
        async with open_guard(settings) as guard:
            try:
                async with asyncio.timeout(RECORDING_WITHIN.total_seconds()):
                    await replay(journal, guard.store)
            except (TradeOpsError, TimeoutError) as error:
                lines.append(f"recorded in {journal.path}, in the store later: {str(error) or 'no answer in time'}")
            except Exception:
                log.exception("the store was not told of the brake")
                lines.append(f"recorded in {journal.path}; for the store our own code broke, see the log")
            lines += await tell(guard, seen, incident_id=incident_id, stage=stage)
    except TradeOpsError as error:
        lines.append(str(error))
    return tuple(lines)


def standing_after(outcome: Outcome, journal: Journal) -> Disabled:
    """What stands after a brake, or was released since; by its outcome alone where the journal does not tell."""
    order, released = outcome.order, outcome.released
    with contextlib.suppress(TradeOpsError):
        if (there := journal.standing().get(order.target)) is not None:
            return there
        released = released or journal.is_over(order.target, outcome.incident_id)
    return Disabled(
        target=order.target,
        since=outcome.disabled_at or datetime.now(UTC),
        incident_id=outcome.incident_id,
        reason=order.reason,
        actor=order.actor,
        figures=order.figures,
        symbols=outcome.affected_symbols,
        confirmed=outcome.confirmed,
        confirmed_at=outcome.disabled_at,
        method=outcome.method,
        problem=outcome.problem,
        released=released,
    )


async def still_open(engine: EngineClient, symbols: tuple[str, ...]) -> tuple[PositionRisk, ...]:
    """The open positions in these symbols and what they put at stake; not part of braking, for those who are told.

    Raises:
        TradeOpsError: the engine does not list its positions.
    """
    trades, prices, settings = await asyncio.gather(
        engine.open_trades(), engine.prices(), engine.basic_settings(), return_exceptions=True
    )
    if isinstance(trades, BaseException):
        raise trades
    return risks_of(
        tuple(trade for trade in trades.value if trade.symbol in symbols),
        prices=None if isinstance(prices, BaseException) else prices.value,
        price_problem=str(prices) if isinstance(prices, BaseException) else "",
        fee_fraction=None if isinstance(settings, BaseException) else settings.value.trading_fee_fraction,
    )
