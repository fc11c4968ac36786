"""`tradeops model`: what versions there are, what is known of one, and the way back."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.unit.jobs.trainers import FakeTrainer
from tradeops import wiring
from tradeops.adapters.store import AuditEvent, Point, open_store
from tradeops.cli.model import command
from tradeops.errors import ConflictError, ContractError, RejectedError, UnavailableError
from tradeops.jobs.models.retrain_records import ACCURACY, ROLLBACKS
from tradeops.jobs.models.rollback import INTENDED, ROLLED_BACK
from tradeops.settings import Settings
from tradeops.wiring import Desk, open_desk

EVER = {"since": datetime(2020, 1, 1, tzinfo=UTC), "until": datetime(2100, 1, 1, tzinfo=UTC)}


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeTrainer:
    for info in Settings.model_fields.values():
        monkeypatch.delenv(str(info.validation_alias), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRADEOPS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RUST_API_URL", "http://engine.test")
    fake = FakeTrainer()

    @asynccontextmanager
    async def opened() -> AsyncGenerator[Desk]:
        async with open_desk() as desk:
            yield replace(desk, trainer=fake)

    monkeypatch.setattr(wiring, "open_desk", opened)
    fake.put_in_use("lstm", "BTCUSDT", "v1", 0.5)
    fake.put_in_use("lstm", "BTCUSDT", "v2", 0.5)
    return fake


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments), catch_exceptions=True)


@pytest.mark.usefixtures("trainer")
def test_versions_are_listed_those_in_use_first() -> None:
    told = json.loads(invoke("list", "--format", "json").output)
    assert [(one["version"], one["role"]) for one in told] == [("v2", "champion"), ("v1", "previous")]
    text = invoke("list").output
    assert text.index("v2") < text.index("v1")
    assert "2 versions" in text


def test_no_version_at_all_is_said(trainer: FakeTrainer) -> None:
    trainer.in_use.clear()
    assert invoke("list").output.strip() == "0 versions"


def test_a_roll_back_needs_a_reason_and_is_kept_for_ever(trainer: FakeTrainer, tmp_path: Path) -> None:
    assert invoke("rollback", "lstm", "BTCUSDT", "--version", "v2").exit_code == 2
    assert invoke("rollback", "lstm", "BTCUSDT", "--reason", "it loses").exit_code == 2
    done = invoke("rollback", "lstm", "BTCUSDT", "--version", "v2", "--reason", "it loses")
    assert done.output == "lstm BTCUSDT: v1 is in use again, v2 is not\n"
    assert trainer.in_use["lstm", "BTCUSDT"] == ["v1"]

    async def kept() -> tuple[list[AuditEvent], list[Point]]:
        async with open_store("sqlite", home=tmp_path / "home") as store:
            return await store.events(**EVER), await store.points(ROLLBACKS, **EVER)

    (intent, event), [point] = asyncio.run(kept())
    assert (intent.kind, event.kind) == (INTENDED, ROLLED_BACK)
    assert event.actor
    assert (
        point.body.items()
        >= {"from_version": "v2", "to_version": "v1", "reason": "it loses", "automatic": False}.items()
    )
    told = json.loads(invoke("show", "v2").output)
    assert told["rolled_back"][0]["reason"] == "it loses"
    assert isinstance(
        invoke("rollback", "lstm", "BTCUSDT", "--version", "v1", "--reason", "more").exception, RejectedError
    )


def test_a_disk_without_room_for_a_training_hides_no_version_and_bars_no_way_back(trainer: FakeTrainer) -> None:
    trainer.free_disk_gib = 9.9
    assert "2 versions" in invoke("list").output
    done = invoke("rollback", "lstm", "BTCUSDT", "--version", "v2", "--reason", "it loses")
    assert done.output == "lstm BTCUSDT: v1 is in use again, v2 is not\n"


def test_a_roll_back_repeated_after_a_lost_answer_does_not_go_back_twice(trainer: FakeTrainer) -> None:
    trainer.put_in_use("lstm", "BTCUSDT", "v3", 0.5)
    trainer.lose_the_answer()
    again = ("rollback", "lstm", "BTCUSDT", "--version", "v3", "--reason", "it loses")
    assert isinstance(invoke(*again).exception, UnavailableError)
    assert invoke(*again).output == "lstm BTCUSDT: v2 is in use again, v3 is not\n"
    assert trainer.in_use["lstm", "BTCUSDT"] == ["v1", "v2"]
    assert json.loads(invoke("show", "v3").output)["rolled_back"][0]["to_version"] == "v2"
    assert isinstance(invoke(*again).exception, ConflictError), "and once it is recorded, it is refused"
    assert trainer.in_use["lstm", "BTCUSDT"] == ["v1", "v2"]


def test_a_model_that_is_not_in_use_cannot_be_rolled_back(trainer: FakeTrainer) -> None:
    error = invoke("rollback", "gru", "BTCUSDT", "--version", "v2", "--reason", "x").exception
    assert isinstance(error, RejectedError)
    assert "no version of gru BTCUSDT is in use" in str(error)
    trainer.lies = True
    assert isinstance(
        invoke("rollback", "lstm", "BTCUSDT", "--version", "v2", "--reason", "x").exception, ContractError
    )


@pytest.mark.usefixtures("trainer")
def test_what_is_known_of_a_version_is_shown(tmp_path: Path) -> None:
    async def put() -> None:
        now = datetime.now(UTC)
        async with open_store("sqlite", home=tmp_path / "home") as store:
            body = {"model_type": "lstm", "symbol": "BTCUSDT", "version": "v1", "accuracy": 0.52}
            await store.add_point(ACCURACY, Point("lstm:BTCUSDT:v1", now, body))
            await store.append_event(AuditEvent("model_promoted:x", "model_promoted", now, "adaptive-retrain", body))

    asyncio.run(put())
    told = json.loads(invoke("show", "v1").output)
    assert (told["role"], told["measured"]["accuracy"]) == ("previous", 0.52)
    assert told["promoted"]["version"] == "v1"
    error = invoke("show", "v9").exception
    assert isinstance(error, RejectedError)
    assert "no version 'v9'" in str(error)
