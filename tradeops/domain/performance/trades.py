"""Figures of single trades in a row: rates, averages, streaks, time in the market."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, localcontext

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.figures import Amount, Figure, known, known_amount, unknown, unknown_amount
from tradeops.domain.performance.columns import EXACT, NO_TRADES, TradeColumns, microseconds, moment
from tradeops.domain.performance.metrics import NotableTrade, Sample, Streaks
from tradeops.domain.performance.windows import Window

NO_WIN = "no winning trade"
NO_LOSS = "no losing trade"
PLACES = Decimal("0.00000001")
MICROSECONDS_AN_HOUR = 3.6e9


def win_rate_percent(wins: int, trades: int) -> Figure:
    """Wins ÷ all closed trades × 100; one division, so that 11 of 20 are exactly 55."""
    return known(100 * wins / trades) if trades else unknown(NO_TRADES)


def average_profit_percent(sample: Sample | None) -> Figure:
    """Mean of profit ÷ notional at entry × 100 over all trades: the expectancy in percent.

    Rounded to 12 places: the dust of binary fractions must not put a mean of exactly 1.5 below 1.5.
    """
    return known(round(sample.mean, 12)) if sample else unknown(NO_TRADES)


def mean_amount(total: Decimal, count: int, reason: str) -> Amount:
    """Total ÷ count, rounded to 8 places; n/a for the reason when there is nothing to divide by."""
    if not count:
        return unknown_amount(reason)
    with localcontext(EXACT):
        return known_amount((total / count).quantize(PLACES))


def profit_factor(gross_profit: Decimal, gross_loss: Decimal, trades: int) -> Figure:
    """Gross profit ÷ gross loss; without a loss it is n/a, not infinite.

    Source: J. D. Schwager, "Schwager on Futures: Technical Analysis", 1996.
    """
    if not trades:
        return unknown(NO_TRADES)
    return known(quotient(gross_profit, gross_loss)) if gross_loss else unknown(NO_LOSS)


def payoff_ratio(gross_profit: Decimal, wins: int, gross_loss: Decimal, losses: int) -> Figure:
    """Average win ÷ average loss. The engine shows it under the name of profit factor."""
    if not wins or not losses:
        return unknown(NO_LOSS if wins else NO_WIN if losses else "no winning and no losing trade")
    return known(quotient(gross_profit * losses, gross_loss * wins))


def streaks(columns: TradeColumns) -> Streaks:
    """Runs of one sign, in the order of the columns."""
    return streaks_of(columns.pnl_usd)


def streaks_of(pnl_usd: NDArray[np.float64]) -> Streaks:
    """The same of profits alone, in the order of their trades' close."""
    if not len(pnl_usd):
        return Streaks(longest_wins=0, longest_losses=0, current=0)
    signs = np.sign(pnl_usd).astype(np.int64)
    ends = np.append(np.flatnonzero(np.diff(signs)), len(signs) - 1)
    lengths = np.diff(ends, prepend=-1)
    outcomes = signs[ends]
    return Streaks(
        longest_wins=int(lengths[outcomes > 0].max(initial=0)),
        longest_losses=int(lengths[outcomes < 0].max(initial=0)),
        current=int(lengths[-1] * outcomes[-1]),
    )


def exposure_percent(columns: TradeColumns, window: Window, open_since: Sequence[datetime] | None) -> Figure:
    """Share of the window with at least one position open, × 100; overlapping positions count once.

    Trades that were open in the window count wherever they were closed, and so do positions that are still open.
    """
    if open_since is None:
        return unknown("the open positions are not known")
    since, until = microseconds([window.since, window.until])
    opened = np.concatenate([columns.opened_at, microseconds(open_since)])
    closed = np.concatenate([columns.closed_at, np.full(len(open_since), until)])
    touching = (opened < until) & (closed > since)
    starts = np.maximum(opened[touching], since).astype(np.int64)
    ends = np.minimum(closed[touching], until).astype(np.int64)
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], ends[order]
    covered_until = np.maximum.accumulate(np.concatenate([[since.astype(np.int64)], ends]))[:-1]
    covered = np.maximum(ends - np.maximum(starts, covered_until), 0).sum()
    return known(100 * int(covered) / int((until - since).astype(np.int64)))


def average_holding_hours(columns: TradeColumns) -> Figure:
    """Mean of close less open; the engine's own duration may be missing and is not needed."""
    if not len(columns):
        return unknown(NO_TRADES)
    return known(float((columns.closed_at - columns.opened_at).astype(np.int64).mean()) / MICROSECONDS_AN_HOUR)


def notable_trade(columns: TradeColumns, *, best: bool) -> NotableTrade | None:
    """The trade with the highest profit, or the lowest; of equals the earliest, `None` of none."""
    if not len(columns):
        return None
    place = int(np.argmax(columns.pnl_usd) if best else np.argmin(columns.pnl_usd))
    return NotableTrade(
        id=columns.ids[place],
        symbol=columns.symbols[place],
        closed_at=moment(columns.closed_at[place]),
        pnl_usd=columns.pnl[place],
        return_percent=float(columns.return_percent[place]),
    )


def quotient(above: Decimal, below: Decimal) -> float:
    """Of exact sums: rounded once."""
    with localcontext(EXACT):
        return float(above / below)
