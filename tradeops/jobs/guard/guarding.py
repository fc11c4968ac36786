"""Opens what the guard needs and lets it poll until cancelled."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

from tradeops.errors import ContractError, TradeOpsError
from tradeops.jobs.brake.hold import Hold
from tradeops.jobs.brake.journal import Journal
from tradeops.jobs.brake.records import replay
from tradeops.jobs.guard.aside import Aside, open_aside
from tradeops.jobs.guard.guard import Guard, Terms
from tradeops.jobs.guard.sight import Eyes
from tradeops.jobs.monitoring import pulse
from tradeops.settings import Settings
from tradeops.wiring import open_quick_engine

REMEMBER_WITHIN = timedelta(seconds=2)

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_guard(settings: Settings) -> AsyncGenerator[Guard | None]:
    """The guard of the engine at RUST_API_URL, which remembers what the store knows; `None` without an engine.

    A store that does not answer costs two seconds; what it knows is remembered as soon as it does.
    """
    async with open_quick_engine(settings) as engine, open_aside(settings) as aside:
        if engine is None:
            yield None
            return
        journal = Journal(settings.home_folder)
        hold = Hold(engine, journal, aside, settings.strategy_symbols)
        terms = Terms(
            settings.loss_limits(stale_after=settings.stale_after, marks_still_after=settings.marks_still_after),
            blind_after=timedelta(seconds=settings.guard_blind_seconds),
            disable_when_unknown=settings.disable_when_unknown,
        )
        guard = Guard(terms, Eyes(engine), hold, aside)
        await _remember(guard, aside)
        aside.keep("journal", lambda store: replay(journal, store))
        try:
            yield guard
        finally:
            await hold.end()


async def _remember(guard: Guard, aside: Aside) -> None:
    try:
        async with asyncio.timeout(REMEMBER_WITHIN.total_seconds()):
            await guard.remember(await aside.store())
    except ContractError as error:  # it will read no better later
        log.warning("the guard stands without all that the store knows: %s", error)
    except (TradeOpsError, TimeoutError) as error:
        log.warning("what the store knows comes later: %s", str(error) or "it did not answer in time")
        aside.keep("memory", guard.remember)
    except Exception:
        log.exception("the guard stands without what the store knows: our own code broke")


async def stand_guard(settings: Settings) -> None:
    """Poll every TRADEOPS_GUARD_SECONDS until cancelled; returns at once without an engine."""
    async with open_guard(settings) as guard:
        if guard is None:
            log.info("RUST_API_URL is not set: no limits are watched")
            return
        log.info("guarding every %g s: %s", settings.guard_seconds, settings.rust_api_url)
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await guard.poll()
            pulse.beat(settings.home_folder, pulse.GUARD)
            due = max(due + settings.guard_seconds, loop.time())
            await asyncio.sleep(due - loop.time())
