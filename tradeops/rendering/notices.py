"""A page as a notice: plain text for chats, HTML with the picture inside for e-mail."""

from dataclasses import replace
from datetime import datetime

from tradeops.domain.notices import Level, Notice
from tradeops.rendering.html import to_html
from tradeops.rendering.page import Bullets, Heading, Page, Picture
from tradeops.rendering.text import to_text


def report_notice(page: Page, *, key: str, event: str, occurred_at: datetime, link: str | None = None) -> Notice:
    """The report as information; its own verdict alerts by incidents.

    Args:
        page: whose first PNG goes along.
        key: unique for ever, so that one day's report is sent once.
        event: by which it is routed, `portfolio_report`.
        occurred_at: when the report was made, aware.
        link: to the run.
    """
    pngs = (block.data for block in page.blocks if isinstance(block, Picture) and block.media_type == "image/png")
    return Notice(
        key=key,
        event=event,
        level=Level.INFO,
        title=page.headline,
        body=to_text(page),
        occurred_at=occurred_at,
        link=link,
        html=to_html(page, by_cid=True),
        picture_png=next(pngs, None),
    )


def with_untold(page: Page, untold: tuple[str, ...]) -> Page:
    """The page and, where there is something, why somebody was not told."""
    if not untold:
        return page
    return replace(page, blocks=(*page.blocks, Heading("Alerting is degraded"), Bullets(untold)))
