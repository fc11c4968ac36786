"""TLS of every protocol against real handshakes: who is trusted, who is not, and who we say we are."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.contract.notify.sinks import Mailbox, smtp_sink
from tests.contract.probes.conftest import PASSWORD, program, running
from tests.contract.servers.authority import Authority, behind_tls
from tests.contract.servers.misbehaving import answer, serving
from tests.ports import reserved
from tests.unit.adapters.notify.notices import notice
from tradeops.adapters.engine.client import EngineClient
from tradeops.adapters.notify.channel import DeliveryError
from tradeops.adapters.probes.mongodb import ping_and_query
from tradeops.adapters.probes.rabbitmq import login
from tradeops.adapters.probes.redis import ping_and_info
from tradeops.adapters.snapshot.redis import RedisSnapshot
from tradeops.adapters.store.mongodb import MongoStore
from tradeops.errors import MisconfiguredError, TradeOpsError, UnavailableError
from tradeops.http import HttpPolicy, HttpService, open_pool
from tradeops.settings import Settings
from tradeops.tls import Tls
from tradeops.wiring import open_channels

WITHIN = timedelta(seconds=10)
Ask = Callable[[str, Tls], Awaitable[object]]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.fixture(scope="module")
def identity(authority: Authority) -> Path:
    return authority.issue("desk")


@pytest.fixture(scope="module")
def tls_redis(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of a Redis that speaks TLS itself, to clients with a certificate of the authority alone."""
    folder, port = tmp_path_factory.mktemp("tls-redis"), reserved()
    file = str(authority.issue("redis", "127.0.0.1"))
    command = [program("redis-server"), "--port", "0", "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    command += ["--requirepass", PASSWORD, "--tls-port", str(port), "--tls-cert-file", file, "--tls-key-file", file]
    with running([*command, "--tls-ca-cert-file", str(authority.file)], ports=[port], folder=folder):
        yield f"127.0.0.1:{port}"


async def ask_engine(address: str, tls: Tls) -> object:
    url = f"https://{address}"
    async with open_pool(replace(tls, shown_to=(url,))) as pool:
        return await EngineClient(HttpService(pool, system="engine", base_url=url, policy=HttpPolicy())).health()


async def ask_redis(address: str, tls: Tls) -> None:
    url = SecretStr(f"rediss://:{PASSWORD}@{address}/0")
    await ping_and_info(url, within=WITHIN, tls=tls)


async def ask_snapshot(address: str, tls: Tls) -> object:
    url = SecretStr(f"rediss://:{PASSWORD}@{address}/0")
    return await RedisSnapshot(url, within=WITHIN, tls=tls).read()


async def ask_rabbitmq(address: str, tls: Tls) -> None:
    await login(SecretStr(f"amqps://guest:guest@{address}/"), within=WITHIN, tls=tls)


async def ask_mongodb(address: str, tls: Tls) -> None:
    await ping_and_query(
        SecretStr(f"mongodb://{address}/?tls=true&directConnection=true"), within=timedelta(seconds=2), tls=tls
    )


async def ask_store(address: str, tls: Tls) -> object:
    store = MongoStore(f"mongodb://{address}/?tls=true&directConnection=true", tls=tls)
    try:
        return await store.get("snapshots", "nothing")
    finally:
        await store.close()


ASKS: dict[str, Ask] = {
    "engine": ask_engine,
    "redis": ask_redis,
    "snapshot": ask_snapshot,
    "rabbitmq": ask_rabbitmq,
    "mongodb": ask_mongodb,
    "store": ask_store,
}


@dataclass(frozen=True)
class Protocol:
    ask: Ask
    plain: str


@pytest.fixture(params=ASKS)
async def protocol(request: pytest.FixtureRequest) -> AsyncIterator[Protocol]:
    kind, ask = request.param, ASKS[request.param]
    match kind:
        case "engine":
            async with serving(answer()) as server:
                yield Protocol(ask, server.url.removeprefix("http://"))
        case "redis" | "snapshot":
            yield Protocol(ask, request.getfixturevalue("redis_address"))
        case "rabbitmq":
            yield Protocol(ask, request.getfixturevalue("broker").address)
        case _:
            yield Protocol(ask, request.getfixturevalue("mongodb_address"))


async def test_our_authority_is_trusted_and_our_certificate_shown(
    protocol: Protocol, authority: Authority, identity: Path
) -> None:
    with behind_tls(protocol.plain, authority.server(wants_client=True)) as address:
        await protocol.ask(address, Tls(authority.file, identity))


async def test_another_authority_is_refused_with_the_setting_that_would_help(
    protocol: Protocol, authority: Authority, stranger: Authority, identity: Path
) -> None:
    with behind_tls(protocol.plain, authority.server()) as address:
        with pytest.raises((MisconfiguredError, UnavailableError)) as caught:
            await protocol.ask(address, Tls(stranger.file, identity))
        assert address in caught.value.problem
        assert "is not trusted: " in caught.value.problem
        assert "TRADEOPS_CA_FILE" in caught.value.remedy


# not MongoDB, whose driver keeps the alert of TLS 1.3 to itself
@pytest.mark.parametrize("protocol", ["engine", "redis", "snapshot", "rabbitmq"], indirect=True)
async def test_who_shows_no_certificate_is_told_which_setting_it_is(protocol: Protocol, authority: Authority) -> None:
    words = "asks for a certificate of ours; set TRADEOPS_CLIENT_CERT_FILE"
    with (
        behind_tls(protocol.plain, authority.server(wants_client=True)) as address,
        pytest.raises(TradeOpsError, match=words),
    ):
        await protocol.ask(address, Tls(authority.file))


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        pytest.param({"address": "127.0.0.2"}, "IP address mismatch", id="of another address"),
        pytest.param({"days": -1}, "certificate has expired", id="run out"),
    ],
)
async def test_a_certificate_of_our_authority_must_still_be_good(
    server: dict[str, Any], reason: str, authority: Authority
) -> None:
    async with serving(answer()) as plain:
        with (
            behind_tls(plain.url[7:], authority.server(**server)) as address,
            pytest.raises(MisconfiguredError, match=f"is not trusted: .*{reason}"),
        ):
            await ask_engine(address, Tls(authority.file))
    assert not plain.requests


