"""What every store promises, whichever it is."""

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tradeops.adapters.store import AuditEvent, Backlog, Bucket, Claim, Document, Message, MessageState, Point, Store
from tradeops.adapters.store.interface import Json
from tradeops.errors import ConflictError

NOON = datetime(2026, 11, 1, 12, 0, 0, 123457, tzinfo=UTC)
SECOND = timedelta(seconds=1)
EVER = {"since": NOON - timedelta(days=1), "until": NOON + timedelta(days=1)}
LEASE = timedelta(minutes=1)
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=".\0"), min_size=1).filter(
    lambda name: not name.startswith("$") and name not in {"_id", "timestamp", "at_us", "write_id"}
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=10,
)


def event(key: str = "e-1", *, kind: str = "strategy_disabled", at: datetime = NOON, **body: Json) -> AuditEvent:
    return AuditEvent(key, kind, at, "watchdog", body)


def point(key: str = "p-1", *, at: datetime = NOON, **body: Json) -> Point:
    return Point(key, at, body)


def message(key: str = "m-1", *, due: datetime = NOON, created: datetime = NOON) -> Message:
    return Message(key, "slack", {"text": key}, created, due)


async def test_an_event_comes_back_as_it_was(store: Store) -> None:
    written = event(reason="loss", loss_usd=str(Decimal("12.340")), figures=[1, 2.5, None, True, {"deep": "ü€"}])
    assert await store.append_event(written)
    assert await store.events(**EVER) == [written]


async def test_the_second_event_with_an_id_changes_nothing(store: Store) -> None:
    assert await store.append_event(event(reason="first"))
    assert not await store.append_event(event(reason="second"))
    assert [e.body["reason"] for e in await store.events(**EVER)] == ["first"]


async def test_events_are_listed_by_time_within_a_half_open_period(store: Store) -> None:
    for seconds in (3, 1, 2, 0):
        await store.append_event(event(f"e-{seconds}", at=NOON + seconds * SECOND))
    found = await store.events(since=NOON, until=NOON + 3 * SECOND)
    assert [e.event_id for e in found] == ["e-0", "e-1", "e-2"]


async def test_events_are_listed_by_kind_and_up_to_a_limit(store: Store) -> None:
    for number in range(4):
        await store.append_event(event(f"e-{number}", kind="odd" if number % 2 else "even", at=NOON + number * SECOND))
    assert [e.event_id for e in await store.events(**EVER, kind="odd")] == ["e-1", "e-3"]
    assert [e.event_id for e in await store.events(**EVER, limit=3)] == ["e-0", "e-1", "e-2"]


async def test_a_time_of_another_zone_is_the_same_moment_to_the_microsecond(store: Store) -> None:
    hanoi = timezone(timedelta(hours=7))
    await store.add_point("marks", point(at=NOON.astimezone(hanoi)))
    [found] = await store.points("marks", since=NOON, until=NOON + timedelta(microseconds=1))
    assert found.timestamp == NOON
    assert found.timestamp.utcoffset() == timedelta(0)


async def test_a_document_that_is_not_there_is_none(store: Store) -> None:
    assert await store.get("incidents", "engine") is None


async def test_a_document_counts_its_versions(store: Store) -> None:
    first = await store.put("incidents", "engine", {"state": "open"}, expected_version=None)
    second = await store.put("incidents", "engine", {"state": "closed"}, expected_version=first.version)
    assert (first.version, second.version) == (1, 2)
    assert await store.get("incidents", "engine") == second == Document("engine", {"state": "closed"}, 2)


@pytest.mark.parametrize(
    "expected", [pytest.param(None, id="new"), pytest.param(0, id="old"), pytest.param(2, id="future")]
)
async def test_a_write_that_expects_another_version_is_a_conflict(store: Store, expected: int | None) -> None:
    kept = await store.put("incidents", "engine", {"state": "open"}, expected_version=None)
    with pytest.raises(ConflictError, match="incidents/engine"):
        await store.put("incidents", "engine", {"state": "lost"}, expected_version=expected)
    assert await store.get("incidents", "engine") == kept


