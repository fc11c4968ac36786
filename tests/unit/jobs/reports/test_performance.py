"""The performance analysis without Prefect: what is gathered, what is kept and when, what the next reader gets."""

import json
import math
import statistics
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import httpx
import numpy as np
import pytest
import respx

from tests.unit.adapters.samples import TRADE
from tests.unit.adapters.services import enveloped
from tests.unit.domain.performances import NOW, ON, WINDOW, trade, week
from tests.unit.domain.test_performance_verdict import BAD_WEEK, GOOD_WEEK, judged
from tests.unit.jobs.engine_wire import ENGINE, PAPER, on_the_wire, serve
from tests.unit.jobs.exchange_wire import EXCHANGE, MILLISECOND, Exchange
from tradeops.adapters.snapshot.redis import RedisSnapshot
from tradeops.adapters.snapshot.wire import from_text
from tradeops.adapters.store import Point, Store
from tradeops.domain.candles import EPOCH
from tradeops.domain.health import Severity
from tradeops.domain.performance import Window
from tradeops.domain.performance_report import PerformanceReport
from tradeops.domain.performance_verdict import Metric
from tradeops.errors import ConflictError, ContractError, RejectedError, UnavailableError
from tradeops.jobs import races
from tradeops.jobs.reports import performance
from tradeops.jobs.reports.performance_record import COLLECTION, DOCUMENT
from tradeops.rendering.performance import performance_page
from tradeops.rendering.text import to_text
from tradeops.settings import Settings
from tradeops.wiring import Desk, open_desk

RUN = "11111111-1111-1111-1111-111111111111"
STAMP = NOW.isoformat()


@asynccontextmanager
async def desk(tmp_path: Path, **settings: object) -> AsyncIterator[Desk]:
    values = {"RUST_API_URL": ENGINE, "TRADEOPS_HOME": tmp_path, "TRADEOPS_STORE": "sqlite"} | settings
    async with open_desk(Settings(_env_file=None, **values)) as opened:
        yield opened


class FakeRedis(RedisSnapshot):
    """A Redis that holds one text and remembers what was written."""

    def __init__(self, text: str | None = None, error: Exception | None = None) -> None:
        self.text = text
        self.error = error
        self.written: list[str] = []

    async def read(self) -> str | None:
        if self.error:
            raise self.error
        return self.text

    async def write(self, text: str) -> None:
        if self.error:
            raise self.error
        self.text = text
        self.written.append(text)


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


async def produced(opened: Desk, on: date | None = None, *, now: datetime = NOW, days: int = 7) -> PerformanceReport:
    return await performance.produce(opened, date=on, now=now, days=days)


async def points(store: Store) -> list[dict[str, Any]]:
    found = await store.points(
        performance.SERIES, since=datetime(2020, 1, 1, tzinfo=UTC), until=datetime(2030, 1, 1, tzinfo=UTC)
    )
    return [dict(point.body) for point in found]


async def document(store: Store) -> dict[str, Any]:
    found = await store.get(COLLECTION, DOCUMENT)
    assert found is not None
    return dict(found.body)


async def test_every_figure_equals_an_independent_computation(wire: respx.MockRouter, tmp_path: Path) -> None:
    generator = np.random.default_rng(8)
    trades = [
        trade(
            n,
            Decimal(int(generator.integers(-400, 700))) / 100,
            WINDOW.until - timedelta(hours=generator.uniform(-2, 20 * 24)),
            notional=Decimal(int(generator.integers(500, 3000))),
        )
        for n in range(300)
    ]
    serve(wire, trades)
    async with desk(tmp_path) as opened:
        fields = performance.as_fields(await produced(opened), run_id=RUN)
    mine = [t for t in trades if WINDOW.since <= t.closed_at < WINDOW.until]
    returns = [float(t.pnl) / float(t.entry_price) * 100 for t in mine]
    equity = 10_000.0 + sum(float(t.pnl) for t in trades if t.closed_at < WINDOW.since)
    daily, by_day = [], []
    for n in range(7):
        day = WINDOW.since + timedelta(days=n)
        of_day = [t for t in mine if day <= t.closed_at < day + timedelta(days=1)]
        profit = sum((t.pnl for t in of_day), Decimal(0))
        daily.append(float(profit) / equity)
        equity += float(profit)
        by_day.append((day.date().isoformat(), len(of_day), profit.quantize(Decimal("0.01"))))
    sharpe = statistics.fmean(daily) / statistics.stdev(daily) * math.sqrt(365)
    assert fields["total_trades"] == len(mine)
    assert fields["win_rate"] == pytest.approx(100 * sum(t.pnl > 0 for t in mine) / len(mine), rel=1e-12)
    assert fields["avg_profit_per_trade"] == pytest.approx(statistics.fmean(returns), rel=1e-9)
    assert fields["sharpe_ratio"] == pytest.approx(sharpe, rel=1e-9)
    assert fields["sharpe_per_trade"] == pytest.approx(statistics.fmean(returns) / statistics.stdev(returns), rel=1e-9)
    shown = [(d["date"], d["total_trades"], Decimal(d["pnl"]).quantize(Decimal("0.01"))) for d in fields["daily"]]  # type: ignore[index, union-attr]
    assert shown == by_day


