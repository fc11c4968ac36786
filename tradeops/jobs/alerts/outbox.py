"""Hands waiting messages over to their channels: each run does it once, the watchdog again and again."""

import asyncio
import logging
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tradeops.adapters.notify.channel import Channel, PermanentDeliveryError, TransientDeliveryError
from tradeops.adapters.store import Store
from tradeops.adapters.store.interface import Claim, MessageState
from tradeops.domain.delivery import Accepted, GiveUp, Never, NotNow, Outcome, Standing, TryAgain, next_step
from tradeops.domain.notices import Delivery, Level, Notice, from_body
from tradeops.errors import TradeOpsError
from tradeops.jobs.alerts.past_outbox import hand_over

BOUND = timedelta(seconds=5)
SETTLING = timedelta(seconds=2)
LEASE = timedelta(seconds=60)
AT_ONCE = 50
LONGEST_NOTE = 300

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Delivered:
    """What one round did.

    Attributes:
        handed_over: keys of the messages that were accepted.
        waiting: keys of those that are tried again later.
        given_up: a line for each message that will never arrive, for the report.
        store_problem: why the store ended the round early; empty when it did not.
    """

    handed_over: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    store_problem: str = ""


async def deliver(
    store: Store,
    channels: Mapping[str, Channel],
    *,
    owner: str,
    bound: timedelta = BOUND,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Delivered:
    """Hand over what is due: the channels at once, the messages of one channel one after the other, the oldest first.

    Takes `bound` and a moment to write down what became of each, however slow a channel is. Never raises for a channel
    or the store: what could not be sent waits in the outbox.

    Args:
        store: whose outbox.
        channels: by the name that messages are addressed to; a message to another one is given up.
        owner: of the claims, unique for each process.
        bound: after which nothing more is sent.
        now: the clock.
    """
    told = Delivered()
    try:
        async with asyncio.timeout((bound + SETTLING).total_seconds()):
            claims = await store.claim(owner, now=now(), lease=LEASE, limit=AT_ONCE)
            by_target: dict[str, list[Claim]] = defaultdict(list)
            for claim in claims:
                by_target[claim.message.target].append(claim)
            ends_at = asyncio.get_running_loop().time() + bound.total_seconds()
            rounds = [_Round(store, channels.get(target), told, now, ends_at) for target in by_target]
            await asyncio.gather(*(one.hand_over(by_target[t]) for one, t in zip(rounds, by_target, strict=True)))
    except (TradeOpsError, TimeoutError) as error:
        told.store_problem = str(error) or "the store did not answer in time"
        log.warning("messages wait: %s", told.store_problem)
    return told


@dataclass(frozen=True, slots=True)
class _Round:
    """The messages of one channel."""

    store: Store
    channel: Channel | None
    told: Delivered
    now: Callable[[], datetime]
    ends_at: float

    async def hand_over(self, claims: Sequence[Claim]) -> None:
        tried, pause = 0, None
        while tried < len(claims) and pause is None:
            step = await self._try(claims[tried])
            await self._write(claims[tried], step)
            tried += 1
            if isinstance(step, TryAgain):  # what cannot be reached now is not asked again for each message
                pause = TryAgain(step.at, f"behind another message: {step.why}")
        if pause is not None:  # at once: what a slow store leaves claimed waits until its lease ends
            await asyncio.gather(*(self._write(claim, pause) for claim in claims[tried:]))

    async def _try(self, claim: Claim) -> Accepted | TryAgain | GiveUp:
        try:
            notice = from_body(claim.message.body)
        except ValueError as error:
            return GiveUp(f"not readable: {error}")
        if self.channel is None:
            return GiveUp(f"{claim.message.target} is not configured any more")
        repeatable = notice.delivery is Delivery.AT_LEAST_ONCE
        if claim.interrupted and not repeatable:
            return GiveUp("its sender ended over it; it may have arrived, and is not sent twice")
        if not repeatable and not await self.store.begin(claim):
            return TryAgain(self.now(), "another process has it")
        if asyncio.get_running_loop().time() >= self.ends_at:
            return TryAgain(self.now(), "its turn did not come in the time of the last round")
        standing = Standing(
            tries=claim.tries,
            created_at=claim.message.created_at,
            twice_is_better_than_never=repeatable,
            critical=notice.level is Level.CRITICAL,
        )
        outcome = await self._send(self.channel, notice, claim.message.key)
        return next_step(outcome, standing, now=self.now(), chance=random.random())  # noqa: S311 - spreads retries

    async def _send(self, channel: Channel, notice: Notice, key: str) -> Outcome:
        try:
            async with asyncio.timeout_at(self.ends_at):
                failure = await hand_over(channel, notice, key)
        except TimeoutError:
            return NotNow("no answer in the time that a run has for it", may_have_arrived=True)
        match failure:
            case None:
                return Accepted()
            case TransientDeliveryError():
                return NotNow(failure.problem, failure.may_have_arrived, failure.retry_after)
            case PermanentDeliveryError():
                return Never("; ".join(filter(None, (failure.problem, failure.remedy))))

    async def _write(self, claim: Claim, step: Accepted | TryAgain | GiveUp) -> None:
        message = claim.message
        match step:
            case Accepted():
                if await self.store.settle(claim, MessageState.DELIVERED):
                    self.told.handed_over.append(message.key)
            case TryAgain(at, why):
                if await self.store.postpone(claim, until=at, note=why[:LONGEST_NOTE]):
                    self.told.waiting.append(message.key)
            case GiveUp(why):
                if await self.store.settle(claim, MessageState.FAILED, note=why[:LONGEST_NOTE]):
                    self.told.given_up.append(f"{message.target}: {message.key} was not delivered: {why}")
