"""Pictures of the laboratory: small, the same for the same input, and honest about what is missing."""

from datetime import UTC

import numpy as np
import pytest

from tradeops.rendering.page import Picture, Text
from tradeops.rendering.research_charts import (
    Plane,
    TradeMarks,
    correlations,
    equity_with_drawdown,
    plane_of_parameters,
    price_with_trades,
)

NAN = float("nan")
HOURS = np.arange("2026-09-01", "2026-11-01", dtype="datetime64[h]").astype("datetime64[us]")
LARGEST = 37_000  # bytes; 50 KB as a data URI


def walk(seed: int, length: int = len(HOURS)) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, length)))


def marks(count: int) -> TradeMarks:
    places = np.linspace(1, len(HOURS) - 30, count).astype(int)
    price = walk(1)
    return TradeMarks(
        HOURS[places], price[places], HOURS[places + 20], price[places + 20], places % 2 == 0, places % 3 == 0
    )


def plane(values: list[list[float]], chosen: tuple[int, int] | None = None) -> Picture | Text:
    array = np.array(values, dtype=np.float64)
    rows, columns = array.shape
    names = tuple(f"{n}" for n in range(max(rows, columns)))
    return plane_of_parameters(
        Plane("period", "oversold", names[:columns], names[:rows], array, "Sharpe ratio", chosen)
    )


@pytest.mark.parametrize("count", [0, 1, 80, 900])
def test_a_price_with_any_number_of_trades_is_a_small_picture(count: int) -> None:
    picture = price_with_trades("BTCUSDT", HOURS, walk(1), marks(count), UTC)
    assert 0 < len(picture.data) < LARGEST
    assert picture == price_with_trades("BTCUSDT", HOURS, walk(1), marks(count), UTC)
    longs, won = int(marks(count).long.sum()), int(marks(count).won.sum())
    assert f"with {longs} long and {count - longs} short trades, {won} with profit" in picture.alt


def test_a_single_candle_and_a_price_far_below_one_can_be_drawn() -> None:
    nothing = marks(0)
    picture = price_with_trades("PEPEUSDT", HOURS[:1], np.array([4.6e-6]), nothing, UTC)
    assert picture.alt.startswith("PEPEUSDT from 4.6e-06 to 4.6e-06 with")
    assert picture.data.startswith(b"\x89PNG")


def test_equity_names_its_depths() -> None:
    equity = np.array([10_000.0, 11_000.0, 9_900.0, 10_500.0])
    picture = equity_with_drawdown(HOURS[:4], equity, np.array([0.0, 0.0, 10.0, 4.5]), UTC)
    assert picture.alt == (
        "Equity from $10,000.00 to $10,500.00, lowest $9,900.00, highest $11,000.00; deepest drawdown 10.00 %"
    )
    assert len(picture.data) < LARGEST


def test_equity_that_never_moves_can_be_drawn() -> None:
    flat = equity_with_drawdown(HOURS, np.full(len(HOURS), 10_000.0), np.zeros(len(HOURS)), UTC)
    assert "deepest drawdown 0.00 %" in flat.alt


def test_a_plane_names_its_highest_cell() -> None:
    picture = plane([[0.1, NAN, -0.4], [0.2, 1.5, 0.3]], chosen=(1, 1))
    assert isinstance(picture, Picture)
    assert picture.alt == "Sharpe ratio by period and oversold: from −0.40 to 1.50, highest at period 1 and oversold 1"
    assert len(picture.data) < LARGEST


def test_a_large_plane_shows_no_numbers_and_stays_small() -> None:
    picture = plane(np.random.default_rng(1).normal(0, 1, (40, 40)).tolist())
    assert isinstance(picture, Picture)
    assert len(picture.data) < LARGEST


def test_a_plane_of_nothing_is_a_sentence() -> None:
    assert plane([[NAN, NAN]]) == Text("No picture: no pair of parameters has a value.")


def test_correlations_name_the_closest_and_lie_like_beside_like() -> None:
    matrix = np.array([[1, 0.1, 0.9], [0.1, 1, -0.2], [0.9, -0.2, 1]])
    picture = correlations(["AUSDT", "BUSDT", "CUSDT"], matrix)
    assert isinstance(picture, Picture)
    assert picture.alt.startswith("Correlation of returns, on average 0.27; closest: AUSDT and CUSDT 0.90, ")
    assert len(picture.data) < LARGEST


def test_one_that_does_not_move_is_left_white() -> None:
    matrix = np.array([[1, NAN, 0.5], [NAN, NAN, NAN], [0.5, NAN, 1]])
    picture = correlations(["A", "B", "C"], matrix)
    assert isinstance(picture, Picture)
    assert picture.alt.endswith("closest: A and C 0.50")


@pytest.mark.parametrize("matrix", [np.empty((0, 0)), np.ones((1, 1)), np.full((2, 2), NAN)])
def test_too_few_that_move_are_a_sentence(matrix: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> None:
    assert isinstance(correlations(["A", "B"][: len(matrix)], matrix), Text)
