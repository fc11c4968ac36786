"""The account: positions, closed trades, and the figures as the engine computes them, odd ones included."""

import statistics
from dataclasses import dataclass, field

INITIAL_BALANCE = 10_000.0
FEE_RATE = 0.0004
FUNDING_RATE = 0.0001


@dataclass(slots=True)
class Position:
    """One open position.

    Attributes:
        side: 1 is long, -1 is short.
        mark: the price it was last looked at.
        stop_loss: a price; `None` is no stop. `take_profit` likewise.
        funding: USDT paid so far, negative when received.
    """

    id: str
    symbol: str
    side: int
    entry_price: float
    quantity: float
    leverage: int
    stop_loss: float | None
    take_profit: float | None
    opened_ms: int
    mark: float
    funding: float = 0.0

    @property
    def notional(self) -> float:
        """USDT at entry."""
        return self.entry_price * self.quantity

    @property
    def margin(self) -> float:
        """USDT bound by it."""
        return self.notional / self.leverage

    @property
    def liquidation_price(self) -> float:
        """Where the exchange would end it; the simplified rule of the contract."""
        share = self.side / self.leverage
        return (1 + 0.05 * self.side) * self.entry_price * (1 - share)

    def mark_percent(self, price: float) -> float:
        """Unrealised profit at a price, on notional, without costs."""
        return self.side * (price / self.entry_price - 1) * 100

    def unrealised(self, price: float) -> float:
        """USDT after the costs so far."""
        return self.side * (price - self.entry_price) * self.quantity - self.notional * FEE_RATE - self.funding


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """One finished trade.

    Attributes:
        position: as it was.
        pnl: USDT after all costs.
        stale_percent: the last unrealised mark before the close, on notional; its sign can differ from that of `pnl`.
    """

    position: Position
    exit_price: float
    closed_ms: int
    pnl: float
    stale_percent: float


@dataclass(slots=True)
class Book:
    """The account since its last reset.

    Attributes:
        balance: initial balance and the realised profit, USDT.
        drawdown: the deepest fall of equity below its peak so far, USDT and percent of that peak.
    """

    initial_balance: float = INITIAL_BALANCE
    positions: dict[str, Position] = field(default_factory=dict)
    closed: list[ClosedTrade] = field(default_factory=list)
    balance: float = field(init=False)
    drawdown: tuple[float, float] = field(init=False, default=(0.0, 0.0))
    _peak: float = field(init=False)

    def __post_init__(self) -> None:
        self.balance = self._peak = self.initial_balance

    @property
    def equity(self) -> float:
        """Balance and what the open positions are worth at their marks."""
        return self.balance + sum(p.unrealised(p.mark) for p in self.positions.values())

    @property
    def margin_used(self) -> float:
        """USDT bound by open positions."""
        return sum(p.margin for p in self.positions.values())

    def notional_for(self, *, size_percent: float, stop_percent: float | None, leverage: int) -> float:
        """How large the next position may be, USDT; 0 when there is no room."""
        equity = self.equity
        wanted = equity * size_percent / (stop_percent or 10.0) * leverage
        return max(0.0, min(wanted, 0.95 * (equity - self.margin_used), 0.2 * equity))

    def close(self, symbol: str, price: float, now_ms: int) -> ClosedTrade:
        """End a position at a price.

        Raises:
            KeyError: there is none of this symbol.
        """
        position = self.positions.pop(symbol)
        pnl = position.unrealised(price) - price * position.quantity * FEE_RATE
        trade = ClosedTrade(position, price, now_ms, pnl, position.mark_percent(position.mark))
        self.closed.append(trade)
        self.balance += pnl
        self.watch_drawdown()
        return trade

    def watch_drawdown(self) -> None:
        """Look at equity as it is now."""
        equity = self.equity
        self._peak = max(self._peak, equity)
        fall = self._peak - equity
        self.drawdown = max(self.drawdown[0], fall), max(self.drawdown[1], fall / self._peak * 100)

    def figures(self) -> dict[str, float | int]:
        """The portfolio of the contract: open trades count in `win_rate`, `profit_factor` is a ratio of averages."""
        wins = [t.pnl for t in self.closed if t.pnl > 0]
        losses = [-t.pnl for t in self.closed if t.pnl <= 0]
        total = len(self.closed) + len(self.positions)
        average_win, average_loss = _mean(wins), _mean(losses)
        equity, margin = self.equity, self.margin_used
        return {
            "total_trades": total,
            "win_rate": len(wins) / total * 100 if total else 0.0,
            "total_pnl": equity - self.initial_balance,
            "total_pnl_percentage": (equity / self.initial_balance - 1) * 100,
            "max_drawdown": self.drawdown[0],
            "max_drawdown_percentage": self.drawdown[1],
            "sharpe_ratio": self._sharpe(),
            "profit_factor": average_win / average_loss if average_loss else 0.0,
            "average_win": average_win,
            "average_loss": average_loss,
            "largest_win": max(wins, default=0.0),
            "largest_loss": max(losses, default=0.0),
            "current_balance": self.balance,
            "equity": equity,
            "margin_used": margin,
            "free_margin": equity - margin,
        }

    def _sharpe(self) -> float:
        """Per trade, on margin, not annualised."""
        returns = [t.pnl / t.position.margin for t in self.closed]
        spread = statistics.stdev(returns) if len(returns) > 1 else 0.0
        return statistics.fmean(returns) / spread if spread else 0.0


def _mean(values: list[float]) -> float:
    return statistics.fmean(values) if values else 0.0
