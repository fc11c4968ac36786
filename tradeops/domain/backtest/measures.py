"""The figures of a run, each with its unit and why it may be n/a."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from tradeops.domain.backtest.course import HOUR, PERCENT, REASONS, Course, Reason, Run
from tradeops.domain.candle_columns import Floats
from tradeops.domain.figures import Figure, known, unknown
from tradeops.domain.performance import DailyReturns, Streaks, Window, ratios
from tradeops.domain.performance.certainty import win_rate_interval_percent
from tradeops.domain.performance.columns import NO_TRADES
from tradeops.domain.performance.trades import NO_LOSS, streaks_of, win_rate_percent


@dataclass(frozen=True, slots=True)
class BacktestFigures:
    """Equity is looked at on each close, open positions valued there; trades are closed ones.

    Attributes:
        winning_trades: profit after all costs above zero; one of exactly zero is neither winning nor losing.
        win_rate_percent: wins ÷ trades, with Wilson's 95 % interval.
        total_return_percent: equity at the end ÷ at the start - 1.
        annualized_return_percent: compound; n/a below 90 days, like `calmar_ratio` (it ÷ deepest drawdown).
        sharpe_ratio: of daily returns: mean ÷ sample deviation × √365, risk-free 0; n/a with trades on fewer than 5
            days.
        sortino_ratio: of daily returns: mean ÷ root mean square of the negative ones over all days × √365.
        max_drawdown_percent: deepest fall below the highest equity so far, positive.
        profit_factor: gross profit ÷ gross loss.
        average_profit_percent: mean of profit ÷ notional at entry.
        average_holding_hours: from the open of the entry candle to the open of the exit candle, or its close when the
            trade ended inside.
        exposure_percent: share of the candles in which a position was open, in part or whole.
        turnover: notional of all fills ÷ balance at the start.
        fees_usd: of all fills, like `funding_usd` (paid; negative when received) part of the profit already.
        liquidations: how many positions the market took.
        buy_and_hold_percent: of buying at the first open for all the balance and selling at the last close, with fees.
        excess_percent: total return less buy and hold, percentage points.
    """

    total_trades: int
    winning_trades: int
    losing_trades: int
    win_rate_percent: Figure
    win_rate_low_percent: Figure
    win_rate_high_percent: Figure
    total_return_percent: Figure
    annualized_return_percent: Figure
    sharpe_ratio: Figure
    sortino_ratio: Figure
    calmar_ratio: Figure
    max_drawdown_percent: Figure
    profit_factor: Figure
    average_profit_percent: Figure
    average_holding_hours: Figure
    exposure_percent: Figure
    turnover: Figure
    fees_usd: float
    funding_usd: float
    liquidations: int
    streaks: Streaks
    buy_and_hold_percent: Figure
    excess_percent: Figure


def window_of(course: Course, run: Run) -> Window:
    """From the open of the first candle to the close of the last."""
    period = timedelta(microseconds=course.candles.period)
    return Window(course.candles.time(run.start), course.candles.time(run.stop - 1) + period)


def measured(course: Course, run: Run, of_days: DailyReturns) -> BacktestFigures:
    """Every figure of one run."""
    table = run.trades
    closed = table.closed
    pnl = table.pnl_usd[closed]
    wins, losses, count = int((pnl > 0).sum()), int((pnl < 0).sum()), len(pnl)
    low, high = win_rate_interval_percent(wins, count)
    balance = course.rules.balance_usd
    total = known(PERCENT * (run.equity_usd[-1] / balance - 1))
    annualized = ratios.annualized_return_percent(window_of(course, run), total)
    fall = known(PERCENT * run.deepest_drawdown_fraction)
    held = _buy_and_hold_percent(course, run)
    gross_loss = -float(pnl[pnl < 0].sum())
    returns, hours = table.return_percent[closed], _hours(course, run)[closed]
    return BacktestFigures(
        total_trades=count,
        winning_trades=wins,
        losing_trades=losses,
        win_rate_percent=win_rate_percent(wins, count),
        win_rate_low_percent=low,
        win_rate_high_percent=high,
        total_return_percent=total,
        annualized_return_percent=annualized,
        sharpe_ratio=ratios.sharpe_ratio(of_days, ratios.sample_of(of_days.return_fraction)),
        sortino_ratio=ratios.sortino_ratio(of_days),
        calmar_ratio=ratios.calmar_ratio(annualized, fall) if count else unknown(NO_TRADES),
        max_drawdown_percent=fall,
        profit_factor=_profit_factor(float(pnl[pnl > 0].sum()), gross_loss, count),
        average_profit_percent=known(returns.mean()) if count else unknown(NO_TRADES),
        average_holding_hours=known(hours.mean()) if count else unknown(NO_TRADES),
        exposure_percent=known(PERCENT * _candles_held(run) / (run.stop - run.start)),
        turnover=known(_traded_usd(run) / balance),
        fees_usd=float(table.fees_usd.sum()),
        funding_usd=float(table.funding_usd.sum()),
        liquidations=int((table.reason == REASONS.index(Reason.LIQUIDATION)).sum()),
        streaks=streaks_of(pnl),
        buy_and_hold_percent=known(held),
        excess_percent=known(PERCENT * (run.equity_usd[-1] / balance - 1) - held),
    )


def _profit_factor(gross_profit: float, gross_loss: float, count: int) -> Figure:
    if not count:
        return unknown(NO_TRADES)
    return known(gross_profit / gross_loss) if gross_loss else unknown(NO_LOSS)


def _hours(course: Course, run: Run) -> Floats:
    opened = course.candles.opened_at
    ends = opened[run.trades.exit_place] + run.trades.inside * course.candles.period
    hours: Floats = (ends - opened[run.trades.entry_place]) / HOUR
    return hours


def _candles_held(run: Run) -> int:
    held = np.zeros(run.stop - run.start + 1, dtype=np.int64)
    np.add.at(held, run.trades.entry_place - run.start, 1)
    np.add.at(held, run.trades.exit_place - run.start + run.trades.inside, -1)
    return int((np.cumsum(held) > 0).sum())


def _traded_usd(run: Run) -> float:
    table = run.trades
    return float((table.quantity * (table.entry_price + np.where(table.closed, table.exit_price, 0))).sum())


def _buy_and_hold_percent(course: Course, run: Run) -> float:
    """Quantity for all the balance after the fee, and the fee of selling."""
    fee = course.rules.fee_percent / PERCENT
    growth = course.candles.close[run.stop - 1] / course.candles.open[run.start]
    return float(PERCENT * (growth * (1 - fee) / (1 + fee) - 1))
