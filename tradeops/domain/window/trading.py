"""What was traded in a range, from closed trades in columns. Pure. Hundred-millionths of a USDT: sums are exact."""

from datetime import datetime, timedelta
from decimal import Decimal

from tradeops.domain.figures import known, known_amount, unknown, unknown_amount
from tradeops.domain.window.columns import EPOCH, Columns, micros
from tradeops.domain.window.money import DayValue, Trading
from tradeops.domain.window.values import Range

UNITS = 10**8
DAY_MICROS = 86_400 * 10**6
NO_TRADES = "no trade closed in this time"


def units_of(usd: Decimal) -> int:
    """An amount as it stands in a column; further digits are rounded."""
    return round(usd * UNITS)


def trading(trades: Columns, range_: Range, *, now: datetime) -> Trading:
    """Of trades whose field `pnl` is in units."""
    since, until = micros(now - range_.length), micros(now) + 1
    places = trades.between(since, until)
    count = places[1] - places[0]
    profits = trades.column("pnl", places)
    days = []
    for day in range(since // DAY_MICROS, until // DAY_MICROS + 1):
        first, end = trades.between(max(since, day * DAY_MICROS), min(until, (day + 1) * DAY_MICROS))
        if first < end:
            total = sum(trades.column("pnl", (first, end)))
            days.append(DayValue((EPOCH + timedelta(days=day)).date(), total / UNITS))
    return Trading(
        trades=count,
        win_rate_percent=known(100 * sum(map((0.0).__lt__, profits)) / count) if count else unknown(NO_TRADES),
        realised=known_amount(Decimal(int(sum(profits))) / UNITS) if count else unknown_amount(NO_TRADES),
        days=tuple(days),
    )
