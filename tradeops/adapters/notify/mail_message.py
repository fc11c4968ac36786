"""A notice as one e-mail: plain text, the same as HTML, and the picture shown within the HTML."""

import hashlib
import html
import re
from collections.abc import Sequence
from datetime import UTC
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from tradeops.adapters.notify.escaping import LONE_SURROGATES, cleaned, one_line
from tradeops.adapters.notify.layout import NOTHING, SIGNATURE, heading, safe_link
from tradeops.adapters.notify.splitting import longest_prefix
from tradeops.domain.notices import Level, Notice

SUBJECT_LIMIT = 200
HTML_LIMIT_BYTES = 100 * 1000
PICTURE_ID = "picture"
COLOURS = {"INFO": "#36a64f", "WARNING": "#ff9900", "ERROR": "#ff0000", "CRITICAL": "#990000"}
WIRE = policy.SMTP.clone(cte_type="7bit")  # every mail server takes it


def compose(notice: Notice, *, sender: str, recipients: Sequence[str], idempotency_key: str) -> EmailMessage:
    """The e-mail; the same key gives the same Message-ID, by which many mailboxes drop a double.

    HTML of its own that refers to `cid:picture` shows the picture there, other HTML at its end. HTML above 100 kB,
    which mail programs cut, is attached as a file instead.

    Args:
        notice: what to say.
        sender: an address, perhaps with a name.
        recipients: addresses.
        idempotency_key: of the notice.
    """
    message = EmailMessage(policy=WIRE)
    subject = heading(notice)
    shortened = longest_prefix(subject, SUBJECT_LIMIT - 1) + "…"
    message["Subject"] = subject if len(subject) <= SUBJECT_LIMIT else shortened
    message["From"] = _address(sender)
    message["To"] = [_address(recipient) for recipient in recipients]
    message["Date"] = format_datetime(notice.occurred_at.astimezone(UTC))
    digest = hashlib.sha256(idempotency_key.encode("utf-8", "replace")).hexdigest()
    message["Message-ID"] = f"<{digest[:40]}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    if notice.level >= Level.CRITICAL:
        message["Importance"] = "high"
    message.set_content(plain_text(notice))
    _add_html(message, notice)
    return message


def plain_text(notice: Notice) -> str:
    """The whole notice without markup."""
    fields = [f"{one_line(name) or NOTHING}: {cleaned(value).strip() or NOTHING}" for name, value in notice.fields]
    link = one_line(notice.link or "")
    blocks = [heading(notice), cleaned(notice.body).strip("\n"), "\n".join(fields), link, _signature(notice)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def html_text(notice: Notice) -> str:
    """The whole notice as an HTML document, everything foreign escaped."""
    body = html.escape(cleaned(notice.body).strip("\n"))
    rows = "".join(
        f'<tr><td style="padding:2px 16px 2px 0;color:#666">{html.escape(one_line(name) or NOTHING)}</td>'
        f"<td>{html.escape(cleaned(value).strip() or NOTHING)}</td></tr>"
        for name, value in notice.fields
    )
    link = one_line(notice.link or "")
    shown = f'<a href="{html.escape(link)}">{html.escape(link)}</a>' if safe_link(notice) else html.escape(link)
    own = LONE_SURROGATES.sub("\ufffd", notice.html or "")
    return _document(
        notice,
        own
        or f'<p style="white-space:pre-wrap">{body}</p>\n'
        + (f"<table>{rows}</table>\n" if rows else "")
        + (f"<p>{shown}</p>\n" if link else ""),
    )


def _document(notice: Notice, content: str) -> str:
    if re.match(r"\s*<(!doctype|html)\b", content, re.IGNORECASE):
        return content
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"></head>\n<body style="font-family:sans-serif">\n'
        f'<h2 style="border-left:6px solid {COLOURS[notice.level.name]};padding-left:10px">'
        f"{html.escape(heading(notice))}</h2>\n{content}\n"
        f'<p style="color:#666">{html.escape(_signature(notice))}</p>\n</body></html>\n'
    )


def _add_html(message: EmailMessage, notice: Notice) -> None:
    document = html_text(notice)
    picture = notice.picture_png
    if picture is not None and f"cid:{PICTURE_ID}" not in document:
        end = document.lower().rfind("</body>")
        shown = f'<p><img src="cid:{PICTURE_ID}" alt=""></p>\n'
        document = document[:end] + shown + document[end:] if end >= 0 else document + shown
    if len(document.encode()) > HTML_LIMIT_BYTES:
        message.add_attachment(document, subtype="html", filename="tradeops.html")
        if picture is not None:
            message.add_attachment(picture, maintype="image", subtype="png", filename="picture.png")
        return
    message.add_alternative(document, subtype="html")
    if picture is not None:
        part = message.get_body(("html",))
        assert isinstance(part, EmailMessage)  # noqa: S101 - it was added just now
        part.add_related(picture, "image", "png", cid=f"<{PICTURE_ID}>", disposition="inline", filename="picture.png")


def _address(text: str) -> Address:
    name, address = parseaddr(text)
    return Address(display_name=one_line(name), addr_spec=address)


def _signature(notice: Notice) -> str:
    return f"{SIGNATURE} · {notice.occurred_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
