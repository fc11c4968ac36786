"""How fast the dashboard answers over a quarter and a year of records, in SQLite and in MongoDB, and in what memory.

A real server process on loopback, a store filled by the product's own record keeping: a health check every quarter of
an hour, equity every minute, some 550 trades, two incidents, ten other events of the audit trail, a decision and four
reports a day; an engine that answers, and a guard that keeps more meanwhile. MongoDB is the stand-in that the tests
use, or the server that BENCH_MONGODB_URL names. Half an hour; the figures are quoted in the documentation.
"""

import argparse
import asyncio
import contextlib
import math
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
from dashboard_ground.bot import engine, guard
from dashboard_ground.records import DAY, fill
from playwright.sync_api import sync_playwright

from tradeops.adapters.store.mongodb import MongoStore
from tradeops.settings import Settings
from tradeops.wiring import our_store

GOAL_MS, GOAL_MIB, GOAL_PAINT_SECONDS = 100.0, 120.0, 1.0
ANEW_SECONDS = 1.6  # longer than an answer is kept, so that each is worked out anew
KEPT_PATHS = (  # what was answered a moment ago is answered again
    "/api/overview?range=24h",
    "/api/overview?range=7d",
    "/api/overview?range=30d",
    "/api/overview?range=90d",
    "/api/decisions",
    "/status.json",
    "/metrics",
)
OTHER_PATHS = (
    "/api/incidents?range=24h",
    "/api/incidents?range=90d",
    "/api/reports",
    "/api/reports?kind=health",
    "/api/audit",
    "/api/audit?kind=incident_opened",
    "/api/backtests",
    "/api/optimisations",
)


@dataclass(frozen=True, slots=True)
class Place:
    """A store and how it is chosen."""

    name: str
    settings: dict[str, str]


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
        insist_on_sight(client)
        print(f"{place.name}, {days} days, load {os.getloadavg()[0]:.1f}")
        print(f"the first page took {first:.0f} ms, all that charts show is read {read:.1f} s later")
        print(f"{'path':<54}{'p50 ms':>8}{'p95 ms':>8}{'most ms':>9}{'again ms':>10}{'CPU ms':>8}{'KiB':>7}")
        met = first <= 1000 * GOAL_PAINT_SECONDS
        for path in (*KEPT_PATHS, *OTHER_PATHS, *single_pages(client)):
            anew, again, worked = [], [], []
            for _ in range(rounds):
                time.sleep(ANEW_SECONDS if path in KEPT_PATHS else 0.05)
                before = sum(process.cpu_times()[:2])
                anew.append(timed(client, path))
                worked.append(1000 * (sum(process.cpu_times()[:2]) - before))
                again.append(timed(client, path))
            size = len(client.get(path).content) / 1024
            p95 = quantile(anew, 0.95)
            met &= p95 <= GOAL_MS
            print(
                f"{path:<54}{statistics.median(anew):>8.1f}{p95:>8.1f}{max(anew):>9.1f}"
                f"{statistics.median(again):>10.1f}{statistics.mean(worked):>8.1f}{size:>7.1f}"
            )
        used = process.memory_info().rss / 2**20
        paint = first_paint(str(client.base_url))
        print(f"memory {used:.0f} MiB; first paint in a new Chromium {paint:.0f} ms")
        return met and used <= GOAL_MIB and paint <= 1000 * GOAL_PAINT_SECONDS


def insist_on_sight(client: httpx.Client) -> None:
    """End here where a panel is blind: one that has nothing to count costs nothing."""
    seen = client.get(KEPT_PATHS[0]).json()
    figures = [seen["money"]["content"]["day_pnl"]]
    figures += [line[used]["percent"] for line in seen["brakes"]["content"] for used in ("daily_loss", "losses")]
    if blind := [one["reason"] for one in figures if one["value"] is None]:
        raise SystemExit(f"the dashboard does not see everything: {blind[0]}")


def single_pages(client: httpx.Client) -> Iterator[str]:
    """One page of each kind that has some: of a quarter's incidents the oldest, whose trail is the longest."""
    incident = client.get("/api/incidents?range=90d").json()["past"][-1]
    yield f"/api/incidents/{incident['incident_id']}"
    for kind in ("health", "portfolio"):
        yield f"/api/reports/{kind}/{client.get('/api/reports', params={'kind': kind}).json()['reports'][-1]['key']}"
    yield f"/api/backtests/{client.get('/api/backtests').json()['backtests'][-1]['backtest_id']}"


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
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
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
                    chosen["RUST_API_URL"] = stack.enter_context(engine())
                    stack.enter_context(guard(Settings.model_validate(chosen)))
                    print(f"\n{count:,} records kept in {time.perf_counter() - started:.0f} s")
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
