"""`tradeops notify`: try the channels of notifications, one message each."""

import asyncio
import uuid
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tradeops.cli import EXIT_FAILED
from tradeops.domain.notices import Level, Notice
from tradeops.errors import MisconfiguredError
from tradeops.jobs.alerts.past_outbox import Failure, send_past_outbox
from tradeops.settings import load_settings
from tradeops.wiring import open_channels


@click.group()
def command() -> None:
    """Send a test message to each channel of notifications."""


@command.command("test")
@click.option("--channel", "wanted", metavar="NAME", help="Only this one, such as slack or email.")
def try_channels(wanted: str | None) -> None:
    """Send one test message to each channel that is set up and say what became of it.

    Exits with 0 when all were accepted, 1 when one was not, 2 when there is no such channel.
    """
    outcomes = asyncio.run(_send_to_each(wanted))
    _show(outcomes, Console(highlight=False))
    raise SystemExit(EXIT_FAILED if any(outcomes.values()) else 0)


async def _send_to_each(wanted: str | None) -> dict[str, Failure | None]:
    async with open_channels(load_settings()) as channels:
        chosen = {name: one for name, one in channels.items() if wanted in {None, name, name.partition("-")[0]}}
        if not chosen:
            known = f"set up are {', '.join(channels)}" if channels else "no channel is set up or switched on"
            problem = known if wanted is None else f"there is no channel {wanted!r}: {known}"
            raise MisconfiguredError("notifications", problem, remedy="see docs/notifications.md")
        return await send_past_outbox(chosen, _notice(f"test-{uuid.uuid4()}"))


def _notice(key: str) -> Notice:
    return Notice(
        key=key,
        event="test",
        level=Level.INFO,
        title="Test message",
        body="TradeOps can reach you here. Nothing is wrong.",
        occurred_at=datetime.now(UTC),
        fields=(("asked for by", "tradeops notify test"),),
    )


def _show(outcomes: dict[str, Failure | None], console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("channel", "outcome", "why"):
        table.add_column(heading, overflow="fold", no_wrap=heading != "why")
    for name, error in outcomes.items():
        outcome = Text("accepted", "green") if error is None else Text("failed", "red")
        why = "" if error is None else "; ".join(filter(None, [error.problem, error.remedy]))
        table.add_row(name, outcome, Text(why))
    console.print(table)
