"""What the doctor found."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What one check found. `ABSENT` is an optional endpoint that is not there; the product does without it."""

    OK = "ok"
    ABSENT = "absent"
    PROBLEM = "problem"
    NOT_CONFIGURED = "not_configured"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the diagnosis.

    Attributes:
        section: the part it belongs to (`engine`, `versions` …).
        name: what was looked at.
        verdict: what was found.
        detail: what exactly, one line.
        remedy: what to do; empty when nothing need be done.
    """

    section: str
    name: str
    verdict: Verdict
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All checks, in the order of their sections."""

    checks: tuple[Check, ...]

    @property
    def problems(self) -> tuple[Check, ...]:
        """What needs action."""
        return tuple(check for check in self.checks if check.verdict is Verdict.PROBLEM)

    @property
    def overall(self) -> Verdict:
        """`PROBLEM` when there is one, otherwise `OK`."""
        return Verdict.PROBLEM if self.problems else Verdict.OK
