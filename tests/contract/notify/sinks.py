"""Real servers that take our messages, or do to them what the test says: HTTP and SMTP, on loopback."""

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.contract.servers.misbehaving import Behaviour

PASSWORD = "planted-password"


@dataclass(frozen=True)
class Post:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: str


@dataclass
class HttpSink:
    url: str = ""
    posts: list[Post] = field(default_factory=list)


@asynccontextmanager
async def http_sink(*behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> AsyncIterator[HttpSink]:
    """Reads each request whole and then does the next behaviour, the last one for ever."""
    sink = HttpSink()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                first, *lines = head.strip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                sink.posts.append(Post(first.split()[1], headers, body.decode()))
                await behaviours[min(len(sink.posts), len(behaviours)) - 1](writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    host, port = server.sockets[0].getsockname()
    sink.url = f"{'https' if tls else 'http'}://{host}:{port}"
    try:
        yield sink
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class Mailbox:
    """An SMTP server's handler.

    Attributes:
        refuse: what a recipient is answered; others are taken.
        on_data: what the message itself is answered, one after the other, the last one for ever.
        on_sender: what the sender is answered.
        mails: those that were taken, with their recipients.
        said: names of the commands that came, and whether they came encrypted.
    """

    port: int = 0
    refuse: dict[str, str] = field(default_factory=dict)
    on_data: list[str] = field(default_factory=lambda: ["250 taken"])
    on_sender: str = "250 OK"
    mails: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    said: list[tuple[str, bool]] = field(default_factory=list)
    tries: int = 0

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self.said.append(("MAIL", session.ssl is not None))
        envelope.mail_from = address
        return self.on_sender

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.tries += 1
        answer = self.on_data[min(self.tries, len(self.on_data)) - 1]
        if answer == "hang up":
            assert server.transport is not None
            server.transport.abort()
        if answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            parsed = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(parsed, EmailMessage)
            self.mails.append((list(envelope.rcpt_tos), parsed))
        return answer


def checks_password(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=data.password.decode() == PASSWORD, handled=False)  # the answer is left to the server


@asynccontextmanager
async def smtp_sink(
    mailbox: Mailbox,
    *,
    implicit: ssl.SSLContext | None = None,
    **options: Any,  # noqa: ANN401 - aiosmtpd's
) -> AsyncIterator[Mailbox]:
    """The mailbox behind aiosmtpd with these options."""

    def connection() -> SMTP:
        return SMTP(mailbox, hostname="sink", loop=asyncio.get_running_loop(), **options)

    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0, ssl=implicit)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        server.close()


@asynccontextmanager
async def silent_server(behave: Callable[[asyncio.StreamWriter], Any]) -> AsyncIterator[int]:
    """Speaks no protocol; does `behave` to each connection."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await behave(writer)
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()

    tasks: set[asyncio.Task[None]] = set()
    server = await asyncio.start_server(lambda r, w: tasks.add(asyncio.ensure_future(serve(r, w))), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server with a certificate that nobody signed, and of a client that trusts it all the same."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sink")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = folder / "certificate.pem"
    public.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private = folder / "key.pem"
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(public, private)
    return server, ssl.create_default_context(cafile=str(public))
