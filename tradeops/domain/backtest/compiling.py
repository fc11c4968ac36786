"""The loop, compiled when numba is there; the same Python, with the same results to the bit, when it is not."""

import sys
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import cast

import numpy as np

from tradeops.domain.backtest import loop

Simulate = Callable[..., int]

WORTH = 300_000  # candles: fewer are interpreted in less time than it takes to load numba
INPUTS = 7  # the leading columns, which are read and not written


def worth_compiling(candles: int) -> bool:
    """Whether so many are traded sooner by the compiled loop; always where this process has loaded numba already."""
    return candles > WORTH or "numba" in sys.modules


@cache
def simulator(*, compiled: bool = True) -> Simulate:
    """`loop.simulate`, compiled where numba is installed: once a machine, kept beside the module or in a user's cache.

    Args:
        compiled: `False` interprets even there.
    """
    if compiled:
        try:
            import numba  # noqa: PLC0415 - a third of a second, and part of the research extra
        except ImportError:
            return interpreted
        return _compiled(numba)
    return interpreted


def interpreted(*arguments: object) -> int:
    """The loop in plain Python, some fifty times slower; lists are what it is quickest on."""
    columns = (cast("np.ndarray", column).tolist() for column in arguments[:INPUTS])
    return loop.simulate(*columns, *arguments[INPUTS:])


def _compiled(numba: ModuleType) -> Simulate:
    types = numba.types
    column = types.Array(types.float64, 1, "C", readonly=True)
    due, funding = (types.Array(kind, 1, "C", readonly=True) for kind in (types.int8, types.int16))
    places, amounts = types.int64[:, ::1], types.float64[:, ::1]
    rates = [types.float64] * 8
    signature = types.int64(
        *[column] * 4, due, column, funding, types.float64[::1], places, amounts, types.float64[::1],
        *rates, types.boolean, types.float64, types.boolean, types.boolean,
    )  # fmt: skip
    try:
        return cast("Simulate", numba.njit(signature, cache=True)(loop.simulate))
    except RuntimeError:  # nowhere to keep it: a read-only installation without a home
        return cast("Simulate", numba.njit(signature)(loop.simulate))
