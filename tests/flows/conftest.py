"""One Prefect server for all flow tests, and a bot on the wire that obeys the contract sheets."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
import respx
from prefect.testing.utilities import prefect_test_harness

from tradeops.jobs.monitoring import health
from tradeops.settings import Settings

ENGINE = "http://engine.test"


@pytest.fixture(scope="session", autouse=True)
def _prefect() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        environment.setenv("DO_NOT_TRACK", "1")
        environment.setenv("PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL", "0.2")  # tests wait for events
        with ExitStack() as stack:
            with pytest.MonkeyPatch.context() as starting:
                starting.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # nothing of ours runs in that server
                stack.enter_context(prefect_test_harness(server_startup_timeout=300))
            yield


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PACE", health.Pace(pauses=(timedelta(0), timedelta(0))))


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only the engine is configured; everything that we write goes into the test's folder."""
    for info in Settings.model_fields.values():
        monkeypatch.delenv(str(info.validation_alias), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRADEOPS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RUST_API_URL", ENGINE)
    for percent in ("DISK", "MEMORY"):  # the machine that runs the tests is not what they are about
        monkeypatch.setenv(f"TRADEOPS_{percent}_ALERT_PERCENT", "99.8")
        monkeypatch.setenv(f"TRADEOPS_{percent}_CRITICAL_PERCENT", "99.9")


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    """The other end of every HTTP request, but for Prefect's own on loopback."""
    with respx.mock(assert_all_called=False) as router:
        router.route(host="127.0.0.1").pass_through()
        yield router
