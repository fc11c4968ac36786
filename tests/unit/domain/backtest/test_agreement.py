"""The RSI rule on real candles: trades and equity equal vectorbt's to 1e-9.

`vectorbt.json` was written by `benchmarks/peers/freeze.py` from vectorbt 1.2.0, whose RSI signals come from a Wilder
recursion of its own; vectorbt is never installed beside the product.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.unit.domain.backtest.samples import FREE, RSI_LEVEL
from tradeops.domain.backtest.engine import run
from tradeops.domain.candle_columns import CandleColumns

FROZEN = json.loads((Path(__file__).parent / "vectorbt.json").read_text())
RULES = replace(FREE, balance_usd=10_000, fee_percent=0.1, shorts=False, close_at_end=False)
EACH = 24


def test_trades_and_equity_are_vectorbts(hourly_candles: pd.DataFrame, request: pytest.FixtureRequest) -> None:
    symbol = request.node.callspec.params["hourly_candles"]
    opened_at = hourly_candles.index.astype("datetime64[us, UTC]").astype("int64").to_numpy()
    columns = (hourly_candles[name].to_numpy() for name in ("open", "high", "low", "close", "volume"))
    result = run(CandleColumns(symbol, "1h", opened_at, *columns), RSI_LEVEL, {}, RULES)
    theirs = FROZEN[symbol]
    assert len(result.trades) > 8
    assert result.trades.entry_place.tolist() == theirs["entry"]
    assert result.trades.exit_place.tolist() == theirs["exit"]
    assert (~result.trades.closed).tolist() == theirs["open"]
    np.testing.assert_allclose(result.trades.pnl_usd, theirs["pnl"], rtol=1e-9)
    np.testing.assert_allclose(result.equity.equity_usd[1:][EACH - 1 :: EACH], theirs["equity"], rtol=1e-9)


def test_the_frozen_results_hold_winners_and_losers_of_each_symbol() -> None:
    for answer in FROZEN.values():
        assert min(answer["pnl"]) < 0 < max(answer["pnl"])
        assert len(answer["equity"]) == 120
