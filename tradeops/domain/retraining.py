"""What came of a retrain: model by model, what was found, what was decided, and what is in use now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tradeops.domain.health import Severity
from tradeops.domain.models.training import Epoch
from tradeops.domain.promotion import Verdict

Trigger = Literal["decision", "manual"]


@dataclass(frozen=True, slots=True)
class ModelOutcome:
    """One model type and symbol.

    Attributes:
        problem: why there is no new version; empty when there is one.
        version: that was trained; `None` without one.
        before: the version in use when the training ended; `None` when there was none, itself when it was itself.
        verdict: of the gate; `None` when it was not asked.
        deployed: the trainer was seen to answer with the new version; `None` when it fell silent at the switch.
        withheld: why it is not in use though the gate let it pass; empty otherwise.
        history: of the training.
        training_samples: windows it learnt from.
        data_digest: of the candles.
        seed: of all randomness of the training.
    """

    model_type: str
    symbol: str
    problem: str = ""
    version: str | None = None
    before: str | None = None
    verdict: Verdict | None = None
    deployed: bool | None = False
    withheld: str = ""
    history: tuple[Epoch, ...] = ()
    training_samples: int | None = None
    data_digest: str | None = None
    seed: int | None = None

    @property
    def name(self) -> str:
        """`lstm BTCUSDT`."""
        return f"{self.model_type} {self.symbol}"

    @property
    def is_in_use_already(self) -> bool:
        """Whether the training gave again what an earlier run has put into use: good, and nothing to do."""
        return self.version is not None and self.version == self.before

    @property
    def succeeded(self) -> bool:
        """Whether there is a new version that was measured, in use or not."""
        return not self.problem

    @property
    def old_accuracy(self) -> float | None:
        """The champion's on the same holdout; `None` when there was none or it was not measured."""
        champion = None if self.verdict is None else self.verdict.champion
        return None if champion is None else champion.accuracy

    @property
    def new_accuracy(self) -> float | None:
        """The new version's on the holdout."""
        return None if self.verdict is None else self.verdict.challenger.accuracy

    @property
    def reason(self) -> str:
        """Why it is deployed or not, one line."""
        return self.problem or self.withheld or ("" if self.verdict is None else self.verdict.reason)


@dataclass(frozen=True, slots=True)
class RetrainReport:
    """One run.

    Attributes:
        decision_id: that started it; `None` when a person did.
        reasoning: of the decision.
        data_as_of: the close of the newest candle used; `None` when there were none.
        remarks: what an operator should know of the data.
    """

    run_id: str
    decision_id: str | None
    reasoning: str
    started_at: datetime
    finished_at: datetime
    data_as_of: datetime | None
    outcomes: tuple[ModelOutcome, ...]
    remarks: tuple[str, ...] = ()

    @property
    def trigger(self) -> Trigger:
        """Who started it."""
        return "manual" if self.decision_id is None else "decision"

    @property
    def successful(self) -> tuple[ModelOutcome, ...]:
        """Those with a new version that was measured."""
        return tuple(one for one in self.outcomes if one.succeeded)

    @property
    def deployed(self) -> tuple[ModelOutcome, ...]:
        """Those whose new version is in use."""
        return tuple(one for one in self.outcomes if one.deployed)

    @property
    def failed(self) -> tuple[ModelOutcome, ...]:
        """Those without."""
        return tuple(one for one in self.outcomes if not one.succeeded)

    @property
    def status(self) -> Literal["success", "failed"]:
        """A run in which not one model was trained has failed."""
        return "success" if self.successful else "failed"

    @property
    def severity(self) -> Severity:
        """Keeping the champion is the usual case, and good."""
        if not self.successful:
            return Severity.CRITICAL
        kept_back = any(one.withheld and not one.is_in_use_already for one in self.outcomes)
        return Severity.DEGRADED if self.failed or kept_back else Severity.HEALTHY

    @property
    def summary(self) -> str:
        """One line."""
        if not self.successful:
            return "; ".join(f"{one.name}: {one.problem}" for one in self.failed) or "no model was trained"
        told = [f"{len(self.successful)} of {len(self.outcomes)} models trained"]
        names = ", ".join(one.name for one in self.deployed)
        unknown = [one for one in self.outcomes if one.deployed is None]
        if names or not unknown:
            told.append(f"deployed: {names}" if names else self._kept)
        told += [f"{one.name}: {one.withheld}" for one in unknown]
        told += [f"{one.name} failed: {one.problem}" for one in self.failed]
        return "; ".join(told)

    @property
    def _kept(self) -> str:
        """Nothing was deployed: because nothing is better, or because nobody asked."""
        if any(one.verdict is not None and one.verdict.promoted and not one.withheld for one in self.successful):
            return "one would pass the gate, promotion was not asked for"
        if all(one.before is None for one in self.successful):
            return "none is better than the simplest guess, so none comes into use"
        return "no model is better, the champions stay"


def by_name(report: RetrainReport) -> Mapping[str, ModelOutcome]:
    """The outcomes by model type, with the symbol where there are several of them."""
    several = len({one.symbol for one in report.outcomes}) > 1
    return {f"{one.model_type}:{one.symbol}" if several else one.model_type: one for one in report.outcomes}
