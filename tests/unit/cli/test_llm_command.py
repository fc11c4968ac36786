"""`tradeops llm`: what was spent is shown, and only a person lifts the limit."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Invoke
from tradeops.adapters.store import Point
from tradeops.domain.llm import Reservation
from tradeops.jobs.decision import llm_budget
from tradeops.settings import load_settings
from tradeops.wiring import open_guard


def spent(usd: str, *, reserved: str | None = None) -> None:
    async def keep() -> None:
        now = datetime.now(UTC)
        async with open_guard(load_settings()) as guard:
            await guard.store.add_point("llm_calls", Point("paid", now, {"cost_usd": usd, "analysis": "a"}))
            if reserved:
                assert not await llm_budget.reserve(guard, Reservation("open", "b", now, Decimal(reserved)))

    asyncio.run(keep())


def test_the_budget_shows_what_was_spent_what_is_reserved_and_what_may_still_be(invoke: Invoke) -> None:
    spent("0.000358", reserved="0.02")
    told = invoke("llm", "budget")
    assert told.exit_code == 0
    assert told.stdout.splitlines() == [
        "model     gpt-6-luna, its price is known",
        "today     $0.02 of $2.00",
        "month     $0.02 of $100.00",
        "reserved  $0.02 of these",
        "analyses  1 of 5 within an hour, 1 of 24 within a day",
        "another analysis may begin",
    ]


def test_a_stop_is_shown_and_ends_with_3_until_a_person_lifts_it(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADEOPS_LLM_DAILY_LIMIT_USD", "500")
    spent("100.01")
    stopped = invoke("llm", "budget")
    assert stopped.exit_code == 3
    assert stopped.stdout.splitlines()[-1] == "stopped: this month took $100.01 of $100.00"
    lifted = invoke("llm", "lift", "--limit-usd", "150", "--reason", "a test", "--by", "ann")
    assert lifted.exit_code == 0
    assert "month     $100.01 of $150.00, set by a person" in lifted.stdout
    assert invoke("llm", "budget").exit_code == 0


def test_a_model_without_a_price_is_said_to_be_one(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_MODEL", "mystery-9")
    assert "model     mystery-9, without a price: it is not asked" in invoke("llm", "budget").stdout


@pytest.mark.parametrize("amount", ["0", "-5", "much", "NaN", "inf"])
def test_a_limit_that_is_none_is_bad_usage(invoke: Invoke, amount: str, home: Path) -> None:
    told = invoke("llm", "lift", "--limit-usd", amount, "--reason", "x")
    assert told.exit_code == 2
    assert not home.exists()


def test_a_lift_without_a_reason_is_bad_usage(invoke: Invoke) -> None:
    assert invoke("llm", "lift", "--limit-usd", "5").exit_code == 2
