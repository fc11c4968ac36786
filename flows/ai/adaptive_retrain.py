"""Trains the models anew and puts into use only what the same untouched candles prove better."""

import asyncio
import datetime as dt

from prefect import State, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from flows import approval, cancellation, presentation, promotions, training_progress
from flows.retries import again
from tradeops.domain.notices import Level
from tradeops.domain.retraining import ModelOutcome, RetrainReport
from tradeops.errors import TradeOpsError
from tradeops.jobs.models import retrain, retrain_inputs, retrain_lock
from tradeops.jobs.monitoring.heartbeats import heartbeat
from tradeops.rendering.retrain import refused_page, retrain_page
from tradeops.wiring import Desk, open_desk

NAME = "adaptive-retrain"
Gathered = dict[str, retrain_inputs.Data | TradeOpsError]


@again
async def gather(desk: Desk, order: retrain_inputs.Order, run: retrain.Run) -> Gathered:
    """Fetch the candles of each symbol once; what is there already is not fetched again."""
    return await retrain.gather(desk, order, run)


@task(cache_policy=NO_CACHE)
async def train(desk: Desk, run: retrain.Run, model_type: str, symbol: str, gathered: Gathered) -> ModelOutcome:
    """Train one model and judge it; a model that fails is an outcome here, not a failed task."""
    return await retrain.attempt(desk, run, model_type, symbol, gathered[symbol], told=training_progress.follow(NAME))


@task(cache_policy=NO_CACHE)
async def deploy(desk: Desk, run: retrain.Run, outcome: ModelOutcome, refusal: str) -> ModelOutcome:
    """Switch, prove and record as one effect, or keep the champion."""
    return await retrain.deploy(desk, run, outcome, refusal=refusal)


@again
async def record(desk: Desk, report: RetrainReport) -> None:
    """Keep the run once, however often this is repeated."""
    await retrain.record(desk, report)


async def tell(desk: Desk, report: RetrainReport, failure: Level = Level.CRITICAL) -> None:
    """One message and one page of the run; a run without any model is a failure."""
    event, level = ("retrain_complete", Level.INFO) if report.successful else ("retrain_failed", failure)
    await presentation.announce_run(desk, NAME, retrain_page(report, desk.settings.zone), event=event, level=level)


async def abandon(
    desk: Desk, order: retrain_inputs.Order, run: retrain.Run, gathered: Gathered, outcomes: list[ModelOutcome]
) -> None:
    """Where a person cancels: end the training, keep and tell what was done; whoever cancels is not alarmed."""
    if await cancellation.by_person():
        report = await retrain.abandon(desk, order, run, gathered, outcomes)
        await cancellation.last_words(tell(desk, report, Level.WARNING))


@flow(timeout_seconds=7200)
async def adaptive_retrain(
    model_types: list[str] | None = None, symbols: list[str] | None = None, decision_id: str | None = None
) -> State[RetrainReport]:
    """Gather once, then train, judge and deploy one model after the other; record and tell.

    Args:
        model_types: of lstm, gru and transformer; `None` takes TRADEOPS_RETRAIN_MODELS.
        symbols: `None` takes TRADEOPS_RETRAIN_SYMBOLS.
        decision_id: that asked for it, at most 6 h old; `None` is a person.

    Raises:
        TradeOpsError: it could not begin: another retrain is at work, no candles, no trainer, a full disk.
    """
    now, run_id = dt.datetime.now(dt.UTC), str(flow_run.get_id())
    try:
        async with (
            open_desk() as desk,
            heartbeat(desk, NAME, run_id=run_id),
            retrain_lock.held(desk.store, run_id=run_id) as lock,
        ):
            order = await retrain_inputs.order_of(desk, model_types, symbols, decision_id, now=now)
            run, outcomes = retrain.begun(desk, run_id, started_at=now, lock=lock, news=promotions.tell), []
            gathered = await gather(desk, order, run)
            try:
                for model_type, symbol in order.models:
                    tried = await train(desk, run, model_type, symbol, gathered)
                    outcomes.append(await deploy(desk, run, tried, await approval.of_model(desk, run, tried)))
            except asyncio.CancelledError:
                await abandon(desk, order, run, gathered, outcomes)
                raise
            report = retrain.report_of(order, run, gathered, outcomes)
            kept = await asyncio.gather(record(desk, report), tell(desk, report), return_exceptions=True)
    except TradeOpsError as error:
        await asyncio.gather(presentation.publish(NAME, refused_page(str(error))), return_exceptions=True)
        return presentation.failed(error)
    parts = [one.name for one in report.failed]
    return presentation.end_state(NAME, report, report.severity, report.summary, parts=parts, mishaps=kept)
