"""The brake: switches a strategy, a symbol or everything off at the engine, and is not content before it has seen it.

It needs the engine and a local file, and nothing else: no Prefect, no store, no language model, no channel. What those
are told of it is told afterwards, from that file. Open positions stay open; the engine goes on supervising them.
"""

import asyncio
import logging
from collections.abc import Collection

from tradeops.adapters.engine.client import EngineClient
from tradeops.domain.brake_targets import Mapped, named
from tradeops.domain.brakes import Order
from tradeops.errors import RejectedError, TradeOpsError
from tradeops.jobs.brake.journal import Journal
from tradeops.jobs.brake.pull import PACE, Outcome, Pace, Pull, ReleasedError

log = logging.getLogger(__name__)


async def brake(
    engine: EngineClient,
    journal: Journal,
    order: Order,
    *,
    mapped: Mapped,
    known: Collection[str] = (),
    pace: Pace = PACE,
    again: str = "",
) -> Outcome:
    """Switch the target off and see that it is; trouble is in the outcome. An order may be given any number of times.

    Args:
        engine: where.
        journal: of this machine; one that cannot be written does not stop the brake.
        order: what and why.
        mapped: the symbols of each strategy; all of them where it says nothing.
        known: targets that are none of ours and all the same there: the engine itself has named them.
        pace: how long to try.
        again: the incident that the order is to hold; once somebody has released that, nothing is done.

    Raises:
        RejectedError: no such strategy or symbol; names those that there are.
    """
    clear = _clear(order, (*mapped, *known, *_standing_in(journal)))
    pull = Pull(engine, journal, clear, mapped, pace, again)
    async with journal.lock(clear.target) as alone, journal.at_work(clear.target):
        pull.mark("has its turn" if alone else "does not wait for others any longer")
        try:
            async with asyncio.timeout(pace.whole.total_seconds()):
                await pull.run()
        except TimeoutError:
            pull.problem = pull.problem or f"the engine did not get it done within {pace.whole.total_seconds():g} s"
        except ReleasedError:
            pull.released = True
        except RejectedError:
            raise
        except Exception as error:
            log.exception("the brake broke")
            pull.confirmed = False
            pull.problem = f"our own code broke ({type(error).__name__}, see the log)"
        return pull.outcome()


def _clear(order: Order, known: Collection[str]) -> Order:
    try:
        return order.aimed_at(named(order.target, known))
    except ValueError as error:
        raise RejectedError("brake", str(error)) from error


def _standing_in(journal: Journal) -> tuple[str, ...]:
    try:
        return tuple(journal.standing())
    except TradeOpsError:  # the brake says so itself
        return ()
