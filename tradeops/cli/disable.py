"""`tradeops disable`: the brake in the hands of a person.

It needs the engine and TRADEOPS_HOME alone; whoever else should know is told afterwards, for some seconds at most, and
otherwise by the watchdog.
"""

import asyncio
from datetime import UTC, datetime

import click

from tradeops.adapters.engine.client import EngineClient
from tradeops.cli import EXIT_FAILED
from tradeops.cli.person import whoami
from tradeops.domain.brakes import Order
from tradeops.errors import MisconfiguredError, TradeOpsError
from tradeops.jobs.brake import telling
from tradeops.jobs.brake.brake import brake
from tradeops.jobs.brake.emergency import stop_engine
from tradeops.jobs.brake.journal import Journal
from tradeops.jobs.brake.pull import Outcome
from tradeops.rendering.wording import usd
from tradeops.settings import Settings, load_settings
from tradeops.wiring import open_quick_engine


@click.command()
@click.argument("target", metavar="STRATEGY")
@click.option("--reason", required=True, help="Why; others see it.")
@click.option("--by", default=whoami, help="Who; you.")
@click.option(
    "--stop-engine", is_flag=True, help="Stop all paper trading besides; ends stop-loss supervision of open positions."
)
def command(target: str, reason: str, by: str, *, stop_engine: bool) -> None:
    """Switch a strategy off now, and see that it is off.

    STRATEGY is a name such as `RSI Strategy` or `rsi`, `symbol:ETHUSDT`, or `portfolio`. Open positions stay open,
    supervised by the engine. Needs neither Prefect nor the store; exits with 1 when it is not confirmed.
    """
    raise SystemExit(asyncio.run(_disable(Order(target, reason, by), stop=stop_engine)))


async def _disable(order: Order, *, stop: bool) -> int:
    settings = load_settings()
    journal = Journal(settings.home_folder)
    async with open_quick_engine(settings) as engine:
        if engine is None:
            raise MisconfiguredError("settings", "RUST_API_URL is not set", remedy="set it to the engine's address")
        outcome = await brake(engine, journal, order, mapped=settings.strategy_symbols)
        _show(outcome)
        stopped = not stop or await _stop(engine)
        await _list_open(engine, outcome)
    await _tell(settings, journal, outcome)
    return 0 if outcome.confirmed and stopped else EXIT_FAILED


async def _stop(engine: EngineClient) -> bool:
    problem = await stop_engine(engine)
    click.echo(f"the engine was NOT stopped: {problem}" if problem else "the engine is stopped", err=bool(problem))
    return not problem


async def _tell(settings: Settings, journal: Journal, outcome: Outcome) -> None:
    disabled = telling.standing_after(outcome, journal)
    stage = "confirmed" if disabled.confirmed else "not-confirmed"
    seen = telling.looks(disabled, at=datetime.now(UTC))
    lines = await telling.record(settings, journal, seen, incident_id=disabled.incident_id, stage=stage)
    for line in lines:
        click.echo(line, err=True)


def _show(outcome: Outcome) -> None:
    target, symbols = outcome.order.target, ", ".join(outcome.affected_symbols)
    if outcome.confirmed:
        how = "was off already" if outcome.already_off else f"is off, by the engine's {outcome.method}"
        took = outcome.timeline[-1][1]
        click.echo(f"{target} {how}, confirmed after {took:.0f} ms: {symbols} take no new positions")
    elif outcome.released:
        click.echo(f"{target}: {outcome.problem}", err=True)
    else:
        click.echo(f"NOT CONFIRMED: {target} may still trade: {outcome.problem}", err=True)
        click.echo("the watchdog tries again; so does this command", err=True)
    if outcome.unwritten:
        click.echo(f"not written down: {outcome.unwritten}", err=True)
    for what, milliseconds in outcome.timeline:
        click.echo(f"  {milliseconds:8.1f} ms  {what}")


async def _list_open(engine: EngineClient, outcome: Outcome) -> None:
    try:
        risks = await telling.still_open(engine, outcome.affected_symbols)
    except TradeOpsError as error:
        click.echo(f"open positions could not be listed: {error}", err=True)
        return
    click.echo(f"{len(risks)} open: {telling.STAY}" if risks else "no open positions")
    for risk in risks:
        trade = risk.trade
        click.echo(
            f"  {trade.symbol} {trade.side}, unrealised {usd(risk.unrealised_usd, signed=True)}, "
            f"if stopped {usd(risk.pnl_if_stopped_usd, signed=True)}"
        )
