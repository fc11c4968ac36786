"""E-mail, by one SMTP server: encrypted unless it is this machine or told otherwise, recipients judged one by one."""

import asyncio
import base64
import contextlib
import socket
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parseaddr
from typing import Literal

import aiosmtplib
from aiosmtplib import SMTP

from tradeops.adapters.notify.channel import DeliveryError, PermanentDeliveryError, TransientDeliveryError
from tradeops.adapters.notify.escaping import one_line
from tradeops.adapters.notify.mail_message import compose
from tradeops.adapters.notify.posting import Progress
from tradeops.domain.notices import Notice
from tradeops.redaction import Redactor
from tradeops.tls_faults import tls_fault

Security = Literal["starttls", "tls", "none"]
IMPLICIT_TLS_PORT = 465
TIME_OUT = timedelta(seconds=10)
GOODBYE_SECONDS = 1.0
QUOTED_CHARACTERS = 160
FAILED_FOR_GOOD = range(500, 600)


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server and how to talk to it.

    Attributes:
        host: its name.
        port: its port.
        user: to log in; `None` does not.
        password: of the user.
        security: `tls` from the first byte, `starttls` before anything is said, or `none`.
        tls: what certificates are trusted; `None` is what the system trusts.
        within: for one e-mail, from the connection to its acceptance.
    """

    host: str
    port: int
    security: Security
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    within: timedelta = TIME_OUT


def usual_security(host: str, port: int) -> Security:
    """`tls` on port 465, `none` on this machine itself, `starttls` everywhere else."""
    if port == IMPLICIT_TLS_PORT:
        return "tls"
    return "none" if host in {"localhost", "127.0.0.1", "::1"} else "starttls"


class MailChannel:
    """One mail server with its recipients.

    Args:
        server: where it is sent.
        sender: an address, perhaps with a name.
        recipients: addresses, perhaps with names; at least one.
    """

    name = "email"

    def __init__(self, server: MailServer, *, sender: str, recipients: Sequence[str]) -> None:
        self._server = server
        self._sender = sender
        self._recipients = tuple(recipients)
        user, password = server.user or "", server.password or ""
        spoken = (password, f"\0{user}\0{password}") if password else ()  # as the ways to log in send it
        self._redactor = Redactor((password, *(base64.b64encode(one.encode()).decode() for one in spoken)))
        self._progress = Progress()

    async def send(self, notice: Notice, *, idempotency_key: str) -> None:
        """As `Channel.send`; those who accepted it before do not get it again.

        Raises:
            DeliveryError: the server, or at least one of the recipients, did not accept it; the others have it.
        """
        message = compose(
            notice, sender=self._sender, recipients=self._recipients, idempotency_key=idempotency_key
        ).as_bytes()
        done = self._progress.done(idempotency_key)
        left = [address for _, address in map(parseaddr, self._recipients) if address not in done]
        if not left:
            return
        attempt = _Attempt(self._server, parseaddr(self._sender)[1])
        try:
            async with asyncio.timeout(self._server.within.total_seconds()):
                await attempt.deliver(message, left)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise self._typed(error, begun=bool(done), in_flight=attempt.in_flight) from error
        self._progress.add(idempotency_key, *(address for address in left if address not in attempt.refused))
        if attempt.refused:
            raise self._refusal(attempt.refused, of=len(left))

    def _typed(self, error: Exception, *, begun: bool, in_flight: bool) -> DeliveryError:
        where = f"{self._server.host}:{self._server.port}"
        if fault := tls_fault(error, address=where, setting="SMTP_HOST, SMTP_PORT and TRADEOPS_SMTP_SECURITY"):
            return TransientDeliveryError("email", fault.problem, may_have_arrived=begun, remedy=fault.remedy)
        match error:
            case aiosmtplib.SMTPRecipientsRefused(recipients=refused):
                return self._refusal({one.recipient: one for one in refused}, of=len(refused), begun=begun)
            case aiosmtplib.SMTPResponseException():
                return self._answered(error, where, begun=begun)
            case TimeoutError():
                problem = f"{where} did not take the e-mail within {self._server.within.total_seconds():g} s"
                return TransientDeliveryError("email", problem, may_have_arrived=begun or in_flight)
            case OSError():
                remedy = "check SMTP_HOST, SMTP_PORT and TRADEOPS_SMTP_SECURITY"
                problem = f"{where} cannot be reached or closed the connection: {self._quote(error)}"
                return TransientDeliveryError("email", problem, may_have_arrived=begun or in_flight, remedy=remedy)
            case _:
                problem = f"{where} cannot be used: {self._quote(error)}"
                remedy = "check SMTP_PORT, TRADEOPS_SMTP_SECURITY and the addresses"
                return PermanentDeliveryError("email", problem, remedy=remedy)

    def _answered(self, error: aiosmtplib.SMTPResponseException, where: str, *, begun: bool) -> DeliveryError:
        said = self._quote(error)
        if error.code not in FAILED_FOR_GOOD:
            return TransientDeliveryError("email", f"{where} cannot take it now: {said}", may_have_arrived=begun)
        if isinstance(error, aiosmtplib.SMTPAuthenticationError):
            remedy = "check SMTP_USER and SMTP_PASSWORD"
            return PermanentDeliveryError("email", f"{where} refused the login: {said}", remedy=remedy)
        remedy = "check EMAIL_FROM, SMTP_USER and SMTP_HOST"
        return PermanentDeliveryError("email", f"{where} refused the e-mail: {said}", remedy=remedy)

    def _refusal(
        self, refused: dict[str, aiosmtplib.SMTPRecipientRefused], *, of: int, begun: bool = False
    ) -> DeliveryError:
        """Waiting helps while one of them may accept it later; it is tried again for these and the hopeless ones."""
        some = len(refused) < of or begun
        who = ", ".join(f"{address} ({self._quote(error)})" for address, error in refused.items())
        problem = f"{len(refused)} of {len(self._recipients)} recipients refused: {who}"
        if all(error.code in FAILED_FOR_GOOD for error in refused.values()):
            return PermanentDeliveryError("email", problem, remedy="check EMAIL_TO")
        return TransientDeliveryError("email", problem, may_have_arrived=some)

    def _quote(self, error: Exception) -> str:
        match error:
            case aiosmtplib.SMTPResponseException(code=code, message=message):
                text = f"{code} {message}"
            case _:
                text = str(error)
        return one_line(self._redactor.text(text))[:QUOTED_CHARACTERS]


class _Attempt:
    """One e-mail on one connection.

    Attributes:
        in_flight: the message itself was being sent, so that it may have arrived.
        refused: the recipients that were, while others were not.
    """

    def __init__(self, server: MailServer, sender: str) -> None:
        self._server = server
        self._sender = sender
        self.in_flight = False
        self.refused: dict[str, aiosmtplib.SMTPRecipientRefused] = {}

    async def deliver(self, message: bytes, recipients: Sequence[str]) -> None:
        async with self._connected() as client:
            await client.mail(self._sender)
            for recipient in recipients:
                try:
                    await client.rcpt(recipient)
                except aiosmtplib.SMTPRecipientRefused as error:
                    self.refused[recipient] = error
            if len(self.refused) == len(recipients):
                raise aiosmtplib.SMTPRecipientsRefused(list(self.refused.values()))
            self.in_flight = True
            await client.data(message)

    @asynccontextmanager
    async def _connected(self) -> AsyncGenerator[SMTP]:
        server = self._server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            timeout=server.within.total_seconds(),
            local_hostname=socket.gethostname() or "localhost",  # the default asks the DNS, which may take long
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            tls_context=server.tls,
        )
        try:
            await client.connect()
            if server.user is not None:
                await client.login(server.user, server.password or "")
            yield client
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=GOODBYE_SECONDS)
        finally:
            client.close()