async def test_the_fields_are_those_of_the_contract_and_plain_json(wire: respx.MockRouter, tmp_path: Path) -> None:
    serve(wire, week(BAD_WEEK), stamp=STAMP)
    async with desk(tmp_path) as opened:
        fields = performance.as_fields(await produced(opened), run_id=RUN)
    assert json.loads(json.dumps(fields, allow_nan=False)) == fields
    assert fields["status"] == "success"
    assert (fields["run_id"], fields["date"], fields["started_at"]) == (RUN, "2026-11-25", NOW.isoformat())
    assert fields["data_as_of"] == NOW.isoformat()
    assert fields["targets"] == {"win_rate": 70.0, "avg_profit_per_trade": 2.6, "sharpe_ratio": 2.1}
    assert fields["performance_status"] == "critical"
    assert fields["trigger_ai_analysis"] is True
    statuses = {name: value for name, value in fields["performance"].items() if name.endswith("_status")}  # type: ignore[union-attr]
    assert statuses == dict.fromkeys(
        ["win_rate_status", "avg_profit_per_trade_status", "sharpe_ratio_status"], "critical"
    )
    assert "365" in str(fields["sharpe_method"])
    daily = fields["daily"]
    assert isinstance(daily, list)
    assert [day["date"] for day in daily] == [f"2026-11-{n}" for n in range(18, 25)]
    assert all({"total_trades", "win_rate", "avg_profit_per_trade", "sharpe_ratio", "pnl"} <= set(day) for day in daily)


async def test_a_week_without_trades_reads_as_unknown_never_as_zero(wire: respx.MockRouter, tmp_path: Path) -> None:
    serve(wire, [])
    async with desk(tmp_path) as opened:
        fields = performance.as_fields(await produced(opened), run_id=RUN)
    assert (fields["status"], fields["performance_status"]) == ("insufficient_data", "insufficient_data")
    assert (fields["total_trades"], fields["trigger_ai_analysis"]) == (0, False)
    assert [fields[m.value] for m in Metric] == [None] * 3
    assert set(fields["unknown"]) == {m.value for m in Metric}  # type: ignore[arg-type]
    assert all(fields["unknown"].values())  # type: ignore[union-attr]


async def test_today_is_the_default_and_its_own_trades_do_not_count(wire: respx.MockRouter, tmp_path: Path) -> None:
    serve(wire, [*week(GOOD_WEEK), trade(900, "-90", NOW - timedelta(minutes=1))])
    async with desk(tmp_path) as opened:
        report = await produced(opened)
    assert (report.date, report.whole.window) == (ON, WINDOW)
    assert report.whole.trades == len(GOOD_WEEK)


async def test_a_past_day_is_judged_by_the_trades_before_it_and_equity_goes_back(
    wire: respx.MockRouter, tmp_path: Path
) -> None:
    bad = week(BAD_WEEK, until=WINDOW.since)
    good = [replace(t, id=f"g{t.id}") for t in week(GOOD_WEEK)]
    serve(wire, [*bad, *good])
    async with desk(tmp_path) as opened:
        past = await produced(opened, ON - timedelta(days=7))
        assert past.overall is Severity.CRITICAL
        assert past.whole.trades == len(bad)
        profit = float(sum(t.pnl for t in bad))
        assert past.whole.total_return_percent.value == pytest.approx(profit / 10_000 * 100)
        assert (await produced(opened)).overall is Severity.HEALTHY


