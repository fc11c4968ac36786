"""The settings of training as rules of the domain."""

from datetime import timedelta

from tradeops.domain.model_watch import WatchRules
from tradeops.domain.promotion import GateRules
from tradeops.settings import Settings


def gate_rules(settings: Settings) -> GateRules:
    """How much proof is asked for."""
    floor = settings.retrain_floor_percent
    return GateRules(
        mode=settings.retrain_gate,
        least_gain_fraction=settings.retrain_least_gain_points / 100,
        least_samples=settings.retrain_least_samples,
        floor_fraction=None if floor is None else floor / 100,
        allow_suspicious=settings.retrain_allow_suspicious,
    )


def watch_rules(settings: Settings) -> WatchRules:
    """How a new model is watched."""
    window = timedelta(hours=settings.model_watch_hours)
    return WatchRules(window=window, fewest_candles=settings.model_watch_least_candles)
