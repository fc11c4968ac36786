"""Random histories: the limits judged by looks and lists, against an oracle that knows what every position was."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations

from tradeops.domain.brake_targets import STRATEGIES
from tradeops.domain.day_start import Worth, observed
from tradeops.domain.loss_limits import Limit, Limits, Own, judge
from tradeops.domain.losses import Facts
from tradeops.domain.portfolio.portfolio import ClosedTrade, OpenTrade, Side

NOW = datetime(2026, 11, 25, 15, tzinfo=UTC)
MIDNIGHT = NOW.replace(hour=0)
ONE = Decimal(1)
RSI, MACD = STRATEGIES["rsi"], STRATEGIES["macd"]
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
MAPS: tuple[Mapping[str, tuple[str, ...]], ...] = (
    {},
    {RSI: ("ETHUSDT",)},
    {RSI: ("BTCUSDT", "ETHUSDT"), MACD: ("ETHUSDT", "SOLUSDT")},
)
OWNS: tuple[Mapping[str, Own], ...] = (
    {},
    {"symbol:ETHUSDT": Own(Decimal(5)), RSI: Own(Decimal(8), 3), "portfolio": Own(consecutive_losses=6)},
)

Found = set[tuple[str, Limit | None]]  # `None` is "it may be too much"


@dataclass(frozen=True)
class Life:
    """A position, from its opening to its end.

    Attributes:
        closed: seconds from midnight, like `opened`; `None` is that it is still open.
        near: worth at every moment of the time around midnight in which nothing moves.
        last: worth at its end, or now.
    """

    name: str
    symbol: str
    strategy: str | None
    opened: int
    closed: int | None
    near: int
    last: int

    def is_open(self, at: int) -> bool:
        return self.opened <= at and (self.closed is None or self.closed > at)


@dataclass(frozen=True)
class History:
    """What happened, and what is seen of it."""

    initial: int
    lives: tuple[Life, ...]
    looks: tuple[int, ...]
    names_closed: bool
    names_open: bool
    released: Mapping[str, int]
    limits: Limits

    @property
    def begins(self) -> int:
        """Of the time in which nothing moves but positions opened in it after midnight."""
        return min(0, *self.looks)

    def worth(self, life: Life, at: int) -> int:
        """Near midnight: what was opened between a look and 00:00 has not moved yet."""
        return 0 if self.begins <= life.opened < 0 and at <= max(0, *self.looks) else life.near

    def equity(self, at: int) -> int:
        ended = sum(life.last for life in self.lives if life.closed is not None and life.closed <= at)
        return self.initial + ended + sum(self.worth(life, at) for life in self.lives if life.is_open(at))

    def lost_today(self, life: Life) -> int:
        if life.closed is not None and life.closed < 0:
            return 0
        return (self.worth(life, 0) if life.opened < 0 else 0) - life.last

    def says(self, life: Life) -> str | None:
        """What the engine says of its strategy."""
        return life.strategy if (self.names_open if life.closed is None else self.names_closed) else None

    def owner(self, life: Life) -> str | None:
        owners = [name for name, symbols in self.limits.symbols_of.items() if life.symbol in symbols]
        return self.says(life) or (owners[0] if len(owners) == 1 else None)

    def may_be_of(self, life: Life, name: str) -> bool:
        """Whether it counts today, and as far as anybody can tell was opened by this strategy or another."""
        its = self.limits.symbols_of.get(name)
        is_of_today = life.closed is None or (its is not None and life.closed >= 0)
        return is_of_today and self.owner(life) is None and (its is None or life.symbol in its)


def moment(seconds: int) -> datetime:
    return MIDNIGHT + timedelta(seconds=seconds)


def histories(chance: random.Random, count: int) -> Iterator[History]:
    for _ in range(count):
        looks = chance.choice(((-3,), (2,), (-480,), (540,), (-420, 300), (-8, 7)))
        first, last = min(0, *looks), max(0, *looks)
        bias, lives = chance.choice((0.3, 0.5, 0.95)), []
        for number in range(chance.randint(0, 14)):
            opened = chance.choice(
                (chance.randint(-90_000, -601), chance.randint(-600, 600), chance.randint(601, 53_000))
            )
            near_by = chance.random() < 0.3 and opened < last
            closed = chance.randint(max(opened, first), last) if near_by else chance.randint(opened, 54_000)
            lost = chance.randint(1, chance.choice((90, 400, 900))) * (-1 if chance.random() < bias else 1)
            near = chance.randint(-600, 300)
            if first == 0 and opened < 0 <= closed <= last:
                near = 0  # nobody saw what it was worth at midnight: this much is not known, and the docstring says so
            strategy = chance.choice((RSI, MACD, None))
            ended = None if chance.random() < 0.2 else closed
            lives.append(Life(f"t{number}", chance.choice(SYMBOLS), strategy, opened, ended, near, lost))
        targets = ("portfolio", RSI, *(f"symbol:{symbol}" for symbol in SYMBOLS))
        released = {chance.choice(targets): chance.randint(-9_000, 50_000)} if chance.random() < 0.2 else {}
        limits = Limits(own=chance.choice(OWNS), symbols_of=chance.choice(MAPS))
        named = chance.choice(((True, True), (True, False), (False, False)))
        initial = chance.choice((500, 5_000, 10_000))
        yield History(initial, tuple(lives), looks, *named, released, limits)


def seen(history: History, chance: random.Random) -> Facts:
    """The same as the guard sees it: looks with marks, trades in any order, names as engines spell them."""
    closed, opened = [], []
    for life in history.lives:
        name = history.says(life)
        name = name if name is None or chance.random() < 0.5 else name.split()[0].lower()
        begun, last = moment(life.opened), Decimal(life.last)
        if life.closed is None:
            mark = OpenTrade(life.name, life.symbol, Side.LONG, ONE, ONE, 1, begun, last, strategy=name)
            opened.append(mark)
        else:
            end = moment(life.closed)
            closed.append(
                ClosedTrade(life.name, life.symbol, Side.LONG, ONE, ONE, ONE, 1, last, begun, end, strategy=name)
            )
    chance.shuffle(closed)
    looks = [
        Worth(
            moment(at),
            Decimal(history.equity(at)),
            {life.name: Decimal(history.worth(life, at)) for life in history.lives if life.is_open(at)},
        )
        for at in history.looks
    ]
    start = observed(looks, closed, opened, now=NOW)
    assert start is not None
    assert start.observed is any(abs(at) <= 15 for at in history.looks)
    released = {target: moment(at) for target, at in history.released.items()}
    return Facts(NOW, NOW, start, Decimal(1), tuple(opened), tuple(closed), released=released)


def truth(history: History) -> Found:
    """What is too much, and what may be, by all that happened."""
    lives = history.lives
    named = {name for life in lives if (name := history.says(life))}
    found = judge_one(history, "portfolio", lives)
    for symbol in SYMBOLS:
        found |= judge_one(history, f"symbol:{symbol}", [life for life in lives if life.symbol == symbol])
    for name in named | set(history.limits.symbols_of):
        mine = [life for life in lives if history.owner(life) == name]
        found |= judge_one(history, name, mine, [life for life in lives if history.may_be_of(life, name)])
    return found


def judge_one(history: History, target: str, mine: Sequence[Life], others: Sequence[Life] = ()) -> Found:
    """Of one target; `others` may be its or not, so that every choice among them is tried."""
    own, since = history.limits.own.get(target, Own()), history.released.get(target, -1_000_000)

    def is_too_much(some: Iterable[Life]) -> bool:
        loss = sum(history.lost_today(life) for life in some if since <= 0 or life.opened > since)
        return loss > 0 and loss * 100 > history.equity(-1) * (own.daily_loss_percent or 10)

    found: Found = set()
    if is_too_much(mine):
        found.add((target, Limit.DAILY_LOSS))
    elif any(is_too_much([*mine, *some]) for size in range(len(others) + 1) for some in combinations(others, size)):
        found.add((target, None))
    streak = 0
    for closed, _, pnl in sorted((life.closed, life.name, life.last) for life in mine if life.closed is not None):
        if closed > since:
            streak = streak + 1 if pnl < 0 else 0
    return found | ({(target, Limit.LOSSES_IN_A_ROW)} if streak > (own.consecutive_losses or 10) else set())


def told(facts: Facts, limits: Limits) -> Found:
    verdict = judge(facts, limits)
    return {(breach.target, breach.limit) for breach in verdict.breaches} | {
        (reason.split(" may have lost")[0], None) for reason in verdict.unknown
    }


def test_ten_thousand_random_histories_are_judged_like_an_oracle_that_saw_all() -> None:
    chance, fired = random.Random(6), Counter[Limit | str | None]()  # noqa: S311 - a seeded play
    for history in histories(chance, 10_000):
        facts, expected = seen(history, chance), truth(history)
        assert facts.day_start.equity == history.equity(-1), history
        assert told(facts, history.limits) == expected, history
        fired.update({limit for _, limit in expected} or {"quiet"})
    assert min(fired[one] for one in (*Limit, None, "quiet")) > 500
