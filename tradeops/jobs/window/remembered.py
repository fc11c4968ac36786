"""Panels that change only when something new is kept, made anew when their marks say so or after a while."""

from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from tradeops.domain.window.values import Panel
from tradeops.jobs.window.asking import panel

A_WHILE = timedelta(seconds=30)  # panels tell ages and what is late

T = TypeVar("T")


class Remembered:
    """Panels by name and by what they depend on."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[Hashable, datetime, Panel[Any]]] = {}

    async def panel(
        self,
        name: Hashable,
        mark: Hashable | None,
        make: Callable[[], Awaitable[Panel[T]]],
        *,
        now: datetime,
    ) -> Panel[T]:
        """The panel of that name; never raises, and an empty one is never remembered.

        Args:
            name: of the panel, with its range where it has one.
            mark: of all that it depends on; `None` is not known, and then it is made.
            make: makes it.
            now: aware.
        """
        found = self._kept.get(name)
        if mark is not None and found is not None and found[0] == mark and now - found[1] < A_WHILE:
            return found[2]
        made = await panel(make)
        if mark is not None and made.content is not None:
            self._kept[name] = mark, now, made
        return made
