"""Closed candles of the exchange, each fetched once: the store keeps them in blocks of one page of the exchange.

A block is a document: a page's worth of one symbol and timeframe at one exchange's address, so that the testnet, the
mainnet and each sandbox stay apart. It is kept as soon as it is fetched: what is interrupted goes on where it stopped.
"""

import asyncio
import hashlib
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from tradeops.adapters.exchange.client import ExchangeClient
from tradeops.adapters.store import Store
from tradeops.adapters.store.interface import Body, Document
from tradeops.domain.candles import EPOCH, MILLISECOND, Candle, CandleSeries, find_gaps, merged, openings, period_of
from tradeops.domain.readings import Reading, RejectedRecord
from tradeops.errors import ConflictError, MisconfiguredError, RateLimitedError, RejectedError, TradeOpsError
from tradeops.jobs.candle_blocks import Block
from tradeops.wiring import Desk

COLLECTION = "candles"
BLOCK = 960  # candles; a page of the exchange has at most 1,000
SYMBOL = re.compile(r"[A-Z0-9]{2,20}")
SETTLED = timedelta(days=1)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the exchange's limits are waited for.

    Attributes:
        total: all waits of one call together; a longer one is left to the caller.
        usual: a wait when the exchange does not say how long.
    """

    total: timedelta = timedelta(seconds=90)
    usual: timedelta = timedelta(seconds=5)


PATIENCE = Patience()


@dataclass(slots=True)
class Waits:
    """The pauses of one call that the exchange asks for.

    Attributes:
        pause: waits so many seconds.
    """

    patience: Patience
    pause: Callable[[float], Awaitable[None]]
    total: timedelta = timedelta(0)

    async def out(self, error: RateLimitedError) -> None:
        """Wait as long as it says.

        Raises:
            RateLimitedError: the same, where all waits together would take longer than patience lasts.
        """
        wait = self.patience.usual if error.retry_after is None else error.retry_after
        self.total += max(wait, MILLISECOND)
        if self.total > self.patience.total:
            raise error
        log.info("the exchange asks for a pause of %.0f s", wait.total_seconds())
        await self.pause(wait.total_seconds())


async def closed_candles(
    desk: Desk,
    symbol: str,
    timeframe: str,
    start: datetime,
    end: datetime,
    *,
    patience: Patience = PATIENCE,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    turn: Callable[[], Awaitable[None]] | None = None,
) -> CandleSeries:
    """Closed candles that opened in [start, end), from the store where they are there, else from the exchange.

    Only the stretches that the store does not have are fetched. A store that is down costs requests but no candle, and
    `remarks` says so. Fewer candles than were asked for are returned as they are: `missing` and `gaps` tell.

    Args:
        desk: its exchange and its store.
        symbol: as the exchange spells it, `BTCUSDT`.
        timeframe: `1m` … `1d`.
        start: aware, inclusive.
        end: aware, exclusive; the future has no candles.
        patience: a Retry-After within it is waited for.
        pause: waits so many seconds.
        turn: awaited before each request, for many who ask at once; what it raises ends the call.

    Raises:
        MisconfiguredError: no BINANCE_API_URL.
        RejectedError: no such symbol.
        ValueError: an unknown timeframe, a naive time, or an empty period.
        TradeOpsError: as `ExchangeClient` says; what was fetched until then is kept.
    """
    if desk.exchange is None:
        remedy = "set it, for example BINANCE_API_URL=https://api.binance.com"
        raise MisconfiguredError("exchange", "BINANCE_API_URL is not set, and candles come from there", remedy=remedy)
    if not SYMBOL.fullmatch(symbol):
        raise RejectedError("exchange", f"{symbol[:40]!r} is no symbol", remedy="write it like BTCUSDT")
    if not start < end:
        raise ValueError("start is not before end")
    period = period_of(timeframe)
    history = _History(desk.exchange, desk.store, symbol, timeframe, Waits(patience, pause), turn)
    await history.begin()
    end = min(end, _floor(datetime.now(UTC), period))
    firsts = list(_blocks(start, end, period))
    try:
        blocks = [await history.block(first, end) for first in firsts]
    except _OtherHistoryError:
        await history.distrust()
        blocks = [await history.block(first, end) for first in firsts]
    candles = tuple(c for block in blocks for c in block.candles if start <= c.opened_at < end)
    return CandleSeries(
        symbol=symbol,
        timeframe=timeframe,
        candles=candles,
        requested=openings(start, end, period),
        gaps=find_gaps(candles, period),
        duplicates=sum(block.duplicates for block in blocks),
        open_dropped=history.open_dropped,
        rejected=sum(start <= at < end for block in blocks for at in block.rejected_at),
        remarks=tuple(history.remarks),
    )


class _OtherHistoryError(Exception):
    """The exchange tells a closed candle otherwise than it did."""


class _History:
    """One symbol and timeframe, for the time of one call."""

    def __init__(
        self,
        exchange: ExchangeClient,
        store: Store,
        symbol: str,
        timeframe: str,
        waits: Waits,
        turn: Callable[[], Awaitable[None]] | None,
    ) -> None:
        self._exchange, self._store = exchange, store
        self._symbol, self._timeframe, self._period = symbol, timeframe, period_of(timeframe)
        self._waits, self._turn = waits, turn
        address = hashlib.sha256(exchange.base_url.encode()).hexdigest()[:12]
        self._name = f"{address}:{symbol}:{timeframe}"
        self._generation = 0
        self._version: int | None = None
        self._store_works = True
        self.open_dropped = 0
        self.remarks: list[str] = []

    async def distrust(self) -> None:
        """Begin a new generation of blocks: those of the history before are never read again."""
        self._generation += 1
        body: Body = {"generation": self._generation, "exchange": self._exchange.base_url}
        await self._put(self._name, body, self._version)
        self.remarks.append("the exchange tells another history than before, so all of it was fetched anew")

    async def block(self, first: datetime, needed: datetime) -> Block:
        """The block that begins at `first`, known at least until `needed` where the exchange knows it."""
        known, version = await self._kept(first)
        ends = first + BLOCK * self._period
        if known.until >= min(needed, ends):
            return known
        last = known.candles[-1] if known.candles else None
        since = last.opened_at if last else known.until
        asked_until = min(ends, _floor(datetime.now(UTC), self._period))
        reading = await self._ask(since, asked_until)
        fetched = reading.value
        if last and fetched.candles[:1] != (last,):
            raise _OtherHistoryError
        candles = merged((*known.candles, *fetched.candles))
        self.open_dropped += fetched.open_dropped
        block = replace(
            known,
            until=self._known_until(candles, asked_until, reading.as_of or datetime.now(UTC), known.until),
            candles=candles,
            duplicates=known.duplicates + fetched.duplicates,
            rejected_at=frozenset(
                (*(at for at in known.rejected_at if at < since), *_times(reading.rejected, since))
            ),  # what comes from there on has been told anew
        )
        whose = {"exchange": self._exchange.base_url, "symbol": self._symbol, "timeframe": self._timeframe}
        await self._put(self._key(first), {**whose, **block.body()}, version)
        return block

    def _known_until(
        self, candles: tuple[Candle, ...], asked: datetime, exchange_time: datetime, before: datetime
    ) -> datetime:
        """What the exchange has not told of the last day it may still tell; what it lacks of older days is a gap."""
        told = min(asked, _floor(exchange_time, self._period))
        if exchange_time - told >= SETTLED:
            return told
        return max(before, candles[-1].opened_at + self._period) if candles else before

    async def _ask(self, since: datetime, until: datetime) -> Reading[CandleSeries]:
        while True:
            try:
                return await self._exchange.klines(self._symbol, self._timeframe, since, until, turn=self._turn)
            except RateLimitedError as error:
                await self._waits.out(error)

    async def begin(self) -> None:
        """Find out which generation of blocks is in force."""
        document = await self._get(self._name)
        if document is not None and isinstance(number := document.body.get("generation"), int):
            self._generation, self._version = number, document.version

    async def _kept(self, first: datetime) -> tuple[Block, int | None]:
        document = await self._get(self._key(first))
        if document is None:
            return Block(first, first), None
        try:
            return Block.of(first, document.body), document.version
        except (KeyError, TypeError, ValueError, OverflowError):
            log.warning("the kept candles %s cannot be read and are fetched anew", document.key)
            return Block(first, first), document.version

    async def _get(self, key: str) -> Document | None:
        if not self._store_works:
            return None
        try:
            return await self._store.get(COLLECTION, key)
        except TradeOpsError as error:
            self._give_up("read", error)
            return None

    async def _put(self, key: str, body: Body, version: int | None) -> None:
        if not self._store_works:
            return
        try:
            await self._store.put(COLLECTION, key, body, expected_version=version)
        except ConflictError:
            log.info("another run has just kept these candles")
        except TradeOpsError as error:
            self._give_up("written", error)

    def _give_up(self, what: str, error: TradeOpsError) -> None:
        self._store_works = False
        log.warning("kept candles cannot be %s: %s", what, error)
        self.remarks.append(f"the candle cache cannot be {what}, so all was fetched: {error.problem}")

    def _key(self, first: datetime) -> str:
        return f"{self._name}:{self._generation}:{first:%Y-%m-%dT%H:%MZ}"


def _times(rejected: Iterable[RejectedRecord], since: datetime) -> Iterator[datetime]:
    """When each was; one that does not tell counts as of the time from which it was asked for."""
    for record in rejected:
        try:
            yield datetime.fromisoformat(record.record)
        except ValueError:
            yield since


def _blocks(start: datetime, end: datetime, period: timedelta) -> Iterator[datetime]:
    length = BLOCK * period
    first = _floor(start, length)
    while first < end:
        yield first
        first += length


def _floor(moment: datetime, period: timedelta) -> datetime:
    return moment - (moment - EPOCH) % period
