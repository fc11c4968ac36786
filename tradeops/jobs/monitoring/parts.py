"""What the health check looks at, and what it makes of an answer.

Errors are for `tradeops.jobs.monitoring.health` to judge.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from tradeops.adapters.ai_service.client import AiServiceClient
from tradeops.adapters.engine.client import EngineClient
from tradeops.adapters.exchange.client import ExchangeClient
from tradeops.adapters.frontend.client import FrontendClient
from tradeops.adapters.llm.client import LlmClient
from tradeops.adapters.prefect_api.client import PrefectApiClient
from tradeops.adapters.probes import host
from tradeops.adapters.store import Store
from tradeops.domain.health import Severity, beyond
from tradeops.domain.llm import judge_offer
from tradeops.errors import RejectedError, TradeOpsError, TransientError
from tradeops.jobs.drill import records as drill_records
from tradeops.settings import Settings
from tradeops.wiring import Desk

POOL = "tradeops"
MINUTE = timedelta(minutes=1)
MARGIN = 10 * MINUTE  # around the candles that we need, so that a wrong clock still gets an answer to be told by

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Observed:
    """What one look at a part that answered found.

    Attributes:
        problem: why the answer is bad; empty when it is good.
        note: worth knowing, whatever the verdict.
        used_percent: of disk and memory, 0–100.
        least: what the problem weighs at least.
    """

    problem: str = ""
    note: str = ""
    used_percent: float | None = None
    least: Severity = Severity.HEALTHY


Look = Callable[[timedelta], Awaitable[Observed]]


@dataclass(frozen=True, slots=True)
class Part:
    """Something the bot, or we, depend on.

    Attributes:
        name: in the report.
        setting: the variable that configures it.
        look: asks it once within the given time, raising a TradeOpsError for a bad answer or none; `None` when the part
            is not configured.
        path_setting: the variable of its health path, where that can be changed.
        worst: the most it can weigh.
        ours: a part of the monitor, not of the bot.
    """

    name: str
    setting: str
    look: Look | None
    path_setting: str = ""
    worst: Severity = Severity.CRITICAL
    ours: bool = False


def parts_of(desk: Desk) -> tuple[Part, ...]:
    """All parts in the order of the report, configured or not."""
    settings = desk.settings
    _load_drivers(settings)

    def asking(whom: T | None, look: Callable[[T, Settings, timedelta], Awaitable[Observed]]) -> Look | None:
        return None if whom is None else partial(look, whom, settings)

    return (
        Part("engine", "RUST_API_URL", asking(desk.engine, _engine), "TRADEOPS_ENGINE_HEALTH_PATH"),
        Part("ai_service", "PYTHON_API_URL", asking(desk.ai_service, _ai_service), "TRADEOPS_AI_HEALTH_PATH"),
        Part("frontend", "FRONTEND_URL", asking(desk.frontend, _frontend), "TRADEOPS_FRONTEND_PATH"),
        Part("mongodb", "MONGODB_URL", asking(settings.mongodb_url, _mongodb)),
        Part("redis", "REDIS_URL", asking(settings.redis_url, _redis)),
        Part("rabbitmq", "RABBITMQ_URL", asking(settings.rabbitmq_url, _rabbitmq)),
        Part("exchange", "BINANCE_API_URL", asking(desk.exchange, _exchange)),
        Part("llm", "OPENAI_API_KEY", asking(desk.llm, _llm), worst=Severity.DEGRADED),
        Part("prefect", "PREFECT_API_URL", asking(desk.prefect_api, _prefect), ours=True),
        Part("drill", "", partial(_drill, desk.store, settings), worst=Severity.DEGRADED, ours=True),
        Part("disk", "TRADEOPS_DISK_PATH", asking(settings.disk_path, _disk), ours=True),
        Part("memory", "", lambda _: _memory(), ours=True),
    )


def _load_drivers(settings: Settings) -> None:
    """Those of configured parts, before a look is timed: what else imports this module starts without them."""
    drivers = {"mongodb": settings.mongodb_url, "redis": settings.redis_url, "rabbitmq": settings.rabbitmq_url}
    for name, address in drivers.items():
        if address is not None:
            import_module(f"tradeops.adapters.probes.{name}")


async def _engine(client: EngineClient, settings: Settings, within: timedelta) -> Observed:
    reading = await client.health(within=within)
    return Observed(_clock_problem(reading.clock_skew, settings))


async def _ai_service(client: AiServiceClient, settings: Settings, within: timedelta) -> Observed:
    reading = await client.health(within=within)
    has = {"API key": reading.value.api_key_configured, "GPT-4": reading.value.gpt4_available}
    missing = [f"no {what}" for what, there in has.items() if not there]
    problem = "" if reading.value.mongodb_connected else "it has lost its MongoDB (mongodb_connected is false)"
    return Observed(
        problem or _clock_problem(reading.clock_skew, settings),
        note=f"it says it has {' and '.join(missing)}" if missing else "",
    )


async def _frontend(client: FrontendClient, settings: Settings, within: timedelta) -> Observed:
    reading = await client.page(within=within)
    return Observed(_clock_problem(reading.clock_skew, settings))


async def _mongodb(url: SecretStr, settings: Settings, within: timedelta) -> Observed:
    from tradeops.adapters.probes import mongodb  # noqa: PLC0415 - see _load_drivers

    await mongodb.ping_and_query(url, within=within, tls=settings.tls)
    return Observed()


async def _redis(url: SecretStr, settings: Settings, within: timedelta) -> Observed:
    from tradeops.adapters.probes import redis  # noqa: PLC0415 - the same

    await redis.ping_and_info(url, within=within, tls=settings.tls)
    return Observed()


async def _rabbitmq(url: SecretStr, settings: Settings, within: timedelta) -> Observed:
    from tradeops.adapters.probes import rabbitmq  # noqa: PLC0415 - the same

    if settings.rabbitmq_management_url is None:
        await rabbitmq.login(url, within=within, tls=settings.tls)
        return Observed()
    login, alarms = await asyncio.gather(
        rabbitmq.login(url, within=within, tls=settings.tls),
        rabbitmq.check_alarms(settings.rabbitmq_management_url, within=within, tls=settings.tls),
        return_exceptions=True,
    )
    if login is not None:
        raise login
    match alarms:
        case None:
            return Observed()
        case RejectedError(http_status=None):
            return Observed(f"{alarms.problem}; {alarms.remedy}")
        case TradeOpsError():  # the broker works: its management API alone is no outage
            return Observed(f"its alarms are not known: {alarms.problem}")
        case _:
            raise alarms


async def _exchange(client: ExchangeClient, settings: Settings, within: timedelta) -> Observed:
    symbol, limit = settings.candle_symbol, timedelta(seconds=settings.candle_age_limit_seconds)
    now = datetime.now(UTC)
    reading = await client.klines(symbol, "1m", now - limit - MARGIN, now + MARGIN, within=within)
    if skewed := _clock_problem(reading.clock_skew, settings):
        return Observed(skewed)
    if not reading.value.candles:
        return Observed(f"no candle of {symbol} within the last {(limit + MARGIN) // MINUTE} min")
    age = ((reading.as_of or now) - reading.value.candles[-1].opened_at - MINUTE).total_seconds()
    if age > limit.total_seconds():
        most = limit.total_seconds()
        return Observed(f"newest candle of {symbol} closed {beyond(age, most)} s ago, limit {most:g} s")
    return Observed(note=f"newest candle of {symbol} closed {max(age, 0):.0f} s ago")


async def _llm(client: LlmClient, settings: Settings, within: timedelta) -> Observed:
    reading = await client.offer(within=within)
    severity, problem = judge_offer(reading.value, settings.openai_model, datetime.now(UTC).date())
    return Observed(problem or _clock_problem(reading.clock_skew, settings), least=severity)


async def _prefect(client: PrefectApiClient, settings: Settings, within: timedelta) -> Observed:
    limit = timedelta(seconds=settings.late_run_limit_seconds)
    await client.health(within=within)
    if late := await client.late_runs(expected_before=datetime.now(UTC) - limit, within=within):
        what = f"run {late[0].name} is" if len(late) == 1 else f"{len(late)} runs are"
        return Observed(f"{what} more than {limit.total_seconds():g} s late")
    try:
        workers = await client.workers(POOL, within=within)
    except RejectedError:
        return Observed(f"it has no work pool {POOL}: nothing of ours is deployed; run `tradeops up`")
    if not any(worker.online for worker in workers):
        return Observed(f"no worker of the pool {POOL} is online: scheduled runs will not start")
    return Observed()


async def _drill(store: Store, settings: Settings, _: timedelta) -> Observed:
    try:
        said = await drill_records.look(store, every=settings.drill_every, now=datetime.now(UTC))
    except TransientError as error:  # whether the store works is not this part's question
        return Observed(note=f"the last drill is not known: {error.problem}")
    return Observed(said.problem, said.note)


async def _disk(path: Path, _: Settings, __: timedelta) -> Observed:
    return Observed(used_percent=await host.disk_used_percent(path), note=f"path {path}")


async def _memory() -> Observed:
    return Observed(used_percent=await host.memory_used_percent())


def _clock_problem(skew: timedelta | None, settings: Settings) -> str:
    """Empty when the other side's clock is right, and when it shows none."""
    limit, seconds = settings.clock_skew_limit_seconds, skew.total_seconds() if skew else 0.0
    if abs(seconds) <= limit:
        return ""
    direction = "ahead of" if seconds > 0 else "behind"
    return f"its clock is {beyond(abs(seconds), limit)} s {direction} ours, limit {limit:g} s"
