"""How fast the dashboard answers over a quarter and a year of records, in SQLite and in MongoDB, and in what memory.

A real server process on loopback, a store filled by the product's own record keeping: a health check every quarter of
an hour, equity every minute, some 550 trades, an analysis and a cost report a day. MongoDB is the stand-in that the
tests use, or the server that BENCH_MONGODB_URL names. A few minutes; the figures are quoted in the documentation.
"""

import argparse
import asyncio
import contextlib
import math
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TypeVar

import httpx
import psutil
from playwright.sync_api import sync_playwright

from tradeops.adapters.store import Point, Store
from tradeops.adapters.store.mongodb import MongoStore
from tradeops.domain.health import ProbeResult, Round, Status, Thresholds, assess
from tradeops.domain.portfolio.portfolio import ClosedTrade, Side
from tradeops.errors import UnavailableError
from tradeops.jobs.monitoring import health
from tradeops.jobs.reports import trades
from tradeops.settings import Settings
from tradeops.wiring import our_store

GOAL_MS, GOAL_MIB, GOAL_PAINT_SECONDS = 100.0, 120.0, 1.0
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
AT_ONCE, TRIES = 250, 10
TRADES_A_DAY = 556  # 50,000 in 90 days
PARTS = ("engine", "ai_service", "frontend", "mongodb", "redis", "rabbitmq", "exchange", "llm", "prefect", "disk")
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT", "ADAUSDT", "DOGEUSDT", "AVAXUSDT")
STRATEGIES = ("RSI Strategy", "MACD Strategy", "Volume Strategy", "Bollinger Bands Strategy", "Stochastic Strategy")
ANEW_SECONDS = 1.6  # longer than an answer is kept, so that each is worked out anew
PATHS = (
    "/api/overview?range=24h",
    "/api/overview?range=7d",
    "/api/overview?range=30d",
    "/api/overview?range=90d",
    "/api/incidents",
    "/api/decisions",
    "/api/reports",
    "/api/audit",
    "/metrics",
)


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """A store and how it is chosen."""

    name: str
    settings: dict[str, str]


async def fill(store: Store, *, days: int) -> int:
    """Records up to now; returns how many."""
    chance = random.Random(7)  # noqa: S311 - repeatable records, no secret
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    equity, count = 10_000.0, 0
    for number in range(days, 0, -1):
        begin = now - number * DAY
        checks = [_check(begin + 15 * step * MINUTE, chance) for step in range(96)]
        minutes = []
        for step in range(1440):
            equity *= 1 + chance.gauss(0.000002, 0.0004)
            minutes.append(_worth(begin + step * MINUTE, equity, chance))
        closed = tuple(_trade(begin, place, chance) for place in range(TRADES_A_DAY))
        await insist(checks, partial(store.add_points, health.SERIES))
        await insist(minutes, partial(store.add_points, "equity_minutes"))
        await insist(closed, partial(trades.keep, store))
        await store.add_point("performance_metrics", _analysis(begin, chance))
        await store.add_point("api_cost_history", _cost(begin, chance))
        count += len(checks) + len(minutes) + len(closed) + 2
    return count


async def insist(records: Sequence[T], keep: Callable[[tuple[T, ...]], Awaitable[None]]) -> None:
    """Keep them in small pieces, each again when the store was too slow: a repetition changes nothing."""
    for first in range(0, len(records), AT_ONCE):
        piece = tuple(records[first : first + AT_ONCE])
        for tries_left in reversed(range(TRIES)):
            try:
                await keep(piece)
            except UnavailableError:
                if not tries_left:
                    raise
            else:
                break


def _check(at: datetime, chance: random.Random) -> Point:
    results = tuple(
        ProbeResult(part, Status.DOWN, timedelta(seconds=2.5), problem="no answer within 2.5 s")
        if chance.random() < 0.003  # noqa: PLR2004 - three in a thousand
        else ProbeResult(part, Status.HEALTHY, timedelta(milliseconds=chance.lognormvariate(3, 0.8)))
        for part in PARTS
    )
    report = assess(Round(results, at, at + timedelta(seconds=3)), Thresholds())
    run_id = f"{at:%Y%m%dT%H%M}"
    return Point(run_id, report.finished_at, health.as_fields(report, run_id=run_id))


