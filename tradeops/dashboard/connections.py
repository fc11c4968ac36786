"""Connections that say nothing, or do not listen, are ended: else a few hundred of them would shut everybody out."""

import asyncio
import time
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

SILENT_SECONDS = 20.0
DEAF_SECONDS = 120.0
CHECKS = 4  # within the first of these


class PatientProtocol(H11Protocol):
    """Uvicorn's, with a bound on how long a request takes to arrive, the first one too, and an answer to be taken."""

    _since = 0.0
    _check: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection has begun."""
        super().connection_made(transport)
        self._since = time.monotonic()
        self._check_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended."""
        super().connection_lost(exc)
        if self._check is not None:
            self._check.cancel()

    def on_response_complete(self, *arguments: Any) -> None:  # noqa: ANN401 - passed on
        """An answer is written, though perhaps not taken yet."""
        self._since = time.monotonic()
        super().on_response_complete(*arguments)

    def _check_later(self) -> None:
        self._check = self.loop.call_later(SILENT_SECONDS / CHECKS, self._look)

    def _look(self) -> None:
        silent = time.monotonic() - self._since
        cycle: RequestResponseCycle | None = self.cycle  # none before the first request, whatever its type says
        if cycle is not None and not cycle.response_complete:
            self._since = time.monotonic()  # we are at work
        elif silent > DEAF_SECONDS:
            self.transport.abort()
        elif silent > SILENT_SECONDS:
            self.transport.close()  # once what is written is taken
        self._check_later()
