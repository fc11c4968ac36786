"""Times and figures in words; an unknown one never reads as zero."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tradeops.domain.figures import Amount, Figure, known, known_amount, unknown, unknown_amount
from tradeops.rendering.wording import moment, number, percent, usd

AT = datetime(2026, 11, 25, 22, 30, 5, 999_999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        (UTC, "2026-11-25 22:30:05 UTC"),
        (ZoneInfo("UTC"), "2026-11-25 22:30:05 UTC"),
        (ZoneInfo("Europe/Berlin"), "2026-11-25 23:30:05 CET"),
        (ZoneInfo("Asia/Ho_Chi_Minh"), "2026-11-26 05:30:05 UTC+07:00"),
        (timezone(timedelta(hours=-9, minutes=-30)), "2026-11-25 13:00:05 UTC-09:30"),
    ],
    ids=["UTC", "UTC by name", "a zone with a name", "a zone without one", "an offset"],
)
def test_a_moment_is_shown_on_the_clocks_of_the_zone(zone: tzinfo, shown: str) -> None:
    assert moment(AT, zone) == shown


@pytest.mark.parametrize(
    ("value", "signed", "shown"),
    [
        (known_amount(Decimal("1234.5")), False, "$1,234.50"),
        (Decimal("-0.5"), False, "−$0.50"),
        (Decimal(3), True, "+$3.00"),
        (Decimal(-3), True, "−$3.00"),
        (Decimal("0.004"), True, "$0.00"),
        (Decimal("-0.004"), True, "$0.00"),
        (Decimal("0.005"), False, "$0.00"),
        (Decimal("0.015"), False, "$0.02"),
        (Decimal("-123456789012345678901234567890.129"), False, "−$123,456,789,012,345,678,901,234,567,890.13"),
        (Decimal("123456789012345678901234.565"), False, "$123,456,789,012,345,678,901,234.56"),
        (unknown_amount("the engine is down"), True, "n/a: the engine is down"),
    ],
)
def test_dollars_are_shown_to_the_cent(value: Amount | Decimal, signed: bool, shown: str) -> None:
    assert usd(value, signed=signed) == shown


@pytest.mark.parametrize(
    ("value", "signed", "shown"),
    [
        (known(71.44), False, "71.4 %"),
        (-3.25, True, "−3.2 %"),
        (3.0, True, "+3.0 %"),
        (-0.04, True, "0.0 %"),
        (12345.6, False, "12,345.6 %"),
        (unknown("no trades"), False, "n/a: no trades"),
    ],
)
def test_percentages_have_one_decimal(value: Figure | float, signed: bool, shown: str) -> None:
    assert percent(value, signed=signed) == shown


def test_numbers_have_as_many_decimals_as_asked_for() -> None:
    assert number(1234.5) == "1,234.50"
    assert number(2.0, 0, signed=True) == "+2"
    assert number(unknown("no losses")) == "n/a: no losses"
