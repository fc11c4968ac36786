"""What real sockets can do to the HTTP policy. Each fault is a typed error, in bounded time."""

import asyncio
import gzip
import socket
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.contract.servers.misbehaving import (
    Behaviour,
    answer,
    drip,
    flood,
    hang,
    raw,
    reset,
    serving,
    then_close,
)
from tradeops.adapters.engine.client import EngineClient
from tradeops.adapters.frontend.client import FrontendClient
from tradeops.errors import (
    ContractError,
    MisconfiguredError,
    RateLimitedError,
    RejectedError,
    TradeOpsError,
    TransientError,
    UnavailableError,
)
from tradeops.http import HttpPolicy, HttpService, open_pool

UNHURRIED = HttpPolicy(  # where time is not the fault
    connect=timedelta(seconds=30), read=timedelta(seconds=30), total=timedelta(seconds=30), body_cap_bytes=256 * 1024
)
IMPATIENT = {  # each in the one bound that it passes: a machine that stands still passes no other
    hang: replace(UNHURRIED, read=timedelta(seconds=0.2)),
    drip: replace(UNHURRIED, total=timedelta(seconds=0.5)),
}
GOOD = answer()
HTML = answer(b"<!doctype html><title>Desk</title>", headers=("content-type: text/html",))


@pytest.fixture
async def pool() -> AsyncIterator[httpx.AsyncClient]:
    async with open_pool() as client:
        yield client


def engine_at(url: str, pool: httpx.AsyncClient, policy: HttpPolicy = UNHURRIED) -> EngineClient:
    return EngineClient(HttpService(pool, system="engine", base_url=url, policy=policy))


@pytest.mark.parametrize(
    ("behaviour", "expected", "says"),
    [
        pytest.param(hang, UnavailableError, "no answer from {url}/api/health for 0.2 s", id="hangs"),
        pytest.param(drip, UnavailableError, "did not finish its answer within 0.5 s", id="drips"),
        pytest.param(reset, UnavailableError, "closed the connection without a whole answer", id="resets"),
        pytest.param(then_close(raw(b"")), UnavailableError, "closed the connection", id="closes without a word"),
        pytest.param(
            then_close(answer(b'{"succ', length=90)), UnavailableError, "without a whole", id="half an answer"
        ),
        pytest.param(raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), ContractError, "no HTTP", id="another protocol"),
        pytest.param(
            raw(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 9\r\n\r\n"),
            ContractError,
            "no HTTP",
            id="two content lengths",
        ),
        pytest.param(answer(length=20), ContractError, "something that is no JSON", id="content length too short"),
        pytest.param(flood, ContractError, "more than 0.25 MiB", id="endless body"),
        pytest.param(answer(b"[]" + b" " * 300_000), ContractError, "TRADEOPS_HTTP_BODY_CAP_MIB", id="huge body"),
        pytest.param(
            answer(gzip.compress(b" " * 50_000_000), headers=("content-encoding: gzip",)),
            ContractError,
            "more than 0.25 MiB",
            id="gzip bomb",
        ),
        pytest.param(
            answer(gzip.compress(gzip.compress(b" " * 50_000_000)), headers=("content-encoding: gzip, gzip",)),
            ContractError,
            "content encoding 'gzip, gzip'",
            id="nested gzip bomb",
        ),
        pytest.param(
            answer(b"not gzip", headers=("content-encoding: gzip",)),
            ContractError,
            "cannot be decoded",
            id="gzip that is none",
        ),
        pytest.param(answer(b"\x00\xff\xfe\x80"), ContractError, "something that is no JSON", id="binary garbage"),
        pytest.param(answer(b"[" * 200_000), ContractError, "something that is no JSON", id="endless nesting"),
        pytest.param(answer(b""), ContractError, "HTTP 200 with an empty body", id="empty body"),
        pytest.param(HTML, ContractError, "HTTP 200 with HTML: '<!doctype html>", id="HTML with 200"),
        pytest.param(
            answer(b"Not Found", status="404 Not Found"), RejectedError, "HTTP 404: 'Not Found'", id="plain-text 404"
        ),
        pytest.param(answer(b"", status="405 Method Not Allowed"), RejectedError, "HTTP 405;?$", id="empty 405"),
        pytest.param(answer(b"", status="400 Bad Request"), RejectedError, "HTTP 400", id="empty 400"),
        pytest.param(
            answer(b"", status="302 Found", headers=("location: http://192.0.2.1/",)),
            MisconfiguredError,
            "HTTP 302; set the address it redirects to",
            id="redirect",
        ),
        pytest.param(answer(b"", status="401 Unauthorized"), MisconfiguredError, "check its token or key", id="401"),
        pytest.param(answer(b"", status="403 Forbidden"), MisconfiguredError, "check its token or key", id="403"),
        pytest.param(answer(b"", status="500 Oops"), TransientError, "HTTP 500", id="500"),
        pytest.param(answer(b"", status="429 Slow down"), RateLimitedError, "HTTP 429", id="429"),
    ],
)
async def test_each_misbehaviour_is_a_typed_error_that_names_the_address(
    behaviour: Behaviour, expected: type[TradeOpsError], says: str, pool: httpx.AsyncClient
) -> None:
    async with serving(behaviour) as server:
        started = time.perf_counter()
        with pytest.raises(expected, match=says.format(url=server.url)) as caught:
            await engine_at(server.url, pool, IMPATIENT.get(behaviour, UNHURRIED)).health()
        assert time.perf_counter() - started < 10, "bounded"
        assert type(caught.value) is expected
        assert caught.value.system == "engine"
        assert server.url in caught.value.problem
        assert "\n" not in str(caught.value)


