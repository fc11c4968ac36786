"""A report as a notice: words for chats, a page with its picture for e-mail."""

import base64
from datetime import UTC, datetime

from tests.unit.rendering.pages import HOSTILE, PICTURE, everything, page
from tests.unit.rendering.test_html import Reader
from tradeops.domain.health import Severity
from tradeops.domain.notices import Delivery, Level, from_body
from tradeops.rendering.html import to_html
from tradeops.rendering.markdown import to_markdown
from tradeops.rendering.notices import report_notice, with_untold
from tradeops.rendering.page import Bullets, Page, Picture, Text
from tradeops.rendering.text import to_text

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
SVG = Picture(b"<svg/>", "image/svg+xml", "A drawing")
SECOND = Picture(b"\x89PNG another", "image/png", "Drawdown")


def sources(document: str) -> list[str]:
    return [value for tag, name, value in Reader(document).attributes if (tag, name) == ("img", "src")]


def inside(picture: Picture) -> str:
    return f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode()}"


def notice_of(shown: Page, link: str | None = None) -> tuple[str, bytes | None, str]:
    told = report_notice(shown, key="k", event="cost_report", occurred_at=NOON, link=link)
    return told.body, told.picture_png, told.html or ""


def test_the_first_png_goes_along_and_the_html_refers_to_it() -> None:
    shown = page(SVG, PICTURE, SECOND)
    _, png, html = notice_of(shown)
    assert png == PICTURE.data
    assert sources(html) == [inside(SVG), "cid:picture", inside(SECOND)]
    assert sources(to_html(shown)) == [inside(SVG), inside(PICTURE), inside(SECOND)]


def test_one_picture_is_never_in_the_html_as_well() -> None:
    _, _, html = notice_of(page(Text("so"), PICTURE))
    assert base64.b64encode(PICTURE.data).decode() not in html
    assert sources(html) == ["cid:picture"]


def test_of_equal_pictures_one_is_referred_to_and_both_are_shown() -> None:
    twin = Picture(PICTURE.data, PICTURE.media_type, PICTURE.alt)
    assert sources(notice_of(page(PICTURE, twin))[2]) == ["cid:picture", inside(twin)]


def test_a_page_without_a_png_refers_to_none() -> None:
    for shown in (page(Text("so")), page(SVG)):
        _, png, html = notice_of(shown)
        assert png is None
        assert "cid:" not in html


def test_chats_get_the_plain_text() -> None:
    shown = page(Text("equity $1.00"), PICTURE)
    body, _, _ = notice_of(shown)
    assert body == to_text(shown)
    assert "equity $1.00" in body
    assert "<" not in body


def test_a_report_is_information_whatever_its_verdict_and_is_sent_at_most_once() -> None:
    shown = page(Text("so"), title="Too much", severity=Severity.CRITICAL)
    told = report_notice(shown, key="daily-api-cost-report:2026-11-25", event="cost_report", occurred_at=NOON, link="u")
    assert (told.level, told.delivery) == (Level.INFO, Delivery.AT_MOST_ONCE)
    assert (told.key, told.event, told.occurred_at) == ("daily-api-cost-report:2026-11-25", "cost_report", NOON)
    assert (told.title, told.link) == (shown.headline, "u")
    assert "Too much" in told.title


def test_a_report_survives_the_outbox_whatever_it_holds() -> None:
    for text in HOSTILE.values():
        told = report_notice(everything(text), key="k", event="portfolio_report", occurred_at=NOON)
        assert from_body(told.as_body()) == told
        Reader(told.html or "")


def test_what_was_not_told_stands_at_the_end_of_the_page() -> None:
    shown = page(Text("so"))
    told = with_untold(shown, ("webhook: refused", "the store is slow"))
    assert told.blocks[: len(shown.blocks)] == shown.blocks
    assert told.blocks[-1] == Bullets(("webhook: refused", "the store is slow"))
    assert "Alerting is degraded" in to_markdown(told)
    assert (told.title, told.severity) == (shown.title, shown.severity)


def test_a_page_of_which_all_was_told_stays_as_it_is() -> None:
    shown = page(Text("so"))
    assert with_untold(shown, ()) is shown
