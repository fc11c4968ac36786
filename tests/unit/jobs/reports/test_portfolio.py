"""The portfolio report without Prefect: what is gathered, what is kept once, what a store or an engine may fail at."""

import json
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import httpx
import pytest
import respx

from tests.unit.adapters.services import enveloped
from tests.unit.jobs.portfolio_wire import ENGINE, PAPER, POSITION, differing, recomputed, serve, trade
from tradeops.adapters.store import Store
from tradeops.domain.health import Severity
from tradeops.domain.portfolio.remarks import attention, notes, severity_of
from tradeops.errors import ContractError, MisconfiguredError, RejectedError, TradeOpsError, UnavailableError
from tradeops.jobs.reports import equity, portfolio, trades
from tradeops.settings import Settings
from tradeops.wiring import Desk, open_desk

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
TODAY = NOW.date()
RUN = "11111111-1111-1111-1111-111111111111"
CHANCE = random.Random(7)  # noqa: S311 -- trades, not secrets
TRADES = [
    trade(n, pnl=round(CHANCE.gauss(1, 30), 2), closed_at=NOW - timedelta(hours=3 * n + 1), entry_price=2900.0 + n)
    for n in range(60)
]

NOT_A_NUMBER = '{"success":true,"data":{"balance":NaN,"total_return_percent":1},"error":null}'


@asynccontextmanager
async def desk(tmp_path: Path, **settings: object) -> AsyncIterator[Desk]:
    values = {"RUST_API_URL": ENGINE, "TRADEOPS_HOME": tmp_path, "TRADEOPS_STORE": "sqlite"}
    values |= {"TRADEOPS_CLOCK_SKEW_LIMIT_SECONDS": 1e10} | settings  # the tests' clock stands still
    async with open_desk(Settings(_env_file=None, **values)) as opened:
        yield opened


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


async def fields(opened: Desk, day: date | None = None, *, now: datetime = NOW) -> dict[str, Any]:
    report = await portfolio.produce(opened, date=day, now=now)
    made = portfolio.as_fields(report, run_id=RUN)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    return made


async def kept(store: Store) -> list[dict[str, Any]]:
    since = datetime(2020, 1, 1, tzinfo=UTC)
    found = await store.points(portfolio.SERIES, since=since, until=since + timedelta(days=9999))
    return [dict(point.body) for point in found]


# to the cent


@pytest.mark.parametrize("flat", [False, True], ids=["engine's shape", "flat shape"])
async def test_every_figure_equals_an_independent_computation(
    tmp_path: Path, wire: respx.MockRouter, flat: bool
) -> None:
    serve(wire, TRADES, now=NOW, flat=flat)
    async with desk(tmp_path) as opened:
        made = await fields(opened)
    assert differing(made, recomputed(TRADES, until=NOW)) == {}
    assert Decimal(made["unrealised_pnl"]) == Decimal("21.5")
    assert Decimal(made["open_notional"]) == 4500
    assert Decimal(made["pnl_if_all_stopped"]) == -90 - (90000 + 88200) * Decimal("0.05") * Decimal("0.0004")
    assert made["positions"][0]["stop_distance_pct"] == pytest.approx((90311 - 88200) / 90311 * 100)
    balance = recomputed(TRADES, until=NOW)["balance"]
    assert Decimal(made["equity"]) == balance + Decimal("21.5")  # a flat answer does not say it; the marks do
    assert made["total_return_pct"] == pytest.approx(float((balance + Decimal("21.5") - 10000) / 100))
    assert (made["is_running"], made["partial"], made["attention"]) == (True, False, [])
    assert made["data_as_of"] == NOW.isoformat()
    assert (made["status"], made["run_id"], made["date"]) == ("success", RUN, "2026-11-25")


async def test_the_order_of_the_list_and_repeated_trades_change_nothing(tmp_path: Path, wire: respx.MockRouter) -> None:
    mixed = [*TRADES, *TRADES[5:9]]
    random.Random(1).shuffle(mixed)  # noqa: S311
    routes = serve(wire, TRADES, now=NOW)
    routes["trades/closed"].respond(json=enveloped(mixed, timestamp=NOW.isoformat()))
    async with desk(tmp_path) as opened:
        made = await fields(opened)
    assert differing(made, recomputed(TRADES, until=NOW)) == {}
    assert "4 trades are listed more than once, and counted once" in made["notes"]
    assert made["attention"] == []


async def test_what_is_unknown_is_null_with_a_reason_and_never_zero(tmp_path: Path, wire: respx.MockRouter) -> None:
    serve(wire, [], now=NOW)
    async with desk(tmp_path) as opened:
        made = await fields(opened)
    for name in ("win_rate", "avg_profit_per_trade", "max_drawdown_pct", "delta_balance"):
        assert made[name] is None
        assert made["reasons"][name]
    assert (made["total_trades"], made["strategies"], made["realised_pnl"]) == (0, {}, "0")
    assert "no trades" in made["notes"]


