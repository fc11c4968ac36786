"""Panels of reports: what they say, when they are old, and what is lacking in them."""

from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tradeops.adapters.store import AuditEvent, Point
from tradeops.adapters.store.sqlite import SqliteStore
from tradeops.domain.window.values import Range, State
from tradeops.errors import RejectedError
from tradeops.jobs.window import costs, decisions, events, incidents, laboratory, money, performance
from tradeops.jobs.window.histories import Histories
from tradeops.jobs.window.history import PAGE
from tradeops.jobs.window.live import Look
from tradeops.jobs.window.today import Day
from tradeops.settings import Settings

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SETTINGS = Settings.model_validate({})


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    with closing(SqliteStore(tmp_path / "store.sqlite")) as opened:
        yield opened


def cost_body(spent: str | None, projected: str | None, *, at: datetime = NOW) -> dict[str, Any]:
    reason = None if spent else "nobody watched yet"
    last = {"date": f"{at:%Y-%m-%d}", "total_usd": spent, "month_to_date_usd": spent, "reason": reason}
    return {
        "data_as_of": at.isoformat(),
        "projections": {"monthly_cost_usd": projected},
        "alerts": [{"text": "monthly cost is above $50"}],
        "full_data": {
            "overall_status": "degraded",
            "days": [{**last, "date": "2026-10-31"}, {**last, "date": "2026-11-24", "month_to_date_usd": "40"}, last],
        },
    }


async def test_costs_burn_up_to_the_day_a_limit_is_met(store: SqliteStore) -> None:
    await store.add_point("api_cost_history", Point("c", NOW, cost_body("60", "120")))
    found = await costs.panel(store, SETTINGS, now=NOW + timedelta(hours=2))
    assert found.content is not None
    assert not found.stale
    assert (found.content.month.value, found.content.state) == (Decimal(60), State.DEGRADED)
    assert [f"{day.date:%m-%d} {day.value}" for day in found.content.days] == ["11-24 40.0", "11-25 60.0"]
    warning, critical = found.content.burns
    assert (f"{warning.hit_on}", f"{critical.hit_on}") == ("2026-11-25", "2026-11-29")
    assert (await costs.panel(store, SETTINGS, now=NOW + 2 * DAY)).stale


async def test_costs_that_nobody_knows_are_not_zero(store: SqliteStore) -> None:
    await store.add_point("api_cost_history", Point("c", NOW, cost_body(None, None)))
    found = (await costs.panel(store, SETTINGS, now=NOW)).content
    assert found is not None
    assert (found.month.value, found.month.reason) == (None, "nobody watched yet")
    assert (found.projected_month.value, found.burns[0].hit_on) == (None, None)


async def test_an_analysis_says_what_it_could_not_know_and_keeps_its_history(store: SqliteStore) -> None:
    for number in (2, 1):
        day = (NOW - number * DAY).replace(hour=0)
        body = {
            "date": f"{day:%Y-%m-%d}",
            "total_trades": 9,
            "win_rate": 60.0 + number,
            "avg_profit_per_trade": 2.7,
            "sharpe_ratio": None,
            "unknown": {"sharpe_ratio": "fewer than two days with trades"},
            "targets": {"win_rate": 70.0},
            "critical_limits": {"win_rate": 55.0},
            "performance": {"win_rate_status": "warning", "avg_profit_per_trade_status": "good"},
        }
        await store.add_point("performance_metrics", Point(body["date"], day, body))  # type: ignore[arg-type]  # a text
    past = Histories(store).performance
    while not await past.extend(store, now=NOW):
        pass
    found = (await performance.panel(past, Range.WEEK, "", now=NOW)).content
    assert found is not None
    rate, _, sharpe = found.targets
    assert (rate.value.value, rate.state, [day.value for day in rate.history]) == (61.0, State.DEGRADED, [62.0, 61.0])
    assert (sharpe.value.reason, sharpe.state) == ("fewer than two days with trades", State.UNKNOWN)
    assert found.state is State.DEGRADED
    assert performance.win_rates(past) == {NOW.date() - DAY: 61.0, NOW.date() - 2 * DAY: 62.0}


async def test_a_decision_is_shown_with_what_became_of_it(store: SqliteStore) -> None:
    body = {
        "decision_id": "2026-11-10",
        "date": "2026-11-10",
        "kind": "decided",
        "recommendation": "retrain",
        "confidence": 0.95,
        "source": "llm",
        "reasoning": "the win rate fell",
        "retrain_triggered": True,
        "votes": [{"number": 1, "recommendation": "retrain", "confidence": "0.95", "failure": "", "problem": ""}],
        "cost_usd": "0.0123",
    }
    await store.add_point("gpt4_analysis_history", Point("2026-11-10", NOW - 15 * DAY, body))
    await store.add_point("gpt4_analysis_history", Point("r2", NOW, {"kind": "skipped", "summary": "too few trades"}))
    day = (NOW - 15 * DAY).date()
    found = await decisions.listed(store, SETTINGS, {day: 50.0, day + 7 * DAY: 61.0}, before=None, now=NOW)
    skipped, decided = found.decisions
    assert (skipped.decision_id, skipped.outcome.after_percent.reason) == ("", "nothing was decided")
    assert (decided.start, decided.confidence, decided.outcome.improved) == (
        "the retrain is started",
        Decimal("0.95"),
        True,
    )
    later = await decisions.listed(store, SETTINGS, {day: 50.0}, before=NOW, now=NOW - 10 * DAY)
    assert later.decisions[0].outcome.after_percent.reason == "known from 2026-11-17 on"


