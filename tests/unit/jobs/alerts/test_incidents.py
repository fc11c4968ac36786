"""Incidents on a real store: what is counted, what is in the outbox, and what a store's troubles change."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import AsyncMock

import pytest

from tradeops.adapters.store import Store
from tradeops.adapters.store.sqlite import SqliteStore
from tradeops.domain.incidents.model import Observation, Silence
from tradeops.domain.notices import Level, from_body
from tradeops.errors import ConflictError, ContractError, RejectedError
from tradeops.jobs import races
from tradeops.jobs.alerts import incidents, silences
from tradeops.settings import Settings

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SLACK = "http://127.0.0.1:9/hook"


@dataclass
class Ground:
    """A store and settings: all that incidents need."""

    settings: Settings
    store: Store


def configured(**values: object) -> Settings:
    defaults = {"SLACK_WEBHOOK_URL": SLACK, "TRADEOPS_STARTUP_GRACE_SECONDS": 0}
    return Settings(_env_file=None, **(defaults | values))


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    with closing(SqliteStore(tmp_path / "tradeops.sqlite")) as store:
        yield Ground(configured(), store)


def dead(key: str, at: datetime = NOON, *, severity: Level | None = Level.CRITICAL) -> Observation:
    return Observation(key, severity, "refused", at, looks=3)


async def see(ground: Ground, *looks: Observation, at: datetime = NOON, run_id: str = "") -> incidents.Outcome:
    return await incidents.observe(ground, looks, source="health", run_id=run_id or f"run-{at:%H%M}", now=at)


async def outbox(ground: Ground) -> list[str]:
    return [one.message.key for one in await ground.store.outbox()]


async def test_an_alert_is_in_the_outbox_when_the_round_returns(ground: Ground) -> None:
    outcome = await see(ground, dead("engine"))
    [queued] = await ground.store.outbox()
    assert queued.message.key == "engine@20261125T120000.000000:opened:slack"
    assert queued.message.target == "slack"
    assert [from_body(queued.message.body)] == list(outcome.notices)
    assert [one.key for one in outcome.open] == ["engine"]
    board, _ = await incidents.read_board(ground.store, now=NOON)
    assert board.pending == ()


@pytest.mark.parametrize(
    ("given", "link"),
    [
        ({}, None),
        (
            {"TRADEOPS_DASHBOARD_URL": "https://desk.example.com/ops/"},
            "https://desk.example.com/ops/incidents/job%3Aa%2Fb%4020261125T120000.000000",
        ),
    ],
)
async def test_an_alert_links_to_the_page_of_its_incident_where_people_can_reach_that(
    ground: Ground, given: dict[str, object], link: str | None
) -> None:
    ground.settings = configured(**given)
    [notice] = (await see(ground, dead("job:a/b"))).notices
    assert notice.link == link


async def test_the_same_round_again_tells_nothing_again(ground: Ground) -> None:
    await see(ground, dead("engine"), run_id="r")
    again = await see(ground, dead("engine"), run_id="r")
    assert again.notices == ()
    assert len(await outbox(ground)) == 1


async def test_six_hours_of_outage_on_a_real_store(ground: Ground) -> None:
    for quarter in range(34):
        at = NOON + quarter * HOUR / 4
        await see(ground, dead("engine", at, severity=Level.CRITICAL if 1 <= quarter < 25 else None), at=at)
    assert [key.split(":")[1] for key in await outbox(ground)] == ["opened", "reminder-1", "resolved"]
    told = await ground.store.events(since=NOON, until=NOON + 24 * HOUR)
    assert [event.kind for event in told] == ["incident_opened", "incident_reminder", "incident_resolved"]
    assert told[-1].body["lasted_seconds"] == 6 * 3600


async def test_every_target_gets_its_own_message(ground: Ground) -> None:
    ground.settings = configured(
        NOTIFY_URLS="json://127.0.0.1:9,json://127.0.0.1:8", EMAIL_TO="a@b.c", SMTP_HOST="h", EMAIL_FROM="d@e.f"
    )
    await see(ground, dead("engine"))
    assert sorted(key.rpartition(":")[2] for key in await outbox(ground)) == [
        "apprise-1",
        "apprise-2",
        "email",
        "slack",
    ]


async def test_hostile_names_and_texts_are_told_and_block_nobody(ground: Ground) -> None:
    evil = Observation(
        "strategy:</b><script> @everyone " + "x" * 300, Level.CRITICAL, "a\ud800\nb\x00" + "y" * 9000, NOON, 3
    )
    await see(ground, evil, dead("engine"))
    [queued] = await ground.store.outbox()
    body = from_body(queued.message.body).body
    assert "strategy:_/b_script_" in body
    assert "a b" + " " + "y" * 100 in body
    assert "(7004 more characters)" in body
    assert len(queued.message.key) < 200


async def test_routes_decide_who_is_told(ground: Ground) -> None:
    ground.settings = configured(
        EMAIL_TO="a@b.c", SMTP_HOST="h", EMAIL_FROM="d@e.f", NOTIFY_ROUTES="critical=*;warning=email"
    )
    await see(ground, dead("engine"))
    await see(ground, dead("disk", NOON + HOUR, severity=Level.WARNING), at=NOON + HOUR)
    assert [key.split(":")[0].split("@")[0] + key[-6:] for key in await outbox(ground)] == [
        "engine:email",
        "engine:slack",
        "disk:email",
    ]


async def test_notifications_that_are_switched_off_tell_nobody(ground: Ground) -> None:
    ground.settings = configured(NOTIFICATIONS_ENABLED=False)
    outcome = await see(ground, dead("engine"))
    assert await outbox(ground) == []
    assert [one.key for one in outcome.open] == ["engine"]


async def test_many_workers_at_once_tell_once(ground: Ground) -> None:
    await asyncio.gather(*(see(ground, dead("engine"), dead("redis"), run_id=f"r-{n}") for n in range(8)))
    assert len(await outbox(ground)) == 1


async def test_a_worker_that_always_loses_says_so_and_sends_nothing(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(ground.store), "put", AsyncMock(side_effect=ConflictError("store", "changed")))
    monkeypatch.setattr(races, "LONGEST_PAUSE_SECONDS", 0)
    with pytest.raises(ConflictError, match="40 times in a row"):
        await see(ground, dead("engine"))
    assert await outbox(ground) == []


async def test_a_race_over_striking_messages_off_the_board_loses_none(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put = type(ground.store).put
    monkeypatch.setattr(races, "LONGEST_PAUSE_SECONDS", 0)
    calls = 0

    async def first_only(*args: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise ConflictError("store", "changed")
        return await put(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(type(ground.store), "put", first_only)
    await see(ground, dead("engine"))
    assert "still on the board" in caplog.text
    assert len(await outbox(ground)) == 1


async def test_an_acknowledged_incident_keeps_quiet_until_it_is_over(ground: Ground) -> None:
    await see(ground, dead("engine"))
    taken = await incidents.acknowledge(ground.store, "engine", by="ada", now=NOON)
    assert taken.acknowledged_by == "ada"
    for quarter in range(1, 20):
        at = NOON + quarter * HOUR / 4
        await see(ground, dead("engine", at), at=at)
    assert len(await outbox(ground)) == 1
    [open_one] = await incidents.open_incidents(ground.store, now=NOON)
    assert open_one.acknowledged_by == "ada"


async def test_what_is_not_open_cannot_be_acknowledged(ground: Ground) -> None:
    with pytest.raises(RejectedError, match="no open incident 'engine'; open are: none"):
        await incidents.acknowledge(ground.store, "engine", by="ada", now=NOON)
    await see(ground, dead("redis"))
    with pytest.raises(RejectedError, match="open are: redis"):
        await incidents.acknowledge(ground.store, "engine", by="ada", now=NOON)


def hush(pattern: str = "*", reason: str = "works", until: datetime = NOON + HOUR) -> Silence:
    return Silence("s-1", pattern, NOON, until, reason, "ada")


async def test_a_silence_lasts_until_its_end_or_until_it_is_lifted(ground: Ground) -> None:
    await silences.begin(ground.store, hush())
    await silences.begin(ground.store, hush("other"))
    assert await silences.lasting(ground.store, now=NOON) == (hush(),)
    await see(ground, dead("engine"))
    assert await outbox(ground) == []
    ended = await silences.lift(ground.store, "s-1", by="ben", now=NOON + HOUR / 2)
    assert ended == hush()
    assert await silences.lasting(ground.store, now=NOON + HOUR / 2) == ()
    await see(ground, dead("engine", NOON + HOUR / 2), at=NOON + HOUR / 2)
    assert len(await outbox(ground)) == 1
    with pytest.raises(RejectedError, match="no silence 's-1' lasts"):
        await silences.lift(ground.store, "s-1", by="ben", now=NOON + HOUR)
    with pytest.raises(RejectedError, match="no silence 's-2' lasts"):
        await silences.lift(ground.store, "s-2", by="ben", now=NOON)


@pytest.mark.parametrize("bad", [hush(until=NOON), hush(" "), hush(reason="")], ids=["no time", "no keys", "no reason"])
async def test_a_silence_says_what_until_when_and_why(ground: Ground, bad: Silence) -> None:
    with pytest.raises(RejectedError):
        await silences.begin(ground.store, bad)
    assert await silences.lasting(ground.store, now=NOON) == ()


async def test_a_silence_that_others_change_again_and_again_is_not_lifted(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    await silences.begin(ground.store, hush())
    monkeypatch.setattr(type(ground.store), "put", AsyncMock(side_effect=ConflictError("store", "changed")))
    monkeypatch.setattr(races, "LONGEST_PAUSE_SECONDS", 0)
    with pytest.raises(ConflictError, match="'s-1' was changed by others"):
        await silences.lift(ground.store, "s-1", by="ben", now=NOON)


async def test_a_start_up_gives_the_services_its_grace(ground: Ground) -> None:
    ground.settings = configured(TRADEOPS_STARTUP_GRACE_SECONDS=50)
    starting = Observation("engine", Level.CRITICAL, "refused", NOON, looks=3, may_be_starting=True)
    await incidents.started(ground.store, now=NOON)
    await see(ground, starting, at=NOON)
    assert await outbox(ground) == []
    later = NOON + timedelta(seconds=50)
    await see(ground, starting, at=later, run_id="r-2")
    assert await outbox(ground) == []
    again = Observation("engine", Level.CRITICAL, "refused", later, looks=3, may_be_starting=True)
    await see(ground, again, at=later, run_id="r-3")
    assert len(await outbox(ground)) == 1


async def test_a_board_of_something_else_is_not_overwritten(ground: Ground) -> None:
    await ground.store.put(incidents.COLLECTION, incidents.BOARD, {"incidents": 3}, expected_version=None)
    with pytest.raises(ContractError, match="not readable"):
        await see(ground, dead("engine"))
