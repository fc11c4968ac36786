"""`tradeops outbox` on a real store, with a real webhook that is not there."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tradeops.adapters.store import open_store
from tradeops.adapters.store.interface import Message, MessageState
from tradeops.cli.outbox import command
from tradeops.domain.notices import Level, Notice
from tradeops.errors import RejectedError
from tradeops.settings import Settings

PAST = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOTICE = Notice("incident-1/opened", "health_critical", Level.CRITICAL, "engine is down", "refused", PAST)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for info in Settings.model_fields.values():
        monkeypatch.delenv(str(info.validation_alias), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRADEOPS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def put(home: Path, *, failed: bool = False) -> None:
    async def write() -> None:
        async with open_store("sqlite", home=home) as store:
            await store.enqueue(Message("m-1", "slack", NOTICE.as_body(), created_at=PAST, due_at=PAST))
            if failed:
                [claim] = await store.claim("test", now=PAST, lease=timedelta(minutes=1))
                await store.settle(claim, MessageState.FAILED, note="HTTP 404")

    asyncio.run(write())


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, env={"COLUMNS": "200"})


def test_what_waits_is_listed_with_its_reason(home: Path) -> None:
    put(home)
    result = run()
    assert "m-1: engine is down" in result.output
    assert "1 waiting" in result.output
    [row] = json.loads(run("--format", "json").output)
    assert (row["key"], row["state"], row["tries"], row["title"]) == ("m-1", "waiting", 0, "engine is down")


def test_an_empty_outbox_says_so(home: Path) -> None:
    assert run("--state", "failed").output == "0 failed\n"
    assert home.exists()


def test_sending_to_a_channel_that_is_not_configured_gives_up_and_says_so(home: Path) -> None:
    put(home)
    result = run("send")
    assert result.exit_code == 1
    assert "slack is not configured any more" in result.output
    assert "0 delivered, 0 waiting, 1 given up" in result.output


def test_sending_to_a_dead_channel_keeps_the_message(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_WEBHOOK_URL", "http://127.0.0.1:9/services/T/B/X")
    put(home)
    result = run("send")
    assert (result.exit_code, "0 delivered, 1 waiting, 0 given up" in result.output) == (0, True)


def test_what_was_given_up_can_be_sent_again(home: Path) -> None:
    put(home, failed=True)
    assert "HTTP 404" in run("--state", "failed").output
    assert "m-1/again-" in run("retry", "m-1").output
    [row] = json.loads(run("--format", "json").output)
    assert row["key"].startswith("m-1/again-")


def test_what_was_given_up_so_long_ago_that_its_text_is_gone_says_so(home: Path) -> None:
    put(home, failed=True)

    async def drop() -> None:
        async with open_store("sqlite", home=home) as store:
            assert await store.drop_bodies(before=PAST + timedelta(days=1), limit=9) == 1

    asyncio.run(drop())
    assert "  m-1  " in run("--state", "failed").output
    result = run("retry", "m-1")
    assert isinstance(result.exception, RejectedError)
    assert "the text of m-1 is not kept any more" in str(result.exception)


def test_only_what_was_given_up_is_sent_again(home: Path) -> None:
    put(home)
    result = run("retry", "m-1")
    assert isinstance(result.exception, RejectedError)
    assert "no message m-1 was given up" in str(result.exception)
