"""Evidence into a prompt: numbers and identifiers alone, so that nothing in it can read as an instruction.

What is no finite number, true, false, null or identifier is refused, not repaired: a repaired name would name something
else. Money, names of people and anything that looks like a key are refused by the name of their field or by their form.
"""

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from tradeops.errors import RejectedError

Evidence: TypeAlias = bool | int | float | Decimal | str | Sequence["Evidence"] | Mapping[str, "Evidence"] | None

PLACE = "{{evidence}}"
PARTING = "\n---\n"
IDENTIFIER = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
KEY_LIKE = re.compile(r"(sk|pk|rk|xox[a-z]|gh[a-z]|pnu)[-_].{8,}|eyJ.{16,}|AKIA.{12,}|[0-9a-fA-F]{32,}", re.DOTALL)
PRIVATE = re.compile(
    r"(^|_)(balance|equity|user|users|email|password|secret|api_key|account|address)(_|$)", re.IGNORECASE
)
DEEPEST, LARGEST, MOST_DIGITS = 8, 20_000, 40


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """A prompt as it lies in its file.

    Attributes:
        version: from its file name.
        instructions: what the model is told to be, and to answer.
        body: with the place where the evidence goes, once.
        sha256: of the file.
    """

    name: str
    version: int
    instructions: str
    body: str
    sha256: str

    @classmethod
    def of(cls, text: str, *, name: str, version: int) -> "PromptTemplate":
        """The two parts of a prompt file, which a line of three dashes parts.

        Raises:
            ValueError: it has no such line, or not one place for the evidence.
        """
        instructions, parting, body = text.partition(PARTING)
        if not parting or text.count(PLACE) != 1 or PLACE not in body:
            raise ValueError(f"the prompt {name}.v{version} needs a line of --- and after it one {PLACE}")
        digest = hashlib.sha256(text.encode()).hexdigest()
        return cls(name, version, instructions.strip(), body.strip(), digest)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent.

    Attributes:
        instructions: the system's part.
        text: the user's part, the evidence in it.
        evidence: the JSON that was put in: keys in order, no spaces.
        sha256: of the template's file.
        evidence_sha256: of `evidence`.
    """

    name: str
    version: int
    instructions: str
    text: str
    evidence: str
    sha256: str
    evidence_sha256: str


def render(template: PromptTemplate, evidence: Mapping[str, Evidence]) -> Prompt:
    """The prompt with the evidence as canonical JSON; the same evidence gives the same bytes.

    Raises:
        RejectedError: something in it is no number or identifier, or must not leave the house; names the place.
    """
    text = _json(evidence, "evidence", DEEPEST)
    if len(text) > LARGEST:
        raise _rejected("evidence", f"has {len(text)} characters, more than {LARGEST}")
    return Prompt(
        name=template.name,
        version=template.version,
        instructions=template.instructions,
        text=template.body.replace(PLACE, text),
        evidence=text,
        sha256=template.sha256,
        evidence_sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def is_identifier(text: str) -> bool:
    """Whether a name may enter a prompt: 1 to 64 of letters, digits, `_ . : -`, and nothing like a key."""
    return IDENTIFIER.fullmatch(text) is not None and KEY_LIKE.fullmatch(text) is None


def _json(value: Evidence, place: str, depth: int) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return _number(value, place)
        case str():
            if not is_identifier(value):
                raise _rejected(place, "is no identifier (1 to 64 of A-Z a-z 0-9 _ . : -, nothing like a key)")
            return f'"{value}"'
        case Mapping() | Sequence() if depth == 0:
            raise _rejected(place, f"is nested deeper than {DEEPEST}")
        case Mapping():
            for name in value:
                _check_name(name, place)
            inner = (f'"{name}":{_json(value[name], f"{place}.{name}", depth - 1)}' for name in sorted(value))
            return "{" + ",".join(inner) + "}"
        case Sequence() if not isinstance(value, bytes | bytearray):
            inner = (_json(one, f"{place}[{number}]", depth - 1) for number, one in enumerate(value))
            return "[" + ",".join(inner) + "]"
        case _:
            raise _rejected(place, f"is of the type {type(value).__name__}")


def _check_name(name: object, place: str) -> None:
    if not isinstance(name, str) or not is_identifier(name):
        raise _rejected(place, "has a field whose name is no identifier")
    if PRIVATE.search(name):
        raise _rejected(place, f"has the field {name}, which must not leave the house")


def _number(value: float | Decimal, place: str) -> str:
    if not math.isfinite(value):
        raise _rejected(place, "is no finite number")
    text = f"{value:f}" if isinstance(value, Decimal) else repr(value)
    if len(text) > MOST_DIGITS:
        raise _rejected(place, f"has more than {MOST_DIGITS} digits")
    return text


def _rejected(place: str, problem: str) -> RejectedError:
    return RejectedError("prompt", f"{place} {problem}", remedy="nothing was sent")
