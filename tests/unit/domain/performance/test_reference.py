"""Agreement with quantstats to 1e-9: one trade a day, so that its periods are our days."""

import math
import warnings
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import quantstats.stats as reference

from tests.unit.domain.performance.samples import DAY, START, daily, measured, trade
from tradeops.domain.figures import Figure, known, known_amount
from tradeops.domain.performance import Performance, Window

EQUITY = Decimal(10_000)


def compounded(returns: Sequence[float]) -> tuple[Performance, pd.Series]:
    """Trades whose daily returns are these on a compounding account, and the series a reference computes from."""
    equity = float(EQUITY) * np.cumprod([1.0, *(1 + np.asarray(returns))])
    trades = daily([Decimal(pnl) for pnl in np.diff(equity).tolist()])
    window = Window(START, START + len(returns) * DAY)
    days = pd.date_range(START, periods=len(returns), freq="D")
    return measured(trades, window=window, equity=known_amount(EQUITY)), pd.Series(returns, index=days)


def agree(ours: Figure, theirs: float) -> bool:
    return ours.value is not None and math.isclose(ours.value, theirs, rel_tol=1e-9, abs_tol=1e-12)


def check(returns: Sequence[float]) -> None:
    performance, series = compounded(returns)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own ways with pandas
        assert agree(performance.sharpe_ratio, reference.sharpe(series, periods=365))
        assert agree(performance.sortino_ratio, reference.sortino(series, periods=365))
        assert agree(performance.drawdown.percent, -100 * reference.max_drawdown(series))
        assert agree(performance.total_return_percent, 100 * reference.comp(series))
        assert agree(performance.annualized_return_percent, 100 * reference.cagr(series, periods=365))
        assert agree(performance.calmar_ratio, reference.calmar(series, periods=365))
        without_zeros = known(performance.wins / (performance.wins + performance.losses))  # theirs leaves them out
        assert agree(without_zeros, reference.win_rate(series, prepare_returns=False))
        assert performance.streaks.longest_wins == reference.consecutive_wins(series, prepare_returns=False)
        assert performance.streaks.longest_losses == reference.consecutive_losses(series, prepare_returns=False)


def check_trades(percents: Sequence[float]) -> None:
    """Ratios of single trades: quantstats takes each for a period of a series."""
    trades = daily([Decimal(percent) * 10 for percent in percents])  # on a notional of 1,000
    performance = measured(trades, window=Window(START, START + len(percents) * DAY))
    series = pd.Series(percents, index=pd.date_range(START, periods=len(percents), freq="D")) / 100
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert agree(performance.sharpe_per_trade, reference.sharpe(series, annualize=False))
        assert agree(performance.profit_factor, reference.profit_factor(series, prepare_returns=False))
        assert agree(performance.payoff_ratio, reference.payoff_ratio(series, prepare_returns=False))
        assert agree(performance.average_profit_percent, 100 * series.mean())


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("days", [90, 365, 1000])
def test_random_returns(seed: int, days: int) -> None:
    rng = np.random.default_rng([seed, days])
    returns = rng.normal(0.002, 0.02, days).clip(-0.5).tolist()
    check(returns)
    check_trades([100 * value for value in returns])


@pytest.mark.parametrize("degrees", [2, 3])
def test_returns_with_fat_tails(degrees: int) -> None:
    check((0.01 * np.random.default_rng(degrees).standard_t(degrees, 500)).clip(-0.9, 5).tolist())


def test_real_daily_returns(hourly_candles: pd.DataFrame) -> None:
    returns = hourly_candles["close"].resample("D").last().pct_change().dropna()
    assert len(returns) == 119
    check(returns.tolist())
    check_trades((100 * returns).tolist())


def test_real_hours_as_trades_of_their_days(hourly_candles: pd.DataFrame) -> None:
    profits = 1000 * hourly_candles["close"].diff().dropna() / hourly_candles["close"].iloc[0]
    trades = [
        trade(Decimal(profit), closed=opened.to_pydatetime(), identity=str(number))
        for number, (opened, profit) in enumerate(profits.items())
    ]
    first = hourly_candles.index[0].to_pydatetime()
    performance = measured(trades, window=Window(first, first + 120 * DAY), equity=known_amount(EQUITY))
    of_days = profits.resample("D").sum()
    returns = of_days / (float(EQUITY) + of_days.cumsum().shift(fill_value=0.0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert agree(performance.sharpe_ratio, reference.sharpe(returns, periods=365))
        assert agree(performance.sortino_ratio, reference.sortino(returns, periods=365))
        assert agree(performance.annualized_return_percent, 100 * reference.cagr(returns, periods=365))
        assert agree(performance.sharpe_per_trade, reference.sharpe(profits / 1000, annualize=False))
