"""Candles as columns: there and back, and nothing impossible from outside."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from tests.unit.domain.models.markets import market
from tradeops.domain.candles import EPOCH, Candle
from tradeops.domain.models.columns import TrainingCandles, UnfitDataError

Body = dict[str, Any]


def test_columns_survive_the_wire_and_keep_their_digest() -> None:
    candles = market(60)
    back = TrainingCandles.from_json(json.loads(json.dumps(candles.to_json())))
    assert back.digest() == candles.digest() != market(60, seed=2).digest()
    assert back.digest() != candles.head(59).digest()
    assert (len(back), back.period_ms) == (60, 3_600_000)


def test_columns_of_candles_are_their_values() -> None:
    at = EPOCH + timedelta(hours=5)
    columns = TrainingCandles.of([Candle(at, 1, 4, 0.5, 2, 9)], "1h")
    assert columns.opened_at(0) == at
    assert [float(x[0]) for x in (columns.open, columns.high, columns.low, columns.close, columns.volume)] == [
        1,
        4,
        0.5,
        2,
        9,
    ]
    with pytest.raises(ValueError, match="timeframe"):
        TrainingCandles.of([], "2h")


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda body: body.pop("volume"), "have no 'volume'"),
        (lambda body: body.update(timeframe="7h"), "timeframe '7h'"),
        (lambda body: body["close"].pop(), "of one length"),
        (lambda body: body.update(high="x"), "no columns of numbers"),
        (lambda body: body["low"].__setitem__(3, 1e9), "high and low do not enclose"),
        (lambda body: body["volume"].__setitem__(3, float("nan")), "volume is NaN"),
        (lambda body: body["open"].__setitem__(3, None), "no columns of numbers"),
        (lambda body: body["opened_ms"].__setitem__(3, body["opened_ms"][2]), "not ascending"),
        (lambda body: body["opened_ms"].__setitem__(3, body["opened_ms"][3] + 1), "boundary"),
    ],
)
def test_columns_from_outside_that_cannot_be_true_are_refused(spoil: Callable[[Body], object], problem: str) -> None:
    body = market(10).to_json()
    spoil(body)
    with pytest.raises(UnfitDataError, match=problem):
        TrainingCandles.from_json(body)


def test_columns_keep_their_types() -> None:
    back = TrainingCandles.from_json(market(5).to_json())
    assert (back.opened_ms.dtype, back.close.dtype) == (np.int64, np.float64)
