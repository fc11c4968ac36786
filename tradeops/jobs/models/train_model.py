"""The steps of a training that a person asks for: one model, and no promotion unless asked."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from tradeops.domain.candles import period_of
from tradeops.domain.models.dataset import holdout_size
from tradeops.domain.retraining import ModelOutcome, RetrainReport
from tradeops.errors import RejectedError
from tradeops.jobs.models import retrain, retrain_inputs, training
from tradeops.jobs.models.contest import champion_of
from tradeops.jobs.models.promotion import News, unheard
from tradeops.jobs.models.retrain import Run
from tradeops.jobs.models.retrain_inputs import Data, Order
from tradeops.jobs.models.retrain_records import record_accuracy, record_training
from tradeops.jobs.models.training import Told
from tradeops.wiring import Desk

log = logging.getLogger(__name__)
SOFT_LIMIT = timedelta(hours=2)


def checked(desk: Desk, model_type: str, symbol: str, days: int) -> Order:
    """What is to be trained, if it makes sense.

    Raises:
        RejectedError: an unknown type, a malformed symbol, too few days; before anything is asked of anybody.
    """
    types, symbols = retrain_inputs.known_models([model_type], [symbol])
    retrain_inputs.enough(days, desk.settings.retrain_timeframe)
    return Order(types, symbols)


def begun(run_id: str, now: datetime, *, news: News = unheard) -> Run:
    """A run that begins now; `news` hears what it puts into use."""
    return Run(run_id, now, now, now + SOFT_LIMIT, news=news)


async def gather(desk: Desk, run: Run, order: Order, days: int, *, promotes: bool) -> Data:
    """The candles, and before anything is trained whether they can prove it better than the model in use.

    Where they cannot, a training that only measures says so among its remarks.

    Raises:
        RejectedError: it is to be promoted and cannot be; an unknown symbol, too few candles, or a full disk.
        TradeOpsError: the exchange or the trainer does not answer.
    """
    [model_type], [symbol] = order.model_types, order.symbols
    trainer = await retrain_inputs.trainer_with_room(desk)
    data = await retrain_inputs.gather(desk, symbol, days=days, as_of=run.as_of)
    held_out, least = holdout_size(len(data.candles)), desk.settings.retrain_least_samples
    if desk.settings.retrain_gate != "proven" or held_out >= least:
        return data
    champion = await champion_of(trainer, model_type, symbol)
    if champion is None:  # nobody is there to be beaten
        return data
    period = period_of(desk.settings.retrain_timeframe)
    needed = next(more for more in count(days) if holdout_size(timedelta(days=more) // period) >= least)
    enough = f"set days_of_data to {needed} or more" if needed > days else "wait until there are more candles of it"
    problem = f"the candles of {days} days hold out {held_out}, fewer than the {least} that the gate asks for: "
    problem += f"no {model_type} can be proven better than the {champion.version} in use"
    if promotes:
        raise RejectedError("training", problem, remedy=f"{enough}, or leave promote_if_better off to only measure")
    remark = f"{symbol} is only measured: {problem}; to prove one better, {enough}"
    log.warning(remark)
    return replace(data, remarks=(*data.remarks, remark))


async def train(desk: Desk, run: Run, order: Order, data: Data, *, anew: bool, told: Told) -> ModelOutcome:
    """Train and judge it; `anew` trains also what was trained on the same candles before.

    Raises:
        TradeOpsError: there is no new version, or it cannot be judged.
    """
    plan = retrain_inputs.plan_for(desk.settings, order.model_types[0], data)
    return await retrain.trained(desk, run, plan, told=told, anew=run.run_id if anew else "")


async def give_up(desk: Desk, run: Run, order: Order, data: Data, *, anew: bool) -> None:
    """End the training that a cancelled run would leave behind; a trainer that does not answer is logged."""
    if desk.trainer is not None:
        plan = retrain_inputs.plan_for(desk.settings, order.model_types[0], data)
        await training.give_up(desk.trainer, plan, anew=run.run_id if anew else "")


async def finish(desk: Desk, run: Run, outcome: ModelOutcome, *, promotes: bool) -> ModelOutcome:
    """Put it into use if that is asked for and the gate lets it; its accuracy is kept either way.

    Raises:
        UnavailableError: the store is down.
    """
    if promotes:
        return await retrain.deploy(desk, run, outcome)
    await record_accuracy(desk.store, outcome, at=datetime.now(UTC))
    return outcome


async def record(desk: Desk, report: RetrainReport) -> None:
    """Keep the run, once.

    Raises:
        UnavailableError: the store could neither keep it nor put it aside for later.
    """
    await record_training(desk.store, report)
