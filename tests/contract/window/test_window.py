"""What the dashboard gathers from what the jobs keep: in each store the same, and honest where there is nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NoReturn

import pytest
from pydantic import TypeAdapter

from tradeops.adapters.store import AuditEvent, Point, Store
from tradeops.domain.drills import Drill, Exercise, Outcome
from tradeops.domain.health import ProbeResult, Round, Status, Thresholds, assess
from tradeops.domain.incidents.model import CERTAIN, Observation
from tradeops.domain.notices import Level
from tradeops.domain.portfolio.portfolio import ClosedTrade, Side
from tradeops.domain.window.overview import Overview
from tradeops.domain.window.values import Panel, Range, State
from tradeops.errors import RejectedError, UnavailableError
from tradeops.jobs.alerts import incidents
from tradeops.jobs.drill import records as drills
from tradeops.jobs.monitoring import health, heartbeats
from tradeops.jobs.reports import equity, trades
from tradeops.jobs.window import Sources, Window
from tradeops.settings import Settings
from tradeops.wiring import Guard

SLACK = "https://hooks.slack.com/services/T/B/x"  # of whom nobody is told: messages stay in the outbox
SETTINGS = Settings.model_validate({"PREFECT_API_URL": "http://127.0.0.1:4200/api", "SLACK_WEBHOOK_URL": SLACK})
RUN = "f0ad91ea-c1cc-4f10-ac03-abbac60b1d89"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
PANELS = (
    "incidents",
    "services",
    "money",
    "performance",
    "trading",
    "costs",
    "decisions",
    "models",
    "brakes",
    "drill",
    "heartbeats",
)


@asynccontextmanager
async def window_on(store: Store) -> AsyncIterator[Window]:
    """Its history read."""
    async with Window(Sources(SETTINGS, store, None)).open() as window:
        async with asyncio.timeout(60):
            while not covers_all(window):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        yield window


def covers_all(window: Window) -> bool:
    covered = window._histories.covered_since
    return covered is not None and covered < datetime.now(UTC) - 90 * DAY


def panels(overview: Overview) -> dict[str, Panel[object]]:
    return {name: getattr(overview, name) for name in PANELS}


async def a_night(store: Store, now: datetime) -> None:
    """Two health checks, an open incident and one that is over, trades, equity, a drill, a brake, a promotion."""
    guard = Guard(SETTINGS, store)
    for number in (2, 1):
        at = now - number * MINUTE
        results = (
            ProbeResult("engine", Status.HEALTHY, timedelta(milliseconds=30)),
            ProbeResult("redis", Status.DOWN, timedelta(seconds=2.5), problem="refused the connection"),
        )
        report = assess(Round(results, at, at), Thresholds())
        await health.record(guard, report, run_id=RUN if number == 1 else "first")  # type: ignore[arg-type]  # a desk has both
    for number, (key, good) in enumerate((("mongodb", False), ("mongodb", True), ("mongodb", True), ("redis", False))):
        level, at = None if good else Level.CRITICAL, now - (10 - number) * MINUTE
        look = Observation(key, level, "" if good else "refused the connection", at, CERTAIN)
        await incidents.observe(guard, [look], source="health", run_id=f"look-{number}", now=at)
    await heartbeats.beat(store, "system-health-check", run_id=RUN, now=now - MINUTE)
    await heartbeats.beat(store, "daily-portfolio-report", now=now - 3 * DAY)
    one = Decimal(1)
    await trades.keep(
        store,
        tuple(
            ClosedTrade(
                f"t{n}", "BTCUSDT", Side.LONG, one, one, one, 1, Decimal(n), now - 2 * DAY, now - (n + 5) * MINUTE
            )
            for n in range(-2, 3)
            if n
        ),
    )
    for number, worth in ((3, "1000"), (2, "900"), (1, "950")):
        await equity.observe_minute(store, equity.Worth(now - number * MINUTE, Decimal(worth)))
    exercise = Exercise("brake", Outcome.PASSED, "off in 0.2 s", timedelta(seconds=0.2))
    await drills.keep(store, Drill("d1", "sandbox", "ann", now - MINUTE, now - MINUTE, (exercise,)))
    brake = {
        "target": "portfolio",
        "incident_id": "i1",
        "since": now.isoformat(),
        "released_at": None,
        "reason": "lost 12 % today",
        "actor": "guard",
        "confirmed": True,
    }
    await store.put("brakes", "portfolio", brake, expected_version=None)
    body = {"model_type": "gru", "symbol": "BTCUSDT", "version": "v2", "accuracy": 0.57}
    await store.add_point("model_accuracy_history", Point("gru:BTCUSDT:v2", now, body))
    await store.append_event(AuditEvent("model_promoted:gru:BTCUSDT:v2", "model_promoted", now, "ann", body))


async def test_a_night_is_seen_whole_in_every_store(store: Store) -> None:
    now = datetime.now(UTC)
    await a_night(store, now)
    async with window_on(store) as window:
        seen = await window.overview(Range.DAY)
        assert (seen.headline.state, seen.headline.says) == (State.CRITICAL, "redis: refused the connection")
        assert seen.services.content is not None
        redis = next(one for one in seen.services.content if one.name == "redis")
        assert (redis.state, redis.uptime.day.value) == (State.CRITICAL, 0.0)
        assert State.CRITICAL in {cell.state for cell in redis.strip[-2:]}, (
            "its last look may lie before the newest stretch"
        )
        assert seen.money.content is not None
        assert (seen.money.content.equity.value, seen.money.content.source) == (Decimal(950), "store")
        assert seen.money.content.max_drawdown_percent.value == pytest.approx(10.0)
        assert seen.money.content.drawdown_percent.value == pytest.approx(5.0)
        assert seen.trading.content is not None
        assert (seen.trading.content.trades, seen.trading.content.realised.value) == (4, Decimal(0))
        assert seen.brakes.content is not None
        first = seen.brakes.content[0]
        assert (first.target, first.off, first.confirmed, first.daily_loss.percent.value) == (
            "portfolio",
            True,
            True,
            None,
        )
        assert seen.drill.content is not None
        assert seen.drill.content.state is State.HEALTHY
        assert seen.models.content is not None
        assert seen.models.content[0].champion is not None
        assert seen.models.content[0].champion.accuracy_percent.value == pytest.approx(57.0)
        assert seen.heartbeats.content is not None
        beats = {one.job: one for one in seen.heartbeats.content}
        assert (len(beats), beats["daily-portfolio-report"].state) == (12, State.CRITICAL)
        assert beats["system-health-check"].run is not None
        assert beats["system-health-check"].run.href.endswith(RUN)
        assert "no cost report is kept yet" in seen.costs.why
        TypeAdapter(Overview).dump_json(seen)

        listed = await window.incidents(Range.WEEK)
        assert [one.key for one in listed.open] == ["redis"]
        assert [(one.key, one.ended_at is not None) for one in listed.past] == [("mongodb", True)]
        page = await window.incident(listed.past[0].incident_id)
        assert [one.what for one in page.history] == ["opened", "resolved"]
        assert page.runbook is not None
        reports = await window.reports("health")
        assert [one.state for one in reports.reports] == [State.CRITICAL, State.CRITICAL]
        assert (await window.report("health", RUN)).line.run is not None
        for before in (datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)):
            found = (
                await window.reports("health", before),
                await window.decisions(before),
                await window.audit("", before),
            )
            assert [len(one) for one in (found[0].reports, found[1].decisions)] in ([0, 0], [2, 0])
        trail = await window.audit()
        assert {one.kind for one in trail.events} >= {"incident_opened", "incident_resolved", "model_promoted"}
        assert [one.at for one in trail.events] == sorted((one.at for one in trail.events), reverse=True)
        for unknown in (
            window.incident("nothing"),
            window.incident("redis@20200101T000000.000000"),
            window.decision("2020-01-01"),
            window.report("health", "none"),
            window.report("poems", "none"),
            window.backtest("none"),
            window.optimisation("none"),
        ):
            with pytest.raises(RejectedError):
                await unknown


async def test_what_is_told_of_as_new_is_shown_at_once(store: Store) -> None:
    async with window_on(store) as window:
        before, marks = await window.overview(Range.DAY), await window.marks()
        assert before.services.content is None
        assert before.headline.state is State.UNKNOWN
        report = assess(
            Round((ProbeResult("engine", Status.HEALTHY, 30 * timedelta(milliseconds=1)),), *2 * (datetime.now(UTC),)),
            Thresholds(),
        )
        await health.record(Guard(SETTINGS, store), report, run_id="r1")  # type: ignore[arg-type]  # a desk has both
        async with asyncio.timeout(30):
            while (now := await window.marks()) == marks:  # noqa: ASYNC110 - what is tested is what it finds when asked
                await asyncio.sleep(0.05)
        assert {topic for topic in now if now[topic] != marks[topic]} == {"health"}
        assert (await window.overview(Range.DAY)).headline.state is State.HEALTHY


class DeadStore:
    """Every call fails as a store that is down does."""

    def __getattr__(self, name: str) -> object:
        async def fail(*_: object, **__: object) -> NoReturn:
            raise UnavailableError("store", "it does not answer", remedy="start it")

        return fail


async def test_a_store_that_is_down_is_said_in_every_panel_and_nothing_is_zero() -> None:
    async with Window(Sources(SETTINGS, DeadStore(), None)).open() as window:  # type: ignore[arg-type]  # it has every method
        seen = await window.overview(Range.QUARTER)
        assert {name: one.content for name, one in panels(seen).items()} == dict.fromkeys(PANELS)
        assert all("it does not answer" in one.why for one in panels(seen).values())
        assert seen.headline.state is State.UNKNOWN
        for asked in (window.status(), window.marks()):
            with pytest.raises(UnavailableError) as caught:
                await asked
            assert caught.value.remedy == "start it"


async def test_an_empty_installation_says_what_will_fill_it(store: Store) -> None:
    async with window_on(store) as window:
        seen = await window.overview(Range.MONTH)
        shown = {name for name, one in panels(seen).items() if one.content is not None}
        assert shown == {"incidents", "brakes", "drill", "heartbeats"}
        assert all(one.why for name, one in panels(seen).items() if name not in shown)
        assert seen.heartbeats.content is not None
        assert {one.state for one in seen.heartbeats.content} == {State.UNKNOWN}
        assert (await window.decisions()).decisions == ()
        assert (await window.audit()).records == 0
