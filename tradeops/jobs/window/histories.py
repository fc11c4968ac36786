"""The histories that charts are drawn from, read in the background from the dashboard's start on."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from tradeops.adapters.store import ReadableStore
from tradeops.domain.window.services import code_of, record_of
from tradeops.domain.window.trading import units_of
from tradeops.errors import TradeOpsError
from tradeops.jobs.ending import end
from tradeops.jobs.reports.equity import MINUTES
from tradeops.jobs.reports.trades import SERIES as TRADES
from tradeops.jobs.window.history import KEPT, History
from tradeops.jobs.window.series import HEALTH, PERFORMANCE
from tradeops.jobs.window.streaks import Streaks

METRICS = ("win_rate", "avg_profit_per_trade", "sharpe_ratio")
FOLLOW_SECONDS, AGAIN_SECONDS, BREATH_SECONDS = 30.0, 2.0, 0.001
READ_ANEW = timedelta(hours=1)

log = logging.getLogger(__name__)


class Histories:
    """Health checks, equity by the minute, closed trades and weekly analyses.

    Args:
        store: where they are kept.
    """

    def __init__(self, store: ReadableStore) -> None:
        self._store = store
        self.health = History(HEALTH, code_of, record_of)
        self.equity = History(MINUTES, lambda _: "d", _equity)
        self.streaks = Streaks()
        self.trades = History(TRADES, lambda _: "q", _trade, witness=self.streaks.meet)
        self.performance = History(PERFORMANCE, lambda _: "d", _analysis)
        self._lock = asyncio.Lock()
        self._wanted = asyncio.Event()

    @property
    def covered_since(self) -> datetime | None:
        """All of them reach back to here; `None` while one is not even begun."""
        found = [one.covered_since for one in self._all]
        known = [one for one in found if one is not None]
        return max(known) if len(known) == len(found) else None

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[None]:
        """Read and follow them until the end of the block; a store that is down is tried again."""
        task = asyncio.create_task(self._read())
        try:
            yield
        finally:
            await end([task])

    async def follow(self) -> None:
        """Be up to date.

        Raises:
            UnavailableError: the store does not answer.
        """
        async with self._lock:
            now = datetime.now(UTC)
            await asyncio.gather(*(one.follow(self._store, now=now) for one in self._all))
        if not all(one.is_whole for one in self._all):
            self._wanted.set()

    @property
    def _all(self) -> tuple[History, ...]:
        return self.health, self.performance, self.trades, self.equity

    async def _read(self) -> None:
        read_at = datetime.now(UTC)
        while True:
            try:
                await self._extend()
                await self._extend_streaks()
                if datetime.now(UTC) - read_at >= READ_ANEW:
                    await self._read_anew()
                    read_at = datetime.now(UTC)
                await self._rest()
                await self.follow()
            except TradeOpsError as error:
                log.info("history cannot be read now: %s", error)
                await asyncio.sleep(AGAIN_SECONDS)
            except Exception:
                log.exception("history cannot be read: our own code broke")
                await asyncio.sleep(FOLLOW_SECONDS)

    async def _rest(self) -> None:
        """Until it is time, or somebody who followed found older records than all we have."""
        self._wanted.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(FOLLOW_SECONDS):
                await self._wanted.wait()

    async def _extend(self) -> None:
        """In turns, so that the newest of each comes first."""
        while not all([await self._one_page(one) for one in self._all]):
            pass

    async def _extend_streaks(self) -> None:
        """What is older than a quarter is read when the charts are there."""
        now = datetime.now(UTC)
        until = now - KEPT + READ_ANEW  # some that was read already, so that nothing is left out between
        await self.streaks.look_behind(self._store, until=until, now=now)
        while not await self.streaks.extend(self._store, until=until, now=now):
            await self._extend()
            await asyncio.sleep(BREATH_SECONDS)

    async def _one_page(self, one: History) -> bool:
        if one.is_whole:
            return True
        async with self._lock:
            is_whole = await one.extend(self._store, now=datetime.now(UTC))
        await asyncio.sleep(BREATH_SECONDS)  # who looks at a page comes first
        return is_whole

    async def _read_anew(self) -> None:
        for name in ("health", "performance", "trades", "equity"):
            fresh: History = getattr(self, name).anew()
            while not await self._one_page(fresh):
                pass
            async with self._lock:
                setattr(self, name, fresh)


def _equity(body: Mapping[str, Any]) -> Mapping[str, float]:
    value = body.get("equity")
    return {"equity": float(value)} if isinstance(value, int | float) else {}


def _trade(body: Mapping[str, Any]) -> Mapping[str, float]:
    try:
        return {"pnl": units_of(Decimal(str(body.get("pnl"))))}
    except (InvalidOperation, ValueError, OverflowError):
        return {}


def _analysis(body: Mapping[str, Any]) -> Mapping[str, float]:
    found = {name: body.get(name) for name in METRICS}
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}
