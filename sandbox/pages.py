"""The look of every HTML page of the sandbox: it says what it is before it says anything else."""

from collections.abc import Sequence
from html import escape
from textwrap import dedent

BANNER = "SANDBOX: a simulation. No exchange, no money and no real bot is behind this page."
STYLE = dedent(
    """
    body { font-family: system-ui, sans-serif; margin: 0; color: #1d2733; }
    header { background: #b45309; color: #fff; padding: .6rem 1.2rem; font-weight: 600; }
    main { padding: 1rem 1.2rem; max-width: 72rem; }
    table { border-collapse: collapse; }
    th, td { border-bottom: 1px solid #d5dbe1; padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top; }
    pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; width: max-content; max-width: 44rem; }
    details pre { max-width: 30rem; }
    """
).strip()


def page(title: str, *parts: str) -> str:
    """A whole page under the banner; `parts` are HTML already, `title` is not."""
    name = escape(title)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sandbox: {name}</title>'
        f"<style>{STYLE}</style></head>"
        f"<body><header>{BANNER}</header><main><h1>{name}</h1>{''.join(parts)}</main></body></html>"
    )


def table(columns: tuple[str, ...], rows: Sequence[tuple[object, ...]], *, folded: str = "") -> str:
    """A table of texts; every cell is escaped, and those of the column `folded` open at a click."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(_cell(cell, fold=name == folded) for name, cell in zip(columns, row, strict=True)) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if rows else "<p>Nothing yet.</p>"


def _cell(cell: object, *, fold: bool) -> str:
    text = f"<pre>{escape(str(cell))}</pre>"
    return f"<td><details><summary>show</summary>{text}</details></td>" if fold else f"<td>{text}</td>"
