"""What is kept of retrains and trainings, and how it reads: once for each run, however often it is repeated."""

from datetime import UTC, datetime, timedelta

from tradeops.adapters.store import Point, Store
from tradeops.adapters.store.interface import Json
from tradeops.domain.models.measurement import Scores
from tradeops.domain.promotion import Verdict
from tradeops.domain.retraining import ModelOutcome, RetrainReport, by_name

HISTORY, ACCURACY, ROLLBACKS, TRAININGS = (
    "retrain_history",
    "model_accuracy_history",
    "model_rollbacks",
    "training_jobs",
)
REMEMBERED = timedelta(days=365)


async def record_retrain(store: Store, report: RetrainReport) -> None:
    """Keep the run's history; a second time changes nothing.

    Raises:
        UnavailableError: the store could neither keep it nor put it aside for later.
    """
    await store.add_point(HISTORY, Point(report.run_id, report.finished_at, retrain_fields(report)))


async def record_accuracy(store: Store, outcome: ModelOutcome, *, at: datetime) -> None:
    """Keep how good a new version is, in use or not, once for each version.

    Raises:
        UnavailableError: the store could neither keep it nor put it aside for later.
    """
    if outcome.verdict is None or outcome.version is None:
        return
    scores = outcome.verdict.challenger
    body: dict[str, Json] = {
        "model_type": outcome.model_type,
        "symbol": outcome.symbol,
        "version": outcome.version,
        "accuracy": scores.accuracy,
        "loss": scores.log_loss,
        "f1_score": scores.f1_score,
        "training_samples": outcome.training_samples,
        "deployed": outcome.deployed,
        "scores": score_fields(scores),
    }
    await store.add_point(ACCURACY, Point(f"{outcome.model_type}:{outcome.symbol}:{outcome.version}", at, body))


async def record_training(store: Store, report: RetrainReport) -> None:
    """Keep a training that a person asked for; a second time changes nothing.

    Raises:
        UnavailableError: the store could neither keep it nor put it aside for later.
    """
    await store.add_point(TRAININGS, Point(report.run_id, report.finished_at, training_fields(report)))


def training_fields(report: RetrainReport) -> dict[str, Json]:
    """The training of one model as it is kept; accuracies are fractions."""
    [outcome] = report.outcomes
    last = outcome.history[-1] if outcome.history else None
    best = min(outcome.history, key=lambda epoch: epoch.validation_loss, default=None)
    baselines = {} if outcome.verdict is None else outcome.verdict.baselines
    return {
        "run_id": report.run_id,
        "started_at": report.started_at.isoformat(),
        "finished_at": report.finished_at.isoformat(),
        "data_as_of": None if report.data_as_of is None else report.data_as_of.isoformat(),
        "model_type": outcome.model_type,
        "training_results": {
            "final_loss": None if last is None else last.loss,
            "final_accuracy": None if last is None else last.accuracy,
            "epochs_trained": len(outcome.history),
            "best_val_loss": None if best is None else best.validation_loss,
            "best_val_accuracy": None if best is None else best.validation_accuracy,
        },
        "holdout_accuracy": outcome.new_accuracy,
        "baseline_accuracy": max((scores.accuracy for scores in baselines.values()), default=None),
        "data_hash": outcome.data_digest,
        "random_seed": outcome.seed,
        **model_fields(outcome),
    }


async def version_history(store: Store, version: str) -> dict[str, Json]:
    """What the accuracy history, the promotions and the roll-backs of the last year say of a version; empty if nothing.

    Raises:
        UnavailableError: the store is down.
    """
    now = datetime.now(UTC)
    since, until = now - REMEMBERED, now + timedelta(days=1)
    measured = await store.points(ACCURACY, since=since, until=until, limit=10_000)
    back = await store.points(ROLLBACKS, since=since, until=until, limit=10_000)
    promoted = await store.events(since=since, until=until, kind="model_promoted", limit=10_000)
    found: dict[str, Json] = {}
    for point in measured:
        if point.body.get("version") == version:
            found["measured"] = {**point.body, "at": point.timestamp.isoformat()}
    for event in promoted:
        if event.body.get("version") == version:
            found["promoted"] = {**event.body, "at": event.occurred_at.isoformat()}
    away = [{**p.body, "at": p.timestamp.isoformat()} for p in back if p.body.get("from_version") == version]
    return {**found, "rolled_back": away} if away else found


def retrain_fields(report: RetrainReport) -> dict[str, Json]:
    """The run as it is kept; accuracies are fractions, times ISO 8601, UTC."""
    return {
        "run_id": report.run_id,
        "decision_id": report.decision_id,
        "trigger_type": report.trigger,
        "analysis_reasoning": report.reasoning,
        "started_at": report.started_at.isoformat(),
        "finished_at": report.finished_at.isoformat(),
        "data_as_of": None if report.data_as_of is None else report.data_as_of.isoformat(),
        "status": report.status,
        "models": {name: model_fields(outcome) for name, outcome in by_name(report).items()},
        "successful_count": len(report.successful),
        "deployed_count": len(report.deployed),
        "remarks": list(report.remarks),
    }


def model_fields(outcome: ModelOutcome) -> dict[str, Json]:
    """One model of a run."""
    verdict = outcome.verdict
    return {
        "status": "success" if outcome.succeeded else "failed",
        "error": outcome.problem or None,
        "symbol": outcome.symbol,
        "version": outcome.version,
        "before": outcome.before,
        "old_accuracy": outcome.old_accuracy,
        "new_accuracy": outcome.new_accuracy,
        "improvement": None if verdict is None else verdict.gain_fraction,
        "deployed": outcome.deployed,
        "reason": outcome.reason,
        "epochs_trained": len(outcome.history),
        "training_samples": outcome.training_samples,
        **({} if verdict is None else verdict_fields(verdict)),
    }


def verdict_fields(verdict: Verdict) -> dict[str, Json]:
    """Each rule with its figures, and all scores."""
    return {
        "promoted": verdict.promoted,
        "unproven": verdict.unproven,
        "rules": [
            {"rule": one.rule.value, "passed": one.passed, "required": one.required, "says": one.says}
            for one in verdict.outcomes
        ],
        "scores": {
            "challenger": score_fields(verdict.challenger),
            "champion": None if verdict.champion is None else score_fields(verdict.champion),
            **{name: score_fields(scores) for name, scores in verdict.baselines.items()},
        },
    }


def score_fields(scores: Scores) -> dict[str, Json]:
    """Figures of one model."""
    fields: dict[str, Json] = scores.to_json()
    return fields
