"""Makes the pictures of the dashboard that the README shows: `python -m tests.browser.pictures docs/pictures`.

They show a night of the sandbox's default scenario. The weeks before it are the sandbox's own trades, analysed as of
each day; only the history of health checks is made up, since nobody was there to check.
"""

import random
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import ViewportSize, sync_playwright

from tests.browser.nights import dashboard_of
from tests.contract.probes.conftest import program
from tests.e2e.test_up import CHROMIUM
from tradeops.adapters.store import Point
from tradeops.domain.health import ProbeResult, Round, Status, assess
from tradeops.jobs.drill import records
from tradeops.jobs.drill.drill import drill, ground_of
from tradeops.jobs.monitoring import health
from tradeops.jobs.reports import equity, performance, trades
from tradeops.wiring import Desk

DAY, HOUR, CHECK = timedelta(days=1), timedelta(hours=1), timedelta(minutes=15)
DAYS = 28
COLOURS = 256
LAPTOP, PHONE = ViewportSize(width=1366, height=768), ViewportSize(width=360, height=740)
VIEWS: Mapping[str, tuple[str, str, ViewportSize]] = {
    "dashboard-light": ("light", "30d", LAPTOP),
    "dashboard-dark": ("dark", "7d", LAPTOP),
    "dashboard-phone": ("light", "24h", PHONE),
}


async def weeks_before(desk: Desk) -> None:
    """What four weeks of work would have left in the store."""
    now = datetime.now(UTC)
    for days in range(1, DAYS):
        report = await performance.produce(desk, date=(now - days * DAY).date(), now=now)
        await performance.record(desk, report, run_id=f"day-{days}")
    closed = sorted((await trades.archive(desk.store)).values(), key=lambda one: one.closed_at)
    balance = await performance.read_balance(desk)
    points = []
    for hours in range(1, DAYS * 24):
        at = now - hours * HOUR
        worth = balance - sum((one.pnl for one in closed if one.closed_at > at), Decimal(0))
        points.append(Point(at.isoformat(), at, {"equity_usd": f"{worth}", "equity": float(worth)}))
    await desk.store.add_points(equity.MINUTES, points)
    await _checks(desk, now)
    done = await drill(desk.engine, desk.settings, await ground_of(desk.engine, named=None), operator="you")
    await records.keep(desk.store, done)


async def _checks(desk: Desk, now: datetime) -> None:
    chance = random.Random(1)  # noqa: S311 - a picture, no secret
    seen = await health.probe_all(desk)
    for number in range(1, DAYS * 96):
        at = now - number * CHECK
        night = number <= 6  # since an hour and a half it is as tonight
        results = tuple(one if night else _earlier(one, chance) for one in seen.results)
        report = assess(Round(results, at, at + timedelta(seconds=1)), health.thresholds(desk.settings))
        run_id = f"check-{number}"
        fields = health.as_fields(report, run_id=run_id)
        await desk.store.add_point(health.SERIES, Point(run_id, report.finished_at, fields))


def _earlier(one: ProbeResult, chance: random.Random) -> ProbeResult:
    if one.status is Status.NOT_CONFIGURED:
        return one
    if chance.random() < 0.004:  # four in a thousand
        return replace(one, status=Status.DOWN, problem="no answer within 2.5 s")
    took = timedelta(milliseconds=chance.lognormvariate(3, 0.6))
    return replace(one, status=Status.HEALTHY, latency=took, problem="")


def main(folder: Path) -> None:
    """Draw them into the folder."""
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program("chromium"), args=list(CHROMIUM), ignore_default_args=["--headless"]
        )
        with dashboard_of("degrading", Path(home), more=weeks_before) as there:
            for name, (theme, reach, size) in VIEWS.items():
                page = browser.new_page(viewport=size, color_scheme=theme)  # type: ignore[arg-type]
                page.goto(f"{there.address}/?range={reach}")
                page.locator("html[data-drawn]").wait_for(state="attached")
                page.wait_for_timeout(3000)
                drawn = Image.open(BytesIO(page.screenshot())).convert("RGB")
                drawn.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
                    folder / f"{name}.png", optimize=True
                )
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
