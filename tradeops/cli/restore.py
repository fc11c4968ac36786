"""`tradeops restore`: fills a store from the file of a backup."""

import asyncio
from pathlib import Path

import click

from tradeops.cli.backup import lines
from tradeops.jobs.upkeep.backup_file import read_manifest
from tradeops.jobs.upkeep.restore import restore
from tradeops.settings import load_settings


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Examine FILE and change nothing.")
@click.option("--replace", is_flag=True, help="Lose what is in the store now.")
def command(file: Path, *, check: bool, replace: bool) -> None:
    """Fill the store that the settings choose from a backup, and read it back before it counts.

    A backup of SQLite fills a MongoDB and the other way round. Let no watchdog and no worker run meanwhile. What is
    switched off now stays off, whatever FILE says.
    """
    if check:
        for line in (*lines(read_manifest(file)), f"{file} is whole"):
            click.echo(line)
        return
    done = asyncio.run(restore(load_settings(), file, replace=replace))
    for line in lines(done.manifest):
        click.echo(line)
    for target in done.kept_off:
        click.echo(f"{target} is off, which the backup did not know; it stays off")
    click.echo("restored, and read back")
