"""Counts wrong tokens, of each visitor and of all together, and says when to stop listening for a while. No I/O."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address

MOST_CLIENTS = 4096


@dataclass(frozen=True, slots=True)
class Patience:
    """How many wrong tokens are put up with.

    Attributes:
        of_one: of one address within `window`, until it is locked out.
        of_all: of all addresses together within `window`, until nobody new is listened to.
        window: see there; it is also how long the first lock-out lasts.
        longest: each lock-out of an address that goes on lasts twice as long as the last, up to this.
    """

    of_one: int = 5
    of_all: int = 60
    window: timedelta = timedelta(minutes=1)
    longest: timedelta = timedelta(hours=1)


@dataclass(slots=True)
class _Record:
    wrong: int = 0
    since: float = 0.0
    locked_until: float = 0.0
    lock_outs: int = 0


class Attempts:
    """Wrong tokens so far; its memory is bounded, however many addresses there are.

    An address that once knew the token is not locked out for what others do.
    """

    def __init__(self, patience: Patience | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience or Patience()
        self._clock = clock
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self._all = _Record()
        self._welcome: OrderedDict[str, None] = OrderedDict()

    def wait(self, client: str) -> timedelta | None:
        """How long this address is not listened to; `None` when it may try."""
        who, now = grouped(client), self._clock()
        record = self._records.get(who)
        until = record.locked_until if record else 0.0
        if who not in self._welcome:
            until = max(until, self._all.locked_until)
        return timedelta(seconds=until - now) if until > now else None

    def failed(self, client: str) -> None:
        """Count a wrong token."""
        who = grouped(client)
        record = self._records.setdefault(who, _Record())
        self._records.move_to_end(who)
        self._count(record, self._patience.of_one, self._patience.longest)
        self._count(self._all, self._patience.of_all, self._patience.window)  # longer, and a stranger could shut us out
        while len(self._records) > MOST_CLIENTS:
            self._records.popitem(last=False)

    def succeeded(self, client: str) -> None:
        """Forget the wrong tokens of this address: it knows the right one."""
        who = grouped(client)
        self._records.pop(who, None)
        self._welcome[who] = None
        self._welcome.move_to_end(who)
        while len(self._welcome) > MOST_CLIENTS:
            self._welcome.popitem(last=False)

    def _count(self, record: _Record, most: int, longest_lock: timedelta) -> None:
        now, window, longest = self._clock(), self._patience.window.total_seconds(), longest_lock.total_seconds()
        if now - record.since > window:
            record.wrong, record.since = 0, now
        if now - record.locked_until > self._patience.longest.total_seconds():
            record.lock_outs = 0
        record.wrong += 1
        if record.wrong >= most:
            record.locked_until = now + min(window * 2**record.lock_outs, longest)
            record.lock_outs = min(record.lock_outs + 1, 16)
            record.wrong = 0


def grouped(client: str) -> str:
    """The address that counts as one visitor: of IPv6 the /64 that one line has, of all else itself."""
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return client
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(IPv6Address(int(address) >> 64 << 64))
    return str(address)
