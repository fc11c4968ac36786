"""What the commands of the laboratory share: parameters from the command line, progress, output, lists of results."""

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tradeops.rendering.html import to_html
from tradeops.rendering.page import Page
from tradeops.rendering.text import to_text

FORMATS = click.Choice(["text", "html", "json"])
Result = Mapping[str, Any]


def given_parameters(settings: Sequence[str]) -> dict[str, int | float | str]:
    """NAME=VALUE in the type that the value reads as.

    Raises:
        click.BadParameter: no equals sign, or a name twice.
    """
    given: dict[str, int | float | str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{setting!r} is not NAME=VALUE", param_hint="--set")
        if name in given:
            raise click.BadParameter(f"{name} is set twice", param_hint="--set")
        given[name] = _read(value)
    return given


@contextmanager
def waiting() -> Generator[Callable[[str], None]]:
    """Gives a function that says on stderr what is being done; where nobody looks, each once as a line."""
    console = Console(stderr=True, highlight=False)
    with console.status("beginning") as status:

        def told(what: str) -> None:
            status.update(what)
            if not console.is_terminal:
                console.print(what)

        yield told


def shown(fields: Mapping[str, Any], page: Page, style: str) -> None:
    """The result on stdout as text, HTML or JSON."""
    match style:
        case "json":
            click.echo(json.dumps(fields, indent=2))
        case "html":
            click.echo(to_html(page), nl=False)
        case _:
            click.echo(to_text(page), nl=False)


def listed(results: Sequence[Result], style: str, more: Mapping[str, Callable[[Result], str]], *, nothing: str) -> None:
    """Kept results on stdout, a line each, or as JSON.

    Args:
        results: as they are kept.
        style: text or json.
        more: columns beside those that results of all kinds have.
        nothing: said in place of an empty table.
    """
    if style == "json":
        click.echo(json.dumps(results, indent=2))
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("id", "made (UTC)", "strategy", "symbol", "from", "until", *more):
        table.add_column(name, no_wrap=name == "id")
    for one in results:
        table.add_row(
            Text(str(one["run_id"])[:13]),
            f"{datetime.fromisoformat(one['finished_at']):%Y-%m-%d %H:%M}",
            Text(one["strategy"]),
            one["symbol"],
            one["order"]["start_date"],
            one["order"]["end_date"],
            *(cell(one) for cell in more.values()),
        )
    Console(highlight=False).print(table if results else nothing)


def _read(value: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value
