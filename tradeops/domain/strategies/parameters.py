"""What may be set about a strategy: names, bounds, defaults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Value = int | float | str
Values = Mapping[str, Value]
TOO_LARGE = 1e300  # what no float holds, like NaN and the infinite


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number, or one word of several.

    Attributes:
        default: the bot's own; a whole number makes the parameter one of whole numbers.
        low: the least allowed value, like `high` included; both are bounds of the search too.
        step: of the search; any value within the bounds may be given by hand.
        choices: the words allowed; bounds then mean nothing.
    """

    name: str
    meaning: str
    default: Value
    low: float = 0.0
    high: float = 0.0
    step: float = 1.0
    choices: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether it is a whole number."""
        return isinstance(self.default, int)

    def checked(self, value: object) -> Value:
        """The value in the parameter's own type.

        Raises:
            ValueError: not a number, out of bounds, or none of the words; says which are allowed.
        """
        if self.choices:
            if value not in self.choices:
                raise ValueError(f"{self.name} is one of {', '.join(self.choices)}, not {value!r}")
            return str(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < TOO_LARGE:
            raise ValueError(f"{self.name} is a number, not {value!r:.40}")
        if self.whole and value != int(value):
            raise ValueError(f"{self.name} is a whole number, not {value:g}")
        if not self.low <= value <= self.high:
            raise ValueError(f"{self.name} lies between {self.low:g} and {self.high:g}, not at {value:g}")
        return int(value) if self.whole else float(value)


def resolved(parameters: Sequence[Parameter], given: Mapping[str, object]) -> dict[str, Value]:
    """Every parameter with its value, the given one or the default, in the order of the parameters.

    Raises:
        ValueError: an unknown name, or a value that is not allowed.
    """
    names = [parameter.name for parameter in parameters]
    if foreign := [name for name in given if name not in names]:
        raise ValueError(f"no parameter {', '.join(map(repr, foreign))}; there are {', '.join(names)}")
    return {p.name: p.checked(given[p.name]) if p.name in given else p.default for p in parameters}
