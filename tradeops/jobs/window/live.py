"""The engine as it is right now, asked at most every few seconds however many look, and never waited for twice."""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from tradeops.adapters.engine.client import EngineClient
from tradeops.domain.last_move import LastMove
from tradeops.domain.portfolio.portfolio import OpenTrade, worth
from tradeops.errors import TradeOpsError
from tradeops.jobs.ending import end

WITHIN_SECONDS = 2.0
ASK_AGAIN_SECONDS = 4.0
TOO_OLD_SECONDS = 20.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the engine.

    Attributes:
        at: our clock.
        problem: why it told nothing; empty when it did. The rest is then `None` or empty.
        as_of: when the engine's clock last moved, by ours; as the guard counts.
        balance: realised.
        equity: with open positions at their marks; `None` when the engine says neither sum nor marks.
        is_running: whether it trades; `None` is not known.
    """

    at: datetime
    problem: str = ""
    as_of: datetime | None = None
    balance: Decimal | None = None
    equity: Decimal | None = None
    open_trades: tuple[OpenTrade, ...] = ()
    is_running: bool | None = None


class Live:
    """Looks at one engine.

    Args:
        engine: `None` is "not configured".
    """

    def __init__(self, engine: EngineClient | None) -> None:
        self._engine = engine
        self._last: Look | None = None
        self._clock = LastMove()
        self._asked_at = float("-inf")
        self._task: asyncio.Task[None] | None = None

    async def look(self) -> Look:
        """The last look; one that is old is asked for anew beside, and waited for only when it tells nothing any more.

        Never raises; ends within two seconds.
        """
        if self._engine is None:
            return Look(datetime.now(UTC), "the engine is not configured; set RUST_API_URL")
        age = time.monotonic() - self._asked_at
        if (self._task is None or self._task.done()) and age > ASK_AGAIN_SECONDS:
            self._asked_at = time.monotonic()
            self._task = asyncio.create_task(self._ask(self._engine))
        if self._task is not None and (self._last is None or age > TOO_OLD_SECONDS):
            await asyncio.wait({self._task}, timeout=WITHIN_SECONDS + 0.5)
        return self._last or Look(datetime.now(UTC), "the engine has not answered yet")

    async def close(self) -> None:
        """End a question that is on its way."""
        if self._task is not None:
            await end([self._task])

    async def _ask(self, engine: EngineClient) -> None:
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                account, opened, status = await asyncio.gather(
                    engine.portfolio(), engine.open_trades(), _is_running(engine)
                )
        except TradeOpsError as error:
            self._last = Look(datetime.now(UTC), f"{error.problem}; {error.remedy}" if error.remedy else error.problem)
        except TimeoutError:
            self._last = Look(datetime.now(UTC), f"the engine did not answer within {WITHIN_SECONDS:g} s")
        except Exception:
            log.exception("the engine cannot be looked at: our own code broke")
            self._last = Look(datetime.now(UTC), "not known: our own code broke, see the log")
        else:
            now = datetime.now(UTC)
            self._last = Look(
                now,
                as_of=self._clock.at(account.as_of, now),
                balance=account.value.balance,
                equity=worth(account.value, opened.value),
                open_trades=opened.value,
                is_running=status,
            )


async def _is_running(engine: EngineClient) -> bool | None:
    try:
        return (await engine.status()).value.is_running
    except TradeOpsError:
        return None
