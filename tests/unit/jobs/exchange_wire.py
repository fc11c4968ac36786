"""An exchange on the wire that has klines of any period, as long as one wants."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import httpx
import pytest
import respx

from tradeops.domain.candles import EPOCH, period_of
from tradeops.jobs import candles

EXCHANGE = "http://exchange.test"
MILLISECOND = timedelta(milliseconds=1)
NOW = datetime.now(UTC)


class _AtNow(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return NOW.astimezone(tz)


def stop_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No candle closes between the start of all tests and that of one, which may be many minutes later."""
    monkeypatch.setattr(candles, "datetime", _AtNow)


class Exchange:
    """Klines of any period; `price` makes one history differ from another.

    `clock` is what it takes for now; `None` goes with the time, for jobs that ask for what is there when they run.
    """

    def __init__(self, wire: respx.MockRouter, address: str = EXCHANGE, *, clock: datetime | None = NOW) -> None:
        self.price = 100.0
        self.asked: list[tuple[str, int, int]] = []
        self.holes: set[int] = set()
        self.bad: set[int] = set()
        self.twice: set[int] = set()
        self.refusals: list[httpx.Response] = []
        self.fails_at = 0
        self.clock = clock
        self.first = EPOCH
        wire.get(f"{address}/api/v3/klines").mock(side_effect=self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params
        start, end, period = int(query["startTime"]), int(query["endTime"]), period_of(query["interval"]) // MILLISECOND
        self.asked.append((query["symbol"], start, end))
        if len(self.asked) == self.fails_at:
            return httpx.Response(503)
        if self.refusals:
            return self.refusals.pop(0)
        clock = self.clock or datetime.now(UTC)
        now = (clock - EPOCH) // MILLISECOND
        start = max(start, (self.first - EPOCH) // MILLISECOND)
        opened = range(-(-start // period) * period, min(end, now) + 1, period)
        rows = [self.row(at, period) for at in opened if at not in self.holes for _ in range(1 + (at in self.twice))]
        date = f"{clock:%a, %d %b %Y %H:%M:%S} GMT"
        return httpx.Response(200, json=rows[:1000], headers={"date": date})

    def row(self, at: int, period: int) -> list[Any]:
        opened, close = self.price + 7 * _drawn(at - period), self.price + 7 * _drawn(at)
        high = 1.0 if at in self.bad else max(opened, close) + _drawn(at + 1)
        prices = [f"{value:.8f}" for value in (opened, high, min(opened, close) - _drawn(at + 2), close)]
        return [at, *prices, f"{5 + 9 * _drawn(at + 3):.3f}", at + period - 1, "1.0", 3, "1.0", "1.0", "0"]


def _drawn(at: int) -> float:
    """Always the same for the same moment, 0-1."""
    return (at * 2654435761 ^ at >> 7) % 1_000_003 / 1_000_003
