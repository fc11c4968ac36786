"""What the language model may propose, and nothing else: one JSON object of a fixed shape, strictly typed."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from tradeops.domain.llm.failures import Failure

MOST_REASONING, MOST_ACTIONS, MOST_TEXT = 4000, 10, 500
Word = TypeVar("Word", bound=StrEnum)
FENCED = re.compile(r"\s*```(?:json|JSON)?[ \t]*\r?\n(.*?)\r?\n?[ \t]*```\s*", re.DOTALL)


class Recommendation(StrEnum):
    """What to do; only `RETRAIN` can ever start something."""

    RETRAIN = "retrain"
    WAIT = "wait"
    OPTIMIZE_PARAMETERS = "optimize_parameters"


class Urgency(StrEnum):
    """For the reader; no rule looks at it."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One valid answer.

    Attributes:
        confidence: 0 to 1, exactly as it was written: 0.7 is not above 0.7, and 0.70000000000000000001 is.
        reasoning: printable, shortened to 4,000 characters; no rule and no later prompt looks at it.
        suggested_actions: at most ten, shortened.
        estimated_improvement: shortened.
    """

    recommendation: Recommendation
    confidence: Decimal
    reasoning: str
    urgency: Urgency
    suggested_actions: tuple[str, ...]
    estimated_improvement: str


class UnusableAnswerError(ValueError):
    """The answer is no proposal.

    Attributes:
        failure: `NOT_JSON` may be asked again once, the others not.
    """

    def __init__(self, failure: Failure, problem: str) -> None:
        self.failure = failure
        super().__init__(problem)


SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "recommendation": {"type": "string", "enum": [one.value for one in Recommendation]},
        "confidence": {"type": "number", "description": "0 to 1"},
        "reasoning": {"type": "string"},
        "urgency": {"type": "string", "enum": [one.value for one in Urgency]},
        "suggested_actions": {"type": "array", "items": {"type": "string"}},
        "estimated_improvement": {"type": "string"},
    },
    "required": [
        "recommendation",
        "confidence",
        "reasoning",
        "urgency",
        "suggested_actions",
        "estimated_improvement",
    ],
    "additionalProperties": False,
}


def parse_proposal(text: str) -> Proposal:
    """The one proposal in an answer; a code fence around the whole of it is taken off.

    Raises:
        UnusableAnswerError: empty, no single JSON object, or one of another shape.
    """
    if not text.strip():
        raise UnusableAnswerError(Failure.EMPTY, "the answer is empty")
    fenced = FENCED.fullmatch(text)
    found = _single_json(fenced[1] if fenced else text)
    if not isinstance(found, dict):
        raise UnusableAnswerError(Failure.SCHEMA, f"the answer is {_kind(found)}, no object")
    if strange := sorted(set(found) - set(SCHEMA["properties"])):
        raise UnusableAnswerError(Failure.SCHEMA, f"unknown field {clipped(strange[0], 40)!r}")
    if missing := [name for name in SCHEMA["required"] if name not in found]:
        raise UnusableAnswerError(Failure.SCHEMA, f"{missing[0]} is missing")
    return Proposal(
        recommendation=_one_of(Recommendation, found, "recommendation"),
        confidence=_confidence(found["confidence"]),
        reasoning=clipped(_text(found, "reasoning"), MOST_REASONING),
        urgency=_one_of(Urgency, found, "urgency"),
        suggested_actions=_actions(found["suggested_actions"]),
        estimated_improvement=clipped(_text(found, "estimated_improvement"), MOST_TEXT),
    )


def clipped(text: str, most: int) -> str:
    """The text without what cannot be printed or stored, at most so long."""
    return "".join(c if c.isprintable() else " " for c in text[:most])


class _TwiceError(ValueError):
    pass


def _single_json(text: str) -> Any:  # noqa: ANN401 - whatever was written there
    try:
        return json.loads(text.strip().removeprefix("\ufeff"), parse_float=Decimal, object_pairs_hook=_without_doubles)
    except _TwiceError as error:
        raise UnusableAnswerError(Failure.SCHEMA, f"{clipped(str(error), 40)!r} is there twice") from None
    except (ValueError, ArithmeticError, RecursionError):
        raise UnusableAnswerError(Failure.NOT_JSON, "the answer is not one JSON object") from None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _TwiceError(next(name for place, (name, _) in enumerate(pairs) if name in dict(pairs[:place])))
    return found


def _confidence(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        shown = "NaN or infinite" if isinstance(value, float) else _kind(value)
        raise UnusableAnswerError(Failure.SCHEMA, f"confidence is {shown}, no number")
    if not 0 <= value <= 1:
        raise UnusableAnswerError(Failure.SCHEMA, f"confidence {clipped(str(value), 20)} is outside 0 to 1")
    return Decimal(value)


def _one_of(words: type[Word], found: Mapping[str, Any], name: str) -> Word:
    try:
        return words(_text(found, name))
    except ValueError as error:
        if isinstance(error, UnusableAnswerError):
            raise
        raise UnusableAnswerError(Failure.SCHEMA, f"{name} {clipped(found[name], 40)!r} is unknown") from None


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found[name]
    if not isinstance(value, str):
        raise UnusableAnswerError(Failure.SCHEMA, f"{name} is {_kind(value)}, no text")
    return value


def _actions(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise UnusableAnswerError(Failure.SCHEMA, "suggested_actions is no list of texts")
    return tuple(clipped(one, MOST_TEXT) for one in value[:MOST_ACTIONS])


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "a text"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return "a number"
