"""The names that the dashboard repeats are those of the jobs, and repeating them keeps it small."""

import subprocess
import sys

from tradeops.jobs.laboratory import backtest_records, bulk, optimise_records
from tradeops.jobs.models import promotion, retrain_records, rollback
from tradeops.jobs.monitoring import health
from tradeops.jobs.reports import api_cost, performance_record, portfolio
from tradeops.jobs.window import series
from tradeops.jobs.window.desk import JOBS

TOO_LARGE = ("numpy", "pandas", "matplotlib", "apprise", "openai", "pymongo", "aiormq")


def test_the_names_are_those_under_which_the_jobs_keep_their_records() -> None:
    assert series.HEALTH == health.SERIES
    assert performance_record.SERIES == series.PERFORMANCE
    assert api_cost.SERIES == series.COSTS
    assert portfolio.SERIES == series.PORTFOLIO
    assert (series.RETRAINS, series.ACCURACY) == (retrain_records.HISTORY, retrain_records.ACCURACY)
    assert (series.ROLLBACKS, series.TRAININGS) == (retrain_records.ROLLBACKS, retrain_records.TRAININGS)
    assert (series.WATCHES, series.PROMOTED) == (promotion.WATCHES, promotion.PROMOTED)
    assert series.ROLLED_BACK == rollback.ROLLED_BACK
    assert (series.BACKTESTS, series.BACKTEST_TRADES) == (backtest_records.SERIES, backtest_records.TRADES)
    assert (series.SEARCHES, series.BULK) == (optimise_records.SERIES, bulk.SERIES)


def test_every_job_of_the_desk_is_shown() -> None:
    assert len(JOBS) == 12


def test_looking_loads_no_library_of_numbers_and_no_driver() -> None:
    program = f"import sys, tradeops.jobs.window; print([m for m in {TOO_LARGE!r} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"
