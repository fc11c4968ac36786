"""What an epoch of the three networks costs, in seconds and memory, beside the bare `fit` loop of Keras.

The two take turns on the same data, epoch by epoch, after one epoch each that compiles. `--samples` and `--epochs` make
it shorter; `--growth` shows how the time grows with the days of hourly candles.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
ROOT = Path(__file__).parents[1]
LENGTH, FEATURES, BATCH = 60, 10, 256
WORST_RATIO = 1.1
DAYS = (30, 60, 180, 365)


def main(model_type: str, samples: int, epochs: int) -> None:
    """One network in a process of its own, so that its peak of memory is its own."""
    sys.path.insert(0, str(ROOT))
    import keras  # noqa: PLC0415 - after its backend is chosen

    from tradeops.domain.models.dataset import Part  # noqa: PLC0415
    from trainer.fitting import Fit, Progress  # noqa: PLC0415
    from trainer.networks import build_network  # noqa: PLC0415

    random = np.random.default_rng(1)

    def part(count: int) -> Part:
        windows = random.standard_normal((count, LENGTH, FEATURES), dtype=np.float32)
        labels = (random.random(count) > 0.5).astype(np.float32)  # noqa: PLR2004 - a coin
        nothing = np.zeros(count)
        return Part(np.arange(count), windows, labels, nothing, nothing)

    train, validation = part(samples), part(max(samples // 6, 64))

    def network() -> keras.Model:
        return build_network(model_type, length=LENGTH, features=FEATURES, learning_rate=0.001, seed=1)

    bare, ours = network(), network()
    with tempfile.TemporaryDirectory() as folder:
        facts = {"epochs": epochs, "batch_size": BATCH, "learning_rate": 0.001, "seed": 1}
        fit = Fit(model_type, train, validation, folder=Path(folder), **facts)  # type: ignore[arg-type]
        progress = Progress(batch_size=BATCH)

        def our_epoch() -> None:
            nonlocal progress
            progress = fit._epoch(ours, progress)  # noqa: SLF001 - one epoch with its checkpoint, timed by itself
            fit._keep(ours, progress)  # noqa: SLF001

        def bare_epoch() -> None:
            judged = (validation.windows, validation.labels)
            bare.fit(
                train.windows,
                train.labels,
                batch_size=BATCH,
                validation_data=judged,
                validation_batch_size=256,
                shuffle=True,
                verbose=0,
            )

        our_epoch(), bare_epoch()
        times = [(_seconds(our_epoch), _seconds(bare_epoch)) for _ in range(epochs)]
    mine, theirs = (statistics.median(column) for column in zip(*times, strict=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ratio = mine / theirs
    verdict = "ok" if ratio <= WORST_RATIO else f"above {WORST_RATIO:g}"
    print(
        f"{model_type:<12} {samples:>7} {mine:>9.2f} {theirs:>9.2f} {ratio:>6.2f} {peak:>9.0f}  {verdict}", flush=True
    )


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@click.command()
@click.option("--samples", default=17_000, help="Windows of 60 candles with 10 features.")
@click.option("--epochs", default=2, help="Timed, after one that compiles.")
@click.option("--growth", is_flag=True, help="The days of hourly candles instead of the samples.")
@click.option("--only", type=click.Choice(["lstm", "gru", "transformer"]), help="One network.")
@click.option("--inside", hidden=True, is_flag=True)
def command(samples: int, epochs: int, *, growth: bool, only: str | None, inside: bool) -> None:
    """Measure."""
    if inside and only:
        main(only, samples, epochs)
        return
    print(f"{'network':<12} {'samples':>7} {'s/epoch':>9} {'bare':>9} {'ratio':>6} {'peak MiB':>9}", flush=True)
    for count in [days * 24 for days in DAYS] if growth else [samples]:
        for model_type in [only] if only else ["gru", "lstm", "transformer"]:
            facts = ["--samples", str(count), "--epochs", str(epochs), "--only", model_type]
            subprocess.run([sys.executable, __file__, *facts, "--inside"], check=True)


if __name__ == "__main__":
    command()