@pytest.mark.parametrize(
    ("on", "days", "problem"),
    [
        (ON + timedelta(days=1), 7, "2026-11-26 is in the future: it is 2026-11-25 in UTC"),
        (ON, 0, "0 days cannot be analysed"),
        (ON, 91, "91 days cannot be analysed"),
    ],
)
async def test_what_cannot_be_analysed_is_refused_before_anything_is_asked(
    wire: respx.MockRouter, tmp_path: Path, on: date, days: int, problem: str
) -> None:
    route = serve(wire, [])
    async with desk(tmp_path) as opened:
        with pytest.raises(RejectedError, match=problem):
            await produced(opened, on, days=days)
    assert not route.called


async def test_an_engine_that_is_down_fails_the_analysis(wire: respx.MockRouter, tmp_path: Path) -> None:
    serve(wire, [], balance=httpx.ConnectError("refused"))
    wire.get(f"{PAPER}/trades/closed").mock(side_effect=httpx.ConnectError("refused"))
    async with desk(tmp_path) as opened:
        with pytest.raises(UnavailableError, match="engine"):
            await produced(opened)
        assert not await points(opened.store)


async def test_without_the_balance_only_the_sharpe_ratio_is_missing_and_good_is_not_said(
    wire: respx.MockRouter, tmp_path: Path
) -> None:
    serve(wire, week(GOOD_WEEK), balance=httpx.Response(500))
    async with desk(tmp_path) as opened:
        report = await produced(opened)
    assert report.part(Metric.SHARPE).severity is None
    assert report.part(Metric.WIN_RATE).severity is Severity.HEALTHY
    assert report.severity is Severity.DEGRADED
    assert report.missing[0].startswith("without the balance there is no Sharpe ratio: ")


async def test_a_critical_week_stays_critical_whatever_is_missing(wire: respx.MockRouter, tmp_path: Path) -> None:
    serve(wire, week(BAD_WEEK), balance=httpx.Response(500))
    async with desk(tmp_path) as opened:
        assert (await produced(opened)).severity is Severity.CRITICAL


async def test_trades_that_the_engine_forgot_still_count_and_its_restart_is_told(
    wire: respx.MockRouter, tmp_path: Path
) -> None:
    async with desk(tmp_path) as opened:
        serve(wire, week(BAD_WEEK))
        await produced(opened)
        serve(wire, [])
        report = await produced(opened)
    assert report.whole.trades == len(BAD_WEEK)
    assert report.overall is Severity.CRITICAL
    assert any("begins anew" in note for note in report.notes)
    assert report.part(Metric.SHARPE).severity is None  # of an account that is no more


async def test_damaged_records_and_a_wrong_clock_are_told(wire: respx.MockRouter, tmp_path: Path) -> None:
    broken = on_the_wire(week(["1"])[0]) | {"id": "broken", "pnl": None}
    skewed = {"date": "Tue, 24 Nov 2026 01:00:00 GMT"}
    trades = [on_the_wire(t) for t in week(GOOD_WEEK)]
    serve(wire, week(GOOD_WEEK))
    body = enveloped([*trades, broken], timestamp=STAMP)
    wire.get(f"{PAPER}/trades/closed").mock(side_effect=[httpx.Response(200, headers=skewed, json=body)])
    async with desk(tmp_path) as opened:
        report = await produced(opened)
    assert "1 records of trades were left out, the first because pnl is null" in report.notes
    assert any("the engine's clock is " in note for note in report.notes)


async def test_a_history_that_begins_within_the_window_is_told(wire: respx.MockRouter, tmp_path: Path) -> None:
    serve(wire, week(GOOD_WEEK, days=6))
    async with desk(tmp_path) as opened:
        [note] = [n for n in (await produced(opened)).notes if "may not be whole" in n]
    assert note.startswith("no trade before 2026-11-19 00:00 UTC is known")


