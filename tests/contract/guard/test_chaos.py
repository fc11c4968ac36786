"""The watchdog as a process brakes whatever else is down or killed, and what it did is told later, once."""

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pymongo
import pytest

from tests.contract.guard.engines import ACCOUNT, Bot
from tests.contract.guard.engines import running as running_engine
from tests.contract.guard.processes import PATIENCE, Sandbox, sandbox_in, until, watchdog_in
from tests.contract.store.conftest import own_server
from tests.contract.store.stores import MongoServer
from tests.ports import reserved
from tradeops.jobs.brake.journal import Journal
from tradeops.settings import Settings
from tradeops.watchdog import watch

__all__ = ["own_server"]

IN_TIME = 20.0  # of a machine that is busy; benchmarks/brake.py measures
CRITICAL = "brake:portfolio is critical"
AUDIT = ["strategy_disable_ordered", "strategy_disabled"]
ALL = {"BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox_in(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def bot(running: Sandbox) -> Sandbox:
    running.mend()
    running.begin_anew()
    assert running.on() == ALL
    return running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@contextmanager
def webhook() -> Iterator[tuple[str, list[str]]]:
    told: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["content-length"])))["title"])
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", told
        server.shutdown()
        thread.join()


def off(bot: Sandbox) -> bool:
    return bot.on() == set()


def audited(home: Path) -> list[str]:
    """The kinds of events about the brake in the local store."""
    query = "SELECT kind FROM events WHERE kind LIKE '%disable%' ORDER BY at"
    try:
        with closing(sqlite3.connect(f"file:{home / 'tradeops.sqlite'}?mode=ro", uri=True)) as connection:
            rows: list[tuple[str]] = connection.execute(query).fetchall()
    except sqlite3.OperationalError:  # it is being made
        return []
    return [kind for (kind,) in rows]


