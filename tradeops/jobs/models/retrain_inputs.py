"""What a training needs before it begins: an order that makes sense, a disk with room, enough candles."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tradeops.adapters.trainer.interface import Trainer
from tradeops.domain.candles import MILLISECOND, CandleSeries, Gap, find_gaps, openings, period_of
from tradeops.domain.models.columns import TrainingCandles
from tradeops.domain.models.training import MODEL_TYPES, TrainingPlan
from tradeops.errors import MisconfiguredError, RejectedError
from tradeops.jobs.candles import SYMBOL, closed_candles
from tradeops.settings import Settings
from tradeops.wiring import Desk

FEWEST_DAYS, FEWEST_CANDLES = 7, 720
SPARE_CANDLES = 24  # a day of hours: outages of an exchange last hours, and a page of it has a thousand
SETTLED = timedelta(seconds=10)  # our clock may be ahead of the exchange's, whose newest candle is then not closed yet
OLDEST_DECISION = timedelta(hours=6)
DECISIONS = "decisions"


@dataclass(frozen=True, slots=True)
class Order:
    """A retrain that may begin.

    Attributes:
        decision_id: `None` when a person started it.
        reasoning: of the decision.
    """

    model_types: tuple[str, ...]
    symbols: tuple[str, ...]
    decision_id: str | None = None
    reasoning: str = ""

    @property
    def models(self) -> tuple[tuple[str, str], ...]:
        """Type and symbol of each model, symbol by symbol."""
        return tuple((model_type, symbol) for symbol in self.symbols for model_type in self.model_types)


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """The candles of one symbol, at the trainer.

    Attributes:
        dataset_id: by which the trainer knows them.
        as_of: the close of the newest one.
        remarks: what an operator should know of them.
    """

    symbol: str
    candles: TrainingCandles
    dataset_id: str
    as_of: datetime
    remarks: tuple[str, ...]


def known_models(model_types: Sequence[str], symbols: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Both without doubles, in order.

    Raises:
        RejectedError: one is unknown or malformed, or there is none; names it.
    """
    for model_type in model_types:
        if model_type not in MODEL_TYPES:
            remedy = f"choose of {', '.join(MODEL_TYPES)}"
            raise RejectedError("training", f"there is no model type {model_type[:40]!r}", remedy=remedy)
    for symbol in symbols:
        if not SYMBOL.fullmatch(symbol):
            raise RejectedError("training", f"{symbol[:40]!r} is no symbol", remedy="write it like BTCUSDT")
    if not model_types or not symbols:
        raise RejectedError("training", "no model type or no symbol is named", remedy="name at least one of each")
    return tuple(dict.fromkeys(model_types)), tuple(dict.fromkeys(symbols))


async def order_of(
    desk: Desk,
    model_types: Sequence[str] | None,
    symbols: Sequence[str] | None,
    decision_id: str | None,
    *,
    now: datetime,
) -> Order:
    """What is to be retrained, and on whose word.

    Args:
        desk: of the run.
        model_types: of `MODEL_TYPES`; `None` takes those of the settings.
        symbols: `None` takes those of the settings.
        decision_id: of a kept decision; `None` is a person.
        now: aware.

    Raises:
        RejectedError: an unknown type, symbol or decision, a decision that did not ask for a retrain, or one older than
            6 h.
        UnavailableError: the store is down.
    """
    settings = desk.settings
    types, known = known_models(
        settings.models_to_retrain if model_types is None else model_types,
        settings.symbols_to_retrain if symbols is None else symbols,
    )
    if decision_id is None:
        return Order(types, known)
    found = await desk.store.get(DECISIONS, decision_id)
    if found is None:
        raise RejectedError("retrain", f"there is no decision {decision_id[:80]!r}")
    made_at = datetime.fromisoformat(str(found.body["made_at"]))
    if now - made_at > OLDEST_DECISION:
        hours = (now - made_at).total_seconds() / 3600
        remedy = "decide again, or start the retrain without a decision"
        raise RejectedError("retrain", f"the decision {decision_id} is {hours:.1f} h old, more than 6", remedy=remedy)
    if found.body.get("start_retrain") is not True:
        raise RejectedError("retrain", f"the decision {decision_id} did not ask for a retrain")
    return Order(types, known, decision_id, str(found.body.get("reasoning") or ""))


def trainer_of(desk: Desk) -> Trainer:
    """The trainer, however full its disk is: what is trained already is judged, switched, watched and sent back.

    Raises:
        MisconfiguredError: there is none.
    """
    if desk.trainer is None:
        remedy = "set it, for example TRAINER_URL=http://127.0.0.1:8001, and start `tradeops trainer`"
        raise MisconfiguredError("trainer", "TRAINER_URL is not set, and models are trained there", remedy=remedy)
    return desk.trainer


