"""The form in which each adapter declares the endpoints that the product needs; `tradeops doctor` goes through them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tradeops.domain.readings import Reading

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Needed(Generic[C]):
    """An endpoint that must be there.

    Attributes:
        name: verb and path, as in the contract sheet.
        read: the client's own read, so that the check accepts exactly what the product accepts.
    """

    name: str
    read: Callable[[C], Awaitable[Reading[Any]]]


@dataclass(frozen=True, slots=True)
class Optional(Generic[C]):
    """An endpoint that some deployments lack.

    Attributes:
        verb: of the real call, which the check does not make when it writes.
        path: with example values in it.
        has_route: the client's own way to find out without effect.
        fallback: what the product does without it.
    """

    verb: str
    path: str
    has_route: Callable[[C, str, str], Awaitable[bool]]
    fallback: str

    @property
    def name(self) -> str:
        """Verb and path."""
        return f"{self.verb} {self.path}"
