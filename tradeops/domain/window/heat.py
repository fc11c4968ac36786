"""Heat maps of a search: what two parameters do to the Sharpe ratio. Pure."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from tradeops.domain.window.outline import text
from tradeops.domain.window.pages import HeatMap

MOST_MAPS = 3
MOST_VALUES = 40


def heat_maps(variations: Mapping[str, Any], importance: Mapping[str, Any]) -> tuple[HeatMap, ...]:
    """Of each pair of the most important parameters that vary; empty when fewer than two do.

    Args:
        variations: as a search keeps them: `parameters` by name, `in_sample_sharpe` and `out_of_sample_sharpe`, lists.
        importance: of the parameters, where it is known.
    """
    parameters: Mapping[str, Sequence[Any]] = variations["parameters"]
    varying = [name for name, values in parameters.items() if 1 < len(set(map(str, values))) <= MOST_VALUES]
    varying.sort(key=lambda name: (-_weight(importance.get(name)), name))
    inside, outside = variations["in_sample_sharpe"], variations["out_of_sample_sharpe"]
    pairs = list(combinations(varying, 2))[:MOST_MAPS]
    return tuple(_map(across, down, parameters, inside, outside) for across, down in pairs)


def _map(
    across: str,
    down: str,
    parameters: Mapping[str, Sequence[Any]],
    inside: Sequence[float | None],
    outside: Sequence[float | None],
) -> HeatMap:
    best: dict[tuple[Any, Any], tuple[float, float | None]] = {}
    for place in zip(parameters[down], parameters[across], inside, outside, strict=True):
        row, column, in_sample, out_of_sample = place
        if in_sample is not None and ((row, column) not in best or in_sample > best[row, column][0]):
            best[row, column] = in_sample, out_of_sample
    columns, rows = (sorted(set(parameters[name]), key=_order) for name in (across, down))
    return HeatMap(
        across=across,
        down=down,
        columns=tuple(map(text, columns)),
        rows=tuple(map(text, rows)),
        inside=tuple(tuple(best[r, c][0] if (r, c) in best else None for c in columns) for r in rows),
        outside=tuple(tuple(best[r, c][1] if (r, c) in best else None for c in columns) for r in rows),
    )


def _order(value: object) -> tuple[bool, float, str]:
    return (False, float(value), "") if isinstance(value, int | float) else (True, 0.0, str(value))


def _weight(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
