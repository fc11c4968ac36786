"""The sandbox's engine on a port of loopback, and a client of it as the guard has one."""

import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox import engine, misfortune
from sandbox.book import Position
from sandbox.engine_levers import Levers
from sandbox.faults import FaultBook, Kind, Rule
from sandbox.servers import Service, claim
from sandbox.world import World
from tradeops.adapters.engine.client import EngineClient
from tradeops.http import HttpPolicy, HttpService, open_pool

TRADES = "/api/paper-trading/trades/closed"
SYMBOLS = "/api/paper-trading/symbols"
ACCOUNT = "/api/paper-trading/portfolio"


@dataclass
class Bot:
    """A running engine.

    Attributes:
        service: its port, with a count of each request.
        faults: what shall go wrong on it.
        instead: of its own answers, by path.
        levers: how it behaves when it is switched off.
    """

    world: World
    service: Service
    faults: FaultBook
    instead: dict[str, str]
    levers: Levers

    def asked_for_trades(self) -> int:
        return self.service.requests["GET", TRADES]

    def puts(self) -> int:
        return self.service.requests["PUT", SYMBOLS]

    def on(self) -> tuple[str, ...]:
        """The symbols that take new positions."""
        return tuple(name for name, one in self.world.desk.trading.symbols.items() if one.enabled)

    def switch(self, symbol: str, *, on: bool) -> None:
        symbols = self.world.desk.trading.symbols
        self.world.desk.trading.symbols = symbols | {symbol: replace(symbols[symbol], enabled=on)}

    def lose(self, symbol: str, usdt: float, *, trades: int = 1, opened: bool = False) -> None:
        misfortune.suffer(self.world, misfortune.Loss(symbol, usdt, trades, opened))

    def win(self, symbol: str) -> None:
        """Let a trade of this symbol end with a profit, now."""
        now, book = self.world.advance(), self.world.book
        price, held = self.world.market.price(symbol, now), book.positions.pop(symbol, None)
        name = f"won-{len(book.closed)}"
        book.positions[symbol] = Position(name, symbol, 1, price * 0.99, 0.01, 10, None, None, now - 60_000, price)
        book.close(symbol, price, now)
        if held is not None:
            book.positions[symbol] = held

    def lose_share(self, symbol: str, percent: float, *, trades: int = 1, opened: bool = False) -> None:
        self.lose(symbol, self.world.book.equity * percent / 100, trades=trades, opened=opened)

    def crash(self) -> None:
        """Lose a fifth of the account, with several symbols."""
        for symbol in ("ETHUSDT", "BNBUSDT", "SOLUSDT"):
            self.lose_share(symbol, 8)

    def answer(self, path: str, instead: str | None) -> None:
        """Let `GET path` answer with this text; `None` lets the engine speak for itself again."""
        if instead is None:
            self.instead.pop(path, None)
        else:
            self.instead[path] = instead

    def break_off(self, path: str, kind: Kind, **more: int) -> None:
        self.faults.add(Rule("engine", kind, path=path, **more))


@cache
def _built(seed: int) -> World:
    return World.build(seed=seed)


@asynccontextmanager
async def running(*, seed: int = 3) -> AsyncIterator[Bot]:
    """An engine that has traded for weeks."""
    faults = FaultBook()
    world = copy.deepcopy(_built(seed))
    instead: dict[str, str] = {}
    levers = Levers()
    real = engine.build_app(world, levers)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        words = instead.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        await (real if words is None else Response(words, media_type="application/json"))(scope, receive, send)

    service = Service("engine", app, claim(0), faults)
    await service.open()
    try:
        yield Bot(world, service, faults, instead, levers)
    finally:
        await service.close()


@asynccontextmanager
async def client_of(bot: Bot) -> AsyncIterator[EngineClient]:
    async with open_pool() as pool:
        yield EngineClient(HttpService(pool, system="engine", base_url=bot.service.url, policy=HttpPolicy()))
