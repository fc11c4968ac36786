"""Writes what vectorbt makes of the RSI rule on the real candles, for tests where vectorbt is not installed.

    TRADEOPS_PEERS_PYTHON=<its python> python benchmarks/peers/freeze.py <folder of candles> <target.json>

Needs no candles to be kept: places of trades, profits, and equity at every 24th close are results, not data.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

SYMBOLS = ("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT")
RULE = {"period": 14, "low": 30, "high": 70}
EACH = 24


def main() -> None:
    """Ask for each symbol, keep a part."""
    data, target = Path(sys.argv[1]), Path(sys.argv[2])
    frozen = {}
    with tempfile.TemporaryDirectory() as folder:
        requests = []
        for symbol in SYMBOLS:
            frame = pd.read_parquet(data / f"{symbol}-1h.parquet")
            opened_at = frame["timestamp"].astype("datetime64[us, UTC]").astype("int64").to_numpy()
            path = Path(folder) / f"{symbol}.npz"
            np.savez(path, opened_at=opened_at, **{n: frame[n].to_numpy() for n in frame.columns if n != "timestamp"})
            requests.append(json.dumps({"do": "agree", "candles": str(path)} | RULE))
        answers = subprocess.run(
            [os.environ["TRADEOPS_PEERS_PYTHON"], str(Path(__file__).parent / "peers.py")],
            input="\n".join(requests),
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        for symbol, line in zip(SYMBOLS, answers, strict=True):
            answer = json.loads(line)
            frozen[symbol] = answer | {"equity": answer["equity"][EACH - 1 :: EACH]}
    lines = [f'  "{symbol}": {json.dumps(answer)}' for symbol, answer in frozen.items()]
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
