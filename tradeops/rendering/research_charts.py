"""Pictures of the laboratory: price with trades, a plane of parameters, how symbols move together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.candle_columns import Floats
from tradeops.rendering.page import Picture, Text
from tradeops.rendering.wording import number

Times = NDArray[np.datetime64]
A_DAY = 1.0
A_FEW_DOLLARS, A_THOUSAND = 10, 1000
FEWEST_SYMBOLS = 2
FEW_TRADES, MANY_TRADES = 60, 400
MOST_CELLS_WITH_NUMBERS = 150
MOST_TOLD = 3


@dataclass(frozen=True, slots=True, eq=False)
class TradeMarks:
    """Where trades lie in the picture of a price.

    Attributes:
        entered_at: `datetime64[us]` in UTC, like `left_at`.
        entry_price: of the fill, like `exit_price`.
        long: the others are short.
        won: the others lost or brought nothing.
    """

    entered_at: Times
    entry_price: Floats
    left_at: Times
    exit_price: Floats
    long: NDArray[np.bool_]
    won: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """What two parameters give, a cell for each pair that was tried.

    Attributes:
        x, y: names of the parameters.
        x_values, y_values: ascending, as they are shown.
        values: a row for each of `y_values`; NaN was not tried.
        name: what the values are.
        chosen: the cell of the choice, column and row; `None` shows none.
    """

    x: str
    y: str
    x_values: tuple[str, ...]
    y_values: tuple[str, ...]
    values: NDArray[np.float64]
    name: str
    chosen: tuple[int, int] | None = None


def equity_with_drawdown(at: Times, equity_usd: Floats, drawdown_percent: Floats, zone: tzinfo) -> Picture:
    """Equity in USD over time, and below it how far it lies under its highest value so far, in percent.

    Args:
        at: ascending, UTC.
        equity_usd: at each.
        drawdown_percent: positive.
        zone: of the time axis.
    """
    from tradeops.rendering import canvas as c  # noqa: PLC0415 - it loads matplotlib

    x, fall = c.instants(at), -drawdown_percent
    with c.canvas((2.5, 1.1), zone) as canvas:
        above, below = canvas.panels
        canvas.limit(above, float(equity_usd[0]), "start", c.GREY)
        canvas.line(above, x, equity_usd, c.BLUE, linewidth=1.4)
        canvas.area(below, x, fall, c.RED)
        above.set_title("Equity, USD")
        below.set_title("Drawdown, %")
        above.yaxis.set_major_formatter("{x:,.0f}" if np.ptp(equity_usd) > A_FEW_DOLLARS else "{x:,.2f}")
        below.set_ylim(min(float(fall.min()) * 1.12, -1.0), 0.0)
        canvas.between(x[0], x[-1], least=A_DAY)
        return canvas.picture(
            f"Equity from ${number(equity_usd[0])} to ${number(equity_usd[-1])}, lowest ${number(equity_usd.min())}, "
            f"highest ${number(equity_usd.max())}; deepest drawdown {number(drawdown_percent.max())} %"
        )


def price_with_trades(symbol: str, at: Times, close: Floats, trades: TradeMarks, zone: tzinfo) -> Picture:
    """The closes, where each trade was entered and left, and whether it won.

    Args:
        symbol: in the title.
        at: ascending, UTC.
        close: at each.
        trades: what is marked.
        zone: of the time axis.
    """
    from tradeops.rendering import canvas as c  # noqa: PLC0415 - it loads matplotlib

    x, count = c.instants(at), len(trades.long)
    size = 7.0 if count <= FEW_TRADES else 4.5 if count <= MANY_TRADES else 3.0
    with c.canvas((3.4,), zone) as canvas:
        [panel] = canvas.panels
        canvas.line(panel, x, close, c.GREY, linewidth=1.0)
        entered, left = c.instants(trades.entered_at), c.instants(trades.left_at)
        if count <= MANY_TRADES:
            for which, colour in ((trades.won, c.GREEN), (~trades.won, c.RED)):
                ends = (
                    np.stack([entered[which], left[which]]),
                    np.stack([trades.entry_price[which], trades.exit_price[which]]),
                )
                panel.plot(*ends, color=colour, linewidth=1.6)
        for which, marker, name in ((trades.long, "^", "long"), (~trades.long, "v", "short")):
            if which.any():
                prices = trades.entry_price[which]
                style: dict[str, Any] = {"marker": marker, "markersize": size, "linestyle": "none", "color": c.BLUE}
                panel.plot(entered[which], prices, label=f"{name} entered", **style)
        for which, marker, colour, name in (
            (trades.won, "o", c.GREEN, "left with profit"),
            (~trades.won, "x", c.RED, "left without"),
        ):
            if which.any():
                style = {"marker": marker, "markersize": size * 0.8, "linestyle": "none", "color": colour}
                panel.plot(left[which], trades.exit_price[which], label=name, **style)
        panel.set_title(f"{symbol}, close" + ("" if count else ": no trades"))
        low = float(close.min())
        panel.yaxis.set_major_formatter("{x:,.0f}" if low >= A_THOUSAND else "{x:,.2f}" if low >= 1 else "{x:.4g}")
        if count:
            panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=4, frameon=False, labelcolor=c.GREY)
        canvas.between(x[0], x[-1], least=A_DAY)
        longs, won = int(trades.long.sum()), int(trades.won.sum())
        return canvas.picture(
            f"{symbol} from {_price(close[0])} to {_price(close[-1])} with {longs:,} long and "
            f"{count - longs:,} short trades, {won:,} with profit"
        )


def _price(price: float) -> str:
    return number(price, 4) if price >= 1 else f"{price:.4g}"


def plane_of_parameters(plane: Plane) -> Picture | Text:
    """Two parameters and what each pair gave: a plateau can be trusted, a lonely peak cannot."""
    known = plane.values[np.isfinite(plane.values)]
    if not len(known) or min(plane.values.shape) < 1:
        return Text("No picture: no pair of parameters has a value.")
    from tradeops.rendering import canvas as c  # noqa: PLC0415 - it loads matplotlib

    largest = max(float(np.abs(known).max()), 1e-9)
    with c.canvas((max(2.6, min(0.35 * len(plane.y_values) + 0.8, 5.0)),), None) as canvas:
        [panel] = canvas.panels
        panel.grid(visible=False)
        drawn = panel.imshow(
            plane.values, cmap="RdYlBu", vmin=-largest, vmax=largest, aspect="auto", origin="lower", alpha=0.9
        )
        panel.set_xticks(range(len(plane.x_values)), plane.x_values)
        panel.set_yticks(range(len(plane.y_values)), plane.y_values)
        panel.set_xlabel(plane.x)
        panel.set_ylabel(plane.y)
        if plane.values.size <= MOST_CELLS_WITH_NUMBERS:
            for row, column in product(range(plane.values.shape[0]), range(plane.values.shape[1])):
                value = plane.values[row, column]
                if np.isfinite(value):
                    strong = abs(value) > 0.6 * largest
                    colour = "white" if strong else "#30343a"
                    panel.text(
                        column,
                        row,
                        f"{value:.1f}".replace("-", "−"),
                        ha="center",
                        va="center",
                        fontsize=9,
                        color=colour,
                    )
        if plane.chosen is not None:
            for colour, width in (("white", 5.0), (c.GREEN, 2.5)):  # on any colour of the scale
                style: dict[str, Any] = {
                    "marker": "s",
                    "markersize": 26,
                    "markerfacecolor": "none",
                    "markeredgewidth": width,
                }
                panel.plot(*plane.chosen, markeredgecolor=colour, **style)
        panel.set_title(plane.name + ("; the square is the choice" if plane.chosen else ""))
        canvas.beside(panel, drawn, "")
        best_row, best = divmod(int(np.nanargmax(plane.values)), plane.values.shape[1])
        return canvas.picture(
            f"{plane.name} by {plane.x} and {plane.y}: from {number(known.min())} to {number(known.max())}, "
            f"highest at {plane.x} {plane.x_values[best]} and {plane.y} {plane.y_values[best_row]}"
        )


def correlations(symbols: Sequence[str], matrix: NDArray[np.float64]) -> Picture | Text:
    """How the returns of each two symbols go together, from -1 to 1, like next to like.

    Args:
        symbols: in the order of rows and columns.
        matrix: NaN where one of the two does not move.
    """
    if len(symbols) < FEWEST_SYMBOLS or not np.isfinite(matrix[~np.eye(len(symbols), dtype=bool)]).any():
        return Text("No picture: it takes two symbols that move to say how they move together.")
    from tradeops.rendering import canvas as c  # noqa: PLC0415 - it loads matplotlib

    order = _like_next_to_like(matrix)
    shown = matrix[np.ix_(order, order)]
    names = [symbols[place] for place in order]
    with c.canvas((5.6,), None) as canvas:
        [panel] = canvas.panels
        panel.grid(visible=False)
        drawn = panel.imshow(shown, cmap="RdYlBu", vmin=-1, vmax=1, aspect="auto")
        ticks = range(0, len(names), max(1, -(-len(names) // 50)))
        shown_names = [names[place].removesuffix("USDT") for place in ticks]
        panel.set_xticks(list(ticks), shown_names, rotation=90, fontsize=8)
        panel.set_yticks(list(ticks), shown_names, fontsize=8)
        panel.set_title("Correlation of returns")
        canvas.beside(panel, drawn, "")
        return canvas.picture(_correlations_in_words(symbols, matrix))


def _like_next_to_like(matrix: NDArray[np.float64]) -> NDArray[np.int64]:
    """By the strongest common movement; unknown pairs count as independent."""
    filled = np.nan_to_num(matrix, nan=0.0)
    _, vectors = np.linalg.eigh(filled)
    leading = vectors[:, -1] * np.sign(vectors[:, -1].sum() or 1.0)
    return np.argsort(-leading, kind="stable")


def _correlations_in_words(symbols: Sequence[str], matrix: NDArray[np.float64]) -> str:
    rows, columns = np.triu_indices(len(symbols), 1)
    values = matrix[rows, columns]
    known = np.flatnonzero(np.isfinite(values))
    ordered = known[np.argsort(-values[known], kind="stable")]
    closest = [f"{symbols[rows[i]]} and {symbols[columns[i]]} {values[i]:.2f}" for i in ordered[:MOST_TOLD]]
    return f"Correlation of returns, on average {values[known].mean():.2f}; closest: {', '.join(closest)}"
