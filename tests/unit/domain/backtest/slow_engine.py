"""The backtest a second time: one candle after another, one sentence after another, from the written conventions."""

from dataclasses import dataclass, field

from tradeops.domain.backtest.course import REASONS, TradeTable
from tradeops.domain.backtest.rules import BacktestRules, Sizing
from tradeops.domain.candle_columns import CandleColumns

EIGHT_HOURS = 8 * 3_600_000_000


@dataclass
class Position:
    long: bool
    quantity: float
    entry: float
    entry_place: int
    stop: float | None
    trail: float | None
    target: float | None
    liquidated_at: float
    bankrupt_at: float
    fees: float
    funding: float = 0.0
    best: float = 0.0


@dataclass
class Slow:
    candles: CandleColumns
    rules: BacktestRules
    slips: list[float]
    cash: float = 0.0
    position: Position | None = None
    equity: list[float] = field(default_factory=list)
    trades: list[tuple[object, ...]] = field(default_factory=list)

    def run(self, signals: list[int]) -> None:
        self.cash = self.rules.balance_usd
        for i in range(len(self.candles)):
            signal = signals[i - 1] if i else 0
            held = 0 if self.position is None else 1 if self.position.long else -1
            if self.position:
                self.pay_funding(i)
                self.leave_at_open(i, signal)
            if not self.position and signal not in (0, held):
                self.enter(i, long=signal > 0)
            if self.position:
                self.leave_inside(i)
            if self.position and i == len(self.candles) - 1:
                self.leave(i, float(self.candles.close[i]), "end" if self.rules.close_at_end else "open", inside=True)
            self.equity.append(self.cash + self.unrealized(float(self.candles.close[i])))
            if self.position:
                self.pull_trail(i)

    def unrealized(self, price: float) -> float:
        p = self.position
        if p is None:
            return 0.0
        return p.quantity * (price - p.entry) if p.long else p.quantity * (p.entry - price)

    def pay_funding(self, i: int) -> None:
        p = self.position
        assert p
        since, now = int(self.candles.closed_at[i - 1]), int(self.candles.opened_at[i])
        instants = sum(1 for t in range(now - now % EIGHT_HOURS, since - 1, -EIGHT_HOURS))
        cost = instants * p.quantity * float(self.candles.open[i]) * self.rules.funding_percent / 100
        p.funding += cost if p.long else -cost
        self.cash -= cost if p.long else -cost

    def stop_of(self, p: Position) -> float | None:
        stops = [s for s in (p.stop, p.trail) if s is not None]
        return None if not stops else max(stops) if p.long else min(stops)

    def leave_at_open(self, i: int, signal: int) -> None:
        p, price = self.position, float(self.candles.open[i])
        assert p
        stop = self.stop_of(p)
        if price <= p.liquidated_at if p.long else price >= p.liquidated_at:
            worst = max(price, p.bankrupt_at) if p.long else min(price, p.bankrupt_at)
            self.leave(i, worst, "liquidation", inside=False)
        elif stop is not None and (price <= stop if p.long else price >= stop):
            self.leave(i, price, "stop", inside=False)
        elif p.target is not None and (price >= p.target if p.long else price <= p.target):
            self.leave(i, price, "target", inside=False)
        elif signal == (-1 if p.long else 1):
            self.leave(i, price, "signal", inside=False)

    def leave_inside(self, i: int) -> None:
        p = self.position
        assert p
        opened, high, low = (float(column[i]) for column in (self.candles.open, self.candles.high, self.candles.low))
        stop = self.stop_of(p)
        barriers = [("stop", stop), ("liquidation", p.liquidated_at)]
        met = [(n, b) for n, b in barriers if b is not None and (low <= b if p.long else high >= b)]
        if met:
            nearest = max(b for _, b in met) if p.long else min(b for _, b in met)
            name = next(n for n, b in met if b == nearest)
            price = min(nearest, opened) if p.long else max(nearest, opened)
            if name == "liquidation":
                price = max(price, p.bankrupt_at) if p.long else min(price, p.bankrupt_at)
            self.leave(i, price, name, inside=True)
        elif p.target is not None and (high >= p.target if p.long else low <= p.target):
            self.leave(i, p.target, "target", inside=True)

    def enter(self, i: int, *, long: bool) -> None:
        r = self.rules
        if self.cash <= 0 or not (long or r.shorts):
            return
        share = r.slippage_percent / 100 * (self.slips[i] if self.slips else 1)
        price = float(self.candles.open[i]) * (1 + share if long else 1 - share)
        if r.sizing is Sizing.PAPER:
            wanted = self.cash * r.size_percent / (r.stop_loss_percent or 10) * r.leverage
            notional = min(wanted, 0.95 * self.cash, 0.2 * self.cash)
        else:
            notional = self.cash * r.size_percent / 100 * r.leverage / (1 + r.fee_percent / 100)
        fee = notional * r.fee_percent / 100
        self.cash -= fee
        away = {
            name: None if percent is None else percent / 100
            for name, percent in (
                ("stop", r.stop_loss_percent),
                ("trail", r.trailing_percent),
                ("target", r.take_profit_percent),
            )
        }
        below = {name: None if share is None else price * (1 - share) for name, share in away.items()}
        above = {name: None if share is None else price * (1 + share) for name, share in away.items()}
        worse, better = (below, above) if long else (above, below)
        bankrupt = price * (1 - 1 / r.leverage) if long else price * (1 + 1 / r.leverage)
        target = better["target"] if better["target"] is None or better["target"] > 0 else None
        self.position = Position(
            long=long,
            quantity=notional / price,
            entry=price,
            entry_place=i,
            stop=worse["stop"],
            trail=worse["trail"],
            target=target,
            liquidated_at=(1.05 if long else 0.95) * bankrupt,
            bankrupt_at=bankrupt,
            fees=fee,
            best=price,
        )

    def leave(self, i: int, price: float, reason: str, *, inside: bool) -> None:
        p = self.position
        assert p
        fee = 0.0 if reason == "open" else p.quantity * price * self.rules.fee_percent / 100
        profit = self.unrealized(price)
        self.cash += profit - fee
        fees = p.fees + fee
        amounts = (p.entry, price, p.quantity, fees, p.funding, profit - fees - p.funding)
        self.trades.append((p.entry_place, i, 1 if p.long else -1, reason, inside, *amounts))
        self.position = None

    def pull_trail(self, i: int) -> None:
        p, percent = self.position, self.rules.trailing_percent
        assert p
        if percent is None:
            return
        assert p.trail is not None
        if p.long:
            p.best = max(p.best, float(self.candles.high[i]))
            p.trail = max(p.trail, p.best * (1 - percent / 100))
        else:
            p.best = min(p.best, float(self.candles.low[i]))
            p.trail = min(p.trail, p.best * (1 + percent / 100))


WORDS = ("signal", "stop", "target", "liquidation", "end", "open")
assert len(WORDS) == len(REASONS)


def rows_of(trades: TradeTable) -> list[tuple[object, ...]]:
    """The fast engine's trades in the same form."""
    columns = [getattr(trades, name).tolist() for name in TradeTable.__slots__]
    return [
        (a, b, side, WORDS[reason], bool(inside), *rest)
        for a, b, side, reason, inside, *rest in zip(*columns, strict=True)
    ]
