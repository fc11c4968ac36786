"""The votes of one analysis, each with all its tries: what was asked, answered and paid."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeAlias

from tradeops.domain.llm.exchanges import Api
from tradeops.domain.llm.failures import Failure
from tradeops.domain.llm.prices import Cost, Usage
from tradeops.domain.llm.proposals import Proposal

Parameter: TypeAlias = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Try:
    """One exchange, as the ledger keeps it.

    Attributes:
        key: of its points in `llm_calls` and `llm_answers`.
        asked_at: aware UTC; whose day and month pay.
        status: of HTTP; `None` without an answer.
        failure: `None` when it brought a proposal.
        usage: `None` when the service did not say.
        model: that answered.
        body: of the answer, without our secrets, at most 64 KiB of it.
        body_sha256: of the whole answer, without our secrets.
        content_type: as the answer said, in lower case; empty when it did not.
    """

    key: str
    asked_at: datetime
    elapsed: timedelta
    status: int | None
    failure: Failure | None
    problem: str
    usage: Usage | None
    cost: Cost
    model: str | None
    response_id: str | None
    body: str
    body_sha256: str
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Vote:
    """One vote; without a proposal it counts as `wait`.

    Attributes:
        number: from 1 on.
        failure: of the last try, or why there was none; `None` exactly when there is a proposal.
        problem: the same in words.
        retry_after: when the service wants to be asked again, if later than a vote can wait.
    """

    number: int
    proposal: Proposal | None
    failure: Failure | None
    problem: str
    tries: tuple[Try, ...]
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """All votes of one analysis.

    Attributes:
        votes: in order of their numbers.
        model: that was asked.
        parameters: that were sent besides the prompt.
        price_version: of the table by which the costs were computed.
    """

    votes: tuple[Vote, ...]
    model: str
    api: Api
    parameters: Mapping[str, Parameter]
    price_version: str

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """The valid ones."""
        return tuple(vote.proposal for vote in self.votes if vote.proposal is not None)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Why votes are missing, each reason once, in order of the votes."""
        return tuple(dict.fromkeys(vote.failure for vote in self.votes if vote.failure is not None))

    @property
    def failing(self) -> bool:
        """No vote is valid, and the service is why: the rules speak in its place."""
        return not self.proposals and any(failure.service_failing for failure in self.failures)

    @property
    def critical(self) -> tuple[Failure, ...]:
        """What a person must see to before any later call can succeed."""
        return tuple(failure for failure in self.failures if failure.critical)

    @property
    def retry_after(self) -> timedelta | None:
        """When to ask again at the earliest, if the service said so."""
        return max((vote.retry_after for vote in self.votes if vote.retry_after is not None), default=None)

    @property
    def tries(self) -> tuple[Try, ...]:
        """All of them, by vote."""
        return tuple(one for vote in self.votes for one in vote.tries)

    @property
    def cost(self) -> Cost:
        """Of all tries; estimated when a part of it is."""
        costs = [one.cost for one in self.tries]
        return Cost(sum((cost.usd for cost in costs), Decimal(0)), estimated=any(cost.estimated for cost in costs))
