"""Real candles, where the private fixture is."""

import os
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session", params=["BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT"])
def hourly_candles(request: pytest.FixtureRequest) -> pd.DataFrame:
    """Four months of real hourly candles of one symbol, indexed by their opening time, UTC."""
    folder = Path(os.environ.get("TRADEOPS_TEST_DATA") or ROOT.parent / "shared" / "data")
    path = folder / f"{request.param}-1h.parquet"
    if not path.exists():
        problem = f"no {path.name} in the folder TRADEOPS_TEST_DATA or in ../shared/data beside the checkout"
        if os.environ.get("CI") == "true":
            pytest.fail(problem)
        pytest.skip(problem)
    return pd.read_parquet(path).set_index("timestamp")
