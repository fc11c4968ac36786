"""Which failure explains which: a dead database is one message, not one for each part that stands on it."""

from collections.abc import Iterator, Mapping

from tradeops.domain.incidents.model import Incident
from tradeops.domain.notices import Level

MONITOR = "monitor"
DEPENDS_ON: Mapping[str, tuple[str, ...]] = {
    "engine": ("mongodb",),
    "ai_service": ("mongodb",),
    "frontend": ("engine",),
}


def root_of(key: str, incidents: Mapping[str, Incident]) -> str | None:
    """The key whose failure explains that of `key`, the furthest up; `None` when it stands for itself.

    A failure explains only what is no worse than it is: a slow database is no reason for a dead engine. A key that is
    bad but not confirmed yet explains too: whether it is the cause shows at the next look.
    """
    weight = incidents[key].severity
    causes = [
        one
        for one in _above(key, incidents)
        if _weight(incidents[one]) >= weight and (one < key or key not in _above(one, incidents))
    ]
    return (root_of(causes[-1], incidents) or causes[-1]) if causes else None


def _above(key: str, incidents: Mapping[str, Incident]) -> Iterator[str]:
    """Keys that `key` depends on and that are known, the nearest first; of a cycle each once, but for `key`."""
    seen, level = {key}, [key]
    while level:
        depended = [up for one in level for up in _dependencies(one, incidents) if up not in seen]
        level = list(dict.fromkeys(depended))
        seen |= set(level)
        yield from (one for one in level if one in incidents)


def _dependencies(key: str, incidents: Mapping[str, Incident]) -> tuple[str, ...]:
    declared = incidents[key].depends_on if key in incidents else ()
    return (*DEPENDS_ON.get(key, ()), *declared)


def _weight(incident: Incident) -> Level:
    """How much it can explain now: what was seen last, or while it recovers the worst of its incident."""
    return incident.severity if incident.observed is None else incident.observed
