"""Spans of time that figures are computed over. Half-open, so that neighbours share no trade and lose none."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """From `since`, included, to `until`, excluded; what decides is the time of a trade's close.

    Raises:
        ValueError: a time is not in UTC, or the window is empty or reversed.
    """

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.since.utcoffset() != timedelta(0) or self.until.utcoffset() != timedelta(0):
            raise ValueError("a window's times are in UTC")
        if self.since >= self.until:
            raise ValueError(
                f"a window from {self.since:%Y-%m-%d %H:%M} ends after it, not {self.until:%Y-%m-%d %H:%M}"
            )

    @classmethod
    def of_day(cls, day: date) -> Self:
        """One whole UTC day."""
        return cls.before(day + DAY, days=1)

    @classmethod
    def before(cls, day: date, *, days: int) -> Self:
        """The whole UTC days before `day`, which is not among them."""
        until = datetime.combine(day, time(), tzinfo=UTC)
        return cls(until - days * DAY, until)

    @property
    def length(self) -> timedelta:
        """Above zero."""
        return self.until - self.since

    def dates(self) -> tuple[date, ...]:
        """The UTC days it touches, ascending; the first and the last may be touched in part."""
        first, last = self.since.date(), (self.until - timedelta.resolution).date()
        return tuple(first + n * DAY for n in range((last - first).days + 1))

    def days(self) -> tuple["Window", ...]:
        """Itself cut at midnight UTC, ascending."""
        return tuple(
            Window(max(self.since, day.since), min(self.until, day.until)) for day in map(Window.of_day, self.dates())
        )
