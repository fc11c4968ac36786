"""The one HTTP policy: time-outs, connection pool, body cap, error tree. Adapters build on it and never touch httpx.

What it does not do: wait and try again. That is Prefect's business. The one exception is a connection that the other side
reset before it had answered, as servers do with kept-alive ones: a read is then sent once more, on a new connection.
"""

import asyncio
import errno
import json
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from tradeops.errors import (
    ContractError,
    MisconfiguredError,
    RateLimitedError,
    RejectedError,
    TradeOpsError,
    TransientError,
    UnavailableError,
)

SAFE_TO_REPEAT = frozenset({"GET", "HEAD", "OPTIONS"})
EXCERPT_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class HttpPolicy:
    """The bounds of every request.

    Attributes:
        connect: for the connection, TLS included.
        read: between two pieces of an answer.
        total: for the whole exchange; a body that drips cannot outlast it.
        body_cap_bytes: the largest decoded body that is read.
    """

    connect: timedelta = timedelta(seconds=2)
    read: timedelta = timedelta(seconds=5)
    total: timedelta = timedelta(seconds=30)
    body_cap_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer, whatever its status.

    Attributes:
        address: where it came from, without query and credentials.
        latency: from sending to the last byte of the body.
        server_time: the other side's clock by its `Date` header, to the second; `None` without one.
    """

    system: str
    address: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    latency: timedelta
    server_time: datetime | None

    def json(self) -> Any:  # noqa: ANN401 - what it is, the wire model of the adapter decides
        """The parsed body; NaN and Infinity come through as floats, so that one bad record can be told from a bad body.

        Raises:
            ContractError: empty, HTML, or otherwise no JSON.
        """
        if not self.body.strip():
            raise ContractError(self.system, f"{self.address} answered HTTP {self.status} with an empty body")
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            what = "HTML" if self.body.lstrip()[:1] == b"<" else "something that is no JSON"
            raise ContractError(
                self.system,
                f"{self.address} answered HTTP {self.status} with {what}: {self.excerpt()}",
                remedy="check the address and any proxy in front of it",
            ) from error

    def excerpt(self) -> str:
        """The beginning of the body on one printable line, for an error message."""
        text = self.body[: 4 * EXCERPT_CHARACTERS].decode("utf-8", "replace")
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return repr(line[:EXCERPT_CHARACTERS] + ("…" if len(line) > EXCERPT_CHARACTERS else ""))

    def raise_for_status(self) -> None:
        """Nothing on a 2xx, the typed error of the tree on anything else.

        Raises:
            MisconfiguredError: 401, 403, or a redirect: the service is up, our address or token is wrong.
            RateLimitedError: 429, and 418, with which Binance bans those who ignored it.
            TransientError: 408 and 5xx.
            RejectedError: every other 4xx.
        """
        if 200 <= self.status < 300:  # noqa: PLR2004 - the class of success
            return
        problem = f"{self.address} answered HTTP {self.status}" + (f": {self.excerpt()}" if self.body.strip() else "")
        match self.status:
            case 401 | 403:
                raise MisconfiguredError(self.system, problem, remedy="check its token or key")
            case 418 | 429:
                raise RateLimitedError(self.system, problem, retry_after=self._retry_after())
            case 408 | 500 | 502 | 503 | 504:
                raise TransientError(self.system, problem)
            case status if status >= 500:  # noqa: PLR2004 - the class of server errors
                raise TransientError(self.system, problem)
            case status if status >= 400:  # noqa: PLR2004 - the class of client errors
                raise RejectedError(self.system, problem, http_status=status)
            case _:
                raise MisconfiguredError(self.system, problem, remedy="set the address it redirects to")

    def _retry_after(self) -> timedelta | None:
        value = self.headers.get("retry-after", "")
        if value.isdigit():
            return timedelta(seconds=int(value[:9]))
        date = _parse_date(value)
        return max(date - datetime.now(UTC), timedelta(0)) if date else None


class HttpService:
    """One outside system: its address, its credentials, its name in errors.

    Args:
        client: the shared pool; see `open_pool`.
        system: its name in errors and reports.
        base_url: scheme, host, port and perhaps a path; never credentials.
        policy: the bounds of its requests.
        headers: sent with each request.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        system: str,
        base_url: str,
        policy: HttpPolicy,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.system = system
        self.base_url = base_url.rstrip("/")
        self._client = client
        self._policy = policy
        self._headers = dict(headers or {})

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: object = None,
        within: timedelta | None = None,
    ) -> Answer:
        """One exchange; any status is an answer.

        Args:
            method: an HTTP verb.
            path: beginning with a slash, already URL-encoded.
            params: of the query.
            body: sent as JSON; `None` sends none.
            within: for the whole exchange, in place of the policy's.

        Raises:
            UnavailableError: refused, reset, unresolvable, or not finished in time.
            MisconfiguredError: no valid address, or a certificate that is not trusted.
            ContractError: a body over the cap, or one that cannot be decoded.
        """
        total = within or self._policy.total
        address = self.base_url + path
        with self._typed_errors(address, total):
            async with asyncio.timeout(total.total_seconds()):
                try:
                    return await self._exchange(method, address, params, body)
                except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                    if method not in SAFE_TO_REPEAT:
                        raise
                    return await self._exchange(method, address, params, body)

    async def get_json(
        self, path: str, *, params: Mapping[str, str | int] | None = None, within: timedelta | None = None
    ) -> Any:  # noqa: ANN401 - see Answer.json
        """The parsed body of a 2xx.

        Raises:
            TradeOpsError: as `request`, `Answer.raise_for_status` and `Answer.json` say.
        """
        answer = await self.request("GET", path, params=params, within=within)
        answer.raise_for_status()
        return answer.json()

    async def _exchange(
        self, method: str, address: str, params: Mapping[str, str | int] | None, body: object
    ) -> Answer:
        started = time.perf_counter()
        timeout = httpx.Timeout(self._policy.read.total_seconds(), connect=self._policy.connect.total_seconds())
        content = None if body is None else json.dumps(body).encode()
        headers = self._headers | ({"content-type": "application/json"} if content is not None else {})
        request = self._client.build_request(
            method, address, params=params, content=content, headers=headers, timeout=timeout
        )
        response = await self._client.send(request, stream=True)
        try:
            received = bytearray()
            async for chunk in response.aiter_bytes():
                received += chunk
                if len(received) > self._policy.body_cap_bytes:
                    raise ContractError(
                        self.system,
                        f"{address} answered with more than {self._policy.body_cap_bytes / 1024 / 1024:g} MiB",
                        remedy="raise TRADEOPS_HTTP_BODY_CAP_MIB if that is right",
                    )
        finally:
            await response.aclose()
        return Answer(
            system=self.system,
            address=address,
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=bytes(received),
            latency=timedelta(seconds=time.perf_counter() - started),
            server_time=_parse_date(response.headers.get("date", "")),
        )

    @contextmanager
    def _typed_errors(self, address: str, total: timedelta) -> Iterator[None]:
        try:
            yield
        except TradeOpsError:
            raise
        except TimeoutError as error:
            problem = f"{address} did not finish its answer within {total.total_seconds():g} s"
            raise UnavailableError(self.system, problem) from error
        except httpx.ConnectTimeout as error:
            problem = f"no connection to {address} within {self._policy.connect.total_seconds():g} s"
            raise UnavailableError(self.system, problem) from error
        except httpx.TimeoutException as error:
            problem = f"no answer from {address} for {self._policy.read.total_seconds():g} s"
            raise UnavailableError(self.system, problem) from error
        except httpx.DecodingError as error:
            raise ContractError(self.system, f"{address} answered with a body that cannot be decoded") from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise MisconfiguredError(self.system, f"{address} is no valid address: {error}") from error
        except httpx.HTTPError as error:
            raise self._connection_error(address, error) from error

    def _connection_error(self, address: str, error: httpx.HTTPError) -> TradeOpsError:
        causes = list(_chain(error))
        for cause in causes:
            match cause:
                case ssl.SSLCertVerificationError():
                    problem = f"the certificate of {address} is not trusted: {cause.verify_message}"
                    return MisconfiguredError(self.system, problem, remedy="check the address and the CA bundle")
                case socket.gaierror():
                    problem = f"the host of {address} is not known"
                    return UnavailableError(self.system, problem, remedy="check the address and the network")
                case OSError(errno=errno.ECONNREFUSED):
                    return UnavailableError(self.system, f"{address} refused the connection", remedy="start it")
                case OSError(errno=errno.ECONNRESET) | httpx.RemoteProtocolError() | httpx.ReadError():
                    return UnavailableError(self.system, f"{address} closed the connection without a whole answer")
        return UnavailableError(self.system, f"{address} cannot be reached: {type(error).__name__}")


@asynccontextmanager
async def open_pool() -> AsyncIterator[httpx.AsyncClient]:
    """The connection pool that all adapters of one process share; closed at exit. Redirects are never followed."""
    limits = httpx.Limits(max_connections=50, max_keepalive_connections=20, keepalive_expiry=30)
    async with httpx.AsyncClient(limits=limits, follow_redirects=False, headers={"user-agent": "tradeops"}) as client:
        yield client


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all that caused it, groups opened, the deepest first."""
    for cause in (error.__cause__, error.__context__):
        if cause is not None:
            yield from _chain(cause)
            break
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _chain(member)
    yield error


def _parse_date(value: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
