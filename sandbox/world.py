"""What all services of the sandbox look at: one market, one trader, one moment."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.book import Book
from sandbox.market import DAY_MINUTES, MINUTE_MS, Market
from sandbox.regimes import PHASES, Regime
from sandbox.settings_desk import SettingsDesk
from sandbox.trader import Trader

DAYS_TRADED_BEFORE = 30
DAY_MS = DAY_MINUTES * MINUTE_MS


def wall_clock_ms() -> int:
    """Epoch milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class World:
    """The bot and its market.

    Attributes:
        now_ms: the clock, epoch milliseconds.
        started_ms: when the world, and in it the AI service, began to live.
        engine_started_ms: when the engine last began to live; its own history of candles counts from there.
        desk: the settings that the engine's routes read and change.
    """

    market: Market
    trader: Trader
    desk: SettingsDesk
    now_ms: Callable[[], int]
    started_ms: int
    engine_started_ms: int

    @classmethod
    def build(cls, *, seed: int, regime: Regime = "healthy", now_ms: Callable[[], int] = wall_clock_ms) -> "World":
        """A world that has traded for weeks already, up to now."""
        now = now_ms()
        market = Market(seed, datetime.fromtimestamp(now / 1000, UTC), PHASES[regime])
        desk = SettingsDesk()
        first = market.minute_of(now) - DAYS_TRADED_BEFORE * DAY_MINUTES
        trader = Trader(market, Book(), desk.trading, seed, first)
        trader.catch_up(now)
        return cls(market, trader, desk, now_ms, started_ms=now, engine_started_ms=now)

    @property
    def book(self) -> Book:
        """The account."""
        return self.trader.book

    def advance(self) -> int:
        """Trade up to this moment, and return it."""
        now = self.now_ms()
        self.trader.catch_up(now)
        return now

    def reset_portfolio(self, initial_balance: float) -> None:
        """Begin again with so many USDT, no positions and no history."""
        self.trader.orders.clear()
        self.trader.book = Book(initial_balance)

    def restart_engine(self) -> None:
        """Lose what a restart of the engine loses.

        All settings are again what they are at start-up: a disabled symbol is enabled. Without an open position the
        closed trades and the balance are gone too.
        """
        self.engine_started_ms = self.advance()
        self.desk = SettingsDesk()
        self.trader.settings = self.desk.trading
        self.trader.running = True
        self.trader.orders.clear()
        if not self.book.positions:
            self.reset_portfolio(Book().initial_balance)

    def overview(self) -> dict[str, object]:
        """The state in a few lines, for pages that people look at."""
        now = self.advance()
        figures = self.book.figures()
        recent = [t for t in self.book.closed if t.closed_ms > now - 7 * DAY_MS]
        return {
            "time": datetime.fromtimestamp(now / 1000, UTC).isoformat(timespec="seconds"),
            "trading": "running" if self.trader.running else "stopped",
            "balance": f"{figures['current_balance']:.2f} USDT",
            "equity": f"{figures['equity']:.2f} USDT",
            "open positions": ", ".join(
                f"{s} {'long' if p.side > 0 else 'short'}" for s, p in self.book.positions.items()
            )
            or "none",
            "enabled symbols": ", ".join(s for s, one in self.trader.settings.symbols.items() if one.enabled) or "none",
            "closed trades": len(self.book.closed),
            "closed in 7 days": f"{len(recent)}, of them {sum(t.pnl > 0 for t in recent)} with a profit",
            "prices": ", ".join(f"{s} {self.market.price(s, now):,}" for s in self.trader.settings.symbols),
        }
