"""How fast the guard brakes: from the poll that sees a breach, from the breach itself, and by an event through Prefect.

`--prefect` measures the last one too; it starts a whole `tradeops up`.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from tradeops.jobs.brake.hold import Hold
from tradeops.jobs.brake.journal import Journal
from tradeops.jobs.guard.aside import Aside
from tradeops.jobs.guard.guard import Guard, Terms
from tradeops.jobs.guard.sight import Eyes
from tradeops.settings import Settings
from tradeops.wiring import open_quick_engine

ROOT = Path(__file__).parents[1]
TRIALS, WHOLE_TRIALS = 200, 5
DIRECT_LIMIT_SECONDS, WHOLE_LIMIT_SECONDS = 2.0, 8.0
SYMBOLS = "/api/paper-trading/symbols"
LOSERS = ("ETHUSDT", "BNBUSDT", "SOLUSDT")
PATIENCE = 120.0


def main() -> int:
    """Print the figures beside their limits; 1 when one is exceeded."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--trials", type=int, default=TRIALS)
    options.add_argument("--prefect", action="store_true", help="measure the way through Prefect too")
    wanted = options.parse_args()
    logging.disable()
    with tempfile.TemporaryDirectory() as folder, sandbox(Path(folder)) as (engine, control):
        direct = asyncio.run(directly(engine, control, Path(folder), wanted.trials))
        whole = [end_to_end(engine, control, Path(folder) / f"whole-{n}") for n in range(WHOLE_TRIALS)]
    p99 = statistics.quantiles(direct, n=100, method="inclusive")[98]
    print("| from … to confirmed off | trials | median | p99 | worst | limit |\n|---|--:|--:|--:|--:|--:|")
    row("the poll that sees it", direct, f"p99 ≤ {DIRECT_LIMIT_SECONDS:g} s")
    row("the loss in the engine", whole, f"worst ≤ {WHOLE_LIMIT_SECONDS:g} s")
    if wanted.prefect:
        row("the loss, to the end of the flow that Prefect's event started", [through_prefect()], "reported")
    return int(p99 > DIRECT_LIMIT_SECONDS or max(whole) > WHOLE_LIMIT_SECONDS)


def row(what: str, seconds: list[float], limit: str) -> None:
    """One line of the table."""
    p99 = statistics.quantiles(seconds, n=100, method="inclusive")[98] if len(seconds) > 1 else seconds[0]
    shown = [f"{value:.2f} s" for value in (statistics.median(seconds), p99, max(seconds))]
    print(f"| {what} | {len(seconds)} | {' | '.join(shown)} | {limit} |")


async def directly(engine: str, control: str, folder: Path, trials: int) -> list[float]:
    """Seconds from the beginning of the poll to the engine's own word that all is off, each with a guard of its own."""
    crash(control)
    took = []
    settings = Settings(_env_file=None, RUST_API_URL=engine, TRADEOPS_HOME=folder / "home")
    limits = settings.loss_limits(stale_after=timedelta(minutes=1), marks_still_after=settings.marks_still_after)
    terms = Terms(limits)
    async with httpx.AsyncClient(trust_env=False) as client, open_quick_engine(settings) as quick:
        assert quick is not None  # noqa: S101 - it has an address
        on = (await client.get(engine + SYMBOLS)).json()["data"]
        for number in range(trials):
            await client.put(engine + SYMBOLS, json={"symbols": on})
            aside = Aside(settings, None)  # never worked off: what is done besides is not on the way
            guard = Guard(terms, Eyes(quick), Hold(quick, Journal(folder / f"home-{number}"), aside), aside)
            began = time.perf_counter()
            await guard.poll()
            await guard.hold.settled()
            took.append(time.perf_counter() - began)
            entries = (await client.get(engine + SYMBOLS)).json()["data"].values()
            assert not any(entry["enabled"] for entry in entries)  # noqa: S101 - otherwise nothing was measured
    return took


def end_to_end(engine: str, control: str, home: Path) -> float:
    """Seconds from the loss to all off, with a watchdog at its default pace and a breach at any moment of it."""
    asked(control, "POST", "/scenario/healthy")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TRADEOPS_", "PREFECT_"))}
    environment |= {"TRADEOPS_HOME": str(home), "RUST_API_URL": engine, "TRADEOPS_ENV_FILE": str(home / "none")}
    command = [sys.executable, "-m", "tradeops.cli", "watchdog"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as watchdog:
        try:
            before = polls(control)
            until(lambda: polls(control) > before)
            time.sleep(time.time() % 4)
            crash(control)
            began = time.perf_counter()
            until(lambda: is_off(engine))
            return time.perf_counter() - began
        finally:
            watchdog.terminate()


def through_prefect() -> float:
    """Seconds from the loss to the end of the run of emergency-strategy-disable, in a `tradeops up` of its own."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        environment = {n: v for n, v in os.environ.items() if not n.startswith(("TRADEOPS_", "PREFECT_"))}
        environment |= {"HOME": folder, "TRADEOPS_HOME": str(home), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "tradeops.cli", "up", "--scenario", "healthy"]
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as up:
            try:
                until((home / "shell").exists, 3 * PATIENCE)
                shell = (home / "shell").read_text()
                [api] = [
                    line.partition("=")[2] for line in shell.splitlines() if line.startswith("export PREFECT_API_URL=")
                ]
                control = json.loads((home / "sandbox" / "sandbox.json").read_text())["control_url"]
                where = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}, "limit": 1}
                where["flows"] = {"name": {"any_": ["emergency-strategy-disable"]}}
                crash(control)
                began = time.perf_counter()
                until(lambda: httpx.post(f"{api}/flow_runs/filter", json=where, trust_env=False).json())
                return time.perf_counter() - began
            finally:
                up.send_signal(signal.SIGINT)


@contextmanager
def sandbox(folder: Path) -> Iterator[tuple[str, str]]:
    """A sandbox's engine and its control."""
    home = folder / "sandbox"
    command = [sys.executable, "-m", "sandbox", "--home", str(home), "--no-redis", "--no-rabbitmq"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        try:
            until((home / "sandbox.json").exists)
            told = json.loads((home / "sandbox.json").read_text())
            yield told["environment"]["RUST_API_URL"], told["control_url"]
        finally:
            process.terminate()


def crash(control: str) -> None:
    """Let the account lose a fifth, with several symbols."""
    equity = float(asked(control, "GET", "/state")["world"]["equity"].split()[0])
    for symbol in LOSERS:
        asked(control, "POST", "/losses", {"symbol": symbol, "usdt": equity * 0.07})


def polls(control: str) -> int:
    """How often the engine was asked for its account."""
    rows = asked(control, "GET", "/requests")
    return sum(row["count"] for row in rows if row["path"] == "/api/paper-trading/portfolio")


def is_off(engine: str) -> bool:
    """Whether no symbol takes new positions, by the engine's own word."""
    entries = httpx.get(engine + SYMBOLS, trust_env=False).json()["data"].values()
    return not any(entry["enabled"] for entry in entries)


def asked(control: str, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - as the control answers
    """What the sandbox's control answers."""
    answer = httpx.request(method, control + path, json=body, trust_env=False, timeout=30)
    answer.raise_for_status()
    return answer.json()


def until(what: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait for it."""
    ends_at = time.monotonic() + seconds
    while not what():
        if time.monotonic() > ends_at:
            raise TimeoutError("it did not come to pass")
        time.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main())
