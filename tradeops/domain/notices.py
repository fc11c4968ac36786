"""What people are told, before any channel gives it a form. Pure."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum, StrEnum

REPORTS = frozenset({"portfolio_report", "cost_report", "performance_report", "retrain_complete"})
NEWS = REPORTS | {"llm_decision"}  # for those who read reports, as long as it is information


class Level(IntEnum):
    """Ordered, so that the worst of several is their maximum."""

    INFO = 0
    WARNING = 1
    ERROR = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        """As written in settings and in the outbox: `info`, `warning`, `error`, `critical`."""
        return self.name.lower()


class Delivery(StrEnum):
    """What a lost answer means: `AT_LEAST_ONCE` is sent again and may double, `AT_MOST_ONCE` may be lost instead."""

    AT_LEAST_ONCE = "at_least_once"
    AT_MOST_ONCE = "at_most_once"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing worth telling, in plain text.

    Attributes:
        key: unique for ever and the same for each try; an incident's or a run's, with the transition.
        event: its kind, by which it is routed: `health_critical`, `portfolio_report` …
        level: how bad.
        title: one line.
        body: plain text, lines parted by newlines; may be empty.
        fields: names and values, in order.
        link: where more is to be seen.
        html: the body for e-mail, where it is more than the plain text.
        picture_png: one picture, for channels that show pictures.
        occurred_at: when what it tells came to be, aware.
    """

    key: str
    event: str
    level: Level
    title: str
    body: str
    occurred_at: datetime
    fields: tuple[tuple[str, str], ...] = ()
    link: str | None = None
    html: str | None = None
    picture_png: bytes | None = None

    @property
    def delivery(self) -> Delivery:
        """Reports at most once; everything else at least once, since a missed alert is worse than a double one."""
        return Delivery.AT_MOST_ONCE if self.event in REPORTS else Delivery.AT_LEAST_ONCE

    def as_body(self) -> dict[str, str | list[list[str]] | None]:
        """The notice as JSON for the outbox, which `from_body` turns back into an equal one."""
        return {
            "key": self.key,
            "event": self.event,
            "level": self.level.word,
            "title": self.title,
            "body": self.body,
            "occurred_at": self.occurred_at.astimezone(UTC).isoformat(),
            "fields": [list(pair) for pair in self.fields],
            "link": self.link,
            "html": self.html,
            "picture_png": None if self.picture_png is None else base64.b64encode(self.picture_png).decode(),
        }


def from_body(body: Mapping[str, object]) -> Notice:
    """The notice that `as_body` wrote.

    Raises:
        ValueError: it is no notice; names the field.
    """
    fields = body.get("fields")
    if not isinstance(fields, list) or not all(_is_pair(pair) for pair in fields):
        raise ValueError("a notice's fields are pairs of texts")
    level, moment = _text(body, "level"), _text(body, "occurred_at")
    if level.upper() not in Level.__members__:
        raise ValueError(f"a notice has no level {level!r}")
    occurred_at = datetime.fromisoformat(moment)
    if occurred_at.tzinfo is None:
        raise ValueError(f"a notice's occurred_at has no time zone: {moment}")
    picture = _text_or_none(body, "picture_png")
    try:
        picture_png = None if picture is None else base64.b64decode(picture, validate=True)
    except binascii.Error as error:
        raise ValueError(f"a notice's picture_png is no base64: {error}") from error
    return Notice(
        key=_text(body, "key"),
        event=_text(body, "event"),
        level=Level[level.upper()],
        title=_text(body, "title"),
        body=_text(body, "body"),
        occurred_at=occurred_at,
        fields=tuple((str(name), str(value)) for name, value in fields),
        link=_text_or_none(body, "link"),
        html=_text_or_none(body, "html"),
        picture_png=picture_png,
    )


def _is_pair(pair: object) -> bool:
    return isinstance(pair, list) and len(pair) == len(("name", "value")) and all(isinstance(v, str) for v in pair)


def _text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise ValueError(f"a notice's {name} is a text, not {value!r}"[:200])  # noqa: TRY004 - one error for a bad body
    return value


def _text_or_none(body: Mapping[str, object], name: str) -> str | None:
    return None if body.get(name) is None else _text(body, name)
