"""The trade archive: every closed trade that was ever seen is kept, so that history survives the engine."""

import asyncio
import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tradeops.adapters.store import Point, ReadableStore, Store
from tradeops.adapters.store.interface import Body
from tradeops.adapters.store.records import KEY
from tradeops.domain.portfolio.portfolio import ClosedTrade, Side
from tradeops.domain.readings import Reading
from tradeops.domain.texts import whole
from tradeops.domain.trade_history import TradeHistory, united
from tradeops.errors import ContractError, TradeOpsError
from tradeops.jobs.reports.kept import reading
from tradeops.wiring import Desk

SERIES = "trades"
PAGE = 20_000
ALWAYS, FOREVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Collected:
    """The closed trades of the engine and of the archive.

    Attributes:
        history: all of them.
        listed: the engine's answer: its clock, its skew, the records that were left out.
        added: trades that are new to the archive.
        trouble: why the archive could not be read or written, in words for the operator; empty when it could.
    """

    history: TradeHistory
    listed: Reading[tuple[ClosedTrade, ...]]
    added: int = 0
    trouble: str = ""


async def collect(desk: Desk) -> Collected:
    """Read the engine's closed trades, keep what is new, and unite them with what the archive knows.

    However often it is repeated, each trade is kept once. A store that fails costs no report: the engine's list is then
    all there is, and `trouble` says so.

    Raises:
        TradeOpsError: the engine's list cannot be read; see `EngineClient`.
    """
    listed = await desk.engine.closed_trades()
    try:
        archived = await archive(desk.store)
    except TradeOpsError as error:
        log.warning("the trade archive cannot be read: %s", error)
        trouble = f"our trade archive cannot be read, trades that the engine forgot are missing: {error.problem}"
        return Collected(united(listed.value, {}), listed, trouble=trouble)
    history = united(listed.value, archived)
    new = [trade for trade in listed.value if trade.id not in archived]
    try:
        await keep(desk.store, tuple(new))
    except TradeOpsError as error:
        log.warning("the trade archive cannot be written: %s", error)
        return Collected(history, listed, trouble=f"{len(new)} trades could not be kept: {error.problem}")
    return Collected(history, listed, added=len(new))


async def keep(store: Store, found: tuple[ClosedTrade, ...]) -> None:
    """Add trades to the archive; those that are there stay as they were first seen.

    Raises:
        UnavailableError: the store could neither keep them nor put them aside for later.
    """
    await store.add_points(SERIES, await asyncio.to_thread(lambda: [_point(trade) for trade in found]))


async def archive(store: Store, *, skip_damaged: bool = False) -> dict[str, ClosedTrade]:
    """All trades of the archive, by id.

    Args:
        store: where they are kept.
        skip_damaged: log a damaged record and leave it out; else the archive is refused.

    Raises:
        UnavailableError: the store does not answer.
        ContractError: a record is damaged, and none may be skipped.
    """
    found: dict[str, ClosedTrade] = {}
    since, limit = ALWAYS, PAGE
    while True:
        page = await store.points(SERIES, since=since, until=FOREVER, limit=limit)
        found |= await asyncio.to_thread(_by_id, page, skip_damaged=skip_damaged)
        if len(page) < limit:
            return found
        newest = page[-1].timestamp
        limit = limit if newest > since else limit * 2  # a page of one moment alone would come again and again
        since = newest


async def newest(store: ReadableStore, *, since: datetime, until: datetime, limit: int) -> list[ClosedTrade]:
    """The latest trades of the period in the archive, by closing time.

    Raises:
        UnavailableError: the store does not answer.
        ContractError: a record is damaged.
    """
    page = await store.points(SERIES, since=since, until=until, limit=limit, newest_first=True)
    return [trade_of(point) for point in reversed(page)]


def trade_of(point: Point) -> ClosedTrade:
    """The trade that a record of the archive holds.

    Raises:
        ContractError: it is damaged.
    """
    body: Mapping[str, Any] = point.body
    with reading(SERIES, point):
        lasted = body["duration_us"]
        return ClosedTrade(
            id=body["id"],
            symbol=body["symbol"],
            side=Side(body["side"]),
            entry_price=Decimal(body["entry_price"]),
            exit_price=Decimal(body["exit_price"]),
            quantity=Decimal(body["quantity"]),
            leverage=int(body["leverage"]),
            pnl=Decimal(body["pnl"]),
            opened_at=datetime.fromisoformat(body["opened_at"]),
            closed_at=point.timestamp,
            duration=None if lasted is None else lasted * MICROSECOND,
            strategy=body["strategy"],
        )


def _by_id(points: list[Point], *, skip_damaged: bool) -> dict[str, ClosedTrade]:
    found = {}
    for point in points:
        try:
            trade = trade_of(point)
        except ContractError as error:
            if not skip_damaged:
                raise
            log.warning("left out: %s", error)
        else:
            found[trade.id] = trade
    return found


def _point(trade: ClosedTrade) -> Point:
    body: Body = {
        "id": whole(trade.id),
        "symbol": whole(trade.symbol),
        "side": trade.side.value,
        "entry_price": str(trade.entry_price),
        "exit_price": str(trade.exit_price),
        "quantity": str(trade.quantity),
        "leverage": str(trade.leverage),
        "pnl": str(trade.pnl),
        "opened_at": trade.opened_at.isoformat(),
        "duration_us": None if trade.duration is None else trade.duration // MICROSECOND,
        "strategy": None if trade.strategy is None else whole(trade.strategy),
    }
    return Point(_key(trade.id), trade.closed_at, body)


def _key(trade_id: str) -> str:
    """The id where it can be a key; ids come from outside."""
    return trade_id if KEY.fullmatch(trade_id) else f"sha256:{hashlib.sha256(whole(trade_id).encode()).hexdigest()}"
