"""Trains one model because a person wants to know what it would be worth; puts it into use only if asked."""

import asyncio
import datetime as dt

from prefect import State, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from flows import cancellation, presentation, promotions, training_progress
from flows.retries import again
from tradeops.domain.retraining import ModelOutcome, RetrainReport
from tradeops.errors import TradeOpsError
from tradeops.jobs.models import retrain as steps
from tradeops.jobs.models import retrain_inputs
from tradeops.jobs.models import train_model as job
from tradeops.jobs.monitoring.heartbeats import heartbeat
from tradeops.rendering.retrain import refused_page, retrain_page
from tradeops.wiring import Desk, open_desk

NAME = "train-model"


@again
async def gather(
    desk: Desk, run: steps.Run, order: retrain_inputs.Order, days: int, *, promotes: bool
) -> retrain_inputs.Data:
    """Fetch the candles and hand them to the trainer; refused at once when they cannot lead to what is asked for."""
    return await job.gather(desk, run, order, days, promotes=promotes)


@again
async def train(
    desk: Desk, run: steps.Run, order: retrain_inputs.Order, data: retrain_inputs.Data, *, anew: bool
) -> ModelOutcome:
    """Train and judge; a repetition joins the training that runs."""
    return await job.train(desk, run, order, data, anew=anew, told=training_progress.follow(NAME))


@task(cache_policy=NO_CACHE)
async def finish(desk: Desk, run: steps.Run, outcome: ModelOutcome, *, promotes: bool) -> ModelOutcome:
    """Switch, prove and record as one effect where that is asked for and right."""
    return await job.finish(desk, run, outcome, promotes=promotes)


@again
async def record(desk: Desk, report: RetrainReport) -> None:
    """Keep the run once, however often this is repeated."""
    await job.record(desk, report)


@flow(timeout_seconds=9000)
async def train_model(
    model_type: str = "lstm",
    symbol: str = "BTCUSDT",
    days_of_data: int = 30,
    retrain: bool = False,
    promote_if_better: bool = False,
) -> State[RetrainReport]:
    """Check, gather, train, judge; promote only if asked; record and publish.

    Args:
        model_type: lstm, gru or transformer.
        symbol: as the exchange spells it.
        days_of_data: at least 7, and enough for 720 candles; from 42 on (of hours) a model in use can be beaten.
        retrain: train again though the same candles have been learnt already.
        promote_if_better: put it into use where the gate lets it; refused when the days are too few to prove it.

    Raises:
        TradeOpsError: an order that makes no sense, no candles, no trainer, or a training that failed.
    """
    now, run_id = dt.datetime.now(dt.UTC), str(flow_run.get_id())
    try:
        async with open_desk() as desk, heartbeat(desk, NAME, run_id=str(flow_run.get_id())):
            order, run = (
                job.checked(desk, model_type, symbol, days_of_data),
                job.begun(run_id, now, news=promotions.tell),
            )
            data = await gather(desk, run, order, days_of_data, promotes=promote_if_better)
            try:
                tried = await train(desk, run, order, data, anew=retrain)
            except asyncio.CancelledError:
                if await cancellation.by_person():
                    await job.give_up(desk, run, order, data, anew=retrain)
                raise
            outcome = await finish(desk, run, tried, promotes=promote_if_better)
            report = steps.report_of(order, run, {symbol: data}, [outcome])
            page = retrain_page(report, desk.settings.zone, title="Training")
            kept = await asyncio.gather(record(desk, report), presentation.publish(NAME, page), return_exceptions=True)
    except TradeOpsError as error:
        page = refused_page(str(error), title="Training")
        await asyncio.gather(presentation.publish(NAME, page), return_exceptions=True)
        return presentation.failed(error)
    return presentation.end_state(NAME, report, report.severity, report.summary, mishaps=kept)
