"""E-mail against a real SMTP server: encryption, logins, refusals for now and for good, broken connections."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.contract.notify.sinks import PASSWORD, Mailbox, certificate, checks_password, silent_server, smtp_sink
from tests.contract.servers.misbehaving import hang, raw, reset, then_close
from tests.unit.adapters.notify.notices import notice
from tradeops.adapters.notify.channel import DeliveryError, PermanentDeliveryError, TransientDeliveryError
from tradeops.adapters.notify.mail import MailChannel, MailServer, usual_security

ONE, TWO = "one@example.com", "two@example.com"
PICTURE = b"\x89PNG picture"


def channel(port: int, *recipients: str, **server: object) -> MailChannel:
    plain = MailServer(host="127.0.0.1", port=port, security="none", within=timedelta(seconds=30))
    chosen = replace(plain, **server)  # type: ignore[arg-type] # whatever a server has
    return MailChannel(chosen, sender="TradeOps <desk@example.com>", recipients=recipients or (ONE,))


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with smtp_sink(Mailbox()) as sink:
        yield sink


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return certificate(tmp_path)


async def failure(tried: MailChannel, *, key: str = "k") -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await tried.send(notice(), idempotency_key=key)
    return caught.value


async def test_an_e_mail_arrives_whole_with_its_picture(mailbox: Mailbox) -> None:
    body = ".\n..leading dots\n" + "x" * 3000
    await channel(mailbox.port, ONE, f"Night <{TWO}>").send(notice(body=body, picture_png=PICTURE), idempotency_key="k")
    [(recipients, message)] = mailbox.mails
    assert recipients == [ONE, TWO]
    assert message["Subject"] == "[CRITICAL] Bot engine is down"
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert body in plain.get_content().replace("\r\n", "\n")
    assert "cid:picture" in html.get_content()
    [picture] = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert (picture["Content-ID"], picture.get_content()) == ("<picture>", PICTURE)


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("smtp.example.com", 587, "starttls"),
        ("smtp.example.com", 25, "starttls"),
        ("smtp.example.com", 465, "tls"),
        ("127.0.0.1", 1025, "none"),
        ("localhost", 587, "none"),
        ("localhost", 465, "tls"),
    ],
)
def test_only_this_machine_is_told_in_the_clear_unless_set(host: str, port: int, expected: str) -> None:
    assert usual_security(host, port) == expected


async def test_starttls_comes_before_login_and_message(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server, client = tls
    options = {"tls_context": server, "require_starttls": True, "authenticator": checks_password}
    async with smtp_sink(Mailbox(), **options, auth_required=True) as mailbox:
        await channel(mailbox.port, security="starttls", tls=client, user="desk", password=PASSWORD).send(
            notice(), idempotency_key="k"
        )
    assert len(mailbox.mails) == 1
    assert mailbox.said == [("MAIL", True)]


async def test_tls_from_the_first_byte(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server, client = tls
    async with smtp_sink(Mailbox(), implicit=server) as mailbox:
        await channel(mailbox.port, security="tls", tls=client).send(notice(), idempotency_key="k")
    assert len(mailbox.mails) == 1


async def test_a_server_without_starttls_gets_neither_login_nor_message(mailbox: Mailbox) -> None:
    error = await failure(channel(mailbox.port, security="starttls", user="desk", password=PASSWORD))
    assert isinstance(error, PermanentDeliveryError)
    assert "TRADEOPS_SMTP_SECURITY" in error.remedy
    assert mailbox.said == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_certificate_that_nobody_trusts_gets_nothing(
    security: str, tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    server, _ = tls
    options = {"implicit": server} if security == "tls" else {"tls_context": server}
    async with smtp_sink(Mailbox(), **options) as mailbox:
        error = await failure(channel(mailbox.port, security=security, user="desk", password=PASSWORD))
    assert isinstance(error, TransientDeliveryError)
    assert not error.may_have_arrived
    assert "ertificate" in error.problem or "CERTIFICATE" in error.problem
    assert mailbox.said == []


async def test_a_wrong_password_is_permanent_and_is_not_shown() -> None:
    options = {"authenticator": checks_password, "auth_require_tls": False}
    async with smtp_sink(Mailbox(), **options) as mailbox:
        right = channel(mailbox.port, user="desk", password=PASSWORD)
        await right.send(notice(), idempotency_key="k")
        error = await failure(channel(mailbox.port, user="desk", password="planted-wrong"))
    assert isinstance(error, PermanentDeliveryError)
    assert error.remedy == "check SMTP_USER and SMTP_PASSWORD"
    assert "535" in error.problem
    assert "planted" not in str(error)
    assert len(mailbox.mails) == 1


async def test_a_server_that_knows_no_login_is_a_wrong_setting(mailbox: Mailbox) -> None:
    assert isinstance(await failure(channel(mailbox.port, user="u", password="p")), PermanentDeliveryError)


@pytest.mark.parametrize(
    ("answers", "permanent"),
    [
        pytest.param({ONE: "550 no such user"}, True, id="unknown for good"),
        pytest.param({ONE: "450 greylisted"}, False, id="not now"),
        pytest.param({ONE: "550 no such user", TWO: "451 try later"}, False, id="one of each"),
    ],
)
async def test_refused_recipients(answers: dict[str, str], permanent: bool, mailbox: Mailbox) -> None:
    mailbox.refuse = answers
    error = await failure(channel(mailbox.port, *answers))
    assert isinstance(error, PermanentDeliveryError if permanent else TransientDeliveryError)
    for address, answer in answers.items():
        assert f"{address} ({answer})" in error.problem
    if isinstance(error, TransientDeliveryError):
        assert not error.may_have_arrived
    assert mailbox.mails == []


async def test_one_bad_recipient_does_not_keep_it_from_the_others(mailbox: Mailbox) -> None:
    mailbox.refuse = {ONE: "550 no such user"}
    error = await failure(channel(mailbox.port, ONE, TWO))
    assert isinstance(error, PermanentDeliveryError)
    assert "1 of 2 recipients refused: one@example.com (550 no such user)" in error.problem
    assert [recipients for recipients, _ in mailbox.mails] == [[TWO]]


async def test_who_has_it_does_not_get_it_again(mailbox: Mailbox) -> None:
    mailbox.refuse = {ONE: "450 greylisted"}
    tried = channel(mailbox.port, ONE, TWO)
    error = await failure(tried)
    assert isinstance(error, TransientDeliveryError)
    assert error.may_have_arrived
    mailbox.refuse = {}
    await tried.send(notice(), idempotency_key="k")
    await tried.send(notice(), idempotency_key="k")
    assert [recipients for recipients, _ in mailbox.mails] == [[TWO], [ONE]]


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [("452 mailbox full", False), ("421 too busy", False), ("554 spam", True), ("552 too big", True)],
)
async def test_a_message_that_is_not_taken(answer: str, permanent: bool, mailbox: Mailbox) -> None:
    mailbox.on_data = [answer, "250 taken"]
    tried = channel(mailbox.port)
    error = await failure(tried)
    assert answer in error.problem
    assert isinstance(error, PermanentDeliveryError if permanent else TransientDeliveryError)
    if isinstance(error, TransientDeliveryError):
        assert not error.may_have_arrived
        await tried.send(notice(), idempotency_key="k")
        assert len(mailbox.mails) == 1


@pytest.mark.parametrize(("answer", "permanent"), [("553 not yours", True), ("451 later", False)])
async def test_a_sender_that_is_not_taken(answer: str, permanent: bool, mailbox: Mailbox) -> None:
    mailbox.on_sender = answer
    error = await failure(channel(mailbox.port))
    assert isinstance(error, PermanentDeliveryError if permanent else TransientDeliveryError)


async def test_a_connection_that_breaks_over_the_message_may_have_delivered_it(mailbox: Mailbox) -> None:
    mailbox.on_data = ["hang up"]
    error = await failure(channel(mailbox.port))
    assert isinstance(error, TransientDeliveryError)
    assert error.may_have_arrived


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(reset, id="reset"),
        pytest.param(then_close(raw(b"220 hi\r\n")), id="closed after its greeting"),
        pytest.param(then_close(raw(b"421 too many connections\r\n")), id="too many connections"),
        pytest.param(then_close(raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")), id="no mail server at all"),
    ],
)
async def test_a_connection_that_breaks_before_delivered_nothing(behave: object) -> None:
    assert callable(behave)
    async with silent_server(behave) as port:
        error = await failure(channel(port))
    assert isinstance(error, TransientDeliveryError)
    assert not error.may_have_arrived


async def test_a_server_that_is_not_there_delivered_nothing() -> None:
    async with silent_server(hang) as port:
        pass
    error = await failure(channel(port))
    assert isinstance(error, TransientDeliveryError)
    assert not error.may_have_arrived
    assert f"127.0.0.1:{port} cannot be reached" in error.problem


async def drip(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"220-still here\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("behave", [pytest.param(hang, id="silent"), pytest.param(drip, id="endless greeting")])
async def test_a_server_that_does_not_come_to_an_end_is_left_in_time(behave: object) -> None:
    assert callable(behave)
    async with silent_server(behave) as port:
        began = time.monotonic()
        error = await failure(channel(port, within=timedelta(seconds=0.3)))
        assert time.monotonic() - began < 20
    assert isinstance(error, TransientDeliveryError)
    assert not error.may_have_arrived
    assert "within 0.3 s" in error.problem
