"""Processes that `tradeops up` owns: each on a leash, with a log of its own, gone when we are."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tradeops.errors import UnavailableError

STOP_SECONDS = 8.0  # more than the leash's own grace
TAIL_LINES = 12


@dataclass(slots=True)
class Leashed:
    """One owned process.

    Attributes:
        name: in messages.
        command: what runs.
        environment: all of its environment.
        folder: where it runs.
        log: both its outputs; the one of the start before is kept beside it as `.1`.
        restarts: how often it was started again after it had ended by itself.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    restarts: int = 0
    _leash: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _started: float = 0.0

    def start(self) -> None:
        """Start it, on a leash that this process alone holds."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        self._started = time.monotonic()
        with self.log.open("wb") as log:
            self._leash = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", "tradeops.cli.leash", *self.command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=dict(self.environment),
                start_new_session=True,  # Ctrl-C reaches us alone: we end them, in order
            )

    @property
    def pid(self) -> int | None:
        """Of the leash."""
        return self._leash.pid if self._leash else None

    def exit_code(self) -> int | None:
        """`None` while it runs."""
        return self._leash.poll() if self._leash else None

    def check(self) -> None:
        """Nothing while it runs.

        Raises:
            UnavailableError: it has ended; says how, with the end of its log.
        """
        code = self.exit_code()
        if code is not None:
            raise UnavailableError(self.name, f"ended with exit code {code}:\n{self.tail()}", remedy=f"see {self.log}")

    def ask_to_stop(self) -> None:
        """Begin to end it and all that it started."""
        if self._leash and self._leash.poll() is None:
            self._leash.send_signal(signal.SIGTERM)

    def wait_stopped(self) -> None:
        """Wait until it is gone; a leash that hangs is killed, and its child dies with it."""
        if self._leash is None:
            return
        try:
            self._leash.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._leash.kill()
            self._leash.wait()
        if self._leash.stdin:
            self._leash.stdin.close()

    def tail(self) -> str:
        """The end of its log."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError as error:
            return f"(its log cannot be read: {error.strerror})"
        return os.linesep.join(f"  {line}" for line in lines[-TAIL_LINES:]) or "  (its log is empty)"
