"""Counters that restart, unwrapped: nothing negative, nothing twice, nothing invented."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.costs.builders import sample, utc
from tradeops.domain.costs import Ledger, Sample, unwrap

START = utc("2026-11-01T09:00")
HOUR = timedelta(hours=1)
MONEY = st.decimals(min_value=0, max_value=1000, places=6)


def spent(ledger: Ledger, since: str, until: str) -> Decimal | None:
    found = ledger.between(utc(since), utc(until))
    return None if found is None else found.cost_usd


def test_what_was_spent_is_the_difference_of_two_readings() -> None:
    ledger = unwrap([sample("2026-11-01T09:00", "1.25", 100), sample("2026-11-02T09:00", "3.75", 350)])
    found = ledger.between(utc("2026-11-01T09:00"), utc("2026-11-02T09:00"))
    assert found is not None
    assert (found.cost_usd, found.requests, found.input_tokens) == (Decimal("2.50"), 250, None)
    assert not ledger.stretches[0].reset


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(("3.00", 300, (9, 9)), ("0.40", 40, (2, 2)), id="all fell"),
        pytest.param(("3.00", 300, (9, 9)), ("0.40", 400, (20, 20)), id="only the cost fell"),
        pytest.param(("0.30", 300, (9, 9)), ("0.40", 40, (20, 20)), id="only the requests fell"),
        pytest.param(("0.30", 30, (9, 9)), ("0.40", 40, (2, 20)), id="only the input tokens fell"),
        pytest.param(("0.30", 30, (9, 9)), ("0.40", 40, (20, 2)), id="only the output tokens fell"),
    ],
)
def test_a_counter_that_fell_is_a_restart_and_all_it_counts_was_spent_since(
    before: tuple[str, int, tuple[int, int]], after: tuple[str, int, tuple[int, int]]
) -> None:
    usd, requests, tokens = after
    ledger = unwrap(
        [
            sample("2026-11-01T09:00", before[0], before[1], tokens=before[2]),
            sample("2026-11-02T09:00", usd, requests, tokens=tokens),
        ]
    )
    [stretch] = ledger.stretches
    assert stretch.reset
    assert (stretch.spent.cost_usd, stretch.spent.requests) == (Decimal(usd), requests)
    assert (stretch.spent.input_tokens, stretch.spent.output_tokens) == tokens
    assert ledger.resets(utc("2026-11-02T00:00"), utc("2026-11-02T09:00")) == 1
    assert ledger.resets(utc("2026-11-02T09:00"), utc("2026-11-03T09:00")) == 0


def test_tokens_that_were_not_always_counted_are_unknown_and_the_cost_is_not() -> None:
    ledger = unwrap([sample("2026-11-01T09:00", "1"), sample("2026-11-02T09:00", "2", tokens=(5, 6))])
    [stretch] = ledger.stretches
    assert (stretch.spent.cost_usd, stretch.spent.input_tokens, stretch.reset) == (Decimal(1), None, False)


def test_a_stretch_is_shared_among_its_days_by_time() -> None:
    ledger = unwrap([sample("2026-11-01T09:00", "1.00", 0), sample("2026-11-02T09:00", "3.40", 240)])
    assert spent(ledger, "2026-11-01T00:00", "2026-11-02T00:00") == Decimal("1.50")  # 15 of 24 hours
    assert spent(ledger, "2026-11-02T00:00", "2026-11-03T00:00") == Decimal("0.90")
    first = ledger.between(utc("2026-11-01T00:00"), utc("2026-11-02T00:00"))
    assert first is not None
    assert first.requests == 150


@pytest.mark.parametrize(
    ("since", "until"),
    [("2026-10-01T00:00", "2026-11-01T09:00"), ("2026-11-02T09:00", "2026-11-03T09:00")],
    ids=["before the first reading", "after the last"],
)
def test_what_nobody_observed_is_unknown(since: str, until: str) -> None:
    ledger = unwrap([sample("2026-11-01T09:00", "1"), sample("2026-11-02T09:00", "2")])
    assert spent(ledger, since, until) is None


@pytest.mark.parametrize("readings", [[], [sample("2026-11-01T09:00", "7")]], ids=["none", "one"])
def test_fewer_than_two_readings_say_nothing(readings: list[Sample]) -> None:
    ledger = unwrap(readings)
    assert (ledger.first, ledger.last) == (None, None)
    assert spent(ledger, "2026-01-01T00:00", "2027-01-01T00:00") is None


def test_readings_of_one_moment_are_no_restart() -> None:
    ledger = unwrap([sample(START, "2", 20), sample(START, "1", 10), sample(START + HOUR, "4", 40)])
    assert not any(stretch.reset for stretch in ledger.stretches)
    found = ledger.between(START - HOUR, START + HOUR)
    assert found is not None
    assert found.cost_usd == 3


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[Sample], Decimal]:
    """Readings of processes that live one after the other, each last read as it dies; and what was truly spent."""
    samples, truth, at, last = [sample(START, "0", 0)], Decimal(0), START, (0, Decimal(0))
    for number in range(draw(st.integers(1, 5))):
        counter, requests = (Decimal(0), 0) if number else (last[1], last[0])
        steps = draw(st.lists(MONEY, min_size=1, max_size=4))
        for place, step in enumerate(steps):
            counter, requests, at = counter + step, requests + 1, at + draw(st.integers(1, 3000)) * timedelta(minutes=1)
            if number and place == 0 and not (requests < last[0] or counter < last[1]):
                return samples, truth  # overtook the last reading: that restart cannot be seen
            truth += step
            samples.append(sample(at, counter, requests))
        last = (requests, counter)
    return samples, truth


@given(lives(), st.randoms(use_true_random=False))
def test_the_ledger_equals_what_was_truly_spent_through_all_restarts_that_can_be_seen(
    life: tuple[list[Sample], Decimal], random: Random
) -> None:
    samples, truth = life
    shuffled = [*samples, samples[0], samples[-1]]
    random.shuffle(shuffled)
    ledger = unwrap(shuffled)
    found = ledger.between(samples[0].at, samples[-1].at)
    assert (Decimal(0) if found is None else found.cost_usd) == truth


@given(st.lists(st.tuples(MONEY, st.integers(0, 10**6), st.integers(0, 10**9)), min_size=2, max_size=12))
def test_spend_is_never_negative_whatever_the_counters_do(counted: list[tuple[Decimal, int, int]]) -> None:
    ledger = unwrap(
        sample(START + n * HOUR, usd, requests, tokens=(tokens, tokens))
        for n, (usd, requests, tokens) in enumerate(counted)
    )
    for stretch in ledger.stretches:
        assert stretch.spent.cost_usd >= 0
        assert stretch.spent.requests >= 0
        assert (stretch.spent.input_tokens or 0) >= 0
    ends = START + (len(counted) - 1) * HOUR
    for part in range(20):
        found = ledger.between(START + part * HOUR / 3, ends)
        assert found is None or found.cost_usd >= 0


@given(
    st.lists(st.tuples(st.integers(1, 10**6), MONEY), min_size=1, max_size=8),
    st.lists(st.integers(0, 10**7), min_size=2, max_size=6, unique=True),
)
def test_any_window_has_the_share_that_exact_fractions_give_it_and_neighbours_add_up(
    steps: list[tuple[int, Decimal]], cuts: list[int]
) -> None:
    second = timedelta(seconds=1)
    at, counter, samples = 0, Decimal(0), [sample(START, "0")]
    for length, amount in steps:
        at, counter = at + length, counter + amount
        samples.append(sample(START + at * second, counter))
    ledger = unwrap(samples)

    def exactly(since: int, until: int) -> Fraction:
        total, begin = Fraction(0), 0
        for length, amount in steps:
            overlap = max(0, min(until, begin + length) - max(since, begin))
            total += Fraction(amount) * overlap / length
            begin += length
        return total

    cuts = sorted(cuts)
    parts = [ledger.between(START + a * second, START + b * second) for a, b in pairwise(cuts)]
    for part, (a, b) in zip(parts, pairwise(cuts), strict=True):
        if part is None:
            assert a >= at
        else:
            assert abs(Fraction(part.cost_usd) - exactly(a, b)) < Fraction(1, 10**20)
    whole = ledger.between(START + cuts[0] * second, START + cuts[-1] * second)
    total = sum((part.cost_usd for part in parts if part), Decimal(0))
    assert abs((whole.cost_usd if whole else Decimal(0)) - total) < Decimal("1e-20")
