"""The settings of the decision to retrain: how long a retrain rests, how often one may be, how often we ask."""

from datetime import timedelta

from pydantic_settings import BaseSettings

from tradeops.settings.fields import READING, Count, Hours, Seconds, setting


class DecisionSettings(BaseSettings):
    """The part of `Settings` that concerns the decision; the threshold, above 0.7, is no setting."""

    model_config = READING

    # When a model is retrained
    retrain_cooldown_hours: Hours = setting(
        "TRADEOPS_RETRAIN_COOLDOWN_HOURS", 24.0, "24", "No retrain so long after the last one, or after a rollback."
    )
    retrains_per_week: Count = setting(
        "TRADEOPS_RETRAINS_PER_WEEK", 2, "2", "The most retrains that are started in seven days."
    )
    analysis_interval_seconds: Seconds = setting(
        "TRADEOPS_ANALYSIS_INTERVAL_SECONDS", 300.0, "300", "No analysis asks a language model so soon after the last."
    )

    @property
    def retrain_cooldown(self) -> timedelta:
        """TRADEOPS_RETRAIN_COOLDOWN_HOURS."""
        return timedelta(hours=self.retrain_cooldown_hours)

    @property
    def analysis_interval(self) -> timedelta:
        """TRADEOPS_ANALYSIS_INTERVAL_SECONDS."""
        return timedelta(seconds=self.analysis_interval_seconds)
