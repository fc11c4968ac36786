"""The figures of a window, by name and unit. How each is computed stands where it is computed."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from tradeops.domain.figures import Amount, Figure, unknown
from tradeops.domain.performance.curves import Drawdown
from tradeops.domain.performance.windows import Window


@dataclass(frozen=True, slots=True)
class BtcPrices:
    """What one bitcoin cost at the window's start and end, in USDT."""

    at_start_usd: Figure = field(default_factory=lambda: unknown("the price of BTC was not read"))
    at_end_usd: Figure = field(default_factory=lambda: unknown("the price of BTC was not read"))


@dataclass(frozen=True, slots=True)
class NotableTrade:
    """The trade with the highest or the lowest profit in USDT."""

    id: str
    symbol: str
    closed_at: datetime
    pnl_usd: Decimal
    return_percent: float


@dataclass(frozen=True, slots=True)
class Streaks:
    """Trades in a row, in the order of their close. A trade that brought exactly zero ends either streak.

    Attributes:
        longest_wins: 0 when no trade was won.
        longest_losses: 0 when no trade was lost.
        current: the one at the window's end; wins positive, losses negative, 0 after a zero-profit or no trade.
    """

    longest_wins: int
    longest_losses: int
    current: int


@dataclass(frozen=True, slots=True)
class Sample:
    """What certainty is computed from.

    Attributes:
        size: how many values.
        deviation: of the sample (÷ n - 1); `None` below two values or when all are equal.
        skewness: third standardised moment (÷ n), like `kurtosis`, the fourth (3 for a normal distribution).
    """

    size: int
    mean: float
    deviation: float | None
    skewness: float = 0.0
    kurtosis: float = 3.0


@dataclass(frozen=True, slots=True)
class Performance:
    """Closed trades of a window, winners and losers together. `docs/performance-metrics.md` gives sources.

    Attributes:
        trades: closed in the window, like `wins` (profit above zero) and `losses` (below); a zero-profit trade is
            neither.
        active_days: UTC days with a close.
        win_rate_percent: wins ÷ all closed trades.
        win_rate_low_percent: lower end of Wilson's 95 % interval.
        win_rate_high_percent: its upper end.
        average_profit_percent: mean of profit ÷ notional at entry over all trades: the expectancy in percent too.
        realized_pnl_usd: exact sum, like `gross_profit_usd` and `gross_loss_usd` (positive).
        expectancy_usd: mean profit of a trade, rounded to 8 places.
        average_win_usd: rounded to 8 places, like `average_loss_usd` (positive).
        profit_factor: gross profit ÷ gross loss.
        payoff_ratio: average win ÷ average loss, which the engine calls profit factor.
        total_return_percent: realised profit ÷ equity at the window's start.
        sharpe_ratio: of daily returns: mean ÷ sample deviation × √365, risk-free 0; n/a below 5 active days.
        sortino_ratio: of daily returns: mean ÷ root mean square of the negative ones over all days × √365.
        sharpe_per_trade: mean ÷ sample deviation of returns on notional, not annualised.
        drawdown: of the realised equity curve after each trade.
        annualized_return_percent: compound; n/a below 90 days, like `calmar_ratio` (it ÷ deepest drawdown).
        exposure_percent: share of the window with at least one open position.
        average_holding_hours: mean of close less open.
        btc_return_percent: of buying BTC at the window's start and holding.
        excess_over_btc_percent: total return less that of BTC, percentage points.
        best: highest profit in USDT, `None` without trades, like `worst`.
        trade_returns_percent: the sample behind `average_profit_percent`.
        daily_returns_fraction: the sample behind `sharpe_ratio`; `None` when returns are n/a.
    """

    window: Window
    trades: int
    wins: int
    losses: int
    active_days: int
    win_rate_percent: Figure
    win_rate_low_percent: Figure
    win_rate_high_percent: Figure
    average_profit_percent: Figure
    realized_pnl_usd: Amount
    gross_profit_usd: Amount
    gross_loss_usd: Amount
    expectancy_usd: Amount
    average_win_usd: Amount
    average_loss_usd: Amount
    profit_factor: Figure
    payoff_ratio: Figure
    total_return_percent: Figure
    sharpe_ratio: Figure
    sortino_ratio: Figure
    sharpe_per_trade: Figure
    drawdown: Drawdown
    annualized_return_percent: Figure
    calmar_ratio: Figure
    streaks: Streaks
    exposure_percent: Figure
    average_holding_hours: Figure
    btc_return_percent: Figure
    excess_over_btc_percent: Figure
    best: NotableTrade | None
    worst: NotableTrade | None
    trade_returns_percent: Sample | None
    daily_returns_fraction: Sample | None
