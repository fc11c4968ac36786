"""What a driver's exception means, told without its address, which may carry a password."""

import errno
import re
from datetime import timedelta

from tradeops.errors import MisconfiguredError, TradeOpsError, UnavailableError
from tradeops.tls_faults import tls_fault

REFUSED = re.compile(rf"refused|err(no|or) {errno.ECONNREFUSED}\b")
UNKNOWN_HOST = ("name or service not known", "getaddrinfo", "name resolution", "nodename nor servname")


def unreachable(error: Exception, *, system: str, address: str, within: timedelta, setting: str) -> TradeOpsError:
    """No usable answer, by the words of the exception, because drivers hide the cause's type.

    Args:
        error: as the driver, or a time-out, raised it.
        system: its name in errors.
        address: without user and password.
        within: how long we waited.
        setting: the variable that holds the address.
    """
    if fault := tls_fault(error, address=address, setting=setting):
        return MisconfiguredError(system, fault.problem, remedy=fault.remedy)
    words = str(error).lower()
    if errno.ECONNREFUSED in error.args or REFUSED.search(words):
        reason = "refused the connection"
    elif any(clue in words for clue in UNKNOWN_HOST):
        reason = "is a host that is not known"
    elif isinstance(error, TimeoutError) or "timed out" in words or "timeout" in words:
        reason = f"did not answer within {within.total_seconds():.2g} s"
    else:
        reason = "closed the connection or answered with something unknown"
    return UnavailableError(system, f"{address} {reason}", remedy=f"start it or check {setting}")
