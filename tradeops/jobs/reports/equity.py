"""Equity as it was seen: what the account was worth at midnight is known when somebody looked then.

Of the first look of each day, and of each report, one is kept for long; of every minute, one for some months.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tradeops.adapters.store import Point, ReadableStore, Store
from tradeops.adapters.store.interface import Json
from tradeops.domain.day_start import AT_ONCE, NEAR, Worth
from tradeops.domain.texts import whole
from tradeops.errors import ContractError
from tradeops.jobs.reports.kept import reading

SERIES = "equity_observations"
MINUTES = "equity_minutes"
PEAK_WITHIN = timedelta(days=90)

log = logging.getLogger(__name__)


async def observe(
    store: Store,
    equity: Decimal,
    *,
    at: datetime,
    marks: Mapping[str, Decimal] | None = None,
) -> bool:
    """Keep what the account, with open positions at their marks, was worth; `False` when that moment is known.

    Raises:
        UnavailableError: the store could neither keep it nor put it aside for later.
    """
    return await store.add_point(SERIES, _point(Worth(at, equity, marks)))


async def observe_minute(store: Store, worth: Worth) -> bool:
    """Keep one look for each minute; `False` when the minute has one.

    Raises:
        UnavailableError: the store could neither keep it nor put it aside for later.
    """
    point = _point(worth)
    minute = worth.at.replace(second=0, microsecond=0)
    return await store.add_point(MINUTES, Point(minute.isoformat(), point.timestamp, point.body))


async def observed_near(store: Store, *moments: datetime) -> Mapping[datetime, Decimal]:
    """Equity by moment, of the look next to each; a moment that nobody saw within 15 seconds is not in it.

    Raises:
        UnavailableError: the store does not answer.
    """
    seen = {moment: await _nearest(store, moment, within=AT_ONCE) for moment in moments}
    return {moment: worth.equity for moment, worth in seen.items() if worth is not None}


async def looks_near(store: ReadableStore, moment: datetime) -> tuple[Worth, ...]:
    """All looks within 10 minutes of a moment; a record that cannot be read is logged, and costs no other.

    Raises:
        UnavailableError: the store does not answer.
    """
    looks = []
    for series, point in await _points(store, moment, within=NEAR):
        try:
            looks.append(_worth(series, point))
        except ContractError as error:
            log.warning("left out: %s", error)
    return tuple(looks)


async def _nearest(store: ReadableStore, moment: datetime, *, within: timedelta) -> Worth | None:
    points = await _points(store, moment, within=within)
    nearest = min(points, key=lambda one: abs(one[1].timestamp - moment), default=None)
    return None if nearest is None else _worth(*nearest)


async def _points(store: ReadableStore, moment: datetime, *, within: timedelta) -> list[tuple[str, Point]]:
    until = moment + within + timedelta.resolution
    return [
        (series, point)
        for series in (SERIES, MINUTES)
        for point in await store.points(series, since=moment - within, until=until)
    ]


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
    if worth.marks is not None:  # pairs, since an id may be no key of a document
        body["marks_usd"] = [[whole(name), str(usd)] for name, usd in worth.marks.items()]
    return Point(worth.at.isoformat(), worth.at, body)


def _worth(series: str, point: Point) -> Worth:
    with reading(series, point):
        marks: Any = point.body.get("marks_usd")
        by_symbol: Any = point.body.get("unrealised_usd")  # of an earlier release
        return Worth(
            point.timestamp,
            Decimal(str(point.body["equity_usd"])),
            None if marks is None else {str(name): Decimal(usd) for name, usd in marks},
            None if by_symbol is None else {symbol: Decimal(usd) for symbol, usd in by_symbol.items()},
        )
