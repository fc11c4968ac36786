"""Days and months as they are, in UTC: a month has 28 to 31 days."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Self

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
DECEMBER = 12


@dataclass(frozen=True, slots=True)
class Month:
    """A whole UTC month, from `since`, included, to `until`, excluded."""

    since: datetime
    until: datetime

    @classmethod
    def of(cls, day: date) -> Self:
        """The month of that day."""
        following = date(day.year + 1, 1, 1) if day.month == DECEMBER else date(day.year, day.month + 1, 1)
        return cls(midnight(day.replace(day=1)), midnight(following))


def midnight(day: date) -> datetime:
    """When that UTC day begins."""
    return datetime.combine(day, time(), UTC)


def in_days(length: timedelta) -> Fraction:
    """A length of time in days, with the part of a day."""
    return Fraction(length // MICROSECOND, DAY // MICROSECOND)
