"""History in columns: a few bytes a record instead of the thousand of an object, so that a quarter fits in memory."""

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FILLS: Mapping[str, float] = {"b": -1, "f": math.inf, "d": math.nan, "q": 0}  # of a field that a record lacks


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - EPOCH) // MICROSECOND


def moment(stored: int) -> datetime:
    """The inverse of `micros`, UTC."""
    return EPOCH + stored * MICROSECOND


class Columns:
    """Records in order of time, whichever order they come in; `FILLS` says what stands where a record lacks a field.

    Args:
        code: of a field by its name, as `array` names it: `b` is a small integer of 0 or more, `q` one of 64 bits,
            `f` and `d` are floats.
    """

    def __init__(self, code: Callable[[str], str]) -> None:
        self._code = code
        self.at: array[int] = array("q")
        self.fields: dict[str, array[float]] = {}

    def __len__(self) -> int:
        return len(self.at)

    def insert(self, at: int, values: Mapping[str, float]) -> None:
        """Add a record; of those of one moment it is the last."""
        place = bisect_right(self.at, at)
        for name in values:
            if name not in self.fields:
                self.fields[name] = self._empty(name)
        self.at.insert(place, at)
        for name, column in self.fields.items():
            column.insert(place, values.get(name, FILLS[column.typecode]))

    def prepend(self, records: Sequence[tuple[int, Mapping[str, float]]]) -> None:
        """Add many records at once, by time, none of them later than the first that is there."""
        names = dict.fromkeys((*self.fields, *(name for _, values in records for name in values)))
        for name in names:
            here = self.fields[name] if name in self.fields else self._empty(name)
            fill = FILLS[here.typecode]
            self.fields[name] = self._array(name, [values.get(name, fill) for _, values in records]) + here
        self.at = array("q", [at for at, _ in records]) + self.at

    def between(self, since: int, until: int) -> tuple[int, int]:
        """The places of the records of [since, until): the first, and the one after the last."""
        return bisect_left(self.at, since), bisect_left(self.at, until)

    def column(self, name: str, places: tuple[int, int]) -> "array[float]":
        """A field of those records, as it is; empty for one that no record has."""
        found = self.fields.get(name)
        return array("d") if found is None else found[places[0] : places[1]]

    def forget(self, before: int) -> None:
        """Drop older records."""
        count = bisect_left(self.at, before)
        del self.at[:count]
        for column in self.fields.values():
            del column[:count]

    def _empty(self, name: str) -> "array[float]":
        """As long as there are records."""
        one = self._array(name, [FILLS[self._code(name)]])
        return one * len(self.at)

    def _array(self, name: str, values: Sequence[float]) -> "array[float]":
        found: array[float] = array(self._code(name), values)
        return found
