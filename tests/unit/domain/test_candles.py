"""The order of candles, one sentence a test."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeops.domain.candles import TIMEFRAMES, Candle, CandleSeries, Gap, find_gaps, implausible, merged, period_of

START = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
GOOD = Candle(START, open=100.0, high=110.0, low=90.0, close=105.0, volume=3.0)


def at(hour: int, volume: float = 3.0) -> Candle:
    return replace(GOOD, opened_at=START + hour * HOUR, volume=volume)


HOURS = st.lists(st.integers(min_value=0, max_value=50), max_size=60)


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_each_timeframe_divides_the_day_so_that_candles_open_on_its_boundaries(timeframe: str) -> None:
    assert timedelta(days=1) % period_of(timeframe) == timedelta(0)


@pytest.mark.parametrize("timeframe", ["", "1w", "60", "1H"])
def test_an_unknown_timeframe_is_refused_with_the_known_ones(timeframe: str) -> None:
    with pytest.raises(ValueError, match="none of 1m, 3m, 5m, 15m, 30m, 1h, 4h, 1d"):
        period_of(timeframe)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({}, "", id="good"),
        pytest.param({"volume": 0.0}, "", id="nobody traded"),
        pytest.param({"open": 100.0, "high": 100.0, "low": 100.0, "close": 100.0}, "", id="flat"),
        pytest.param({"volume": -0.1}, "volume is negative", id="negative volume"),
        pytest.param({"volume": float("inf")}, "volume is NaN or infinite", id="infinite volume"),
        pytest.param({"close": float("nan")}, "close is NaN or infinite", id="NaN"),
        pytest.param({"low": 0.0}, "low is not above zero", id="free of charge"),
        pytest.param({"high": 104.0}, "high and low do not enclose open and close", id="high below close"),
        pytest.param({"low": 100.5}, "high and low do not enclose open and close", id="low above open"),
        pytest.param(
            {"opened_at": START + timedelta(minutes=1)}, "timestamp is not on a boundary of the timeframe", id="shifted"
        ),
    ],
)
def test_a_candle_that_cannot_be_true_says_why(change: dict[str, float], problem: str) -> None:
    assert implausible(replace(GOOD, **change), HOUR) == problem


@given(HOURS)
def test_merged_candles_ascend_with_one_for_each_time(hours: list[int]) -> None:
    times = [candle.opened_at for candle in merged(at(hour) for hour in hours)]
    assert times == [START + hour * HOUR for hour in sorted(set(hours))]


@given(st.lists(st.floats(min_value=0, max_value=9), min_size=1))
def test_of_several_candles_of_one_time_the_fullest_stays(volumes: list[float]) -> None:
    assert merged(at(0, volume) for volume in volumes) == (at(0, max(volumes)),)


@given(HOURS.filter(bool))
def test_candles_and_gaps_together_fill_the_whole_period(hours: list[int]) -> None:
    candles = merged(at(hour) for hour in hours)
    gaps = find_gaps(candles, HOUR)
    missing = {gap.first + n * HOUR for gap in gaps for n in range(gap.missing)}
    present = {candle.opened_at for candle in candles}
    assert not missing & present
    assert missing | present == {START + hour * HOUR for hour in range(min(hours), max(hours) + 1)}


def test_a_gap_begins_where_the_first_missing_candle_would() -> None:
    assert find_gaps([at(0), at(1), at(4)], HOUR) == (Gap(first=START + 2 * HOUR, missing=2),)


@pytest.mark.parametrize(("requested", "missing"), [(0, 0), (1, 0), (2, 0), (3, 1)])
def test_a_series_says_how_many_are_missing(requested: int, missing: int) -> None:
    assert CandleSeries("BTCUSDT", "1h", (at(0), at(1)), requested).missing == missing
