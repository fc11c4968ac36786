"""Every channel keeps what it is sent, whole, and shows it as text and not as markup."""

import asyncio
import smtplib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import httpx
import pytest

from sandbox.pages import BANNER
from sandbox.sinks import KEPT, TELEGRAM_TOKEN, Sinks

NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)


@pytest.fixture
def sinks() -> Sinks:
    return Sinks(now=lambda: NOW)


@pytest.fixture
async def http(sinks: Sinks) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sinks.build_app()), base_url="http://sinks") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "channel", "sent", "text", "status"),
    [
        ("/slack", "slack", {"text": "hello"}, "hello", 200),
        ("/slack", "slack", {"attachments": [{"color": "red", "title": "t", "text": "x"}]}, "t", 200),
        ("/slack", "slack", {"attachments": [{"text": "x"}]}, "x", 200),
        ("/discord", "discord", {"content": "hello"}, "hello", 204),
        ("/discord", "discord", {"embeds": [{"title": "t"}]}, "t", 204),
        ("/discord", "discord", {"embeds": [{"description": "d"}]}, "d", 204),
        (f"/bot{TELEGRAM_TOKEN}/sendMessage", "telegram", {"chat_id": 7, "text": "hello"}, "hello", 200),
        ("/webhook", "webhook", {"title": "hello"}, "hello", 200),
        ("/webhook", "webhook", {"subject": "hello"}, "hello", 200),
        ("/webhook", "webhook", {"message": "hello"}, "hello", 200),
        ("/webhook", "webhook", {"strange": [1]}, "", 200),
    ],
)
async def test_a_message_is_kept_with_its_text_and_all_that_was_sent(
    http: httpx.AsyncClient, path: str, channel: str, sent: dict[str, Any], text: str, status: int
) -> None:
    assert (await http.post(path, json=sent)).status_code == status
    expected = {"number": 1, "at": NOW.isoformat(), "channel": channel, "text": text, "raw": sent}
    assert (await http.get("/deliveries")).json() == [expected]


async def test_a_webhook_may_be_plain_text(http: httpx.AsyncClient, sinks: Sinks) -> None:
    await http.post("/webhook", content=b"plain \xff words")
    assert sinks.deliveries[0].text == "plain � words"


@pytest.mark.parametrize(
    ("path", "content", "status", "told"),
    [
        ("/slack", b"{}", 400, "no_text"),
        ("/slack", b"no json", 400, "invalid_payload"),
        ("/discord", b'{"embeds": []}', 400, "empty message"),
        (f"/bot{TELEGRAM_TOKEN}/sendMessage", b'{"chat_id": 7}', 400, "message text is empty"),
        ("/botwrong/sendMessage", b'{"chat_id": 7, "text": "x"}', 401, "Unauthorized"),
    ],
)
async def test_what_the_real_channel_would_refuse_is_refused_and_not_kept(
    http: httpx.AsyncClient, sinks: Sinks, path: str, content: bytes, status: int, told: str
) -> None:
    answer = await http.post(path, content=content)
    assert answer.status_code == status
    assert told in answer.text
    assert not sinks.deliveries


async def test_a_mail_is_kept_with_both_of_its_bodies(sinks: Sinks) -> None:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "[CRITICAL] Grüße", "desk@example.org", "a@example.org"
    message.set_content("plain\n")
    message.add_alternative("<b>html</b>\n", subtype="html")
    server = await asyncio.get_running_loop().create_server(sinks.build_smtp, "127.0.0.1", 0)
    async with server:
        await asyncio.to_thread(_send, server.sockets[0].getsockname()[1], message)
    (kept,) = sinks.deliveries
    assert (kept.channel, kept.text) == ("email", "[CRITICAL] Grüße")
    assert kept.raw == {
        "from": "desk@example.org",
        "to": ["a@example.org"],
        "subject": "[CRITICAL] Grüße",
        "plain": "plain\n",
        "html": "<b>html</b>\n",
    }


async def test_a_mail_without_a_subject_shows_its_text(sinks: Sinks) -> None:
    message = EmailMessage()
    message["From"], message["To"] = "desk@example.org", "a@example.org"
    message.set_content("only words\n")
    server = await asyncio.get_running_loop().create_server(sinks.build_smtp, "127.0.0.1", 0)
    async with server:
        await asyncio.to_thread(_send, server.sockets[0].getsockname()[1], message)
    assert sinks.deliveries[0].text == "only words\n"


async def test_deliveries_can_be_asked_for_by_channel(http: httpx.AsyncClient, sinks: Sinks) -> None:
    sinks.keep("slack", "a", {})
    sinks.keep("discord", "b", {})
    found = (await http.get("/deliveries", params={"channel": "discord"})).json()
    assert [one["text"] for one in found] == ["b"]


async def test_the_page_says_sandbox_and_shows_markup_as_text(http: httpx.AsyncClient, sinks: Sinks) -> None:
    assert "Nothing yet" in (await http.get("/")).text
    sinks.keep("slack", "<script>alert(1)</script>", {})
    page = (await http.get("/")).text
    assert BANNER in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>" not in page


def test_only_the_newest_are_kept(sinks: Sinks) -> None:
    for number in range(KEPT + 3):
        sinks.keep("slack", str(number), {})
    assert len(sinks.deliveries) == KEPT
    assert (sinks.deliveries[0].number, sinks.deliveries[-1].number) == (4, KEPT + 3)


def _send(port: int, message: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as mail:
        mail.send_message(message)