async def test_a_day_is_kept_once_and_a_second_run_says_so(wire: respx.MockRouter, tmp_path: Path) -> None:
    serve(wire, week(GOOD_WEEK))
    async with desk(tmp_path) as opened:
        first = await produced(opened)
        await performance.record(opened, first, run_id=RUN)
        serve(wire, week(BAD_WEEK))
        second = await produced(opened, now=NOW + timedelta(hours=3))
        await performance.record(opened, second, run_id="another")
        assert first.kept_at is None
        assert second.kept_at == first.finished_at
        assert second.is_news is False
        [kept] = await points(opened.store)
        assert (kept["run_id"], kept["performance_status"]) == (RUN, "good")
        assert await document(opened.store) == kept


async def test_each_day_is_computed_afresh_whatever_was_kept_before(wire: respx.MockRouter, tmp_path: Path) -> None:
    async with desk(tmp_path) as opened:
        serve(wire, week(BAD_WEEK))
        yesterday = await produced(opened, ON - timedelta(days=1), now=NOW - timedelta(days=1))
        await performance.record(opened, yesterday, run_id=RUN)
        report = await produced(opened)
        assert report.whole.trades == len(BAD_WEEK)
        assert report.history[-1].date == ON - timedelta(days=1)


async def test_three_critical_days_in_a_row_are_counted_from_what_was_kept(
    wire: respx.MockRouter, tmp_path: Path
) -> None:
    serve(wire, week(BAD_WEEK * 2, days=14))
    async with desk(tmp_path) as opened:
        for n in (2, 1):
            await performance.record(opened, await produced(opened, ON - timedelta(days=n)), run_id=f"run-{n}")
        report = await produced(opened)
    assert report.critical_days[Metric.WIN_RATE] == 3
    assert "win rate below critical for 3 consecutive days" in report.alerts


async def test_a_damaged_record_of_an_earlier_day_is_passed_over(wire: respx.MockRouter, tmp_path: Path) -> None:
    serve(wire, week(BAD_WEEK))
    async with desk(tmp_path) as opened:
        report = await produced(opened, ON - timedelta(days=1))
        fields = performance.as_fields(report, run_id=RUN) | {"win_rate": "high"}
        await opened.store.add_point(performance.SERIES, point_of(report, fields))
        assert (await produced(opened)).critical_days[Metric.WIN_RATE] == 1


def point_of(report: PerformanceReport, fields: dict[str, Any]) -> Point:
    return Point(report.date.isoformat(), report.whole.window.until, fields)


async def test_an_older_day_that_is_made_up_for_does_not_replace_the_latest(
    wire: respx.MockRouter, tmp_path: Path
) -> None:
    serve(wire, week(BAD_WEEK * 2, days=14))
    async with desk(tmp_path) as opened:
        await performance.record(opened, await produced(opened), run_id="today")
        await performance.record(opened, await produced(opened, ON - timedelta(days=3)), run_id="past")
        assert len(await points(opened.store)) == 2
        assert (await document(opened.store))["run_id"] == "today"


async def test_a_record_that_was_cut_short_is_completed_by_the_next_try(wire: respx.MockRouter, tmp_path: Path) -> None:
    serve(wire, week(GOOD_WEEK))
    async with desk(tmp_path) as opened:
        report = await produced(opened)
        fields = performance.as_fields(report, run_id=RUN)
        await opened.store.add_point(performance.SERIES, point_of(report, fields))
        await performance.record(opened, report, run_id="another")
        assert (await document(opened.store))["run_id"] == RUN


@pytest.mark.parametrize(("losses", "stored"), [(1, True), (races.TRIES, False)])
async def test_a_lost_race_for_the_latest_is_run_again_a_few_times(
    wire: respx.MockRouter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, losses: int, *, stored: bool
) -> None:
    serve(wire, week(GOOD_WEEK))
    async with desk(tmp_path) as opened:
        report, put = await produced(opened), opened.store.put
        tries: list[Any] = [ConflictError("store", "somebody else")] * losses

        async def contested(*args: Any, **more: Any) -> Any:  # noqa: ANN401 - passed on
            if tries:
                raise tries.pop()
            return await put(*args, **more)

        monkeypatch.setattr(type(opened.store), "put", staticmethod(contested))
        monkeypatch.setattr(races, "LONGEST_PAUSE_SECONDS", 0)
        if stored:
            await performance.record(opened, report, run_id=RUN)
            assert (await document(opened.store))["run_id"] == RUN
        else:
            with pytest.raises(ConflictError, match="times in a row"):
                await performance.record(opened, report, run_id=RUN)