async def test_a_refused_connection_names_the_host_and_what_to_do(pool: httpx.AsyncClient) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}"
        with pytest.raises(UnavailableError, match=rf"{url}/api/health refused the connection; start it"):
            await engine_at(url, pool).health()


async def test_a_server_too_busy_to_accept_is_unavailable_within_the_connect_bound(pool: httpx.AsyncClient) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen(0)
        address = busy.getsockname()
        queued = [socket.socket() for _ in range(4)]
        for waiting in queued:
            waiting.setblocking(False)
            waiting.connect_ex(address)
        try:
            policy = replace(UNHURRIED, connect=timedelta(seconds=0.3))
            with pytest.raises(UnavailableError, match=r"no connection to .* within 0\.3 s"):
                await engine_at(f"http://127.0.0.1:{address[1]}", pool, policy).health()
        finally:
            for waiting in queued:
                waiting.close()


async def test_an_unknown_host_is_unavailable(pool: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    with pytest.raises(UnavailableError, match=r"the host of http://engine\.invalid:8080/api/health is not known"):
        await engine_at("http://engine.invalid:8080", pool).health()


async def test_https_to_a_plain_port_is_a_wrong_address_not_an_outage(pool: httpx.AsyncClient) -> None:
    async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(MisconfiguredError, match="speaks no TLS; check the port in the address"):
            await engine_at(url, pool).health()


@pytest.mark.parametrize(
    "first",
    [reset, then_close(raw(b"")), then_close(answer(b'{"succ', length=90))],
    ids=["reset", "closed", "half an answer"],
)
async def test_a_read_is_sent_once_more_when_the_connection_was_closed(
    first: Behaviour, pool: httpx.AsyncClient
) -> None:
    async with serving(first, GOOD) as server:
        assert (await engine_at(server.url, pool).health()).value == "Bot is running"
        assert len(server.requests) == 2


async def test_a_read_is_sent_at_most_twice(pool: httpx.AsyncClient) -> None:
    async with serving(reset) as server:
        with pytest.raises(UnavailableError):
            await engine_at(server.url, pool).health()
        assert len(server.requests) == 2


async def test_a_write_is_never_sent_again(pool: httpx.AsyncClient) -> None:
    async with serving(reset, GOOD) as server:
        service = HttpService(pool, system="engine", base_url=server.url, policy=UNHURRIED)
        with pytest.raises(UnavailableError):
            await service.request("POST", "/api/paper-trading/stop", body={})
        assert len(server.requests) == 1


@pytest.mark.parametrize("behaviour", [hang, drip], ids=["hang", "drip"])
async def test_what_took_too_long_is_not_asked_again(behaviour: Behaviour, pool: httpx.AsyncClient) -> None:
    async with serving(behaviour) as server:
        with pytest.raises(UnavailableError):
            await engine_at(server.url, pool, IMPATIENT[behaviour]).health()
        assert len(server.requests) == 1


async def test_connections_are_kept_alive_between_reads(pool: httpx.AsyncClient) -> None:
    async with serving(GOOD) as server:
        engine = engine_at(server.url, pool)
        await engine.health()
        await engine.health()
        assert server.connections == 1


async def test_the_second_try_is_on_a_new_connection_even_when_several_kept_ones_died(pool: httpx.AsyncClient) -> None:
    together = asyncio.Barrier(2)

    async def slow_first_round(writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(10):
            await together.wait()
        await GOOD(writer)

    async with serving(slow_first_round, slow_first_round, reset, GOOD) as server:
        engine = engine_at(server.url, pool)
        await asyncio.gather(engine.health(), engine.health())
        assert server.connections == 2
        assert (await engine.health()).value == "Bot is running"
        assert server.connections == 3, "the other kept-alive connection was not trusted"


async def test_the_frontend_is_asked_on_a_connection_of_its_own_and_again_after_a_reset(
    pool: httpx.AsyncClient,
) -> None:
    async with serving(reset, then_close(HTML)) as server:
        frontend = FrontendClient(HttpService(pool, system="frontend", base_url=server.url, policy=UNHURRIED))
        assert (await frontend.page()).value.title == "Desk"
        assert server.connections == 2
        assert all("connection: close" in head.lower() for head in server.requests)


async def test_the_bound_of_one_call_wins_over_the_policy(pool: httpx.AsyncClient) -> None:
    async with serving(drip) as server:
        started = time.perf_counter()
        with pytest.raises(UnavailableError, match=r"within 0\.1 s"):
            await engine_at(server.url, pool, UNHURRIED).health(within=timedelta(seconds=0.1))
        assert time.perf_counter() - started < 10


async def test_retry_after_is_kept_for_the_caller_and_not_waited_for(pool: httpx.AsyncClient) -> None:
    async with serving(answer(b"", status="429 Slow down", headers=("retry-after: 17",))) as server:
        with pytest.raises(RateLimitedError) as caught:
            await engine_at(server.url, pool).health()
        assert caught.value.retry_after == timedelta(seconds=17)
        assert len(server.requests) == 1


async def test_a_cookie_of_one_service_is_not_sent_to_another(pool: httpx.AsyncClient) -> None:
    async with serving(answer(headers=("set-cookie: session=1; path=/",))) as first, serving(GOOD) as second:
        await engine_at(first.url, pool).health()
        await engine_at(first.url, pool).health()
        await engine_at(second.url, pool).health()
        assert "cookie" not in "".join(first.requests + second.requests).lower()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_proxy_is_not_asked_for_this_machine(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with serving(GOOD) as server, open_pool() as pool:
        url = server.url.replace("127.0.0.1", host)
        assert (await engine_at(url, pool).health()).value == "Bot is running"


async def test_a_body_of_exactly_the_cap_is_read(pool: httpx.AsyncClient) -> None:
    text = b'{"success": true, "data": "Bot is running", "error": null}'
    body = text + b" " * (UNHURRIED.body_cap_bytes - len(text))
    async with serving(answer(body)) as server:
        assert (await engine_at(server.url, pool).health()).value == "Bot is running"


async def test_compressed_answers_are_read(pool: httpx.AsyncClient) -> None:
    body = gzip.compress(b'{"success": true, "data": "Bot is running", "error": null}')
    async with serving(answer(body, headers=("content-encoding: gzip",))) as server:
        assert (await engine_at(server.url, pool).health()).value == "Bot is running"
        assert "accept-encoding: gzip, deflate\r\n" in server.requests[0].lower()


async def test_an_exhausted_pool_says_that_the_fault_is_ours() -> None:
    limits = httpx.Limits(max_connections=1)
    async with httpx.AsyncClient(limits=limits) as narrow, serving(hang) as server:
        engine = engine_at(server.url, narrow)
        impatient = HttpPolicy(read=timedelta(seconds=0.05), total=timedelta(seconds=0.5))
        second = EngineClient(HttpService(narrow, system="engine", base_url=server.url, policy=impatient))
        first = asyncio.ensure_future(engine.health())
        async with asyncio.timeout(10):
            await server.asked.wait()
        with pytest.raises(UnavailableError, match="all our connections are in use"):
            await second.health()
        assert not first.done()
        first.cancel()
        await asyncio.wait([first])


async def test_an_untrusted_certificate_is_a_matter_of_settings(pool: httpx.AsyncClient, tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=self_signed(tmp_path))
    async with server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(MisconfiguredError, match=r"is not trusted: self-signed certificate; check the address"):
            await engine_at(url, pool).health()


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


async def test_the_request_shows_who_asks(pool: httpx.AsyncClient) -> None:
    async with serving(GOOD) as server:
        await engine_at(server.url, pool).health()
        assert "user-agent: tradeops" in server.requests[0].lower()
