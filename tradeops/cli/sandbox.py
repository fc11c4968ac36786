"""`tradeops sandbox`: runs the stand-in bot by itself, breaks it and mends it while it runs."""

import asyncio
import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from tradeops.errors import MisconfiguredError, UnavailableError
from tradeops.http import HttpPolicy, HttpService, open_pool
from tradeops.settings import load_settings

KINDS = (
    "refuse",
    "hang",
    "drip",
    "error",
    "garbage",
    "reset",
    "html",
    "empty",
    "huge",
    "slow",
    "success_false",
)


@click.group()
def command() -> None:
    """Run the sandbox bot; break it and mend it while it runs."""


@command.command(context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def run(options: tuple[str, ...]) -> None:
    """Run the sandbox alone until Ctrl-C; OPTIONS as `python -m sandbox --help` lists them."""
    if find_spec("sandbox") is None:
        raise MisconfiguredError("sandbox", "it is not installed", remedy="install tradeops[sandbox]")
    folder = ["--home", str(_folder())] if "--home" not in options else []
    os.execv(sys.executable, [sys.executable, "-m", "sandbox", *folder, *options])  # noqa: S606 - becomes the sandbox


@command.command()
@click.argument("service")
@click.argument("path")
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--status", type=int, help="HTTP status of an `error`.")
@click.option("--delay", "delay_seconds", type=float, help="Seconds that a `slow` answer takes.")
@click.option("--every", type=int, help="Only each n-th request.")
@click.option("--times", type=int, help="Only so many requests.")
def fault(service: str, path: str, kind: str, **details: float | None) -> None:
    """Break a route: tradeops sandbox fault engine '/api/health' hang."""
    given = {name: value for name, value in details.items() if value is not None}
    _print(_ask("POST", "/faults", {"service": service, "path": path, "kind": kind, **given}))


@command.command()
def faults() -> None:
    """List what is broken."""
    _print(_ask("GET", "/faults"))


@command.command()
def clear() -> None:
    """End all faults, also those of the scenario."""
    _print(_ask("DELETE", "/faults"))


@command.command()
@click.argument("service")
def restart(service: str) -> None:
    """Restart a service, with all that it forgets thereby."""
    _print(_ask("POST", f"/restart/{quote(service, safe='')}"))


@command.command()
def status() -> None:
    """Show what runs, where, and what it was asked."""
    _print(_ask("GET", "/state"))


def _folder() -> Path:
    """Where the sandbox of this TRADEOPS_HOME keeps itself; within its own shell, that is TRADEOPS_HOME."""
    home = load_settings().home_folder
    return home if (home / "sandbox.json").exists() else home / "sandbox"


def _ask(method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - shown as it is
    found = _folder() / "sandbox.json"
    try:
        address = json.loads(found.read_text())["control_url"]
    except FileNotFoundError:
        remedy = "start it with `tradeops up` or `tradeops sandbox run`"
        raise UnavailableError("sandbox", f"no sandbox runs in {found.parent}", remedy=remedy) from None
    return asyncio.run(_exchange(address, method, path, body))


async def _exchange(address: str, method: str, path: str, body: object) -> Any:  # noqa: ANN401 - see _ask
    async with open_pool() as pool:
        service = HttpService(pool, system="sandbox", base_url=address, policy=HttpPolicy())
        answer = await service.request(method, path, body=body)
    answer.raise_for_status()
    return answer.json()


def _print(found: object) -> None:
    click.echo(json.dumps(found, indent=2))
