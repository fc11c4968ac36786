"""Settings to adapters: the one place where the parts of a process are put together."""

import base64
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx
from pydantic import SecretStr

from tradeops.adapters.ai_service.client import AiServiceClient
from tradeops.adapters.engine.client import EngineClient
from tradeops.adapters.exchange.client import ExchangeClient
from tradeops.adapters.frontend.client import FrontendClient
from tradeops.adapters.llm.client import LlmClient
from tradeops.adapters.prefect_api.client import PrefectApiClient
from tradeops.adapters.snapshot.redis import RedisSnapshot
from tradeops.adapters.store import Store, open_store
from tradeops.errors import MisconfiguredError
from tradeops.http import HttpPolicy, HttpService, open_pool
from tradeops.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class Services:
    """The outside systems that speak HTTP. `None` is "not configured"."""

    engine: EngineClient | None
    ai_service: AiServiceClient | None
    frontend: FrontendClient | None
    exchange: ExchangeClient | None
    llm: LlmClient | None
    prefect_api: PrefectApiClient | None


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
    snapshot: RedisSnapshot | None


@asynccontextmanager
async def open_desk(settings: Settings | None = None) -> AsyncGenerator[Desk]:
    """The desk of one process and event loop; everything it opened is closed at exit.

    A part that is down does not stop it: that is for the job to find out.

    Args:
        settings: `None` reads them from the environment and the settings file.

    Raises:
        MisconfiguredError: a bad setting, no RUST_API_URL, or a TRADEOPS_HOME that cannot be written.
    """
    settings = settings or load_settings()
    async with open_services(settings) as services:
        if services.engine is None:
            remedy = "set it, for example RUST_API_URL=http://127.0.0.1:8080, or run `tradeops up` for a sandbox"
            raise MisconfiguredError("settings", "RUST_API_URL is not set, and every job needs it", remedy=remedy)
        async with our_store(settings) as store:
            yield Desk(
                settings=settings,
                store=store,
                engine=services.engine,
                ai_service=services.ai_service,
                frontend=services.frontend,
                exchange=services.exchange,
                llm=services.llm,
                prefect_api=services.prefect_api,
                snapshot=RedisSnapshot(settings.redis_url) if settings.redis_url else None,
            )


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncGenerator[Services]:
    """The clients of all configured services, on one connection pool; none of them is asked anything yet."""
    s = settings
    async with open_pool() as pool:

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
        )


def our_store(settings: Settings) -> AbstractAsyncContextManager[Store]:
    """The store that the settings choose; a MongoDB that is down does not stop it from opening.

    Raises:
        MisconfiguredError: on entering, when TRADEOPS_HOME cannot be written.
    """
    url = settings.mongodb_url.get_secret_value() if settings.mongodb_url else None
    return open_store(settings.store_kind, home=settings.home_folder, mongodb_url=url)


def prefect_api(pool: httpx.AsyncClient, settings: Settings) -> PrefectApiClient | None:
    """Prefect's API with the credentials of Prefect Cloud or of an own server; `None` without an address."""
    if settings.prefect_api_url is None:
        return None
    headers = _bearer(settings.prefect_api_key)
    if settings.prefect_api_auth_string:
        user_and_password = settings.prefect_api_auth_string.get_secret_value().encode()
        headers = {"authorization": f"Basic {base64.b64encode(user_and_password).decode()}"}
    return PrefectApiClient(_service(pool, settings, "prefect", settings.prefect_api_url, headers))


def _service(
    pool: httpx.AsyncClient, settings: Settings, system: str, base_url: str, headers: dict[str, str] | None = None
) -> HttpService:
    policy = HttpPolicy(
        connect=timedelta(seconds=settings.http_connect_timeout_seconds),
        read=timedelta(seconds=settings.http_read_timeout_seconds),
        body_cap_bytes=settings.http_body_cap_mib * 1024 * 1024,
    )
    return HttpService(pool, system=system, base_url=base_url, policy=policy, headers=headers)


def _bearer(token: SecretStr | None) -> dict[str, str]:
    return {"authorization": f"Bearer {token.get_secret_value()}"} if token else {}
