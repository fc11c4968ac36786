"""The flow that the automation starts, on a real Prefect server; the automation itself is met in tests/e2e."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock
from uuid import uuid4

import pytest
import respx
from prefect import State

from flows.monitoring import run_state_alert as module
from flows.monitoring.run_state_alert import run_state_alert
from tradeops.domain.heartbeats import key_of_job
from tradeops.errors import MisconfiguredError, UnavailableError
from tradeops.jobs.alerts import alerting, incidents
from tradeops.jobs.monitoring import heartbeats
from tradeops.settings import load_settings
from tradeops.wiring import open_guard

JOB = "system-health-check"
HOOK = "http://slack.test/hook"


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch, wire: respx.MockRouter) -> respx.Route:
    """The only channel; it takes everything."""
    monkeypatch.setenv("SLACK_WEBHOOK_URL", HOOK)
    monkeypatch.delenv("RUST_API_URL")  # it tells people where no bot is known, too
    return wire.post(HOOK).respond(text="ok")


async def start(
    state: str = "Failed", *, run_id: str = "", message: str = "", occurred: datetime | None = None
) -> State[None]:
    return await run_state_alert(
        deployment=JOB,
        state=state,  # type: ignore[arg-type]
        run_id=run_id or str(uuid4()),
        occurred=occurred or datetime.now(UTC),
        run_name="brave-newt",
        message=message,
        return_state=True,
    )


def titles(slack: respx.Route) -> list[str]:
    return [call.request.content.decode() for call in slack.calls]


async def open_keys() -> list[str]:
    async with open_guard(load_settings()) as guard:
        return [one.key for one in await incidents.open_incidents(guard.store, now=datetime.now(UTC))]


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("Failed", "the run brave-newt failed: a &lt;b&gt; broke"),
        ("Crashed", "the run brave-newt crashed: a &lt;b&gt; broke"),
        ("TimedOut", "the run brave-newt ran out of time: a &lt;b&gt; broke"),
        ("Late", "the run brave-newt has not started in time: a &lt;b&gt; broke"),
    ],
)
async def test_a_run_that_did_not_do_its_work_is_told_under_the_key_of_its_job(
    slack: respx.Route, state: str, says: str
) -> None:
    ended = await start(state, message="a <b>\nbroke")
    assert (ended.name, ended.message) == ("Completed", f"{JOB} {state}: told")
    [text] = titles(slack)
    assert says in text
    assert await open_keys() == [key_of_job(JOB)]


async def test_the_same_event_again_and_another_run_of_the_same_job_tell_nothing_again(slack: respx.Route) -> None:
    for run_id in ("r-1", "r-1", "r-1", "r-2"):
        assert (await start(run_id=run_id)).name == "Completed"
    assert (await start("Crashed", run_id="r-1")).name == "Completed"
    assert len(titles(slack)) == 1


@pytest.mark.parametrize(
    ("ago", "told"), [(timedelta(minutes=9), False), (timedelta(0), True)], ids=["since", "before"]
)
async def test_a_job_that_has_run_since_is_left_alone(slack: respx.Route, ago: timedelta, *, told: bool) -> None:
    async with open_guard(load_settings()) as guard:
        await heartbeats.beat(guard.store, JOB, now=datetime.now(UTC) - timedelta(minutes=5))
    ended = await start("Late", occurred=datetime.now(UTC) - ago)
    assert ended.name == ("Completed" if told else "Skipped")
    assert bool(titles(slack)) is told


async def test_a_channel_that_refuses_us_is_named_and_the_run_is_degraded(
    slack: respx.Route,
) -> None:
    slack.respond(404, text="no_service")
    ended = await start()
    assert (ended.type.value, ended.name) == ("COMPLETED", "Degraded")
    assert str(ended.message).startswith("slack: job:system-health-check@")
    assert "was not delivered" in str(ended.message)
    assert HOOK not in str(ended.message)


async def test_a_channel_that_is_down_for_a_moment_is_left_to_the_watchdog(slack: respx.Route) -> None:
    slack.respond(503)
    assert (await start()).name == "Completed"
    async with open_guard(load_settings()) as guard:
        [waiting] = await guard.store.outbox()
    assert (waiting.message.target, waiting.tries) == ("slack", 1)


async def test_alerting_that_does_not_work_at_all_is_said(slack: respx.Route, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incidents, "observe", AsyncMock(side_effect=UnavailableError("store", "disk full")))
    ended = await start()
    assert (ended.name, ended.message) == ("Degraded", "incidents were not counted: store: disk full")
    assert not slack.called


async def test_a_wrong_setting_fails_with_one_line_that_names_it(
    slack: respx.Route, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SLACK_WEBHOOK_URL", "nonsense")
    ended = await start()
    assert (ended.type.value, ended.name) == ("FAILED", "Failed")
    assert "SLACK_WEBHOOK_URL" in str(ended.message)
    assert "\n" not in str(ended.message)
    assert not [record for record in caplog.records if record.exc_info]
    with pytest.raises(MisconfiguredError, match="SLACK_WEBHOOK_URL"):
        await run_state_alert(deployment=JOB, state="Failed", run_id="r", occurred=datetime.now(UTC))
    assert not slack.called


async def test_a_store_that_cannot_be_opened_fails_with_one_line(
    slack: respx.Route, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del slack
    monkeypatch.setattr(module, "tell", module.tell.with_options(retry_delay_seconds=0))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "tradeops.sqlite").write_bytes(b"no database" * 100)
    ended = await start()
    assert (ended.type.value, ended.name) == ("FAILED", "Failed")
    assert "is damaged or no database; move it aside" in str(ended.message)
    with pytest.raises(UnavailableError):
        await ended.aresult()


async def test_a_state_that_is_no_trouble_is_not_accepted(slack: respx.Route) -> None:
    ended: State[Any] = await start("Completed")
    assert ended.type.value == "FAILED"
    assert not slack.called


async def test_only_what_waiting_cures_is_tried_again(slack: respx.Route, monkeypatch: pytest.MonkeyPatch) -> None:
    del slack
    trouble = AsyncMock(side_effect=[UnavailableError("store", "a moment"), ()])
    monkeypatch.setattr(alerting, "tell", trouble)
    monkeypatch.setattr(module, "tell", module.tell.with_options(retry_delay_seconds=0))
    assert (await start()).name == "Completed"
    assert trouble.await_count == 2
    trouble.side_effect = ZeroDivisionError
    assert (await start()).type.value == "FAILED"
    assert trouble.await_count == 3
