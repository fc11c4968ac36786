"""The page of a strategy that was switched off: is it off, since when, why, how fast, and what stays open."""

from collections.abc import Sequence
from datetime import tzinfo

from tradeops.domain.brakes import Disabled
from tradeops.domain.health import Severity
from tradeops.domain.position_risk import PositionRisk
from tradeops.rendering.page import Block, Bullets, Column, Heading, Page, Strong, Table, Text
from tradeops.rendering.wording import moment, percent, usd

POSITIONS = (
    Column("Symbol"),
    Column("Side"),
    Column("Unrealised", "right"),
    Column("To the stop", "right"),
    Column("If stopped", "right"),
)
TIMELINE = (Column("After", "right"), Column("What happened", width=90))


def brake_page(
    disabled: Disabled,
    timeline: Sequence[tuple[str, float]],
    risks: Sequence[PositionRisk],
    zone: tzinfo,
    *,
    already_off: bool,
    unlisted: str = "",
) -> Page:
    """The page.

    Args:
        disabled: what stands.
        timeline: what happened, and how many milliseconds after the order.
        risks: the open positions of its symbols.
        zone: of the times shown.
        already_off: it was found done.
        unlisted: why the open positions are not known; empty when they are.
    """
    return Page(
        title=_title(disabled, already_off=already_off),
        severity=Severity.HEALTHY if disabled.confirmed else Severity.CRITICAL,
        blocks=(
            Text((Strong("Why: "), disabled.reason)),
            Text((Strong("Since: "), f"{moment(disabled.since, zone)}, by {disabled.actor}")),
            *_confirmation(disabled, zone),
            *_figures(disabled),
            Heading("Open positions"),
            *_positions(risks, unlisted),
            Heading("Timeline"),
            Table(TIMELINE, tuple((f"{milliseconds:.1f} ms", what) for what, milliseconds in timeline)),
            Text("Only a person switches it on again: tradeops release."),
        ),
    )


def _title(disabled: Disabled, *, already_off: bool) -> str:
    if not disabled.confirmed:
        return f"NOT CONFIRMED: {disabled.target} may still trade"
    return f"{disabled.target} {'was off already' if already_off else 'is switched off'}"


def _confirmation(disabled: Disabled, zone: tzinfo) -> list[Block]:
    symbols = ", ".join(disabled.symbols) or "not known"
    if disabled.confirmed_at is None or not disabled.confirmed:
        return [Text((Strong("Not confirmed: "), disabled.problem)), Text((Strong("Symbols: "), symbols))]
    how = f"{moment(disabled.confirmed_at, zone)}, by the engine's {disabled.method}"
    return [Text((Strong("Confirmed: "), how)), Text((Strong("No new positions in: "), symbols))]


def _figures(disabled: Disabled) -> list[Block]:
    if not disabled.figures:
        return []
    return [Heading("Figures"), Bullets(tuple(f"{name}: {value}" for name, value in disabled.figures.items()))]


def _positions(risks: Sequence[PositionRisk], unlisted: str) -> list[Block]:
    if unlisted:
        return [Text(f"They could not be listed: {unlisted}")]
    if not risks:
        return [Text("None.")]
    rows = tuple(
        (
            risk.trade.symbol,
            risk.trade.side.value,
            usd(risk.unrealised_usd, signed=True),
            percent(risk.stop_distance_percent),
            usd(risk.pnl_if_stopped_usd, signed=True),
        )
        for risk in risks
    )
    return [Text("They stay open, supervised by the engine."), Table(POSITIONS, rows)]
