"""A desk with a week of trades in its store and the sandbox's language model on loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.faults import FaultBook
from sandbox.llm import Llm
from sandbox.servers import Service, claim
from tradeops.adapters.store import Point
from tradeops.adapters.store.interface import Json
from tradeops.domain.decisions.decision import Analysis, Decision
from tradeops.jobs.decision import evidence as known
from tradeops.jobs.decision import self_analysis
from tradeops.jobs.decision import starts as decision_starts
from tradeops.jobs.reports import performance
from tradeops.settings import Settings
from tradeops.wiring import Desk, open_desk

KEY = "sk-planted-secret-key"
CRITICAL = {"win_rate": 41.5, "avg_profit_per_trade": 0.4, "sharpe_ratio": -1.2}
GOOD = {"win_rate": 80.0, "avg_profit_per_trade": 3.0, "sharpe_ratio": 2.5}
LIMITS = {"win_rate": 55.0, "avg_profit_per_trade": 1.5, "sharpe_ratio": 1.0}


@asynccontextmanager
async def language_model(faults: FaultBook | None = None) -> AsyncIterator[str]:
    """The sandbox's, by its address."""
    service = Service("llm", Llm(KEY).build_app(), claim(0), faults or FaultBook())
    await service.open()
    try:
        yield f"{service.url}/v1"
    finally:
        await service.close()


def settings(home: Path, llm: str, **changed: object) -> Settings:
    values = {
        "RUST_API_URL": "http://127.0.0.1:9",
        "TRADEOPS_HOME": home,
        "TRADEOPS_STORE": "sqlite",
        "OPENAI_BASE_URL": llm,
        "OPENAI_API_KEY": KEY,
    } | changed
    return Settings(_env_file=None, **{name: value for name, value in values.items() if value is not None})  # type: ignore[arg-type]


@asynccontextmanager
async def ground(home: Path, *, faults: FaultBook | None = None, **changed: object) -> AsyncIterator[Desk]:
    """A desk whose language model answers, with no analysis yet."""
    async with language_model(faults) as llm, open_desk(settings(home, llm, **changed)) as desk:
        yield desk


def analysed(now: datetime, *, trades: int = 40, day: date | None = None, **figures: float | None) -> dict[str, Json]:
    """The body of an analysis of that day, critical where a figure is below its limit."""
    values = CRITICAL | figures
    statuses = {
        f"{name}_status": "unknown" if value is None else "critical" if value < LIMITS[name] else "good"
        for name, value in values.items()
    }
    critical = "critical" in statuses.values()
    return {
        "date": (day or now.date()).isoformat(),
        "finished_at": now.isoformat(),
        "data_as_of": now.isoformat(),
        "total_trades": trades,
        **values,
        "win_rate_interval": [27.0, 57.0],
        "targets": {"win_rate": 70.0, "avg_profit_per_trade": 2.6, "sharpe_ratio": 2.1},
        "critical_limits": LIMITS,
        "performance": statuses,
        "performance_status": "insufficient_data" if trades < 10 else "critical" if critical else "good",
        "trigger_ai_analysis": critical and trades >= 10,
        "daily": [],
    }


async def keep_week(desk: Desk, *, now: datetime | None = None, **changed: Any) -> None:  # noqa: ANN401 - as `analysed`
    """Keep an analysis as the nightly job does."""
    now = now or datetime.now(UTC)
    body = analysed(now, **changed)
    document = await desk.store.get("snapshots", "performance")
    await desk.store.put("snapshots", "performance", body, expected_version=document.version if document else None)
    at = datetime.fromisoformat(f"{body['date']}T00:00:00+00:00")
    await desk.store.add_point(performance.SERIES, Point(str(body["date"]), at, body))


class Starts:
    """A Prefect that starts retrains, or fails so often first."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.asked: list[str] = []
        self._begun: list[str] = []

    async def __call__(self, decision: Decision) -> str:
        self.asked.append(decision.decision_id)
        if self._errors:
            raise self._errors.pop(0)
        self._begun.append(decision.decision_id)
        return f"run-of-{decision.decision_id}"

    async def find(self, decision: Decision) -> str | None:
        """The run of the decision, if one was started."""
        return f"run-of-{decision.decision_id}" if decision.decision_id in self._begun else None


async def analyse(
    desk: Desk,
    *,
    run_id: str = "run-1",
    forced: bool = False,
    start: Starts | None = None,
    now: datetime | None = None,
) -> Analysis:
    """One run of the analysis, as the flow does it; `now` is when it begins and ends, `None` is by the clock."""
    ended, starts = now, start or Starts()
    now = now or datetime.now(UTC)
    async with self_analysis.opened(desk, forced=forced, run_id=run_id, now=now) as mine:
        found = mine.settled
        if found is None:
            market = await known.attempt(known.read_market(desk, now))
            evidence = known.united(mine.week, market, await known.read_records(desk, now), gathered_at=now)
            found = await self_analysis.decide(desk, mine, evidence)
    return await decision_starts.finish(desk, mine, found, starts, starts.find, now=ended or datetime.now(UTC))


def decided(analysis: Analysis) -> Decision:
    """Its decision, which must be there."""
    assert analysis.decision is not None
    return analysis.decision


async def bills(desk: Desk) -> int:
    """How many calls were paid."""
    now = datetime.now(UTC)
    return len(await desk.store.points("llm_calls", since=now - timedelta(days=400), until=now + timedelta(days=1)))
