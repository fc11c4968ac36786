"""The three networks learn, reproducibly, and a training that was killed goes on as if it had not been."""

import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.trainer.running import BATCH, CANDLES, LENGTH
from tests.unit.domain.models.markets import market
from tradeops.domain.models.columns import TrainingCandles, UnfitDataError
from tradeops.domain.models.dataset import Dataset, make_dataset
from tradeops.domain.models.training import Epoch, JobState, TrainingPlan
from trainer import child
from trainer.datasets import Datasets
from trainer.durable import read_json
from trainer.jobs import Job, Jobs
from trainer.registry import Kind, Registry

pytestmark = [
    pytest.mark.usefixtures("_keras"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # between Keras and NumPy
]
DATA = make_dataset(CANDLES, length=LENGTH)
History = tuple[Epoch, ...]


class KilledError(BaseException):
    """Where a test kills."""


def fit(folder: Path, *, data: Dataset = DATA, model_type: str = "gru", **more: Any) -> Any:  # noqa: ANN401
    from trainer.fitting import Fit  # noqa: PLC0415 - it imports Keras, whose backend the fixture chooses

    facts = {"epochs": 3, "batch_size": BATCH, "learning_rate": 0.001, "seed": 5, **more}
    return Fit(model_type=model_type, train=data.train, validation=data.validation, folder=folder, **facts)


def said(network: Any) -> list[float]:  # noqa: ANN401
    from trainer.fitting import predict  # noqa: PLC0415

    return predict(network, DATA.holdout.windows).tolist()


def killed_after(epochs: int) -> Callable[[History], None]:
    def report(history: History) -> None:
        if len(history) == epochs:
            raise KilledError

    return report


def quiet(_history: History) -> None:
    return


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory, _keras: None) -> tuple[list[float], History]:
    network, progress = fit(tmp_path_factory.mktemp("unbroken")).run(quiet)
    return said(network), progress.history


def test_a_training_that_was_killed_and_resumed_ends_as_the_unbroken_one(
    tmp_path: Path, unbroken: tuple[list[float], History]
) -> None:
    random.seed()  # the state of the process decides nothing
    with pytest.raises(KilledError):
        fit(tmp_path).run(killed_after(1))
    (tmp_path / "epoch-0002.part").mkdir()
    (tmp_path / "epoch-0002.part" / "newest.keras").write_bytes(b"half")
    epochs: list[int] = []
    network, progress = fit(tmp_path).run(lambda history: epochs.append(len(history)))
    assert epochs == [1, 2, 3]
    assert (said(network), progress.history) == unbroken


def test_another_seed_is_another_model(tmp_path: Path, unbroken: tuple[list[float], History]) -> None:
    _, progress = fit(tmp_path, seed=6, epochs=1).run(quiet)
    assert progress.history[0].loss != unbroken[1][0].loss


@pytest.mark.parametrize("model_type", ["lstm", "transformer"])
def test_the_others_learn_too_and_say_probabilities(model_type: str, tmp_path: Path) -> None:
    network, progress = fit(tmp_path, model_type=model_type, epochs=1).run(quiet)
    assert np.isfinite(progress.history[0].loss)
    probabilities = np.array(said(network))
    assert ((probabilities > 0) & (probabilities < 1)).all()
    assert len(set(probabilities)) > len(probabilities) / 2


class Scripted:
    """A network whose losses and troubles are planned; what it is fed is kept."""

    def __init__(self, losses: list[tuple[float, float]], troubles: list[Exception] | None = None) -> None:
        self.losses, self.troubles, self.batches, self.rates = losses, troubles or [], [], []
        self.optimizer = self
        self.learning_rate = self
        self.batches: list[int] = []
        self.rates: list[float] = []

    def assign(self, rate: float) -> None:
        self.rates.append(rate)

    def fit(self, *_: object, batch_size: int, **__: object) -> Any:  # noqa: ANN401
        self.batches.append(batch_size)
        if self.troubles:
            raise self.troubles.pop(0)
        loss, validation = self.losses.pop(0)
        self.history = {"loss": [loss], "val_loss": [validation]}
        return self

    def save(self, path: Path) -> None:
        path.write_bytes(b"network")


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Scripted]:
    from trainer import fitting  # noqa: PLC0415

    def plan(losses: list[tuple[float, float]], troubles: list[Exception] | None = None) -> Scripted:
        network = Scripted(losses, troubles)
        monkeypatch.setattr(fitting, "build_network", lambda *_, **__: network)
        monkeypatch.setattr(fitting, "load_network", lambda _: network)
        return network

    return plan


@pytest.mark.parametrize(
    ("losses", "says"),
    [
        ([(0.7, 0.7), (7.1, 0.7)], "the loss of epoch 2 is 7.1, 0.7 at the start"),
        ([(float("nan"), 0.7)], "the loss of epoch 1 is not a number"),
        ([(0.7, float("inf"))], "the loss of epoch 1 is not a number"),
    ],
)
def test_a_training_that_diverges_is_stopped(
    losses: list[tuple[float, float]], says: str, scripted: Callable[..., Scripted], tmp_path: Path
) -> None:
    from trainer.fitting import DivergedError  # noqa: PLC0415

    scripted(losses)
    with pytest.raises(DivergedError, match=says):
        fit(tmp_path, epochs=9).run(quiet)


def test_out_of_memory_halves_the_batch_and_goes_on(scripted: Callable[..., Scripted], tmp_path: Path) -> None:
    network = scripted([(0.7, 0.7)], [MemoryError(), RuntimeError("RESOURCE_EXHAUSTED: out of memory")])
    _, progress = fit(tmp_path, epochs=1).run(quiet)
    assert network.batches == [128, 64, 32]
    assert progress.batch_size == 32


