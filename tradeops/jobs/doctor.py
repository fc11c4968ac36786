"""Examines an existing installation. Reads only: no route that writes, costs money or deletes is ever called."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol, TypeVar

from tradeops.adapters.ai_service import catalogue as ai_service
from tradeops.adapters.ai_service.client import AiServiceClient
from tradeops.adapters.catalogue import Needed, Optional
from tradeops.adapters.engine import catalogue as engine
from tradeops.adapters.engine.client import EngineClient
from tradeops.adapters.exchange import catalogue as exchange
from tradeops.adapters.exchange.client import ExchangeClient
from tradeops.adapters.frontend import catalogue as frontend
from tradeops.adapters.frontend.client import FrontendClient
from tradeops.adapters.llm import catalogue as llm
from tradeops.adapters.llm.client import LlmClient
from tradeops.adapters.trainer.client import TrainerClient
from tradeops.domain.diagnosis import Check, Diagnosis, Verdict
from tradeops.errors import ContractError, RejectedError, TradeOpsError, UnavailableError
from tradeops.jobs import surroundings

PATIENCE = timedelta(seconds=10)
START_TRAINER = "start `tradeops trainer` and set TRAINER_URL to it"
WORST_SKEW = timedelta(seconds=30)


class Client(Protocol):
    """What the clients of all HTTP services have in common."""

    @property
    def base_url(self) -> str:
        """Its address, without credentials."""
        ...


class Services(Protocol):
    """The clients of an installation; `None` is "not configured"."""

    @property
    def engine(self) -> EngineClient | None:
        """The bot engine; mandatory."""
        ...

    @property
    def ai_service(self) -> AiServiceClient | None:
        """The AI service, if there still is one."""
        ...

    @property
    def frontend(self) -> FrontendClient | None:
        """The web frontend."""
        ...

    @property
    def exchange(self) -> ExchangeClient | None:
        """The exchange's market data."""
        ...

    @property
    def llm(self) -> LlmClient | None:
        """The language model, if there is a key."""
        ...

    @property
    def trainer(self) -> TrainerClient | None:
        """Who trains models, or the AI service in its place."""
        ...


C = TypeVar("C", bound=Client)


async def examine(services: Services, *, home: Path, contained: bool) -> Diagnosis:
    """Look at everything at once; done after `PATIENCE` at the latest, whatever hangs.

    Args:
        services: the clients to ask.
        home: our own folder, TRADEOPS_HOME.
        contained: whether we run in a container, as `surroundings.inside_container` finds out.
    """
    home_check, *sections = await asyncio.gather(
        asyncio.to_thread(lambda: [surroundings.check_home(home)]),
        _engine(services.engine, contained=contained),
        _service(
            "ai_service",
            "PYTHON_API_URL",
            services.ai_service,
            ai_service.NEEDED,
            ai_service.OPTIONAL,
            contained=contained,
        ),
        _service("frontend", "FRONTEND_URL", services.frontend, frontend.NEEDED, contained=contained),
        _service("exchange", "BINANCE_API_URL", services.exchange, exchange.NEEDED, contained=contained),
        _service("llm", "OPENAI_API_KEY", services.llm, llm.NEEDED, contained=contained),
        _trainer(services, contained=contained),
    )
    checks = [check for section in (home_check, *sections) for check in section]
    return Diagnosis((*surroundings.check_versions(), *checks))


async def _engine(client: EngineClient | None, *, contained: bool) -> list[Check]:
    if client is None:
        remedy = "set RUST_API_URL: without the engine no job can run"
        return [Check("engine", "address", Verdict.PROBLEM, "RUST_API_URL is not set", remedy)]
    return await _service("engine", "RUST_API_URL", client, engine.NEEDED, engine.OPTIONAL, contained=contained)


