"""A night of a sandbox bot, played by the jobs themselves without Prefect, and the dashboard that looks at it.

Everything is real but the bot: its services answer on ports of their own in this process; the jobs probe, report,
decide and brake as in production, and what they keep is what the pages show.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import uvicorn
from starlette.types import ASGIApp

from sandbox.faults import FaultBook
from sandbox.scenarios import SCENARIOS
from sandbox.servers import Service, claim
from sandbox.stage import Stage
from tradeops.dashboard.serving import listen, server_of
from tradeops.domain.brakes import Order
from tradeops.domain.decisions.decision import Decision
from tradeops.domain.health import assess
from tradeops.domain.incidents.of_decisions import of_analysis
from tradeops.domain.incidents.of_health import observations
from tradeops.domain.incidents.of_reports import of_cost, of_performance
from tradeops.errors import TradeOpsError
from tradeops.jobs.alerts import alerting
from tradeops.jobs.brake import emergency
from tradeops.jobs.decision import evidence as known
from tradeops.jobs.decision import self_analysis, starts
from tradeops.jobs.laboratory import backtest, backtest_records, optimise, optimise_records
from tradeops.jobs.monitoring import health
from tradeops.jobs.monitoring.heartbeats import heartbeat
from tradeops.jobs.reports import api_cost, equity, performance, portfolio
from tradeops.settings import Settings
from tradeops.wiring import Desk, open_desk, our_store

ANY_HOST = {  # how full this machine is belongs to no scenario
    f"TRADEOPS_{what}_{level}_PERCENT": percent
    for what in ("DISK", "MEMORY")
    for level, percent in (("ALERT", 99.8), ("CRITICAL", 99.9))
}
LOOKS = 1  # of the health check: its re-probes are looks too, so one finds what is down
UNTIL_SERVED = 180.0
DAYS = timedelta(days=50)
VARIATIONS = 12

Work = Callable[[Desk], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One that serves, and what its bot went through."""

    address: str
    settings: Settings


@contextmanager
def dashboard_of(
    scenario: str | None, home: Path, *, laboratory: bool = False, more: Work | None = None, **given: object
) -> Iterator[Dashboard]:
    """The dashboard after a night of that scenario.

    Args:
        scenario: `None` is an installation whose store has been made, and nothing else.
        home: a folder of its own.
        laboratory: trade and search strategies too.
        more: what else happens in that night.
        given: settings besides, by their variables' names.
    """
    served = threading.Event()
    told: list[Dashboard] = []
    servers: list[uvicorn.Server] = []
    broken: list[BaseException] = []

    async def live() -> None:
        async with _bot(scenario, home, given) as settings:
            if scenario is not None:
                await _night(settings, braked=scenario == "losing", laboratory=laboratory, more=more)
            [sock] = listen(settings)

            def tell(address: str) -> None:
                told.append(Dashboard(address, settings))
                served.set()

            server = server_of(settings, sock.getsockname()[1], tell)
            server.capture_signals = nullcontext  # type: ignore[method-assign]  # they are the main thread's
            servers.append(server)
            with sock:
                await server.serve([sock])

    def run() -> None:
        try:
            asyncio.run(live())
        except BaseException as error:  # noqa: BLE001 - the test's own thread raises it
            broken.append(error)
        finally:
            served.set()

    thread = threading.Thread(target=run, name=f"dashboard of {scenario}")
    thread.start()
    try:
        assert served.wait(UNTIL_SERVED), "the dashboard does not serve"
        if broken:
            raise broken[0]
        yield told[0]
    finally:
        for server in servers:
            server.should_exit = True
        thread.join()


@asynccontextmanager
async def _bot(scenario: str | None, home: Path, given: dict[str, object]) -> AsyncGenerator[Settings]:
    """The services of the scenario, and settings that mean them; none at all without one."""
    own = {"TRADEOPS_HOME": str(home), "TRADEOPS_DASHBOARD_PORT": 0, "TRADEOPS_STARTUP_GRACE_SECONDS": 0} | ANY_HOST
    if scenario is None:
        settings = Settings(_env_file=None, **own | given)
        async with our_store(settings):  # makes it, and keeps nothing in it
            yield settings
        return

    def place(name: str, app: ASGIApp, faults: FaultBook) -> Service:
        return Service(name, app, claim(0), faults)

    stage = Stage(SCENARIOS[scenario], seed=1, place=place, on_change=lambda: None)
    await stage.open()
    try:
        yield Settings(_env_file=None, **stage.environment | own | given)
    finally:
        await stage.close()