def _worth(at: datetime, equity: float, chance: random.Random) -> Point:
    parts = {symbol: str(Decimal(chance.randrange(-9999, 9999)) / 100) for symbol in SYMBOLS}
    return Point(at.isoformat(), at, {"equity_usd": f"{equity:.8f}", "equity": equity, "unrealised_usd": parts})


def _trade(begin: datetime, place: int, chance: random.Random) -> ClosedTrade:
    closed = begin + DAY * (place / TRADES_A_DAY)
    price = Decimal(chance.randrange(10_000, 90_000_000)) / 1000
    return ClosedTrade(
        id=f"{begin:%Y%m%d}-{place}",
        symbol=chance.choice(SYMBOLS),
        side=Side.LONG,
        entry_price=price,
        exit_price=price * Decimal("1.001"),
        quantity=Decimal("0.01"),
        leverage=5,
        pnl=Decimal(chance.randrange(-90_000, 100_000)) / 10_000,
        opened_at=closed - timedelta(minutes=chance.randrange(5, 600)),
        closed_at=closed,
        strategy=chance.choice(STRATEGIES),
    )


def _analysis(begin: datetime, chance: random.Random) -> Point:
    values = {"win_rate": 55 + chance.random() * 20, "avg_profit_per_trade": 2.0, "sharpe_ratio": 1.8}
    body = {
        "date": f"{begin:%Y-%m-%d}",
        "run_id": f"{begin:%Y%m%d}",
        "total_trades": 3892,
        **values,
        "targets": {"win_rate": 70.0, "avg_profit_per_trade": 2.6, "sharpe_ratio": 2.1},
        "critical_limits": {"win_rate": 55.0, "avg_profit_per_trade": 1.5, "sharpe_ratio": 1.0},
        "performance": {f"{name}_status": "warning" for name in values},
        "performance_status": "warning",
        "alerts": ["win rate warning"],
        "daily": [{"date": f"{begin:%Y-%m-%d}", **values} for _ in range(7)],
    }
    return Point(f"{begin:%Y-%m-%d}", begin.replace(hour=0, minute=0), body)


def _cost(begin: datetime, chance: random.Random) -> Point:
    days = [
        {
            "date": f"{begin:%Y-%m}-{day:02d}",
            "total_usd": "1.25",
            "month_to_date_usd": f"{1.25 * day:.2f}",
            "reason": None,
        }
        for day in range(1, begin.day + 1)
    ]
    body = {
        "date": f"{begin:%Y-%m-%d}",
        "run_id": f"cost-{begin:%Y%m%d}",
        "data_as_of": begin.isoformat(),
        "projections": {"monthly_cost_usd": f"{30 + chance.random() * 30:.4f}"},
        "alerts": [],
        "full_data": {"overall_status": "healthy", "days": days},
    }
    return Point(f"cost-{begin:%Y-%m-%d}", begin, body)


@contextlib.contextmanager
def mongodb(folder: Path) -> Iterator[str]:
    """The address of a server."""
    if given := os.environ.get("BENCH_MONGODB_URL"):
        yield given
        return
    port = free_port()
    program = Path(sys.executable).parent / "secantusd-py"
    command = [str(program), "--host", "127.0.0.1", "--port", str(port), "--storage-path", str(folder / "data")]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT) as server:
        try:
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                    break
                time.sleep(0.1)
            yield f"mongodb://127.0.0.1:{port}"
        finally:
            server.terminate()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def dashboard(place: Place) -> Iterator[tuple[httpx.Client, psutil.Process]]:
    """A server process and a client of it."""
    port = free_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith("TRADEOPS_")} | place.settings
    command = [sys.executable, "-m", "tradeops.cli", "dashboard", "--port", str(port)]
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                while True:
                    with contextlib.suppress(httpx.TransportError):
                        client.get("/healthz").raise_for_status()
                        break
                    time.sleep(0.05)
                yield client, psutil.Process(server.pid)
        finally:
            server.send_signal(signal.SIGTERM)


