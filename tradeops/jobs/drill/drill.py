"""A drill: the brake, the channels and what else must work on a bad night are exercised on a canary, and measured.

The ground is a sandbox, or one symbol of a real bot that its operator has named for it; never anything else. What the
drill switches off it switches on again, unless somebody has braked in earnest meanwhile. Its journal is its own, so
that the guard does not hold what was only an exercise.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tradeops.adapters.engine.client import EngineClient
from tradeops.domain.brake_targets import SYMBOL, Mapped, symbol_of
from tradeops.domain.brakes import Kind, Order, Record, holds
from tradeops.domain.drills import Drill, Exercise, Outcome
from tradeops.domain.notices import Level, Notice
from tradeops.errors import RejectedError, TradeOpsError, UnavailableError
from tradeops.jobs.alerts.past_outbox import send_past_outbox
from tradeops.jobs.brake.brake import brake
from tradeops.jobs.brake.journal import Journal
from tradeops.jobs.brake.releases import hand_over
from tradeops.jobs.drill import paths
from tradeops.settings import Settings
from tradeops.wiring import open_channels

FOLDER = "drill"
LONGEST_BRAKE = timedelta(seconds=10)
READ_BACKS = (0.1, 0.3, 1.0, 3.0)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the drill takes place.

    Attributes:
        symbol: the canary.
        is_sandbox: of a bot that only pretends.
    """

    symbol: str
    is_sandbox: bool

    @property
    def words(self) -> str:
        """`sandbox (BTCUSDT)` or `symbol DOGEUSDT`."""
        return f"sandbox ({self.symbol})" if self.is_sandbox else f"symbol {self.symbol}"


async def ground_of(engine: EngineClient, *, named: str | None) -> Ground:
    """The canary that was named; of a sandbox, any.

    Raises:
        RejectedError: a real bot, and no canary is named; or one that it does not trade.
        TradeOpsError: the engine does not answer.
    """
    is_sandbox = await engine.is_sandbox()
    there = await engine.levers.switches()
    if named is not None and named not in there:
        raise RejectedError("drill", f"the bot does not trade {named}", remedy=f"it trades {', '.join(there)}")
    if named is None and not is_sandbox:
        remedy = "name one of its symbols with --symbol or TRADEOPS_CANARY_SYMBOL"
        raise RejectedError("drill", f"{engine.base_url} is no sandbox, and no canary is named", remedy=remedy)
    if named is None and not there:
        raise RejectedError("drill", "the sandbox trades nothing")
    return Ground(named or next(iter(there)), is_sandbox)


async def drill(engine: EngineClient, settings: Settings, ground: Ground, *, operator: str) -> Drill:
    """Do all exercises, one after the other; what goes wrong is in the result.

    Args:
        engine: of the ground.
        settings: of the installation.
        ground: as `ground_of` found it.
        operator: who drills.
    """
    started = datetime.now(UTC)
    exercises = [
        await _exercised("brake", lambda: _brake(engine, settings, ground, operator)),
        await _exercised("notification", lambda: _notification(settings, ground, operator)),
        await _exercised(paths.LLM_DOWN, lambda: paths.llm_down(engine, settings)),
        await _exercised(paths.ROLLBACK, lambda: paths.rollback(settings)),
    ]
    name = f"drill-{started:%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"
    return Drill(name, ground.words, operator, started, datetime.now(UTC), tuple(exercises))


async def _exercised(name: str, exercise: Callable[[], Awaitable[Exercise]]) -> Exercise:
    try:
        return await exercise()
    except TradeOpsError as error:
        return Exercise(name, Outcome.FAILED, error.problem)
    except Exception as error:
        log.exception("the drill broke")
        return Exercise(name, Outcome.FAILED, f"our own code broke ({type(error).__name__}, see the log)")


