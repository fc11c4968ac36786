"""The steps of the bulk analysis: which symbols, their candles ten at once, one computation, the record."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tradeops.adapters.exchange.client import ExchangeClient
from tradeops.adapters.store import Point
from tradeops.adapters.store.interface import Json
from tradeops.domain.backtest.orders import checked_symbol
from tradeops.domain.bulk.analysis import Analysis, analysed, least_candles, unfit
from tradeops.domain.bulk.report import BulkReport, Correlations, by_confidence
from tradeops.domain.candle_columns import CandleColumns
from tradeops.domain.candles import period_of
from tradeops.domain.market import Ticker
from tradeops.errors import (
    MisconfiguredError,
    RateLimitedError,
    RejectedError,
    TradeOpsError,
    TransientError,
    UnavailableError,
)
from tradeops.jobs.candles import BLOCK, PATIENCE, Waits, closed_candles
from tradeops.jobs.exchange_weight import ExchangeWeight
from tradeops.jobs.reports import price_gaps
from tradeops.wiring import Desk

JOB = "bulk-analysis"
SERIES = "bulk_analyses"
MOST_SYMBOLS = 1000
CHUNK = 100
USUAL_SYMBOLS = 50
QUOTE = "USDT"
PEGGED = frozenset(
    {"USDC", "FDUSD", "TUSD", "USDP", "DAI", "BUSD", "USDE", "EUR", "USD1", "XUSD", "BFUSD"}
)  # no market
AT_ONCE = 10
HISTORY = BLOCK  # candles: two blocks at most, and the averages of the longer ones are settled
WEIGHT_OF_ALL_TICKERS = 80
WEIGHT_OF_A_PAGE = 2
ONE_SYMBOL = timedelta(minutes=4)

UNSAFE = re.compile(r"[^\w ?-]")  # in a name that becomes a field of the record

Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class BulkOrder:
    """What is to be analysed.

    Attributes:
        symbols: each once; `None` is the exchange's most traded.
        failed: what was asked for and is no symbol.
    """

    symbols: tuple[str, ...] | None
    timeframe: str
    failed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gathered:
    """The candles of an order.

    Attributes:
        candles: of each symbol that can be analysed, in the order asked for.
        failed: why a symbol cannot.
        remarks: what else the reader must know.
    """

    candles: tuple[CandleColumns, ...]
    failed: Mapping[str, str]
    remarks: tuple[str, ...]


def checked(symbols: Sequence[str] | None, timeframe: str) -> BulkOrder:
    """The order, where it makes sense; a symbol twice counts once.

    Raises:
        RejectedError: an empty list, more than 1,000 symbols, no symbol at all among them, or no such timeframe.
    """
    try:
        least_candles(timeframe)
    except ValueError as error:
        raise RejectedError(JOB, str(error), remedy="ask for 1h") from None
    if symbols is None:
        return BulkOrder(None, timeframe)
    if not symbols:
        remedy = f"leave `symbols` away for the {USUAL_SYMBOLS} most traded"
        raise RejectedError(JOB, "an empty list of symbols", remedy=remedy)
    known: dict[str, None] = {}
    failed: dict[str, str] = {}
    for symbol in symbols:
        try:
            known[checked_symbol(symbol)] = None
        except ValueError as error:
            failed[UNSAFE.sub("?", symbol[:40]) or "?"] = str(error)
    if len(known) > MOST_SYMBOLS:
        raise RejectedError(JOB, f"{len(known):,} symbols; at most {MOST_SYMBOLS:,} are analysed at once")
    if not known:
        raise RejectedError(JOB, f"none of these is a symbol: {', '.join(failed)}", remedy="write them like BTCUSDT")
    return BulkOrder(tuple(known), timeframe, failed)


async def choose(desk: Desk, order: BulkOrder, weight: ExchangeWeight) -> tuple[str, ...]:
    """The symbols of the order, or the 50 with the highest turnover in USDT in the last 24 hours.

    Raises:
        MisconfiguredError: no BINANCE_API_URL.
        RejectedError: no symbol has a turnover in USDT.
        TradeOpsError: the exchange does not say; see `ExchangeClient`.
    """
    if desk.exchange is None:
        remedy = "set it, for example BINANCE_API_URL=https://api.binance.com"
        raise MisconfiguredError("exchange", "BINANCE_API_URL is not set, and candles come from there", remedy=remedy)
    if order.symbols is not None:
        return order.symbols
    tickers = await _tickers(desk.exchange, weight)
    traded = [t for t in tickers if t.symbol.endswith(QUOTE) and t.symbol.removesuffix(QUOTE) not in PEGGED]
    traded.sort(key=lambda ticker: (-ticker.quote_volume, ticker.symbol))
    chosen = tuple(ticker.symbol for ticker in traded if ticker.quote_volume > 0)[:USUAL_SYMBOLS]
    if not chosen:
        problem = f"the exchange lists no symbol with a turnover in {QUOTE}"
        raise RejectedError(JOB, problem, remedy="name `symbols`, or check BINANCE_API_URL")
    return chosen


async def gather(
    desk: Desk, order: BulkOrder, symbols: Sequence[str], weight: ExchangeWeight, *, now: datetime, told: Told
) -> Gathered:
    """The newest closed candles of each symbol, ten symbols at once; one that fails stops no other.

    A pause that the exchange asks for holds all of them before their next request. Only one that is too long to wait
    for ends the asking: to go on would make it longer.

    Args:
        desk: its exchange and store.
        order: its timeframe; what failed already.
        symbols: to fetch.
        weight: what the exchange allows.
        now: aware.
        told: hears how many of how many are done.

    Raises:
        TransientError: not one could be had, and waiting may help.
        RejectedError: not one could be had.
    """
    found: dict[str, CandleColumns] = {}
    remarks: dict[str, None] = {}
    failed, errors = dict(order.failed), list[TradeOpsError]()
    gate = asyncio.Semaphore(AT_ONCE)

    async def turn() -> None:
        _end_if_banned(errors)
        await weight.spend(WEIGHT_OF_A_PAGE)
        _end_if_banned(errors)

    async def one(symbol: str) -> None:
        async with gate:
            try:
                candles, said = await _candles(desk, symbol, order.timeframe, weight, now, turn)
                remarks.update(dict.fromkeys(said))
                if problem := unfit(candles, now):
                    failed[symbol] = problem
                else:
                    found[symbol] = candles
            except TradeOpsError as error:
                errors.append(error)
                failed[symbol] = error.problem
            except TimeoutError:
                failed[symbol] = f"no candles within {ONE_SYMBOL.total_seconds():.0f} s"
            except ValueError as error:
                failed[symbol] = f"the exchange's candles cannot be true: {error}"
        told(len(found) + len(failed) - len(order.failed), len(symbols))

    for first in range(0, len(symbols), CHUNK):
        await asyncio.gather(*(one(symbol) for symbol in symbols[first : first + CHUNK]))
    if not found:
        raise _nothing(failed, errors)
    if not _banned(errors):
        await weight.spend(price_gaps.WEIGHT_OF_COMPARING)
        remarks.update(dict.fromkeys(await price_gaps.told_of(desk, symbols)))
    return Gathered(tuple(found[s] for s in symbols if s in found), failed, tuple(remarks))


def made(order: BulkOrder, gathered: Gathered, *, run_id: str, started_at: datetime) -> BulkReport:
    """The analysis of all at once; it computes, so call it in a thread."""
    analyses = by_confidence(analysed(gathered.candles))
    return BulkReport(
        run_id=run_id,
        started_at=started_at,
        finished_at=max(started_at, datetime.now(UTC)),
        data_as_of=max(one.as_of for one in analyses),
        timeframe=order.timeframe,
        asked=f"the {USUAL_SYMBOLS} most traded against {QUOTE}" if order.symbols is None else "as asked for",
        analyses=analyses,
        failed=gathered.failed,
        correlations=Correlations.of(gathered.candles),
        remarks=gathered.remarks,
    )


async def record(desk: Desk, report: BulkReport) -> None:
    """Keep the analysis as a point of `bulk_analyses`; a second one of the same run changes nothing.

    Raises:
        UnavailableError: the store does not answer.
    """
    await desk.store.add_point(SERIES, Point(report.run_id, report.finished_at, as_fields(report)))


def as_fields(report: BulkReport) -> dict[str, Json]:
    """The analysis as it is kept; `results` begins with the most confident, those that failed come last."""
    results: dict[str, Json] = {one.symbol: _result(one) for one in report.analyses}
    results |= {symbol: {"error": problem} for symbol, problem in report.failed.items()}
    return {
        "status": "success",
        "run_id": report.run_id,
        "started_at": report.started_at.isoformat(),
        "finished_at": report.finished_at.isoformat(),
        "data_as_of": report.data_as_of.isoformat(),
        "timeframe": report.timeframe,
        "symbols_analyzed": len(report.analyses),
        "symbols_failed": len(report.failed),
        "results": results,
        "remarks": list(report.remarks),
    }


def _result(one: Analysis) -> dict[str, Json]:
    return {
        "signal": one.signal.value,
        "confidence": one.confidence,
        "price": one.price,
        "indicators": {
            "rsi": one.rsi,
            "macd": one.macd,
            "macd_signal": one.macd_signal,
            "macd_histogram": one.macd_histogram,
        },
        "votes": {v.strategy: {"signal": v.signal.value, "confidence": v.confidence} for v in one.votes},
        "change_percent": one.change_percent,
        "as_of": one.as_of.isoformat(),
    }


async def _tickers(exchange: ExchangeClient, weight: ExchangeWeight) -> tuple[Ticker, ...]:
    waits = Waits(PATIENCE, weight.stay_still)
    while True:
        await weight.spend(WEIGHT_OF_ALL_TICKERS)
        try:
            return (await exchange.tickers()).value
        except RateLimitedError as error:
            await waits.out(error)


async def _candles(
    desk: Desk,
    symbol: str,
    timeframe: str,
    weight: ExchangeWeight,
    now: datetime,
    turn: Callable[[], Awaitable[None]],
) -> tuple[CandleColumns, tuple[str, ...]]:
    async with asyncio.timeout(ONE_SYMBOL.total_seconds()):
        since = now - HISTORY * period_of(timeframe)
        series = await closed_candles(desk, symbol, timeframe, since, now, pause=weight.stay_still, turn=turn)
        return CandleColumns.of(series), series.remarks


def _banned(errors: Sequence[TradeOpsError]) -> RateLimitedError | None:
    """The longest pause among those that were too long to wait for."""
    pauses = [error for error in errors if isinstance(error, RateLimitedError)]
    return max(pauses, key=lambda error: error.retry_after or timedelta(0), default=None)


def _end_if_banned(errors: Sequence[TradeOpsError]) -> None:
    if banned := _banned(errors):  # told as another kind: nobody is to wait for it once more
        raise UnavailableError(banned.system, banned.problem, remedy=banned.remedy)


def _nothing(failed: Mapping[str, str], errors: Sequence[TradeOpsError]) -> TradeOpsError:
    """What says most of why not a single symbol could be analysed."""
    transient = _banned(errors) or next((error for error in errors if isinstance(error, TransientError)), None)
    if transient is not None:
        return transient
    symbol, problem = next(iter(failed.items()))
    several = f" and {len(failed) - 1:,} others" if len(failed) > 1 else ""
    return RejectedError(JOB, f"no symbol could be analysed: {symbol}{several}: {problem}")
