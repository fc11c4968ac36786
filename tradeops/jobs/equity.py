"""Equity as it was seen: what the account was worth at midnight is known when somebody looked then."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from tradeops.adapters.store import Point, Store

SERIES = "equity_observations"
NEAR = timedelta(minutes=10)


async def observe(store: Store, equity: Decimal, *, at: datetime) -> bool:
    """Keep what the account, with open positions at their marks, was worth; `False` when that moment is known.

    Raises:
        UnavailableError: the store could neither keep it nor put it aside for later.
    """
    return await store.add_point(SERIES, Point(at.isoformat(), at, {"equity_usd": str(equity)}))


async def observed_near(store: Store, *moments: datetime) -> Mapping[datetime, Decimal]:
    """Equity by moment, of the observation next to each; a moment that nobody saw within 10 minutes is not in it.

    Raises:
        UnavailableError: the store does not answer.
    """
    found: dict[datetime, Decimal] = {}
    for moment in moments:
        points = await store.points(SERIES, since=moment - NEAR, until=moment + NEAR)
        if nearest := min(points, key=lambda point: abs(point.timestamp - moment), default=None):
            found[moment] = Decimal(str(nearest.body["equity_usd"]))
    return found
