"""The long-lived guard: sends what waits, and notices when jobs, Prefect or the store are gone. Needs neither of them.

Two halves in one process, once per installation; neither waits for the other, and neither holds anything in memory that
it could not lose. The first is here: the dead-man's switch. The second looks after the limits of losses and brakes:
`tradeops.jobs.guard.guard`.
"""

import asyncio
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tradeops.adapters.notify.channel import Channel
from tradeops.adapters.outside_watch.client import OutsideWatch
from tradeops.adapters.store import Store
from tradeops.domain.incidents.model import Observation
from tradeops.domain.notices import Level, Notice
from tradeops.errors import MisconfiguredError, TradeOpsError, UnavailableError
from tradeops.jobs.alerts import alerting, incidents, standin
from tradeops.jobs.alerts.past_outbox import send_past_outbox, tell_directly
from tradeops.jobs.alerts.standin import StandIn
from tradeops.jobs.ending import end
from tradeops.jobs.guard.guarding import stand_guard
from tradeops.jobs.monitoring import pulse
from tradeops.jobs.monitoring.lost_runs import LostRuns
from tradeops.jobs.monitoring.watch import Post, look
from tradeops.jobs.only_one import only_one
from tradeops.jobs.races import until_first
from tradeops.jobs.upkeep import retention
from tradeops.settings import Settings
from tradeops.wiring import open_channels, open_outside_watch, open_services, our_store

COLLECTION, DOCUMENT = "watchdog", "presence"
ABSENT_AFTER = timedelta(minutes=10)
FAILURES_UNTIL_TOLD = 2
MOST_THREADS = 40
UPKEEP_SECONDS = 5

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Watch:
    """One watchdog at work.

    Attributes:
        lost_runs: listens for runs of Prefect's; `None` without a Prefect.
        stand_in: the copy on this machine, while our store is a MongoDB.
        store_failures: rounds in a row in which the store was down; told once, past the outbox if that is down with it.
        mute_rounds: rounds in a row that came to nothing though the store answers; told once, past the outbox.
        pinged_at: when somebody outside was last told that we are alive.
    """

    settings: Settings
    store: Store
    post: Post
    channels: dict[str, Channel]
    outside: OutsideWatch | None
    stand_in: StandIn | None = None
    lost_runs: LostRuns | None = None
    store_failures: int = 0
    mute_rounds: int = 0
    pinged_at: datetime | None = None

    async def round(self) -> bool:
        """Look, count, send; whether all of it was possible. What goes wrong is logged and told, never raised."""
        try:
            return await self._round(datetime.now(UTC))
        except Exception:
            log.exception("the watchdog broke")
            return False

    async def _round(self, now: datetime) -> bool:
        try:
            since = await present(self.store, now=now)
            seen = await look(self.post, watched_since=since, now=now)
            if self.lost_runs is not None:
                seen += await self.lost_runs.look(now=now, watched_since=since)
        except (TradeOpsError, TimeoutError) as error:
            problem = str(error) or "the store did not answer in time"
            log.warning("this round was not counted: %s", problem)
            await self._store_is_down(problem, now)
            return False
        except Exception as error:
            log.exception("the watchdog broke")
            await self._is_mute(_broken(error), now)
            return False
        if self.store_failures >= FAILURES_UNTIL_TOLD and self.stand_in is None:
            await self._tell_directly("the store is back", "The watchdog counts and sends again.", Level.INFO, now)
        self.store_failures = 0
        if problem := await self._count(seen, now, source="job"):
            await self._is_mute(problem, now)
            return False
        if self.mute_rounds >= FAILURES_UNTIL_TOLD:
            await self._tell_directly("the watchdog speaks again", "It counts and sends.", Level.INFO, now)
        self.mute_rounds = 0
        if self.lost_runs is not None:
            await self.lost_runs.told(now=now)
        await self._ping(now)
        await self._shorten(now)
        return True

    async def _count(self, seen: list[Observation], now: datetime, *, source: str) -> str:
        """Why it was not possible; empty when it was."""
        run_id = f"watchdog-{now:%Y%m%dT%H%M%S.%f}"
        try:
            counted = await standin.observe(self, self.stand_in, seen, source=source, run_id=run_id, now=now)
            for notice in counted.notices:
                log.info("%s: %s", notice.level.word, notice.title)
            problems = await alerting.deliver(self, self.stand_in, self.channels, owner=f"watchdog-{os.getpid()}")
        except TradeOpsError as error:
            log.warning("this round was not counted: %s", error)
            return str(error)
        except Exception as error:
            log.exception("the watchdog broke")
            return _broken(error)
        for problem in problems:
            log.error(problem)
        return ""

    async def _is_mute(self, problem: str, now: datetime) -> None:
        self.mute_rounds += 1
        if self.mute_rounds == FAILURES_UNTIL_TOLD:
            text = f"It can tell of no incident: {problem}"
            await self._tell_directly("the watchdog is mute", text, Level.CRITICAL, now)

    async def _store_is_down(self, problem: str, now: datetime) -> None:
        self.store_failures += 1
        text = f"nothing can be kept: {problem}"
        if self.stand_in is not None:  # then our store is the bot's MongoDB; the health check ends its incident
            down = Observation("mongodb", Level.CRITICAL, text, now, may_be_starting=True)
            await self._count([down], now, source="health")
        elif self.store_failures == FAILURES_UNTIL_TOLD:
            await self._tell_directly("the store is down", f"Alerts wait, since {text}", Level.CRITICAL, now)

    async def _tell_directly(self, title: str, body: str, level: Level, now: datetime) -> None:
        notice = Notice(f"watchdog-store-{now:%Y%m%dT%H%M%S}", "store_down", level, title, body, now)
        for failure in filter(None, (await send_past_outbox(self.channels, notice)).values()):
            log.warning("%s", failure)

    async def _shorten(self, now: datetime) -> None:
        try:
            async with asyncio.timeout(UPKEEP_SECONDS):
                await retention.shorten(self.store, retention.kept_for(self.settings), now=now)
        except (TradeOpsError, TimeoutError) as error:
            log.warning("nothing old was deleted: %s", str(error) or "the store took too long")

    async def _ping(self, now: datetime) -> None:
        period = timedelta(seconds=self.settings.watchdog_ping_seconds)
        if self.outside is None:
            return
        if self.pinged_at is not None and self.pinged_at <= now < self.pinged_at + period:  # unless our clock was ahead
            return
        self.pinged_at = now
        try:
            await self.outside.ping()
        except TradeOpsError as error:
            log.warning("nobody outside knows that we are alive: %s", error)


