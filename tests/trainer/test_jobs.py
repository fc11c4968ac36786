"""Trainings are kept while they matter."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tradeops.domain.models.training import JobState, TrainingPlan
from trainer.jobs import Jobs

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def test_only_old_trainings_that_have_ended_are_forgotten(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    plan = TrainingPlan(**{one.name: 1 for one in fields(TrainingPlan)} | {"model_type": "gru", "symbol": "BTCUSDT"})
    ages = {"old": 91, "old-unfinished": 91, "new": 89}
    ids = {key: jobs.accept(key, plan, NOW - timedelta(days=age)).job_id for key, age in ages.items()}
    for key in ("old", "new"):
        found = jobs.find(ids[key])
        assert found is not None
        found.end(JobState.FAILED, "for the test")
    assert jobs.forget(asked_before=NOW - timedelta(days=90)) == [ids["old"]]
    assert jobs.find(ids["old"]) is None
    assert {job.job_id for job in jobs.all()} == {ids["new"], ids["old-unfinished"]}
    assert len(list(tmp_path.iterdir())) == 2