async def _trainer(services: Services, *, contained: bool) -> list[Check]:
    """Whether models can be trained; the AI service, which is asked where TRAINER_URL is not set, need not know how."""
    client, ai_service_too = services.trainer, services.ai_service
    if client is None:
        return [Check("trainer", "address", Verdict.NOT_CONFIGURED, "TRAINER_URL is not set: no model is trained")]
    hint = _hint(client, contained=contained)
    is_default = ai_service_too is not None and ai_service_too.base_url == client.base_url
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            can = await client.capabilities()
            health = await client.health() if can.is_ours else None
    except (TradeOpsError, TimeoutError) as error:
        if is_default:
            detail = "no trainer is known to be there; no model is trained"
            return [Check("trainer", "interface", Verdict.ABSENT, detail, START_TRAINER)]
        return [_problem("trainer", "interface", error, hint)]
    if health is None:
        detail = f"a foreign service, never used: it has no {', '.join(can.missing)}"
        return [Check("trainer", "interface", Verdict.ABSENT if is_default else Verdict.PROBLEM, detail, START_TRAINER)]
    disk = "disk unknown" if health.free_disk_gib is None else f"{health.free_disk_gib:g} GiB of disk free"
    return [Check("trainer", "interface", Verdict.OK, f"our own, asynchronous, at {client.base_url}; {disk}")]


async def _service(
    section: str,
    variable: str,
    client: C | None,
    needed: Sequence[Needed[C]],
    optional: Sequence[Optional[C]] = (),
    *,
    contained: bool,
) -> list[Check]:
    if client is None:
        return [Check(section, "address", Verdict.NOT_CONFIGURED, f"{variable} is not set")]
    hint = _hint(client, contained=contained)
    found = await asyncio.gather(*(_needed(section, endpoint, client, hint) for endpoint in needed))
    skews = [skew for _, skew in found if skew is not None]
    return [
        *(check for check, _ in found),
        *await asyncio.gather(*(_optional(section, endpoint, client, hint) for endpoint in optional)),
        *([_clock(section, max(skews, key=abs))] if skews else []),
    ]


async def _needed(section: str, endpoint: Needed[C], client: C, hint: str) -> tuple[Check, timedelta | None]:
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            reading = await endpoint.read(client)
    except (TradeOpsError, TimeoutError) as error:
        return _problem(section, endpoint.name, error, hint), None
    detail = "present"
    if reading.rejected:
        first = reading.rejected[0]
        detail += f"; {len(reading.rejected)} records left out, the first {first.record}: {first.problem}"
    return Check(section, endpoint.name, Verdict.OK, detail), reading.clock_skew


async def _optional(section: str, endpoint: Optional[C], client: C, hint: str) -> Check:
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            there = await endpoint.has_route(client, endpoint.verb, endpoint.path)
    except (TradeOpsError, TimeoutError) as error:
        return _problem(section, endpoint.name, error, hint)
    if there:
        return Check(section, endpoint.name, Verdict.OK, "present (not called)")
    return Check(section, endpoint.name, Verdict.ABSENT, f"absent, not needed: {endpoint.fallback}")


def _hint(client: Client, *, contained: bool) -> str:
    if contained and surroundings.is_loopback(client.base_url):
        return f"{client.base_url} is this container itself: use the service's name or the host's address"
    return ""


def _problem(section: str, name: str, error: TradeOpsError | TimeoutError, hint: str) -> Check:
    match error:
        case TimeoutError():
            what, why, remedy = "not answering", f"nothing within {PATIENCE.total_seconds():g} s", hint
        case UnavailableError():
            what, why, remedy = "not answering", error.problem, hint or error.remedy
        case ContractError():
            what, why, remedy = (
                "wrong shape",
                error.problem,
                error.remedy or "check its version and any proxy before it",
            )
        case RejectedError(http_status=404):
            what, why, remedy = "absent", error.problem, "check the address and its version"
        case _:
            what, why, remedy = "refused", error.problem, error.remedy
    return Check(section, name, Verdict.PROBLEM, f"{what}: {why}", remedy)


def _clock(section: str, skew: timedelta) -> Check:
    seconds = skew.total_seconds()
    detail = f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} ours"
    if abs(skew) > WORST_SKEW:
        return Check(section, "clock", Verdict.PROBLEM, detail, "synchronise both clocks by NTP")
    return Check(section, "clock", Verdict.OK, detail)
