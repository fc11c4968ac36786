"""Trains one model in a process of its own: `python -m trainer.child HOME JOB PARENT NICENESS`. Ends with its parent.

Begun again it goes on from its checkpoint, and what was finished is not done again.
"""

import ctypes
import errno
import importlib.metadata
import json
import os
import signal
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.models.columns import UnfitDataError
from tradeops.domain.models.dataset import Dataset, make_dataset
from tradeops.domain.models.features import FEATURES_VERSION
from tradeops.domain.models.labels import went_up
from tradeops.domain.models.measurement import majority_probabilities, measure, persistence_probabilities
from tradeops.domain.models.training import Epoch, JobState
from trainer.datasets import Datasets
from trainer.durable import write_json
from trainer.errors import TrainerError
from trainer.jobs import RESULT, Job, Jobs
from trainer.registry import MODEL, SCALER, Registry, text_writer

LIBRARIES = ("jax", "keras", "numpy", "scikit-learn", "tradeops")
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def main() -> int:
    """Train the job that the command line names; its problem goes into the job."""
    home, job_id, parent, niceness = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    _end_with(parent)
    os.nice(niceness)
    job = Jobs(home / "jobs").find(job_id)
    if job is None:
        return os.EX_USAGE
    try:
        train(job, home)
    except (UnfitDataError, TrainerError, MemoryError) as error:
        job.end(JobState.FAILED, str(error) or "there is not enough memory")
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        job.end(JobState.FAILED, f"the disk is full: {error}")
    return os.EX_OK


def train(job: Job, home: Path) -> None:
    """From the data set to a version in the registry and the job's result."""
    data = make_dataset(
        Datasets(home / "datasets").load(job.plan.dataset_id), length=job.plan.length, label=job.plan.label
    )
    network, history, batch_size = _fitted(job, data)
    from trainer.fitting import predict  # noqa: PLC0415 - Keras takes seconds and half a gigabyte

    said = predict(network, data.holdout.windows)
    scores = measure(said, data.holdout.returns)
    files = {MODEL: network.save, SCALER: text_writer(json.dumps(data.scaler.to_json()).encode())}
    facts = _facts(job, data, history, batch_size) | {"holdout": scores.to_json()}
    registry = Registry(home / "models", keep=1)
    registry.add(job.kind, job.version, files, facts)
    baselines = {
        "majority": majority_probabilities(data.train, data.holdout),
        "persistence": persistence_probabilities(data.train, data.holdout),
        "logistic": _logistic(data),
    }
    write_json(
        job.folder / RESULT,
        {
            "version": job.version,
            "training_samples": len(data.train),
            "holdout": {
                "opened_ms": data.holdout.opened_ms.tolist(),
                "probabilities": said.tolist(),
                "returns": data.holdout.returns.tolist(),
            },
            "baselines": {name: values.tolist() for name, values in baselines.items()},
            "data_digest": data.digest,
            "seed": job.plan.seed,
            "scores": scores.to_json(),
        },
    )
    rmtree(job.folder / "checkpoints", ignore_errors=True)


def _fitted(job: Job, data: Dataset) -> tuple[Any, tuple[Epoch, ...], int]:
    from trainer.fitting import DivergedError, Fit  # noqa: PLC0415

    plan = job.plan
    fit = Fit(
        model_type=plan.model_type,
        train=data.train,
        validation=data.validation,
        epochs=plan.epochs,
        batch_size=plan.batch_size,
        learning_rate=plan.learning_rate,
        seed=plan.seed,
        folder=job.folder / "checkpoints",
        counts_hits=plan.label == "hard",
        most_batch=job.most_batch or plan.batch_size,
    )
    try:
        network, progress = fit.run(lambda history: job.report(history, datetime.now(UTC)))
    except DivergedError as error:
        raise TrainerError(f"the training diverged: {error}") from error
    return network, progress.history, progress.batch_size


def _facts(job: Job, data: Dataset, history: tuple[Epoch, ...], batch_size: int) -> dict[str, Any]:
    """What the manifest says of how the model came to be."""
    return {
        "model_type": job.plan.model_type,
        "symbol": job.plan.symbol,
        "version": job.version,
        "trained_at": datetime.now(UTC).isoformat(),
        "plan": asdict(job.plan),
        "batch_size": batch_size,
        "features": list(data.names),
        "features_version": FEATURES_VERSION,
        "data_digest": data.digest,
        "first_opened_ms": int(data.train.opened_ms[0]),
        "last_opened_ms": int(data.holdout.opened_ms[-1]),
        "samples": {name: len(getattr(data, name)) for name in ("train", "validation", "holdout")},
        "history": [asdict(one) for one in history],
        "libraries": {name: importlib.metadata.version(name) for name in LIBRARIES},
        "backend": os.environ.get("KERAS_BACKEND", ""),
    }


def _logistic(data: Dataset) -> NDArray[np.float64]:
    """What a logistic regression says that sees the newest candle of each window alone."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    up = went_up(data.train.returns)
    if up.all() or not up.any():
        return np.full(len(data.holdout), float(up[0]))
    model = LogisticRegression(max_iter=1000).fit(data.train.windows[:, -1], up)
    said: NDArray[np.float64] = model.predict_proba(data.holdout.windows[:, -1])[:, 1]
    return said


def _end_with(parent: int) -> None:
    """Let the kernel end this process when the service is gone, so that none trains on unseen."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(os.EX_UNAVAILABLE)


if __name__ == "__main__":
    sys.exit(main())
