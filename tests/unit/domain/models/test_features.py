"""Features: the whole list, each from the past alone, none that fails in silence."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.domain.models.markets import market
from tradeops.domain.models import features
from tradeops.domain.models.columns import Floats, TrainingCandles, UnfitDataError
from tradeops.domain.models.features import WARM_UP, FeatureTable, checked, feature_table
from tradeops.domain.models.leaks import leaking_features

CUTS = (120, 200, 398)


def planted(name: str, column: Floats, candles: TrainingCandles) -> FeatureTable:
    table = feature_table(candles)
    return FeatureTable((*table.names, name), np.column_stack([table.values, column]))


def test_there_are_71_features_and_no_row_after_the_warm_up_lacks_one() -> None:
    table = feature_table(market(400))
    assert len(table.names) == len(set(table.names)) == table.values.shape[1] == 71
    assert np.isfinite(table.values[WARM_UP:]).all()
    assert not np.isfinite(table.values[WARM_UP - 1]).all()


def test_no_feature_knows_the_future() -> None:
    assert leaking_features(feature_table, market(400), CUTS, seed=3) == ()


@pytest.mark.parametrize(
    ("name", "ahead"),
    [
        ("next close", lambda c: np.append(c.close[1:], c.close[-1])),
        ("centred high", lambda c: np.array([c.high[max(t - 10, 0) : t + 11].max() for t in range(len(c))])),
        ("scaled by all", lambda c: (c.close - c.close.mean()) / c.close.std()),
        ("next volume", lambda c: np.append(c.volume[1:], 0.0)),
    ],
    ids=["next close", "centred window", "scaled by all data", "next volume"],
)
def test_a_planted_look_ahead_is_caught(name: str, ahead: object) -> None:
    def cheating(candles: TrainingCandles) -> FeatureTable:
        return planted(name, ahead(candles), candles)  # type: ignore[operator]

    assert leaking_features(cheating, market(400), CUTS, seed=3) == (name,)


def test_a_feature_that_comes_and_goes_with_the_data_is_caught() -> None:
    def fickle(candles: TrainingCandles) -> FeatureTable:
        table = feature_table(candles)
        return table if len(candles) == 400 else FeatureTable(table.names[1:], table.values[:, 1:])

    assert "open" in leaking_features(fickle, market(400), CUTS, seed=3)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.floats(1e-6, 1e6))
def test_features_do_not_depend_on_the_scale_of_the_price(seed: int, scale: float) -> None:
    candles = market(150, seed=seed)
    prices = {name: getattr(candles, name) * scale for name in ("open", "high", "low", "close")}
    scaled = feature_table(replace(candles, **prices)).values[WARM_UP:]
    np.testing.assert_allclose(scaled, feature_table(candles).values[WARM_UP:], rtol=1e-6, atol=1e-8)


def test_a_flat_market_without_trades_has_figures_all_the_same() -> None:
    flat = replace(
        market(200), **dict.fromkeys(("open", "high", "low", "close"), np.full(200, 7.0)), volume=np.zeros(200)
    )
    table = feature_table(flat)
    assert np.isfinite(table.values[WARM_UP:]).all()
    row = dict(zip(table.names, table.values[-1], strict=True))
    assert (row["rsi_14"], row["return_1"], row["bollinger_percent"]) == (0.5, 0.0, 0.5)


def test_worked_values_of_the_newest_row() -> None:
    candles = market(200)
    row = dict(zip(*(feature_table(candles).names, feature_table(candles).values[-1]), strict=True))
    close, high, low, volume = candles.close, candles.high, candles.low, candles.volume
    typical = (high + low + close) / 3
    assert row["return_10"] == pytest.approx(close[-1] / close[-11] - 1)
    assert row["close_lag_3"] == pytest.approx(close[-4] / close[-1] - 1)
    assert row["local_high_10"] == pytest.approx(high[-1] / high[-10:].max() - 1)
    assert row["breakout_up_20"] == pytest.approx(close[-1] / high[-21:-1].max() - 1)
    assert row["vwap_20"] == pytest.approx((typical * volume)[-20:].sum() / volume[-20:].sum() / close[-1] - 1)
    assert row["volatility_5"] == pytest.approx((close[-5:] / close[-6:-1] - 1).std())
    hour = (candles.opened_ms[-1] + 3_600_000) / 3_600_000 % 24
    assert row["hour_sin"] == pytest.approx(np.sin(2 * np.pi * hour / 24))


def test_daily_candles_have_no_hour() -> None:
    names = feature_table(market(100, timeframe="1d")).names
    assert "hour_sin" not in names
    assert len(names) == 69


@pytest.mark.parametrize("missing", [np.nan, np.inf])
def test_a_column_that_is_not_finite_is_named(missing: float) -> None:
    table = feature_table(market(100))
    spoiled = table.values.copy()
    spoiled[60:, table.names.index("rsi_14")] = missing
    with pytest.raises(UnfitDataError, match=r"the feature rsi_14 is (nan|inf) in row 60, 78 % of it"):
        checked(replace(table, values=spoiled))


def test_an_indicator_that_lacks_is_an_error_and_no_column_of_nan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(features.indicators, "bollinger")
    with pytest.raises(AttributeError, match="bollinger"):
        feature_table(market(100))


def test_a_price_that_is_no_number_and_too_few_candles_are_refused() -> None:
    candles = market(100)
    candles.close[70] = np.nan
    with pytest.raises(UnfitDataError, match="entry 70 is nan"):
        feature_table(candles)
    with pytest.raises(UnfitDataError, match="49 candles are too few"):
        feature_table(market(49))
