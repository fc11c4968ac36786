"""Reads of the bot engine; what the emergency brake writes, and verifies, is in `levers`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar
from urllib.parse import quote

from tradeops.adapters.engine import mapping, wire
from tradeops.adapters.engine.envelope import Opened, unwrap
from tradeops.adapters.engine.levers import SYMBOLS, EngineLevers
from tradeops.adapters.presence import route_exists
from tradeops.adapters.wire import WireModel, as_list, as_object, parse, parse_each
from tradeops.domain.bot import BasicSettings, EngineStatus, SymbolSettings
from tradeops.domain.candles import CandleSeries, period_of
from tradeops.domain.portfolio.portfolio import ClosedTrade, OpenTrade, Portfolio
from tradeops.domain.readings import Reading
from tradeops.errors import ContractError, RejectedError
from tradeops.http import Answer, HttpService

HEALTH = "/api/health"
STATUS = "/api/paper-trading/status"
PORTFOLIO = "/api/paper-trading/portfolio"
OPEN_TRADES = "/api/paper-trading/trades/open"
CLOSED_TRADES = "/api/paper-trading/trades/closed"
BASIC_SETTINGS = "/api/paper-trading/basic-settings"
PRICES = "/api/market/prices"
CANDLES = "/api/market/candles"
MOST_CANDLES = 500

M = TypeVar("M", bound=WireModel)
R = TypeVar("R", bound=wire.Trade)
T = TypeVar("T")


class EngineClient:
    """The engine, read only but for its levers.

    Every read raises, besides what it names itself: UnavailableError (refused, reset, too late), RateLimitedError,
    MisconfiguredError (401, 403), RejectedError (a 4xx, or `success: false` inside a 200) and ContractError (the answer
    is not what the contract says; the field is named).

    Args:
        service: its address, token and bounds.
        health_path: of the liveness route.

    Attributes:
        levers: what makes it take no new positions.
    """

    def __init__(self, service: HttpService, *, health_path: str = HEALTH) -> None:
        self._service = service
        self.levers = EngineLevers(service)
        self._health_path = health_path

    @property
    def base_url(self) -> str:
        """Its address, without credentials."""
        return self._service.base_url

    async def health(self, *, within: timedelta | None = None) -> Reading[str]:
        """Its liveness text. Static: it reflects neither database nor streams."""
        answer, opened = await self._get(self._health_path, within=within)
        if not isinstance(opened.data, str) or not opened.data.strip():
            raise ContractError(answer.system, f"{answer.address} answered with a wrong shape: data is no text")
        return answer.reading(opened.data, as_of=opened.timestamp)

    async def is_sandbox(self) -> bool:
        """Whether it is our stand-in: each answer of that says so."""
        answer, _ = await self._get(self._health_path)
        return answer.headers.get("x-sandbox") == "true"

    async def status(self) -> Reading[EngineStatus]:
        """Whether paper trading runs."""
        answer, opened = await self._get(STATUS)
        return answer.reading(mapping.status(_parsed(wire.Status, answer, opened)), as_of=opened.timestamp)

    async def portfolio(self) -> Reading[Portfolio]:
        """The account, from either shape; a mandatory field that is missing is an error, never 0."""
        answer, opened = await self._get(PORTFOLIO)
        fields = as_object(opened.data, system=answer.system, source=answer.address)
        if "balance" in fields and "current_balance" not in fields:
            portfolio = mapping.flat_portfolio(_parsed(wire.FlatPortfolio, answer, opened))
        else:
            portfolio = mapping.portfolio(_parsed(wire.EnginePortfolio, answer, opened))
        return answer.reading(portfolio, as_of=opened.timestamp)

    async def open_trades(self) -> Reading[tuple[OpenTrade, ...]]:
        """Open positions, the oldest first."""
        return await self._trades(OPEN_TRADES, wire.OpenTradeRecord, mapping.open_trade, lambda t: t.opened_at)

    async def closed_trades(self) -> Reading[tuple[ClosedTrade, ...]]:
        """All trades ever closed that the engine still knows, by closing time.

        The list is empty after an engine restart without open positions; that is not "no trades".
        """
        return await self._trades(CLOSED_TRADES, wire.ClosedTradeRecord, mapping.closed_trade, lambda t: t.closed_at)

    async def symbols(self) -> Reading[dict[str, SymbolSettings]]:
        """The settings of each symbol."""
        answer, opened = await self._get(SYMBOLS)
        entries = as_object(opened.data, system=answer.system, source=answer.address)
        settings = {
            symbol: mapping.symbol_settings(
                symbol, parse(wire.SymbolEntry, entry, system=answer.system, source=f"{answer.address} ({symbol})")
            )
            for symbol, entry in entries.items()
        }
        return answer.reading(settings, as_of=opened.timestamp)

    async def basic_settings(self) -> Reading[BasicSettings]:
        """Initial balance and fee rates."""
        answer, opened = await self._get(BASIC_SETTINGS)
        settings = mapping.basic_settings(_parsed(wire.BasicSettingsAnswer, answer, opened))
        return answer.reading(settings, as_of=opened.timestamp)

    async def prices(self) -> Reading[dict[str, Decimal]]:
        """The last price of each symbol; of the testnet, by the engine's default."""
        answer, opened = await self._get(PRICES)
        entries = as_object(opened.data, system=answer.system, source=answer.address)
        prices, rejected = parse_each(
            wire.PriceRecord,
            ((symbol, {"symbol": symbol, "price": price}) for symbol, price in entries.items()),
            lambda record: (record.symbol, record.price),
            system=answer.system,
            source=answer.address,
        )
        return answer.reading(dict(prices), as_of=opened.timestamp, rejected=rejected)

    async def candles(self, symbol: str, timeframe: str, limit: int) -> Reading[CandleSeries]:
        """The last `limit` closed candles, ascending; `missing` of the series says when there are fewer.

        Args:
            symbol: as the engine spells it, `BTCUSDT`.
            timeframe: `1m` … `1d`.
            limit: the engine keeps 300 after its start and 500 later; take longer histories from the exchange.

        Raises:
            RejectedError: the engine does not know the symbol, which it hides behind an empty success.
            ValueError: an unknown timeframe or a limit below 1.
        """
        period = period_of(timeframe)
        if limit < 1:
            raise ValueError(f"limit {limit} is below 1")
        path = f"{CANDLES}/{quote(symbol, safe='')}/{timeframe}"
        answer, opened = await self._get(
            path, params={"limit": min(limit + 1, MOST_CANDLES)}
        )  # one spare: the open one
        parsed = _parsed(wire.CandlesAnswer, answer, opened)
        if not parsed.candles:
            remedy = "check the symbol; a new one has no candles yet"
            raise RejectedError(answer.system, f"{answer.address} has no candles of {symbol}", remedy=remedy)
        if (parsed.symbol.upper(), parsed.timeframe) != (symbol.upper(), timeframe):
            problem = f"{answer.address} answered for symbol {parsed.symbol[:40]} and timeframe {parsed.timeframe[:40]}"
            raise ContractError(answer.system, problem)
        series, rejected = mapping.candle_series(
            parsed, period, limit=limit, now=answer.server_time or datetime.now(UTC), source=answer
        )
        return answer.reading(series, as_of=opened.timestamp, rejected=rejected)

    async def has_route(self, verb: str, path: str) -> bool:
        """Whether an optional route is there; see `route_exists`."""
        return await route_exists(self._service, verb, path)

    async def _get(
        self, path: str, *, params: dict[str, str | int] | None = None, within: timedelta | None = None
    ) -> tuple[Answer, Opened]:
        answer = await self._service.request("GET", path, params=params, within=within)
        return answer, unwrap(answer)

    async def _trades(
        self, path: str, model: type[R], build: Callable[[R], T], moment: Callable[[T], datetime]
    ) -> Reading[tuple[T, ...]]:
        answer, opened = await self._get(path)
        records = mapping.named(as_list(opened.data, system=answer.system, source=answer.address))
        known: set[str] = set()

        def build_once(record: R) -> T:
            if record.id in known:
                raise ValueError("id is listed twice")
            trade = build(record)
            known.add(record.id)
            return trade

        trades, rejected = parse_each(model, records, build_once, system=answer.system, source=answer.address)
        return answer.reading(tuple(sorted(trades, key=moment)), as_of=opened.timestamp, rejected=rejected)


def _parsed(model: type[M], answer: Answer, opened: Opened) -> M:
    return parse(model, opened.data, system=answer.system, source=answer.address)
