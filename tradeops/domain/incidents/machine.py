"""How looks at one key add up: n bad ones open an incident, m good ones resolve it, many flips are flapping."""

from dataclasses import dataclass, replace
from datetime import datetime

from tradeops.domain.incidents.model import CERTAIN, SEVERITIES, Incident, Observation, Policy
from tradeops.domain.notices import Level


@dataclass(frozen=True, slots=True)
class Step:
    """One key after one look.

    Attributes:
        now: what is known from here on; `None` when there is nothing worth remembering.
        resolved: the incident that this look ended, as it was at its end; `None` when it ended none.
    """

    now: Incident | None
    resolved: Incident | None = None


def is_stale(before: Incident | None, look: Observation, *, run_id: str, now: datetime) -> bool:
    """Whether the look was counted already, or is older than what is known.

    What is known from a clock that is ahead of `now` makes nothing stale.
    """
    if before is None:
        return False
    return before.last_run_id == run_id or look.at <= before.last_at <= now


def step(before: Incident | None, look: Observation, *, source: str, run_id: str, policy: Policy) -> Step:
    """What one more look makes of what was known; the caller has asked `is_stale`."""
    seen = _counted(before, look, source=source, run_id=run_id)
    if seen is None:
        return Step(None)
    if confirmed := _confirmed(seen, policy):
        return Step(_broken(seen, confirmed, look.at, policy))
    if seen.down and seen.successes >= policy.successes:
        seen = replace(seen, down=False, flips=(*seen.flips, look.at))
    return _settled(seen, look.at, policy)


def _counted(before: Incident | None, look: Observation, *, source: str, run_id: str) -> Incident | None:
    looks = min(max(look.looks, 1), CERTAIN)
    if look.severity is None or look.severity not in SEVERITIES:
        if before is None:
            return None
        return replace(
            before,
            observed=None,
            last_at=look.at,
            last_run_id=run_id,
            streaks=(0, 0, 0),
            successes=min(before.successes + looks, CERTAIN),
            good_since=before.good_since or look.at,
        )
    known = before or Incident(look.key, source, look.summary, look.severity, look.at, run_id)
    warnings, errors, criticals = (
        min(streak + looks, CERTAIN) if look.severity >= severity else 0
        for severity, streak in zip(SEVERITIES, known.streaks, strict=True)
    )
    in_a_row = known.opened_at is not None or known.good_since is None
    return replace(
        known,
        source=known.source if known.opened_at else source,
        summary=look.summary,
        observed=look.severity,
        last_at=look.at,
        last_run_id=run_id,
        depends_on=look.depends_on,
        may_be_starting=look.may_be_starting,
        streaks=(warnings, errors, criticals),
        successes=0,
        bad_since=(known.bad_since if in_a_row else None) or look.at,
        good_since=None,
    )


def _confirmed(seen: Incident, policy: Policy) -> Level | None:
    reached = [s for s, streak in zip(SEVERITIES, seen.streaks, strict=True) if streak >= policy.failures]
    return max(reached, default=None)


def _broken(seen: Incident, confirmed: Level, at: datetime, policy: Policy) -> Incident:
    if not seen.down:
        recent = tuple(flip for flip in seen.flips if at - flip <= policy.flap_window)
        seen = replace(seen, down=True, flips=(*recent, at), flapping=seen.flapping or len(recent) + 1 >= policy.flips)
    elif seen.flapping and _is_stable(seen, at, policy):
        seen = replace(seen, flapping=False, flips=())
    return replace(seen, opened_at=seen.opened_at or at, severity=max(seen.severity, confirmed))


def _settled(seen: Incident, at: datetime, policy: Policy) -> Step:
    if seen.opened_at is not None and not seen.down and (not seen.flapping or _is_stable(seen, at, policy)):
        over = replace(
            seen,
            opened_at=None,
            bad_since=None,
            severity=Level.INFO,
            told=None,
            acknowledged_by="",
            flips=() if seen.flapping else seen.flips,
            flapping=False,
        )
        return Step(_remembered(over, at, policy), resolved=seen)
    return Step(_remembered(seen, at, policy))


def _remembered(seen: Incident, at: datetime, policy: Policy) -> Incident | None:
    recent = any(at - flip <= policy.flap_window for flip in seen.flips)
    return seen if seen.opened_at or seen.observed is not None or recent else None


def _is_stable(seen: Incident, at: datetime, policy: Policy) -> bool:
    return at - seen.flips[-1] >= policy.stable_after