async def test_a_backtest_has_the_curve_of_its_trades(store: SqliteStore) -> None:
    body = {
        "run_id": "b1",
        "finished_at": NOW.isoformat(),
        "strategy": "RSI Strategy",
        "symbol": "BTCUSDT",
        "timeframe": "1h",
        "period": {"since": (NOW - 9 * DAY).isoformat(), "until": NOW.isoformat()},
        "rules": {"balance_usd": 1000.0},
        "total_trades": 2,
        "sharpe_ratio": None,
        "unknown": {"sharpe_ratio": "one day only"},
        "months": [{"month": "2026-11", "trades": 2, "wins": 1, "pnl_usd": -50.0, "return": -5.0}],
    }
    columns = {"left_at": [(NOW - DAY).isoformat(), (NOW - 2 * DAY).isoformat()], "pnl_usd": [50.0, -100.0]}
    await store.add_point("backtest_results", Point("b1", NOW, body))
    await store.add_point("backtest_trades", Point("b1:00000", NOW, columns))
    page = await laboratory.backtest(store, "b", zone=UTC)
    assert [point.equity for point in page.curve] == [1000.0, 900.0, 950.0]
    assert page.curve[-1].drawdown_percent == pytest.approx(5.0)
    assert (page.line.sharpe_ratio.reason, page.months[0].pnl.value) == ("one day only", Decimal("-50.0"))


async def test_money_is_the_engines_where_it_speaks_and_says_where_it_does_not(store: SqliteStore) -> None:
    past, day = Histories(store).equity, Day(*["store: it is down"] * 3)
    await past.extend(store, now=NOW)
    look = Look(NOW, as_of=NOW, balance=Decimal(900), equity=Decimal(950), is_running=True)
    found = (await money.panel(day, past, None, look, Range.DAY, "", now=NOW)).content
    assert found is not None
    assert (found.equity.value, found.source, found.day_pnl.reason) == (Decimal(950), "engine", "store: it is down")
    silent = await money.panel(day, past, None, Look(NOW, "refused"), Range.DAY, "store: it is down", now=NOW)
    assert silent.why == "engine: refused; and store: it is down"


async def test_the_newest_events_come_first_however_many_there_are(store: SqliteStore) -> None:
    for number in range(30):
        at = NOW - number * timedelta(hours=7)
        await store.append_event(AuditEvent(f"e{number}", "noted" if number % 2 else "told", at, "ann"))
    until, since = NOW + DAY, NOW - 365 * DAY
    found = await events.newest(store, since=since, until=until, limit=5)
    assert [event.event_id for event in found] == ["e0", "e1", "e2", "e3", "e4"]
    found = await events.newest(store, since=since, until=until, kind="noted", limit=99)
    assert [event.event_id for event in found] == [f"e{number}" for number in range(1, 30, 2)]
    assert len(await events.all_of(store, since=since, until=until, kinds=["noted"])) == 15


async def test_what_came_late_is_there_after_all_is_read_anew(store: SqliteStore) -> None:
    now = datetime.now(UTC)
    histories = Histories(store)
    points = [Point(f"t{n}", now - n * timedelta(hours=1), {"pnl": "1.5"}) for n in range(PAGE // 2)]
    await store.add_points("trades", points[::2])
    await histories._extend()
    await store.add_points("trades", points[1::2])
    await histories._read_anew()
    assert len(histories.trades.columns) == len(points)
    assert histories.covered_since is not None


async def test_an_incident_that_lasted_longer_than_the_range_is_told_from_its_beginning(store: SqliteStore) -> None:
    opened, ended = NOW - 12 * DAY, NOW - timedelta(hours=1)
    name = f"redis@{opened:%Y%m%dT%H%M%S.%f}"
    for what, at, word in (("opened", opened, "warning"), ("risen", opened + DAY, "critical"), ("resolved", ended, "")):
        body = {"key": "redis", "severity": word, "summary": f"it was {what}"}
        await store.append_event(AuditEvent(f"{name}:{what}", f"incident_{what}", at, "tradeops", body))
    listed = await incidents.listed(store, Range.DAY, now=NOW)
    assert [(one.state, one.opened_at, one.ended_at) for one in listed.past] == [(State.CRITICAL, opened, ended)]
    assert (await incidents.listed(store, Range.DAY, now=NOW + 2 * DAY)).past == ()
    page = await incidents.page(store, name, now=NOW)
    assert [one.what for one in page.history] == ["opened", "risen", "resolved"]
    for nobody in ("redis@00010101T000000.000000", "redis@99991231T000000.000000", "redis"):
        with pytest.raises(RejectedError):
            await incidents.page(store, nobody, now=NOW)