async def trainer_with_room(desk: Desk) -> Trainer:
    """The trainer, if it has room for one more model: asked before a training begins, and nowhere else.

    Raises:
        MisconfiguredError: there is none.
        RejectedError: its disk is nearly full: a model that cannot be written is not begun.
        TradeOpsError: it does not answer.
    """
    trainer = trainer_of(desk)
    free, least = (await trainer.health()).free_disk_gib, desk.settings.retrain_least_disk_gib
    if free is not None and free < least:
        remedy = "make room, or lower TRADEOPS_RETRAIN_LEAST_DISK_GIB"
        raise RejectedError("trainer", f"its disk has {free:.1f} GiB left, less than {least:g}", remedy=remedy)
    return trainer


async def gather(desk: Desk, symbol: str, *, days: int, as_of: datetime) -> Data:
    """Fetch the candles of one symbol and hand them to the trainer, both only as far as they are not there yet.

    As many as `days` have, the newest; where some are missing or impossible, up to 24 older ones take their place. They
    go by `as_of` alone, so that a run that goes on from another one gets the same.

    Raises:
        RejectedError: an unknown symbol, or fewer than 7 days or 720 candles; waiting does not help.
        TradeOpsError: the exchange or the trainer does not answer.
    """
    trainer = trainer_of(desk)
    timeframe = desk.settings.retrain_timeframe
    enough(days, timeframe)
    period = period_of(timeframe)
    end = as_of - SETTLED - period + MILLISECOND  # the last one that was surely closed at that moment
    meant = timedelta(days=days) // period
    series = await closed_candles(desk, symbol, timeframe, end - timedelta(days=days) - SPARE_CANDLES * period, end)
    series = _newest(series, meant, end)
    if len(series.candles) < FEWEST_CANDLES:
        problem = f"{symbol} has {len(series.candles)} candles of {timeframe}, at least {FEWEST_CANDLES} are needed"
        problem += _largest_gap(series.gaps)
        raise RejectedError("training", problem, remedy="ask for more days, or wait until the symbol is older")
    candles = TrainingCandles.of(series.candles, timeframe)
    dataset_id = await trainer.upload(symbol, candles)
    newest = series.candles[-1].opened_at + period
    return Data(symbol, candles, dataset_id, newest, tuple(f"{symbol}: {remark}" for remark in _remarks(series)))


def enough(days: int, timeframe: str) -> None:
    """Refuse what cannot be enough, before anything is fetched.

    Raises:
        RejectedError: fewer than 7 days, or too few for 720 candles.
    """
    if days < FEWEST_DAYS or timedelta(days=days) // period_of(timeframe) < FEWEST_CANDLES:
        problem = f"{days} days of {timeframe} candles are too little to learn from"
        raise RejectedError("training", problem, remedy=f"at least {FEWEST_DAYS} days and {FEWEST_CANDLES} candles")


def plan_for(
    settings: Settings, model_type: str, data: Data, *, epochs: int | None = None, seed: int | None = None
) -> TrainingPlan:
    """How that model is trained on these data."""
    return TrainingPlan(
        model_type=model_type,
        symbol=data.symbol,
        dataset_id=data.dataset_id,
        epochs=epochs or settings.retrain_epochs,
        length=settings.retrain_window,
        seed=settings.retrain_seed if seed is None else seed,
    )


def _newest(series: CandleSeries, meant: int, end: datetime) -> CandleSeries:
    """So many as are meant, where there are as many; what is missing before them is not missing."""
    kept = series.candles[-meant:]
    period = period_of(series.timeframe)
    if not kept:
        return replace(series, requested=meant)
    next_one = kept[-1].opened_at + period
    late = openings(next_one, end, period)
    gaps = (*find_gaps(kept, period), *([Gap(next_one, late)] if late else []))
    return replace(series, candles=kept, requested=max(openings(kept[0].opened_at, end, period), meant), gaps=gaps)


def _largest_gap(gaps: Sequence[Gap]) -> str:
    if not gaps:
        return ""
    largest = max(gaps, key=lambda gap: gap.missing)
    told = f"; {largest.missing} are missing from {largest.first:%Y-%m-%d %H:%M} UTC on"
    return told + (f", others in {len(gaps) - 1} more gaps" if len(gaps) > 1 else "")


def _remarks(series: CandleSeries) -> list[str]:
    told = list(series.remarks)
    counts = {"missing": series.missing, "told twice": series.duplicates, "impossible": series.rejected}
    odd = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return [*told, f"of {series.requested} candles {odd}"] if odd else told
