"""Pages to render, and text that would rather be markup."""

from tradeops.domain.health import Severity
from tradeops.rendering.page import Block, Bullets, Column, Heading, Page, Picture, Strong, Table, Text

PICTURE = Picture(b"\x89PNG not really", "image/png", "Equity from $1.00 to $2.00")
HOSTILE = {
    "tags": "</b><script>alert(1)</script>",
    "closing": '"></td></table><img src=x onerror=alert(1)>',
    "entity": "&lt;b&gt; &amp;",
    "pipes": "a | b || c \\| d",
    "backticks": "`code` ```fence```",
    "emphasis": "*a* **b** _c_ __d__ ~~e~~",
    "links": "[x](javascript:alert(1)) ![i](//evil/x.png) <http://evil>",
    "lines": "one\r\n# two\n\n- three\u2028four\x0bfive",
    "a heading": "# head",
    "a list": "- item",
    "a plus list": "+ item",
    "a numbered list": "1. item",
    "a numbered list in brackets": "12) item",
    "a rule": "---",
    "an underline": "===",
    "a quotation": "> quoted",
    "a table": "| a |\n|---|",
    "backslashes": "C:\\*\\_\\",
    "underscores": "_a_b_ snake_case __init__",
    "a comment": "<!-- hidden -->",
    "mathematics": "$x^2$ \\(y\\)",
    "everyone": "@everyone <@U1>",
}


def page(*blocks: Block, title: str = "Healthy", severity: Severity | None = Severity.HEALTHY) -> Page:
    return Page(title, severity, blocks)


def everything(text: str) -> Page:
    """A page with `text` wherever text may stand, alone in its line where there are lines."""
    return page(
        Heading(text),
        Text(text),
        Text((Strong(text), " and ", text)),
        Bullets((text, (Strong(text), ": ", text))),
        Table((Column(text), Column("number", "right"), Column("narrow", width=20)), ((text, "1", text),)),
        Picture(b"x", "image/png", text),
        title=text,
    )
