"""The rules of `tradeops.domain.day_start`."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tradeops.domain.day_start import DayStart, Worth, by_trade, midnight_of, observed, reconstructed
from tradeops.domain.portfolio.portfolio import ClosedTrade, OpenTrade, Side

MIDNIGHT = datetime(2026, 11, 25, tzinfo=UTC)
NOON = MIDNIGHT + timedelta(hours=12)
MINUTE = timedelta(minutes=1)
YESTERDAY = MIDNIGHT - timedelta(hours=9)
OPENED = OpenTrade("o", "ETHUSDT", Side.LONG, Decimal(3000), Decimal(1), 10, YESTERDAY, unrealised_pnl=Decimal(-5))


def closed(pnl: int, *, at: datetime, name: str = "", opened: datetime = YESTERDAY) -> ClosedTrade:
    price = Decimal(3000)
    return ClosedTrade(name or f"{at}", "ETHUSDT", Side.LONG, price, price, Decimal(1), 10, Decimal(pnl), opened, at)


def look(minutes: float, equity: int, **marks: int) -> Worth:
    return Worth(MIDNIGHT + minutes * MINUTE, Decimal(equity), {name: Decimal(usd) for name, usd in marks.items()})


def begins(*looks: Worth, trades: tuple[ClosedTrade, ...] = (), opened: tuple[OpenTrade, ...] = ()) -> object:
    start = observed(looks, trades, opened, now=NOON)
    return start and (start.equity, start.unrealised)


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
    ("seconds", "label"),
    [
        *((seconds, "observed") for seconds in (0, 15, -15)),
        *((seconds, "reconstructed") for seconds in (15.1, -15.1, 599, -599)),
        *((seconds, None) for seconds in (600, -600, -86_400)),
    ],
)
def test_a_look_at_midnight_is_the_beginning_and_one_near_it_a_reconstruction(
    seconds: float, label: str | None
) -> None:
    start = observed([look(seconds / 60, 9_995, o=-5)], (), now=NOON)
    assert (start and start.label) == label
    assert start is None or (start.equity, start.unrealised) == (9_995, {"o": -5})


LATER = closed(-1400, at=NOON, name="next", opened=MIDNIGHT - 3 * MINUTE)


@pytest.mark.parametrize(
    ("seen", "trades", "expected"),
    [
        pytest.param(look(9, 9_050), [closed(-950, at=MIDNIGHT + 4 * MINUTE)], (10_000, {}), id="closed before a look"),
        pytest.param(
            look(9, 8_500, o=-500),
            [closed(-600, at=NOON, name="o", opened=MIDNIGHT + MINUTE)],
            (9_000, {}),
            id="opened before a look",
        ),
        pytest.param(
            look(9, 8_500),
            [closed(-500, at=MIDNIGHT + 8 * MINUTE, opened=MIDNIGHT + MINUTE)],
            (9_000, {}),
            id="opened and closed before a look",
        ),
        pytest.param(look(9, 9_500, o=-500), [closed(7, at=NOON, name="o")], (9_500, {"o": -500}), id="held on"),
        pytest.param(
            look(-8, 9_500, o=-500),
            [closed(-600, at=MIDNIGHT - 5 * MINUTE, name="o"), LATER],
            (9_400, {}),
            id="closed after a look, and another opened",
        ),
        pytest.param(
            look(-8, 9_500),
            [closed(-40, at=MIDNIGHT - MINUTE, opened=MIDNIGHT - 2 * MINUTE)],
            (9_460, {}),
            id="opened and closed after a look",
        ),
        pytest.param(look(-8, 9_500), [closed(-40, at=MIDNIGHT - 9 * MINUTE)], (9_500, {}), id="closed before both"),
        pytest.param(look(-8, 9_500, o=-9), [closed(-90, at=MIDNIGHT, name="o")], (9_500, {"o": -9}), id="at 00:00"),
        pytest.param(
            look(-0.1, 9_100),
            [closed(-900, at=MIDNIGHT + MINUTE / 4, name="o")],
            (10_000, {}),
            id="the engine's clock is ahead of ours",
        ),
        pytest.param(
            look(0.1, 9_900, o=-100),
            [closed(-150, at=MIDNIGHT - MINUTE / 10, name="o")],
            (9_850, {}),
            id="the engine's clock is behind ours",
        ),
    ],
)
def test_a_look_is_carried_to_midnight_by_the_trades_in_between(
    seen: Worth, trades: list[ClosedTrade], expected: tuple[int, dict[str, int]]
) -> None:
    assert begins(seen, trades=tuple(trades)) == expected


def test_a_position_opened_after_midnight_and_still_open_was_no_part_of_the_beginning() -> None:
    young = replace(OPENED, opened_at=MIDNIGHT + MINUTE)
    assert begins(look(9, 9_500, o=-500), opened=(young,)) == (10_000, {})
    assert begins(look(9, 9_500, o=-500), opened=(OPENED,)) == (9_500, {"o": -500})


def test_the_nearest_look_counts_unless_it_misses_what_was_open_at_midnight() -> None:
    before, after = look(-7, 9_000, o=-1000), look(3, 9_010)
    assert begins(before, after) == (9_010, {})
    assert begins(after, look(2, 9_020)) == (9_020, {})
    gone = (closed(-990, at=MIDNIGHT + 2 * MINUTE, name="o"),)
    assert begins(before, after, trades=gone) == (9_000, {"o": -1000})
    assert begins(after, trades=gone) == (10_000, {})  # nobody knows its mark: as where nobody looked at all


def test_what_was_kept_by_symbol_is_of_the_trades_that_were_open_then() -> None:
    at = MIDNIGHT - 8 * MINUTE
    old = Worth(at, Decimal(9_500), by_symbol={"ETHUSDT": Decimal(-500), "SOLUSDT": Decimal(-7)})
    assert begins(old, trades=(closed(-500, at=MIDNIGHT - 5 * MINUTE), LATER)) == (9_500, {})
    twice = replace(OPENED, id="p", quantity=Decimal(4))
    assert begins(old, opened=(OPENED, twice)) == (9_500, {"o": -100, "p": -400})
    sum_alone = replace(old, by_symbol=None)
    assert begins(sum_alone, trades=(LATER,)) == (9_500, {})
    assert begins(sum_alone, opened=(OPENED,)) is None


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


def test_marks_are_known_by_trade_and_unknown_when_one_is() -> None:
    assert by_trade([OPENED, replace(OPENED, id="p", unrealised_pnl=Decimal(7))]) == {"o": -5, "p": 7}
    assert by_trade([]) == {}
    assert by_trade([OPENED, replace(OPENED, id="p", unrealised_pnl=None)]) is None


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
    near = observed([Worth(beginning + 9 * MINUTE, Decimal(1), {})], (), now=at, zone=there)
    assert near is not None
    assert near.day == at.astimezone(there).date()
    assert observed([Worth(beginning + 10 * MINUTE, Decimal(1), {})], (), now=at, zone=there) is None