async def test_an_update_of_nothing_is_a_conflict(store: Store) -> None:
    with pytest.raises(ConflictError):
        await store.put("incidents", "engine", {}, expected_version=1)
    assert await store.get("incidents", "engine") is None


@pytest.mark.parametrize("version", [None, 1])
async def test_of_many_writers_of_a_version_one_wins(store: Store, version: int | None) -> None:
    if version:
        await store.put("incidents", "engine", {}, expected_version=None)
    tries = (store.put("incidents", "engine", {"by": n}, expected_version=version) for n in range(8))
    done = await asyncio.gather(*tries, return_exceptions=True)
    [won] = [result for result in done if isinstance(result, Document)]
    assert sum(isinstance(result, ConflictError) for result in done) == 7
    assert await store.get("incidents", "engine") == won


async def test_documents_are_listed_by_key_and_collections_are_apart(store: Store) -> None:
    for collection, key in (("incidents", "b"), ("incidents", "a"), ("models", "c")):
        await store.put(collection, key, {"in": collection}, expected_version=None)
    assert [d.key for d in await store.documents("incidents")] == ["a", "b"]
    assert [d.body["in"] for d in await store.documents("models")] == ["models"]


async def test_a_point_comes_back_as_it_was(store: Store) -> None:
    written = point(overall_status="healthy", services={"engine": {"response_time_ms": 12.5, "error": None}}, alerts=[])
    assert await store.add_point("marks", written)
    assert await store.points("marks", **EVER) == [written]


async def test_a_key_is_unique_within_its_series_alone(store: Store) -> None:
    assert await store.add_point("marks", point(n=1))
    assert not await store.add_point("marks", point(n=2))
    assert await store.add_point("other_marks", point(n=3))
    assert [p.body["n"] for p in await store.points("marks", **EVER)] == [1]


async def test_many_points_are_kept_at_once_and_those_that_are_there_stay_as_they_are(store: Store) -> None:
    await store.add_point("marks", point("p-7", n="first"))
    many = [point(f"p-{n}", at=NOON + n * timedelta(milliseconds=1), n=n) for n in range(2500)]
    for _ in range(2):
        await store.add_points("marks", [*many, many[3]])
    found = {p.key: p for p in await store.points("marks", **EVER, limit=5000)}
    assert len(found) == 2500
    assert found.pop("p-7").body == {"n": "first"}
    assert list(found.values()) == [p for p in many if p.key != "p-7"]
    await store.add_points("other_marks", [])
    assert await store.newest_point("other_marks") is None


@pytest.mark.parametrize("bad", [point("no key"), point(n=float("nan")), point(_id="x")], ids=["key", "value", "ours"])
async def test_many_points_with_one_that_is_not_allowed_are_refused(store: Store, bad: Point) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- which of the three it is, the tests of records say
        await store.add_points("marks", [point("p-1"), bad])
    assert await store.points("marks", **EVER) == []


async def test_points_are_listed_by_time_either_way_up_to_a_limit(store: Store) -> None:
    for seconds in (2, 0, 1):
        await store.add_point("marks", point(f"p-{seconds}", at=NOON + seconds * SECOND))
    oldest = await store.points("marks", since=NOON, until=NOON + 2 * SECOND)
    newest = await store.points("marks", **EVER, limit=2, newest_first=True)
    assert [p.key for p in oldest] == ["p-0", "p-1"]
    assert [p.key for p in newest] == ["p-2", "p-1"]


async def test_the_newest_point_is_the_latest_by_its_time(store: Store) -> None:
    assert await store.newest_point("marks") is None
    for seconds in (0, 5, 1):
        await store.add_point("marks", point(f"p-{seconds}", at=NOON + seconds * SECOND))
    newest = await store.newest_point("marks")
    assert newest is not None
    assert newest.key == "p-5"


async def test_a_field_is_rolled_up_where_it_is_a_number(store: Store) -> None:
    values = [1, 2.0, 6, None, "7", True, 10]
    for number, value in enumerate(values):
        at = NOON + (timedelta(hours=2) if value == 10 and value is not True else number * SECOND)
        await store.add_point("marks", point(f"p-{number}", at=at, engine={"ms": value}))
    found = await store.roll_up(
        "marks", "engine.ms", since=NOON, until=NOON + timedelta(hours=3), every=timedelta(hours=1)
    )
    assert found == [
        Bucket(NOON, count=3, minimum=1.0, maximum=6.0, mean=3.0, p50=2.0, p95=6.0),
        Bucket(NOON + timedelta(hours=2), count=1, minimum=10.0, maximum=10.0, mean=10.0, p50=10.0, p95=10.0),
    ]


