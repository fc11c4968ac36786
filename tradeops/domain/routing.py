"""Which targets hear of what. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tradeops.domain.notices import NEWS, Level

ALL = "*"
REPORT_READERS = ("email", "webhook")


@dataclass(frozen=True, slots=True)
class Rule:
    """Whom one kind of notice goes to.

    Attributes:
        what: a level (`critical`), or a pattern of events (`portfolio_report`, `cost_*`).
        targets: names of targets, or of their kinds; `*` is all.
    """

    what: str
    targets: tuple[str, ...]


def parse_routes(text: str) -> tuple[Rule, ...]:
    """The rules in a text such as `critical=*;warning=slack,email;portfolio_report=email`.

    Raises:
        ValueError: a rule without `=`, a name or a target; names it.
    """
    rules = []
    for part in filter(None, map(str.strip, text.split(";"))):
        what, sign, listed = (piece.strip() for piece in part.partition("="))
        targets = tuple(filter(None, map(str.strip, listed.split(","))))
        if not (what and sign):
            raise ValueError(f"has the rule {part!r}: write LEVEL=target,target or EVENT=target")
        rules.append(Rule(what, targets))
    return tuple(rules)


def targets_for(event: str, level: Level, rules: Sequence[Rule], targets: Sequence[str]) -> tuple[str, ...]:
    """The targets of a notice, in the order of `targets`.

    A rule for the event goes before a rule for the level; of several for events the first that matches counts. Without
    a rule, warnings and worse go to all, reports and decisions to e-mail and webhook (to all where there is neither),
    and other information to nobody. A kind (`apprise`) means all its targets (`apprise-1`, `apprise-2`).

    Args:
        event: of the notice.
        level: of the notice.
        rules: of the settings.
        targets: all that there are.
    """
    of_event = next((r for r in rules if r.what not in _levels() and fnmatchcase(event, r.what)), None)
    of_level = next((r for r in rules if r.what == level.word), None)
    rule = of_event or of_level
    if rule is not None:
        return tuple(target for target in targets if _is_meant(target, rule.targets))
    if event in NEWS and level < Level.WARNING:
        readers = tuple(target for target in targets if _is_meant(target, REPORT_READERS))
        return readers or tuple(targets)
    return tuple(targets) if level >= Level.WARNING else ()


def _levels() -> set[str]:
    return {level.word for level in Level}


def _is_meant(target: str, names: Sequence[str]) -> bool:
    return ALL in names or target in names or target.partition("-")[0] in names
