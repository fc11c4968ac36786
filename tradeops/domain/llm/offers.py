"""How long the configured model will still be there, by what the endpoint lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tradeops.domain.health import Severity

NOTICE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class OfferedModel:
    """A model of the endpoint's list.

    Attributes:
        shutdown: its last day is the one before; `None` when none is announced.
    """

    name: str
    shutdown: date | None = None


def judge_offer(offered: Sequence[OfferedModel], model: str, today: date) -> tuple[Severity, str]:
    """Critical when the model is gone, degraded from 30 days before its end on; the problem in words.

    An endpoint that lists nothing says nothing about the model.
    """
    if not offered:
        return Severity.HEALTHY, ""
    found = next((one for one in offered if one.name == model), None)
    if found is None:
        names = [one.name for one in offered if one.shutdown is None]
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")
        others = f"; it offers {shown}" if names else ""
        return Severity.CRITICAL, f"the model {model} is no longer offered: set OPENAI_MODEL to another{others}"
    if found.shutdown is None or found.shutdown - today > NOTICE:
        return Severity.HEALTHY, ""
    if found.shutdown <= today:
        return Severity.CRITICAL, f"the model {model} was shut down on {found.shutdown}: set OPENAI_MODEL to another"
    days = (found.shutdown - today).days
    left = "1 day" if days == 1 else f"{days} days"
    return (
        Severity.DEGRADED,
        f"the model {model} shuts down on {found.shutdown}, in {left}: set OPENAI_MODEL to another",
    )
