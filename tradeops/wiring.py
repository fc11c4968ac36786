"""Settings to adapters: the one place where the parts of a process are put together."""

import base64
import re
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from tradeops.adapters.ai_service.client import AiServiceClient
from tradeops.adapters.engine.client import EngineClient
from tradeops.adapters.exchange.client import ExchangeClient
from tradeops.adapters.frontend.client import FrontendClient
from tradeops.adapters.llm.calls import LlmCalls
from tradeops.adapters.llm.client import LlmClient
from tradeops.adapters.llm.price_file import load_prices
from tradeops.adapters.notify.apprise import AppriseChannel
from tradeops.adapters.notify.channel import Channel
from tradeops.adapters.notify.discord import DiscordChannel
from tradeops.adapters.notify.slack import SlackChannel
from tradeops.adapters.notify.telegram import TelegramChannel
from tradeops.adapters.notify.webhook import WebhookChannel
from tradeops.adapters.outside_watch.client import OutsideWatch
from tradeops.adapters.prefect_api.client import PrefectApiClient
from tradeops.adapters.store import ReadableStore, Store, open_readable, open_store
from tradeops.adapters.store.backup import Restoration, Snapshot, open_restoration, open_snapshot
from tradeops.adapters.store.unopened import unopened
from tradeops.adapters.trainer.client import THOROUGH, TrainerClient
from tradeops.domain.llm import PriceTable
from tradeops.errors import MisconfiguredError, UnavailableError
from tradeops.http import HttpPolicy, HttpService, open_pool
from tradeops.settings import Settings, load_settings
from tradeops.tls import Tls

if TYPE_CHECKING:  # what a job loads before its first line, it pays for on each run: drivers, and arrays (numpy)
    from tradeops.adapters.notify.mail import MailChannel
    from tradeops.adapters.snapshot.redis import RedisSnapshot
    from tradeops.adapters.trainer.interface import Trainer

CHANNEL_TIME_OUT = timedelta(seconds=10)
QUICK = HttpPolicy(connect=timedelta(seconds=1), read=timedelta(seconds=2), total=timedelta(seconds=3))
SHORTEST_TOKEN = 12


@dataclass(frozen=True, slots=True)
class Services:
    """The outside systems that speak HTTP. `None` is "not configured"."""

    engine: EngineClient | None
    ai_service: AiServiceClient | None
    frontend: FrontendClient | None
    exchange: ExchangeClient | None
    llm: LlmClient | None
    prefect_api: PrefectApiClient | None
    trainer: TrainerClient | None


@dataclass(frozen=True, slots=True)
class Desk:
    """All that a job may reach. `None` is "not configured"; the engine alone is mandatory."""

    settings: Settings
    store: Store
    engine: EngineClient
    ai_service: AiServiceClient | None
    frontend: FrontendClient | None
    exchange: ExchangeClient | None
    llm: LlmClient | None
    prefect_api: PrefectApiClient | None
    snapshot: "RedisSnapshot | None"
    trainer: "Trainer | None" = None


@asynccontextmanager
async def open_desk(settings: Settings | None = None, *, needs_store: bool = True) -> AsyncGenerator[Desk]:
    """The desk of one process and event loop; everything it opened is closed at exit.

    A part that is down does not stop it: that is for the job to find out.

    Args:
        settings: `None` reads them from the environment and the settings file.
        needs_store: whether a local file that is damaged or locked ends it; else the store is one that is down.

    Raises:
        MisconfiguredError: a bad setting, no RUST_API_URL, or a TRADEOPS_HOME that cannot be written.
        UnavailableError: a local file of the store is damaged, locked, or has no space left.
    """
    settings = settings or load_settings()
    async with open_services(settings) as services:
        if services.engine is None:
            remedy = "set it, for example RUST_API_URL=http://127.0.0.1:8080, or run `tradeops up` for a sandbox"
            raise MisconfiguredError("settings", "RUST_API_URL is not set, and every job needs it", remedy=remedy)
        async with our_store(settings) if needs_store else _store_even_unopened(settings) as store:
            yield Desk(
                settings=settings,
                store=store,
                engine=services.engine,
                ai_service=services.ai_service,
                frontend=services.frontend,
                exchange=services.exchange,
                llm=services.llm,
                prefect_api=services.prefect_api,
                snapshot=_snapshot(settings.redis_url, settings.tls) if settings.redis_url else None,
                trainer=services.trainer,
            )


@dataclass(frozen=True, slots=True)
class Guard:
    """What alerting needs, also where no bot is configured."""

    settings: Settings
    store: Store


