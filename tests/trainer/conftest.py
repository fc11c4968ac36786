"""One data set, one folder of compiled programs and one running service for all: compiling is what takes the time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trainer.running import CANDLES, CHEAP, Running
from trainer.foreman import BACKEND


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Shared by all workers of a session."""
    base = tmp_path_factory.getbasetemp()
    return (base if worker_id == "master" else base.parent) / "compiled"


@pytest.fixture(scope="session")
def _keras(compiled: Path) -> Iterator[None]:
    """Keras in this process, with cheap compilation."""
    with pytest.MonkeyPatch.context() as patch:
        cache = {"JAX_COMPILATION_CACHE_DIR": str(compiled)}
        for name, value in {**BACKEND, **CHEAP, **cache}.items():
            patch.setenv(name, value)
        import keras  # noqa: F401, PLC0415 - it reads its backend from the environment once

        yield


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, compiled: Path) -> Iterator[Running]:
    """Running; whoever kills it starts it again."""
    running = Running(tmp_path_factory.mktemp("trainer"), compiled).start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def dataset(service: Running) -> str:
    """Uploaded to the service; 256 training samples of 8 candles."""
    told = service.post("/ai/datasets", {"candles": CANDLES.to_json()})
    return str(told["dataset_id"])
