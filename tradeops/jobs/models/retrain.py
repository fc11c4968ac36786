"""The steps of a retrain: one model after the other is trained, judged, and put into use where that is proven right."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from tradeops.domain.models.training import ModelRecord, TrainingPlan, TrainingResult
from tradeops.domain.promotion import Verdict
from tradeops.domain.retraining import ModelOutcome, RetrainReport
from tradeops.errors import TradeOpsError
from tradeops.jobs.models import retrain_inputs, training
from tradeops.jobs.models.contest import champion_of, judged
from tradeops.jobs.models.promotion import News, Patience, Promotion, Switched, promote, promoted_by, settle, unheard
from tradeops.jobs.models.retrain_inputs import Data, Order
from tradeops.jobs.models.retrain_lock import Held
from tradeops.jobs.models.retrain_records import record_accuracy, record_retrain
from tradeops.jobs.models.retrain_rules import gate_rules
from tradeops.jobs.models.training import Told
from tradeops.wiring import Desk

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as far as its steps need it.

    Attributes:
        run_id: of the flow run.
        as_of: the moment up to which candles are taken.
        deadline: what is not trained by then is given up.
        resumes: the interrupted runs that this one goes on from.
        news: hears what comes into use, as soon as it is recorded.
    """

    run_id: str
    started_at: datetime
    as_of: datetime
    deadline: datetime
    resumes: tuple[str, ...] = ()
    news: News = unheard


def begun(desk: Desk, run_id: str, *, started_at: datetime, lock: Held, news: News = unheard) -> Run:
    """A run that begins now; its time limit is that of the settings."""
    limit = timedelta(minutes=desk.settings.retrain_limit_minutes)
    return Run(run_id, started_at, lock.as_of, started_at + limit, lock.resumes, news)


async def gather(desk: Desk, order: Order, run: Run) -> dict[str, Data | TradeOpsError]:
    """The candles of each symbol, or why there are none: one symbol's trouble does not spoil the others.

    Before that, what a killed run has put into use without saying so is recorded.

    Raises:
        RejectedError: the trainer's disk is nearly full.
        TradeOpsError: there is none for any symbol, or the trainer or the store does not answer.
    """
    await settle(desk.store, retrain_inputs.trainer_of(desk), news=run.news)
    await retrain_inputs.trainer_with_room(desk)
    found: dict[str, Data | TradeOpsError] = {}
    for symbol in order.symbols:
        try:
            found[symbol] = await retrain_inputs.gather(desk, symbol, days=desk.settings.retrain_days, as_of=run.as_of)
        except TradeOpsError as error:
            found[symbol] = error
    problems = [error for error in found.values() if isinstance(error, TradeOpsError)]
    if len(problems) == len(found):
        raise problems[0]
    return found


async def attempt(
    desk: Desk, run: Run, model_type: str, symbol: str, data: Data | TradeOpsError, *, told: Told
) -> ModelOutcome:
    """Train one model and judge it; nothing comes into use, and what fails is its outcome, not an error.

    Args:
        desk: of the run.
        run: see there.
        model_type: of `MODEL_TYPES`.
        symbol: of the data.
        data: its candles, or why there are none.
        told: hears how far the training is.
    """
    try:
        if isinstance(data, TradeOpsError):
            raise data
        return await trained(desk, run, retrain_inputs.plan_for(desk.settings, model_type, data), told=told)
    except TradeOpsError as error:
        log.warning("%s %s: %s", model_type, symbol, error)
        return ModelOutcome(model_type, symbol, problem=str(error))


async def trained(desk: Desk, run: Run, plan: TrainingPlan, *, told: Told, anew: str = "") -> ModelOutcome:
    """Train and judge; nothing comes into use.

    Raises:
        TradeOpsError: there is no new version, or it cannot be judged.
    """
    trainer = await retrain_inputs.trainer_with_room(desk)
    poll_seconds = desk.settings.retrain_poll_seconds
    job, result = await training.train(
        trainer, plan, deadline=run.deadline, poll_seconds=poll_seconds, told=told, anew=anew
    )
    outcome = ModelOutcome(
        plan.model_type,
        plan.symbol,
        version=result.version,
        history=job.history,
        training_samples=result.training_samples,
        data_digest=result.data_digest,
        seed=result.seed,
    )
    champion = await _opponent(desk, plan, result)
    found = await judged(trainer, plan, result, champion, gate_rules(desk.settings))
    return replace(outcome, verdict=found.verdict, before=found.before)


async def deploy(desk: Desk, run: Run, outcome: ModelOutcome, *, refusal: str = "") -> ModelOutcome:
    """Put a judged model into use where the gate lets it, unless refused; what fails is its outcome, not an error.

    Its accuracy is kept either way.

    Args:
        desk: of the run.
        run: see there.
        outcome: of `attempt`.
        refusal: why a person, or the lack of one, keeps it from use; empty when nobody does.
    """
    if outcome.verdict is None or outcome.version is None:
        return outcome
    if outcome.verdict.promoted:
        try:
            outcome = await _deployed(desk, run, outcome, outcome.verdict, outcome.version, refusal)
        except TradeOpsError as error:
            log.error("%s was not put into use: %s", outcome.name, error)  # noqa: TRY400 - typed
            outcome = replace(outcome, withheld=f"not deployed: {error}")
    try:
        await record_accuracy(desk.store, outcome, at=datetime.now(UTC))
    except TradeOpsError as error:
        log.error("the accuracy of %s was not kept: %s", outcome.name, error)  # noqa: TRY400 - typed
        outcome = replace(outcome, withheld="; ".join(filter(None, [outcome.withheld, f"not kept: {error}"])))
    return outcome