@asynccontextmanager
async def open_guard(settings: Settings) -> AsyncGenerator[Guard]:
    """The store alone.

    Raises:
        MisconfiguredError: TRADEOPS_HOME cannot be written.
    """
    async with our_store(settings) as store:
        yield Guard(settings, store)


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncGenerator[Services]:
    """The clients of all configured services, on one connection pool; none of them is asked anything yet."""
    s = settings
    async with open_pool(s.tls) as pool:

        def at(system: str, url: str, token: SecretStr | None = None) -> HttpService:
            return _service(pool, s, system, url, _bearer(token))

        yield Services(
            engine=EngineClient(at("engine", s.rust_api_url, s.engine_token), health_path=s.engine_health_path)
            if s.rust_api_url
            else None,
            ai_service=AiServiceClient(at("ai_service", s.python_api_url), health_path=s.ai_health_path)
            if s.python_api_url
            else None,
            frontend=FrontendClient(at("frontend", s.frontend_url), path=s.frontend_path) if s.frontend_url else None,
            exchange=ExchangeClient(at("exchange", s.binance_api_url)) if s.binance_api_url else None,
            llm=LlmClient(at("llm", s.openai_base_url, s.openai_api_key)) if s.openai_api_key else None,
            prefect_api=prefect_api(pool, s),
            trainer=_trainer(pool, s),
        )


@asynccontextmanager
async def open_quick_engine(settings: Settings) -> AsyncGenerator[EngineClient | None]:
    """The engine for those who must not wait: short bounds, a pool of its own. `None` is "not configured"."""
    s = settings
    if s.rust_api_url is None:
        yield None
        return
    policy = replace(QUICK, body_cap_bytes=s.http_body_cap_mib * 1024 * 1024)
    async with open_pool(s.tls) as pool:
        service = HttpService(
            pool, system="engine", base_url=s.rust_api_url, policy=policy, headers=_bearer(s.engine_token)
        )
        yield EngineClient(service, health_path=s.engine_health_path)


@asynccontextmanager
async def open_channels(settings: Settings) -> AsyncGenerator[dict[str, Channel]]:
    """The channels in use, by name, on one connection pool; nothing is sent yet. Empty when none is configured."""
    s = settings
    async with open_pool(s.tls) as pool:

        def at(system: str, base_url: str, *secrets: str) -> HttpService:
            connect = timedelta(seconds=s.http_connect_timeout_seconds)
            policy = HttpPolicy(connect=connect, read=CHANNEL_TIME_OUT, total=CHANNEL_TIME_OUT, body_cap_bytes=2**20)
            return HttpService(pool, system=system, base_url=base_url, policy=policy, secrets=secrets)

        def webhook(system: str, address: SecretStr) -> tuple[HttpService, str]:
            origin, path = _parted(address.get_secret_value())
            return at(system, origin, *_secrets_in(path)), path

        channels: list[Channel] = []
        if s.slack_webhook_url:
            channels.append(SlackChannel(*webhook("slack", s.slack_webhook_url)))
        if s.discord_webhook_url:
            channels.append(DiscordChannel(*webhook("discord", s.discord_webhook_url)))
        if s.telegram_bot_token and s.telegram_chat_id:
            token = s.telegram_bot_token.get_secret_value()
            http = at("telegram", s.telegram_api_url, token, token.partition(":")[2])
            channels.append(TelegramChannel(http, token, s.telegram_chat_id))
        if s.smtp_host and s.email_sender:
            channels.append(_mail(s, s.smtp_host, s.email_sender))
        if s.webhook_url and s.webhook_secret:
            http, path = webhook("webhook", s.webhook_url)
            channels.append(WebhookChannel(http, path, secret=s.webhook_secret.get_secret_value()))
        channels += [AppriseChannel(target, number=number) for number, target in enumerate(s.apprise_targets, 1)]
        yield {one.name: one for one in channels if one.name.partition("-")[0] in s.channels_in_use}


@asynccontextmanager
async def open_outside_watch(settings: Settings) -> AsyncGenerator[OutsideWatch | None]:
    """Who is told that the watchdog is alive; `None` is "not configured"."""
    if settings.watchdog_ping_url is None:
        yield None
        return
    origin, path = _parted(settings.watchdog_ping_url.get_secret_value())
    async with open_pool(settings.tls) as pool:
        yield OutsideWatch(
            HttpService(pool, system="outside watch", base_url=origin, policy=HttpPolicy(), secrets=(path[1:],)), path
        )


@asynccontextmanager
async def open_llm_calls(settings: Settings) -> AsyncGenerator[LlmCalls]:
    """The endpoint that is paid by the token, on a connection pool of its own; nothing is asked yet.

    Raises:
        MisconfiguredError: OPENAI_API_KEY is not set.
    """
    if settings.openai_api_key is None:
        raise MisconfiguredError("settings", "OPENAI_API_KEY is not set", remedy="without it the rules speak alone")
    async with open_pool(settings.tls) as pool:
        yield LlmCalls(
            pool,
            base_url=settings.openai_base_url,
            key=settings.openai_api_key.get_secret_value(),
            connect=timedelta(seconds=settings.http_connect_timeout_seconds),
        )


def prices(settings: Settings) -> PriceTable:
    """What the models cost.

    Raises:
        MisconfiguredError: TRADEOPS_LLM_PRICE_FILE cannot be used.
    """
    return load_prices(settings.llm_price_file, unknown_usd=settings.llm_unknown_model_usd_per_million)


