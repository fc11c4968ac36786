"""The new model against the one in use, on the same candles that neither has seen."""

from dataclasses import dataclass

import numpy as np

from tradeops.adapters.trainer.interface import Trainer
from tradeops.domain.models.columns import UnfitDataError
from tradeops.domain.models.training import ModelRecord, Predictions, TrainingPlan, TrainingResult
from tradeops.domain.promotion import Contest, GateRules, Verdict, judge
from tradeops.errors import ContractError

SEED_OF_THE_GATE = 20_251_126


@dataclass(frozen=True, slots=True)
class Judged:
    """What the gate said, and of whom.

    Attributes:
        before: the champion that was compared; `None` when there was none.
    """

    verdict: Verdict
    before: str | None


async def champion_of(trainer: Trainer, model_type: str, symbol: str) -> ModelRecord | None:
    """The version in use; `None` when there is none.

    Raises:
        TradeOpsError: the trainer does not answer.
    """
    known = await trainer.models(model_type, symbol)
    return next((record for record in known if record.role == "champion"), None)


async def judged(
    trainer: Trainer, plan: TrainingPlan, result: TrainingResult, champion: ModelRecord | None, rules: GateRules
) -> Judged:
    """Let the gate speak.

    Raises:
        ContractError: the trainer's predictions are of other candles, or none.
        TradeOpsError: the trainer does not answer.
    """
    holdout = result.holdout
    if len(holdout) == 0:
        raise ContractError("trainer", f"{result.version} has no predictions of its holdout")
    theirs = None
    if champion is not None:
        since, until = int(holdout.opened_ms[0]), int(holdout.opened_ms[-1]) + 1
        theirs = _paired(
            await trainer.evaluate(
                plan.model_type, plan.symbol, champion.version, plan.dataset_id, since_ms=since, until_ms=until
            ),
            holdout,
            champion.version,
        )
    contest = Contest(
        returns=holdout.returns,
        challenger=holdout.probabilities,
        champion=None if theirs is None else theirs.probabilities,
        baselines=result.baselines,
    )
    try:
        verdict = judge(contest, rules, seed=SEED_OF_THE_GATE)
    except UnfitDataError as error:
        raise ContractError("trainer", f"what it predicted cannot be measured: {error}") from error
    return Judged(verdict, None if champion is None else champion.version)


def _paired(theirs: Predictions, ours: Predictions, version: str) -> Predictions:
    """Both of exactly the same candles and the same outcomes, or there is nothing to compare."""
    if not np.array_equal(theirs.opened_ms, ours.opened_ms) or not np.array_equal(theirs.returns, ours.returns):
        problem = f"{version} was evaluated on {len(theirs)} candles, which are not the {len(ours)} of the holdout"
        raise ContractError("trainer", problem)
    return theirs
