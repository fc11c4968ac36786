"""Messages posted to one HTTP address: paced, continued where a try broke off, errors made delivery errors."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from tradeops.adapters.notify.channel import DeliveryError, PermanentDeliveryError, TransientDeliveryError
from tradeops.errors import ContractError, RateLimitedError, RejectedError, TradeOpsError, TransientError
from tradeops.http import Answer, HttpService
from tradeops.http_faults import never_sent

REMEMBERED = 500


class Progress:
    """How far each notice got in this process, by its idempotency key; the oldest are forgotten."""

    def __init__(self) -> None:
        self._done: OrderedDict[str, frozenset[str]] = OrderedDict()

    def done(self, key: str) -> frozenset[str]:
        """What was accepted so far."""
        return self._done.get(key, frozenset())

    def add(self, key: str, *accepted: str) -> None:
        """Note what was accepted just now."""
        self._done[key] = self.done(key) | frozenset(accepted)
        self._done.move_to_end(key)
        while len(self._done) > REMEMBERED:
            self._done.popitem(last=False)


class PostBox:
    """One HTTP address that takes messages.

    Args:
        http: the service.
        path: of the address.
        remedy: what to do when it refuses a message for good.
        pause: the shortest time from one message to the next.
        check: raises the error of the tree for an answer that does not accept the message.
    """

    def __init__(
        self,
        http: HttpService,
        path: str,
        *,
        remedy: str,
        pause: timedelta = timedelta(0),
        check: Callable[[Answer], None] = Answer.raise_for_status,
    ) -> None:
        self._http = http
        self._path = path
        self._remedy = remedy
        self._pause = pause
        self._check = check
        self._progress = Progress()
        self._free_at = 0.0

    async def post_all(self, messages: Sequence[object], *, key: str, headers: Mapping[str, str] | None = None) -> None:
        """Post the messages one after the other, but not those of this key that were accepted before.

        Raises:
            DeliveryError: of the first that was not accepted; the rest is not tried.
        """
        for number, message in enumerate(messages):
            if str(number) in self._progress.done(key):
                continue
            await self._my_turn()
            try:
                self._check(await self._http.request("POST", self._path, body=message, headers=headers))
            except TradeOpsError as error:
                raise delivery_error(error, remedy=self._remedy, begun=number > 0) from error
            self._progress.add(key, str(number))

    async def _my_turn(self) -> None:
        now = asyncio.get_running_loop().time()
        turn = max(now, self._free_at)
        self._free_at = turn + self._pause.total_seconds()
        if turn > now:
            await asyncio.sleep(turn - now)


def delivery_error(error: TradeOpsError, *, remedy: str, begun: bool) -> DeliveryError:
    """What an error of an HTTP exchange means for a delivery.

    Args:
        error: of the tree.
        remedy: what to do when it is permanent and does not say so itself.
        begun: whether an earlier message of the same notice was accepted.
    """
    if isinstance(error, RateLimitedError):
        return TransientDeliveryError(
            error.system, error.problem, retry_after=error.retry_after, may_have_arrived=begun, remedy=error.remedy
        )
    if never_sent(error):  # a certificate that has run out is among these: it mends without a word from us
        return TransientDeliveryError(error.system, error.problem, may_have_arrived=begun, remedy=error.remedy)
    if isinstance(error, TransientError | ContractError):
        return TransientDeliveryError(error.system, error.problem, may_have_arrived=True, remedy=error.remedy)
    known_better = isinstance(error, RejectedError) and error.remedy
    return PermanentDeliveryError(error.system, error.problem, remedy=error.remedy if known_better else remedy)
