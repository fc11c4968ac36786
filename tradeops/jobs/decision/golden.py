"""Golden cases: evidence with the verdict that is expected of it, to test an analyst by. Files of the package."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from tradeops.domain.decisions.codec import decoded
from tradeops.domain.decisions.evidence import Evidence
from tradeops.domain.llm import Recommendation

FOLDER = "golden"


@dataclass(frozen=True, slots=True)
class Expected:
    """What a good analyst may say.

    Attributes:
        recommendations: any of them.
        start_retrain: whether a retrain must be started when all votes say the first of them, with confidence.
    """

    recommendations: tuple[Recommendation, ...]
    start_retrain: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One case.

    Attributes:
        name: of its file.
        about: in a sentence.
    """

    name: str
    about: str
    expected: Expected
    evidence: Evidence


def cases() -> tuple[Case, ...]:
    """All of them, by name.

    Raises:
        ValueError: a file is no case; names the place.
    """
    found = [file for file in files("tradeops").joinpath(FOLDER).iterdir() if file.name.endswith(".json")]
    return tuple(sorted((_case(file.name[:-5], json.loads(file.read_text("utf-8"))) for file in found), key=_name))


def _case(name: str, body: Mapping[str, object]) -> Case:
    return decoded(Case, {"name": name, **body})


def _name(case: Case) -> str:
    return case.name
