"""The page of an optimisation."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from itertools import pairwise

from tradeops.domain.health import Severity
from tradeops.domain.optimise.judgement import LEAST_DEFLATED, MOST_OVERFITTING, Candidate, Judgement, Verdict
from tradeops.domain.optimise.report import OptimisationReport
from tradeops.domain.optimise.trials import LEAST_TRADES, Stretch
from tradeops.domain.strategies.parameters import Value
from tradeops.rendering.optimise_charts import parallel_coordinates, plane_of_search
from tradeops.rendering.page import Block, Bullets, Column, Heading, Line, Page, Picture, Strong, Table, Text
from tradeops.rendering.wording import moment, number, percent

MARKS = {Verdict.NOTHING: None, Verdict.LUCK: Severity.DEGRADED, Verdict.BETTER: Severity.HEALTHY}
BEST = (
    Column("What"),
    Column("Days", "right"),
    Column("Sharpe", "right"),
    Column("Return", "right"),
    Column("Win rate", "right"),
    Column("Drawdown", "right"),
    Column("Trades", "right"),
)
TOP = (
    Column("Rank", "right"),
    Column("Parameters"),
    Column("Sharpe", "right"),
    Column("Return %", "right"),
    Column("Win rate %", "right"),
    Column("Drawdown %", "right"),
    Column("Trades", "right"),
    Column("Stability", "right"),
)
SHOWN = {"sharpe_ratio": 2, "total_return_percent": 1, "win_rate_percent": 0, "max_drawdown_percent": 1}
IMPORTANCE = (Column("Parameter"), Column("Explains of the Sharpe ratio in sample", "right"))


def optimisation_page(report: OptimisationReport, zone: tzinfo, notes: Sequence[str] = ()) -> Page:
    """The verdict first, the best beside the bot's own, the ten best, luck, what matters, and the conditions.

    Args:
        report: the search.
        zone: of the times shown; days are UTC.
        notes: what else the reader must know, such as whether it could be repeated.
    """
    judgement = report.judgement
    chosen = dict(judgement.best.parameters) if judgement.best else None
    return Page(
        title=f"Optimisation: {report.summary}",
        severity=MARKS[judgement.verdict],
        blocks=(
            Bullets(tuple((Strong(note),) for note in notes)),
            Text((Strong(judgement.verdict[:1].upper() + judgement.verdict[1:]), f": {'; '.join(judgement.reasons)}.")),
            Text(_cut(report)),
            *_best(judgement),
            Heading("The ten best"),
            *_top(judgement, report.fixed),
            Heading("Is it luck?"),
            Bullets(tuple(_luck(report))),
            Heading("What matters"),
            *_importance(report, chosen),
            Heading("Conditions"),
            Bullets(tuple(_conditions(report, zone))),
            *_notes(report),
            Text(
                f"Result {report.run_id}: `tradeops optimize show {report.run_id}` makes it again and compares it to "
                "the bit. Nothing was changed at the bot: whether to use other parameters is for people to decide."
            ),
        ),
    )


def _cut(report: OptimisationReport) -> Line:
    first = report.windows.first
    (since, until), (judge_since, judge_until) = report.dates(first.inside), report.dates(first.outside)
    told = (
        f" (in sample), judged on {judge_since} to {judge_until} (out of sample); the {first.gap} days between count "
        f"for neither. A position that is held for more than {first.gap} days may reach from one into the other: each "
        "counts what it gained on its own days, and the trade counts where it closed."
    )
    return ("Chosen on ", Strong(f"{since} to {until}"), told)


def _notes(report: OptimisationReport) -> list[Block]:
    return [Heading("Notes"), Bullets(report.remarks)] if report.remarks else []


def _best(judgement: Judgement) -> list[Block]:
    rows = []
    for name, one in (("Best", judgement.best), ("The bot's own", judgement.own)):
        if one is not None:
            rows += [_row(f"{name}, in sample", one.inside), _row(f"{name}, out of sample", one.outside)]
    rows.append(_row("Chosen anew in each window, out of sample", judgement.walk.outside))
    table = Table(BEST, tuple(rows))
    if judgement.best is None:
        return [table]
    return [Text((Strong("Best parameters"), f": {_values(judgement.best.parameters)}.")), table]


def _row(name: str, part: Stretch) -> tuple[str, ...]:
    return (
        name,
        f"{part.days:,}",
        number(part.sharpe_ratio),
        percent(part.total_return_percent, 2, signed=True),
        percent(part.win_rate_percent),
        percent(part.max_drawdown_percent, 2),
        f"{part.trades:,}",
    )


def _top(judgement: Judgement, fixed: Sequence[str]) -> list[Block]:
    if not judgement.shortlist:
        return [Text(f"No variation made {LEAST_TRADES} trades in sample: there is nothing to choose from.")]
    names = [name for name in judgement.shortlist[0].parameters if name not in fixed]
    rows = tuple(
        (
            "–" if one.rank is None else f"{one.rank}",
            ", ".join(_value(one.parameters[name]) for name in names),
            *(_both(one, figure) for figure in SHOWN),
            f"{one.inside.trades:,} → {one.outside.trades:,}",
            _short(one.stability_fraction.value),
        )
        for one in judgement.shortlist
    )
    told = (
        f"Parameters are {', '.join(names)}. The ten were chosen by their Sharpe ratio in sample, smoothed with those "
        "of the variations around them, and are ranked by the one out of sample. Stability is the share of the first "
        "that the variations around keep. Figures are in sample → out of sample."
    )
    return [Text(told), Table(TOP, rows), Bullets(tuple(_unranked(judgement.shortlist)))]


def _unranked(shortlist: Sequence[Candidate]) -> list[str]:
    count = sum(one.rank is None for one in shortlist)
    few = f"fewer than {LEAST_TRADES} trades out of sample say nothing; a longer period gives more"
    return [f"{count} of {len(shortlist)} are not ranked: {few}."] if count else []


def _both(one: Candidate, figure: str) -> str:
    return " → ".join(_short(getattr(part, figure).value, SHOWN[figure]) for part in (one.inside, one.outside))


def _short(value: float | None, digits: int = 2) -> str:
    return "n/a" if value is None else number(value, digits)


def _luck(report: OptimisationReport) -> list[Line]:
    judgement, count = report.judgement, report.tried.count
    deflated = (
        f": {number(judgement.deflated_sharpe)}. The probability that the best is better out of sample than the "
        f"luckiest of {count:,} variations without any skill, which would show {number(judgement.luckiest_sharpe)}; "
        f"from {LEAST_DEFLATED:g} on luck is unlikely."
    )
    if judgement.best is None:
        deflated = ": n/a, nothing is ranked."
    lines: list[Line] = [(Strong("Deflated Sharpe ratio"), deflated)]
    halves = judgement.overfitting
    if halves is None:
        lines.append("Probability of overfitting: n/a, too few variations or days.")
    else:
        told = (
            f": {number(halves.probability)}. Of {halves.halves:,} ways to choose on one half of the days, so many "
            f"chose what was no better than the middle on the other half; {number(halves.loss_probability)} chose "
            f"what lost there. About 0.5 is noise; up to {MOST_OVERFITTING:g} is good."
        )
        lines.append((Strong("Probability of overfitting"), told))
    choices = judgement.walk.choices
    changes = sum(one != other for one, other in pairwise(choices))
    lines.append(
        f"Choosing anew before each of {len(choices)} windows changed the choice {changes} times and brought "
        f"{percent(judgement.walk.outside.total_return_percent, 2, signed=True)}."
    )
    return lines


def _importance(report: OptimisationReport, chosen: dict[str, Value] | None) -> list[Block]:
    shares, tried = report.judgement.importance, report.tried
    if not tried.count:
        return [Text("Nothing was traded, so nothing can be said of the parameters.")]
    names = [*shares] or list(tried.values)
    rows = tuple((name, percent(100 * share)) for name, share in shares.items())
    pictures: list[Picture | Text] = [plane_of_search(tried, names, chosen), parallel_coordinates(tried, chosen)]
    table = Table(IMPORTANCE, rows) if rows else Text("Too few variations are rated to say which parameter matters.")
    return [table, *pictures]


def _conditions(report: OptimisationReport, zone: tzinfo) -> list[Line]:
    r, order = report.rules, report.order
    fixed = _values({name: order.parameters[name] for name in report.fixed}) or "nothing"
    pruned = f", {report.pruned:,} given up early: too few signals for {LEAST_TRADES} trades" if report.pruned else ""
    stops = ", ".join(
        f"{name} {value:g} %"
        for name, value in (("stop loss", r.stop_loss_percent), ("take profit", r.take_profit_percent))
        if value is not None
    )
    return [
        (
            f"{report.variations_tested:,} variations of {report.variations_asked:,} asked for ({report.method})"
            f"{pruned}; given: {fixed}."
        ),
        (
            f"{report.candles:,} candles of {report.timeframe}; fee {r.fee_percent:g} % a side, slippage up to "
            f"{r.slippage_percent:g} %, funding {r.funding_percent:g} % every 8 h; {stops or 'no stops'}; leverage "
            f"{r.leverage:g}, size {r.size_percent:g} % ({r.sizing.value}); signals from confidence "
            f"{r.least_confidence:g} on."
        ),
        (
            f"Version {order.strategy.version} of the strategy, seed {order.seed}, data {report.data_hash[:12]}, "
            f"result {report.fingerprint[:12]}, candles as of {moment(report.data_as_of, zone)}."
        ),
    ]


def _values(values: Mapping[str, Value]) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in values.items())


def _value(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:g}"
