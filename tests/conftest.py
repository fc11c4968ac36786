"""How tests are shared out where several workers run them: whole files, and whole folders that share a costly thing."""

from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest
from xdist.scheduler import LoadScopeScheduling

TESTS = Path(__file__).parent
UNTRACED = {"COVERAGE_PROCESS_CONFIG": ""}  # for processes whose lines others cover: tracing doubles their time
IN_ONE_WORKER = (
    "e2e",  # whole products, one at a time
    "flows",  # one Prefect server
    "contract/probes",  # one RabbitMQ
)
FIRST = (*IN_ONE_WORKER, "contract/store", "contract", "sandbox")  # the long ones, lest one is begun when all else ends


class ByPlace(LoadScopeScheduling):
    """Not xdist's own `loadgroup`: with pytest 9.2 that finds no group, and says nothing."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in IN_ONE_WORKER if file.startswith(f"tests/{folder}/")), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByPlace:
    config.option.loadscopereorder = False  # ours is the order
    return ByPlace(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    place = item.path.relative_to(TESTS).as_posix()
    return next((rank for rank, folder in enumerate(FIRST) if place.startswith(f"{folder}/")), len(FIRST))


@pytest.fixture(scope="session", autouse=True)
def _pictures_drawn_once() -> Iterator[None]:
    from tests.drawn_once import pictures_drawn_once  # noqa: PLC0415 - not before coverage looks

    with pictures_drawn_once():
        yield


@pytest.fixture
def untraced() -> Iterator[None]:
    """For a test of sheer size, whose lines others have covered: coverage makes it several times as slow."""
    measuring = coverage.Coverage.current()
    if measuring is None:
        yield
        return
    measuring.stop()
    yield
    measuring.start()