async def _brake(engine: EngineClient, settings: Settings, ground: Ground, operator: str) -> Exercise:
    """Switch the canary off, see that nothing else changed, and switch it on again."""
    target, journal = SYMBOL + ground.symbol, Journal(settings.home_folder / FOLDER)
    in_earnest = Journal(settings.home_folder)
    mapped = settings.strategy_symbols
    for left in journal.standing():  # a drill before this one may have been broken off
        await _switch_on(engine, journal, in_earnest, symbol_of(left) or "", mapped)
    if any(holds(one, ground.symbol, mapped) for one in in_earnest.standing().values()):
        return Exercise("brake", Outcome.FAILED, f"{ground.symbol} is switched off in earnest; release it first")
    before = await engine.levers.switches()
    if not before[ground.symbol].enabled:
        return Exercise("brake", Outcome.FAILED, f"{ground.symbol} is off already; a canary must be on")
    began = time.perf_counter()
    try:  # whoever breaks it off in the middle gets the canary back, too
        outcome = await brake(engine, journal, Order(target, "a drill", operator), mapped=mapped)
        took = timedelta(seconds=time.perf_counter() - began)
        after = await engine.levers.switches()
    finally:
        await _switch_on(engine, journal, in_earnest, ground.symbol, mapped)
    if not outcome.confirmed or after[ground.symbol].enabled:
        return Exercise("brake", Outcome.FAILED, f"{ground.symbol} is NOT CONFIRMED off: {outcome.problem}", took)
    touched = sorted(s for s in before if s != ground.symbol and (s not in after or after[s].entry != before[s].entry))
    if touched:
        return Exercise("brake", Outcome.FAILED, f"it changed more than the canary: {', '.join(touched)}", took)
    if took > LONGEST_BRAKE:
        return Exercise("brake", Outcome.FAILED, f"off, but only after {took.total_seconds():.1f} s", took)
    return Exercise("brake", Outcome.PASSED, f"{ground.symbol} off and on again, by {outcome.method}", took)


async def _switch_on(engine: EngineClient, journal: Journal, in_earnest: Journal, symbol: str, mapped: Mapped) -> None:
    """Give back what a drill took; where somebody has braked in earnest since, the release of that does."""
    standing = journal.standing().get(SYMBOL + symbol)
    if standing is None:
        return
    now = datetime.now(UTC)
    if symbol not in hand_over(in_earnest, standing, mapped, now):
        for pause in READ_BACKS:
            there = await engine.levers.switches()
            if symbol not in standing.switched_off or symbol not in there or there[symbol].enabled:
                break
            await engine.levers.put_switches([there[symbol].turned(on=True)])
            await asyncio.sleep(pause)
        else:
            problem = f"{symbol} could not be switched on again after the drill"
            raise UnavailableError("drill", problem, remedy="switch it on at the engine")
    body = {"reason": "end of the drill", "operator": standing.actor}
    journal.append(Record(Kind.RELEASE, standing.target, standing.incident_id, now, body))


async def _notification(settings: Settings, ground: Ground, operator: str) -> Exercise:
    """Send a message that says it is an exercise through every channel, past the outbox."""
    now = datetime.now(UTC)
    body = f"Nothing is wrong: {operator} drills the brake on {ground.words}. You would be told like this."
    notice = Notice(f"drill-{uuid4()}", "drill", Level.INFO, "This is a drill", body, now)
    async with open_channels(settings) as channels:
        if not channels:
            return Exercise("notification", Outcome.NOT_CONFIGURED, "no channel is set up")
        began = time.perf_counter()
        failures = await send_past_outbox(channels, notice)
        took = timedelta(seconds=time.perf_counter() - began)
    problems = "; ".join(f"{name}: {failure.problem}" for name, failure in failures.items() if failure is not None)
    if problems:
        return Exercise("notification", Outcome.FAILED, problems, took)
    return Exercise("notification", Outcome.PASSED, f"accepted by {', '.join(channels)}", took)
