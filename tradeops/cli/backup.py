"""`tradeops backup`: all that is known into one file."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import click

from tradeops.jobs.upkeep.backup import write_backup
from tradeops.jobs.upkeep.backup_file import Manifest
from tradeops.settings import load_settings

MIB = 2**20


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def command(file: Path) -> None:
    """Write the store, the spool and the brake's journal into a file, and read it back.

    Everything may run meanwhile. No setting and no secret is in it; none that is there is overwritten.
    """
    manifest = asyncio.run(write_backup(load_settings(), file, now=datetime.now(UTC)))
    for line in lines(manifest):
        click.echo(line)
    click.echo(f"{file} is whole, {file.stat().st_size / MIB:.1f} MiB")


def lines(manifest: Manifest) -> list[str]:
    """What is in it, for people."""
    moment = "as of one moment" if manifest.is_of_one_moment else "each record whole, not all of one moment"
    first = f"{manifest.made_at:%Y-%m-%d %H:%M:%S} UTC by {manifest.made_by}, from {manifest.store}, {moment}"
    return [first, *(f"{facts.rows:>9} {name}" for name, facts in manifest.parts.items())]