async def test_strategies_are_named_where_trades_carry_one(tmp_path: Path, wire: respx.MockRouter) -> None:
    named = [TRADES[0] | {"strategy": "RSI.v2"}, TRADES[1] | {"strategy": "$"}, *TRADES[2:]]
    serve(wire, named, now=NOW)
    async with desk(tmp_path) as opened:
        report = await portfolio.produce(opened, date=None, now=NOW)
        assert await portfolio.record(opened, report, run_id=RUN) == ""
        [made] = await kept(opened.store)
    assert made["strategies"].keys() == {"RSI_v2", "_", "unattributed"}
    assert sum(group["trades"] for group in made["strategies"].values()) == 60


@pytest.mark.usefixtures("untraced")
async def test_a_hundred_thousand_trades_newest_first(tmp_path: Path, wire: respx.MockRouter) -> None:
    start = NOW - timedelta(days=700)
    many = [trade(n, pnl=float(n % 5 - 2) / 4, closed_at=start + n * timedelta(minutes=10)) for n in range(100_000)][
        ::-1
    ]
    serve(wire, many, now=NOW)
    async with desk(tmp_path, TRADEOPS_HTTP_READ_TIMEOUT_SECONDS=60) as opened:
        made = await fields(opened)
    assert differing(made, recomputed(many, until=NOW)) == {}
    assert made["total_trades"] == 100_000


# sources that fail


@pytest.mark.parametrize(
    ("path", "said", "unknown"),
    [
        ("trades/open", "open trades", ["positions", "open_notional", "pnl_if_all_stopped"]),
        ("trades/closed", "closed trades", ["win_rate", "realised_pnl", "total_trades", "strategies", "streak"]),
        ("status", "status", ["is_running"]),
        ("basic-settings", "settings", ["fees_estimated"]),
        ("prices", "prices", []),
    ],
)
@pytest.mark.parametrize("answer", [httpx.Response(500), httpx.ConnectError("refused")], ids=["500", "refused"])
async def test_a_source_that_fails_makes_the_report_partial(
    tmp_path: Path,
    wire: respx.MockRouter,
    path: str,
    said: str,
    unknown: list[str],
    answer: httpx.Response | httpx.ConnectError,
) -> None:
    routes = serve(wire, TRADES, now=NOW)
    routes[path].mock(side_effect=[answer] * 9)
    async with desk(tmp_path) as opened:
        report = await portfolio.produce(opened, date=None, now=NOW)
        made = portfolio.as_fields(report, run_id=RUN)
    assert severity_of(report) is Severity.DEGRADED
    assert made["partial"] is True
    assert [line.split(":")[0] for line in attention(report)] == [f"the engine's {said} could not be read"]
    assert [made[name] for name in unknown] == [None] * len(unknown)
    assert made["balance"] is not None


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.ConnectError("refused"), UnavailableError),
        (httpx.Response(401), MisconfiguredError),
        (httpx.Response(200, json={"success": False, "data": None, "error": "no portfolio"}), RejectedError),
        (httpx.Response(200, json=enveloped({"equity": 1.0})), ContractError),
        (
            httpx.Response(
                200, content='{"success":true,"data":{"balance":NaN,"total_return_percent":1},"error":null}'
            ),
            ContractError,
        ),
    ],
    ids=["down", "401", "refused", "field missing", "NaN"],
)
async def test_without_the_account_there_is_no_report(
    tmp_path: Path, wire: respx.MockRouter, answer: httpx.Response | Exception, error: type[TradeOpsError]
) -> None:
    serve(wire, TRADES, now=NOW)["portfolio"].mock(side_effect=[answer] * 9)
    async with desk(tmp_path) as opened:
        with pytest.raises(error):
            await portfolio.produce(opened, date=None, now=NOW)
        assert await kept(opened.store) == []


async def test_damaged_records_are_counted_and_the_good_ones_reported(tmp_path: Path, wire: respx.MockRouter) -> None:
    bad = [TRADES[0] | {"id": "bad1", "close_time": None}, TRADES[0] | {"id": "bad2", "entry_price": -1.0}]
    routes = serve(wire, TRADES, now=NOW)
    body = json.dumps(enveloped([*bad, TRADES[0] | {"id": "bad3", "pnl": float("nan")}, *TRADES]))
    routes["trades/closed"].respond(content=body)
    async with desk(tmp_path) as opened:
        report = await portfolio.produce(opened, date=None, now=NOW)
        made = portfolio.as_fields(report, run_id=RUN)
    assert differing(made, recomputed(TRADES, until=NOW)) == {}
    assert attention(report)[0].startswith("3 records are left out, missing from all figures: bad1: close_time is null")


