"""One e-mail: a subject that is one line, a plain twin, HTML that shows foreign words, the picture within it."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.adapters.notify.notices import EMOJI, HOSTILE, notice
from tradeops.adapters.notify.mail_message import HTML_LIMIT_BYTES, compose
from tradeops.domain.notices import Level, Notice

SHOWN = '<img src="cid:picture" alt="">'
PICTURE = b"\x89PNG\r\n\x1a\n picture"


def received(sent: Notice, *, key: str = "k", recipients: tuple[str, ...] = ("you@example.com",)) -> EmailMessage:
    """As the mailbox parses it."""
    made = compose(sent, sender="TradeOps <desk@example.com>", recipients=recipients, idempotency_key=key)
    parsed = message_from_bytes(made.as_bytes(), policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def attached(message: EmailMessage) -> list[tuple[str | None, Any]]:
    return [(one.get_filename(), _unix(one.get_content())) for one in message.iter_attachments()]


def _unix(content: object) -> object:
    return content.replace("\r\n", "\n") if isinstance(content, str) else content


def test_the_headers_say_who_what_and_when() -> None:
    message = received(notice(), recipients=("you@example.com", "Night Desk <night@example.com>"))
    assert message["Subject"] == "[CRITICAL] Bot engine is down"
    assert message["From"] == "TradeOps <desk@example.com>"
    assert [address for _, address in getaddresses([message["To"]])] == ["you@example.com", "night@example.com"]
    assert message["Date"] == "Wed, 25 Nov 2026 03:15:07 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Importance"] == "high"


def test_only_critical_ones_are_of_high_importance() -> None:
    assert received(notice(level=Level.ERROR))["Importance"] is None


def test_the_same_key_gives_the_same_message_id_and_another_another() -> None:
    one, same, other = (received(notice(), key=key)["Message-ID"] for key in ("a", "a", "b"))
    assert one == same != other
    assert one.endswith("@example.com>")


def test_text_and_html_say_the_same() -> None:
    message = received(notice(fields=(("strategy", "rsi <b>"), ("", "")), link="https://ui.example/?a=1&b=2"))
    assert part(message, "plain") == (
        "[CRITICAL] Bot engine is down\n\nIt refused the connection.\nSince 03:14 UTC.\n\nstrategy: rsi <b>\n–: –\n\n"
        "https://ui.example/?a=1&b=2\n\nTradeOps · 2026-11-25 03:15:07 UTC\n"
    )
    shown = part(message, "html")
    for text in ("Bot engine is down", "Since 03:14 UTC.", "rsi &lt;b&gt;", 'href="https://ui.example/?a=1&amp;b=2"'):
        assert text in shown


def test_hostile_names_are_shown_in_html_and_not_obeyed() -> None:
    message = received(notice(title=HOSTILE, body=HOSTILE, fields=((HOSTILE, HOSTILE),), link="javascript:alert(1)"))
    shown = part(message, "html")
    assert "<script" not in shown
    assert "href" not in shown
    assert "&lt;script&gt;" in shown
    assert "javascript:alert(1)" in part(message, "plain")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\x0b", "\x85"], ids=repr)
def test_a_title_cannot_add_headers(end: str) -> None:
    message = received(notice(title=f"down{end}Bcc: evil@example.com{end}{end}<script>"))
    assert message["Bcc"] is None
    assert message["Subject"] == "[CRITICAL] down Bcc: evil@example.com <script>"


@settings(max_examples=40, deadline=None)  # the standard library takes its time over encoded headers
@given(st.text(st.characters(codec=None), max_size=300))
def test_any_title_makes_one_subject(title: str) -> None:
    message = received(notice(title=title, body=title, level=Level.INFO))
    assert message["Subject"].startswith("[INFO]")
    assert set(message.keys()) == {
        *("Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type")
    }


@pytest.mark.parametrize("off", [-1, 0, 1], ids=["one below", "at the limit", "one above"])
def test_a_subject_above_the_limit_is_shortened_and_stands_in_full_in_the_text(off: int) -> None:
    full = "[CRITICAL] " + "t" * (200 - len("[CRITICAL] ") + off)
    message = received(notice(title=full.removeprefix("[CRITICAL] ")))
    assert message["Subject"] == (full if off <= 0 else full[:199] + "…")
    assert part(message, "plain").startswith(full)


def test_the_picture_is_shown_within_the_html() -> None:
    message = received(notice(picture_png=PICTURE))
    assert part(message, "html").count('<img src="cid:picture"') == 1
    [picture] = [one for one in message.walk() if one.get_content_type() == "image/png"]
    assert picture["Content-ID"] == "<picture>"
    assert picture.get_content_disposition() == "inline"
    assert picture.get_content() == PICTURE


@pytest.mark.parametrize(
    ("given_html", "expected"),
    [
        pytest.param("<p>report</p>", "</p><p><img", id="a fragment shows it at its end"),
        pytest.param(
            '<p>a</p><img src="cid:picture"><p>b</p>', '<p>a</p><img src="cid:picture"><p>b</p>', id="its place"
        ),
        pytest.param(
            "<!DOCTYPE html><body>x</BODY></html>",
            '<body>x<p><img src="cid:picture" alt=""></p></BODY>',
            id="a document",
        ),
        pytest.param("<html>x", '<html>x<p><img src="cid:picture" alt=""></p>', id="a document without an end"),
    ],
)
def test_html_of_its_own_is_used(given_html: str, expected: str) -> None:
    shown = part(received(notice(html=given_html, picture_png=PICTURE)), "html")
    assert shown.count("cid:picture") == 1
    if expected.startswith("</p><p>"):
        assert shown.index("<p>report</p>") < shown.index("cid:picture") < shown.index("</body>")
        assert "Bot engine is down" in shown
    else:
        assert expected in shown.replace("\n", "")


@pytest.mark.parametrize("off", [-1, 0, 1], ids=["one below", "at the limit", "one above"])
def test_html_above_the_limit_is_attached_whole_and_the_text_stays(off: int) -> None:
    document = "<html>" + "h" * (HTML_LIMIT_BYTES - len("<html>") - 1 + off) + "\n"
    message = received(notice(html=document))
    if off <= 0:
        assert part(message, "html") == document
        assert attached(message) == []
    else:
        assert message.get_body(("html",)) is None
        assert attached(message) == [("tradeops.html", document)]
    assert "Bot engine is down" in part(message, "plain")


def test_the_limit_counts_bytes_and_the_picture_is_attached_too() -> None:
    message = received(notice(html=f"<html>{EMOJI * 30_000}", picture_png=PICTURE))
    [(name, document), picture] = attached(message)
    assert name == "tradeops.html"
    assert document.count(EMOJI) == 30_000
    assert picture == ("picture.png", PICTURE)


def test_long_plain_text_is_not_cut() -> None:
    body = "\n".join(f"line {number} {'x' * 2000}" for number in range(200))
    assert body in part(received(notice(body=body)), "plain")


def test_what_is_sent_is_ascii_and_has_short_lines() -> None:
    sent = notice(title=EMOJI, body=f"{EMOJI}\ud83d" * 900, html=f"<p>{EMOJI}\ud83d</p>", picture_png=PICTURE * 500)
    raw = compose(sent, sender="Nöt <a@b.example>", recipients=["c@d.example"], idempotency_key="k").as_bytes()
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
