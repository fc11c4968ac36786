"""Candles as columns: what is refused, what is cut, what longer candles are made of."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.unit.domain.strategies.markets import candles, market
from tradeops.domain.candle_columns import CandleColumns
from tradeops.domain.candles import Candle, CandleSeries

HOURS = candles(market(1, 50))
MIDNIGHT = HOURS.time(0)
HOUR = timedelta(hours=1)


def changed(name: str, place: int, value: float) -> CandleColumns:
    column = getattr(HOURS, name).copy()
    column[place] = value
    return replace(HOURS, **{name: column})


def test_a_series_becomes_columns_with_its_times() -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    series = CandleSeries(
        "ETHUSDT", "1h", (Candle(start, 1, 4, 0.5, 2, 9), Candle(start + 2 * HOUR, 2, 3, 1, 3, 0)), requested=3
    )
    columns = CandleColumns.of(series)
    assert (columns.symbol, columns.timeframe, len(columns), columns.missing) == ("ETHUSDT", "1h", 2, 1)
    assert columns.time(1) == start + 2 * HOUR
    assert (columns.open[0], columns.high[0], columns.low[0], columns.close[0], columns.volume[0]) == (1, 4, 0.5, 2, 9)


def test_columns_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        HOURS.close[0] = 1


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("close", np.nan, "close is NaN or infinite"),
        ("high", np.inf, "high is NaN or infinite"),
        ("low", 0, "low is not above zero"),
        ("volume", -1, "volume is negative"),
        ("volume", np.nan, "volume is NaN or infinite"),
        ("high", 1, "high and low do not enclose open and close"),
        ("low", 1000, "high and low do not enclose open and close"),
        ("opened_at", HOURS.opened_at[7] + 1, "timestamp is not on a boundary"),
        ("opened_at", HOURS.opened_at[6], "does not ascend"),
    ],
)
def test_a_candle_that_cannot_be_true_is_refused_by_its_place(name: str, value: float, problem: str) -> None:
    with pytest.raises(ValueError, match=f"candle 7 of BTCUSDT 1h: .*{problem}"):
        changed(name, 7, value)


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="columns of one length"):
        replace(HOURS, volume=HOURS.volume[1:])


def test_a_candle_in_the_making_is_left_out_until_its_period_is_over() -> None:
    end = HOURS.time(49) + HOUR
    assert len(HOURS.closed_by(end)) == 50
    assert len(HOURS.closed_by(end - timedelta.resolution)) == 49


def test_stretches_are_half_open_and_counted_from_either_end() -> None:
    part = HOURS.between(MIDNIGHT + 3 * HOUR, MIDNIGHT + 5 * HOUR)
    assert (part.time(0), len(part)) == (MIDNIGHT + 3 * HOUR, 2)
    assert HOURS.first(2).time(1) == MIDNIGHT + HOUR
    assert HOURS.last(2).time(0) == MIDNIGHT + 48 * HOUR
    assert len(HOURS.last(99)) == 50
    assert HOURS.place_of(MIDNIGHT + 2.5 * HOUR) == 3
    assert HOURS.place_of(MIDNIGHT + 99 * HOUR) == 50


def test_equal_hashes_are_equal_inputs() -> None:
    assert HOURS.data_hash == candles(market(1, 50)).data_hash
    others = [changed("volume", 3, HOURS.volume[3] + 1e-9), HOURS.first(49), replace(HOURS, symbol="ETHUSDT")]
    assert len({HOURS.data_hash, *(other.data_hash for other in others)}) == 4


def test_longer_candles_hold_the_first_open_the_last_close_and_all_between() -> None:
    longer = HOURS.merged_to("4h")
    assert (longer.timeframe, len(longer)) == ("4h", 12)  # the two last hours are of a period that is not over
    assert longer.time(1) == MIDNIGHT + 4 * HOUR
    hours = slice(4, 8)
    assert (longer.open[1], longer.close[1]) == (HOURS.open[4], HOURS.close[7])
    assert (longer.high[1], longer.low[1]) == (HOURS.high[hours].max(), HOURS.low[hours].min())
    assert longer.volume[1] == pytest.approx(HOURS.volume[hours].sum(), rel=1e-15)


def test_a_first_period_that_began_before_the_candles_is_left_out() -> None:
    assert HOURS.last(49).merged_to("4h").time(0) == MIDNIGHT + 4 * HOUR


def test_a_gap_inside_a_period_leaves_a_candle_of_the_rest_and_a_whole_one_leaves_none() -> None:
    kept = np.r_[0:5, 7:8, 12:50]
    holed = replace(
        HOURS, **{n: getattr(HOURS, n)[kept] for n in ("opened_at", "open", "high", "low", "close", "volume")}
    )
    longer = holed.merged_to("4h")
    assert [longer.time(n) for n in range(3)] == [MIDNIGHT + n * HOUR for n in (0, 4, 12)]
    assert longer.high[1] == max(HOURS.high[4], HOURS.high[7])
    assert holed.missing == 6


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_candles_make_no_longer_one(count: int) -> None:
    assert len(HOURS.first(count).merged_to("4h")) == 0
    assert HOURS.first(0).missing == 0


def test_candles_are_not_made_of_longer_ones() -> None:
    with pytest.raises(ValueError, match="candles of 4h cannot be made from those of 1d"):
        candles(market(1, 5), timeframe="1d").merged_to("4h")