def our_store(settings: Settings) -> AbstractAsyncContextManager[Store]:
    """The store that the settings choose; a MongoDB that is down does not stop it from opening.

    Raises:
        MisconfiguredError: on entering, when TRADEOPS_HOME cannot be written.
        UnavailableError: likewise, when a local file is damaged or locked.
    """
    return open_store(
        settings.store_kind, home=settings.home_folder, mongodb_url=_mongodb_url(settings), tls=settings.tls
    )


def our_readable_store(settings: Settings) -> AbstractAsyncContextManager[ReadableStore]:
    """That store for who only looks; it is neither made nor brought forward.

    Raises:
        MisconfiguredError, UnavailableError: on entering, as `open_readable`.
    """
    return open_readable(
        settings.store_kind, home=settings.home_folder, mongodb_url=_mongodb_url(settings), tls=settings.tls
    )


@asynccontextmanager
async def _store_even_unopened(settings: Settings) -> AsyncGenerator[Store]:
    async with AsyncExitStack() as opened:
        try:
            store = await opened.enter_async_context(our_store(settings))
        except UnavailableError as error:
            store = unopened(error)
        yield store


def our_snapshot(settings: Settings) -> AbstractAsyncContextManager[Snapshot]:
    """All of that store at one moment.

    Raises:
        MisconfiguredError, UnavailableError: on entering, when the store cannot be used or is down.
    """
    return open_snapshot(
        settings.store_kind, home=settings.home_folder, mongodb_url=_mongodb_url(settings), tls=settings.tls
    )


def our_restoration(settings: Settings) -> AbstractAsyncContextManager[Restoration]:
    """That store, to be filled.

    Raises:
        MisconfiguredError, UnavailableError: as `our_snapshot`, and when another process writes to it.
    """
    return open_restoration(
        settings.store_kind, home=settings.home_folder, mongodb_url=_mongodb_url(settings), tls=settings.tls
    )


def prefect_api(pool: httpx.AsyncClient, settings: Settings) -> PrefectApiClient | None:
    """Prefect's API with the credentials of Prefect Cloud or of an own server; `None` without an address."""
    if settings.prefect_api_url is None:
        return None
    headers = _bearer(settings.prefect_api_key)
    if settings.prefect_api_auth_string:
        user_and_password = settings.prefect_api_auth_string.get_secret_value().encode()
        headers = {"authorization": f"Basic {base64.b64encode(user_and_password).decode()}"}
    return PrefectApiClient(_service(pool, settings, "prefect", settings.prefect_api_url, headers))


def _trainer(pool: httpx.AsyncClient, settings: Settings) -> TrainerClient | None:
    """At TRAINER_URL with its token, else at PYTHON_API_URL without: a service of the bot must not learn it."""
    address = settings.trainer_url or settings.python_api_url
    if address is None:
        return None
    headers = _bearer(settings.trainer_token) if settings.trainer_url else {}
    return TrainerClient(_service(pool, settings, "trainer", address, headers, read=THOROUGH))


def _service(
    pool: httpx.AsyncClient,
    settings: Settings,
    system: str,
    base_url: str,
    headers: dict[str, str] | None = None,
    *,
    read: timedelta | None = None,
) -> HttpService:
    policy = HttpPolicy(
        connect=timedelta(seconds=settings.http_connect_timeout_seconds),
        read=read or timedelta(seconds=settings.http_read_timeout_seconds),
        body_cap_bytes=settings.http_body_cap_mib * 1024 * 1024,
    )
    return HttpService(pool, system=system, base_url=base_url, policy=policy, headers=headers)


def _bearer(token: SecretStr | None) -> dict[str, str]:
    return {"authorization": f"Bearer {token.get_secret_value()}"} if token else {}


def _parted(address: str) -> tuple[str, str]:
    """The origin of an address, with the user and password in it, and the path with the query."""
    parts = urlsplit(address)
    path = parts.path or "/"
    return f"{parts.scheme}://{parts.netloc}", f"{path}?{parts.query}" if parts.query else path


def _secrets_in(path: str) -> list[str]:
    """All of the path of a webhook, and its tokens by themselves, should an answer repeat them."""
    return [found for found in (path[1:], *re.findall(rf"[^/?&=]{{{SHORTEST_TOKEN},}}", path)) if found]


def _mongodb_url(settings: Settings) -> str | None:
    return settings.mongodb_url.get_secret_value() if settings.mongodb_url else None


def _snapshot(url: SecretStr, tls: Tls) -> "RedisSnapshot":
    from tradeops.adapters.snapshot.redis import RedisSnapshot  # noqa: PLC0415 - who has no Redis need not load the driver

    return RedisSnapshot(url, tls=tls)


def _mail(settings: Settings, host: str, sender: str) -> "MailChannel":
    from tradeops.adapters.notify.mail import MailChannel, MailServer, usual_security  # noqa: PLC0415 - as above

    server = MailServer(
        host=host,
        port=settings.smtp_port,
        security=settings.smtp_security or usual_security(host, settings.smtp_port),
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
        tls=settings.tls.for_wire() if settings.ca_file else None,
    )
    return MailChannel(server, sender=sender, recipients=settings.email_recipients)
