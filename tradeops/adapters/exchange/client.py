"""Public market data of the exchange."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from tradeops.adapters.exchange import wire
from tradeops.adapters.wire import as_list, parse, parse_each
from tradeops.domain.candles import (
    MILLISECOND,
    Candle,
    CandleSeries,
    at_milliseconds,
    find_gaps,
    implausible,
    merged,
    milliseconds,
    openings,
    period_of,
)
from tradeops.domain.market import Ticker
from tradeops.domain.readings import Reading
from tradeops.errors import ContractError, RejectedError
from tradeops.http import Answer, HttpService

TICKER = "/api/v3/ticker/24hr"
KLINES = "/api/v3/klines"
PAGE = 1000


class ExchangeClient:
    """The exchange, without a key.

    Every read raises UnavailableError, RateLimitedError (429, 418; with its Retry-After), RejectedError (its code and
    message kept) and ContractError (the answer is not what the contract says; the field is named).

    Args:
        service: its address and bounds.
    """

    def __init__(self, service: HttpService) -> None:
        self._service = service

    @property
    def base_url(self) -> str:
        """Its address."""
        return self._service.base_url

    async def ticker(self, symbol: str, *, within: timedelta | None = None) -> Reading[Ticker]:
        """The last 24 hours of a symbol; the reading's clock is the exchange's `Date`."""
        answer, body = await self._get(TICKER, {"symbol": symbol}, within)
        parsed = parse(wire.Ticker24h, body, system=answer.system, source=answer.address)
        return answer.reading(_ticker(parsed))

    async def tickers(self, *, within: timedelta | None = None) -> Reading[tuple[Ticker, ...]]:
        """The last 24 hours of every symbol; one that cannot be true, at a price of 0, is rejected by itself."""
        answer, body = await self._get(TICKER, {}, within)
        rows = as_list(body, system=answer.system, source=answer.address)
        tickers, rejected = parse_each(
            wire.Ticker24h,
            ((f"#{place}", row) for place, row in enumerate(rows, 1)),
            _ticker,
            system=answer.system,
            source=answer.address,
        )
        return answer.reading(tuple(tickers), rejected=rejected)

    async def klines(
        self,
        symbol: str,
        interval: str,
        start: datetime,
        end: datetime,
        *,
        within: timedelta | None = None,
        turn: Callable[[], Awaitable[None]] | None = None,
    ) -> Reading[CandleSeries]:
        """Closed candles that opened in [start, end), ascending, however many pages they take.

        Args:
            symbol: as the exchange spells it, `BTCUSDT`.
            interval: `1m` … `1d`.
            start: aware, inclusive.
            end: aware, exclusive; a candle that is unfinished by the exchange's clock is left out.
            within: for each page.
            turn: awaited before each page; what it raises ends the asking.

        Raises:
            ValueError: an unknown interval, a naive time, or an empty period.
        """
        period = period_of(interval)
        if not start < end:
            raise ValueError("start is not before end")
        cursor, last = milliseconds(start), milliseconds(end) - 1
        expected = cursor
        rows: list[Any] = []
        while True:
            params: dict[str, str | int] = {
                "symbol": symbol,
                "interval": interval,
                "startTime": cursor,
                "endTime": last,
                "limit": PAGE,
            }
            if turn is not None:
                await turn()
            answer, body = await self._get(KLINES, params, within)
            page = as_list(body, system=answer.system, source=answer.address)
            rows += page
            if not page:
                break
            newest = _open_time(page[-1], answer)
            if newest < expected:
                problem = f"{answer.address} does not advance: asked from {cursor}, it answered up to {newest}"
                raise ContractError(answer.system, problem)
            cursor, expected = newest + 1, newest + period // MILLISECOND
            if expected > last:
                break
        klines, rejected = parse_each(
            wire.Kline,
            ((_named(row) or f"#{place}", row) for place, row in enumerate(rows, 1)),
            lambda kline: (_candle(kline, period), kline.close_time),
            system=answer.system,
            source=answer.address,
        )
        now = answer.server_time or datetime.now(UTC)
        closed = [candle for candle, closes_at in klines if closes_at < now]
        ordered = merged(closed)
        series = CandleSeries(
            symbol=symbol,
            timeframe=interval,
            candles=ordered,
            requested=openings(start, min(end, now - period + MILLISECOND), period),
            gaps=find_gaps(ordered, period),
            duplicates=len(closed) - len(ordered),
            open_dropped=len(klines) - len(closed),
        )
        return answer.reading(series, rejected=rejected)

    async def _get(self, path: str, params: dict[str, str | int], within: timedelta | None) -> tuple[Answer, Any]:
        answer = await self._service.request("GET", path, params=params, within=within)
        _raise_refusal(answer)
        answer.raise_for_status()
        return answer, answer.json()


def _raise_refusal(answer: Answer) -> None:
    """A 4xx with the exchange's own code and message in it; 429 and 418 are left to the HTTP policy."""
    if answer.status not in {400, 404}:
        return
    try:
        refusal = parse(wire.Refusal, answer.json(), system=answer.system, source=answer.address)
    except ContractError:
        return
    problem = f"{answer.address} refused with code {refusal.code}: {refusal.msg[:200]}"
    raise RejectedError(answer.system, problem, http_status=answer.status)


def _ticker(parsed: wire.Ticker24h) -> Ticker:
    return Ticker(
        symbol=parsed.symbol,
        last_price=parsed.last_price,
        change_percent=parsed.price_change_percent,
        volume=parsed.volume,
        quote_volume=parsed.quote_volume,
        opened_at=parsed.open_time,
        closed_at=parsed.close_time,
    )


def _candle(kline: wire.Kline, period: timedelta) -> Candle:
    candle = Candle(
        opened_at=kline.open_time,
        open=float(kline.open),
        high=float(kline.high),
        low=float(kline.low),
        close=float(kline.close),
        volume=float(kline.volume),
    )
    if problem := implausible(candle, period):
        raise ValueError(problem)
    return candle


def _open_time(row: object, answer: Answer) -> int:
    match row:
        case [int(opened_at), *_] if not isinstance(opened_at, bool):
            return opened_at
    raise ContractError(answer.system, f"{answer.address} answered with a wrong shape: a kline has no open time")


def _named(row: object) -> str:
    """When the kline of a row opened, in ISO 8601; empty where it does not say."""
    match row:
        case [int(opened_at), *_] if not isinstance(opened_at, bool):
            with suppress(OverflowError):
                return at_milliseconds(opened_at).isoformat()
    return ""
