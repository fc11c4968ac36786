"""The one HTTP policy: time-outs, connection pool, body cap, error tree. Adapters build on it and never touch httpx.

What it does not do: wait and try again. That is Prefect's business. The one exception is a connection that was
closed before its answer was whole, as servers do with kept-alive ones: a read is then sent once more, on a new one.
"""

import asyncio
import base64
import json
import logging
import re
import ssl
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

import httpx

from tradeops.errors import ContractError, MisconfiguredError, RejectedError, UnavailableError
from tradeops.http_answer import Answer, parse_date
from tradeops.http_faults import typed_error
from tradeops.redaction import Redactor, of_basic
from tradeops.tls import NO_TLS_OF_OURS, Tls

__all__ = ["Answer", "HttpPolicy", "HttpService", "open_pool"]

SAFE_TO_REPEAT = frozenset({"GET", "HEAD", "OPTIONS"})
KNOWN_ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})
ADDRESS_IS_SECRET: ContextVar[bool] = ContextVar("address_is_secret", default=False)
logging.getLogger("httpx").addFilter(lambda _: not ADDRESS_IS_SECRET.get())  # it logs each address, at level INFO
logging.getLogger("httpcore").setLevel(logging.INFO)  # at level DEBUG it logs what others say, which may be our token


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


class HttpService:
    """One outside system: its address, its credentials, its name in errors.

    Args:
        client: the shared pool; see `open_pool`.
        system: its name in errors and reports.
        base_url: scheme, host, port and perhaps a path; a user and password in it are used and never shown.
        policy: the bounds of its requests.
        headers: sent with each request.
        secrets: parts of the paths, such as all of it for a webhook; errors show *** in their place, and the log of
            httpx is silent.

    Raises:
        MisconfiguredError: a header that cannot be sent, such as a key with a line break in it.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        system: str,
        base_url: str,
        policy: HttpPolicy,
        headers: Mapping[str, str] | None = None,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self.system = system
        self._client = client
        self._policy = policy
        self._headers = {name.lower(): value for name, value in (headers or {}).items()}
        user_info = re.search(r"//([^/?#]*)@", base_url)
        if user_info:
            self._headers["authorization"] = "Basic " + base64.b64encode(unquote_to_bytes(user_info[1])).decode()
            base_url = base_url.replace(user_info[0], "//", 1)
        self.base_url = base_url.rstrip("/")
        for name, value in self._headers.items():
            if not (value.isascii() and value.isprintable()):
                problem = f"the {name} header has characters that cannot be sent"
                raise MisconfiguredError(system, problem, remedy="check its token or key for line breaks and quotes")
        scheme, _, credential = self._headers.get("authorization", "").rpartition(" ")
        self._hidden = secrets
        self._redactor = Redactor((*secrets, *(of_basic(credential) if scheme == "Basic" else (credential,))))

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        within: timedelta | None = None,
    ) -> Answer:
        """One exchange; any status is an answer.

        Args:
            method: an HTTP verb.
            path: beginning with a slash, already URL-encoded; no step of it may be `..`.
            params: of the query.
            body: sent as JSON; bytes are JSON already and sent as they are; `None` sends none.
            headers: for this request alone, besides those of the service.
            within: for the whole exchange, in place of the policy's.

        Raises:
            UnavailableError: refused, reset, unresolvable, or not finished in time.
            MisconfiguredError: no valid address, or a certificate that is not trusted.
            RejectedError: a path that would leave this service, or the route that it is for.
            ContractError: a body over the cap, one that cannot be decoded, or something that is no HTTP.
        """
        if not path.startswith("/") or {".", ".."} & set(unquote(path.partition("?")[0]).split("/")):
            raise RejectedError(self.system, f"{self.base_url} is not asked for a path that leads elsewhere")
        total = within or self._policy.total
        address = self.base_url + self._shown(path)
        with self._typed_errors(address, total), self._kept_from_the_log():
            async with asyncio.timeout(total.total_seconds()):
                request = self._build(method, self.base_url + path, params, body, headers or {})
                try:
                    return await self._exchange(self._client, request, address)
                except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                    if method not in SAFE_TO_REPEAT:
                        raise
                # the pool may hold more connections that died the same way: only a pool of its own is surely new
                tls = self._client.tls if isinstance(self._client, Pool) else NO_TLS_OF_OURS
                async with open_pool(tls) as fresh:
                    return await self._exchange(fresh, request, address)

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

    def _shown(self, path: str) -> str:
        for secret in self._hidden:
            path = path.replace(secret, "***")
        return path

    @contextmanager
    def _kept_from_the_log(self) -> Generator[None]:
        token = ADDRESS_IS_SECRET.set(bool(self._hidden))
        try:
            yield
        finally:
            ADDRESS_IS_SECRET.reset(token)

    def _build(
        self,
        method: str,
        address: str,
        params: Mapping[str, str | int] | None,
        body: object,
        headers: Mapping[str, str],
    ) -> httpx.Request:
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        kind = {} if content is None else {"content-type": "application/json"}
        timeout = httpx.Timeout(self._policy.read.total_seconds(), connect=self._policy.connect.total_seconds())
        return self._client.build_request(
            method,
            address,
            params=params,
            content=content,
            headers=self._headers | kind | dict(headers),
            timeout=timeout,
        )

    async def _exchange(self, client: httpx.AsyncClient, request: httpx.Request, address: str) -> Answer:
        started = time.perf_counter()
        response = await client.send(request, stream=True)
        try:
            encoding = response.headers.get("content-encoding", "").strip().lower()
            if encoding not in KNOWN_ENCODINGS:  # nested ones would unpack beyond any cap within a single chunk
                named = self._redactor.text(encoding)[:40]
                raise ContractError(self.system, f"{address} answered with the unknown content encoding {named!r}")
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
            headers={name.lower(): self._redactor.text(value) for name, value in response.headers.items()},
            body=self._redactor.data(bytes(received)),
            latency=timedelta(seconds=time.perf_counter() - started),
            received_at=datetime.now(UTC),
            server_time=parse_date(response.headers.get("date", "")),
            redactor=self._redactor,
        )

    @contextmanager
    def _typed_errors(self, address: str, total: timedelta) -> Generator[None]:
        try:
            yield
        except TimeoutError as error:
            problem = f"{address} did not finish its answer within {total.total_seconds():g} s"
            raise UnavailableError(self.system, problem) from error
        except httpx.ConnectTimeout as error:
            problem = f"no connection to {address} within {self._policy.connect.total_seconds():g} s"
            raise UnavailableError(self.system, problem) from error
        except httpx.ReadTimeout as error:
            problem = f"no answer from {address} for {self._policy.read.total_seconds():g} s"
            raise UnavailableError(self.system, problem) from error
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:  # the last comes through it in TLS 1.3
            raise typed_error(error, system=self.system, address=address) from error


class Pool(httpx.AsyncClient):
    """A connection pool that knows by what certificates it goes, so that another one can do as it does."""

    tls: Tls = NO_TLS_OF_OURS


@asynccontextmanager
async def open_pool(tls: Tls = NO_TLS_OF_OURS) -> AsyncGenerator[Pool]:
    """The connection pool that all adapters of one process share; closed at exit.

    Redirects are never followed and cookies never kept: they ignore ports, so one service would get another's. A proxy
    from the environment is used for all but this machine itself and those who may see our certificate.

    Raises:
        MisconfiguredError: a file of `tls` that cannot be used.
    """
    limits = httpx.Limits(max_connections=50, max_keepalive_connections=20, keepalive_expiry=30)
    headers = {"user-agent": "tradeops", "accept-encoding": "gzip, deflate"}
    cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
    direct: dict[str, httpx.AsyncBaseTransport | None] = dict.fromkeys(
        ("all://127.0.0.1", "all://localhost", "all://[::1]")
    )
    for origin in tls.origins:
        direct[origin] = httpx.AsyncHTTPTransport(verify=tls.for_web(identified=True), limits=limits)
    async with Pool(
        verify=tls.for_web(), limits=limits, follow_redirects=False, headers=headers, cookies=cookies, mounts=direct
    ) as client:
        client.tls = tls
        yield client
