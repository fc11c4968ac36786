"""The data set: three stretches of time that know nothing of each other."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.domain.models.markets import market, without
from tradeops.domain.models.columns import Floats, UnfitDataError
from tradeops.domain.models.dataset import (
    Shares,
    evaluation_part,
    make_dataset,
    newest_window,
    sample_ends,
    split,
)
from tradeops.domain.models.features import WARM_UP, feature_table
from tradeops.domain.models.labels import hard_labels, next_returns, soft_labels
from tradeops.domain.models.scaling import Scaler

LENGTH = 20


def test_a_window_ends_at_t_and_is_asked_for_the_next_candle() -> None:
    candles = market(400)
    data = make_dataset(candles, length=LENGTH)
    table = feature_table(candles)
    for part in (data.train, data.validation, data.holdout):
        for sample in (0, len(part) - 1):
            end = int(np.searchsorted(candles.opened_ms, part.opened_ms[sample]))
            seen = data.scaler.transform(table.names, table.values[end - LENGTH + 1 : end + 1])
            np.testing.assert_allclose(part.windows[sample], seen, rtol=1e-5, atol=1e-5)
            assert part.returns[sample] == candles.close[end + 1] / candles.close[end] - 1
            assert part.last_returns[sample] == candles.close[end] / candles.close[end - 1] - 1
            assert part.labels[sample] == (candles.close[end + 1] > candles.close[end])
    assert data.holdout.opened_ms[-1] == candles.opened_ms[-2]  # of the last candle the next is not known


def test_sixty_days_of_hours_leave_288_untouched_predictions() -> None:
    data = make_dataset(market(1440))
    assert (len(data.train), len(data.validation), len(data.holdout)) == (707, 216, 288)
    assert data.dropped == 0
    assert data.train.windows.shape == (707, 60, 71)


@settings(max_examples=40, deadline=None)
@given(
    candles=st.integers(150, 900),
    length=st.integers(2, 60),
    validation=st.floats(0.02, 0.4),
    holdout=st.floats(0.02, 0.4),
    missing=st.lists(st.integers(0, 899), max_size=4),
)
def test_no_window_overlaps_what_another_part_knows(
    candles: int, length: int, validation: float, holdout: float, missing: list[int]
) -> None:
    several = without(market(900), *(row for row in missing if row < candles)).head(candles)
    ends, _ = sample_ends(several, WARM_UP, length)
    try:
        train, valid, hold = split(ends, len(several), length, Shares(validation, holdout))
    except UnfitDataError:
        return
    for earlier, later in ((train, valid), (valid, hold)):
        if len(later):
            assert later[0] - length + 1 > earlier[-1] + 1  # the first row of a later window is after the last outcome


def test_the_scaler_knows_the_training_part_alone() -> None:
    candles = market(500)
    later = replace(candles, volume=np.concatenate([candles.volume[:320], candles.volume[320:] * 1000]))
    assert make_dataset(candles, length=LENGTH).scaler.to_json() == make_dataset(later, length=LENGTH).scaler.to_json()


def test_a_window_over_a_gap_is_no_sample() -> None:
    candles = without(market(500), 300)
    ends, dropped = sample_ends(candles, WARM_UP, LENGTH)
    assert dropped == LENGTH
    assert not set(range(299, 299 + LENGTH)) & set(ends.tolist())
    assert make_dataset(candles, length=LENGTH).dropped == LENGTH


@pytest.mark.parametrize(
    ("candles", "shares", "problem"),
    [
        (200, Shares(), "200 candles leave 0 samples for training"),
        (60, Shares(), "60 candles leave 0 samples"),
        (400, Shares(0.5, 0.2), "between 0 and 0.5"),
        (400, Shares(0.2, 0.0), "between 0 and 0.5"),
        (230, Shares(0.01, 0.01), "leave 0 samples"),
    ],
)
def test_too_little_data_and_impossible_shares_are_refused(candles: int, shares: Shares, problem: str) -> None:
    with pytest.raises(UnfitDataError, match=problem):
        make_dataset(market(candles), shares=shares)


def test_a_feature_that_is_constant_in_training_is_named() -> None:
    still = replace(market(400), volume=np.full(400, 5.0))
    with pytest.raises(UnfitDataError, match="the feature volume is constant in training"):
        make_dataset(still, length=LENGTH)


def test_a_model_is_judged_with_its_own_scaler_on_any_stretch() -> None:
    candles = market(500)
    data = make_dataset(candles, length=LENGTH)
    since, until = int(data.holdout.opened_ms[0]), int(data.holdout.opened_ms[-1]) + 1
    part = evaluation_part(candles, data.scaler, LENGTH, since_ms=since, until_ms=until)
    np.testing.assert_array_equal(part.windows, data.holdout.windows)
    np.testing.assert_array_equal(part.returns, data.holdout.returns)
    with pytest.raises(UnfitDataError, match="no sample"):
        evaluation_part(candles, data.scaler, LENGTH, since_ms=until + 10**10)
    stranger = replace(data.scaler, names=(*data.scaler.names[:-1], "other"))
    with pytest.raises(UnfitDataError, match="features differ from those of training"):
        evaluation_part(candles, stranger, LENGTH)


def test_the_newest_window_ends_with_the_last_candle() -> None:
    candles = market(300)
    scaler = make_dataset(market(500), length=LENGTH).scaler
    window = newest_window(candles, scaler, LENGTH)
    assert window.shape == (1, LENGTH, 71)
    part = evaluation_part(candles, scaler, LENGTH)
    np.testing.assert_allclose(window[0, :-1], part.windows[-1][1:], rtol=1e-5, atol=1e-5)
    with pytest.raises(UnfitDataError, match="gap"):
        newest_window(without(candles, 290), scaler, LENGTH)
    with pytest.raises(UnfitDataError, match="too few"):
        newest_window(candles.head(60), scaler, LENGTH)


@pytest.mark.parametrize(
    ("change", "hard", "soft"),
    [
        (0.02, 1, 1),
        (0.0051, 1, 1),
        (0.005, 1, 0.75),
        (0.001, 1, 0.55),
        (0.0, 0, 0.5),
        (-0.001, 0, 0.45),
        (-0.006, 0, 0),
    ],
)
def test_labels_of_a_move(change: float, hard: float, soft: float) -> None:
    moves = np.array([change])
    assert hard_labels(moves)[0] == hard
    assert soft_labels(moves)[0] == pytest.approx(soft)


def test_the_last_candle_has_no_label() -> None:
    returns: Floats = next_returns(np.array([1.0, 2.0, 1.0]))
    np.testing.assert_array_equal(returns, [1.0, -0.5, np.nan])


def test_soft_labels_reach_the_training_part_and_the_judgement_stays() -> None:
    hard, soft = (make_dataset(market(400), length=LENGTH, label=label) for label in ("hard", "soft"))  # type: ignore[arg-type]
    assert set(np.unique(hard.train.labels)) == {0.0, 1.0}
    assert len(np.unique(soft.train.labels)) > 10
    np.testing.assert_array_equal(hard.holdout.returns, soft.holdout.returns)


def test_a_scaler_comes_back_from_json_and_refuses_what_is_none() -> None:
    scaler = make_dataset(market(400), length=LENGTH).scaler
    back = Scaler.from_json(scaler.to_json())
    rows = feature_table(market(100)).values[WARM_UP:]
    np.testing.assert_array_equal(back.transform(back.names, rows), scaler.transform(scaler.names, rows))
    for spoiled in ({}, {**scaler.to_json(), "mean": [1.0]}, {**scaler.to_json(), "scale": [0.0] * 71}, {"names": 3}):
        with pytest.raises(UnfitDataError, match="this is no scaler"):
            Scaler.from_json(spoiled)
    with pytest.raises(UnfitDataError, match="their order"):
        back.transform(back.names[::-1], rows)
    with pytest.raises(UnfitDataError, match="the feature x is not finite in training"):
        Scaler.fit(("x",), np.array([[1.0], [np.nan]]))


def test_an_outlier_is_bounded() -> None:
    scaler = Scaler.fit(("x",), np.array([[0.0], [2.0]]))
    np.testing.assert_array_equal(
        scaler.transform(("x",), np.array([[500.0], [1.0], [-500.0]])), [[10.0], [0.0], [-10.0]]
    )
