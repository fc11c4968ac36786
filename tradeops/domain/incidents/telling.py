"""What people are told of one round of looks: at most one alert, one reminder and one recovery, root causes first."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tradeops.domain.incidents import wording
from tradeops.domain.incidents.folding import root_of
from tradeops.domain.incidents.machine import is_stale, step
from tradeops.domain.incidents.model import Incident, Observation, Policy, Silence, Told, Transition, tidy
from tradeops.domain.notices import Level, Notice

Route = Callable[[str, Level], tuple[str, ...]]
PageOf = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A notice on its way to one target."""

    target: str
    notice: Notice

    @property
    def key(self) -> str:
        """Unique for ever: the incident, the transition, the target."""
        return f"{self.notice.key}:{self.target}"


@dataclass(frozen=True, slots=True)
class Board:
    """All incidents of an installation, and the messages that were decided but are not in the outbox yet.

    Attributes:
        started_at: the last start-up, from which the grace counts.
        incidents: by key; keys that are well are absent.
        pending: decided, and lost if they were not kept here.
    """

    started_at: datetime
    incidents: Mapping[str, Incident] = field(default_factory=dict)
    pending: tuple[Outgoing, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A transition, told or not; `because` says why it was not told."""

    incident: Incident
    transition: Transition
    because: str = ""

    @property
    def change_id(self) -> str:
        """Unique for ever, however often the transition is worked out."""
        match self.transition:
            case Transition.RISEN:
                return f"{self.incident.incident_id}:risen-{self.incident.severity.word}"
            case Transition.REMINDER:
                number = self.incident.told.reminders if self.incident.told else 0
                return f"{self.incident.incident_id}:reminder-{number + 1}"
            case other:
                return f"{self.incident.incident_id}:{other}"


@dataclass(frozen=True, slots=True)
class Decision:
    """The board after a round, with what the round added to its pending messages.

    Attributes:
        board: to be kept.
        changes: the transitions that people hear of, and recoveries of what nobody heard of.
        notices: what is said, whomever it goes to.
    """

    board: Board
    changes: tuple[Change, ...] = ()
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides besides the looks.

    Attributes:
        source: whose round it is; names its events, `health` → `health_critical`.
        run_id: of the round, unique for each.
        now: aware.
        policy: when to speak.
        silences: when not to.
        route: the targets of an event at a level.
        targets: all that there are; what was told to others is told to these alone.
        page_of: where more of an incident is to be seen, by its id; `None` when nowhere.
    """

    source: str
    run_id: str
    now: datetime
    policy: Policy
    silences: Sequence[Silence]
    route: Route
    targets: tuple[str, ...]
    page_of: PageOf


def decide(board: Board, looks: Iterable[Observation], terms: Terms) -> Decision:
    """Count the looks, then say what is worth saying.

    A look that was counted before, by its run or its time, changes nothing and causes no message. A recovery is told
    whenever its incident was, silence or not, so that alerts and recoveries alternate.
    """
    incidents, over, seen = dict(board.incidents), list[Incident](), list[str]()
    for look in _one_per_key(looks):
        before = incidents.get(look.key)
        if is_stale(before, look, run_id=terms.run_id, now=terms.now):
            continue
        after = step(before, look, source=terms.source, run_id=terms.run_id, policy=terms.policy)
        incidents.pop(look.key, None)
        if after.now is not None:
            incidents[look.key] = after.now
            seen.append(look.key)
        if after.resolved is not None:
            over.append(after.resolved)
    changes = [change for key in seen if (change := _due(key, incidents, board, terms))]
    said = [
        _said(_alerts(changes), wording.alert, incidents, terms),
        _said([c for c in changes if c.transition is Transition.REMINDER], wording.reminder, incidents, terms),
        _said(_recoveries(over), wording.recovery, incidents, terms),
    ]
    told = [message for message in said if message is not None and message.targets]
    for message in told:
        for change in message.changes:
            if change.transition is not Transition.RESOLVED:
                key = change.incident.key
                incidents[key] = replace(change.incident, told=_heard(change, message.targets, terms.now))
    outgoing = tuple(Outgoing(target, message.notice) for message in told for target in message.targets)
    unheard = [Change(one, Transition.RESOLVED, "nobody was told of it") for one in over if one.told is None]
    return Decision(
        replace(board, incidents=incidents, pending=(*board.pending, *outgoing)),
        (*(change for message in told for change in message.changes), *unheard),
        tuple(message.notice for message in told),
    )


def keeps_quiet(incident: Incident, incidents: Mapping[str, Incident], board: Board, terms: Terms) -> str:
    """Why nobody is told that it is broken; empty when nothing stands against it."""
    if root := root_of(incident.key, incidents):
        return f"part of {root}"
    if any(silence.covers(incident.key, terms.now) for silence in terms.silences):
        return "silenced"
    if incident.may_be_starting and terms.now < board.started_at + terms.policy.grace:
        return "may be starting"
    return ""


@dataclass(frozen=True, slots=True)
class _Message:
    notice: Notice
    targets: tuple[str, ...]
    changes: Sequence[Change]


def _one_per_key(looks: Iterable[Observation]) -> list[Observation]:
    worst: dict[str, Observation] = {}
    for look in map(tidy, looks):
        if look.key not in worst or (look.severity or Level.INFO) > (worst[look.key].severity or Level.INFO):
            worst[look.key] = look
    return list(worst.values())


def _due(key: str, incidents: Mapping[str, Incident], board: Board, terms: Terms) -> Change | None:
    incident = incidents[key]
    if incident.opened_at is None or incident.observed is None or not incident.down:
        return None
    transition = _transition(incident, terms)
    if transition is None or keeps_quiet(incident, incidents, board, terms):
        return None
    return Change(incident, transition)


def _transition(incident: Incident, terms: Terms) -> Transition | None:
    if incident.told is None:
        return Transition.FLAPPING if incident.flapping else Transition.OPENED
    if incident.severity > incident.told.severity:
        return Transition.RISEN
    if incident.flapping or incident.acknowledged_by or terms.now - incident.told.at < terms.policy.reminder:
        return None
    return Transition.REMINDER


def _alerts(changes: Iterable[Change]) -> list[Change]:
    return [change for change in changes if change.transition is not Transition.REMINDER]


def _recoveries(over: Iterable[Incident]) -> list[Change]:
    return [Change(incident, Transition.RESOLVED) for incident in over if incident.told is not None]


def _said(
    changes: Sequence[Change], words: wording.Words, incidents: Mapping[str, Incident], terms: Terms
) -> _Message | None:
    if not changes:
        return None
    ranked = sorted(changes, key=lambda change: (-change.incident.severity, change.incident.bad_since or terms.now))
    folded: dict[str, list[Incident]] = {change.incident.key: [] for change in ranked}
    for key, incident in incidents.items():
        if incident.opened_at is not None and (root := root_of(key, incidents)) in folded:
            folded[root].append(incident)
    subjects = [wording.Subject(c.incident, c.transition, tuple(folded[c.incident.key])) for c in ranked]
    text = words(subjects, terms.source)
    notice = Notice(
        key=ranked[0].change_id,
        event=text.event,
        level=text.level,
        title=text.title,
        body=text.body,
        occurred_at=terms.now,
        fields=(("run", terms.run_id),),
        link=terms.page_of(ranked[0].incident.incident_id),
    )
    earlier = {target for change in changes if change.incident.told for target in change.incident.told.to}
    if words is wording.alert:
        earlier |= set(terms.route(text.event, text.level))
    return _Message(notice, tuple(target for target in terms.targets if target in earlier), ranked)


def _heard(change: Change, targets: tuple[str, ...], now: datetime) -> Told:
    before = change.incident.told
    to = tuple(dict.fromkeys((*(before.to if before else ()), *targets)))
    reminders = before.reminders if before else 0
    return Told(change.incident.severity, now, to, reminders + (change.transition is Transition.REMINDER))
