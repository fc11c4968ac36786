"""One paid call of a language model by the openai SDK, and everything that can come back, as data.

The SDK is imported when the first call is made: it costs 0.8 s and 50 MiB. Its retries are off: a repeat is billed, so
whoever asks decides about it. No parsed model of it is used: what counts is the body, which is read to its cap first.
"""

import asyncio
import importlib
import math
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tradeops.adapters.llm.arguments import Request, arguments
from tradeops.domain.llm import Exchange, Outcome
from tradeops.errors import ContractError, MisconfiguredError
from tradeops.http_answer import parse_date
from tradeops.http_faults import typed_error

SYSTEM = "llm"
BODY_CAP_BYTES = 1024 * 1024  # an answer has a few KB
LONGEST_WAIT_SECONDS = 10**9


class _UnfitBodyError(Exception):
    """The body is not read to its end, and why."""


@dataclass(frozen=True, slots=True)
class _CappedStream(httpx.AsyncByteStream):
    """A body that ends with an error at the cap; the SDK reads the bodies of errors whole."""

    inner: httpx.AsyncByteStream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = 0
        async for chunk in self.inner:
            received += len(chunk)
            if received > BODY_CAP_BYTES:
                raise _UnfitBodyError(f"more than {BODY_CAP_BYTES // 1024} KiB of answer")
            yield chunk

    async def aclose(self) -> None:
        await self.inner.aclose()


@dataclass(frozen=True, slots=True)
class _Found:
    outcome: Outcome
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    problem: str = ""


class LlmCalls:
    """An OpenAI-compatible endpoint that is paid by the token.

    Args:
        client: a pool of its own; its answers are capped from now on.
        base_url: with its `/v1`.
        key: of the endpoint; never in what is returned.
        connect: longest wait for a connection.
    """

    def __init__(self, client: httpx.AsyncClient, *, base_url: str, key: str, connect: timedelta) -> None:
        self._client = client
        self._base_url = base_url
        self._key = key
        self._connect = connect
        self._spelled = _spellings(key)
        self._sdk: Any = None
        client.event_hooks["response"].append(_guard)

    async def load(self) -> None:
        """Import the SDK, in a thread: so that no vote pays for it with its time."""
        module = await asyncio.to_thread(importlib.import_module, "openai")
        self._sdk = module.AsyncOpenAI(
            api_key=self._key,
            base_url=self._base_url,
            http_client=self._client,
            max_retries=0,
            default_headers={"accept-encoding": "identity"},
        )

    async def ask(self, request: Request, *, within: timedelta) -> Exchange:
        """One exchange; whatever happens is in it. Only a cancellation comes through.

        Args:
            request: what to ask.
            within: for all of it, body included.
        """
        if self._sdk is None:
            await self.load()
        started = time.perf_counter()
        try:
            async with asyncio.timeout(within.total_seconds()):
                found = await self._exchange(request, within)
        except Exception as error:  # noqa: BLE001 - the SDK has many; a vote must end as one, never as a crash
            found = self._failed(error, within)
        elapsed = timedelta(seconds=time.perf_counter() - started)
        return Exchange(
            found.outcome,
            elapsed,
            status=found.status,
            content_type=self._without_key(found.headers.get("content-type", "")).lower(),
            retry_after=_retry_after(found.headers),
            body=self._spelled.sub(b"***", found.body),
            problem=self._without_key(found.problem),
        )

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "***")

    async def _exchange(self, request: Request, within: timedelta) -> _Found:
        seconds = within.total_seconds()
        bounds = httpx.Timeout(seconds, connect=min(self._connect.total_seconds(), seconds))
        async with self._opened(request, bounds) as response:
            body = b"".join([chunk async for chunk in response.iter_bytes()])
            return _Found(Outcome.ANSWERED, response.status_code, response.headers, body)

    def _opened(self, request: Request, bounds: httpx.Timeout) -> AbstractAsyncContextManager[Any]:
        resource = self._sdk.responses if request.api == "responses" else self._sdk.chat.completions
        opened: AbstractAsyncContextManager[Any] = resource.with_streaming_response.create(
            **arguments(request), timeout=bounds
        )
        return opened

    def _failed(  # noqa: PLR0911 - one for each fault
        self, error: Exception, within: timedelta
    ) -> _Found:
        """What became of an exchange that ended by an error: the SDK's, httpx's, or ours."""
        response = getattr(error, "response", None)
        if isinstance(response, httpx.Response) and response.is_closed:  # any status but a success
            return _Found(Outcome.ANSWERED, response.status_code, response.headers, response.content)
        cause = error.__cause__ if isinstance(error.__cause__, httpx.HTTPError) else error
        match cause:
            case _UnfitBodyError():
                return _Found(Outcome.TOO_LARGE, problem=f"{self._base_url} answered with {cause}")
            case httpx.ConnectTimeout():
                problem = f"no connection to {self._base_url} within {self._connect.total_seconds():g} s"
                return _Found(Outcome.NOT_SENT, problem=problem)
            case TimeoutError() | httpx.TimeoutException():
                problem = f"{self._base_url} did not finish its answer within {within.total_seconds():.1f} s"
                return _Found(Outcome.STALLED, problem=problem)
            case httpx.LocalProtocolError() | UnicodeEncodeError():
                problem = "a header of the call cannot be sent: check the key for line breaks and quotes"
                return _Found(Outcome.MISDIRECTED, problem=problem)
            case httpx.HTTPError() | httpx.InvalidURL():
                fault = typed_error(cause, system=SYSTEM, address=self._base_url)
                if isinstance(fault, MisconfiguredError | ContractError):
                    return _Found(Outcome.MISDIRECTED, problem=fault.problem)
                never_sent = isinstance(cause, httpx.ConnectError | httpx.PoolTimeout)
                return _Found(Outcome.NOT_SENT if never_sent else Outcome.LOST, problem=fault.problem)
            case _:
                problem = f"the call could not be made: {type(error).__name__}: {self._without_key(str(error))[:200]}"
                return _Found(Outcome.MISDIRECTED, problem=problem)


def _spellings(key: str) -> re.Pattern[bytes]:
    """The key as it stands, and with any of its characters escaped as JSON may, also in JSON within JSON."""
    letters = (rf"(?:{re.escape(letter)}|\\+u{ord(letter):04x})" for letter in key)
    return re.compile("".join(letters).encode(), re.IGNORECASE)


async def _guard(response: httpx.Response) -> None:
    if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise _UnfitBodyError("a packed body, which was not asked for")
    if isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = _CappedStream(response.stream)


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """In seconds, in milliseconds, or as a date; the finest wins."""
    for name, unit in (("retry-after-ms", timedelta(milliseconds=1)), ("retry-after", timedelta(seconds=1))):
        try:
            amount = float(headers.get(name, ""))
        except ValueError:
            continue
        if math.isfinite(amount):
            return min(max(amount, 0.0), LONGEST_WAIT_SECONDS) * unit
    date = parse_date(headers.get("retry-after", ""))
    return max(date - datetime.now(UTC), timedelta(0)) if date else None
