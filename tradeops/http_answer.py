"""A complete HTTP answer: its body as JSON or as an excerpt, its status as an error of our tree, its clock."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from tradeops.domain.readings import Reading, RejectedRecord
from tradeops.errors import ContractError, MisconfiguredError, RateLimitedError, RejectedError, TransientError
from tradeops.redaction import Redactor

EXCERPT_CHARACTERS = 120
LOOKED_AT = 4096

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer, whatever its status.

    Attributes:
        address: where it came from, without query and credentials.
        latency: from sending to the last byte of the body.
        received_at: our clock at that moment.
        server_time: the other side's clock by its `Date` header, to the second; `None` without one.
        redactor: knows what was sent to prove who we are; never quoted, should the other side echo it.
    """

    system: str
    address: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    latency: timedelta
    received_at: datetime
    server_time: datetime | None
    redactor: Redactor = field(default_factory=Redactor, repr=False, compare=False)

    def reading(
        self, value: T, *, as_of: datetime | None = None, rejected: tuple[RejectedRecord, ...] = ()
    ) -> Reading[T]:
        """`value` with the circumstances of this answer; `as_of` is a better clock than the `Date` header, if any."""
        clock = as_of or self.server_time
        skew = None if clock is None else clock - (self.received_at - self.latency / 2)
        return Reading(value, latency=self.latency, as_of=clock, clock_skew=skew, rejected=rejected)

    def json(self) -> Any:  # noqa: ANN401 - what it is, the wire model of the adapter decides
        """The parsed body; NaN and Infinity come through as floats, so that one bad record can be told from a bad body.

        Raises:
            ContractError: empty, HTML, or otherwise no JSON.
        """
        if not self.body.strip():
            raise ContractError(self.system, f"{self.address} answered HTTP {self.status} with an empty body")
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            what = "HTML" if self.body.lstrip()[:1] == b"<" else "something that is no JSON"
            raise ContractError(
                self.system,
                f"{self.address} answered HTTP {self.status} with {what}: {self.excerpt()}",
                remedy="check the address and any proxy in front of it",
            ) from error

    def excerpt(self) -> str:
        """The beginning of the body on one printable line, without our secrets, for an error message."""
        text = self.masked(self.body[:LOOKED_AT].decode("utf-8", "replace"))  # before it is cut: half a secret is one
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return repr(line[:EXCERPT_CHARACTERS] + ("…" if len(line) > EXCERPT_CHARACTERS else ""))

    def masked(self, text: str) -> str:
        """A part of the answer, without our secrets."""
        return self.redactor.text(text)

    def raise_for_status(self) -> None:
        """Nothing on a 2xx, the typed error of the tree on anything else.

        Raises:
            MisconfiguredError: 401, 403, or a redirect: the service is up, our address or token is wrong.
            RateLimitedError: 429, and 418, with which Binance bans those who ignored it.
            TransientError: 408 and 5xx.
            RejectedError: every other 4xx.
        """
        if 200 <= self.status < 300:  # noqa: PLR2004 - the class of success
            return
        problem = f"{self.address} answered HTTP {self.status}" + (f": {self.excerpt()}" if self.body.strip() else "")
        match self.status:
            case 401 | 403:
                remedy = "check its token or key"
                raise MisconfiguredError(self.system, problem, http_status=self.status, remedy=remedy)
            case 418 | 429:
                raise RateLimitedError(self.system, problem, retry_after=self._retry_after())
            case status if status == 408 or status >= 500:  # noqa: PLR2004 - a time-out; the class of server errors
                raise TransientError(self.system, problem)
            case status if status >= 400:  # noqa: PLR2004 - the class of client errors
                raise RejectedError(self.system, problem, http_status=status)
            case _:
                remedy = "set the address it redirects to"
                raise MisconfiguredError(self.system, problem, http_status=self.status, remedy=remedy)

    def _retry_after(self) -> timedelta | None:
        value = self.headers.get("retry-after", "")
        if value.isascii() and value.isdecimal():
            return timedelta(seconds=int(value[:9]))
        date = parse_date(value)
        return max(date - datetime.now(UTC), timedelta(0)) if date else None


def parse_date(value: str) -> datetime | None:
    """The time of an HTTP date header, UTC; `None` for what is none."""
    try:
        parsed = parsedate_to_datetime(value)
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
