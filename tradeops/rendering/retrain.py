"""The pages of training: what each new model is worth, what the gate said, what is in use now."""

from datetime import tzinfo

from tradeops.domain.health import Severity
from tradeops.domain.models.measurement import Scores
from tradeops.domain.retraining import ModelOutcome, RetrainReport
from tradeops.rendering.learning import learning_curves
from tradeops.rendering.page import Block, Bullets, Column, Heading, Line, Page, Strong, Table, Text
from tradeops.rendering.wording import moment

NOT_KNOWN = "n/a"
BEFORE_AFTER = (
    Column("Model"),
    Column("Before", "right"),
    Column("After", "right"),
    Column("Gain", "right"),
    Column("In use now"),
    Column("Why", width=56),
)
MEASURED = (
    Column("Predictions of"),
    Column("Accuracy (95 %)", "right"),
    Column("Balanced", "right"),
    Column("F1", "right"),
    Column("Log loss", "right"),
    Column("Brier", "right"),
    Column("Calibration error", "right"),
    Column("After fees", "right"),
)
RULES = (Column("Rule"), Column("Passed"), Column("Asked for"), Column("Figures", width=72))
HONEST = (
    "Accuracy is how often the direction of the next candle was foretold on candles that no model had seen. Honest "
    "models of hourly candles reach 50 to 55.5 %; above 60 % a leak is likelier than a discovery."
)


def retrain_page(report: RetrainReport, zone: tzinfo, *, title: str = "Retrain") -> Page:
    """The run for a person: verdict, before and after, the gate of each model, how they learnt.

    Args:
        report: the run.
        zone: of the times shown.
        title: what kind of run it was.
    """
    as_of = "no candles" if report.data_as_of is None else f"candles until {moment(report.data_as_of, zone)}"
    by = "started by a person" if report.decision_id is None else f"started by the decision {report.decision_id}"
    why: list[Block] = [Text((Strong("Why"), f": {report.reasoning}"))] if report.reasoning else []
    return Page(
        title=f"{title}: {report.summary}",
        severity=report.severity,
        blocks=(
            Text(f"{by}; {as_of}; took {(report.finished_at - report.started_at).total_seconds():.0f} s"),
            *why,
            Heading("Before and after"),
            Table(BEFORE_AFTER, tuple(_row(one) for one in report.outcomes)),
            *(block for one in report.outcomes for block in _details(one)),
            Heading("How they learnt"),
            learning_curves([(one.name, one.history) for one in report.outcomes]),
            Heading("Notes"),
            Bullets((HONEST, *report.remarks)),
        ),
    )


def refused_page(problem: str, *, title: str = "Retrain") -> Page:
    """The page of a run that could not begin."""
    return Page(f"{title}: not begun", Severity.CRITICAL, (Text(problem), Text("The models in use stay as they are.")))


def _row(one: ModelOutcome) -> tuple[str, ...]:
    in_use = one.version if one.deployed else one.before
    unproven = " (unproven)" if one.deployed and one.verdict is not None and one.verdict.unproven else ""
    gain = None if one.verdict is None else one.verdict.gain_fraction
    return (
        one.name,
        _percent(one.old_accuracy),
        _percent(one.new_accuracy),
        NOT_KNOWN if gain is None else f"{100 * gain:+.2f} points",
        "not known" if one.deployed is None else f"{in_use or 'none'}{unproven}",
        one.reason,
    )


def _details(one: ModelOutcome) -> list[Block]:
    verdict = one.verdict
    if verdict is None:
        return []
    rows = [_scores(f"{one.version} (new)", verdict.challenger)]
    if verdict.champion is not None:
        rows.append(_scores(f"{one.before} (in use)", verdict.champion))
    rows += [_scores(name, scores) for name, scores in verdict.baselines.items()]
    lines: list[Line] = []
    if verdict.challenger.suspicious:
        lines.append((Strong("Suspicious"), ": better than honest models of such candles are"))
    passed = {True: "yes", False: "NO", None: "–"}
    rules = [
        (rule.rule.value, passed[rule.passed], "yes" if rule.required else "for information", rule.says)
        for rule in verdict.outcomes
    ]
    return [
        Heading(f"{one.name}: {verdict.challenger.samples} candles that it never saw"),
        Bullets(tuple(lines)),
        Table(MEASURED, tuple(rows)),
        Table(RULES, tuple(rules)),
    ]


def _scores(name: str, s: Scores) -> tuple[str, ...]:
    return (
        name,
        f"{100 * s.accuracy:.2f} % ({100 * s.accuracy_low:.1f}–{100 * s.accuracy_high:.1f})",
        _percent(s.balanced_accuracy),
        f"{s.f1_score:.3f}",
        f"{s.log_loss:.4f}",
        f"{s.brier_score:.4f}",
        f"{s.calibration_error:.4f}",
        f"{s.pnl_percent:+.2f} % in {s.trades} trades",
    )


def _percent(fraction: float | None) -> str:
    return NOT_KNOWN if fraction is None else f"{100 * fraction:.2f} %"
