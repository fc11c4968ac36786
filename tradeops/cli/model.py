"""`tradeops model`: which versions of the models there are, and back to the one before."""

import asyncio
import json
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from tradeops.cli.person import whoami
from tradeops.errors import RejectedError

if TYPE_CHECKING:  # help needs no arrays
    from tradeops.domain.models.training import ModelRecord

NOT_KNOWN = "n/a"


@click.group()
def command() -> None:
    """List the versions of the models, go back to the one before."""


@command.command("list")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_models(style: str) -> None:
    """List the versions that the trainer keeps, those in use first."""
    records = asyncio.run(_records())
    if style == "json":
        click.echo(json.dumps([_fields(record) for record in records], indent=2))
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("model", "symbol", "version", "role", "accuracy", "trained (UTC)", "in use since (UTC)"):
        table.add_column(name, overflow="fold")
    for one in records:
        since = f"{one.promoted_at:%m-%d %H:%M}" if one.promoted_at and one.role == "champion" else ""
        unproven = " (unproven)" if one.unproven else ""
        accuracy = NOT_KNOWN if one.accuracy is None else f"{100 * one.accuracy:.2f} %"
        row = (one.model_type, one.symbol, one.version, f"{one.role}{unproven}", accuracy)
        table.add_row(*row, f"{one.trained_at:%m-%d %H:%M}", since)
    console = Console(highlight=False)
    if records:
        console.print(table)
    console.print(f"{len(records)} versions", style="dim")


@command.command()
@click.argument("version")
def show(version: str) -> None:
    """Show what is known of a version: its scores, the gate's rules and figures."""
    click.echo(json.dumps(asyncio.run(_shown(version)), indent=2))


@command.command()
@click.argument("model_type")
@click.argument("symbol")
@click.option("--reason", required=True, help="Why; kept for ever.")
@click.option("--version", required=True, help="The one that is in use, and shall not be.")
def rollback(model_type: str, symbol: str, reason: str, version: str) -> None:
    """Put the version before into use again; repeated, it goes back no further."""
    before, after = asyncio.run(_roll_back(model_type, symbol, version, reason, whoami()))
    click.echo(f"{model_type} {symbol}: {after} is in use again, {before} is not")


async def _records() -> "list[ModelRecord]":
    from tradeops.jobs.models.retrain_inputs import trainer_of  # noqa: PLC0415 - help needs no arrays
    from tradeops.wiring import open_desk  # noqa: PLC0415

    order = {"champion": 0, "previous": 1, "other": 2}
    async with open_desk() as desk:
        records = await trainer_of(desk).models()
    return sorted(records, key=lambda one: (one.model_type, one.symbol, order[one.role], one.version))


async def _shown(version: str) -> dict[str, object]:
    from tradeops.jobs.models.retrain_records import version_history  # noqa: PLC0415
    from tradeops.wiring import open_desk  # noqa: PLC0415

    known = next((record for record in await _records() if record.version == version), None)
    async with open_desk() as desk:
        kept = await version_history(desk.store, version)
    if known is None and not kept:
        remedy = "`tradeops model list` lists those that there are"
        raise RejectedError("trainer", f"there is no version {version[:80]!r}", remedy=remedy)
    return {**({} if known is None else _fields(known)), **kept}


async def _roll_back(model_type: str, symbol: str, version: str, reason: str, operator: str) -> tuple[str, str]:
    from tradeops.jobs.models.rollback import roll_back  # noqa: PLC0415
    from tradeops.wiring import open_desk  # noqa: PLC0415

    async with open_desk() as desk:
        return await roll_back(
            desk, model_type=model_type, symbol=symbol, version=version, reason=reason, actor=operator, automatic=False
        )


def _fields(record: "ModelRecord") -> dict[str, object]:
    return {
        "model_type": record.model_type,
        "symbol": record.symbol,
        "version": record.version,
        "role": record.role,
        "accuracy": record.accuracy,
        "trained_at": record.trained_at.isoformat(),
        "promoted_at": record.promoted_at.isoformat() if record.promoted_at else None,
        "unproven": record.unproven,
    }
