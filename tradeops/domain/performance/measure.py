"""All figures of a window at once."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from tradeops.domain.figures import Amount, Figure, known, known_amount, unknown
from tradeops.domain.performance import ratios, trades
from tradeops.domain.performance.certainty import win_rate_interval_percent
from tradeops.domain.performance.columns import EXACT, NO_TRADES, TradeColumns
from tradeops.domain.performance.curves import NOT_ABOVE_ZERO, daily_returns, drawdown, no_equity
from tradeops.domain.performance.metrics import BtcPrices, Performance
from tradeops.domain.performance.windows import Window

NO_PRICES = BtcPrices()


def measure(
    columns: TradeColumns,
    window: Window,
    *,
    equity_at_start: Amount,
    open_since: Sequence[datetime] | None = None,
    btc: BtcPrices = NO_PRICES,
) -> Performance:
    """Every figure of the trades closed in the window.

    Args:
        columns: trades of the window and around it; those closed after it count for exposure alone.
        window: half-open, UTC.
        equity_at_start: at `window.since`; unknown makes everything n/a that is relative to equity.
        open_since: when the positions were opened that are still open; `None` is "not known", empty is "none". They
            count for exposure alone.
        btc: its price at both ends of the window.
    """
    inside = columns.within(window)
    count = len(inside)
    won, lost = inside.pnl_usd > 0, inside.pnl_usd < 0
    wins, losses = int(won.sum()), int(lost.sum())
    gross_profit, gross_loss = inside.total(won), -inside.total(lost)
    realized = EXACT.subtract(gross_profit, gross_loss)
    low, high = win_rate_interval_percent(wins, count)
    daily = daily_returns(inside, window, equity_at_start)
    of_days = ratios.sample_of(daily.return_fraction)
    of_trades = ratios.sample_of(inside.return_percent)
    fall = drawdown(inside, window, equity_at_start)
    total_return = _total_return_percent(realized, equity_at_start, count)
    annualized = ratios.annualized_return_percent(window, total_return)
    btc_return = _btc_return_percent(btc)
    return Performance(
        window=window,
        trades=count,
        wins=wins,
        losses=losses,
        active_days=daily.active_days,
        win_rate_percent=trades.win_rate_percent(wins, count),
        win_rate_low_percent=low,
        win_rate_high_percent=high,
        average_profit_percent=trades.average_profit_percent(of_trades),
        realized_pnl_usd=known_amount(realized),
        gross_profit_usd=known_amount(gross_profit),
        gross_loss_usd=known_amount(gross_loss),
        expectancy_usd=trades.mean_amount(realized, count, NO_TRADES),
        average_win_usd=trades.mean_amount(gross_profit, wins, trades.NO_WIN),
        average_loss_usd=trades.mean_amount(gross_loss, losses, trades.NO_LOSS),
        profit_factor=trades.profit_factor(gross_profit, gross_loss, count),
        payoff_ratio=trades.payoff_ratio(gross_profit, wins, gross_loss, losses) if count else unknown(NO_TRADES),
        total_return_percent=total_return,
        sharpe_ratio=ratios.sharpe_ratio(daily, of_days),
        sortino_ratio=ratios.sortino_ratio(daily),
        sharpe_per_trade=ratios.sharpe_per_trade(of_trades),
        drawdown=fall,
        annualized_return_percent=annualized,
        calmar_ratio=ratios.calmar_ratio(annualized, fall.percent),
        streaks=trades.streaks(inside),
        exposure_percent=trades.exposure_percent(columns, window, open_since),
        average_holding_hours=trades.average_holding_hours(inside),
        btc_return_percent=btc_return,
        excess_over_btc_percent=_difference(total_return, btc_return),
        best=trades.notable_trade(inside, best=True),
        worst=trades.notable_trade(inside, best=False),
        trade_returns_percent=of_trades,
        daily_returns_fraction=of_days,
    )


def _total_return_percent(realized: Decimal, equity_at_start: Amount, count: int) -> Figure:
    if not count:
        return unknown(NO_TRADES)
    if equity_at_start.value is None:
        return unknown(no_equity(equity_at_start))
    if equity_at_start.value <= 0:
        return unknown(NOT_ABOVE_ZERO)
    return known(trades.quotient(100 * realized, equity_at_start.value))


def _btc_return_percent(btc: BtcPrices) -> Figure:
    """Price at the end ÷ at the start - 1, × 100."""
    start, end = btc.at_start_usd, btc.at_end_usd
    if start.value is None or end.value is None:
        return start if start.value is None else end
    if start.value <= 0 or end.value <= 0:
        return unknown("a price of BTC is not above zero")
    return known(100 * (end.value / start.value - 1))


def _difference(ours: Figure, theirs: Figure) -> Figure:
    if ours.value is None or theirs.value is None:
        return ours if ours.value is None else theirs
    return known(ours.value - theirs.value)