async def test_a_window_of_another_length_is_shown_and_never_kept(wire: respx.MockRouter, tmp_path: Path) -> None:
    serve(wire, week(GOOD_WEEK, days=30))
    redis = FakeRedis()
    async with desk(tmp_path) as opened:
        with_redis = replace(opened, snapshot=redis)
        report = await produced(opened, days=30)
        await performance.record(with_redis, report, run_id=RUN)
        await performance.share(with_redis, report, run_id=RUN)
        assert report.whole.trades == len(GOOD_WEEK)
        assert not await points(opened.store)
        assert not redis.written


async def test_a_store_that_cannot_be_read_costs_the_days_in_a_row_alone(
    wire: respx.MockRouter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(wire, week(BAD_WEEK))
    async with desk(tmp_path) as opened:
        monkeypatch.setattr(
            type(opened.store), "points", AsyncMock(side_effect=UnavailableError("store", "disk is gone"))
        )
        report = await produced(opened)
    assert report.overall is Severity.CRITICAL
    assert "earlier analyses cannot be read, days in a row are not known: disk is gone" in report.missing


async def test_redis_gets_the_analysis_of_the_newest_day(wire: respx.MockRouter, tmp_path: Path) -> None:
    serve(wire, week(BAD_WEEK * 2, days=14))
    redis = FakeRedis("no JSON at all")
    async with desk(tmp_path) as opened:
        with_redis = replace(opened, snapshot=redis)
        today, past = await produced(opened), await produced(opened, ON - timedelta(days=1))
        await performance.share(with_redis, past, run_id="past")
        await performance.share(with_redis, today, run_id="today")
        await performance.share(with_redis, past, run_id="past again")
        await performance.share(opened, today, run_id="without Redis nothing happens")
    assert [json.loads(text)["run_id"] for text in redis.written] == ["past", "today"]


async def test_the_second_run_of_a_day_leaves_redis_alone(wire: respx.MockRouter, tmp_path: Path) -> None:
    serve(wire, week(BAD_WEEK))
    redis = FakeRedis()
    async with desk(tmp_path) as opened:
        with_redis = replace(opened, snapshot=redis)
        await performance.record(opened, await produced(opened), run_id=RUN)
        await performance.share(with_redis, await produced(opened), run_id="another")
    assert not redis.written


async def text_of(wire: respx.MockRouter, opened: Desk, returns: list[str], on: date = ON) -> str:
    serve(wire, week(returns * 2, days=14))
    return json.dumps(performance.as_fields(await produced(opened, on), run_id=RUN))


async def test_the_newest_of_redis_and_store_is_read(wire: respx.MockRouter, tmp_path: Path) -> None:
    async with desk(tmp_path) as opened:
        assert await performance.latest(opened) is None
        older = await text_of(wire, opened, BAD_WEEK, ON - timedelta(days=1))
        newer = await text_of(wire, opened, BAD_WEEK)
        await performance.record(opened, await produced(opened, ON - timedelta(days=1)), run_id=RUN)
        for text, expected in ((newer, ON), (older, ON - timedelta(days=1)), (None, ON - timedelta(days=1))):
            found = await performance.latest(replace(opened, snapshot=FakeRedis(text)))
            assert found is not None
            assert (found.date, found.trigger_ai_analysis) == (expected, True)
        await performance.record(opened, await produced(opened), run_id=RUN)
        found = await performance.latest(replace(opened, snapshot=FakeRedis(older)))
        assert found is not None
        assert found.date == ON


@pytest.mark.parametrize(
    "redis",
    [FakeRedis("[]"), FakeRedis("{"), FakeRedis("[" * 100_000), FakeRedis(error=UnavailableError("redis", "gone"))],
    ids=["a list", "no JSON", "deep", "dead"],
)
async def test_a_redis_that_cannot_be_trusted_is_passed_over(
    wire: respx.MockRouter, tmp_path: Path, redis: FakeRedis
) -> None:
    serve(wire, week(BAD_WEEK))
    async with desk(tmp_path) as opened:
        with_redis = replace(opened, snapshot=redis)
        with pytest.raises((UnavailableError, ContractError)):
            await performance.latest(with_redis)
        await performance.record(opened, await produced(opened), run_id=RUN)
        found = await performance.latest(with_redis)
    assert found is not None
    assert found.performance_status == "critical"


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"date": "yesterday"}, "date is no date"),
        ({"date": 20261125}, "date is no date"),
        ({"win_rate": "54"}, "win_rate"),
        ({"win_rate": float("nan")}, "win_rate"),
        ({"performance_status": "excellent"}, "performance_status"),
        ({"trigger_ai_analysis": False}, "trigger and status do not agree"),
        ({"trigger_ai_analysis": "true"}, "trigger_ai_analysis"),
        ({"total_trades": -1}, "total_trades"),
        ({"finished_at": "2026-11-25T01:00:00"}, "finished_at is no time with a time zone"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_snapshot_is_believed_only_when_it_is_whole(
    wire: respx.MockRouter, tmp_path: Path, changed: dict[str, Any], problem: str
) -> None:
    async with desk(tmp_path) as opened:
        body = json.loads(await text_of(wire, opened, BAD_WEEK))
    assert from_text(json.dumps(body), source="here").date == ON
    with pytest.raises(ContractError, match=problem):
        from_text(json.dumps(body | changed), source="here")


def test_the_event_names_what_is_critical() -> None:
    payload = performance.event_payload(judged(week(["1.5", "1.2", "1.4", "1.3"] * 9)))
    assert payload["critical"] == ["avg_profit_per_trade"]
    assert (payload["date"], payload["total_trades"]) == ("2026-11-25", 36)
    assert payload["avg_profit_per_trade"] == pytest.approx(1.35)
    assert json.loads(json.dumps(payload)) == payload


async def test_the_time_in_the_market_and_holding_btc_stand_beside(wire: respx.MockRouter, tmp_path: Path) -> None:
    on = date(2025, 11, 25)
    window, exchange = Window.before(on, days=7), Exchange(wire)
    serve(wire, week(["1"] * 14, until=window.until))
    still = TRADE | {"id": "open", "open_time": (window.until - timedelta(hours=42)).isoformat()}
    wire.get(f"{PAPER}/trades/open").respond(json=enveloped([still]))
    async with desk(tmp_path, BINANCE_API_URL=EXCHANGE) as opened:
        report = await produced(opened, on)
    start, end = (
        float(exchange.row((moment - timedelta(days=1) - EPOCH) // MILLISECOND, 86_400_000)[4])
        for moment in (window.since, window.until)
    )
    figures = performance.as_fields(report, run_id=RUN)["full_metrics"]
    assert isinstance(figures, dict)
    assert figures["btc_return_percent"] == pytest.approx(100 * (end / start - 1))
    ours = report.whole.total_return_percent.value
    assert ours is not None
    assert figures["excess_over_btc_percent"] == pytest.approx(ours - 100 * (end / start - 1))
    assert figures["exposure_percent"] == pytest.approx(100 * (10 + 42) / 168)
    assert "points beside it" in to_text(performance_page(report, UTC))


async def test_what_stands_beside_fails_nothing(wire: respx.MockRouter, tmp_path: Path) -> None:
    serve(wire, week(GOOD_WEEK))
    wire.get(f"{PAPER}/trades/open").respond(500)
    wire.get(f"{EXCHANGE}/api/v3/klines").respond(503)
    async with desk(tmp_path, BINANCE_API_URL=EXCHANGE) as opened:
        report = await produced(opened)
    assert (report.severity, report.missing) == (Severity.HEALTHY, ())
    assert report.whole.exposure_percent.reason == "the open positions are not known"
    assert report.whole.excess_over_btc_percent.reason.startswith("the price of BTC could not be read: ")
    assert "held: n/a: the price of BTC could not be read" in to_text(performance_page(report, UTC))
