"""`tradeops release`: a person lets something trade again that was switched off."""

import asyncio
from datetime import UTC, datetime, timedelta

import click

from tradeops.cli import EXIT_FAILED
from tradeops.domain.brakes import Disabled
from tradeops.domain.incidents.wording import clock
from tradeops.errors import MisconfiguredError
from tradeops.jobs.brake import releases, telling
from tradeops.jobs.brake.journal import Journal
from tradeops.jobs.brake.releases import Released
from tradeops.settings import Settings, load_settings
from tradeops.wiring import open_quick_engine


@click.command()
@click.argument("target", metavar="STRATEGY")
@click.option("--reason", required=True, help="Why it may trade again; others see it.")
@click.option("--operator", required=True, help="Who answers for it.")
@click.option("--confirm", help="The name of the strategy once more; asked for without it.")
@click.option("--without-cool-off", is_flag=True, help="Release what was switched off only just now, too.")
def command(target: str, reason: str, operator: str, confirm: str | None, *, without_cool_off: bool) -> None:
    """Let a strategy trade again that was switched off. Only a person does.

    Switches on what the brake switched off, and of that only what nothing else holds off.
    """
    settings = load_settings()
    journal = Journal(settings.home_folder)
    cool_off = timedelta(0) if without_cool_off else settings.release_cool_off
    disabled = releases.check(
        journal,
        target,
        reason=reason,
        operator=operator,
        mapped=settings.strategy_symbols,
        now=datetime.now(UTC),
        cool_off=cool_off,
    )
    click.echo(f"{disabled.target} is off since {clock(disabled.since)}: {disabled.reason}")
    typed = click.prompt("Type its name to release it") if confirm is None else confirm
    if typed.strip() != disabled.target:
        raise click.UsageError(f"that is not {disabled.target!r}: nothing was released")
    raise SystemExit(asyncio.run(_release(settings, journal, disabled, reason, operator)))


async def _release(settings: Settings, journal: Journal, disabled: Disabled, reason: str, operator: str) -> int:
    async with open_quick_engine(settings) as engine:
        if engine is None:
            raise MisconfiguredError("settings", "RUST_API_URL is not set", remedy="set it to the engine's address")
        now = datetime.now(UTC)
        mapped = settings.strategy_symbols
        done = await releases.release(
            engine, journal, disabled, reason=reason, operator=operator, mapped=mapped, now=now
        )
    _show(done)
    seen = telling.looks_after_release(disabled.target, at=datetime.now(UTC))
    lines = await telling.record(settings, journal, seen, incident_id=disabled.incident_id, stage="released")
    for line in lines:
        click.echo(line, err=True)
    return EXIT_FAILED if done.problem else 0


def _show(done: Released) -> None:
    click.echo(f"{done.disabled.target} is released; on again: {', '.join(done.enabled) or 'nothing'}")
    for symbol, other in done.held.items():
        click.echo(f"{symbol} stays off: {other} holds it")
    if done.problem:
        click.echo(done.problem, err=True)
