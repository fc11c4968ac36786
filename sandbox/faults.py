"""What can go wrong on purpose: rules that say which requests of which service fail, and how."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any

LONGEST_DELAY_SECONDS = 3600.0


class Kind(StrEnum):
    """How a request fails."""

    REFUSE = "refuse"
    HANG = "hang"
    DRIP = "drip"
    ERROR = "error"
    GARBAGE = "garbage"
    RESET = "reset"
    HTML = "html"
    EMPTY = "empty"
    HUGE = "huge"
    SLOW = "slow"
    SUCCESS_FALSE = "success_false"


DEFAULT_DELAY_SECONDS = {Kind.DRIP: 0.2, Kind.SLOW: 3.0}


class BadInputError(ValueError):
    """Somebody asked for something that makes no sense.

    Attributes:
        field: of the request, the one to change; empty when it is the request as a whole.
    """

    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        self.problem = problem
        super().__init__(f"{field}: {problem}" if field else problem)


@dataclass(frozen=True, slots=True)
class Rule:
    """Which requests fail, and how.

    Attributes:
        service: its name.
        kind: `refuse` closes the listening socket, so it concerns the whole service; `reset` ends the connection with a
            TCP RST; `hang` never answers; `drip` sends the true answer byte by byte, `slow` sends it late; `error` is
            an HTTP error; the others are a 200 with a wrong body: no JSON, a proxy's page, nothing, more than anybody
            should read, an envelope that says `success: false`.
        path: a glob on the path of the request, without its query.
        status: of an `error`; `None` is 500.
        delay_seconds: between two bytes of a `drip` (`None` is 0.2) or before a `slow` answer (`None` is 3).
        every: of the requests with the same method and path, the first, then each n-th after it; 1 is all of them.
        times: so many requests in all, then the rule is spent; `None` has no end.
    """

    service: str
    kind: Kind
    path: str = "*"
    status: int | None = None
    delay_seconds: float | None = None
    every: int = 1
    times: int | None = None

    @property
    def delay(self) -> float:
        """Seconds, the default included; 0 for a kind that does not wait."""
        return DEFAULT_DELAY_SECONDS.get(self.kind, 0.0) if self.delay_seconds is None else self.delay_seconds

    def as_json(self) -> dict[str, Any]:
        """What `parse` would make the same rule of."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def parse(raw: object, *, services: Sequence[str]) -> Rule:
    """The rule that a JSON value asks for.

    Args:
        raw: an object with the fields of `Rule`.
        services: the names there are.

    Raises:
        BadInputError: naming the first field that is wrong.
    """
    if not isinstance(raw, Mapping):
        raise BadInputError("", "a fault is a JSON object")
    known = {attribute.name for attribute in fields(Rule)}
    if unknown := sorted(set(raw) - known):
        raise BadInputError(str(unknown[0]), f"no such field; there are {', '.join(sorted(known))}")
    rule = Rule(
        service=_one_of(raw, "service", services),
        kind=Kind(_one_of(raw, "kind", tuple(Kind))),
        path=_path(raw),
        status=_whole(raw, "status", least=HTTPStatus.BAD_REQUEST, most=599),
        delay_seconds=_seconds(raw),
        every=_whole(raw, "every", least=1) or 1,
        times=_whole(raw, "times", least=1),
    )
    _check_fit(rule)
    return rule


@dataclass(slots=True)
class _Entry:
    rule: Rule
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    struck: int = 0


class FaultBook:
    """The rules in force, and how often each was asked and has struck."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []

    @property
    def rules(self) -> tuple[Rule, ...]:
        """In the order they were added; spent ones are still there."""
        return tuple(entry.rule for entry in self._entries)

    def add(self, rule: Rule) -> None:
        """Put one more rule in force; of several that match a request, the first that strikes counts."""
        self._entries.append(_Entry(rule))

    def clear(self, service: str | None = None) -> None:
        """Forget all rules, or those of one service; the others keep their counts."""
        self._entries = [entry for entry in self._entries if service not in {None, entry.rule.service}]

    def refuses(self, service: str) -> bool:
        """Whether a service must not listen at all."""
        return any(rule.kind is Kind.REFUSE and rule.service == service for rule in self.rules)

    def strike(self, service: str, method: str, path: str) -> Rule | None:
        """The rule by which this request fails, counting it; `None` when it shall succeed."""
        for entry in self._entries:
            rule = entry.rule
            if rule.service != service or not fnmatchcase(path, rule.path):
                continue
            if rule.times is not None and entry.struck >= rule.times:
                continue
            entry.asked[method, path] += 1
            if (entry.asked[method, path] - 1) % rule.every == 0:
                entry.struck += 1
                return rule
        return None

    def as_json(self) -> list[dict[str, Any]]:
        """The rules, each with how many requests it has failed."""
        return [{**entry.rule.as_json(), "struck": entry.struck} for entry in self._entries]


def _one_of(raw: Mapping[str, Any], name: str, allowed: Sequence[str]) -> str:
    value = raw.get(name)
    if not isinstance(value, str) or value not in allowed:
        what = "missing" if value is None else f"{value!r} is not there"
        raise BadInputError(name, f"{what}; it is one of {', '.join(allowed)}")
    return value


def _path(raw: Mapping[str, Any]) -> str:
    value = raw.get("path", "*")
    if not isinstance(value, str) or not value.startswith(("/", "*")):
        raise BadInputError("path", f"{value!r} is no glob of a path, such as /api/* or *")
    return value


def _whole(raw: Mapping[str, Any], name: str, *, least: int, most: int | None = None) -> int | None:
    value = raw.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < least or (most is not None and value > most):
        limits = f"{least} or more" if most is None else f"{least}–{most}"
        raise BadInputError(name, f"{value!r} is no whole number, {limits}")
    return value


def _seconds(raw: Mapping[str, Any]) -> float | None:
    value = raw.get("delay_seconds")
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= LONGEST_DELAY_SECONDS:
        raise BadInputError("delay_seconds", f"{value!r} is no number above 0, at most {LONGEST_DELAY_SECONDS:g}")
    return float(value)


def _check_fit(rule: Rule) -> None:
    if rule.status is not None and rule.kind is not Kind.ERROR:
        raise BadInputError("status", f"only the kind error has one, not {rule.kind}")
    if rule.delay_seconds is not None and rule.kind not in DEFAULT_DELAY_SECONDS:
        raise BadInputError("delay_seconds", f"only drip and slow have one, not {rule.kind}")
    if rule.kind is Kind.REFUSE:
        given = {"path": rule.path != "*", "every": rule.every != 1, "times": rule.times is not None}
        if name := next((name for name, is_given in given.items() if is_given), ""):
            raise BadInputError(name, "refuse closes the whole service, not single requests")
