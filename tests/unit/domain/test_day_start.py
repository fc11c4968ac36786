"""The rules of `tradeops.domain.day_start`."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tradeops.domain.day_start import DayStart, by_symbol, midnight_of, observed, reconstructed
from tradeops.domain.portfolio.portfolio import ClosedTrade, OpenTrade, Side

MIDNIGHT = datetime(2026, 11, 25, tzinfo=UTC)
NOON = MIDNIGHT + timedelta(hours=12)
OPENED = OpenTrade("o", "ETHUSDT", Side.LONG, Decimal(3000), Decimal(1), 10, NOON, unrealised_pnl=Decimal(-5))


def closed(pnl: int, *, at: datetime) -> ClosedTrade:
    price = Decimal(3000)
    return ClosedTrade(f"{at}", "ETHUSDT", Side.LONG, price, price, Decimal(1), 10, Decimal(pnl), MIDNIGHT, at)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        pytest.param(MIDNIGHT, MIDNIGHT, id="the first moment of a day"),
        pytest.param(
            MIDNIGHT - timedelta.resolution, MIDNIGHT - timedelta(days=1), id="the last moment of the day before"
        ),
        pytest.param(datetime.fromisoformat("2026-11-25T01:00+02:00"), MIDNIGHT - timedelta(days=1), id="elsewhere"),
    ],
)
def test_a_day_begins_in_utc(moment: datetime, expected: datetime) -> None:
    assert midnight_of(moment) == expected


@pytest.mark.parametrize(
    ("minutes", "near"), [(0, True), (9.9, True), (-9.9, True), (10, False), (-10, False), (-1440, False)]
)
def test_a_look_near_midnight_is_the_beginning(minutes: float, near: bool) -> None:
    parts = {"ETHUSDT": Decimal(-5)}
    start = observed(MIDNIGHT + timedelta(minutes=minutes), Decimal(9_995), parts, now=NOON)
    assert start == (DayStart(MIDNIGHT.date(), Decimal(9_995), True, parts) if near else None)


def test_without_a_look_it_is_the_balance_less_what_closed_since() -> None:
    trades = [
        closed(-100, at=MIDNIGHT - timedelta.resolution),
        closed(-30, at=MIDNIGHT),
        closed(10, at=NOON),
    ]
    start = reconstructed(Decimal(9_880), trades, now=NOON)
    assert start == DayStart(MIDNIGHT.date(), Decimal(9_900), observed=False)
    assert start.label == "reconstructed"
    assert replace(start, observed=True).label == "observed"


def test_unrealised_profit_is_summed_by_symbol_and_unknown_when_one_is() -> None:
    other = replace(OPENED, id="p", symbol="BTCUSDT", unrealised_pnl=Decimal(7))
    assert by_symbol([OPENED, other, replace(OPENED, id="q")]) == {"ETHUSDT": Decimal(-10), "BTCUSDT": Decimal(7)}
    assert by_symbol([]) == {}
    assert by_symbol([OPENED, replace(OPENED, unrealised_pnl=None)]) is None


@pytest.mark.parametrize(
    ("zone", "now", "begins"),
    [
        ("America/New_York", "2026-11-25T04:59:59Z", "2026-11-24T05:00:00Z"),
        ("America/New_York", "2026-11-25T05:00:00Z", "2026-11-25T05:00:00Z"),
        ("America/New_York", "2026-03-08T15:00:00Z", "2026-03-08T05:00:00Z"),  # a day of 23 hours
        ("America/New_York", "2026-03-09T15:00:00Z", "2026-03-09T04:00:00Z"),
        ("Asia/Ho_Chi_Minh", "2026-11-25T17:00:00Z", "2026-11-25T17:00:00Z"),
    ],
)
def test_a_day_may_begin_in_another_zone(zone: str, now: str, begins: str) -> None:
    there, beginning = ZoneInfo(zone), datetime.fromisoformat(begins)
    at = datetime.fromisoformat(now)
    assert midnight_of(at, there) == beginning
    near = observed(beginning + timedelta(minutes=9), Decimal(1), None, now=at, zone=there)
    assert near is not None
    assert near.day == at.astimezone(there).date()
    assert observed(beginning + timedelta(minutes=10), Decimal(1), None, now=at, zone=there) is None
