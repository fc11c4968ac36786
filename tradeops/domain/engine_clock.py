"""How old the engine's figures are, when its clock may be wrong. Pure."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class EngineClock:
    """Remembers when the engine's clock last moved: one that is wrong is no stale one, one that stands still is."""

    _shown: datetime | None = None
    _moved_at: datetime | None = None

    def moved_at(self, shown: datetime | None, now: datetime) -> datetime | None:
        """When it last moved, by our clock.

        Args:
            shown: what it shows; `None` where the engine tells no time, and then nothing is known.
            now: aware, of our clock.
        """
        if shown is None:
            return None
        if shown != self._shown:
            self._shown, self._moved_at = shown, now
        return self._moved_at
