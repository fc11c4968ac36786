"""`tradeops audit`: whether the trail of decisions is whole."""

import asyncio
from dataclasses import replace

import click

from tradeops.cli import EXIT_FAILED
from tradeops.domain.audit import Verified
from tradeops.jobs import audit
from tradeops.jobs.decision import audit_of_decisions
from tradeops.settings import load_settings
from tradeops.wiring import our_store


@click.group()
def command() -> None:
    """Examine the hash-chained trail of decisions."""


@command.command()
def verify() -> None:
    """Examine every record: none changed, none missing, none inserted; and every decision, which must be as recorded.

    Exits with 1 and names the records when the trail is not whole.
    """
    found = asyncio.run(_verify())
    for problem in found.problems:
        click.echo(problem, err=True)
    if found.problems:
        raise SystemExit(EXIT_FAILED)
    records = "1 record" if found.records == 1 else f"{found.records} records"
    click.echo(f"the trail is whole: {records}, the last hash is {found.last_sha256}")


async def _verify() -> Verified:
    async with our_store(load_settings()) as store:
        differing = await audit_of_decisions.differences(store)
        found = await audit.verify(store)
    return replace(found, problems=(*found.problems, *differing))
