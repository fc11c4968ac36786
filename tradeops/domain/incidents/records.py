"""Boards and silences as JSON for the store, and back."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from tradeops.domain.incidents.model import Incident, Silence, Told
from tradeops.domain.incidents.telling import Board, Outgoing
from tradeops.domain.notices import Level, from_body

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None


def board_body(board: Board) -> dict[str, Json]:
    """The board as JSON; `board_from` gives an equal one back."""
    return {
        "started_at": _moment(board.started_at),
        "incidents": [_incident_body(incident) for incident in board.incidents.values()],
        "pending": [{"target": one.target, "notice": one.notice.as_body()} for one in board.pending],
    }


def board_from(body: Mapping[str, Any]) -> Board:
    """The board that `board_body` wrote.

    Raises:
        ValueError: it is no board.
    """
    try:
        incidents = [_incident(one) for one in body["incidents"]]
        return Board(
            started_at=datetime.fromisoformat(body["started_at"]),
            incidents={incident.key: incident for incident in incidents},
            pending=tuple(Outgoing(one["target"], from_body(one["notice"])) for one in body["pending"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the board of incidents is not readable: {type(error).__name__}: {error}") from error


def silence_body(silence: Silence) -> dict[str, Json]:
    """The silence as JSON; `silence_from` gives an equal one back."""
    return {
        "pattern": silence.pattern,
        "since": _moment(silence.since),
        "until": _moment(silence.until),
        "reason": silence.reason,
        "by": silence.by,
    }


def silence_from(silence_id: str, body: Mapping[str, Any]) -> Silence:
    """The silence that `silence_body` wrote."""
    since, until = (datetime.fromisoformat(str(body[name])) for name in ("since", "until"))
    return Silence(silence_id, str(body["pattern"]), since, until, str(body["reason"]), str(body["by"]))


def _incident_body(incident: Incident) -> dict[str, Json]:
    return {
        "key": incident.key,
        "source": incident.source,
        "summary": incident.summary,
        "observed": incident.observed.word if incident.observed is not None else None,
        "last_at": _moment(incident.last_at),
        "last_run_id": incident.last_run_id,
        "depends_on": list(incident.depends_on),
        "may_be_starting": incident.may_be_starting,
        "streaks": list(incident.streaks),
        "successes": incident.successes,
        "bad_since": _maybe(incident.bad_since),
        "good_since": _maybe(incident.good_since),
        "opened_at": _maybe(incident.opened_at),
        "down": incident.down,
        "severity": incident.severity.word,
        "told": None if (told := incident.told) is None else _told_body(told),
        "acknowledged_by": incident.acknowledged_by,
        "flips": [_moment(flip) for flip in incident.flips],
        "flapping": incident.flapping,
    }


def _told_body(told: Told) -> dict[str, Json]:
    return {
        "severity": told.severity.word,
        "at": _moment(told.at),
        "to": list(told.to),
        "reminders": told.reminders,
    }


def _incident(body: Mapping[str, Any]) -> Incident:
    warnings, errors, criticals = body["streaks"]
    return Incident(
        key=body["key"],
        source=body["source"],
        summary=body["summary"],
        observed=None if body["observed"] is None else _level(body["observed"]),
        last_at=datetime.fromisoformat(body["last_at"]),
        last_run_id=body["last_run_id"],
        depends_on=tuple(body["depends_on"]),
        may_be_starting=body["may_be_starting"],
        streaks=(int(warnings), int(errors), int(criticals)),
        successes=int(body["successes"]),
        bad_since=_maybe_from(body["bad_since"]),
        good_since=_maybe_from(body["good_since"]),
        opened_at=_maybe_from(body["opened_at"]),
        down=body["down"],
        severity=_level(body["severity"]),
        told=None if body["told"] is None else _told(body["told"]),
        acknowledged_by=body["acknowledged_by"],
        flips=tuple(datetime.fromisoformat(flip) for flip in body["flips"]),
        flapping=body["flapping"],
    )


def _told(body: Mapping[str, Any]) -> Told:
    at = datetime.fromisoformat(body["at"])
    return Told(_level(body["severity"]), at, tuple(body["to"]), int(body["reminders"]))


def _level(word: str) -> Level:
    return Level[word.upper()]


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _maybe(moment: datetime | None) -> str | None:
    return None if moment is None else _moment(moment)


def _maybe_from(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