async def test_a_trade_that_closes_while_we_read_is_read_again(tmp_path: Path, wire: respx.MockRouter) -> None:
    late = trade(99, pnl=50.0, closed_at=NOW)
    routes = serve(wire, TRADES, now=NOW)
    before = routes["portfolio"].return_value
    listed_before, open_before = routes["trades/closed"].return_value, routes["trades/open"].return_value
    after = serve(wire, [*TRADES, late], now=NOW)
    now_answers = {path: after[path].return_value for path in ("portfolio", "trades/closed")}
    after["portfolio"].mock(side_effect=[before, now_answers["portfolio"]])
    after["trades/closed"].mock(side_effect=[listed_before, now_answers["trades/closed"]])
    after["trades/open"].mock(side_effect=[open_before, httpx.Response(200, json=enveloped([]))])
    async with desk(tmp_path) as opened:
        report = await portfolio.produce(opened, date=None, now=NOW)
    assert report.trading is not None
    assert report.trading.whole.trades == 61
    assert report.positions == ()
    assert report.trading.books.unexplained == 0


async def test_a_source_that_fails_only_at_first_is_not_missing(tmp_path: Path, wire: respx.MockRouter) -> None:
    routes = serve(wire, TRADES, now=NOW)
    first = routes["portfolio"].return_value
    second = serve(wire, [*TRADES, trade(99, pnl=50.0, closed_at=NOW)], now=NOW)
    second["portfolio"].mock(side_effect=[first, second["portfolio"].return_value])
    second["trades/open"].mock(side_effect=[httpx.Response(500), httpx.Response(200, json=enveloped([POSITION]))])
    async with desk(tmp_path) as opened:
        report = await portfolio.produce(opened, date=None, now=NOW)
    assert attention(report) == ()


# our own store


async def test_a_report_is_kept_once_a_day_and_the_second_says_so(tmp_path: Path, wire: respx.MockRouter) -> None:
    serve(wire, TRADES, now=NOW)
    async with desk(tmp_path) as opened:
        first = await portfolio.produce(opened, date=None, now=NOW)
        assert await portfolio.record(opened, first, run_id=RUN) == ""
        assert await portfolio.record(opened, first, run_id=RUN) == ""
        serve(wire, TRADES[1:], now=NOW + timedelta(hours=1))
        second = await portfolio.produce(opened, date=None, now=NOW + timedelta(hours=1))
        told = await portfolio.record(opened, second, run_id="another")
        assert told.startswith("2026-11-25 was already reported at 20")
        assert told.endswith("the figures of this run are shown, not stored")
        assert await kept(opened.store) == [portfolio.as_fields(first, run_id=RUN)]


async def test_a_past_day_is_reported_as_it_was_and_touches_no_other(tmp_path: Path, wire: respx.MockRouter) -> None:
    serve(wire, TRADES, now=NOW)
    yesterday, midnight = TODAY - timedelta(days=1), datetime(2026, 11, 25, tzinfo=UTC)
    async with desk(tmp_path) as opened:
        now = await portfolio.produce(opened, date=TODAY, now=NOW)
        await portfolio.record(opened, now, run_id=RUN)
        made = await fields(opened, yesterday)
        past = await portfolio.produce(opened, date=yesterday, now=NOW)
        assert await portfolio.record(opened, past, run_id="later") == ""
        assert [one["date"] for one in await kept(opened.store)] == ["2026-11-24", "2026-11-25"]
    assert differing(made, recomputed(TRADES, until=midnight)) == {}
    for name in ("equity", "unrealised_pnl", "total_return_pct", "positions", "is_running"):
        assert made[name] is None
        assert "past day" in made["reasons"][name]
    assert made["data_as_of"] == "2026-11-24T23:59:59.999999+00:00"


async def test_figures_are_compared_with_yesterdays_stored_report(tmp_path: Path, wire: respx.MockRouter) -> None:
    early = [t for t in TRADES if datetime.fromisoformat(t["close_time"]) < NOW - timedelta(days=1)]
    async with desk(tmp_path) as opened:
        serve(wire, early, now=NOW - timedelta(days=1))
        first = await portfolio.produce(opened, date=None, now=NOW - timedelta(days=1))
        await portfolio.record(opened, first, run_id="yesterday")
        serve(wire, TRADES, now=NOW)
        made = await fields(opened)
    gained = sum((Decimal(repr(t["pnl"])) for t in TRADES if t not in early), Decimal(0))
    for name in ("delta_balance", "delta_equity", "delta_realised_pnl"):
        assert Decimal(made[name]) == pytest.approx(gained)
    assert made["delta_total_trades"] == len(TRADES) - len(early)
    assert not [note for note in made["notes"] if "since the report of the day before" in note]


