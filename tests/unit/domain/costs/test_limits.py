"""Limits: strict, on the highest figure, and told so that no rounding contradicts the verdict."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeops.domain.costs import Candidate, Comparison, Limit, Limits, VndRate, dollars, exact
from tradeops.domain.figures import Amount, known_amount, unknown_amount
from tradeops.domain.health import Severity

SOURCES = ("the AI service's projection", "our projection", "the ledger")
PLACES = [0, 1, 2]


def compare(period: str, *amounts: Amount | str) -> Comparison:
    candidates = tuple(
        Candidate(source, known_amount(Decimal(usd)) if isinstance(usd, str) else usd)
        for source, usd in zip(SOURCES, amounts, strict=True)
    )
    return (
        Comparison("daily", Limits().daily, candidates)
        if period == "daily"
        else Comparison("monthly", Limits().monthly, candidates)
    )


@pytest.mark.parametrize("place", PLACES, ids=SOURCES)
@pytest.mark.parametrize(
    ("period", "usd", "expected", "limit"),
    [
        ("daily", "1.99", None, ""),
        ("daily", "2.00", None, ""),
        ("daily", "2.0000000001", "warning", "$2.00"),
        ("daily", "2.01", "warning", "$2.00"),
        ("daily", "5.00", "warning", "$2.00"),
        ("daily", "5.01", "critical", "$5.00"),
        ("monthly", "50", None, ""),
        ("monthly", "50.01", "warning", "$50.00"),
        ("monthly", "100.00", "warning", "$50.00"),
        ("monthly", "100.01", "critical", "$100.00"),
    ],
)
def test_only_what_is_above_a_limit_crosses_it_whoever_says_so(
    place: int, period: str, usd: str, expected: str | None, limit: str
) -> None:
    amounts = ["0.5", "0.5", "0.5"]
    amounts[place] = usd
    alert = compare(period, *amounts).alert
    if expected is None:
        assert alert is None
    else:
        assert alert is not None
        assert (alert.word, alert.usd, alert.source) == (expected, Decimal(usd), SOURCES[place])
        assert alert.text == f"{period} cost ${usd} ({SOURCES[place]}) is above {limit}"


def test_the_highest_counts_and_of_equals_the_first() -> None:
    assert compare("daily", "1", "3", "2").highest == ("our projection", Decimal(3))
    assert compare("daily", "3", "3", "3").highest == (SOURCES[0], Decimal(3))


def test_what_is_unknown_is_listed_and_does_not_hide_what_is_known() -> None:
    alert = compare("daily", unknown_amount("not available"), "5.01", unknown_amount("one reading")).alert
    assert alert is not None
    assert alert.text == (
        "daily cost $5.01 (our projection) is above $5.00; not known: the AI service's projection (not available), "
        "the ledger (one reading)"
    )


def test_a_cost_that_nobody_knows_is_no_all_clear() -> None:
    alert = compare("monthly", *[unknown_amount("no")] * 3).alert
    assert alert is not None
    assert (alert.severity, alert.usd, alert.limit_usd) == (Severity.DEGRADED, None, None)
    assert alert.text.startswith("monthly cost is not known by any source: the AI service's projection (no), ")


@pytest.mark.parametrize(
    ("usd", "shown"),
    [
        ("5.001", "$5.001"),
        ("5.0000001", "$5.0000001"),
        ("4.9999", "$5.00"),
        ("5", "$5.00"),
        ("0.004", "$0.004"),
        ("0", "$0.00"),
        ("1234567.891", "$1,234,567.89"),
    ],
)
def test_a_figure_never_rounds_to_the_other_side_of_its_limit_nor_to_free(usd: str, shown: str) -> None:
    assert compare("daily", "1", "1", "1").shown(Decimal(usd)) == shown


def test_a_figure_beyond_all_rounding_is_told_whole() -> None:
    assert dollars(Decimal(5) + Decimal("1e-20"), [Decimal(5)]) == "$5.00000000000000000001"


@given(st.decimals(0, 10**6, places=9), st.lists(st.decimals(0, 10**6, places=4), max_size=3))
def test_text_and_verdict_agree_for_any_figure_and_limit(usd: Decimal, limits: list[Decimal]) -> None:
    shown = Decimal(dollars(usd, limits).removeprefix("$").replace(",", ""))
    for limit in (Decimal(0), *limits):
        assert (shown > limit) is (usd > limit)
    assert abs(shown - usd) <= Decimal("0.005")


@pytest.mark.parametrize(
    ("usd", "text"), [("2", "$2.00"), ("2.5", "$2.50"), ("2.005", "$2.005"), ("1000", "$1,000.00")]
)
def test_a_limit_is_told_as_it_was_set(usd: str, text: str) -> None:
    assert exact(Decimal(usd)) == text


def test_a_limit_can_be_finer_than_a_cent() -> None:
    limit = Limit(Decimal("2.008"), Decimal(3))
    figures = tuple(Candidate(source, known_amount(Decimal("2.0079"))) for source in SOURCES)
    assert Comparison("daily", limit, figures).alert is None
    assert Comparison("daily", limit, figures).shown(Decimal("2.0079")) == "$2.008"


@pytest.mark.parametrize(
    ("usd", "rate", "vnd"),
    [
        ("0.0567", "25000", 1418),  # 1417.5
        ("0.00002", "25000", 1),  # 0.5
        ("0.000019", "25000", 0),
        ("1.361", "25000", 34025),
        ("40.82", "26345.5", 1075423),
        ("0", "25000", 0),
    ],
)
def test_dong_are_whole_and_half_a_dong_is_rounded_up(usd: str, rate: str, vnd: int) -> None:
    assert VndRate(Decimal(rate)).vnd(Decimal(usd)) == vnd
