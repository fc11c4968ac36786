"""`tradeops decision`: what was decided, on what, and whether it would be decided so again."""

import asyncio
import json

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tradeops.cli import EXIT_FAILED
from tradeops.domain.decisions.codec import encoded
from tradeops.domain.decisions.decision import Analysis, Decision, Kind
from tradeops.jobs.decision import decisions
from tradeops.rendering.decision import decision_page
from tradeops.rendering.text import to_text
from tradeops.settings import load_settings
from tradeops.wiring import our_store


@click.group()
def command() -> None:
    """List, show and replay the decisions whether to retrain."""


@command.command("list")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="The most that are shown.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_decisions(limit: int, style: str) -> None:
    """List decisions, the newest first."""
    found = asyncio.run(_everything())[::-1][:limit]
    if style == "json":
        click.echo(json.dumps([decisions.event_payload(one) for one in found], indent=2))
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("decision", "made at", "recommends", "confidence", "retrain", "cost"):
        table.add_column(name, no_wrap=name != "retrain", overflow="fold")
    for one in found:
        table.add_row(*_row(one))
    console = Console(highlight=False)
    if found:
        console.print(table)
    console.print(f"{len(found)} shown", style="dim")


@command.command()
@click.argument("decision_id", metavar="ID")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def show(decision_id: str, style: str) -> None:
    """Show a decision with its evidence, votes and rules."""
    decision = asyncio.run(_read(decision_id))
    if style == "json":
        click.echo(json.dumps(encoded(decision), indent=2))
        return
    analysis = Analysis(Kind.DECIDED, decision.run_id, decision.made_at, evidence=decision.evidence, decision=decision)
    click.echo(to_text(decision_page(analysis, None, load_settings().zone, _no_link)), nl=False)


@command.command()
@click.argument("decision_id", metavar="ID")
def replay(decision_id: str) -> None:
    """Decide again from the recorded answers, without a language model.

    Exits with 1 when the verdict is another one.
    """
    decision = asyncio.run(_read(decision_id))
    again, then = decisions.replayed(decision), decision.verdict
    told = f"{again.recommendation}, {'a' if again.start_retrain else 'no'} retrain, confidence {again.confidence}"
    if again == then:
        click.echo(f"the same verdict: {told}; {len(again.rules)} rules, {len(decision.ballots)} votes")
        return
    click.echo(f"another verdict: {told}", err=True)
    changed = [one.name for one, other in zip(again.rules, then.rules, strict=False) if one != other]
    click.echo(f"it differs in {', '.join(changed) or 'recommendation or confidence'}", err=True)
    raise SystemExit(EXIT_FAILED)


async def _everything() -> list[Decision]:
    async with our_store(load_settings()) as store:
        return await decisions.everything(store)


async def _read(decision_id: str) -> Decision:
    async with our_store(load_settings()) as store:
        return await decisions.read(store, decision_id)


def _row(decision: Decision) -> tuple[Text, ...]:
    confidence = decision.verdict.confidence
    retrain = decision.start.value.replace("_", " ")
    if decision.retrain_run_id:
        retrain += f" {decision.retrain_run_id}"
    elif vetoes := ", ".join(rule.name for rule in decision.verdict.vetoes):
        retrain = f"no: {vetoes}"
    return (
        Text(decision.decision_id),
        Text(f"{decision.made_at:%Y-%m-%d %H:%M} UTC"),
        Text(decision.recommendation.value),
        Text("–" if confidence is None else str(confidence)),
        Text(retrain),
        Text(f"${decision.cost_usd:,.6f}"),
    )


def _no_link(_run_id: str) -> str:
    return ""