async def test_equity_seen_at_midnight_is_the_days_start(tmp_path: Path, wire: respx.MockRouter) -> None:
    serve(wire, TRADES, now=NOW)
    midnight = datetime(2026, 11, 25, tzinfo=UTC)
    async with desk(tmp_path) as opened:
        for seconds, usd in ((-14, "1"), (4, "10123.45"), (16, "3")):
            await equity.observe(opened.store, Decimal(usd), at=midnight + timedelta(seconds=seconds))
        made = await fields(opened)
        assert (made["day_start_equity"], made["day_start_equity_label"]) == ("10123.45", "observed")
        assert (await equity.observed_near(opened.store, NOW)) == {}
        report = await portfolio.produce(opened, date=None, now=NOW)
        await portfolio.record(opened, report, run_id=RUN)
        assert await equity.observed_near(opened.store, NOW) == {NOW: report.equity.value}


async def test_an_engine_that_restarted_is_told_and_our_history_counts(tmp_path: Path, wire: respx.MockRouter) -> None:
    async with desk(tmp_path) as opened:
        serve(wire, TRADES, now=NOW)
        await portfolio.produce(opened, date=None, now=NOW)
        serve(wire, [], now=NOW)
        report = await portfolio.produce(opened, date=None, now=NOW)
        made = portfolio.as_fields(report, run_id=RUN)
    expected = recomputed(TRADES, until=NOW)
    assert made["total_trades"] == 60
    assert Decimal(made["realised_pnl"]) == expected["realised_pnl"]
    assert made["balance"] == "10000.0"
    assert made["day_start_equity"] is None
    assert made["day_start_equity_label"] is None
    assert any("60 trades are known from our own archive alone" in note for note in notes(report))


async def test_a_store_that_fails_costs_no_report(
    tmp_path: Path, wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(wire, TRADES, now=NOW)
    failing = AsyncMock(side_effect=UnavailableError("store", "it is down"))
    monkeypatch.setattr(portfolio, "stored", failing)
    monkeypatch.setattr(trades, "archive", failing)
    async with desk(tmp_path) as opened:
        report = await portfolio.produce(opened, date=None, now=NOW)
    assert differing(portfolio.as_fields(report, run_id=RUN), recomputed(TRADES, until=NOW)) == {}
    assert [line.rpartition(": ")[2] for line in attention(report)] == ["it is down", "it is down"]
    assert severity_of(report) is Severity.DEGRADED


# days


@pytest.mark.parametrize("now", [NOW, NOW.astimezone(timezone(timedelta(hours=9)))], ids=["UTC", "Tokyo"])
async def test_a_future_day_is_refused(tmp_path: Path, now: datetime) -> None:
    async with desk(tmp_path) as opened:
        with pytest.raises(RejectedError, match="2026-11-26 is in the future"):
            await portfolio.produce(opened, date=date(2026, 11, 26), now=now)


async def test_days_are_utc_days_whatever_the_time_zone_of_the_clock(tmp_path: Path, wire: respx.MockRouter) -> None:
    evening = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    serve(wire, TRADES, now=evening)
    async with desk(tmp_path, TRADEOPS_TIME_ZONE="Asia/Tokyo") as opened:
        made = await fields(opened, now=evening.astimezone(timezone(timedelta(hours=9))))
    assert made["date"] == "2026-11-24"


@pytest.mark.parametrize(("minutes", "told"), [(3, "ahead of ours"), (-3, "behind ours")])
async def test_a_skewed_clock_is_told(tmp_path: Path, wire: respx.MockRouter, minutes: int, told: str) -> None:
    now = datetime.now(UTC)
    serve(wire, TRADES, now=now + timedelta(minutes=minutes))
    async with desk(tmp_path, TRADEOPS_CLOCK_SKEW_LIMIT_SECONDS=30) as opened:
        report = await portfolio.produce(opened, date=None, now=now)
    assert any(told in line for line in attention(report))


async def test_a_report_by_a_clock_ahead_is_found_by_its_day(tmp_path: Path, wire: respx.MockRouter) -> None:
    before = datetime(2026, 11, 24, 23, 59, 59, tzinfo=UTC)
    serve(wire, TRADES, now=before + timedelta(seconds=20))
    async with desk(tmp_path) as opened:
        report = await portfolio.produce(opened, date=None, now=before)
        await portfolio.record(opened, report, run_id=RUN)
        found = await portfolio.stored(opened.store, before.date())
    assert found is not None
    assert found.run_id == RUN


async def test_the_routes_that_were_read_are_those_of_the_contract(tmp_path: Path, wire: respx.MockRouter) -> None:
    routes = serve(wire, TRADES, now=NOW)
    async with desk(tmp_path) as opened:
        await portfolio.produce(opened, date=None, now=NOW)
    assert {path: route.call_count for path, route in routes.items()} == dict.fromkeys(routes, 1) | {"portfolio": 2}
    assert PAPER in str(routes["portfolio"].calls[0].request.url)
