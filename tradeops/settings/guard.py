"""The settings of the guard that looks after the limits, and of the drills that prove the brake."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings

from tradeops.settings.fields import READING, Seconds, setting

Days = Annotated[int, Field(ge=1, le=365)]


class GuardSettings(BaseSettings):
    """The part of `Settings` that concerns the guard and its drills."""

    model_config = READING

    guard_seconds: Annotated[float, Field(ge=0.2, le=60, allow_inf_nan=False)] = setting(
        "TRADEOPS_GUARD_SECONDS", 5.0, "5", "The guard polls the engine this often."
    )
    guard_stale_seconds: Seconds = setting(
        "TRADEOPS_GUARD_STALE_SECONDS", 60.0, "60", "An engine whose clock stands still for longer tells nothing."
    )
    guard_marks_still_seconds: Seconds = setting(
        "TRADEOPS_GUARD_MARKS_STILL_SECONDS",
        600.0,
        "600",
        "Marks of open trades that all stand still for longer are told.",
    )
    guard_blind_seconds: Seconds = setting(
        "TRADEOPS_GUARD_BLIND_SECONDS", 30.0, "30", "An engine that the guard cannot reach for so long is an incident."
    )
    lost_run_seconds: Annotated[float, Field(ge=60, le=3600, allow_inf_nan=False)] = setting(
        "TRADEOPS_LOST_RUN_SECONDS", 90.0, "90", "A run that is silent for longer, and for three heartbeats, is lost."
    )
    restart_lost_runs: bool = setting(
        "TRADEOPS_RESTART_LOST_RUNS", True, "true", "Start a lost run that no schedule brings again, once."
    )
    canary_symbol: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,20}$")] | None = setting(
        "TRADEOPS_CANARY_SYMBOL", None, "DOGEUSDT", "The one symbol of your bot that a drill may switch off and on."
    )
    drill_days: Days = setting("TRADEOPS_DRILL_DAYS", 30, "30", "A last drill that is older is degraded.")

    @property
    def stale_after(self) -> timedelta:
        """TRADEOPS_GUARD_STALE_SECONDS."""
        return timedelta(seconds=self.guard_stale_seconds)

    @property
    def marks_still_after(self) -> timedelta:
        """TRADEOPS_GUARD_MARKS_STILL_SECONDS."""
        return timedelta(seconds=self.guard_marks_still_seconds)

    @property
    def lost_after(self) -> timedelta:
        """TRADEOPS_LOST_RUN_SECONDS."""
        return timedelta(seconds=self.lost_run_seconds)

    @property
    def drill_every(self) -> timedelta:
        """TRADEOPS_DRILL_DAYS."""
        return timedelta(days=self.drill_days)
