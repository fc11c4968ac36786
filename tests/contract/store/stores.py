"""The three stores under test, and the MongoDB-compatible server behind two of them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from tests.ports import reserved
from tradeops.adapters.store import Store
from tradeops.adapters.store.mongodb import MongoStore
from tradeops.adapters.store.spool import Spool
from tradeops.adapters.store.spooling import Patience, SpoolingStore
from tradeops.adapters.store.sqlite import SqliteStore

HASTY = Patience(write=timedelta(seconds=20), replay=timedelta(seconds=1.2))  # a server that is there may be slow
START_SECONDS = 60


@dataclass
class MongoServer:
    """A server process on a port of its own whose data outlive it; ended by its process id."""

    folder: Path
    port: int = field(default_factory=reserved)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}"

    def start(self, *options: str) -> None:
        command = [program("secantusd-py"), "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--storage-path", str(self.folder / "data"), "--sync-on-commit", *options]
        log = self.folder / "output.txt"
        with log.open("a") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, cwd=self.folder, start_new_session=True
            )
        ends_at = time.monotonic() + START_SECONDS
        while True:
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < ends_at, log.read_text()
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
            except OSError:
                time.sleep(0.05)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Has no effect on one that does not run."""
        if self.process is not None:
            os.killpg(self.process.pid, how)
            self.process.wait(20)
            self.process = None


def program(name: str) -> str:
    """Its path beside the interpreter; without it the test is skipped, and fails in CI."""
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        problem = f"{name} is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(problem)
        pytest.skip(problem)
    return found


@asynccontextmanager
async def opened(
    kind: str, *, home: Path, url: str = "", database: str = "", patience: Patience = HASTY
) -> AsyncIterator[Store]:
    """A store: `sqlite`, `mongodb` or `spooling`."""
    if kind == "sqlite":
        with closing(SqliteStore(home / "tradeops.sqlite")) as store:
            yield store
        return
    mongodb = MongoStore(url, database=database)
    try:
        if kind == "mongodb":
            yield mongodb
        else:
            with closing(Spool(home / "spool.sqlite")) as spool:
                yield SpoolingStore(mongodb, spool, patience=patience)
    finally:
        await mongodb.close()
