"""What went wrong with TLS, by the words of OpenSSL: drivers hide the types of their causes, but repeat these."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

NOT_TRUSTED = re.compile(r"certificate verify failed: ([^(\]]{1,200}?)\s*(?:\(_ssl|[,\]\)]|$)", re.IGNORECASE)
WANTS_OURS = re.compile(r"certificate[ _]required", re.IGNORECASE)
REFUSES_OURS = re.compile(r"alert[ _](?:unknown[ _]ca|bad[ _]certificate|certificate[ _]expired)", re.IGNORECASE)
NO_TLS = re.compile(r"wrong[ _]version[ _]number|record[ _]layer[ _]failure|packet length too long", re.IGNORECASE)
AUTHORITY = "name its authority in TRADEOPS_CA_FILE"


@dataclass(frozen=True, slots=True)
class TlsFault:
    """What happened, and what to do."""

    problem: str
    remedy: str


def tls_fault(error: BaseException, *, address: str, setting: str = "the address") -> TlsFault | None:
    """The fault of TLS beneath an error; `None` when it is another one.

    Args:
        error: as the driver raised it; its causes count.
        address: without user and password.
        setting: the variable that holds the address.
    """
    words = " ".join(str(one) for one in causes(error))
    if found := NOT_TRUSTED.search(words):
        problem = f"the certificate of {address} is not trusted: {found[1].strip()}"
        return TlsFault(problem, f"check {setting}, or {AUTHORITY}")
    if WANTS_OURS.search(words):
        return TlsFault(f"{address} asks for a certificate of ours", "set TRADEOPS_CLIENT_CERT_FILE")
    if REFUSES_OURS.search(words):
        return TlsFault(f"{address} does not trust our certificate", "renew the one in TRADEOPS_CLIENT_CERT_FILE")
    if NO_TLS.search(words):
        return TlsFault(f"{address} speaks no TLS", f"check the port in {setting}, or ask for no TLS there")
    return None


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that caused it, groups opened, the deepest first; each once, should they be a circle."""
    return iter(_causes(error, set()))


def _causes(error: BaseException, seen: set[int]) -> list[BaseException]:
    if id(error) in seen:
        return []
    seen.add(id(error))
    found: list[BaseException] = []
    for cause in (error.__cause__, error.__context__):
        if cause is not None:
            found += _causes(cause, seen)
            break
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            found += _causes(member, seen)
    return [*found, error]
