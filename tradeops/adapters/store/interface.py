"""What the product asks of its store; every adapter keeps the same promises, one contract suite checks them.

Names, keys and bodies are what `records` allows: a body is JSON with finite numbers, so money and times are written as
text. Times are aware and kept to the microsecond. Time-bounded queries are half-open, [since, until).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeAlias

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None
Body: TypeAlias = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Something that happened; never changed, never deleted.

    Attributes:
        event_id: unique for ever; the second event with it is not stored.
        kind: what happened, `strategy_disabled`.
        occurred_at: aware.
        actor: who or what did it.
        body: the details.
    """

    event_id: str
    kind: str
    occurred_at: datetime
    actor: str
    body: Body = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Document:
    """A document and the version that a compare-and-set must name; versions count from 1."""

    key: str
    body: Body
    version: int


@dataclass(frozen=True, slots=True)
class Point:
    """One record of a time series, unique by its key within the series.

    Attributes:
        key: a run id, a trade id; the second point with it is not stored.
        timestamp: aware; what time-bounded queries and retention go by.
    """

    key: str
    timestamp: datetime
    body: Body


@dataclass(frozen=True, slots=True)
class Bucket:
    """A stretch of a series, rolled up.

    Attributes:
        start: of the bucket; it ends where the next begins.
        count: points in it that carry the field as a number.
        minimum, maximum, mean: of the field.
        p50, p95: its percentiles, of the values that occurred (nearest rank).
    """

    start: datetime
    count: int
    minimum: float
    maximum: float
    mean: float
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Message:
    """A message that is stored before it is sent.

    Attributes:
        key: unique for ever; the second message with it is not stored.
        target: whom it goes to, `slack`.
        body: what is sent; empty once it was dropped.
        created_at: when it came to be.
        due_at: when it may be sent.
    """

    key: str
    target: str
    body: Body
    created_at: datetime
    due_at: datetime


class MessageState(StrEnum):
    """Where a message stands: `WAITING` until its last try, then one of the others for ever."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message as it stands in the outbox, for the operator.

    Attributes:
        note: why it was postponed or failed; empty while nothing went wrong.
    """

    message: Message
    state: MessageState
    tries: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Messages to one target that wait: how many, and when the oldest came to be."""

    count: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that this owner alone may send until the lease ends.

    Attributes:
        tries: claims of it so far, this one included.
        interrupted: an earlier claim was begun and ended without a word, by its lease: perhaps it was sent.
    """

    message: Message
    owner: str
    leased_until: datetime
    tries: int
    interrupted: bool = False


class ReadableStore(Protocol):
    """What can be asked of a store. Every method raises UnavailableError when it is down."""

    async def events(
        self, *, since: datetime, until: datetime, kind: str | None = None, limit: int = 1000
    ) -> list[AuditEvent]:
        """Events of the period, the oldest first."""
        ...

    async def get(self, collection: str, key: str) -> Document | None:
        """The document, or `None`."""
        ...

    async def documents(self, collection: str) -> list[Document]:
        """All documents of a collection, by key."""
        ...

    async def points(
        self, series: str, *, since: datetime, until: datetime, limit: int = 1000, newest_first: bool = False
    ) -> list[Point]:
        """Points of the period, by time."""
        ...

    async def newest_point(self, series: str) -> Point | None:
        """The latest point, or `None`."""
        ...

    async def roll_up(
        self, series: str, path: str, *, since: datetime, until: datetime, every: timedelta
    ) -> list[Bucket]:
        """A field (a dotted path into the body) in buckets of `every` from `since` on; empty buckets are absent."""
        ...

    async def tally(self, series: str, path: str, *, since: datetime, until: datetime) -> dict[str, int]:
        """How many points of the period carry each text in a field: uptime is `healthy` divided by the sum.

        Points without a text there do not count; nothing measured is an empty answer, never 0 %.
        """
        ...

    async def outbox(self, state: MessageState = MessageState.WAITING, *, limit: int = 100) -> list[QueuedMessage]:
        """Messages in that state: of those that wait the longest due first, of those that ended the newest."""
        ...

    async def queued(self, key: str) -> QueuedMessage | None:
        """The message with that key, or `None`."""
        ...

    async def backlogs(self, *, created_before: datetime) -> dict[str, Backlog]:
        """What waits of what came to be before then, by target; a target of which nothing does is absent."""
        ...

    async def describe(self) -> str:
        """What it is and that it answers, one line without secrets."""
        ...


class Store(ReadableStore, Protocol):
    """Where we keep what we know.

    Writes are durable when they return. Every method raises UnavailableError when the store is down (a write may have
    been made all the same), and ValueError for what `records` does not allow. A name is that of a series or of a
    collection, never both.

    Of several that keep an event, point or message of one key at once, exactly one is told `True`. Only while a spool
    stands in for MongoDB does `True` mean no more than "kept": what must have one winner then goes by `put`.
    """

    async def append_event(self, event: AuditEvent) -> bool:
        """Keep an event; `False` when one with its id is there already."""
        ...

    async def put(self, collection: str, key: str, body: Body, *, expected_version: int | None) -> Document:
        """Write a document if it still has the version that the caller saw; `None` means that it must not exist.

        Raises:
            ConflictError: somebody else wrote first.
        """
        ...

    async def add_point(self, series: str, point: Point) -> bool:
        """Keep a point; `False` when one with its key is there already."""
        ...

    async def add_points(self, series: str, points: Sequence[Point]) -> None:
        """Keep many points, fast; those whose keys are there already are left as they are.

        A failure may leave some of them kept: it is safe to repeat.
        """
        ...

    async def prune(self, series: str, *, before: datetime, limit: int | None = None) -> int:
        """Delete older points, the oldest first and at most `limit` of them; returns how many."""
        ...

    async def enqueue(self, message: Message) -> bool:
        """Keep a message to send; `False` when one with its key is there already."""
        ...

    async def claim(self, owner: str, *, now: datetime, lease: timedelta, limit: int = 10) -> list[Claim]:
        """Take due messages that nobody else holds, of each target the longest due first, the targets in turn.

        Each message goes to exactly one owner; the many of one target leave room for the few of another.
        """
        ...

    async def begin(self, claim: Claim) -> bool:
        """Note that a message is about to be sent; `False`, and no change, when it has passed to another owner.

        From here until its end it counts as perhaps sent; a claim that expires without it leaves no such doubt.
        """
        ...

    async def settle(self, claim: Claim, state: MessageState, *, note: str = "") -> bool:
        """End a message as delivered or failed; `False`, and no change, when the claim has passed to another owner."""
        ...

    async def postpone(self, claim: Claim, *, until: datetime, note: str = "") -> bool:
        """Give a claimed message back for a later try; `False`, and no change, when it has passed to another owner."""
        ...

    async def drop_bodies(self, *, before: datetime, limit: int) -> int:
        """Empty the bodies of ended messages that were due before, at most `limit`; returns how many.

        What else is known of them stays for ever, so that no key is sent a second time.
        """
        ...
