"""What people do with the brake: pull it, and release."""

from datetime import UTC, datetime, timedelta

from tradeops.adapters.engine.client import EngineClient
from tradeops.domain.brake_targets import Mapped
from tradeops.domain.brakes import Disabled, Order
from tradeops.jobs.brake import releases
from tradeops.jobs.brake.brake import brake
from tradeops.jobs.brake.journal import Journal
from tradeops.jobs.brake.pull import PACE, Outcome, Pace
from tradeops.jobs.brake.releases import PATIENCE, Released

ETH = "symbol:ETHUSDT"


async def pull(
    engine: EngineClient, journal: Journal, target: str = ETH, *, again: str = "", pace: Pace = PACE
) -> Outcome:
    order = Order(target, "lost too much", "a test")
    return await brake(engine, journal, order, mapped={}, pace=pace, again=again)


def seen_by_a_person(journal: Journal, target: str = ETH) -> Disabled:
    now = datetime.now(UTC)
    return releases.check(
        journal, target, reason="looked at it", operator="ann", mapped={}, now=now, cool_off=timedelta(0)
    )


async def let_go(
    engine: EngineClient,
    journal: Journal,
    target: str = ETH,
    *,
    seen: Disabled | None = None,
    mapped: Mapped | None = None,
    patience: timedelta = PATIENCE,
) -> Released:
    return await releases.release(
        engine,
        journal,
        seen or seen_by_a_person(journal, target),
        reason="looked at it",
        operator="ann",
        mapped=mapped or {},
        now=datetime.now(UTC),
        patience=patience,
    )