def test_out_of_memory_with_batches_of_eight_is_the_end(scripted: Callable[..., Scripted], tmp_path: Path) -> None:
    network = scripted([], [MemoryError()] * 9)
    with pytest.raises(MemoryError, match="not even batches of 8 fit into memory"):
        fit(tmp_path, epochs=1).run(quiet)
    assert network.batches == [128, 64, 32, 16, 8]


def test_what_a_killed_process_learnt_about_memory_holds(scripted: Callable[..., Scripted], tmp_path: Path) -> None:
    network = scripted([(0.7, 0.7)])
    fit(tmp_path, epochs=1, most_batch=16).run(quiet)
    assert network.batches == [16]


def test_other_troubles_are_not_taken_for_want_of_memory(scripted: Callable[..., Scripted], tmp_path: Path) -> None:
    scripted([], [RuntimeError("a bug")])
    with pytest.raises(RuntimeError, match="a bug"):
        fit(tmp_path, epochs=1).run(quiet)


def test_without_progress_it_learns_more_slowly_then_stops_also_across_a_kill(
    scripted: Callable[..., Scripted], tmp_path: Path
) -> None:
    losses = [(0.7, 0.6), *[(0.7, 0.65)] * 20]
    network = scripted(losses)
    with pytest.raises(KilledError):
        fit(tmp_path, epochs=50).run(killed_after(4))
    _, progress = fit(tmp_path, epochs=50).run(quiet)
    assert len(progress.history) == 11
    assert network.rates == [0.001] * 6 + [0.0005] * 5
    assert progress.best_epoch == 1


# The child, from the data set to the result


def accepted(home: Path, candles: TrainingCandles = CANDLES, **plan: Any) -> Job:  # noqa: ANN401
    from datetime import UTC, datetime  # noqa: PLC0415

    digest = Datasets(home / "datasets").keep(candles)
    facts = {"epochs": 1, "batch_size": BATCH, "length": LENGTH, **plan}
    return Jobs(home / "jobs").accept("k1", TrainingPlan("gru", "BTCUSDT", digest, **facts), datetime.now(UTC))


def run_child(job: Job, home: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", ["child", str(home), job.job_id, str(os.getppid()), "0"])
    monkeypatch.setattr(child, "_end_with", lambda _: None)
    return child.main()


def versions(home: Path) -> list[str]:
    return [one.name for one in Registry(home / "models", keep=3).versions(Kind("gru", "BTCUSDT"))]


@pytest.mark.parametrize("stage", ["before the version", "before the result", "after the result"])
def test_killed_at_each_stage_the_next_process_ends_with_one_version_and_the_same_result(
    stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path
    job = accepted(home, seed=5)

    def killed(*_: object, **__: object) -> None:
        raise KilledError

    target = {"before the version": "Registry.add", "before the result": "write_json", "after the result": "rmtree"}
    with monkeypatch.context() as patch:
        patch.setattr(f"trainer.child.{target[stage]}", killed)
        with pytest.raises(KilledError):
            child.train(job, home)
    assert (job.ended is JobState.SUCCEEDED) is (stage == "after the result")
    before = versions(home)
    assert before == ([] if stage == "before the version" else [job.version])
    if stage != "after the result":
        assert run_child(job, home, monkeypatch) == 0
    assert versions(home) == [job.version]
    assert job.ended is JobState.SUCCEEDED
    result = job.result
    assert result is not None
    assert (result["version"], result["seed"], result["training_samples"]) == (job.version, 5, 256)
    manifest = read_json(home / "models" / "gru" / "BTCUSDT" / job.version / "manifest.json")
    assert manifest["backend"] == "jax"
    assert manifest["data_digest"] == result["data_digest"] == CANDLES.digest()
    assert manifest["holdout"] == result["scores"]


@pytest.mark.parametrize(
    ("candles", "says"),
    [
        (market(120), "candles|samples"),
        (replace(market(506), volume=np.zeros(506)), "volume"),
    ],
    ids=["too few", "a dead column"],
)
def test_data_that_cannot_train_end_the_job_with_the_reason(
    candles: TrainingCandles, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = accepted(tmp_path, candles)
    assert run_child(job, tmp_path, monkeypatch) == 0
    assert job.ended is JobState.FAILED
    assert any(word in job.problem for word in says.split("|")), job.problem
    assert versions(tmp_path) == []


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        (MemoryError(), "not enough memory"),
        (OSError(28, "No space left on device"), "the disk is full"),
        (UnfitDataError("the column rsi is NaN"), "the column rsi is NaN"),
    ],
)
def test_what_ends_a_training_is_told(
    trouble: Exception, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise trouble

    job = accepted(tmp_path)
    monkeypatch.setattr(child, "train", fails)
    assert run_child(job, tmp_path, monkeypatch) == 0
    assert (job.ended, says in job.problem) == (JobState.FAILED, True)


def test_a_broken_disk_is_no_full_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError(5, "Input/output error")

    job = accepted(tmp_path)
    monkeypatch.setattr(child, "train", fails)
    with pytest.raises(OSError, match="Input/output"):
        run_child(job, tmp_path, monkeypatch)
    assert job.ended is None


def test_a_job_that_is_gone_is_told_by_the_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job("0" * 20, TrainingPlan("gru", "BTCUSDT", "d"), accepted(tmp_path).asked_at, tmp_path / "jobs" / "none")
    assert run_child(job, tmp_path, monkeypatch) == os.EX_USAGE


def test_a_process_whose_parent_is_gone_does_not_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "other")  # or this process would be the one that ends with its parent
    with pytest.raises(SystemExit) as ended:
        child._end_with(os.getpid())
    assert ended.value.code == os.EX_UNAVAILABLE
