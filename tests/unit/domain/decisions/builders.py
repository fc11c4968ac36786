"""Proposals, evidence and decisions for tests; a test changes what it is about."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tradeops.domain.decisions.decision import Ballot, Decision, Question, Start
from tradeops.domain.decisions.evidence import Accuracy, Evidence, Models, Past, Retrain, Spending, Training, Week
from tradeops.domain.decisions.gate import Policy, judge
from tradeops.domain.decisions.market import MarketConditions, Trend
from tradeops.domain.figures import known
from tradeops.domain.llm import Proposal, Recommendation, Urgency

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
TODAY = date(2026, 11, 25)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def proposal(recommendation: str = "retrain", confidence: str = "0.9", **changed: Any) -> Proposal:  # noqa: ANN401 - fields of a proposal
    made = Proposal(
        Recommendation(recommendation), Decimal(confidence), "Three figures fell.", Urgency.HIGH, ("retrain",), "some"
    )
    return replace(made, **changed)


def week(**changed: Any) -> Week:  # noqa: ANN401 - fields of a week
    made = Week(
        date=TODAY,
        as_of=NOW - 2 * HOUR,
        total_trades=40,
        win_rate_percent=41.5,
        average_profit_percent=0.4,
        sharpe_ratio=-1.2,
        critical=("win_rate", "avg_profit_per_trade", "sharpe_ratio"),
        triggers=True,
        win_rate_low_percent=27.0,
        win_rate_high_percent=57.0,
        targets={"win_rate": 70.0, "avg_profit_per_trade": 2.6, "sharpe_ratio": 2.1},
        critical_limits={"win_rate": 55.0, "avg_profit_per_trade": 1.5, "sharpe_ratio": 1.0},
        days=(Past(TODAY - DAY, 6, 50.0, 0.1, -0.5),),
    )
    return replace(made, **changed)


def market(**changed: Any) -> MarketConditions:  # noqa: ANN401 - fields of the conditions
    made = MarketConditions(
        symbol="BTCUSDT",
        as_of=NOW,
        volatility_percent=known(62.0),
        usual_volatility_percent=known(50.0),
        volatility_ratio=known(1.24),
        change_day_percent=known(-2.0),
        change_week_percent=known(-9.0),
        trend=Trend.DOWN,
        volume_change_percent=known(15.0),
        missing_candles=0,
    )
    return replace(made, **changed)


def training(*hours_ago: float, **changed: Any) -> Training:  # noqa: ANN401 - fields of the training
    retrains = tuple(Retrain(f"retrain-{n}", NOW - h * HOUR) for n, h in enumerate(hours_ago))
    return replace(Training(NOW, retrains), **changed)


def spending(**changed: Any) -> Spending:  # noqa: ANN401 - fields of the spending
    return replace(Spending(NOW, Decimal("0.003"), Decimal("0.08"), Decimal(2), Decimal(100)), **changed)


def evidence(**changed: Any) -> Evidence:  # noqa: ANN401 - pieces of the evidence
    """A critical week of which all is known and nothing forbids a retrain."""
    made = Evidence(
        gathered_at=NOW,
        performance=week(),
        history=tuple(Past(TODAY - n * DAY, 42, 60.0 - n, 1.8, 0.9) for n in range(3, 0, -1)),
        models=Models("registry", (Accuracy("lstm", "BTCUSDT", NOW - DAY, 0.521, -0.012, 4),)),
        market=market(),
        training=training(),
        spending=spending(),
    )
    return replace(made, **changed)


def ballot(number: int, given: Proposal | None, **changed: Any) -> Ballot:  # noqa: ANN401 - fields of a ballot
    made = Ballot(
        number=number,
        proposal=given,
        failure="" if given else "not_json",
        problem="" if given else "the answer is not one JSON object",
        cost_usd=Decimal("0.000358"),
        cost_estimated=False,
        seconds=1.5,
        tries=1,
        status=200,
        body="",
        body_sha256="",
        api="responses",
        model="gpt-6-luna-2026-09-22",
        response_id=f"resp_{number}",
        input_tokens=1300,
        output_tokens=500,
    )
    return replace(made, **changed)


def decision(*proposals: Proposal | None, **changed: Any) -> Decision:  # noqa: ANN401 - fields of a decision
    given = proposals or (proposal(), proposal(confidence="0.8"), proposal("wait", "0.6"))
    rests_on = changed.pop("evidence", evidence())
    verdict = judge(given, rests_on, Policy())
    made = Decision(
        decision_id=TODAY.isoformat(),
        date=TODAY,
        made_at=NOW,
        run_id="run-1",
        forced=False,
        evidence=rests_on,
        policy=Policy(),
        ballots=tuple(ballot(n, one) for n, one in enumerate(given, 1)),
        verdict=verdict,
        question=Question("gpt-6-luna", "self_analysis", 1, "ab" * 32, "cd" * 32, "2026-11", "0.1.0"),
        record=7,
        start=Start.PENDING if verdict.start_retrain else Start.NONE,
    )
    return replace(made, **changed)
