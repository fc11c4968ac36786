"""Every error of the product, in a tree by what the operator must do about it.

A message reads `SYSTEM: what happened; what to do`. It never carries a secret: adapters pass masked addresses in.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any


class TradeOpsError(Exception):
    """Something the operator can act on.

    Attributes:
        system: the part it concerns, in the words of the health report (`engine`, `mongodb`, `store` …).
        problem: what happened, one line.
        remedy: what to do, one line; empty when waiting is all there is.
    """

    def __init__(self, system: str, problem: str, *, remedy: str = "") -> None:
        self.system = system
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{system}: {problem}" + (f"; {remedy}" if remedy else ""))

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
        """Prefect stores the error of a failed run by pickle; the default would call us with the message alone."""
        return _revived, (type(self), *self.args), vars(self)


class TransientError(TradeOpsError):
    """Wait: the same call may succeed in a moment. The only kind that tasks retry."""


class UnavailableError(TransientError):
    """Start it or reconnect it: refused, reset, timed out, or not resolvable."""


class RateLimitedError(TransientError):
    """Wait as long as the other side says.

    Attributes:
        retry_after: its `Retry-After`; `None` when it gave none.
    """

    def __init__(self, system: str, problem: str, *, retry_after: timedelta | None, remedy: str = "") -> None:
        super().__init__(system, problem, remedy=remedy)
        self.retry_after = retry_after


class MisconfiguredError(TradeOpsError):
    """Change a setting: missing, malformed, or refused by the other side (401, 403).

    Attributes:
        http_status: the status of the answer, so it is up; `None` when there was no answer.
    """

    def __init__(self, system: str, problem: str, *, http_status: int | None = None, remedy: str = "") -> None:
        super().__init__(system, problem, remedy=remedy)
        self.http_status = http_status


class RejectedError(TradeOpsError):
    """Ask for something else: the system understood and said no (400, 404, `success: false`).

    Attributes:
        http_status: the status of the answer; `None` when it was a refusal inside a 200.
    """

    def __init__(self, system: str, problem: str, *, http_status: int | None = None, remedy: str = "") -> None:
        super().__init__(system, problem, remedy=remedy)
        self.http_status = http_status


class ContractError(TradeOpsError):
    """Check its version or the proxy in front of it: the answer is not what the contract promises."""


class ConflictError(TradeOpsError):
    """Read again and decide again: somebody else changed it first."""


class CriticalVerdictError(TradeOpsError):
    """Look at the named parts: the check worked, and its verdict is critical.

    Attributes:
        parts: what is critical, in the order of the report.
    """

    def __init__(self, system: str, parts: Sequence[str]) -> None:
        super().__init__(system, f"critical: {', '.join(parts)}")
        self.parts = tuple(parts)


def _revived(kind: type[TradeOpsError], message: str) -> TradeOpsError:
    return kind.__new__(kind, message)
