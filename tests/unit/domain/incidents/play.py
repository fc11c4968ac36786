"""Plays rounds of looks in accelerated time and keeps what was told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tradeops.domain.incidents.model import Observation, Policy, Silence, Transition
from tradeops.domain.incidents.telling import Board, Change, Decision, Terms, decide
from tradeops.domain.notices import Level, Notice

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
POLICY = Policy(grace=timedelta(0))


def look(
    key: str,
    severity: Level | None = None,
    *,
    looks: int = 1,
    depends_on: tuple[str, ...] = (),
    may_be_starting: bool = False,
    at: datetime = NOON,
) -> Observation:
    summary = f"{key} refused" if severity else ""
    return Observation(key, severity, summary, at, looks, depends_on, may_be_starting)


def dead(key: str, *, depends_on: tuple[str, ...] = (), looks: int = 3, may_be_starting: bool = False) -> Observation:
    return look(key, Level.CRITICAL, looks=looks, depends_on=depends_on, may_be_starting=may_be_starting)


@dataclass
class Play:
    """A board that is fed round after round."""

    policy: Policy = POLICY
    silences: Sequence[Silence] = ()
    targets: tuple[str, ...] = ("slack", "email")
    source: str = "health"
    now: datetime = NOON
    board: Board = field(default_factory=lambda: Board(started_at=NOON))
    notices: list[tuple[datetime, Notice]] = field(default_factory=list)
    changes: list[tuple[datetime, Change]] = field(default_factory=list)
    rounds: int = 0

    def see(self, *looks: Observation, after: timedelta = QUARTER, run_id: str | None = None) -> Decision:
        """One round, `after` the one before."""
        self.now += after
        self.rounds += 1
        terms = Terms(
            source=self.source,
            run_id=run_id or f"run-{self.rounds}",
            now=self.now,
            policy=self.policy,
            silences=self.silences,
            route=lambda _, level: self.targets if level >= Level.WARNING else (),
            targets=self.targets,
            page_of="https://desk/incidents/{}".format,
        )
        seen = [
            Observation(o.key, o.severity, o.summary, self.now, o.looks, o.depends_on, o.may_be_starting) for o in looks
        ]
        decision = decide(self.board, seen, terms)
        self.board = decision.board
        self.notices += [(self.now, notice) for notice in decision.notices]
        self.changes += [(self.now, change) for change in decision.changes]
        return decision

    def see_all(self, rounds: Iterable[Sequence[Observation]]) -> None:
        for looks in rounds:
            self.see(*looks)

    @property
    def told(self) -> list[str]:
        """The transition of each notice, by the end of its key."""
        return [notice.key.rpartition(":")[2] for _, notice in self.notices]

    def told_of(self, key: str) -> list[tuple[datetime, Transition]]:
        return [(at, c.transition) for at, c in self.changes if c.incident.key == key and not c.because]
