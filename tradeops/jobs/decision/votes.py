"""Asks the language model for its votes: all at once, each within its time, every try reserved, paid and kept.

Nothing that the model or its service does raises here: it is in the round, and each failed vote counts as `wait`.
"""

import asyncio
import hashlib
import json
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from tradeops.adapters.llm.arguments import Request
from tradeops.adapters.llm.calls import LlmCalls
from tradeops.adapters.store import Point
from tradeops.adapters.store.interface import Json
from tradeops.domain.costs.money import dollars, exact
from tradeops.domain.llm import (
    SCHEMA,
    Cost,
    Exchange,
    Failure,
    Judged,
    Price,
    PriceTable,
    Prompt,
    Reservation,
    Round,
    Try,
    Vote,
    clipped,
    cost_of,
    judge,
)
from tradeops.errors import TradeOpsError, UnavailableError
from tradeops.jobs.decision import llm_budget, model_end
from tradeops.wiring import Desk, open_llm_calls, prices

log = logging.getLogger(__name__)

ANSWERS = "llm_answers"
MOST_TRIES = 3
WAITED_FOR = (Failure.RATE_LIMITED, Failure.SERVER)
KEPT_CHARACTERS = 64 * 1024
MOST_TYPE = 200
SCHEMA_BYTES = len(json.dumps(SCHEMA))


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a vote waits, within its whole time.

    Attributes:
        share: of the time that is left, which one try may take: a stalled one leaves room for another.
        pauses: before the second and the third try, when the service does not say how long.
        least: no try is begun with less time left.
    """

    share: float = 2 / 3
    pauses: tuple[timedelta, ...] = (timedelta(seconds=0.5), timedelta(seconds=2))
    least: timedelta = timedelta(seconds=1)


PACE = Pace()


async def ask_votes(
    desk: Desk,
    prompt: Prompt,
    *,
    analysis: str,
    run_id: str,
    votes: int | None = None,
    now: datetime | None = None,
) -> Round:
    """The votes on a prompt.

    Args:
        desk: with the key of the endpoint.
        prompt: as rendered.
        analysis: the key of the decision; its cost and the number of analyses are counted by it.
        run_id: of the run that asks; part of the keys under which the tries are kept.
        votes: how many; `None` is as configured.
        now: `None` is our clock.

    Raises:
        MisconfiguredError: no key, or a price file that cannot be used.
        UnavailableError: the ledger cannot be kept, so nothing was asked.
    """
    settings = desk.settings
    request = Request(
        model=settings.openai_model,
        api=settings.llm_api,
        instructions=prompt.instructions,
        text=prompt.text,
        max_output_tokens=settings.llm_max_output_tokens,
        effort=settings.llm_effort,
    )
    table = prices(settings)
    begun = now or datetime.now(UTC)
    price = table.price(request.model, begun)
    count = votes or settings.llm_votes
    if problem := _forbidden(request, price, count, settings.llm_analysis_limit_usd):
        unasked = tuple(Vote(number, None, Failure.NO_BUDGET, problem, ()) for number in range(1, count + 1))
        return Round(unasked, request.model, request.api, request.parameters, table.version)
    assert price is not None  # noqa: S101 - it would be forbidden
    async with open_llm_calls(settings) as calls:
        await calls.load()
        asking = _Asking(desk, calls, request, table, price, analysis, run_id, uuid4().hex[:8], begun, time.monotonic())
        voters = [_Voter(asking, number) for number in range(1, count + 1)]
        asked = await asyncio.gather(*(voter.vote() for voter in voters))
    given = await model_end.told(desk, asked, model=request.model, table=table)
    unkept = [voter.unkept for voter in voters if voter.unkept]
    if len(unkept) == count and not any(vote.tries for vote in given):
        raise unkept[0]
    return Round(given, request.model, request.api, request.parameters, table.version)


def most_usd(request: Request, price: Price) -> Decimal:
    """The upper bound of one try."""
    sent = len(request.instructions.encode()) + len(request.text.encode()) + SCHEMA_BYTES
    return price.most_usd(prompt_bytes=sent, output_tokens=request.max_output_tokens)


def _forbidden(request: Request, price: Price | None, count: int, limit_usd: Decimal) -> str:
    """Why not even the first tries can be paid: votes that cannot become a majority are not asked for."""
    if price is None:
        return f"the model {request.model} has no price, so it is not asked"
    most = count * most_usd(request, price)
    if most <= limit_usd:
        return ""
    what = f"{count} votes" if count > 1 else "a vote"
    may = f"{what} of {request.model} may cost {dollars(most, [limit_usd])}"
    return f"{may}, above {exact(limit_usd)} (TRADEOPS_LLM_ANALYSIS_LIMIT_USD)"


@dataclass(frozen=True, slots=True)
class _Asking:
    """What the votes of a round share; `asked` keeps a repeated run, which is billed again, apart from the first."""

    desk: Desk
    calls: LlmCalls
    request: Request
    table: PriceTable
    price: Price
    analysis: str
    run_id: str
    asked: str
    begun: datetime
    started: float

    def now(self) -> datetime:
        return self.begun + timedelta(seconds=time.monotonic() - self.started)

    def cost(self, exchange: Exchange, judged: Judged, reserved: Reservation) -> Cost:
        """By the dearer of the two prices where another model answered, as a router may choose.

        One without a price costs what was reserved, or more where its tokens do at the price of the one that was asked.
        """
        other = self.table.price(judged.model, self.begun) if judged.model else self.price
        prices = (self.price, other or self.price)
        most = max(most_usd(self.request, price) for price in prices)
        costs = [cost_of(exchange, judged.usage, price, at_most_usd=most) for price in prices]
        dearer = max(costs, key=lambda one: one.usd)
        return dearer if other else Cost(max(dearer.usd, reserved.usd), estimated=True)


class _Voter:
    """One vote: its tries, its time, its budget."""

    def __init__(self, asking: _Asking, number: int) -> None:
        self._about = asking
        self._number = number
        self._ends = asking.started + asking.desk.settings.llm_vote_seconds
        self.unkept: UnavailableError | None = None

    async def vote(self) -> Vote:
        about = self._about
        tries: list[Try] = []
        last = Judged(failure=Failure.NO_BUDGET)
        retry_after: timedelta | None = None
        for attempt in range(MOST_TRIES):
            key = f"{about.run_id}:{about.asked}:{self._number}:{attempt + 1}"
            reservation = Reservation(key, about.analysis, about.now(), most_usd(about.request, about.price))
            if refusal := await self._reserve(reservation):
                problem = f"{last.problem}; not asked again: {refusal}" if tries else refusal
                last = Judged(failure=last.failure, problem=problem)
                break
            exchange = await about.calls.ask(about.request, within=self._share(tries))
            last = judge(exchange, about.request.api)
            tries.append(await self._settle(reservation, exchange, last))
            retry_after = exchange.retry_after if last.failure in WAITED_FOR else None
            pause = self._pause(last.failure, tries, exchange)
            if pause is None or attempt + 1 == MOST_TRIES:
                break
            await asyncio.sleep(pause.total_seconds())
            retry_after = None
        return Vote(self._number, last.proposal, last.failure, last.problem, tuple(tries), retry_after)

    def _pause(self, failure: Failure | None, tries: list[Try], exchange: Exchange) -> timedelta | None:
        """How long to wait for the next try; `None` when there is to be none."""
        before = [one.failure for one in tries[:-1]]
        again = failure is not None and failure.repeatable
        if failure is Failure.STALLED or failure is Failure.NOT_JSON:
            again = failure not in before
        pause = exchange.retry_after or PACE.pauses[min(len(tries), len(PACE.pauses)) - 1]
        if failure is Failure.NOT_JSON:
            pause = timedelta(0)
        return pause if again and pause + PACE.least < self._left() else None

    async def _reserve(self, reservation: Reservation) -> str:
        try:
            async with asyncio.timeout(max(self._left().total_seconds(), 0)):
                return await llm_budget.reserve(self._about.desk, reservation)
        except TimeoutError:
            self.unkept = UnavailableError("store", "the ledger of LLM calls did not answer in time")
        except UnavailableError as error:
            self.unkept = error
        except TradeOpsError as error:
            return f"the ledger cannot be read: {error.problem}"
        return f"the ledger cannot be kept: {self.unkept.problem}"

    async def _settle(self, reservation: Reservation, exchange: Exchange, judged: Judged) -> Try:
        about = self._about
        one = _try(reservation, exchange, judged, about.cost(exchange, judged, reservation))
        fields: dict[str, Json] = {
            **_as_fields(one),
            "analysis": about.analysis,
            "run_id": about.run_id,
            "vote": self._number,
            "model": about.request.model,
            "price_version": about.table.version,
        }
        answer: dict[str, Json] = {"analysis": about.analysis, "body": one.body, "sha256": one.body_sha256}
        try:
            await llm_budget.settle(about.desk, Point(one.key, one.asked_at, fields))
            await about.desk.store.add_point(ANSWERS, Point(one.key, one.asked_at, answer))
        except TradeOpsError as error:
            log.warning("the call %s is not in the books yet and counts at its upper bound: %s", one.key, error)
        return one

    def _share(self, tries: list[Try]) -> timedelta:
        left = self._left()
        if len(tries) + 1 == MOST_TRIES or any(one.failure is Failure.STALLED for one in tries):
            return left  # there is no other try to leave room for
        return max(PACE.share * left, min(PACE.least, left))

    def _left(self) -> timedelta:
        return timedelta(seconds=self._ends - time.monotonic())


def _try(reservation: Reservation, exchange: Exchange, judged: Judged, cost: Cost) -> Try:
    text = exchange.body.decode("utf-8", "replace")
    return Try(
        key=reservation.key,
        asked_at=reservation.at,
        elapsed=exchange.elapsed,
        status=exchange.status,
        failure=judged.failure,
        problem=judged.problem,
        usage=judged.usage,
        cost=cost,
        model=judged.model,
        response_id=judged.response_id,
        body=text[:KEPT_CHARACTERS].replace("\0", " "),
        body_sha256=hashlib.sha256(exchange.body).hexdigest(),
        content_type=clipped(exchange.content_type, MOST_TYPE),
    )


def _as_fields(one: Try) -> dict[str, Json]:
    usage = one.usage
    return {
        "cost_usd": str(one.cost.usd),
        "estimated": one.cost.estimated,
        "model_answered": one.model,
        "response_id": one.response_id,
        "status": one.status,
        "failure": one.failure.value if one.failure else None,
        "problem": one.problem or None,
        "elapsed_seconds": one.elapsed.total_seconds(),
        "input_tokens": usage.input_tokens if usage else None,
        "cached_tokens": usage.cached_tokens if usage else None,
        "cache_write_tokens": usage.cache_write_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
        "reasoning_tokens": usage.reasoning_tokens if usage else None,
    }
