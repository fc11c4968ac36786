"""What the commands of the laboratory share: parameters from the command line, progress, output in three styles."""

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console

from tradeops.rendering.html import to_html
from tradeops.rendering.page import Page
from tradeops.rendering.text import to_text


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


def _read(value: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value
