"""The page of the nightly decision: verdict, evidence with ages, votes, rules, cost, what became of earlier ones."""

from collections.abc import Callable
from datetime import timedelta, tzinfo
from decimal import Decimal

from tradeops.domain.decisions.decision import Analysis, Ballot, Decision, Kind, Start
from tradeops.domain.decisions.evidence import Evidence, Missing, Piece, State, Week, pieces
from tradeops.domain.decisions.market import MarketConditions
from tradeops.domain.decisions.outcomes import Reliability
from tradeops.domain.health import Severity
from tradeops.domain.llm import Recommendation
from tradeops.rendering.page import MARKS, Block, Bullets, Column, Heading, Line, Page, Strong, Table, Text
from tradeops.rendering.wording import moment, number, percent

Link = Callable[[str], str]

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
EVIDENCE = (Column("Evidence"), Column("State"), Column("Age", "right"), Column("Stale after", "right"), Column("Note"))
VOTES = (
    Column("Vote", "right"),
    Column("Says"),
    Column("Confidence", "right"),
    Column("Cost", "right"),
    Column("Note"),
)
RULES = (Column("Rule"), Column("Allows a retrain"), Column("Because"))
BANDS = (
    Column("What was done"),
    Column("Confidence"),
    Column("Decisions", "right"),
    Column("Win rate rose", "right"),
)
FRESHNESS = {State.FRESH: "✓ fresh", State.STALE: "▲ stale", State.MISSING: "✗ missing"}


def decision_page(analysis: Analysis, reliability: Reliability | Missing | None, zone: tzinfo, link: Link) -> Page:
    """What the run came to, and all it rests on.

    Args:
        analysis: what the run came to.
        reliability: of earlier confidences; `None` while too few outcomes are known.
        zone: of the times shown; days are UTC.
        link: where a run is to be seen, by its id; empty when that is not known.
    """
    decision, severity = analysis.decision, analysis.severity
    return Page(
        title=_title(analysis),
        severity=None if analysis.kind is Kind.SKIPPED and severity is Severity.HEALTHY else severity,
        blocks=(
            Text(f"{analysis.summary}."),
            *_retrain(analysis, link),
            *(_reasoning(decision) if decision else ()),
            *_advice(analysis),
            *(_evidence(analysis.evidence, zone) if analysis.evidence else ()),
            *(_votes(decision) if decision else ()),
            *(_rules(decision) if decision else ()),
            *_reliability(reliability),
            *(_question(decision, zone) if decision else ()),
        ),
    )


def _title(analysis: Analysis) -> str:
    decision = analysis.decision
    if analysis.kind is Kind.SKIPPED:
        return "Self-analysis: skipped"
    if decision is None or analysis.kind is Kind.UNANSWERED:
        return "Self-analysis: the language model did not answer"
    started = {
        Start.STARTED: ", a retrain is started",
        Start.PENDING: ", not started yet",
        Start.GIVEN_UP: ", never started",
        Start.NONE: ", not allowed" if decision.recommendation is Recommendation.RETRAIN else "",
    }
    return f"Self-analysis of {decision.date}: {_word(decision.recommendation)}{started[decision.start]}"


def _word(recommendation: Recommendation) -> str:
    return recommendation.value.replace("_", " ")


def _retrain(analysis: Analysis, link: Link) -> tuple[Block, ...]:
    decision = analysis.decision
    if decision is None:
        return ()
    match decision.start:
        case Start.STARTED:
            return (Text((Strong("Retrain"), f": {link(decision.retrain_run_id) or decision.retrain_run_id}")),)
        case Start.NONE:
            vetoes = ", ".join(rule.name for rule in decision.verdict.vetoes)
            return (Text((Strong("No retrain"), f": forbidden by {vetoes}; see the rules below.")),)
        case _:
            return (Text((Strong("The retrain is not started"), f": {decision.problem or 'nobody has tried yet'}")),)


def _reasoning(decision: Decision) -> tuple[Block, ...]:
    voice = decision.voice
    if voice is None:
        return ()
    lines: tuple[Line, ...] = tuple(voice.suggested_actions)
    hint: tuple[Block, ...] = ()
    if decision.recommendation is Recommendation.OPTIMIZE_PARAMETERS:
        hint = (Text("This is a suggestion; nothing is started: `optimize-strategy` tries other parameters."),)
    return (
        Heading("What the language model says"),
        Text(f"{voice.reasoning} (urgency {voice.urgency}; expected: {voice.estimated_improvement or 'nothing said'})"),
        Bullets(lines),
        *hint,
    )


def _advice(analysis: Analysis) -> tuple[Block, ...]:
    advice = analysis.advice
    if advice is None:
        return ()
    return (
        Heading("What the rules say (source: rules)"),
        Text((Strong(_word(advice.recommendation)), f", urgency {advice.urgency}; the rules never start a retrain.")),
        Bullets((*advice.reasoning, *advice.suggested_actions)),
    )


def _evidence(evidence: Evidence, zone: tzinfo) -> tuple[Block, ...]:
    rows = tuple(_piece(piece) for piece in pieces(evidence))
    figures = (*_week(evidence.performance), *_market(evidence.market), *_models(evidence))
    return (
        Heading("Evidence"),
        Table(EVIDENCE, rows),
        Bullets(figures),
        Text(f"Gathered at {moment(evidence.gathered_at, zone)}."),
    )


