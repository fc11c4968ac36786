"""Figures are known or say why not, one sentence a test."""

from decimal import Decimal

import pytest

from tradeops.domain.figures import NOT_FINITE, Amount, Figure, known, known_amount, unknown, unknown_amount

NOT_NUMBERS = ["nan", "inf", "-inf"]


def test_a_known_figure_has_no_reason() -> None:
    assert known(55) == Figure(55.0, "")
    assert known_amount(Decimal("0.10")) == Amount(Decimal("0.10"), "")


def test_an_unknown_figure_says_why_and_is_not_zero() -> None:
    assert unknown("no closed trades") == Figure(None, "no closed trades")
    assert unknown_amount("engine is down") == Amount(None, "engine is down")


@pytest.mark.parametrize("text", NOT_NUMBERS)
def test_a_result_that_is_no_number_becomes_unknown(text: str) -> None:
    assert known(float(text)) == Figure(None, NOT_FINITE)
    assert known_amount(Decimal(text)) == Amount(None, NOT_FINITE)


@pytest.mark.parametrize("text", NOT_NUMBERS)
def test_no_figure_holds_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="finite or unknown"):
        Figure(float(text))
    with pytest.raises(ValueError, match="finite or unknown"):
        Amount(Decimal(text))


@pytest.mark.parametrize("make", [unknown, unknown_amount])
def test_unknown_without_a_reason_is_refused(make: type[Figure] | type[Amount]) -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        make("")


def test_known_with_a_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="has no reason"):
        Figure(1.0, "because")
    with pytest.raises(ValueError, match="has no reason"):
        Amount(Decimal(1), "because")
