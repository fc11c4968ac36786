"""What the doctor finds, and what it never does."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from importlib import metadata
from pathlib import Path

import pytest
import respx

from tests.unit.adapters.samples import AI_HEALTH, COSTS, MODELS, OPENAPI, PORTFOLIO, STAMP, TICKER, TRADE
from tests.unit.adapters.services import ADDRESS, enveloped, service
from tradeops.adapters.ai_service.client import AiServiceClient
from tradeops.adapters.engine.client import EngineClient
from tradeops.adapters.exchange.client import ExchangeClient
from tradeops.adapters.frontend.client import FrontendClient
from tradeops.adapters.llm.client import LlmClient
from tradeops.adapters.trainer.client import OUR_ROUTES, TrainerClient
from tradeops.domain.diagnosis import Check, Diagnosis, Verdict
from tradeops.http import HttpPolicy, HttpService, open_pool
from tradeops.jobs import doctor, surroundings

PAPER = "/api/paper-trading"
CANDLE = {"timestamp": 1764144000000, "open": 2.0, "high": 3.0, "low": 1.0, "close": 2.0, "volume": 1.0}
SYMBOL = {"enabled": True, "leverage": 10, "position_size_pct": 5.0}
BASIC = {"initial_balance": 10000.0, "trading_fee_rate": 0.0004}
ENGINE: dict[str, object] = {
    "/api/health": "Bot is running",
    f"{PAPER}/status": {"is_running": True, "portfolio": PORTFOLIO, "last_updated": STAMP},
    f"{PAPER}/portfolio": PORTFOLIO,
    f"{PAPER}/trades/open": [],
    f"{PAPER}/trades/closed": [TRADE],
    f"{PAPER}/symbols": {"ETHUSDT": SYMBOL},
    f"{PAPER}/basic-settings": {"basic": BASIC, "risk": {}},
    "/api/market/prices": {"ETHUSDT": 3000.1},
    "/api/market/candles/ETHUSDT/1h": {"symbol": "ETHUSDT", "timeframe": "1h", "candles": [CANDLE]},
}


@dataclass(frozen=True)
class Installation:
    engine: EngineClient | None = None
    ai_service: AiServiceClient | None = None
    frontend: FrontendClient | None = None
    exchange: ExchangeClient | None = None
    llm: LlmClient | None = None
    trainer: TrainerClient | None = None


@asynccontextmanager
async def installed(**clients: Callable[[HttpService], object]) -> AsyncIterator[Installation]:
    async with AsyncExitStack() as stack:
        services = {name: await stack.enter_async_context(service(name)) for name in clients}
        yield Installation(**{name: make(services[name]) for name, make in clients.items()})


@pytest.fixture
async def engine_only() -> AsyncIterator[Installation]:
    async with installed(engine=EngineClient) as installation:
        yield installation


def serve_engine(wire: respx.MockRouter, routes: dict[str, object] = ENGINE) -> None:
    for path, data in routes.items():
        wire.get(ADDRESS + path).respond(content=json.dumps(enveloped(data)))
    wire.get(url__startswith=ADDRESS).respond(404, text="Not Found")


async def examined(installation: Installation, home: Path, *, contained: bool = False) -> Diagnosis:
    return await doctor.examine(installation, home=home, contained=contained)


def found(diagnosis: Diagnosis, name: str) -> Check:
    (check,) = [check for check in diagnosis.checks if check.name == name]
    return check


async def test_a_whole_installation_is_fine_and_lacks_only_what_is_optional(
    tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    serve = respx_mock.get
    serve(f"{ADDRESS}/health").respond(json=AI_HEALTH)
    serve(f"{ADDRESS}/ai/cost/statistics").respond(
        json=COSTS | {"timestamp": datetime.now(UTC).isoformat(timespec="seconds")}
    )
    serve(f"{ADDRESS}/openapi.json").respond(json=OPENAPI)
    serve(f"{ADDRESS}/").respond(text="<!doctype html>")
    serve(f"{ADDRESS}/api/v3/ticker/24hr").respond(json=TICKER)
    serve(f"{ADDRESS}/api/v3/klines").respond(json=[])
    serve(f"{ADDRESS}/models").respond(json=MODELS)
    serve(f"{ADDRESS}/api/strategies/RSI%20Strategy/disable").respond(405)
    serve_engine(respx_mock)
    everything = installed(
        engine=EngineClient,
        ai_service=AiServiceClient,
        frontend=FrontendClient,
        exchange=ExchangeClient,
        llm=LlmClient,
    )
    async with everything as installation:
        diagnosis = await examined(installation, tmp_path)
    assert diagnosis.problems == ()
    assert diagnosis.overall is Verdict.OK
    assert [check.name for check in diagnosis.checks if check.verdict is Verdict.ABSENT] == [
        "GET /api/paper-trading/trades",
        "GET /ai/model/accuracy_history",
    ]
    assert found(diagnosis, "POST /api/strategies/RSI%20Strategy/disable").detail == "present (not called)"
    assert {call.request.method for call in respx_mock.calls} == {"GET"}
    asked = {call.request.url.path for call in respx_mock.calls}
    assert not asked & {"/debug/gpt4", "/ai/analyze", "/ai/train", "/ai/storage/clear"}


async def test_an_absent_optional_endpoint_says_what_is_done_without_it(
    engine_only: Installation, tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    serve_engine(respx_mock)
    check = found(await examined(engine_only, tmp_path), "POST /api/strategies/RSI%20Strategy/disable")
    assert check.verdict is Verdict.ABSENT
    assert check.detail == "absent, not needed: the brake disables the strategy's symbols and reads them back"


@pytest.mark.parametrize(
    ("status", "body", "detail", "remedy"),
    [
        pytest.param(200, '{"success": true, "data": {}}', "wrong shape: .*current_balance is missing", "version",
                     id="wrong shape"),
        pytest.param(200, "<html>", "wrong shape: .*with HTML", "check the address and any proxy", id="HTML"),
        pytest.param(404, "Not Found", "absent: .*HTTP 404", "check the address and its version", id="absent"),
        pytest.param(401, "", "refused: .*HTTP 401", "check its token or key", id="no token"),
        pytest.param(200, '{"success": false, "error": "stopped"}', "refused: .*stopped", "", id="refused"),
        pytest.param(500, "", "refused: .*HTTP 500", "", id="server error"),
    ],
)  # fmt: skip
async def test_a_needed_endpoint_that_does_not_do_is_a_problem_with_its_reason(
    status: int,
    body: str,
    detail: str,
    remedy: str,
    engine_only: Installation,
    tmp_path: Path,
    respx_mock: respx.MockRouter,
) -> None:
    respx_mock.get(f"{ADDRESS}{PAPER}/portfolio").respond(status, text=body)
    serve_engine(respx_mock, {path: data for path, data in ENGINE.items() if path != f"{PAPER}/portfolio"})
    diagnosis = await examined(engine_only, tmp_path)
    (problem,) = diagnosis.problems
    assert diagnosis.overall is Verdict.PROBLEM
    assert problem.name == f"GET {PAPER}/portfolio"
    assert re.search(detail, problem.detail)
    assert remedy in problem.remedy


async def test_records_that_were_left_out_are_told(
    engine_only: Installation, tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    serve_engine(respx_mock, ENGINE | {f"{PAPER}/trades/closed": [TRADE, TRADE | {"id": "odd", "close_time": None}]})
    check = found(await examined(engine_only, tmp_path), f"GET {PAPER}/trades/closed")
    assert check.detail == "present; 1 records left out, the first odd: close_time is null"


async def test_without_the_engine_nothing_can_run(tmp_path: Path) -> None:
    diagnosis = await examined(Installation(), tmp_path)
    assert [(check.section, check.detail) for check in diagnosis.problems] == [("engine", "RUST_API_URL is not set")]


async def test_what_is_not_configured_is_said_and_no_problem(
    engine_only: Installation, tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    serve_engine(respx_mock)
    diagnosis = await examined(engine_only, tmp_path)
    missing = [(c.section, c.detail) for c in diagnosis.checks if c.verdict is Verdict.NOT_CONFIGURED]
    assert missing == [
        ("ai_service", "PYTHON_API_URL is not set"),
        ("frontend", "FRONTEND_URL is not set"),
        ("exchange", "BINANCE_API_URL is not set"),
        ("llm", "OPENAI_API_KEY is not set"),
        ("trainer", "TRAINER_URL is not set: no model is trained"),
    ]
    assert diagnosis.overall is Verdict.OK


@pytest.mark.parametrize(
    ("seconds", "verdict", "says"),
    [
        (-120, Verdict.PROBLEM, "s behind ours"),
        (-20, Verdict.OK, "s behind ours"),
        (20, Verdict.OK, "s ahead of ours"),
        (120, Verdict.PROBLEM, "s ahead of ours"),
    ],
)
async def test_a_clock_more_than_thirty_seconds_off_is_a_problem(
    seconds: int, verdict: Verdict, says: str, tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    respx_mock.get(f"{ADDRESS}/").respond(text="<html>", headers={"date": date})
    async with installed(frontend=FrontendClient) as installation:
        check = found(await examined(installation, tmp_path), "clock")
    assert (check.section, check.verdict) == ("frontend", verdict)
    assert says in check.detail


async def test_of_several_clocks_of_a_service_the_worst_counts(
    engine_only: Installation, tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    now = datetime.now(UTC)
    for path, seconds in ((f"{PAPER}/portfolio", -120), (f"{PAPER}/trades/open", 20)):
        body = enveloped(ENGINE[path], timestamp=(now + timedelta(seconds=seconds)).isoformat())
        respx_mock.get(ADDRESS + path).respond(content=json.dumps(body))
    others = {path: data for path, data in ENGINE.items() if path not in {f"{PAPER}/portfolio", f"{PAPER}/trades/open"}}
    serve_engine(respx_mock, others)
    check = found(await examined(engine_only, tmp_path), "clock")
    assert (check.verdict, check.remedy) == (Verdict.PROBLEM, "synchronise both clocks by NTP")
    assert check.detail.endswith("s behind ours")


@pytest.mark.parametrize(("contained", "hinted"), [(True, True), (False, False)])
async def test_a_loopback_address_inside_a_container_gets_a_hint(contained: bool, hinted: bool, tmp_path: Path) -> None:
    async with open_pool() as pool:
        http = HttpService(pool, system="frontend", base_url="http://127.0.0.1:1", policy=HttpPolicy())
        diagnosis = await examined(Installation(frontend=FrontendClient(http)), tmp_path, contained=contained)
    check = found(diagnosis, "GET /")
    assert check.detail.startswith("not answering: http://127.0.0.1:1/ refused the connection")
    assert ("is this container itself: use the service's name" in check.remedy) is hinted


async def test_whatever_hangs_the_doctor_comes_to_an_end(
    engine_only: Installation, tmp_path: Path, respx_mock: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(doctor, "PATIENCE", timedelta(seconds=0.05))
    respx_mock.get(url__startswith=ADDRESS).mock(side_effect=hang)
    async with asyncio.timeout(30):
        diagnosis = await examined(engine_only, tmp_path)
    assert {c.detail for c in diagnosis.problems} == {"not answering: nothing within 0.05 s"}
    assert len(diagnosis.problems) == 11


# Who trains models


def described(*routes: str) -> dict[str, object]:
    return {"paths": {route.partition(" ")[2]: {route.partition(" ")[0].lower(): {}} for route in routes}}


async def test_the_own_trainer_is_told_by_what_it_can_do(tmp_path: Path, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{ADDRESS}/openapi.json").respond(json=described(*OUR_ROUTES))
    respx_mock.get(f"{ADDRESS}/health").respond(json={"status": "healthy", "free_disk_gib": 71.5, "running": []})
    async with installed(trainer=TrainerClient) as installation:
        check = found(await examined(installation, tmp_path), "interface")
    assert (check.section, check.verdict) == ("trainer", Verdict.OK)
    assert check.detail == f"our own, asynchronous, at {ADDRESS}; 71.5 GiB of disk free"


@pytest.mark.parametrize(
    ("by_default", "verdict"), [(True, Verdict.ABSENT), (False, Verdict.PROBLEM)], ids=["by default", "as set"]
)
async def test_a_foreign_trainer_is_named_as_one_that_is_never_used(
    by_default: bool, verdict: Verdict, tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    respx_mock.get(f"{ADDRESS}/openapi.json").respond(json=OPENAPI)
    respx_mock.get(url__startswith=ADDRESS).respond(404)
    clients: dict[str, Callable[[HttpService], object]] = {"trainer": TrainerClient}
    async with installed(**clients, **({"ai_service": AiServiceClient} if by_default else {})) as installation:
        check = found(await examined(installation, tmp_path), "interface")
    assert check.verdict is verdict
    assert check.detail.startswith("a foreign service, never used: it has no POST /ai/datasets, ")
    assert check.remedy == "start `tradeops trainer` and set TRAINER_URL to it"
    assert "/ai/train" not in {call.request.url.path for call in respx_mock.calls}


@pytest.mark.parametrize(
    ("by_default", "verdict"), [(True, Verdict.ABSENT), (False, Verdict.PROBLEM)], ids=["by default", "as set"]
)
async def test_a_trainer_that_is_down_is_a_problem_only_where_one_was_set(
    by_default: bool, verdict: Verdict, tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    respx_mock.get(url__startswith=ADDRESS).respond(503)
    clients: dict[str, Callable[[HttpService], object]] = {"trainer": TrainerClient}
    async with installed(**clients, **({"ai_service": AiServiceClient} if by_default else {})) as installation:
        assert found(await examined(installation, tmp_path), "interface").verdict is verdict


# What the process stands on


def test_the_pinned_packages_are_checked_without_importing_them() -> None:
    checks = {check.name: check for check in surroundings.check_versions()}
    assert list(checks) == ["python", "tradeops", "fastapi", "prefect", "sqlalchemy"]
    assert checks["prefect"].detail == metadata.version("prefect")
    assert all(check.verdict is Verdict.OK for check in checks.values())


@pytest.mark.parametrize(
    ("package", "wanted", "verdict", "detail"),
    [
        ("httpx", metadata.version("httpx"), Verdict.OK, metadata.version("httpx")),
        ("httpx", "0.0.1", Verdict.PROBLEM, f"{metadata.version('httpx')} instead of 0.0.1"),
        ("no-such-package", "1.0", Verdict.PROBLEM, "not installed"),
    ],
)
def test_exactly_the_pinned_version_will_do(package: str, wanted: str, verdict: Verdict, detail: str) -> None:
    check = surroundings.check_pin(package, wanted=wanted)
    assert (check.verdict, check.detail) == (verdict, detail)
    assert check.remedy == ("" if verdict is Verdict.OK else f"install {package}=={wanted}")


def test_a_writable_home_is_left_as_it_was(tmp_path: Path) -> None:
    assert surroundings.check_home(tmp_path) == Check("home", str(tmp_path), Verdict.OK, "writable")
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    home = tmp_path / "a" / "b"
    assert surroundings.check_home(home).detail == "will be made at the first start"
    assert not (tmp_path / "a").exists()


def test_a_home_below_a_file_is_a_problem_that_names_the_path(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    check = surroundings.check_home(file / "home")
    assert (check.verdict, check.detail) == (Verdict.PROBLEM, f"cannot be made in {file}")
    check = surroundings.check_home(file)
    assert (check.verdict, check.detail) == (Verdict.PROBLEM, "not writable: Not a directory")
    assert check.remedy == "make it writable for this user or set TRADEOPS_HOME"


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://127.9.9.9", True),
        ("http://localhost:8080", True),
        ("http://bot.localhost", True),
        ("http://[::1]:8080", True),
        ("http://engine:8080", False),
        ("http://192.0.2.7", False),
        ("http://localhost.example", False),
    ],
)
def test_loopback_is_known_by_name_and_number(address: str, loopback: bool) -> None:
    assert surroundings.is_loopback(address) is loopback


def test_a_container_is_known_by_its_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "containerenv"
    monkeypatch.setattr(surroundings, "CONTAINER_MARKS", (mark,))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert not surroundings.inside_container()
    mark.touch()
    assert surroundings.inside_container()
    mark.unlink()
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert surroundings.inside_container()
