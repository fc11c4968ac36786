"""How well a live language model judges the golden cases: agreement, cost, latency."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from tradeops.domain.decisions.figures import figures
from tradeops.domain.decisions.gate import judge
from tradeops.domain.llm import Recommendation, render
from tradeops.errors import UnavailableError
from tradeops.jobs.decision.golden import Case
from tradeops.jobs.decision.prompts import load_prompt
from tradeops.jobs.decision.self_analysis import policy
from tradeops.jobs.decision.votes import ask_votes
from tradeops.wiring import Desk


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said to one case.

    Attributes:
        recommendation: `None` when it gave no valid vote.
        agrees: it is one that a good analyst may give.
        starts_retrain: what the gate would have made of this vote alone.
        problem: why there is no vote; empty when there is one.
    """

    case: Case
    recommendation: Recommendation | None
    confidence: Decimal | None
    agrees: bool
    starts_retrain: bool
    cost_usd: Decimal
    seconds: float
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All answers, in order of the cases.

    Attributes:
        stopped: why the cases that follow were not asked about; empty when all were.
    """

    model: str
    answers: tuple[Answer, ...]
    stopped: str = ""

    @property
    def agreement_percent(self) -> float:
        """Of all cases; a missing vote does not agree."""
        return 100 * sum(one.agrees for one in self.answers) / len(self.answers)

    @property
    def cost_usd(self) -> Decimal:
        """Of all cases."""
        return sum((one.cost_usd for one in self.answers), Decimal(0))

    @property
    def median_seconds(self) -> float:
        """Of a vote, retries included."""
        return statistics.median(one.seconds for one in self.answers)

    @property
    def longest_seconds(self) -> float:
        """Of a vote, retries included."""
        return max(one.seconds for one in self.answers)


async def evaluate(desk: Desk, cases: Sequence[Case], *, heard: Callable[[Answer], None]) -> Evaluation:
    """Ask for one vote on each case, one after the other, within the budget of one analysis.

    Args:
        desk: with a key.
        cases: at least one.
        heard: is told each answer at once.

    Raises:
        MisconfiguredError: no key.
        UnavailableError: the ledger cannot be kept, or the budget is used up, before the first answer.
    """
    answers: list[Answer] = []
    name, stopped = f"eval-{datetime.now(UTC):%Y%m%dT%H%M%S%f}", ""  # two in a second have a budget each
    for number, case in enumerate(cases, 1):
        prompt = render(load_prompt(), figures(case.evidence))
        votes = await ask_votes(desk, prompt, analysis=name, run_id=f"{name}:{number}", votes=1)
        [vote] = votes.votes
        if not vote.tries and not answers:
            raise UnavailableError("evaluation", vote.problem, remedy="see `tradeops llm budget`")
        if not vote.tries:
            stopped = vote.problem
            break
        proposal = vote.proposal
        answer = Answer(
            case=case,
            recommendation=proposal.recommendation if proposal else None,
            confidence=proposal.confidence if proposal else None,
            agrees=proposal is not None and proposal.recommendation in case.expected.recommendations,
            starts_retrain=judge([proposal], case.evidence, policy(desk.settings)).start_retrain,
            cost_usd=votes.cost.usd,
            seconds=sum(one.elapsed.total_seconds() for one in vote.tries),
            problem=vote.problem,
        )
        heard(answer)
        answers.append(answer)
    return Evaluation(desk.settings.openai_model, tuple(answers), stopped)
