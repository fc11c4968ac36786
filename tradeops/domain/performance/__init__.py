"""What closed trades say about the bot: every figure with its definition, its unit and why it may be n/a."""

from tradeops.domain.performance.certainty import average_profit_below, sharpe_below, win_rate_below
from tradeops.domain.performance.columns import TradeColumns
from tradeops.domain.performance.curves import DailyReturns, Drawdown, EquityCurve, daily_returns, equity_curve
from tradeops.domain.performance.equity import Equity, equity_at
from tradeops.domain.performance.measure import measure
from tradeops.domain.performance.metrics import BtcPrices, NotableTrade, Performance, Sample, Streaks
from tradeops.domain.performance.windows import Window

__all__ = [
    "BtcPrices",
    "DailyReturns",
    "Drawdown",
    "Equity",
    "EquityCurve",
    "NotableTrade",
    "Performance",
    "Sample",
    "Streaks",
    "TradeColumns",
    "Window",
    "average_profit_below",
    "daily_returns",
    "equity_at",
    "equity_curve",
    "measure",
    "sharpe_below",
    "win_rate_below",
]
