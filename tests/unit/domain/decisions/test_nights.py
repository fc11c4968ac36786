"""Thousands of simulated nights: no retrain without every rule, no two within the cooldown, never over budget.

The simulation keeps its own books, and checks each start against them, not against what the gate said.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.unit.domain.decisions.builders import HOUR, evidence, proposal, week
from tradeops.domain.decisions import board as rules
from tradeops.domain.decisions.board import Board
from tradeops.domain.decisions.evidence import Evidence, Missing, Retrain, Spending, Training
from tradeops.domain.decisions.gate import Policy, judge
from tradeops.domain.llm import BudgetLimits, Ledger, Proposal, Recommendation, Reservation, Settled, budget_state

DAY = timedelta(days=1)
BEGIN = datetime(2026, 1, 1, 3, tzinfo=UTC)
BOUND = Decimal("0.02")
LIMITS = BudgetLimits(Decimal("0.06"), Decimal("0.10"), Decimal("0.60"), 5, 24)


@dataclass
class World:
    dice: random.Random
    board: Board = field(default_factory=Board)
    ends: list[tuple[datetime, datetime]] = field(default_factory=list)  # of retrains: decided, ended
    rollbacks: list[datetime] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    ledger: Ledger = field(default_factory=lambda: Ledger({}, {}, {}))
    starts: int = 0

    def vote(self) -> Proposal | None:
        if self.dice.random() < 0.1:
            return None
        what = self.dice.choices(list(Recommendation), [7, 2, 1])[0]
        return proposal(what, str(self.dice.choice([0.3, 0.65, 0.7, 0.7000001, 0.8, 0.95])))

    def evidence(self, now: datetime) -> Evidence:
        ended = [Retrain(f"r{n}", end) for n, (_, end) in enumerate(self.ends) if end <= now]
        known = {one.key: one for one in (*self.board.retrains, *ended)}
        running = any(begin <= now < end for begin, end in self.ends)
        trades = self.dice.choice([0, 9, 10, 40, 80])
        age = self.dice.choice([1, 23, 25]) * HOUR
        training = Training(
            now,
            tuple(known.values()),
            max((one for one in self.rollbacks if one <= now), default=None),
            "a-run" if running else "",
        )
        state = budget_state(self.ledger, self.settled, LIMITS, now)
        spent = Spending(
            now, state.day_usd, state.month_usd, LIMITS.day_usd, state.month_limit_usd, refusal=state.refusal
        )
        return evidence(
            gathered_at=now,
            performance=week(total_trades=trades, as_of=now - age, date=now.date()),
            training=Missing("damaged") if self.dice.random() < 0.03 else training,
            spending=spent,
        )

    def ask(self, now: datetime, name: str) -> list[Proposal | None]:
        """Three votes, each paid within what the ledger allows; one that may not be paid is missing."""
        votes: list[Proposal | None] = []
        for number in range(3):
            wanted = Reservation(f"{name}:{number}", name, now, BOUND)
            if budget_state(self.ledger, self.settled, LIMITS, now).refuses(name, BOUND):
                votes.append(None)
                continue
            self.ledger = self.ledger.reserved(wanted)
            paid = BOUND * Decimal(self.dice.choice(["0.1", "0.5", "1"]))
            self.settled.append(Settled(wanted.key, name, now, paid))
            self.ledger = self.ledger.without([wanted.key])
            votes.append(self.vote())
        return votes


def moments(dice: random.Random, nights: int) -> Iterator[datetime]:
    """Each night at three, sometimes twice, and now and then by day."""
    for night in range(nights):
        yield BEGIN + night * DAY
        for _ in range(dice.choice([0, 0, 1, 3])):
            yield BEGIN + night * DAY + timedelta(minutes=dice.randint(1, 23 * 60))


@pytest.mark.parametrize("seed", range(2))
def test_a_thousand_nights(seed: int) -> None:
    world = World(random.Random(seed))  # noqa: S311 - a simulation
    policy = Policy()
    for number, now in enumerate(sorted(moments(world.dice, 1000))):
        rests_on = world.evidence(now)
        assert not isinstance(rests_on.spending, Missing)
        if rests_on.spending.refusal:
            continue
        votes = world.ask(now, f"night-{number}")
        verdict = judge(votes, rests_on, policy)
        claimed = rules.claimed(world.board, f"r{len(world.ends)}", "run", now=now)
        assert claimed
        if verdict.start_retrain:
            check(world, rests_on, votes, now)
            end = now + timedelta(hours=world.dice.uniform(0.2, 5))
            key = f"r{len(world.ends)}"
            world.board = rules.finished(rules.committed(claimed, key, {}, start_retrain=True, now=now), key)
            world.ends.append((now, end))
            world.starts += 1
            if world.dice.random() < 0.2:
                world.rollbacks.append(end + timedelta(hours=world.dice.uniform(1, 40)))
        world.board = rules.released(world.board, "run")
        spent_within(world, now)
        world.settled = [one for one in world.settled if now - one.at < 32 * DAY]
    assert world.starts > 20  # or the test would show nothing


def check(world: World, rests_on: Evidence, votes: list[Proposal | None], now: datetime) -> None:
    mine = sorted(one.confidence for one in votes if one and one.recommendation is Recommendation.RETRAIN)
    assert len(mine) >= 2
    assert (mine[(len(mine) - 1) // 2] + mine[len(mine) // 2]) / 2 > Decimal("0.7")
    assert not isinstance(rests_on.performance, Missing)
    assert rests_on.performance.total_trades >= 10
    assert now - rests_on.performance.as_of <= DAY
    for begin, end in world.ends:
        assert now - begin >= DAY
        assert end <= now
        assert now - end >= DAY
    assert sum(now - end < 7 * DAY for _, end in world.ends) < 2
    assert all(now - back >= DAY for back in world.rollbacks if back <= now)


def spent_within(world: World, now: datetime) -> None:
    today = sum((one.usd for one in world.settled if one.at.date() == now.date()), Decimal(0))
    month = sum((one.usd for one in world.settled if (one.at.year, one.at.month) == (now.year, now.month)), Decimal(0))
    assert today <= LIMITS.day_usd
    assert month <= LIMITS.month_usd
