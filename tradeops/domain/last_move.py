"""How long something has stood still that ought to move, when its own clock may be wrong. Pure."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class LastMove:
    """Remembers when what it is shown last changed: a clock that is wrong is no stale one, one that stands still is."""

    _shown: Hashable = None
    _moved_at: datetime | None = None

    def at(self, shown: Hashable | None, now: datetime) -> datetime | None:
        """When it last moved, by our clock.

        Args:
            shown: what it shows; `None` where there is nothing to be seen, and then nothing is known.
            now: aware, of our clock.
        """
        if shown is None:
            return None
        if shown != self._shown:
            self._shown, self._moved_at = shown, now
        return self._moved_at