async def record(desk: Desk, report: RetrainReport) -> None:
    """Keep the run, once.

    Raises:
        UnavailableError: the store could neither keep it nor put it aside for later.
    """
    await record_retrain(desk.store, report)


async def abandon(
    desk: Desk, order: Order, run: Run, gathered: dict[str, Data | TradeOpsError], outcomes: list[ModelOutcome]
) -> RetrainReport:
    """End the training that a cancelled run would leave behind, and keep what the run has done until then.

    Raises:
        UnavailableError: the store could neither keep it nor put it aside for later.
    """
    left = order.models[len(outcomes) :]
    for model_type, symbol in left[:1]:
        data = gathered[symbol]
        if isinstance(data, Data) and desk.trainer is not None:
            await training.give_up(desk.trainer, retrain_inputs.plan_for(desk.settings, model_type, data))
    rest = [await _unfinished(desk, run, model_type, symbol) for model_type, symbol in left]
    report = report_of(order, run, gathered, [*outcomes, *rest])
    await record(desk, report)
    return report


def report_of(
    order: Order, run: Run, gathered: dict[str, Data | TradeOpsError], outcomes: list[ModelOutcome]
) -> RetrainReport:
    """All outcomes as one report."""
    data = [one for one in gathered.values() if isinstance(one, Data)]
    return RetrainReport(
        run_id=run.run_id,
        decision_id=order.decision_id,
        reasoning=order.reasoning,
        started_at=run.started_at,
        finished_at=datetime.now(UTC),
        data_as_of=max((one.as_of for one in data), default=None),
        outcomes=tuple(outcomes),
        remarks=tuple(remark for one in data for remark in one.remarks),
    )


async def _deployed(
    desk: Desk, run: Run, outcome: ModelOutcome, verdict: Verdict, version: str, refusal: str
) -> ModelOutcome:
    by = await promoted_by(desk.store, model_type=outcome.model_type, symbol=outcome.symbol, version=version)
    if by not in {None, run.run_id, *run.resumes}:
        return await _known(desk, outcome, version)
    if by is None and refusal:
        return replace(outcome, withheld=refusal)
    patience = Patience(pause_seconds=desk.settings.retrain_poll_seconds)
    wanted = Promotion(outcome.model_type, outcome.symbol, version, outcome.before, verdict, run.run_id)
    switch = promote(desk.store, retrain_inputs.trainer_of(desk), wanted, news=run.news, patience=patience)
    done = await _whole(switch, patience.hurry)
    if done.in_use is None:
        log.error("whether %s is in use is not known: %s", outcome.name, done.problem)
        return replace(outcome, deployed=None, withheld=f"whether it is in use is not known: {done.problem}")
    return replace(outcome, deployed=True, withheld=f"not kept: {done.problem}" if done.problem else "")


async def _known(desk: Desk, outcome: ModelOutcome, version: str) -> ModelOutcome:
    """The same candles gave again the model that an earlier run has put into use."""
    champion = await champion_of(retrain_inputs.trainer_of(desk), outcome.model_type, outcome.symbol)
    if champion is not None and champion.version == version:
        return replace(outcome, before=version, withheld="it is in use already: the same candles give the same model")
    return replace(outcome, withheld="it was in use before and was sent back: the same candles give the same model")


async def _whole(work: Coroutine[None, None, Switched], hurry: asyncio.Event) -> Switched:
    """To its end, also when this run is cancelled meanwhile: a time limit in between must not leave half of it.

    Then it does not wait for a silent trainer any longer.
    """
    working, interruption = asyncio.ensure_future(work), None
    while not working.done():
        try:
            await asyncio.shield(working)
        except asyncio.CancelledError as error:
            interruption = error
            hurry.set()
        except TradeOpsError:
            break
    if interruption is not None:
        raise interruption
    return working.result()


async def _unfinished(desk: Desk, run: Run, model_type: str, symbol: str) -> ModelOutcome:
    """Of a cancelled run: the switch may have been made all the same."""
    problem = "the run was cancelled"
    try:
        trainer = retrain_inputs.trainer_of(desk)
        await settle(desk.store, trainer, news=run.news)
        champion = await champion_of(trainer, model_type, symbol)
        if champion is not None:
            version = champion.version
            by = await promoted_by(desk.store, model_type=model_type, symbol=symbol, version=version)
            if by == run.run_id:
                return ModelOutcome(model_type, symbol, version=version, deployed=True)
    except TradeOpsError as error:
        problem += f", and what is in use is not known: {error}"
    return ModelOutcome(model_type, symbol, problem=problem)


async def _opponent(desk: Desk, plan: TrainingPlan, result: TrainingResult) -> ModelRecord | None:
    """The champion; where an interrupted run has promoted this very version already, the one before it."""
    trainer = retrain_inputs.trainer_of(desk)
    champion = await champion_of(trainer, plan.model_type, plan.symbol)
    if champion is None or champion.version != result.version:
        return champion
    known = await trainer.models(plan.model_type, plan.symbol)
    return next((record for record in known if record.role == "previous"), None)