async def test_texts_are_counted_where_there_is_one(store: Store) -> None:
    for number, status in enumerate(["healthy", "down", "healthy", None, 3]):
        await store.add_point("marks", point(f"p-{number}", services={"engine": {"status": status}}))
    await store.add_point("marks", point("p-old", at=NOON - timedelta(days=2), services={"engine": {"status": "down"}}))
    assert await store.tally("marks", "services.engine.status", **EVER) == {"healthy": 2, "down": 1}
    assert await store.tally("marks", "services.redis.status", **EVER) == {}


async def test_pruning_deletes_what_is_older_in_that_series_alone(store: Store) -> None:
    for series in ("marks", "other_marks"):
        for seconds in range(3):
            await store.add_point(series, point(f"p-{seconds}", at=NOON + seconds * SECOND))
    assert await store.prune("marks", before=NOON + 2 * SECOND) == 2
    assert [p.key for p in await store.points("marks", **EVER)] == ["p-2"]
    assert len(await store.points("other_marks", **EVER)) == 3


async def test_pruning_with_a_limit_takes_the_oldest_first(store: Store) -> None:
    await store.add_points("marks", [point(f"p-{n}", at=NOON - n * SECOND) for n in range(4)])
    assert await store.prune("marks", before=NOON, limit=2) == 2
    assert [p.key for p in await store.points("marks", **EVER)] == ["p-1", "p-0"]


async def test_a_message_is_claimed_when_it_is_due_and_by_one_owner_alone(store: Store) -> None:
    assert await store.enqueue(message(due=NOON + SECOND))
    assert await store.claim("a", now=NOON, lease=LEASE) == []
    [claim] = await store.claim("a", now=NOON + SECOND, lease=LEASE)
    assert claim == Claim(message(due=NOON + SECOND), "a", NOON + SECOND + LEASE, tries=1)
    assert await store.claim("b", now=NOON + SECOND, lease=LEASE) == []


async def test_the_second_message_with_a_key_is_not_kept_even_after_delivery(store: Store) -> None:
    assert await store.enqueue(message())
    assert not await store.enqueue(message())
    [claim] = await store.claim("a", now=NOON, lease=LEASE)
    assert await store.settle(claim, MessageState.DELIVERED)
    assert not await store.enqueue(message())


async def test_messages_are_claimed_the_longest_due_first_up_to_a_limit(store: Store) -> None:
    for seconds in (2, 0, 1):
        await store.enqueue(message(f"m-{seconds}", due=NOON + seconds * SECOND))
    later = NOON + timedelta(minutes=5)
    assert [c.message.key for c in await store.claim("a", now=later, lease=LEASE, limit=2)] == ["m-0", "m-1"]
    assert [c.message.key for c in await store.claim("b", now=later, lease=LEASE)] == ["m-2"]


async def test_the_many_messages_of_one_target_leave_room_for_another(store: Store) -> None:
    for seconds in range(6):
        await store.enqueue(replace(message(f"m-{seconds}", due=NOON + seconds * SECOND), target="dead"))
    await store.enqueue(replace(message("m-9", due=NOON + 9 * SECOND), target="alive"))
    later = NOON + timedelta(minutes=5)
    assert [c.message.key for c in await store.claim("a", now=later, lease=LEASE, limit=3)] == ["m-0", "m-1", "m-9"]
    assert [c.message.key for c in await store.claim("b", now=later, lease=LEASE, limit=3)] == ["m-2", "m-3", "m-4"]


async def test_an_expired_lease_can_be_claimed_again_and_the_late_owner_changes_nothing(store: Store) -> None:
    await store.enqueue(message())
    [late] = await store.claim("a", now=NOON, lease=LEASE)
    assert await store.claim("b", now=NOON + LEASE - SECOND, lease=LEASE) == []
    [second] = await store.claim("b", now=NOON + LEASE, lease=LEASE)
    assert second.tries == 2
    assert (late.interrupted, second.interrupted) == (False, False)
    assert not await store.begin(late)
    assert not await store.settle(late, MessageState.DELIVERED)
    assert not await store.postpone(late, until=NOON)
    assert await store.settle(second, MessageState.FAILED)