async def _night(settings: Settings, *, braked: bool, laboratory: bool, more: Work | None) -> None:
    async with open_desk(settings) as desk:
        for _ in range(LOOKS):
            await _job(desk, "system-health-check", _health(desk))
        await _job(desk, "daily-performance-analysis", _performance(desk))
        await _job(desk, "gpt4-self-analysis", _self_analysis(desk))
        await _job(desk, "daily-portfolio-report", _portfolio(desk))
        await _job(desk, "daily-api-cost-report", _cost(desk))
        if laboratory:
            await _job(desk, "backtest-strategy", _backtest(desk))
            await _job(desk, "optimize-strategy", _optimisation(desk))
        if more is not None:
            await more(desk)
    if braked:
        done = await emergency.disable(settings, Order("portfolio", "daily loss 20 % of the equity", "guard"))
        await emergency.record(settings, done)


async def _job(desk: Desk, name: str, work: Awaitable[None]) -> None:
    """A job that cannot do its work fails, and the night goes on."""
    with contextlib.suppress(TradeOpsError):
        async with heartbeat(desk, name):
            await work


async def _health(desk: Desk) -> None:
    report = assess(await health.probe_all(desk), health.thresholds(desk.settings))
    run_id = str(uuid4())
    await alerting.tell(desk, observations(report), source="health", run_id=run_id)
    await health.record(desk, report, run_id=run_id)


async def _performance(desk: Desk) -> None:
    report = await performance.produce(desk, date=None, now=datetime.now(UTC))
    run_id = str(uuid4())
    await performance.record(desk, report, run_id=run_id)
    await alerting.tell(desk, of_performance(report), source="performance", run_id=run_id)


async def _self_analysis(desk: Desk) -> None:
    async def start(_: Decision) -> str:
        return str(uuid4())

    async def find(_: Decision) -> None:
        return None

    now, run_id = datetime.now(UTC), str(uuid4())
    async with self_analysis.opened(desk, forced=False, run_id=run_id, now=now) as mine:
        if (found := mine.settled) is None:
            market, records = await asyncio.gather(
                known.attempt(known.read_market(desk, now)), known.read_records(desk, now)
            )
            evidence = known.united(mine.week, market, records, gathered_at=now)
            found = await self_analysis.decide(desk, mine, evidence)
    analysis = await starts.finish(desk, mine, found, start, find, now=datetime.now(UTC))
    await alerting.tell(desk, of_analysis(analysis), source="decision", run_id=run_id)


async def _portfolio(desk: Desk) -> None:
    now = datetime.now(UTC)
    report = await portfolio.produce(desk, date=None, now=now)
    await portfolio.record(desk, report, run_id=str(uuid4()))
    if (worth := report.equity.value) is not None:
        await equity.observe_minute(desk.store, equity.Worth(now, worth))


async def _cost(desk: Desk) -> None:
    report = await api_cost.produce(desk, date=None, now=datetime.now(UTC))
    run_id = str(uuid4())
    await api_cost.record(desk, report, run_id=run_id)
    await alerting.tell(desk, of_cost(report), source="cost", run_id=run_id)


async def _backtest(desk: Desk) -> None:
    now = datetime.now(UTC)
    order = backtest.checked("rsi", "BTCUSDT", (now - DAYS).date(), now.date(), now=now)
    gathered = await backtest.gather(desk, order)
    report = await asyncio.to_thread(backtest.made, order, gathered, run_id=str(uuid4()), started_at=now)
    await backtest_records.record(desk, report)


async def _optimisation(desk: Desk) -> None:
    now = datetime.now(UTC)
    span = ((now - DAYS).date(), now.date())
    order = optimise.checked("rsi", "BTCUSDT", *span, parameter_variations=VARIATIONS, now=now)
    gathered = await optimise.gather(desk, order)
    started = optimise.Started(str(uuid4()), now)
    report = await optimise.made(order, gathered, started=started, told=lambda _done, _total: None)
    await optimise_records.record(desk, report)
