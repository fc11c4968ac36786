"""The ledger of LLM calls on every store: however many ask at once, no limit is passed and no call is lost."""

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tradeops.adapters.store import Point, Store
from tradeops.domain.llm import Reservation
from tradeops.jobs.decision import llm_budget
from tradeops.settings import Settings
from tradeops.wiring import Guard

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(llm_budget, "TRIES", 1000)
    return


def books(store: Store, **limits: str) -> Guard:
    values = {f"TRADEOPS_LLM_{name}": value for name, value in limits.items()}
    return Guard(Settings(_env_file=None, **values), store)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [1, 2])
async def test_ten_analyses_at_once_cannot_overshoot_the_day(store: Store, seed: int) -> None:
    """Each asks for three votes; the day has room for about half of the upper bounds, and all are wanted at once."""
    luck = random.Random(seed)  # noqa: S311 - a seeded simulation
    limit = Decimal(luck.randrange(200, 400)) / 1000
    opened = books(
        store, DAILY_LIMIT_USD=str(limit), ANALYSIS_LIMIT_USD="1", ANALYSES_PER_HOUR="100", ANALYSES_PER_DAY="100"
    )
    spent: list[Decimal] = []
    refused: list[str] = []

    async def call(analysis: int, vote: int) -> None:
        most, cost = (Decimal(luck.randrange(low, low + 10)) / 1000 for low in (15, 5))
        key = f"r{analysis}:{vote}"
        if refusal := await llm_budget.reserve(opened, Reservation(key, f"a{analysis}", NOW, most)):
            refused.append(refusal)
            return
        await asyncio.sleep(luck.uniform(0, 0.05))
        spent.append((await llm_budget.read(opened, now=NOW)).day_usd)
        await llm_budget.settle(opened, Point(key, NOW, {"cost_usd": str(cost), "analysis": f"a{analysis}"}))

    await asyncio.gather(*(call(analysis, vote) for analysis in range(10) for vote in range(3)))
    state = await llm_budget.read(opened, now=NOW)
    points = await store.points("llm_calls", since=NOW, until=NOW + timedelta(seconds=1))
    assert max(spent) <= limit
    assert state.open_usd == 0
    assert state.day_usd == sum(Decimal(str(point.body["cost_usd"])) for point in points) <= limit
    assert len(points) + len(refused) == 30
    assert len(points) >= limit // Decimal("0.025")
    assert refused
    assert all(refusal.startswith("today took $") for refusal in refused)


async def test_an_analysis_cannot_overshoot_its_own_limit_either(store: Store) -> None:
    opened = books(store, ANALYSIS_LIMIT_USD="0.05")
    reservations = [Reservation(f"r{number}", "a", NOW, Decimal("0.02")) for number in range(5)]
    told = await asyncio.gather(*(llm_budget.reserve(opened, one) for one in reservations))
    assert [bool(refusal) for refusal in told].count(False) == 2
    assert (await llm_budget.read(opened, now=NOW)).open_usd == Decimal("0.04")


async def test_no_more_analyses_than_allowed_begin_however_many_ask_at_once(store: Store) -> None:
    opened = books(store, ANALYSES_PER_HOUR="3")
    told = await asyncio.gather(
        *(llm_budget.reserve(opened, Reservation(f"r{n}", f"a{n}", NOW, Decimal("0.001"))) for n in range(8))
    )
    assert [refusal for refusal in told if refusal] == ["3 analyses within an hour, limit 3"] * 5