async def test_what_was_begun_and_never_ended_is_doubtful_until_somebody_ends_it(store: Store) -> None:
    await store.enqueue(message())
    for number in range(3):  # the second, which saw it, dies as well
        [claim] = await store.claim("a", now=NOON + number * LEASE, lease=LEASE)
        assert claim.interrupted is (number > 0)
        assert number or await store.begin(claim)
    assert await store.postpone(claim, until=NOON)
    for later in (3, 4):
        [again] = await store.claim("b", now=NOON + later * LEASE, lease=LEASE)
        assert not again.interrupted


async def test_a_postponed_message_waits_and_counts_its_tries(store: Store) -> None:
    await store.enqueue(message())
    [claim] = await store.claim("a", now=NOON, lease=LEASE)
    assert await store.postpone(claim, until=NOON + 5 * SECOND, note="busy")
    assert [waiting.note for waiting in await store.outbox()] == ["busy"]
    assert await store.claim("a", now=NOON + 4 * SECOND, lease=LEASE) == []
    [again] = await store.claim("a", now=NOON + 5 * SECOND, lease=LEASE)
    assert (again.tries, again.interrupted) == (2, False)
    assert not await store.settle(claim, MessageState.DELIVERED)


@pytest.mark.parametrize("end", [MessageState.DELIVERED, MessageState.FAILED])
async def test_a_settled_message_is_never_claimed_again_and_stays_listed(store: Store, end: MessageState) -> None:
    await store.enqueue(message())
    [waiting] = await store.outbox()
    assert (waiting.message, waiting.state, waiting.tries) == (message(), MessageState.WAITING, 0)
    [claim] = await store.claim("a", now=NOON, lease=LEASE)
    assert await store.settle(claim, end, note="said so")
    assert not await store.settle(claim, end)
    assert await store.claim("b", now=NOON + timedelta(days=1), lease=LEASE) == []
    assert await store.outbox() == []
    [ended] = await store.outbox(end)
    assert (ended.message, ended.state, ended.tries, ended.note) == (message(), end, 1, "said so")


async def test_what_waits_for_long_is_counted_by_target(store: Store) -> None:
    assert await store.backlogs(created_before=NOON) == {}
    for number, target in enumerate(("slack", "email", "email", "email")):
        one = message(f"m-{number}", due=NOON + LEASE, created=NOON + number * SECOND)
        await store.enqueue(replace(one, target=target))
    await store.enqueue(message("m-4", due=NOON - LEASE, created=NOON - SECOND))
    [ended] = await store.claim("a", now=NOON, lease=LEASE)
    assert await store.settle(ended, MessageState.DELIVERED)
    found = await store.backlogs(created_before=NOON + 3 * SECOND)
    assert found == {"slack": Backlog(1, NOON), "email": Backlog(2, NOON + SECOND)}


async def test_what_waits_is_listed_longest_due_first_and_what_ended_newest_first(store: Store) -> None:
    for number in range(3):
        await store.enqueue(message(f"m-{number}", due=NOON + number * SECOND))
    assert [one.message.key for one in await store.outbox(limit=2)] == ["m-0", "m-1"]
    for claim in await store.claim("a", now=NOON + 3 * SECOND, lease=LEASE):
        await store.settle(claim, MessageState.FAILED)
    assert [one.message.key for one in await store.outbox(MessageState.FAILED, limit=2)] == ["m-2", "m-1"]
    assert await store.queued("m-0") == (await store.outbox(MessageState.FAILED))[2]
    assert await store.queued("m-9") is None


