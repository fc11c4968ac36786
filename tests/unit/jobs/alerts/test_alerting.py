"""Reports on a real store and a real webhook: queued once for those who read them, and never the run's undoing."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.contract.notify.sinks import HttpSink, http_sink
from tests.contract.servers.misbehaving import answer
from tradeops.adapters.store import Store
from tradeops.adapters.store.interface import MessageState
from tradeops.adapters.store.sqlite import SqliteStore
from tradeops.domain.incidents.model import CERTAIN, Observation
from tradeops.domain.notices import Level, Notice, from_body
from tradeops.errors import UnavailableError
from tradeops.jobs.alerts import alerting, incidents
from tradeops.settings import Settings

NOW = datetime.now(UTC)
REPORT = Notice("daily-portfolio-report:2026-11-25", "portfolio_report", Level.INFO, "Portfolio", "equity $1", NOW)
BREACH = Observation("cost:daily", Level.WARNING, "too much", NOW, CERTAIN)
DEAD = "http://127.0.0.1:9"


@dataclass
class Ground:
    """A store and settings: all that alerting needs."""

    settings: Settings
    store: Store


def configured(hook: str, **values: object) -> Settings:
    defaults = {
        "TRADEOPS_WEBHOOK_URL": hook,
        "TRADEOPS_WEBHOOK_SECRET": "hush",
        "SLACK_WEBHOOK_URL": DEAD,
        "TRADEOPS_STARTUP_GRACE_SECONDS": 0,
    }
    return Settings(_env_file=None, **(defaults | values))


@pytest.fixture
async def sink() -> AsyncIterator[HttpSink]:
    async with http_sink(answer(b"", status="202 Accepted")) as opened:
        yield opened


@pytest.fixture
async def ground(tmp_path: Path, sink: HttpSink) -> AsyncIterator[Ground]:
    with closing(SqliteStore(tmp_path / "tradeops.sqlite")) as store:
        yield Ground(configured(f"{sink.url}/hook"), store)


async def announce(ground: Ground, notice: Notice | None, *looks: Observation, run_id: str = "r") -> tuple[str, ...]:
    return await alerting.announce(ground, notice, looks, source="cost", run_id=run_id)


async def queued(ground: Ground) -> list[str]:
    return [one.message.key for state in MessageState for one in await ground.store.outbox(state)]


def refusing(store: Store, monkeypatch: pytest.MonkeyPatch, *names: str, error: Exception | None = None) -> None:
    async def refuse(*_: object, **__: object) -> Any:  # noqa: ANN401 - stands in for any method
        if error is None:
            await asyncio.sleep(60)
        raise error or AssertionError

    for name in names:
        monkeypatch.setattr(store, name, refuse, raising=True)


async def test_a_report_is_handed_over_to_its_readers_alone(ground: Ground, sink: HttpSink) -> None:
    assert await announce(ground, REPORT) == ()
    [delivered] = await ground.store.outbox(MessageState.DELIVERED)
    assert (delivered.message.key, delivered.message.target) == (f"{REPORT.key}:webhook", "webhook")
    assert from_body(delivered.message.body) == REPORT
    assert len(sink.posts) == 1
    assert await queued(ground) == [f"{REPORT.key}:webhook"]


async def test_e_mail_and_webhook_are_the_readers_by_default(ground: Ground) -> None:
    mail = {"EMAIL_TO": "a@b.c", "SMTP_HOST": "127.0.0.1", "SMTP_PORT": 9, "EMAIL_FROM": "d@e.f"}
    ground.settings = configured(DEAD, **mail)
    await announce(ground, REPORT)
    assert sorted(await queued(ground)) == [f"{REPORT.key}:email", f"{REPORT.key}:webhook"]


async def test_a_route_decides_who_reads(ground: Ground) -> None:
    ground.settings = configured(DEAD, NOTIFY_ROUTES="portfolio_report=slack")
    await announce(ground, REPORT)
    assert await queued(ground) == [f"{REPORT.key}:slack"]


async def test_a_second_report_under_the_key_is_not_sent(ground: Ground, sink: HttpSink) -> None:
    await announce(ground, REPORT)
    await announce(ground, replace(REPORT, body="equity $2"), run_id="again")
    assert len(sink.posts) == len(await queued(ground)) == 1
    assert "equity $1" in sink.posts[0].body


async def test_runs_at_the_same_time_send_one(ground: Ground, sink: HttpSink) -> None:
    await asyncio.gather(*(announce(ground, REPORT, run_id=f"r-{n}") for n in range(5)))
    assert len(sink.posts) == 1


async def test_without_a_report_what_was_found_is_told_all_the_same(ground: Ground, sink: HttpSink) -> None:
    ground.settings = configured(f"{sink.url}/hook", SLACK_WEBHOOK_URL=None)
    assert await announce(ground, None, BREACH) == ()
    assert [one.key for one in await incidents.open_incidents(ground.store, now=NOW)] == ["cost:daily"]
    [post] = sink.posts
    assert '"cost_warning"' in post.body


async def test_a_store_that_is_down_costs_a_line_each_and_raises_nothing(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refusing(
        ground.store, monkeypatch, *("enqueue", "get", "documents", "claim"), error=UnavailableError("store", "gone")
    )
    with caplog.at_level(logging.WARNING):
        problems = await announce(ground, REPORT, BREACH)
    assert problems[:2] == ("the report was not sent: store: gone", "incidents were not counted: store: gone")
    assert all(problem in caplog.messages for problem in problems)


async def test_a_store_that_hangs_is_given_up_and_what_was_found_is_still_counted(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerting, "QUEUEING_SECONDS", 0.05)
    refusing(ground.store, monkeypatch, "enqueue")
    ground.settings = configured(DEAD, NOTIFY_ROUTES="portfolio_report=*;cost_*=")
    assert await announce(ground, REPORT, BREACH) == ("the report was not sent: the store did not answer in time",)
    assert [one.key for one in await incidents.open_incidents(ground.store, now=NOW)] == ["cost:daily"]


async def test_a_defect_of_ours_costs_a_line_and_a_log(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refusing(ground.store, monkeypatch, "enqueue", error=ZeroDivisionError("a defect"))
    [problem] = await announce(ground, REPORT)
    assert problem == "the report was not sent: our own code broke (ZeroDivisionError, see the log)"
    assert "a defect" in caplog.text
