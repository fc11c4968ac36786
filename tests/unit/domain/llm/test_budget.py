"""The limits of spending: each holds with equality, what is reserved counts as spent, and nothing counts twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeops.domain.llm import BudgetLimits, BudgetState, Ledger, Reservation, Settled, budget_state

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LIMITS = BudgetLimits(Decimal("0.10"), Decimal(2), Decimal(100), analyses_per_hour=5, analyses_per_day=24)
EMPTY = Ledger({}, {}, {})


def reservation(key: str = "r", usd: str = "0.02", *, analysis: str = "a", at: datetime = NOW) -> Reservation:
    return Reservation(key, analysis, at, Decimal(usd))


def paid(usd: str, *, key: str = "p", analysis: str = "other", at: datetime = NOW) -> Settled:
    return Settled(key, analysis, at, Decimal(usd))


def state(*settled: Settled, ledger: Ledger = EMPTY, limits: BudgetLimits = LIMITS, now: datetime = NOW) -> BudgetState:
    return budget_state(ledger, settled, limits, now)


@pytest.mark.parametrize(
    ("settled", "usd", "words"),
    [
        pytest.param([], "0.10", "", id="all that an analysis may cost"),
        pytest.param([], "0.100001", "this analysis took $0.00 of $0.10", id="more than an analysis may cost"),
        pytest.param([paid("0.09", analysis="a")], "0.01", "", id="exactly the rest of the analysis"),
        pytest.param(
            [paid("0.09", analysis="a")], "0.0100001", "this analysis took $0.09", id="more than the rest of it"
        ),
        pytest.param([paid("1.95")], "0.05", "", id="exactly the rest of the day"),
        pytest.param([paid("1.95")], "0.06", "today took $1.95 of $2.00", id="more than the rest of the day"),
        pytest.param([paid("1.95", at=NOW - DAY)], "0.06", "", id="yesterday's spending is not today's"),
        pytest.param([paid("99.95", at=NOW - DAY)], "0.05", "", id="exactly the rest of the month"),
        pytest.param(
            [paid("99.95", at=NOW - DAY)], "0.06", "this month took $99.95 of $100.00", id="more than the month"
        ),
        pytest.param([paid("99.95", at=datetime(2026, 10, 31, 23, 59, tzinfo=UTC))], "0.06", "", id="last month's"),
        pytest.param(
            [paid("100.01", at=NOW - DAY)], "0.000001", "this month took $100.01", id="above the month already"
        ),
    ],
)
def test_a_call_that_would_pass_a_limit_is_refused(settled: list[Settled], usd: str, words: str) -> None:
    refusal = state(*settled).refuses("a", Decimal(usd))
    assert words in refusal
    assert bool(refusal) is bool(words)


def test_what_is_reserved_counts_as_spent_until_it_is_settled_and_never_twice() -> None:
    ledger = EMPTY.reserved(reservation("one")).reserved(reservation("two", "0.03"))
    both = state(ledger=ledger)
    assert (both.day_usd, both.open_usd) == (Decimal("0.05"), Decimal("0.05"))
    half = state(paid("0.001", key="one", analysis="a"), ledger=ledger)  # settled, its reservation not yet given back
    assert (half.day_usd, half.open_usd) == (Decimal("0.031"), Decimal("0.03"))
    assert half.analysis_usd["a"] == Decimal("0.031")
    done = state(paid("0.001", key="one", analysis="a"), ledger=ledger.without(["one", "two"]))
    assert (done.day_usd, done.open_usd) == (Decimal("0.001"), 0)


def test_an_analysis_counts_once_however_many_calls_it_makes() -> None:
    ledger = EMPTY
    for number in range(5):
        for vote in range(3):
            at = NOW - timedelta(minutes=number)
            ledger = ledger.reserved(reservation(f"{number}:{vote}", "0.001", analysis=f"a{number}", at=at))
    full = state(ledger=ledger)
    assert (full.analyses_last_hour, full.analyses_today) == (5, 5)
    assert full.refusal == "5 analyses within an hour, limit 5"
    assert full.refuses("a6", Decimal("0.001")) == full.refusal
    assert full.refuses("a0", Decimal("0.001")) == ""
    later = state(ledger=ledger, now=NOW + HOUR)
    assert (later.analyses_last_hour, later.analyses_today, later.refusal) == (0, 5, "")


def test_a_day_has_its_own_cap_and_forgets_after_24_hours() -> None:
    ledger = EMPTY
    for number in range(24):
        at = NOW - HOUR * number
        ledger = replace(ledger, analyses={**ledger.analyses, f"a{number}": at})
    assert state(ledger=ledger).refusal == "24 analyses within a day, limit 24"
    assert state(ledger=ledger, now=NOW + HOUR).refusal == ""
    assert "a23" not in ledger.reserved(reservation(at=NOW + HOUR)).analyses


def test_a_month_at_its_limit_stops_until_it_ends_or_a_person_lifts_it() -> None:
    month = [paid("100", at=NOW - DAY)]
    assert state(*month).refusal == "this month took $100.00 of $100.00"
    assert state(*month, now=datetime(2026, 12, 1, tzinfo=UTC)).refusal == ""
    lifted = state(*month, ledger=replace(EMPTY, lifted={"2026-11": Decimal(150)}))
    assert (lifted.refusal, lifted.month_limit_usd, lifted.lifted) == ("", 150, True)
    assert lifted.refuses("a", Decimal("0.05")) == ""
    december = state(ledger=replace(EMPTY, lifted={"2026-11": Decimal(150)}), now=datetime(2026, 12, 1, tzinfo=UTC))
    assert (december.month_limit_usd, december.lifted) == (100, False)


def test_a_reservation_is_abandoned_after_ten_minutes() -> None:
    ledger = EMPTY.reserved(reservation())
    assert ledger.abandoned(NOW + timedelta(minutes=10)) == ()
    assert [one.key for one in ledger.abandoned(NOW + timedelta(minutes=10, microseconds=1))] == ["r"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["reserve", "settle", "die"]), st.integers(1, 60), st.integers(0, 100), st.integers(0, 400)
        ),
        max_size=40,
    )
)
def test_no_sequence_of_calls_passes_a_limit(steps: list[tuple[str, int, int, int]]) -> None:
    """Settled calls cost at most what was reserved; dead ones count in full; minutes pass."""
    ledger, settled, now = EMPTY, list[Settled](), NOW
    for number, (what, cents, share, minutes) in enumerate(steps):
        now += timedelta(minutes=minutes)
        dead = ledger.abandoned(now)
        settled += [Settled(one.key, one.analysis, one.at, one.usd) for one in dead]
        ledger = ledger.without(one.key for one in dead)
        if what == "reserve":
            wanted = Reservation(str(number), f"a{number // 3}", now, Decimal(cents) / 1000)
            if not state(*settled, ledger=ledger, now=now).refuses(wanted.analysis, wanted.usd):
                ledger = ledger.reserved(wanted)
        elif ledger.open and what == "settle":
            one = next(iter(ledger.open.values()))
            settled.append(Settled(one.key, one.analysis, one.at, one.usd * share / 100))
            ledger = ledger.without([one.key])
        found = state(*settled, ledger=ledger, now=now)
        assert found.day_usd <= LIMITS.day_usd
        assert found.month_usd <= LIMITS.month_usd
        assert found.analyses_last_hour <= LIMITS.analyses_per_hour
        assert found.analyses_today <= LIMITS.analyses_per_day
        assert all(usd <= LIMITS.analysis_usd for usd in found.analysis_usd.values())
