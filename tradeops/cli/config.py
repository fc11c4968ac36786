"""`tradeops config`: the effective settings, secrets masked, and where each came from."""

import json
from dataclasses import asdict

import click

from tradeops.settings import Settings, effective_settings, load_settings, unknown_names


@click.command()
@click.option("--format", "style", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
def command(style: str) -> None:
    """Show the effective settings and where each came from.

    Secrets are masked. `--format markdown` prints the reference that stands in docs/settings.md: defaults and
    meanings, not your values.
    """
    if style == "markdown":
        click.echo(reference())
        return
    rows = effective_settings(load_settings())
    if style == "json":
        click.echo(json.dumps({row.name: asdict(row) for row in rows}, indent=2))
        return
    name_width = max(len(row.name) for row in rows)
    value_width = max(len(row.value or "not set") for row in rows)
    for row in rows:
        click.echo(f"{row.name:{name_width}}  {row.value or 'not set':{value_width}}  {row.origin}")
    for name, meant in unknown_names():
        hint = f"; do you mean {meant}?" if meant else ""
        click.echo(f"{name} is set, but no setting has that name{hint}", err=True)


def reference() -> str:
    """All settings as a Markdown table, by their defaults."""
    defaults = effective_settings(Settings.model_construct())
    lines = ["| variable | default | example | meaning |", "|---|---|---|---|"]
    lines += [f"| `{r.name}` | {_code(r.value)} | {_code(r.example)} | {r.description} |" for r in defaults]
    return "\n".join(lines)


def _code(value: str | None) -> str:
    return "–" if value is None else f"`{value}`"
