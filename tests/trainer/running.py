"""The service as its users start it: a process with a folder, killed and started again at will."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import httpx
import psutil

from tests.conftest import UNTRACED
from tests.unit.domain.models.markets import market

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 240.0  # on a loaded machine Keras alone takes ten to import, and compiling a minute
LENGTH, BATCH = 8, 128
CANDLES = market(506)  # 256 training samples: batches of one size, so that one program is compiled
CHEAP = {  # compiled programs need not be fast here, compiling must be
    "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
}
PLAN = {"model_type": "gru", "symbol": "BTCUSDT", "epochs": 1, "length": LENGTH, "batch_size": BATCH}
Body = dict[str, Any]
T = TypeVar("T")


@dataclass
class Running:
    """One service over one folder.

    Attributes:
        cache: of compiled programs, shared by all services of a session: compiling is what takes the time.
        port: that it listens on; 0 takes one that is free, another one each time.
    """

    home: Path
    cache: Path
    port: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    begun: list[str] = field(default_factory=list)
    process: "subprocess.Popen[bytes] | None" = None
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60, trust_env=False))

    def start(self) -> "Running":
        """Begin, and wait until it answers."""
        self.home.mkdir(parents=True, exist_ok=True)
        log = self.home / "log"
        told = log.stat().st_size if log.exists() else 0
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TRADEOPS_")}
        environment |= {**CHEAP, "JAX_COMPILATION_CACHE_DIR": str(self.cache), "TRADEOPS_TRAINER_NICENESS": "0"}
        environment |= {"TRADEOPS_TRAINER_LEAST_DISK_GIB": "0.1", **UNTRACED, **self.environment}
        with log.open("ab") as file:
            command = [sys.executable, "-m", "trainer", "--port", str(self.port), "--home", str(self.home)]
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=file)

        def listening() -> str | None:
            assert self.process is not None
            assert self.process.poll() is None, log.read_text()
            found = re.search(r"running on (http://\S+)", log.read_text()[told:])
            return found and found[1]

        self.http.base_url = httpx.URL(until(listening))
        self.http.headers = httpx.Headers(dict(self.headers))
        return self

    def kill(self) -> None:
        """As the kernel does it when memory is short."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """As Ctrl-C and systemd do it."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(PATIENCE_SECONDS)
            self.process = None

    def get(self, path: str, **params: str | int) -> Body:
        told: Body = self.http.get(path, params=params).raise_for_status().json()
        return told

    def post(self, path: str, body: object = None, *, expect: int = 200, **headers: str) -> Body:
        answer = self.http.post(path, json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        told: Body = answer.json()
        return told

    def train(self, dataset: str, key: str, *, expect: int = 202, **plan: object) -> Body:
        body = {**PLAN, "dataset_id": dataset, **plan}
        told = self.post("/ai/train", body, expect=expect, **{"idempotency-key": key})
        self.begun.append(told["job_id"])
        return told

    def cancel_all(self) -> None:
        """So that no test waits for what another one left."""
        while self.begun:
            self.post(f"/ai/train/{self.begun.pop()}/cancel")
        until(lambda: not self.get("/health")["running"])

    def training(self, job_id: str) -> Body:
        return self.get(f"/ai/train/{job_id}")

    def trained(self, job_id: str) -> Body:
        """The training once it has ended."""
        return until(lambda: (told := self.training(job_id))["state"] not in {"queued", "running"} and told)

    def child(self, *, after: int = 0) -> psutil.Process:
        """The process that trains, once it is another one than `after`."""
        assert self.process is not None
        parent = psutil.Process(self.process.pid)

        def trains(one: psutil.Process) -> bool:
            try:
                return one.pid != after and "trainer.child" in one.cmdline()
            except psutil.Error:  # it has just ended
                return False

        return until(lambda: next(filter(trains, parent.children()), None))

    def roles(self, model_type: str = "gru", symbol: str = "BTCUSDT") -> dict[str, str]:
        """Of each version."""
        return {one["version"]: one["role"] for one in self.models(model_type, symbol)}

    def models(self, model_type: str = "gru", symbol: str = "BTCUSDT") -> list[Body]:
        found: list[Body] = self.get("/ai/models", model_type=model_type, symbol=symbol)["models"]
        return found


def until(look: Callable[[], T | Literal[False] | None]) -> T:
    """What `look` sees once it is true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (seen := look()):
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)
    return seen
