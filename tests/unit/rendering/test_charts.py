"""Pictures: honest about gaps, small, readable on dark and light, and the same bytes for the same input."""

import io
import random
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from hashlib import sha256
from zoneinfo import ZoneInfo

import matplotlib as mpl
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tradeops.domain.health import Severity
from tradeops.rendering import canvas
from tradeops.rendering.charts import Limit, MetricHistory, cost_burn_up, equity_curve, metric_history
from tradeops.rendering.page import Picture, Text

START = datetime(2026, 11, 1, tzinfo=UTC)
LIMITS = (Limit(50, Severity.DEGRADED), Limit(100, Severity.CRITICAL))
NAN = float("nan")
Points = list[tuple[datetime, float | Decimal | None]]


@cache
def noise(number: int, *, seed: str) -> list[float]:
    rng = random.Random(seed)  # noqa: S311 - no cryptography
    return [rng.gauss(0, 1) for _ in range(number)]


@cache
def walk(number: int, *, gap: range = range(0)) -> Points:
    """Equity of 30 days, unknown within `gap`."""
    equity, points = 10_000.0, Points()
    for i, step in enumerate(noise(number, seed="walk")):
        equity *= 1 + step * 0.1 / number**0.5
        points.append((START + timedelta(days=30 * i / number), None if i in gap else equity))
    return points


def costs(*values: float | Decimal | None) -> list[tuple[date, float | Decimal | None]]:
    return [(date(2026, 11, 1 + i), value) for i, value in enumerate(values)]


def burn_up(
    *values: float | Decimal | None, projected: float | Decimal | None = None, limits: tuple[Limit, ...] = LIMITS
) -> Picture | Text:
    return cost_burn_up(costs(*values), limits, until=date(2026, 11, 30), projected_usd=projected)


def history(*values: float | None, name: str = "Win rate, %") -> Picture | Text:
    dates = [date(2026, 11, 1) + timedelta(days=i) for i in range(len(values))]
    return metric_history(dates, [MetricHistory(name, values, 70.0, 55.0)])


def drawn(picture: Picture | Text) -> Picture:
    assert isinstance(picture, Picture)
    return picture


def pixels(picture: Picture | Text) -> NDArray[np.int64]:
    """Red, green, blue and opacity, by row and column."""
    with Image.open(io.BytesIO(drawn(picture).data)) as image:
        return np.asarray(image.convert("RGBA")).astype(np.int64)


def bluish(picture: Picture | Text) -> NDArray[np.bool_]:
    red, green, blue, opacity = np.moveaxis(pixels(picture), -1, 0)
    return (blue > red + 60) & (blue > green + 25) & (opacity > 100)


EXAMPLES: dict[str, Callable[[], Picture | Text]] = {
    "equity": lambda: equity_curve(walk(300), UTC),
    "equity, one point": lambda: equity_curve(walk(1), UTC),
    "equity, 100,000 points": lambda: equity_curve(walk(100_000, gap=range(40_000, 50_000)), UTC),
    "equity, wild": lambda: equity_curve(
        [(START + timedelta(minutes=i), 1e4 + 1e3 * value) for i, value in enumerate(noise(50_000, seed="wild"))], UTC
    ),
    "equity, flat": lambda: equity_curve([(at, 10_000.0) for at, _ in walk(30)], UTC),
    "equity, lost": lambda: equity_curve(
        [(START, 100.0), (START + timedelta(1), 0.0), (START + timedelta(2), -5.0)], UTC
    ),
    "cost": lambda: burn_up(*(Decimal(i) for i in range(1, 26)), projected=Decimal("52.30")),
    "cost, nothing spent": lambda: burn_up(0.0),
    "metrics": lambda: metric_history(
        [date(2026, 8, 1) + timedelta(days=i) for i in range(90)],
        [MetricHistory(name, tuple(65 + 9 * x for x in noise(90, seed=name)), 70, 55) for name in "abc"],
    ),
}


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_a_picture_is_a_small_transparent_png_and_always_the_same(example: Callable[[], Picture | Text]) -> None:
    picture = drawn(example())
    assert picture.media_type == "image/png"
    assert len(picture.data) * 4 / 3 < 50_000
    assert picture.data == drawn(example()).data
    assert pixels(picture)[0, 0, 3] == 0


def test_another_process_draws_the_same_bytes() -> None:
    code = (
        "import hashlib; from tests.unit.rendering.test_charts import EXAMPLES;"
        "print(hashlib.sha256(EXAMPLES['metrics']().data).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == sha256(drawn(EXAMPLES["metrics"]()).data).hexdigest()


def test_the_settings_of_others_neither_change_the_picture_nor_are_changed() -> None:
    before = drawn(EXAMPLES["cost"]()).data
    with mpl.rc_context({"font.size": 40, "axes.facecolor": "red"}):
        assert drawn(EXAMPLES["cost"]()).data == before
        assert (mpl.rcParams["font.size"], mpl.rcParams["axes.facecolor"]) == (40, "red")


@pytest.mark.parametrize("colour", [canvas.GREY, canvas.BLUE, canvas.RED, canvas.GOLD, canvas.GREEN])
@pytest.mark.parametrize("paper", ["#ffffff", "#16181d"], ids=["light", "dark"])
def test_every_colour_reads_on_dark_and_on_light(colour: str, paper: str) -> None:
    def luminance(code: str) -> float:
        parts = [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(colour), luminance(paper)))
    assert (light + 0.05) / (dark + 0.05) >= 3.0


