"""Records of our own that may be damaged all the same: by a disk, a hand, another program."""

from collections.abc import Generator
from contextlib import contextmanager

from tradeops.adapters.store import Point
from tradeops.errors import ContractError


@contextmanager
def reading(series: str, point: Point) -> Generator[None]:
    """Within the block the body of a record is read; one that does not hold what we write is named.

    Raises:
        ContractError: see there.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        problem = f"record {point.key} of {series} cannot be read ({type(error).__name__})"
        raise ContractError("store", problem, remedy="restore a backup, or delete that record") from error
