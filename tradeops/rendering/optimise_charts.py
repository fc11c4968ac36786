"""Pictures of a search: how two parameters go together, and how all of them lead to a result."""

from collections.abc import Sequence

import numpy as np

from tradeops.domain.candle_columns import Floats, Integers
from tradeops.domain.optimise.report import Tried
from tradeops.domain.strategies.parameters import Value
from tradeops.rendering.page import Picture, Text
from tradeops.rendering.research_charts import Plane, plane_of_parameters
from tradeops.rendering.wording import number

GROUPS = 8
FEWEST_AXES = 2
MOST_LINES = 40  # more are a carpet, and too heavy a picture
BEST_TENTH = 0.9


def plane_of_search(tried: Tried, axes: Sequence[str], chosen: dict[str, Value] | None) -> Picture | Text:
    """The mean Sharpe ratio in sample by two parameters, their values in up to 8 groups each.

    Args:
        tried: the points.
        axes: names of the parameters; the first two are shown.
        chosen: a point to mark.
    """
    if len(axes) < FEWEST_AXES:
        return Text("No plane: only one parameter varies.")
    across, up = (_grouped(tried.values[name], None if chosen is None else chosen[name]) for name in axes[:2])
    there = ~np.isnan(tried.inside_sharpe)
    shape = (len(up[0]), len(across[0]))
    cell = up[1][there] * shape[1] + across[1][there]
    counts = np.bincount(cell, minlength=shape[0] * shape[1])
    sums = np.bincount(cell, weights=tried.inside_sharpe[there], minlength=shape[0] * shape[1])
    means = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0).reshape(shape)
    mark = None if across[2] is None or up[2] is None else (across[2], up[2])
    return plane_of_parameters(Plane(axes[0], axes[1], across[0], up[0], means, "Sharpe ratio in sample, mean", mark))


def parallel_coordinates(tried: Tried, chosen: dict[str, Value] | None) -> Picture | Text:
    """A line for each point through its values of all parameters to its Sharpe ratios in and out of sample.

    Args:
        tried: the points; those that are rated neither in nor out of sample are left out.
        chosen: a point to draw in bold.
    """
    shown = np.flatnonzero(~np.isnan(tried.inside_sharpe) & ~np.isnan(tried.outside_sharpe))
    if len(shown) < FEWEST_AXES:
        return Text("No picture: fewer than two variations are rated in and out of sample.")
    from tradeops.rendering import canvas as c  # noqa: PLC0415 - it loads matplotlib

    axes = [(name, *_heights(values)) for name, values in tried.values.items()]
    sharpe = np.concatenate([tried.inside_sharpe[shown], tried.outside_sharpe[shown]])
    least, most = float(sharpe.min()), float(sharpe.max())
    both = [_scaled(values, least, most) for values in (tried.inside_sharpe, tried.outside_sharpe)]
    lines = np.stack([*(heights for _, heights, _, _ in axes), *both])[:, shown]
    x = range(len(lines))
    order = np.argsort(tried.inside_sharpe[shown], kind="stable")
    drawn = np.unique(np.linspace(0, len(order) - 1, min(MOST_LINES, len(order))).round().astype(np.int64))
    with c.canvas((4.2,), None) as canvas:
        [panel] = canvas.panels
        panel.grid(visible=False)
        for place in drawn:
            good = place >= BEST_TENTH * (len(order) - 1)
            panel.plot(
                x,
                lines[:, order[place]],
                color=c.BLUE if good else c.GREY,
                alpha=1.0 if good else 0.45,
                linewidth=1,
                antialiased=False,
            )
        if (mine := _place_of(tried, chosen)) in shown:
            column = int(np.flatnonzero(shown == mine)[0])
            panel.plot(x, lines[:, column], color=c.RED, linewidth=3.0, marker="o", markersize=6)
        names = [f"{name}\n{low} to {high}" for name, _, low, high in axes]
        ends = f"\n{number(least)} to {number(most)}"
        panel.set_xticks(x, [*names, f"Sharpe in sample{ends}", f"Sharpe out of sample{ends}"], fontsize=8.5)
        panel.set_yticks([])
        for at in x:
            panel.axvline(at, color=c.GREY, linewidth=0.8)
        panel.spines["left"].set_visible(False)
        some = "" if len(drawn) == len(order) else f", {len(drawn)} of {len(order)} drawn"
        panel.set_title(f"Each line a variation{some}; blue the best tenth in sample, red the best out of sample")
        return canvas.picture(
            f"{len(shown):,} variations from their parameters to their Sharpe ratios, which go from {number(least)} to "
            f"{number(most)}; in and out of sample they correlate by {_together(tried, shown)}"
        )


def _grouped(values: Sequence[Value], chosen: Value | None) -> tuple[tuple[str, ...], Integers, int | None]:
    distinct = sorted(set(values), key=lambda value: (isinstance(value, str), value))
    position = np.array([distinct.index(value) for value in values])
    groups = np.arange(len(distinct)) * min(GROUPS, len(distinct)) // len(distinct)
    members = [[distinct[n] for n in np.flatnonzero(groups == group)] for group in np.unique(groups)]
    names = tuple(_told(one[0]) if len(one) == 1 else f"{_told(one[0])}–{_told(one[-1])}" for one in members)
    mark = None if chosen is None or chosen not in distinct else int(groups[distinct.index(chosen)])
    return names, groups[position], mark


def _heights(values: Sequence[Value]) -> tuple[Floats, str, str]:
    distinct = sorted(set(values), key=lambda value: (isinstance(value, str), value))
    if isinstance(distinct[0], str):
        at = np.array([distinct.index(value) for value in values], dtype=np.float64)
    else:
        at = np.array(values, dtype=np.float64)
    return _scaled(at, float(at.min()), float(at.max())), _told(distinct[0]), _told(distinct[-1])


def _scaled(values: Floats, least: float, most: float) -> Floats:
    scaled: Floats = (values - least) / (most - least) if most > least else np.full(len(values), 0.5)
    return scaled


def _told(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _place_of(tried: Tried, chosen: dict[str, Value] | None) -> int:
    if chosen is None:
        return -1
    points = zip(*tried.values.values(), strict=True)
    wanted = tuple(chosen[name] for name in tried.values)
    return next((n for n, point in enumerate(points) if point == wanted), -1)


def _together(tried: Tried, shown: Integers) -> str:
    inside, outside = tried.inside_sharpe[shown], tried.outside_sharpe[shown]
    if np.ptp(inside) == 0 or np.ptp(outside) == 0:
        return "n/a"
    return number(float(np.corrcoef(inside, outside)[0, 1]))