def dead(scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{reserved()}"


def downs() -> dict[str, dict[str, str]]:
    prefect = {"PREFECT_API_URL": f"{dead()}/api"}
    redis = {"REDIS_URL": dead("redis"), "RABBITMQ_URL": dead("amqp")}
    llm = {"OPENAI_API_KEY": "sk-none", "OPENAI_BASE_URL": f"{dead()}/v1", "PYTHON_API_URL": dead()}
    channels = {"SLACK_WEBHOOK_URL": f"{dead()}/hook", "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(reserved())}
    channels |= {"EMAIL_FROM": "a@example.com", "EMAIL_TO": "b@example.com"}
    return {"prefect": prefect, "redis": redis, "llm": llm, "channels": channels}


@pytest.mark.parametrize("what", list(downs()))
async def test_it_is_off_whatever_is_down(what: str, home: Path) -> None:
    async with running_engine() as engine, watched(home, engine, **downs()[what]):
        engine.crash()
        await true_in(lambda: engine.on() == (), IN_TIME)
        await true_in(lambda: "strategy_disabled" in audited(home))
        assert audited(home) == AUDIT
        assert engine.puts() == 1


@asynccontextmanager
async def watched(home: Path, engine: Bot, **variables: str) -> AsyncIterator[None]:
    """The whole watchdog as the command runs it, in this process: another interpreter each time would prove no more."""
    at = {"TRADEOPS_HOME": str(home), "RUST_API_URL": engine.service.url, "TRADEOPS_STARTUP_GRACE_SECONDS": "0"}
    pace = {"TRADEOPS_GUARD_SECONDS": "0.2", "TRADEOPS_WATCHDOG_SECONDS": "1"}
    work = asyncio.create_task(watch(Settings(_env_file=None, **(pace | at | variables))))
    yield
    assert not work.done()
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work


async def true_in(what: Callable[[], object], seconds: float = PATIENCE) -> None:
    async with asyncio.timeout(seconds):
        while not what():  # noqa: ASYNC110 - neither engine nor disk has an event to wait for
            await asyncio.sleep(0.02)


async def test_it_is_off_with_everything_down_and_told_at_once_and_once_more_when_the_store_is_mended(
    home: Path,
) -> None:
    in_the_way = home / "tradeops.sqlite"
    in_the_way.mkdir()
    everything = {name: value for one in downs().values() for name, value in one.items()}
    async with running_engine() as engine:
        with webhook() as (address, told):
            hook = {"TRADEOPS_WEBHOOK_URL": address, "TRADEOPS_WEBHOOK_SECRET": "hush"}
            async with watched(home, engine, **everything, **hook):
                engine.crash()
                await true_in(lambda: engine.on() == (), IN_TIME)
                await true_in(lambda: told.count(CRITICAL) == 1)  # past the outbox, which nobody acknowledges
                in_the_way.rmdir()
                await true_in(lambda: "strategy_disabled" in audited(home))
                await true_in(lambda: told.count(CRITICAL) == 2)  # the incident
            async with watched(home, engine, **everything, **hook):
                seen = engine.service.requests["GET", ACCOUNT]
                await true_in(lambda: engine.service.requests["GET", ACCOUNT] > seen + 2)
        assert audited(home) == AUDIT
        assert told.count(CRITICAL) == 2
        assert engine.on() == ()


async def test_it_is_off_without_mongodb_and_the_audit_is_there_once_when_that_comes(
    home: Path, own_server: MongoServer
) -> None:
    async with running_engine() as engine:
        async with watched(home, engine, MONGODB_URL=own_server.url):
            engine.crash()
            await true_in(lambda: engine.on() == (), IN_TIME)
        await asyncio.to_thread(own_server.start)
        with pymongo.MongoClient[dict[str, Any]](own_server.url, serverSelectionTimeoutMS=5000) as client:
            events, about = client["tradeops"]["audit_events"], {"kind": {"$regex": "disable"}}
            async with watched(home, engine, MONGODB_URL=own_server.url):
                await true_in(lambda: len(list(events.find(about))) >= 2)
                await asyncio.sleep(1)
            assert sorted(one["kind"] for one in events.find(about)) == AUDIT


@pytest.mark.parametrize("when", ["before anything was changed", "before it was seen to be off"])
def test_one_that_is_killed_in_the_middle_is_ended_by_the_next(when: str, bot: Sandbox, home: Path) -> None:
    bot.fault("*/symbols", "slow", delay_seconds=1.2)
    puts = bot.asked("PUT")
    with watchdog_in(home, bot.engine) as first:
        bot.crash()
        until(Journal(home).standing, IN_TIME)
        if when.endswith("off"):
            until(lambda: bot.asked("PUT") > puts, IN_TIME)
        first.kill()
        first.wait()
    assert [one.confirmed for one in Journal(home).standing().values()] == [False]
    bot.mend()
    with watchdog_in(home, bot.engine):
        until(lambda: off(bot), IN_TIME)
        until(lambda: "strategy_disabled" in audited(home))
    [standing] = Journal(home).standing().values()
    assert (standing.target, standing.confirmed) == ("portfolio", True)
    assert set(standing.switched_off) == ALL
    assert audited(home) == AUDIT


def test_an_engine_that_is_gone_for_seconds_disables_nothing_and_one_that_forgets_is_reminded(
    bot: Sandbox, home: Path
) -> None:
    with watchdog_in(home, bot.engine, TRADEOPS_DISABLE_WHEN_UNKNOWN="true"):
        until(lambda: bot.asked("GET", "/api/paper-trading/portfolio"), IN_TIME)
        bot.fault("*", "refuse")
        time.sleep(3)
        bot.mend()
        bot.restart()
        seen = bot.asked("GET", "/api/paper-trading/portfolio")
        until(lambda: bot.asked("GET", "/api/paper-trading/portfolio") > seen + 2, IN_TIME)
        assert bot.on() == ALL
        bot.crash()
        until(lambda: off(bot), IN_TIME)
        bot.restart()
        until(lambda: off(bot), IN_TIME)
    assert set(Journal(home).standing()) == {"portfolio"}