async def test_the_bodies_of_ended_messages_are_dropped_and_their_keys_never(store: Store) -> None:
    for number in range(5):
        await store.enqueue(message(f"m-{number}", due=NOON + number * SECOND))
    waits, *ended = await store.claim("a", now=NOON + 5 * SECOND, lease=LEASE)
    for claim, state in zip(ended, (MessageState.DELIVERED, MessageState.FAILED) * 2, strict=True):
        await store.settle(claim, state, note="said so")
    before = NOON + 4 * SECOND
    assert [await store.drop_bodies(before=before, limit=2) for _ in range(3)] == [2, 1, 0]
    dropped = await store.queued("m-1")
    assert dropped is not None
    assert (dropped.message, dropped.note) == (replace(ended[0].message, body={}), "said so")
    kept = [await store.queued(key) for key in ("m-0", "m-4")]
    assert [one.message.body for one in kept if one] == [waits.message.body, ended[-1].message.body]
    assert not await store.enqueue(message("m-1"))


async def test_of_many_claimers_each_message_goes_to_one(store: Store) -> None:
    for number in range(12):
        await store.enqueue(message(f"m-{number}"))
    claims = await asyncio.gather(*(store.claim(f"owner-{n}", now=NOON, lease=LEASE, limit=3) for n in range(8)))
    keys = [claim.message.key for claimed in claims for claim in claimed]
    assert sorted(keys) == sorted(f"m-{n}" for n in range(12))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"x": float("nan")}, id="NaN"),
        pytest.param({"x": [float("inf")]}, id="infinity in a list"),
        pytest.param({"x": Decimal("1.5")}, id="money that is no text"),
        pytest.param({"x": NOON}, id="a time that is no text"),
        pytest.param({"x": 2**63}, id="65 bits"),
        pytest.param({"a.b": 1}, id="a dot in a name"),
        pytest.param({"$set": 1}, id="a dollar before a name"),
        pytest.param({"": 1}, id="no name"),
        pytest.param({"x": "\ud800"}, id="half a character"),
        pytest.param({"x": "a" * 8 * 1024 * 1024}, id="above 8 MiB"),
        pytest.param({"timestamp": 1}, id="a name that is ours"),
    ],
)
async def test_a_body_that_not_every_store_can_keep_is_refused(store: Store, body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="body"):
        await store.add_point("marks", Point("p-1", NOON, body))
    assert await store.newest_point("marks") is None


@pytest.mark.parametrize("key", ["", "with space", "a" * 201, "new\nline", "$where"])
async def test_a_bad_key_is_refused(store: Store, key: str) -> None:
    with pytest.raises(ValueError, match="no key"):
        await store.append_event(event(key))


@pytest.mark.parametrize("name", ["", "Marks", "system.users", "audit_events", "outbox", "schema", "1st", "a" * 65])
async def test_a_bad_name_is_refused(store: Store, name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        await store.points(name, **EVER)


async def test_a_naive_time_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="time zone"):
        await store.append_event(event(at=NOON.replace(tzinfo=None)))


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_limit_below_one_is_refused(store: Store, limit: int) -> None:
    for call in (
        store.events(**EVER, limit=limit),
        store.points("marks", **EVER, limit=limit),
        store.claim("a", now=NOON, lease=LEASE, limit=limit),
        store.outbox(limit=limit),
        store.drop_bodies(before=NOON, limit=limit),
    ):
        with pytest.raises(ValueError, match="limit"):
            await call


async def test_a_lease_and_a_bucket_have_a_length_and_a_path_has_names(store: Store) -> None:
    with pytest.raises(ValueError, match="lease"):
        await store.claim("a", now=NOON, lease=timedelta(0))
    with pytest.raises(ValueError, match="bucket"):
        await store.roll_up("marks", "ms", **EVER, every=timedelta(0))
    with pytest.raises(ValueError, match="path"):
        await store.tally("marks", "a..$b", **EVER)


async def test_it_describes_itself(store: Store) -> None:
    assert "tradeops" in await store.describe()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(NAMES, VALUES, max_size=5))
async def test_any_body_comes_back_as_it_was(store: Store, body: dict[str, Any]) -> None:
    key = str(uuid.uuid4())
    await store.add_point("bodies", Point(key, NOON, body))
    await store.put("kept_bodies", key, body, expected_version=None)
    document = await store.get("kept_bodies", key)
    newest = {p.key: p.body for p in await store.points("bodies", **EVER)}
    assert document is not None
    assert newest[key] == document.body == body
