"""A page as one HTML document: no outside resource, no script, styled in place; for mail programs and browsers."""

import base64
import html
from collections.abc import Sequence

from tradeops.domain.health import Severity
from tradeops.rendering.page import Block, Bullets, Heading, Line, Page, Picture, Table, Text
from tradeops.rendering.plain import one_line, pieces, shown_rows

COLOURS = {Severity.HEALTHY: "#1a8f5a", Severity.DEGRADED: "#b7791f", Severity.CRITICAL: "#d64545", None: "#7a828e"}
FONT = "font:15px/1.5 system-ui,-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif"
RULE = "1px solid #8a919c66"
TITLE = "font-size:22px;line-height:1.3;margin:0 0 12px;padding-left:12px"
TABLE = "border-collapse:collapse;margin:0 0 12px;font-size:14px;overflow-wrap:anywhere"
BY_CID = "cid:picture"
PICTURE = "display:block;width:100%;height:auto;margin:0 0 12px"


def to_html(page: Page, *, by_cid: bool = False) -> str:
    """The page as a document; colours are left to the reader's theme, so that it reads in a dark and a light one.

    Args:
        page: what is said.
        by_cid: refer to the first PNG as `cid:picture`, as e-mail carries it, instead of having it inside.
    """
    first = next((b for b in page.blocks if isinstance(b, Picture) and b.media_type == "image/png"), None)
    title = html.escape(one_line(page.headline))
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">',
            f"<title>{title}</title><style>:root{{color-scheme:light dark}}</style></head>",
            f'<body style="margin:0;padding:16px"><div style="{FONT};max-width:900px;margin:0 auto">',
            f'<h1 style="{TITLE};border-left:6px solid {COLOURS[page.severity]}">{title}</h1>',
            *(_block(block, by_cid=by_cid and block is first) for block in page.blocks),
            "</div></body></html>",
            "",
        ]
    )


def _block(block: Block, *, by_cid: bool) -> str:
    match block:
        case Heading(text):
            return f'<h2 style="font-size:17px;margin:22px 0 8px">{html.escape(one_line(text))}</h2>'
        case Text(line):
            return f'<p style="margin:0 0 12px">{_line(line)}</p>'
        case Bullets(()):
            return ""
        case Bullets(lines):
            items = "".join(f'<li style="margin:2px 0">{_line(line)}</li>' for line in lines)
            return f'<ul style="margin:0 0 12px;padding-left:22px">{items}</ul>'
        case Table():
            return _table(block)
        case Picture(data, media_type, alt):
            source = BY_CID if by_cid else f"data:{media_type};base64,{base64.b64encode(data).decode()}"
            return f'<img style="{PICTURE}" alt="{html.escape(one_line(alt))}" src="{source}">'


def _line(line: Line) -> str:
    return "".join(f"<b>{_escaped(text)}</b>" if strong else _escaped(text) for text, strong in pieces(line))


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)


def _table(table: Table) -> str:
    rows, left_out = shown_rows(table)
    aligns = [column.align for column in table.columns]
    heads = _cells("th", aligns, [one_line(column.name) for column in table.columns])
    body = "\n".join(f'<tr style="border-top:{RULE}">{_cells("td", aligns, row)}</tr>' for row in rows)
    note = f'\n<p style="margin:0 0 12px">{left_out}</p>' if left_out else ""
    return (
        f'<table cellpadding="5" style="{TABLE}"><thead><tr>{heads}</tr></thead>\n'
        f'<tbody valign="top">{body}</tbody></table>{note}'
    )


def _cells(tag: str, aligns: Sequence[str], texts: Sequence[str]) -> str:
    pairs = zip(aligns, texts, strict=True)
    return "".join(f'<{tag} align="{align}">{_escaped(text)}</{tag}>' for align, text in pairs)