def _broken(error: Exception) -> str:
    return f"our own code broke ({type(error).__name__}, see the log)"


async def present(store: Store, *, now: datetime) -> datetime:
    """Say that somebody watches, and return since when without a longer gap.

    A watchdog that is restarted goes on; one that was away for more than ten minutes begins anew, so that it does not
    blame jobs for what it did not see.

    Raises:
        UnavailableError: the store is down.
        ConflictError: others wrote again and again.
    """

    async def attempt() -> datetime:
        kept = await store.get(COLLECTION, DOCUMENT)
        since = now
        if kept is not None and now - datetime.fromisoformat(str(kept.body["seen"])) <= ABSENT_AFTER:
            since = datetime.fromisoformat(str(kept.body["since"]))
        body = {"since": since.isoformat(), "seen": now.isoformat()}
        await store.put(COLLECTION, DOCUMENT, body, expected_version=None if kept is None else kept.version)
        return since

    return await until_first(attempt, system="store", what="the presence of the watchdog")


def listening(settings: Settings, store: Store, post: Post) -> LostRuns | None:
    """What listens for lost runs; `None` without a Prefect."""
    if post.prefect_api is None:
        return None
    pause = timedelta(seconds=settings.watchdog_seconds)
    return LostRuns(store, post.prefect_api, settings.lost_after, settings.restart_lost_runs, pause)


async def watch(settings: Settings) -> None:
    """Watch and guard until cancelled.

    Raises:
        MisconfiguredError: TRADEOPS_HOME cannot be written.
        UnavailableError: another watchdog of this home runs.
    """
    with only_one(settings.home_folder, "watchdog"):
        # a store that hangs keeps threads; the guard must still find one to look up the engine's name
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(MOST_THREADS))
        halves = [asyncio.create_task(_keep_watch(settings)), asyncio.create_task(_keep_guard(settings))]
        try:
            done, _ = await asyncio.wait(halves, return_when=asyncio.FIRST_EXCEPTION)
            for half in done:
                half.result()
        finally:
            await end(halves, patience=timedelta(seconds=5))


async def _keep_guard(settings: Settings) -> None:
    """The second half; it begins anew after a defect."""
    while True:
        try:
            return await stand_guard(settings)
        except TradeOpsError:
            raise
        except Exception:
            log.exception("the guard broke; it begins anew")
        await asyncio.sleep(settings.guard_seconds)


async def _keep_watch(settings: Settings) -> None:
    """The first half; a store that cannot be opened is told once, and tried again. The guard goes on, come what may."""
    failures = 0
    while True:
        try:
            await _rounds(settings)
        except (UnavailableError, MisconfiguredError) as error:
            failures += 1
            log.warning("the store cannot be opened: %s", error)
            if failures == FAILURES_UNTIL_TOLD:
                await _tell_that_alerts_wait(settings, error.problem)
        except Exception:
            log.exception("the watchdog broke; it begins anew")
        pulse.beat(settings.home_folder, pulse.WATCH)
        await asyncio.sleep(settings.watchdog_seconds)


async def _tell_that_alerts_wait(settings: Settings, problem: str) -> None:
    now = datetime.now(UTC)
    down = Observation("store", Level.CRITICAL, f"alerts wait: {problem}", now)
    try:
        await tell_directly(settings, [down], run_id=f"watchdog-{now:%Y%m%dT%H%M%S}", because="it is down")
    except Exception:
        log.exception("nobody was told that alerts wait")


async def _rounds(settings: Settings) -> None:
    async with (
        open_services(settings) as services,
        open_channels(settings) as channels,
        open_outside_watch(settings) as outside,
        our_store(settings) as store,
        standin.open_stand_in(settings) as stand_in,
    ):
        post = Post(store, services.prefect_api, incidents.targets(settings))
        at_work = Watch(settings, store, post, channels, outside, stand_in, listening(settings, store, post))
        told = ", ".join(channels) or "nobody: no channel is set up"
        log.info("watching every %g s; messages go to %s", settings.watchdog_seconds, told)
        while True:
            await at_work.round()
            pulse.beat(settings.home_folder, pulse.WATCH)
            await asyncio.sleep(settings.watchdog_seconds)
