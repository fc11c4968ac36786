"""What honest models of real hourly candles are worth, as a table for docs/models.md.

    python benchmarks/accuracies.py [--data ../shared/data] [--epochs 5] [--models gru,lstm] [--symbols BTCUSDT]

Each file SYMBOL-1h.parquet (timestamp, open, high, low, close, volume) is learnt by a trainer of its own: all candles,
holdout 20 %. Nothing is promoted and nothing is sent.
"""

import argparse
import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from tradeops.adapters.trainer.client import TrainerClient
from tradeops.domain.models.columns import PRICES, TrainingCandles
from tradeops.domain.models.measurement import Scores, measure
from tradeops.domain.models.training import MODEL_TYPES, Training, TrainingPlan
from tradeops.errors import TradeOpsError
from tradeops.http import HttpPolicy, HttpService, open_pool
from tradeops.jobs.models.training import train

HEAD = "| symbol | predictions of | accuracy (95 %) | balanced | log loss | Brier | after fees | |"
RULE = "|---|---|---|---|---|---|---|---|"


def candles_of(path: Path) -> TrainingCandles:
    """The file as columns."""
    table = pd.read_parquet(path)
    opened = table["timestamp"].astype("int64").to_numpy().astype(np.int64)
    return TrainingCandles("1h", opened, *(table[name].to_numpy(np.float64) for name in PRICES))


def row(symbol: str, name: str, s: Scores) -> str:
    """A line of the table."""
    return (
        f"| {symbol} | {name} | {100 * s.accuracy:.2f} % ({100 * s.accuracy_low:.1f}–{100 * s.accuracy_high:.1f}) "
        f"| {100 * s.balanced_accuracy:.2f} % | {s.log_loss:.4f} | {s.brier_score:.4f} | {s.pnl_percent:+.2f} % "
        f"| {'suspicious' if s.suspicious else ''} |"
    )


async def quiet(_: Training) -> None:
    """Progress is not of interest here."""


async def tables(address: str, options: argparse.Namespace) -> None:
    """Train and print, one symbol after the other."""
    print(HEAD, RULE, sep="\n", flush=True)
    policy = HttpPolicy(read=timedelta(minutes=5), total=timedelta(minutes=6))
    async with open_pool() as pool:
        trainer = TrainerClient(HttpService(pool, system="trainer", base_url=address, policy=policy))
        await _answers(trainer)
        for symbol in options.symbols.split(","):
            dataset = await trainer.upload(symbol, candles_of(options.data / f"{symbol}-1h.parquet"))
            baselines: dict[str, Scores] = {}
            for model_type in options.models.split(","):
                plan = TrainingPlan(model_type, symbol, dataset, epochs=options.epochs)
                deadline = datetime.now(UTC) + timedelta(hours=2)
                _, result = await train(trainer, plan, deadline=deadline, poll_seconds=1, told=quiet)
                returns = result.holdout.returns
                print(row(symbol, model_type, measure(result.holdout.probabilities, returns)), flush=True)
                baselines = {name: measure(said, returns) for name, said in result.baselines.items()}
            for name, scores in baselines.items():
                print(row(symbol, name, scores), flush=True)


async def _answers(trainer: TrainerClient) -> None:
    ends_at = time.monotonic() + 60
    while True:
        try:
            await trainer.health()
        except TradeOpsError:
            if time.monotonic() > ends_at:
                raise
            await asyncio.sleep(0.2)
        else:
            return


def main() -> None:
    """Start a trainer, use it, end it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TRADEOPS_TEST_DATA", "../shared/data")))
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--models", default=",".join(MODEL_TYPES))
    parser.add_argument("--symbols", default="BTCUSDT,ETHUSDT,BNBUSDT,SOLUSDT")
    options = parser.parse_args()
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "trainer", "--port", str(port), "--home", folder]
        environment = {**os.environ, "TRADEOPS_TRAINER_LEAST_DISK_GIB": "0"}
        log = (Path(folder) / "log").open("w")
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            asyncio.run(tables(f"http://127.0.0.1:{port}", options))
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)
            log.close()


if __name__ == "__main__":
    main()
