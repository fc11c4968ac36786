"""What was traded in a range, from closed trades in columns. Pure. Hundred-millionths of a USDT: sums are exact."""

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal

from tradeops.domain.figures import known, known_amount, unknown, unknown_amount
from tradeops.domain.window.columns import EPOCH, Columns, micros
from tradeops.domain.window.overview import DayValue, Trading
from tradeops.domain.window.values import Range

UNITS = 10**8
DAY_MICROS = 86_400 * 10**6
NO_TRADES = "no trade closed in this time"


def units_of(usd: Decimal) -> int:
    """An amount as it stands in a column; further digits are rounded."""
    return round(usd * UNITS)


def trading(trades: Columns, range_: Range, *, now: datetime) -> Trading:
    """Of trades whose field `pnl` is in units."""
    places = trades.between(micros(now - range_.length), micros(now) + 1)
    profits = [int(pnl) for pnl in trades.column("pnl", places)]
    days: dict[int, int] = defaultdict(int)
    for at, pnl in zip(trades.at[places[0] : places[1]], profits, strict=True):
        days[at // DAY_MICROS] += pnl
    wins = sum(pnl > 0 for pnl in profits)
    return Trading(
        trades=len(profits),
        win_rate_percent=known(100 * wins / len(profits)) if profits else unknown(NO_TRADES),
        realised=known_amount(Decimal(sum(profits)) / UNITS) if profits else unknown_amount(NO_TRADES),
        days=tuple(
            DayValue((EPOCH + timedelta(days=day)).date(), total / UNITS) for day, total in sorted(days.items())
        ),
    )