def _piece(piece: Piece) -> tuple[str, ...]:
    age = "–" if piece.age is None else _lasted(piece.age)
    return piece.name, FRESHNESS[piece.state], age, _lasted(piece.at_most), piece.note


def _lasted(duration: timedelta) -> str:
    return f"{duration / HOUR:.1f} h" if abs(duration) >= HOUR else f"{duration / MINUTE:.0f} min"


def _week(week: Week | Missing) -> tuple[Line, ...]:
    if isinstance(week, Missing):
        return ()
    low, high = week.win_rate_low_percent, week.win_rate_high_percent
    interval = "" if low is None or high is None else f" (95 %: {low:.1f} to {high:.1f} %)"
    told = (
        f"{week.total_trades} trades",
        f"win rate {_shown(week.win_rate_percent, ' %')}{interval}",
        f"average profit {_shown(week.average_profit_percent, ' %')}",
        f"Sharpe ratio {_shown(week.sharpe_ratio)}",
    )
    critical = ", ".join(week.critical) or "none"
    return ((Strong(f"Seven days before {week.date}"), f": {', '.join(told)}; critical: {critical}"),)


def _shown(value: float | None, unit: str = "") -> str:
    return "n/a" if value is None else f"{value:.2f}{unit}".replace("-", "−")


def _market(market: MarketConditions | Missing) -> tuple[Line, ...]:
    if isinstance(market, Missing):
        return ()
    told = (
        f"volatility {percent(market.volatility_percent)} a year",
        f"usually {percent(market.usual_volatility_percent)} (ratio {number(market.volatility_ratio)})",
        f"24 h {percent(market.change_day_percent, signed=True)}",
        f"seven days {percent(market.change_week_percent, signed=True)}",
        f"trend {market.trend or 'n/a'}",
        f"volume {percent(market.volume_change_percent, signed=True)} against its 30 days",
        f"{market.missing_candles} candles missing",
    )
    return ((Strong(market.symbol), f": {', '.join(told)}"),)


def _models(evidence: Evidence) -> tuple[Line, ...]:
    if isinstance(evidence.models, Missing):
        return ()
    return tuple(
        (
            Strong(f"{one.model_type} on {one.symbol}"),
            f": accuracy {one.accuracy_fraction:.3f}, change "
            + ("n/a" if one.change_fraction is None else f"{one.change_fraction:+.3f}".replace("-", "−"))
            + f", of {one.measurements} measurements",
        )
        for one in evidence.models.trends
    )


def _votes(decision: Decision) -> tuple[Block, ...]:
    cost = _usd(decision.cost_usd) + (" at most" if decision.cost_estimated else "")
    return (
        Heading("Votes"),
        Table(VOTES, tuple(_vote(ballot) for ballot in decision.ballots)),
        Text(f"{len(decision.ballots)} votes, {sum(one.tries for one in decision.ballots)} calls, {cost} in all."),
    )


def _vote(ballot: Ballot) -> tuple[str, ...]:
    cost = f"{'≤ ' if ballot.cost_estimated else ''}{_usd(ballot.cost_usd)}"
    if ballot.proposal is None:
        return str(ballot.number), "counts as wait", "–", cost, f"{ballot.failure}: {ballot.problem}"
    proposal = ballot.proposal
    return str(ballot.number), _word(proposal.recommendation), str(proposal.confidence), cost, ""


def _usd(cost: Decimal) -> str:
    """To the micro-dollar, in which a vote is paid."""
    return f"${cost:,.6f}"


def _rules(decision: Decision) -> tuple[Block, ...]:
    rows = tuple(
        (rule.name, f"{MARKS[Severity.HEALTHY]} yes" if rule.passed else f"{MARKS[Severity.CRITICAL]} no", rule.detail)
        for rule in decision.verdict.rules
    )
    return (Heading("Rules"), Table(RULES, rows), Text("A retrain needs every one of them; no vote can remove a rule."))


def _reliability(reliability: Reliability | Missing | None) -> tuple[Block, ...]:
    if reliability is None:
        return ()
    if isinstance(reliability, Missing):
        return (Text(f"What earlier confidences were worth is not known: {reliability.reason}."),)
    rows = tuple(
        (
            band.group.value,
            f"above {band.above:g} to {band.up_to:g}",
            str(band.decisions),
            f"{100 * band.improved_fraction:.0f} %",
        )
        for band in reliability.bands
    )
    return (
        Heading("What a confidence was worth"),
        Table(BANDS, rows),
        Text(
            f"Of {reliability.outcomes} decisions whose next seven days are known. Brier score of the retrained: "
            f"{number(reliability.brier)} (0 is perfect, 0.25 is a coin's). A win rate also rises by chance: compare "
            "with the rows where nothing was done."
        ),
    )


def _question(decision: Decision, zone: tzinfo) -> tuple[Block, ...]:
    question = decision.question
    return (
        Heading("Record"),
        Text(
            f"Decision {decision.decision_id}, made at {moment(decision.made_at, zone)}; record {decision.record} of "
            f"the audit trail, hash {decision.record_sha256}."
        ),
        Text(
            f"Model {question.model}, prompt {question.prompt_name}.v{question.prompt_version} "
            f"({question.prompt_sha256[:12]}), prices {question.price_version}. "
            f"`tradeops decision replay {decision.decision_id}` decides again from the record."
        ),
    )
