"""When a month's cost reaches its limits at the present pace. Pure. US dollars."""

import math
from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from tradeops.domain.figures import Amount, known, known_amount, unknown, unknown_amount
from tradeops.domain.window.money import Burn

DAY = timedelta(days=1)


def month_end(day: date) -> datetime:
    """When the month of that day is over, UTC."""
    return datetime(day.year, day.month, monthrange(day.year, day.month)[1], tzinfo=UTC) + DAY


def pace(spent: Amount, projected: Amount, *, as_of: datetime) -> Amount:
    """What a day costs from now to the month's end: what is still to be spent by the projection, for each day left."""
    if spent.value is None or projected.value is None:
        return unknown_amount(spent.reason or projected.reason)
    days = Decimal((month_end(as_of.date()) - as_of) / DAY)
    if days <= 0:
        return unknown_amount("the month is over")
    return known_amount(max(projected.value - spent.value, Decimal(0)) / days)


def burns(
    limits: Mapping[str, Decimal],
    spent: Amount,
    a_day: Amount,
    days: Sequence[tuple[date, Decimal]],
    *,
    as_of: datetime,
) -> tuple[Burn, ...]:
    """Each limit of the month with the day on which it is reached; equality does not cross a limit.

    Args:
        limits: by name.
        spent: in the month, at `as_of`.
        a_day: the pace from there on.
        days: spent from the month's first to the end of each day, of the days that are known, the oldest first.
        as_of: aware.
    """
    return tuple(_burn(name, limit, spent, a_day, days, as_of) for name, limit in limits.items())


def _burn(
    name: str,
    limit: Decimal,
    spent: Amount,
    a_day: Amount,
    days: Sequence[tuple[date, Decimal]],
    as_of: datetime,
) -> Burn:
    if spent.value is None:
        return Burn(name, limit, unknown(spent.reason), None, f"n/a: {spent.reason}")
    used = known(float(100 * spent.value / limit)) if limit > 0 else unknown("the limit is zero")
    if spent.value > limit:
        crossed = next((day for day, total in days if total > limit), as_of.date())
        return Burn(name, limit, used, crossed, f"passed on {crossed:%Y-%m-%d}")
    if a_day.value is None:
        return Burn(name, limit, used, None, f"no projection: {a_day.reason}")
    if a_day.value <= 0:
        return Burn(name, limit, used, None, "not reached: nothing more is projected for this month")
    left = (limit - spent.value) / a_day.value
    seconds = min(float(left) * 86_400, 400 * 86_400)
    hit = as_of + timedelta(seconds=math.ceil(seconds))
    if hit >= month_end(as_of.date()):
        return Burn(name, limit, used, None, "not reached in this month at the present pace")
    return Burn(name, limit, used, hit.date(), f"reached on {hit:%Y-%m-%d} at the present pace")
