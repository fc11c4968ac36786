"""Equity as it was seen: what the account was worth at midnight is known when somebody looked then.

Of the first look of each day, and of each report, one is kept for long; of every minute, one for some months.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tradeops.adapters.store import Point, ReadableStore, Store
from tradeops.adapters.store.interface import Json
from tradeops.jobs.reports.kept import reading

SERIES = "equity_observations"
MINUTES = "equity_minutes"
NEAR = timedelta(minutes=10)
PEAK_WITHIN = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Worth:
    """What the account was worth at a moment. USDT.

    Attributes:
        at: aware.
        equity: with open positions at their marks.
        unrealised: the part of each symbol in it; `None` where only the sum was kept.
    """

    at: datetime
    equity: Decimal
    unrealised: Mapping[str, Decimal] | None = None


async def observe(
    store: Store,
    equity: Decimal,
    *,
    at: datetime,
    unrealised: Mapping[str, Decimal] | None = None,
) -> bool:
    """Keep what the account, with open positions at their marks, was worth; `False` when that moment is known.

    Raises:
        UnavailableError: the store could neither keep it nor put it aside for later.
    """
    return await store.add_point(SERIES, _point(Worth(at, equity, unrealised)))


async def observe_minute(store: Store, worth: Worth) -> bool:
    """Keep one look for each minute; `False` when the minute has one.

    Raises:
        UnavailableError: the store could neither keep it nor put it aside for later.
    """
    point = _point(worth)
    minute = worth.at.replace(second=0, microsecond=0)
    return await store.add_point(MINUTES, Point(minute.isoformat(), point.timestamp, point.body))


async def observed_near(store: Store, *moments: datetime) -> Mapping[datetime, Decimal]:
    """Equity by moment, of the observation next to each; a moment that nobody saw within 10 minutes is not in it.

    Raises:
        UnavailableError: the store does not answer.
    """
    seen = {moment: await worth_near(store, moment) for moment in moments}
    return {moment: worth.equity for moment, worth in seen.items() if worth is not None}


async def worth_near(store: ReadableStore, moment: datetime) -> Worth | None:
    """The observation next to a moment; `None` when nobody looked within 10 minutes of it.

    Raises:
        UnavailableError: the store does not answer.
    """
    points = [
        (series, point)
        for series in (SERIES, MINUTES)
        for point in await store.points(series, since=moment - NEAR, until=moment + NEAR)
    ]
    nearest = min(points, key=lambda one: abs(one[1].timestamp - moment), default=None)
    return None if nearest is None else _worth(*nearest)


async def highest(store: Store, *, now: datetime) -> Decimal | None:
    """The most that the account was worth in any minute of the last ninety days, to a cent; `None` if none is kept.

    Raises:
        UnavailableError: the store does not answer.
    """
    since = now - PEAK_WITHIN
    found = await store.roll_up(MINUTES, "equity", since=since, until=now, every=now - since)
    return Decimal(repr(found[0].maximum)) if found else None


def _point(worth: Worth) -> Point:
    body: dict[str, Json] = {"equity_usd": str(worth.equity), "equity": float(worth.equity)}
    if worth.unrealised is not None:
        body["unrealised_usd"] = {symbol: str(usd) for symbol, usd in worth.unrealised.items()}
    return Point(worth.at.isoformat(), worth.at, body)


def _worth(series: str, point: Point) -> Worth:
    with reading(series, point):
        parts: Any = point.body.get("unrealised_usd")
        unrealised = None if parts is None else {symbol: Decimal(usd) for symbol, usd in parts.items()}
        return Worth(point.timestamp, Decimal(str(point.body["equity_usd"])), unrealised)
