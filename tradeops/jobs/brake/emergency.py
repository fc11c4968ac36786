"""The steps of the job that disables a strategy: brake, look at what stays open, record. Braking waits for nothing."""

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tradeops.adapters.engine.client import EngineClient
from tradeops.domain.brakes import Disabled, Kind, Order
from tradeops.domain.position_risk import PositionRisk
from tradeops.errors import MisconfiguredError, TradeOpsError
from tradeops.jobs.brake import telling
from tradeops.jobs.brake.brake import brake
from tradeops.jobs.brake.journal import Journal
from tradeops.jobs.brake.pull import Outcome
from tradeops.jobs.brake.records import COLLECTION, key_of_target
from tradeops.settings import Settings
from tradeops.wiring import open_guard, open_quick_engine

ASKING_WITHIN = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Emergency:
    """What the job did.

    Attributes:
        outcome: of the brake.
        disabled: what stands now, or was released meanwhile.
        risks: the positions that stay open; empty when `unlisted` says why they are not known.
        unlisted: see there.
    """

    outcome: Outcome
    disabled: Disabled
    risks: tuple[PositionRisk, ...]
    unlisted: str = ""


async def is_over(settings: Settings, target: str, incident_id: str) -> bool:
    """Whether a person has released that very disable since; `False` where nobody can tell.

    A run may start long after its event: what was released meanwhile must not be switched off again by it.
    """
    with contextlib.suppress(TradeOpsError, TimeoutError):
        records = Journal(settings.home_folder).records()
        if any(record.kind is Kind.RELEASE and record.incident_id == incident_id for record in records):
            return True
        async with asyncio.timeout(ASKING_WITHIN.total_seconds()), open_guard(settings) as guard:
            there = await guard.store.get(COLLECTION, key_of_target(target))
        if there is not None and there.body["incident_id"] == incident_id:
            return there.body["released_at"] is not None
    return False


async def disable(settings: Settings, order: Order, *, again: str = "") -> Emergency:
    """Brake, then see what stays open; what was braked already is found done.

    Args:
        settings: of the installation.
        order: what and why.
        again: as for `brake`.

    Raises:
        RejectedError: no such strategy or symbol.
        MisconfiguredError: RUST_API_URL is not set.
    """
    journal = Journal(settings.home_folder)
    async with open_quick_engine(settings) as engine:
        if engine is None:
            raise MisconfiguredError("settings", "RUST_API_URL is not set", remedy="set it to the engine's address")
        outcome = await brake(engine, journal, order, mapped=settings.strategy_symbols, again=again)
        disabled = telling.standing_after(outcome, journal)
        try:
            risks = await telling.still_open(engine, outcome.affected_symbols)
        except TradeOpsError as error:
            return Emergency(outcome, disabled, (), str(error))
    return Emergency(outcome, disabled, risks)


async def stop_engine(engine: EngineClient) -> str:
    """Stop all paper trading, with the supervision of stop-loss and take-profit; returns why it did not, or nothing."""
    try:
        await engine.levers.stop_engine()
        status = await engine.status()
    except TradeOpsError as error:
        return str(error)
    return "engine: it said yes and is still running" if status.value.is_running else ""


async def record(settings: Settings, done: Emergency) -> tuple[str, ...]:
    """Keep what the brake wrote down and tell people, once; a line for each thing that did not work. Never raises."""
    stage = "confirmed" if done.disabled.confirmed else "not-confirmed"
    seen = telling.looks(done.disabled, at=datetime.now(UTC))
    incident_id = done.disabled.incident_id
    return await telling.record(settings, Journal(settings.home_folder), seen, incident_id=incident_id, stage=stage)
