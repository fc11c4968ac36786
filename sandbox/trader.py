"""Trades the market by one simple rule, with the costs and the mechanics of the contract; every figure follows from it.

The rule: be long while the fast average of the quarter-hour closes is above the slow one, short while it is below.
"""

import random
from dataclasses import dataclass, field

from sandbox.book import FUNDING_RATE, Book, Position
from sandbox.market import MINUTE_MS, Market, Series, decimals
from sandbox.trading_settings import TradingSettings

FAST, SLOW = 8, 32
BAND = 0.0005
BAR_MINUTES = 15
WARM_UP_BARS = 10 * SLOW
MOST_SLIPPAGE = 0.0005
FUNDING_MS = 8 * 3_600_000


@dataclass(frozen=True, slots=True)
class RestingOrder:
    """A manual order that waits for its price."""

    id: str
    symbol: str
    side: int
    price: float
    quantity: float | None
    placed_ms: int


@dataclass(frozen=True, slots=True)
class Signal:
    """What the rule said of a symbol."""

    symbol: str
    side: int
    strength: float
    price: float
    at_ms: int


@dataclass(slots=True)
class Trader:
    """Trades finished minutes, in order, whenever it is asked to catch up.

    Attributes:
        minute: the first one not yet traded, counted from the beginning of history.
        running: whether it decides and supervises; a stopped one does neither, so positions lose their stops.
        orders: manual ones at rest, by id.
        signals: the last ones that were not neutral.
    """

    market: Market
    book: Book
    settings: TradingSettings
    seed: int
    minute: int
    running: bool = True
    orders: dict[str, RestingOrder] = field(default_factory=dict)
    signals: list[Signal] = field(default_factory=list)
    decide_at_once: bool = False
    _trends: dict[str, "_Trend"] = field(default_factory=dict)
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def catch_up(self, now_ms: int) -> None:
        """Trade every minute that is over, and mark the positions at this moment's prices."""
        end = self.market.minute_of(now_ms)
        if self.minute < end:
            self._mark_at_last_close()
        while self.minute < end:
            bar_end = (self.minute // BAR_MINUTES + 1) * BAR_MINUTES
            self._trade(min(bar_end, end))
        for position in self.book.positions.values():
            position.mark = self.market.price(position.symbol, now_ms)

    def close(self, symbol: str, now_ms: int) -> None:
        """End a position by hand at the price of the moment."""
        self.book.close(symbol, self.market.price(symbol, now_ms), now_ms)

    def place(self, symbol: str, side: int, price: float, quantity: float | None, now_ms: int) -> RestingOrder:
        """Let an order rest until its price is there."""
        order = RestingOrder(self._id(), symbol, side, price, quantity, now_ms)
        self.orders[order.id] = order
        return order

    def _trade(self, end: int) -> None:
        """The minutes up to `end`, all within one bar."""
        symbols = sorted({*self.settings.symbols, *self.book.positions})
        series = {symbol: self.market.closed_minutes(symbol, self.minute, end) for symbol in symbols}
        first, interval = self.minute, self.settings.signal_interval_minutes
        while self.minute < end:
            step, until = self.minute - first, end
            if self.running:
                if self.minute % interval == 0 or self.decide_at_once:
                    self.decide_at_once = False
                    self._decide(self.minute, {symbol: float(values[0][step]) for symbol, values in series.items()})
                until = min(end, self.minute + interval - self.minute % interval)
                if self.orders:
                    until = self.minute + 1
                    for symbol, (_, highs, lows, _, _) in series.items():
                        self._fill_orders(symbol, lows[step], highs[step], self.minute)
            span = slice(step, until - first)
            self._pass(until, {held: [values[span] for values in series[held][:4]] for held in self.book.positions})
            self.minute = until
        if end % BAR_MINUTES == 0:
            self.book.watch_drawdown()

    def _mark_at_last_close(self) -> None:
        """Forget the marks that somebody saw in mid-minute: who looks must not change what is traded."""
        for position in self.book.positions.values():
            position.mark = float(self.market.closed_minutes(position.symbol, self.minute - 1, self.minute)[3][0])

    def _decide(self, minute: int, opens: dict[str, float]) -> None:
        for symbol, settings in self.settings.symbols.items():
            if symbol not in self._trends:
                self._trends[symbol] = _Trend(self.market, symbol)
            strength = self._trends[symbol].at(minute)
            side = 0 if abs(strength) < BAND else 1 if strength > 0 else -1
            if side == 0:
                continue
            price = opens[symbol]
            self.signals = [*self.signals[-499:], Signal(symbol, side, abs(strength), price, self._ms(minute))]
            held = self.book.positions.get(symbol)
            if held is not None and held.side == -side:
                self.book.close(symbol, price, self._ms(minute))
                held = None
            if held is None and settings.enabled:
                self._enter(symbol, side, price, minute)

    def _enter(self, symbol: str, side: int, price: float, minute: int, quantity: float | None = None) -> None:
        settings = self.settings.symbols[symbol]
        leverage = settings.leverage or self.settings.leverage
        if len(self.book.positions) >= self.settings.max_positions:
            return
        digits = decimals(price)
        entry = round(price * (1 + side * self._random.uniform(0, MOST_SLIPPAGE)), digits)
        if quantity is None:
            notional = self.book.notional_for(
                size_percent=settings.position_size_pct or self.settings.position_size_pct,
                stop_percent=settings.stop_loss_pct,
                leverage=leverage,
            )
            quantity = round(notional / entry, 6)
        if quantity <= 0:
            return
        self.book.positions[symbol] = Position(
            id=self._id(),
            symbol=symbol,
            side=side,
            entry_price=entry,
            quantity=quantity,
            leverage=leverage,
            stop_loss=_away(entry, -side, settings.stop_loss_pct, digits),
            take_profit=_away(entry, side, settings.take_profit_pct, digits),
            opened_ms=self._ms(minute),
            mark=price,
        )

    def _fill_orders(self, symbol: str, low: float, high: float, minute: int) -> None:
        settings = self.settings.symbols.get(symbol)
        if settings is None or not settings.enabled:
            return
        for order in [o for o in self.orders.values() if o.symbol == symbol]:
            if low <= order.price <= high and symbol not in self.book.positions:
                del self.orders[order.id]
                self._enter(symbol, order.side, order.price, minute, order.quantity)

    def _pass(self, end: int, series: dict[str, list[Series]]) -> None:
        """The minutes up to `end`, in which nothing is decided; one by one only where one of them ends a position."""
        if self.running and any(
            exit_of(position, 0.0, series[symbol][1].max(), series[symbol][2].min()) is not None
            for symbol, position in self.book.positions.items()
        ):
            prices = {
                symbol: list(zip(*(v.tolist() for v in values), strict=True)) for symbol, values in series.items()
            }
            for step, minute in enumerate(range(self.minute, end)):
                for position in list(self.book.positions.values()):
                    self._pass_minute(position, minute, prices[position.symbol][step])
            return
        for symbol, position in self.book.positions.items():
            self._pay_funding(position, self.minute, end)
            position.mark = float(series[symbol][3][-1])

    def _pay_funding(self, position: Position, first: int, end: int) -> None:
        """What is due in the minutes [first, end): once at most, as they are all within one bar."""
        due_ms = -(-self._ms(first) // FUNDING_MS) * FUNDING_MS
        if position.opened_ms < due_ms < self._ms(end):
            position.funding += position.side * position.notional * FUNDING_RATE

    def _pass_minute(self, position: Position, minute: int, prices: tuple[float, float, float, float]) -> None:
        opened, high, low, close = prices
        self._pay_funding(position, minute, minute + 1)
        exit_price = exit_of(position, opened, high, low)
        if exit_price is None:
            position.mark = close
        else:
            self.book.close(position.symbol, exit_price, self._ms(minute + 1) - 1)

    def _ms(self, minute: int) -> int:
        return self.market.first_ms + minute * MINUTE_MS

    def _id(self) -> str:
        return f"{self._random.getrandbits(64):016x}"


def exit_of(position: Position, opened: float, high: float, low: float) -> float | None:
    """The price at which a minute ends a position; `None` when it does not.

    Stop and liquidation come before the target when a minute touches both. One that opens beyond a level exits there.
    """
    side = position.side
    guard = position.liquidation_price
    if position.stop_loss is not None:
        guard = max(guard, position.stop_loss) if side > 0 else min(guard, position.stop_loss)
    worst, best = (low, high) if side > 0 else (high, low)
    if side * (worst - guard) <= 0:
        return opened if side * (opened - guard) < 0 else guard
    target = position.take_profit
    if target is not None and side * (best - target) >= 0:
        return opened if side * (opened - target) > 0 else target
    return None


def _away(price: float, direction: int, percent: float | None, digits: int) -> float | None:
    return None if percent is None else round(price * (1 + direction * percent / 100), digits)


class _Trend:
    """The two averages of one symbol."""

    def __init__(self, market: Market, symbol: str) -> None:
        self._market = market
        self._symbol = symbol
        self._bars = 0
        self._fast = self._slow = 0.0

    def at(self, minute: int) -> float:
        """How far the fast average lies above the slow one after the bars that are over by then; a fraction."""
        bars = minute // BAR_MINUTES
        if self._bars == 0:
            self._bars = max(0, bars - WARM_UP_BARS)
            first = self._bars * BAR_MINUTES
            self._fast = self._slow = float(self._market.closed_minutes(self._symbol, first, first + 1)[0][0])
        closes = self._market.closed_minutes(self._symbol, self._bars * BAR_MINUTES, bars * BAR_MINUTES)[3]
        for close in closes[BAR_MINUTES - 1 :: BAR_MINUTES].tolist():
            self._fast += (close - self._fast) * 2 / (FAST + 1)
            self._slow += (close - self._slow) * 2 / (SLOW + 1)
        self._bars = bars
        return self._fast / self._slow - 1