@pytest.mark.parametrize(
    "nothing",
    [
        lambda: equity_curve([], UTC),
        lambda: equity_curve([(START, None), (START, NAN)], UTC),
        burn_up,
        lambda: burn_up(None, NAN),
        history,
        lambda: history(None, NAN),
        lambda: metric_history([], []),
    ],
)
def test_where_nothing_is_known_there_is_no_picture_and_it_says_so(nothing: Callable[[], Picture | Text]) -> None:
    shown = nothing()
    assert isinstance(shown, Text)
    assert str(shown.line).startswith("No picture: ")


@pytest.mark.parametrize("number", [300, 30_000])
def test_a_gap_in_the_equity_stays_a_gap(number: int) -> None:
    whole = bluish(equity_curve(walk(number), UTC)).any(axis=0)
    broken = bluish(equity_curve(walk(number, gap=range(number // 3, number // 2)), UTC)).any(axis=0)
    columns = np.flatnonzero(whole)
    left, width = columns[0], columns[-1] - columns[0]
    inside = slice(left + int(width * 0.36), left + int(width * 0.48))
    assert whole[inside].all()
    assert not broken[inside].any()
    assert broken[left : left + int(width * 0.3)].all()


def test_a_single_known_moment_is_seen() -> None:
    assert bluish(equity_curve([(START, None), (START + timedelta(1), 5.0), (START + timedelta(2), None)], UTC)).any()


def test_the_order_of_the_points_does_not_matter() -> None:
    points = walk(200)
    assert equity_curve(points[::-1], UTC) == equity_curve(points, UTC)


def test_the_equity_is_told_in_words_too() -> None:
    points: Points = [
        (START + timedelta(days=i), value) for i, value in enumerate((100, Decimal(200), None, 150.5, 180))
    ]
    assert drawn(equity_curve(points, UTC)).alt == (
        "Equity from $100.00 to $180.00, lowest $100.00, highest $200.00; deepest drawdown 24.75 %"
    )


def test_an_equity_that_was_never_positive_has_no_drawdown() -> None:
    assert drawn(equity_curve([(START, -1.0), (START + timedelta(1), -2.0)], UTC)).alt.endswith("drawdown 0.00 %")


def test_the_time_axis_is_that_of_the_zone() -> None:
    assert drawn(equity_curve(walk(5), UTC)).data != drawn(equity_curve(walk(5), ZoneInfo("Asia/Tokyo"))).data


def test_the_cost_is_told_with_its_limits() -> None:
    assert drawn(burn_up(Decimal("0.50"), None, Decimal("1.25"), projected=Decimal("37.5"))).alt == (
        "Spent $1.25 until 2026-11-03, projected $37.50 until 2026-11-30; warning > $50; critical > $100"
    )
    assert "projected" not in drawn(burn_up(1.0)).alt
    assert "projected" not in drawn(burn_up(1.0, projected=NAN)).alt


def reddish(picture: Picture | Text) -> NDArray[np.bool_]:
    red, green, _, opacity = np.moveaxis(pixels(picture), -1, 0)
    return (red > green + 100) & (opacity > 100)


@pytest.mark.parametrize(("spent", "drawn_too"), [(3.0, False), (26.0, True), (240.0, True)])
def test_a_limit_far_above_everything_is_not_drawn(spent: float, drawn_too: bool) -> None:
    assert bool(reddish(burn_up(spent)).any()) is drawn_too


def test_a_limit_without_a_verdict_of_its_own_is_drawn_too() -> None:
    assert drawn(burn_up(1.0, limits=(Limit(2.5, Severity.HEALTHY),))).alt.endswith("; warning > $2.5")


def test_the_metrics_are_told_with_their_targets() -> None:
    assert drawn(history(60.0, 54.99, None)).alt == "Win rate, %: 54.99 on 2026-11-02, target 70, critical below 55"
    assert "54.996 on 2026-11-01, target 70, critical below 55" in drawn(history(54.996)).alt
    dates = [date(2026, 11, 1)]
    both = [MetricHistory("a", (None,), 2, 1), MetricHistory("b", (1.5,), 2, 1)]
    assert drawn(metric_history(dates, both)).alt.startswith("a: no day is known; b: 1.50 on 2026-11-01")


@pytest.mark.parametrize(("value", "critical"), [(54.999, True), (55.0, False), (70.0, False)])
def test_only_a_value_below_its_limit_is_drawn_as_critical(value: float, critical: bool) -> None:
    picture = metric_history([date(2026, 11, 1)], [MetricHistory("a", (value,), 70.0, 55.0)])
    thickness = reddish(picture).sum(axis=0)
    middle = thickness[int(len(thickness) * 0.35) : int(len(thickness) * 0.6)]
    assert bool(middle.max() > 8) is critical  # a cross is thicker than the line of the limit


def test_values_and_days_must_match() -> None:
    with pytest.raises(ValueError, match="2 values of a for 1 days"):
        metric_history([date(2026, 11, 1)], [MetricHistory("a", (1.0, 2.0), 1, 1)])


def test_a_dollar_in_a_name_is_no_mathematics() -> None:
    assert isinstance(history(60.0, name="$x^{ broken $ <b>"), Picture)


def test_a_drawing_that_will_not_get_small_is_drawn_coarser(monkeypatch: pytest.MonkeyPatch) -> None:
    fine = drawn(EXAMPLES["metrics"]()).data
    monkeypatch.setattr(canvas, "LARGEST_BYTES", len(fine) - 1)
    assert len(drawn(EXAMPLES["metrics"]()).data) < len(fine)
    monkeypatch.setattr(canvas, "LARGEST_BYTES", 1)
    assert pixels(EXAMPLES["metrics"]()).shape[1] == int(canvas.WIDTH_INCHES * canvas.COARSEST[0])


def test_matplotlib_is_loaded_with_the_first_picture_alone() -> None:
    code = "import sys, tradeops.rendering.charts, tradeops.rendering.health; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
