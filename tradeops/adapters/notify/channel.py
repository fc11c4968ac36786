"""What every channel promises: one notice handed over, or an error that says whether trying again can help."""

from datetime import timedelta
from typing import Protocol

from tradeops.domain.notices import Notice
from tradeops.errors import TradeOpsError, TransientError


class DeliveryError(TradeOpsError):
    """The notice was not, or not wholly, accepted; `system` is the name of the channel. Never carries a secret."""


class TransientDeliveryError(DeliveryError, TransientError):
    """Try again later: the other side is down, slow or asks us to wait.

    Attributes:
        retry_after: how long it asks us to wait, uncapped; `None` when it does not say.
        may_have_arrived: whether some or all of it may be there already, so that trying again may double it. `False` is
            certain: refused connection, 429, a mail server's 4xx.
    """

    def __init__(
        self,
        system: str,
        problem: str,
        *,
        retry_after: timedelta | None = None,
        may_have_arrived: bool,
        remedy: str = "",
    ) -> None:
        super().__init__(system, problem, remedy=remedy)
        self.retry_after = retry_after
        self.may_have_arrived = may_have_arrived


class PermanentDeliveryError(DeliveryError):
    """Never try this notice again here: a wrong token or address, an unknown recipient, a message that was refused."""


class Channel(Protocol):
    """One target of notices, such as a Slack webhook or a mailbox."""

    @property
    def name(self) -> str:
        """Names it in settings, in the outbox and in errors; unique among the channels of a process, and no secret."""
        ...

    async def send(self, notice: Notice, *, idempotency_key: str) -> None:
        """Hand the whole notice over, in several messages when one cannot hold it; returns once all are accepted.

        Waits at most 10 s for each message. A repeat in the same process, with the same key, goes on after the last
        message that was accepted.

        Args:
            notice: what to say.
            idempotency_key: the same for each try of one notice, so that a receiver who looks can drop a double.

        Raises:
            TransientDeliveryError: it may succeed later.
            PermanentDeliveryError: it never will.
        """
        ...