async def test_a_service_that_is_not_the_bots_never_sees_our_certificate(authority: Authority, identity: Path) -> None:
    async with serving(answer()) as plain, open_pool(Tls(authority.file, identity, ("https://127.0.0.1:1",))) as pool:
        with behind_tls(plain.url[7:], authority.server(wants_client=True)) as address:
            service = HttpService(pool, system="exchange", base_url=f"https://{address}", policy=HttpPolicy())
            with pytest.raises(MisconfiguredError, match="asks for a certificate of ours"):
                await service.request("GET", "/")
    assert not plain.requests


async def test_a_read_that_is_sent_again_goes_by_the_same_authority(authority: Authority) -> None:
    async def hang_up(writer: Any) -> None:  # noqa: ANN401 - asyncio's
        writer.transport.abort()

    async with serving(hang_up, answer()) as plain:
        with behind_tls(plain.url[7:], authority.server()) as address:
            await ask_engine(address, Tls(authority.file))
    assert len(plain.requests) == 2


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_mail_trusts_the_authority_of_the_settings_and_no_other(
    security: str, authority: Authority, stranger: Authority
) -> None:
    context = authority.server()
    options: dict[str, Any] = {"implicit": context} if security == "tls" else {"tls_context": context}
    async with smtp_sink(Mailbox(), **options) as mailbox:
        for trusted in (stranger, authority):
            settings = Settings(
                _env_file=None,
                SMTP_HOST="127.0.0.1",
                SMTP_PORT=mailbox.port,
                TRADEOPS_SMTP_SECURITY=security,
                EMAIL_FROM="desk@example.com",
                EMAIL_TO="you@example.com",
                TRADEOPS_CA_FILE=trusted.file,
            )
            async with open_channels(settings) as channels:
                if trusted is authority:
                    await channels["email"].send(notice(), idempotency_key="k")
                    continue
                with pytest.raises(DeliveryError, match=r"is not trusted: .*TRADEOPS_CA_FILE"):
                    await channels["email"].send(notice(), idempotency_key="k")
    assert len(mailbox.mails) == 1


async def test_redis_speaks_tls_itself(tls_redis: str, authority: Authority, identity: Path) -> None:
    await ask_redis(tls_redis, Tls(authority.file, identity))
    snapshot = RedisSnapshot(
        SecretStr(f"rediss://:{PASSWORD}@{tls_redis}/0"), within=WITHIN, tls=Tls(authority.file, identity)
    )
    await snapshot.write("text")
    assert await snapshot.read() == "text"