def measure(place: Place, *, days: int, rounds: int) -> bool:
    """Print one row for each path; returns whether all goals are met."""
    with dashboard(place) as (client, process):
        first = timed(client, "/")
        whole = time.perf_counter()
        while not _is_whole(client):
            time.sleep(0.2)
        read = time.perf_counter() - whole
        client.get(PATHS[0])
        print(
            f"\n{place.name}, {days} days: the first page took {first:.0f} ms, all history is read {read:.1f} s later"
        )
        print(f"{'path':<28}{'p50 ms':>8}{'p95 ms':>8}{'most ms':>9}{'again ms':>10}{'CPU ms':>8}{'KiB':>7}")
        met = first <= 1000 * GOAL_PAINT_SECONDS
        for path in PATHS:
            anew, again, worked = [], [], []
            for _ in range(rounds):
                time.sleep(ANEW_SECONDS)
                before = sum(process.cpu_times()[:2])
                anew.append(timed(client, path))
                worked.append(1000 * (sum(process.cpu_times()[:2]) - before))
                again.append(timed(client, path))
            size = len(client.get(path).content) / 1024
            p95 = quantile(anew, 0.95)
            met &= p95 <= GOAL_MS
            print(
                f"{path:<28}{statistics.median(anew):>8.1f}{p95:>8.1f}{max(anew):>9.1f}"
                f"{statistics.median(again):>10.1f}{statistics.mean(worked):>8.1f}{size:>7.1f}"
            )
        used = process.memory_info().rss / 2**20
        paint = first_paint(str(client.base_url))
        print(f"memory {used:.0f} MiB; first paint in a new Chromium {paint:.0f} ms")
        return met and used <= GOAL_MIB and paint <= 1000 * GOAL_PAINT_SECONDS


def first_paint(address: str) -> float:
    """Milliseconds from the request until something with content is seen, with nothing cached."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.goto(address)
        took = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        browser.close()
    return float(took)


def timed(client: httpx.Client, path: str) -> float:
    """Milliseconds of one answer."""
    started = time.perf_counter()
    client.get(path).raise_for_status()
    return 1000 * (time.perf_counter() - started)


def quantile(values: Sequence[float], share: float) -> float:
    """Nearest rank."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def _is_whole(client: httpx.Client) -> bool:
    covered = client.get("/api/overview?range=24h").json()["covered_since"]
    return covered is not None and datetime.now(UTC) - datetime.fromisoformat(covered) > 90 * DAY


def main() -> None:
    """Fill and measure each store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, nargs="+", default=[90, 365])
    parser.add_argument("--stores", nargs="+", default=["sqlite", "mongodb"])
    parser.add_argument("--rounds", type=int, default=20)
    asked = parser.parse_args()
    met = True
    print(f"load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    for store in asked.stores:
        for days in asked.days:
            folder = Path(tempfile.mkdtemp(prefix="tradeops-dashboard-"))
            try:
                with contextlib.ExitStack() as stack:
                    chosen = {"TRADEOPS_HOME": str(folder), "TRADEOPS_STORE": store, "TRADEOPS_ENV_FILE": "/dev/null"}
                    if store == "mongodb":
                        chosen["MONGODB_URL"] = stack.enter_context(mongodb(folder))
                    started = time.perf_counter()
                    count = asyncio.run(_fill(chosen, days))
                    print(f"{count:,} records kept in {time.perf_counter() - started:.0f} s")
                    met &= measure(Place(store, chosen), days=days, rounds=asked.rounds)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    print(f"load {os.getloadavg()[0]:.1f}; goals {'met' if met else 'MISSED'}")
    raise SystemExit(0 if met else 1)


async def _fill(chosen: dict[str, str], days: int) -> int:
    settings = Settings.model_validate(chosen)
    if settings.mongodb_url is None:
        async with our_store(settings) as store:
            return await fill(store, days=days)
    store = MongoStore(settings.mongodb_url.get_secret_value())  # without the spool, which gives up on a busy machine
    try:
        return await fill(store, days=days)
    finally:
        await store.close()


if __name__ == "__main__":
    main()
