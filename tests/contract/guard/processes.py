"""The sandbox and the watchdog as processes of their own, as they run at night."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.ports import reserved

ROOT = Path(__file__).parents[3]
PATIENCE = 120.0
SYMBOLS = "/api/paper-trading/symbols"
LOSERS = ("ETHUSDT", "BNBUSDT", "SOLUSDT")


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox, broken and mended by its control interface."""

    engine: str
    control: str

    def on(self) -> set[str]:
        """The symbols that take new positions, whatever faults are laid."""
        told: set[str] = set(self._ask("GET", "/state")["world"]["enabled symbols"].split(", ")) - {"none"}
        return told

    def crash(self) -> None:
        """Lose a fifth of the account, with several symbols."""
        equity = float(self._ask("GET", "/state")["world"]["equity"].split()[0])
        for symbol in LOSERS:
            self._ask("POST", "/losses", {"symbol": symbol, "usdt": equity * 0.07})

    def fault(self, path: str, kind: str, **more: object) -> None:
        self._ask("POST", "/faults", {"service": "engine", "kind": kind, "path": path} | more)

    def mend(self) -> None:
        self._ask("DELETE", "/faults")

    def restart(self) -> None:
        """Let the engine forget what a restart forgets; every symbol is on again."""
        self._ask("POST", "/restart/engine")

    def begin_anew(self) -> None:
        """Another world without losses, where every symbol is on."""
        self._ask("POST", "/scenario/healthy")

    def asked(self, method: str, path: str = SYMBOLS) -> int:
        rows = self._ask("GET", "/requests")
        return sum(r["count"] for r in rows if (r["service"], r["method"], r["path"]) == ("engine", method, path))

    def _ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - as the control answers
        answer = httpx.request(method, self.control + path, json=body, trust_env=False, timeout=30)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def sandbox_in(home: Path) -> Iterator[Sandbox]:
    command = [sys.executable, "-m", "sandbox", "--home", str(home), "--no-redis", "--no-rabbitmq"]
    command += [f"--{name}-port={reserved()}" for name in ("engine", "ai", "frontend")]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        try:
            until((home / "sandbox.json").exists)
            told = json.loads((home / "sandbox.json").read_text())
            yield Sandbox(told["environment"]["RUST_API_URL"], told["control_url"])
        finally:
            process.kill()


@contextmanager
def watchdog_in(home: Path, engine: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """`tradeops watchdog` at a quick pace; killed at exit without a warning."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("TRADEOPS_", "PREFECT_"))}
    environment = kept | {
        "TRADEOPS_HOME": str(home),
        "TRADEOPS_ENV_FILE": str(home / "none"),
        "TRADEOPS_GUARD_SECONDS": "0.5",
        "TRADEOPS_WATCHDOG_SECONDS": "1",
        "TRADEOPS_STARTUP_GRACE_SECONDS": "0",
        "RUST_API_URL": engine,
    }
    with (home.parent / f"{home.name}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tradeops.cli", "watchdog"], cwd=ROOT, env=environment | variables, stderr=log
        )
    with process:
        try:
            yield process
        finally:
            process.kill()


def until(what: Callable[[], object], seconds: float = PATIENCE) -> None:
    ends_at = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ends_at, "it did not come to pass"
        time.sleep(0.03)
