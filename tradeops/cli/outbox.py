"""`tradeops outbox`: the messages that wait, and those that were or were never delivered."""

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tradeops.adapters.store import Store
from tradeops.adapters.store.interface import Message, MessageState, QueuedMessage
from tradeops.errors import RejectedError
from tradeops.jobs.alerts.outbox import deliver
from tradeops.settings import load_settings
from tradeops.wiring import open_channels, our_store

STATES = [state.value for state in MessageState]
SEND_SECONDS = 30
COLOURS = {MessageState.WAITING: "yellow", MessageState.DELIVERED: "green", MessageState.FAILED: "red"}


@click.group(invoke_without_command=True)
@click.option("--state", type=click.Choice(STATES), default="waiting", show_default=True, help="Which messages.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def command(context: click.Context, state: str, style: str) -> None:
    """Show messages that wait or were never delivered; send them."""
    if context.invoked_subcommand is None:
        asyncio.run(_list(MessageState(state), style))


@command.command()
def send() -> None:
    """Hand over what is due now, as each run and the watchdog do."""
    asyncio.run(_send())


@command.command()
@click.argument("key")
def retry(key: str) -> None:
    """Send a message that was given up once more: a copy of it is put into the outbox."""
    asyncio.run(_retry(key))


async def _list(state: MessageState, style: str) -> None:
    async with our_store(load_settings()) as store:
        queued = await store.outbox(state)
    if style == "json":
        click.echo(json.dumps([_fields(one) for one in queued], indent=2))
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("target", "state", "tries", "due (UTC)", "message", "why"):
        table.add_column(name, overflow="fold")
    for one in queued:
        table.add_row(
            one.message.target,
            Text(one.state, COLOURS[one.state]),
            str(one.tries),
            f"{one.message.due_at:%m-%d %H:%M:%S}",
            Text(": ".join(filter(None, (one.message.key, _title(one))))),
            Text(one.note),
        )
    console = Console(highlight=False)
    if queued:
        console.print(table)
    console.print(f"{len(queued)} {state}", style="dim")


async def _send() -> None:
    settings = load_settings()
    async with our_store(settings) as store, open_channels(settings) as channels:
        owner, bound = f"terminal-{os.getpid()}", timedelta(seconds=SEND_SECONDS)
        told = await deliver(store, channels, owner=owner, bound=bound)
    for line in told.given_up:
        click.echo(line, err=True)
    if told.store_problem:
        click.echo(told.store_problem, err=True)
    click.echo(f"{len(told.handed_over)} delivered, {len(told.waiting)} waiting, {len(told.given_up)} given up")
    raise SystemExit(1 if told.given_up or told.store_problem else 0)


async def _retry(key: str) -> None:
    async with our_store(load_settings()) as store:
        again = await _copy(store, key)
    click.echo(f"{again} waits; `tradeops outbox send` sends it now")


async def _copy(store: Store, key: str) -> str:
    queued = await store.queued(key)
    if queued is None or queued.state is not MessageState.FAILED:
        remedy = "`tradeops outbox --state failed` lists those that were"
        raise RejectedError("outbox", f"no message {key} was given up", remedy=remedy)
    message, now = queued.message, datetime.now(UTC)
    if not message.body:
        remedy = "TRADEOPS_KEEP_MESSAGES_DAYS says how long texts are kept"
        raise RejectedError("outbox", f"the text of {key} is not kept any more", remedy=remedy)
    again = f"{key}/again-{now:%Y%m%dT%H%M%S.%f}"
    await store.enqueue(Message(again, message.target, message.body, created_at=now, due_at=now))
    return again


def _fields(one: QueuedMessage) -> dict[str, object]:
    return {
        "key": one.message.key,
        "target": one.message.target,
        "state": one.state.value,
        "tries": one.tries,
        "created_at": one.message.created_at.isoformat(),
        "due_at": one.message.due_at.isoformat(),
        "title": _title(one),
        "note": one.note,
    }


def _title(one: QueuedMessage) -> str:
    return str(one.message.body.get("title", ""))
