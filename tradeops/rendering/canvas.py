"""The common style of all pictures, on matplotlib's objects; nothing of it stays set for others in the process."""

import io
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, tzinfo
from threading import Lock
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from PIL import Image

from tradeops.rendering.page import Picture
from tradeops.rendering.thinning import Floats, alone, thinned

GREY, BLUE, RED, GOLD, GREEN = "#7b8490", "#2b83c6", "#d1495b", "#b98a1c", "#2a9d74"  # middle tones, for both themes
STYLE: dict[Any, Any] = {
    "axes.edgecolor": GREY,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": GREY,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": GREY,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.unicode_minus": True,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "none",
    "font.family": "DejaVu Sans",  # comes with matplotlib, so the same everywhere
    "font.size": 10,
    "grid.alpha": 0.28,
    "grid.color": GREY,
    "lines.linewidth": 1.8,
    "text.color": GREY,
    "text.parse_math": False,  # a dollar is a dollar
    "xtick.color": GREY,
    "ytick.color": GREY,
}
WIDTH_INCHES = 9.0
LARGEST_BYTES = 36_000  # below 50 KB as a data URI
QUALITIES = ((150, 32), (110, 24))  # dots per inch, colours
COARSEST = (80, 8)
ONE_AT_A_TIME = Lock()  # matplotlib's settings belong to the whole process


class Canvas:
    """Panels above each other with one time axis; without a zone, with an axis of the caller's own."""

    def __init__(self, heights: Sequence[float], zone: tzinfo | None) -> None:
        self._figure = Figure(figsize=(WIDTH_INCHES, 0.5 + sum(heights)))
        self._paper = FigureCanvasAgg(self._figure)
        panels = self._figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=list(heights))
        self.panels: list[Axes] = [row[0] for row in panels]
        if zone is None:
            return
        locator = AutoDateLocator(tz=zone, minticks=3, maxticks=9)  # type: ignore[no-untyped-call]
        self.panels[-1].xaxis.set_major_locator(locator)
        formatter = ConciseDateFormatter(locator, tz=zone)  # type: ignore[no-untyped-call]
        self.panels[-1].xaxis.set_major_formatter(formatter)

    def line(self, panel: Axes, x: Floats, y: Floats, colour: str, **style: Any) -> None:  # noqa: ANN401 - matplotlib's
        """A line that breaks at gaps; a point between two gaps is a dot."""
        x, y = thinned(x, y)
        panel.plot(x, y, color=colour, solid_joinstyle="round", **style)
        lonely = alone(y)
        panel.plot(x[lonely], y[lonely], color=colour, linestyle="none", marker="o", markersize=4)

    def area(self, panel: Axes, x: Floats, y: Floats, colour: str) -> None:
        """A line, filled to zero."""
        self.line(panel, x, y, colour, linewidth=1.0)
        x, y = thinned(x, y)
        panel.fill_between(x, y, 0.0, color=colour, alpha=0.35, linewidth=0)

    def limit(self, panel: Axes, value: float, name: str, colour: str, *, lower: bool = False) -> None:
        """A level across the panel, named beside it; the name of the `lower` of two hangs below its line."""
        panel.axhline(value, color=colour, linestyle="-." if lower else "--", linewidth=1.4)
        panel.annotate(
            name,
            (1.0, value),
            xycoords=("axes fraction", "data"),
            xytext=(5, -1 if lower else 1),
            textcoords="offset points",
            va="top" if lower else "bottom",
            color=colour,
            fontsize=9,
            annotation_clip=False,
        )

    def beside(self, panel: Axes, drawing: Any, name: str) -> None:  # noqa: ANN401 - matplotlib's
        """The scale of colours of a drawing, to the right of its panel."""
        bar = self._figure.colorbar(drawing, ax=panel, pad=0.02, aspect=18)
        bar.set_label(name)
        bar.outline.set_visible(False)

    def between(self, first: float, last: float, *, least: float) -> None:
        """Show this stretch of time with air at both ends, at `least` so many days in all."""
        air = max((last - first) * 0.02, (least - (last - first)) / 2)
        self.panels[0].set_xlim(first - air, last + air)

    def picture(self, alt: str) -> Picture:
        """The drawing as a PNG that is small enough to travel in a report."""
        tried = (self._png(dots, colours) for dots, colours in QUALITIES)
        data = next((data for data in tried if len(data) <= LARGEST_BYTES), None)
        return Picture(data or self._png(*COARSEST), "image/png", alt)

    def _png(self, dots: int, colours: int) -> bytes:
        self._figure.set_dpi(dots)
        # not `savefig`: that draws twice, and packs what is unpacked at once
        self._paper.draw()  # type: ignore[no-untyped-call]
        image = Image.fromarray(np.asarray(self._paper.buffer_rgba()))  # type: ignore[no-untyped-call]
        small = io.BytesIO()
        image.quantize(colours, method=Image.Quantize.FASTOCTREE).save(small, format="png", optimize=True)
        return small.getvalue()


@contextmanager
def canvas(heights: Sequence[float], zone: tzinfo | None) -> Generator[Canvas]:
    """A canvas in the common style, whatever the user's own matplotlib settings are; they are back at exit.

    Args:
        heights: of the panels from top to bottom, in inches.
        zone: of the time axis; `None` where the axis is not time.
    """
    with ONE_AT_A_TIME, mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield Canvas(heights, zone)


def instants(times: NDArray[np.datetime64]) -> Floats:
    """Positions on the time axis of an array in UTC."""
    return np.asarray(date2num(times), dtype=np.float64)  # type: ignore[no-untyped-call]


def moments(times: Sequence[datetime]) -> Floats:
    """Positions on the time axis."""
    return np.asarray(date2num(times), dtype=np.float64)  # type: ignore[no-untyped-call]


def days(dates: Sequence[date], zone: tzinfo) -> Floats:
    """Positions of whole days: where the axis of that zone has the date."""
    return moments([datetime.combine(day, time(), zone).astimezone(UTC) for day in dates])


def floats(values: Sequence[float | None]) -> Floats:
    """Numbers to draw; unknown ones are gaps."""
    return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)


def whole_numbers() -> MaxNLocator:
    """Ticks for an axis that counts, in place of the one of time."""
    return MaxNLocator(nbins=9, integer=True)
