"""Stands where our store could not be opened, for the jobs that have work to do all the same."""

from collections.abc import Awaitable, Callable
from typing import NoReturn, cast

from tradeops.adapters.store.interface import Store
from tradeops.errors import UnavailableError


class UnopenedStore:
    """Fails in every call as a `Store` that is down does, with why it could not be opened."""

    def __init__(self, why: UnavailableError) -> None:
        self._why = why

    def __getattr__(self, name: str) -> Callable[..., Awaitable[NoReturn]]:
        async def down(*_: object, **__: object) -> NoReturn:
            raise UnavailableError(self._why.system, self._why.problem, remedy=self._why.remedy)

        return down


def unopened(why: UnavailableError) -> Store:
    """A store that is down for good."""
    return cast("Store", UnopenedStore(why))
