"""The ledger in the store: reserved, settled, abandoned, lifted; and that the cost report sees every micro-dollar."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
import respx

from tests.unit.jobs.llm_wire import COST_OF_USAGE, LLM, desk, prompt, responses
from tradeops.adapters.store import Point
from tradeops.adapters.store.interface import Json
from tradeops.domain.llm import Reservation
from tradeops.errors import ConflictError, ContractError, RejectedError, UnavailableError
from tradeops.jobs import races
from tradeops.jobs.decision import llm_budget, votes
from tradeops.jobs.reports import api_cost
from tradeops.wiring import Desk

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)
LATER = NOW + timedelta(minutes=11)


def reservation(key: str = "r1", usd: str = "0.02", *, at: datetime = NOW, analysis: str = "a") -> Reservation:
    return Reservation(key, analysis, at, Decimal(usd))


def paid(key: str, usd: str, *, at: datetime = NOW) -> Point:
    return Point(key, at, {"cost_usd": usd, "analysis": "a"})


async def calls(opened: Desk) -> dict[str, Json]:
    points = await opened.store.points("llm_calls", since=NOW - timedelta(days=30), until=NOW + timedelta(days=30))
    return {point.key: point.body["cost_usd"] for point in points}


async def test_an_empty_ledger_has_room(tmp_path: Path) -> None:
    async with desk(tmp_path) as opened:
        state = await llm_budget.read(opened, now=NOW)
    assert (state.day_usd, state.month_usd, state.open_usd, state.refusal) == (0, 0, 0, "")
    assert (state.limits.day_usd, state.month_limit_usd) == (2, 100)


async def test_a_reservation_stands_until_it_is_settled(tmp_path: Path) -> None:
    async with desk(tmp_path) as opened:
        assert await llm_budget.reserve(opened, reservation()) == ""
        assert (await llm_budget.read(opened, now=NOW)).open_usd == Decimal("0.02")
        await llm_budget.settle(opened, paid("r1", "0.0003"))
        state = await llm_budget.read(opened, now=NOW)
        assert (state.open_usd, state.day_usd) == (0, Decimal("0.0003"))
        assert await calls(opened) == {"r1": "0.0003"}


async def test_settling_twice_changes_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as opened:
        await llm_budget.reserve(opened, reservation())
        await llm_budget.settle(opened, paid("r1", "0.0003"))
        await llm_budget.settle(opened, paid("r1", "9"))
        assert (await llm_budget.read(opened, now=NOW)).day_usd == Decimal("0.0003")


async def test_a_call_whose_process_died_is_paid_at_its_upper_bound_by_the_next(tmp_path: Path) -> None:
    async with desk(tmp_path) as opened:
        await llm_budget.reserve(opened, reservation("dead"))
        await llm_budget.reserve(opened, reservation("next", "0.01", at=LATER))
        assert await calls(opened) == {"dead": "0.02"}
        state = await llm_budget.read(opened, now=LATER)
        assert (state.open_usd, state.day_usd) == (Decimal("0.01"), Decimal("0.03"))
        await llm_budget.settle(opened, paid("dead", "0.0001"))  # it was only asleep
        assert (await llm_budget.read(opened, now=LATER)).day_usd == Decimal("0.03")


async def test_a_call_that_died_between_its_point_and_its_reservation_counts_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as opened:
        await llm_budget.reserve(opened, reservation())
        await opened.store.add_point("llm_calls", paid("r1", "0.0003"))
        assert (await llm_budget.read(opened, now=NOW)).day_usd == Decimal("0.0003")
        assert await llm_budget.unsettled(opened, since=NOW, until=LATER, now=LATER) == []
        await llm_budget.reserve(opened, reservation("r2", at=LATER))
        document = await opened.store.get("llm_budget", "ledger")
        assert document is not None
        assert [one["key"] for one in document.body["open"]] == ["r2"]  # type: ignore[index,union-attr]


async def test_a_refused_call_leaves_no_trace(tmp_path: Path) -> None:
    async with desk(tmp_path, TRADEOPS_LLM_DAILY_LIMIT_USD="0.01") as opened:
        assert "today took $0.00 of $0.01" in await llm_budget.reserve(opened, reservation())
        assert await opened.store.get("llm_budget", "ledger") is None


async def test_above_100_dollars_a_month_calls_stop_until_a_person_lifts_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as opened:
        await opened.store.add_point("llm_calls", paid("big", "100.000001", at=NOW - timedelta(days=3)))
        assert (await llm_budget.read(opened, now=NOW)).refusal == "this month took $100.000001 of $100.00"
        assert "this month took" in await llm_budget.reserve(opened, reservation(analysis="b"))
        lifted = await llm_budget.lift(opened, operator="ann", reason="test week", limit_usd=Decimal(150), now=NOW)
        assert (lifted.refusal, lifted.month_limit_usd, lifted.lifted) == ("", 150, True)
        assert await llm_budget.reserve(opened, reservation(analysis="b")) == ""
        [event] = await opened.store.events(since=NOW, until=LATER, kind="llm_limit_lifted")
        assert (event.actor, event.body) == ("ann", {"month": "2026-11", "limit_usd": "150", "reason": "test week"})
        december = await llm_budget.read(opened, now=datetime(2026, 12, 1, tzinfo=UTC))
        assert (december.lifted, december.month_limit_usd) == (False, 100)


@pytest.mark.parametrize("limit", ["0", "-1", "NaN", "Infinity"])
async def test_a_limit_is_above_zero(tmp_path: Path, limit: str) -> None:
    async with desk(tmp_path) as opened:
        with pytest.raises(RejectedError, match="above 0"):
            await llm_budget.lift(opened, operator="ann", reason="x", limit_usd=Decimal(limit), now=NOW)


ENTRY = {"key": "r", "analysis": "a", "at": NOW.isoformat(), "usd": "0.1"}


@pytest.mark.parametrize(
    "body",
    [
        {"open": "x"},
        {"open": ["x"]},
        {"open": [{"usd": "1"}]},
        {"open": [ENTRY | {"usd": 0.1}]},
        {"open": [ENTRY | {"usd": "NaN"}]},
        {"open": [ENTRY | {"usd": "-1"}]},
        {"open": [ENTRY | {"usd": "much"}]},
        {"open": [ENTRY | {"at": "yesterday"}]},
        {"open": [ENTRY | {"at": "2026-11-25T03:00:00"}]},
        {"analyses": [{"key": "a"}]},
        {"lifted": [{"key": "2026-11", "usd": None}]},
    ],
    ids=repr,
)
async def test_a_ledger_that_cannot_be_true_is_never_read_as_room(tmp_path: Path, body: dict[str, Json]) -> None:
    async with desk(tmp_path) as opened:
        await opened.store.put("llm_budget", "ledger", body, expected_version=None)
        with pytest.raises(ContractError, match="llm_budget"):
            await llm_budget.reserve(opened, reservation())


@pytest.mark.parametrize("cost", [None, "-1", "NaN", 0.1, "x"], ids=repr)
async def test_a_paid_call_without_a_true_cost_is_never_read_as_free(tmp_path: Path, cost: Json) -> None:
    async with desk(tmp_path) as opened:
        await opened.store.add_point("llm_calls", Point("x", NOW, {"cost_usd": cost}))
        with pytest.raises(ContractError, match="cost_usd of x"):
            await llm_budget.read(opened, now=NOW)


async def test_a_ledger_that_is_too_long_to_read_is_not_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm_budget, "MOST_CALLS", 2)
    async with desk(tmp_path) as opened:
        for key in ("a", "b"):
            await opened.store.add_point("llm_calls", paid(key, "1"))
        with pytest.raises(ContractError, match="2 points or more"):
            await llm_budget.read(opened, now=NOW)


@pytest.mark.parametrize("what", ["reserve", "settle", "lift"])
async def test_a_ledger_that_is_busy_for_ever_ends_the_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    async def busy(*_: object, **__: object) -> None:
        await asyncio.sleep(0)
        raise ConflictError("store", "somebody was first")

    monkeypatch.setattr(races, "LONGEST_PAUSE_SECONDS", 0)
    async with desk(tmp_path) as opened:
        await llm_budget.reserve(opened, reservation())
        monkeypatch.setattr(type(opened.store), "put", busy)
        doing = {
            "reserve": lambda: llm_budget.reserve(opened, reservation("r2")),
            "settle": lambda: llm_budget.settle(opened, paid("r1", "1")),
            "lift": lambda: llm_budget.lift(opened, operator="a", reason="b", limit_usd=Decimal(1), now=NOW),
        }[what]
        with pytest.raises(UnavailableError, match="the ledger of LLM calls was changed by others"):
            await doing()  # type: ignore[no-untyped-call]


async def test_the_cost_report_has_our_own_calls_to_the_micro_dollar(
    tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    answers = [httpx.Response(200, json=responses())] * 2 + [httpx.Response(200, json=responses(usage=None))]
    respx_mock.post(f"{LLM}/responses").mock(side_effect=answers)
    async with desk(tmp_path) as opened:
        told = await votes.ask_votes(opened, prompt(), analysis="a", run_id="r", now=NOW)
        report = await api_cost.produce(opened, date=NOW.date(), now=NOW + timedelta(hours=6))
    fields = api_cost.as_fields(report, "run")
    unknown = next(one.cost for one in told.tries if one.cost.estimated)
    assert unknown.usd > 0
    assert told.cost.usd == 2 * Decimal(COST_OF_USAGE) + unknown.usd
    [today] = [day for day in fields["full_data"]["days"] if day["date"] == "2026-11-25"]  # type: ignore[index,union-attr,call-overload]
    assert Decimal(str(today["own_usd"])) == told.cost.usd  # type: ignore[index,call-overload]
    assert Decimal(str(fields["full_data"]["own_month_to_date_usd"])) == told.cost.usd  # type: ignore[index,call-overload]


async def test_the_cost_report_has_calls_of_dead_processes_at_their_upper_bound(tmp_path: Path) -> None:
    async with desk(tmp_path) as opened:
        await llm_budget.reserve(opened, reservation("dead", "0.0123456"))
        await llm_budget.settle(opened, paid("fine", "0.001"))
        report = await api_cost.produce(opened, date=NOW.date(), now=NOW + timedelta(hours=6))
    assert report.own_month_usd.value == Decimal("0.0133456")
