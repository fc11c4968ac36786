"""`tradeops disable`, `release` and `brakes` against the sandbox's engine, as a person uses them."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

from tests.contract.guard.engines import Bot, running
from tests.unit.cli.conftest import Invoke
from tradeops.errors import RejectedError, UnavailableError
from tradeops.jobs.brake.journal import Journal


@pytest.fixture
def bot(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bot]:
    """An engine in a thread of its own, since commands have an event loop of their own."""
    ready, over, found = threading.Event(), asyncio.Event(), list[Bot]()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with running() as engine:
            found.append(engine)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(30)
    monkeypatch.setenv("RUST_API_URL", found[0].service.url)
    yield found[0]
    loop.call_soon_threadsafe(over.set)
    thread.join()
    loop.close()


def disable(invoke: Invoke, *more: str) -> Result:
    return invoke("disable", "symbol:ETHUSDT", "--reason", "looks wrong", "--by", "ann", *more)


def release(invoke: Invoke, *more: str, name: str = "symbol:ETHUSDT") -> Result:
    return invoke("release", "symbol:ETHUSDT", "--reason", "is well", "--operator", "ann", "--confirm", name, *more)


def test_a_person_switches_off_lists_and_releases(bot: Bot, invoke: Invoke) -> None:
    off = disable(invoke)
    assert off.exit_code == 0, off.output
    assert "symbol:ETHUSDT is off, by the engine's symbols, confirmed after" in off.output
    assert "ETHUSDT" not in bot.on()
    assert "was off already" in disable(invoke).output
    [listed] = json.loads(invoke("brakes", "--format", "json").output)
    assert (listed["target"], listed["confirmed"], listed["actor"]) == ("symbol:ETHUSDT", True, "ann")
    assert "looks wrong" in invoke("brakes").output
    done = release(invoke, "--without-cool-off")
    assert (done.exit_code, bot.on()) == (0, ("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT"))
    assert "0 switched off" in invoke("brakes").output


def test_a_release_too_soon_or_with_another_name_typed_releases_nothing(bot: Bot, invoke: Invoke) -> None:
    disable(invoke)
    soon = release(invoke)
    assert isinstance(soon.exception, RejectedError)
    assert "less than 1 h" in str(soon.exception)
    assert release(invoke, "--without-cool-off", name="symbol:BTCUSDT").exit_code == 2
    assert "ETHUSDT" not in bot.on()


def test_what_is_released_elsewhere_while_it_is_switched_off_is_said_and_is_no_success(
    bot: Bot, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Journal, "is_over", lambda *_: True)
    off = disable(invoke)
    assert off.exit_code == 1
    assert "symbol:ETHUSDT: it was released meanwhile" in off.output
    assert "NOT CONFIRMED" not in off.output
    assert "ETHUSDT" in bot.on()


def test_a_release_without_operator_or_reason_is_no_command(invoke: Invoke) -> None:
    assert invoke("release", "rsi", "--reason", "because").exit_code == 2
    assert invoke("release", "rsi", "--operator", "ann").exit_code == 2


@pytest.mark.usefixtures("bot")
def test_everything_else_down_does_not_matter_and_the_audit_waits_in_the_journal(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    for name in ("MONGODB_URL", "REDIS_URL", "PREFECT_API_URL", "OPENAI_BASE_URL", "SLACK_WEBHOOK_URL"):
        scheme = {"MONGODB_URL": "mongodb", "REDIS_URL": "redis"}.get(name, "http")
        monkeypatch.setenv(name, f"{scheme}://127.0.0.1:9/x")
    off = disable(invoke)
    assert off.exit_code == 0, off.output
    assert "in the store later" in off.output
    assert len((home / "brake.journal").read_text().splitlines()) == 3


def test_an_engine_that_is_gone_is_not_confirmed_and_exits_with_one(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUST_API_URL", "http://127.0.0.1:9")
    gone = disable(invoke, "--stop-engine")
    assert gone.exit_code == 1
    assert "NOT CONFIRMED" in gone.output
    assert "the engine was NOT stopped" in gone.output
    assert "NOT CONFIRMED" in invoke("brakes").output
    assert not isinstance(gone.exception, UnavailableError)
