"""The settings of the daily reports: whose clock people read, what counts as good trading, what is too expensive."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field
from pydantic_settings import BaseSettings

from tradeops.settings.fields import READING, Finite, Percent, Seconds, TimeZone, Usd, setting


class ReportSettings(BaseSettings):
    """The part of `Settings` that concerns the daily reports."""

    model_config = READING

    # How reports are made
    time_zone: TimeZone = setting(
        "TRADEOPS_TIME_ZONE", "UTC", "Asia/Ho_Chi_Minh", "Time zone of the times that people see; storage stays UTC."
    )
    late_grace_seconds: Seconds = setting(
        "TRADEOPS_LATE_GRACE_SECONDS", 21600.0, "21600", "A daily report that starts later than this is skipped."
    )

    # What counts as good trading
    win_rate_target_percent: Percent = setting(
        "TRADEOPS_WIN_RATE_TARGET_PERCENT", 70.0, "70", "A lower win rate of the week is degraded."
    )
    win_rate_critical_percent: Percent = setting(
        "TRADEOPS_WIN_RATE_CRITICAL_PERCENT", 55.0, "55", "A lower win rate of the week is critical."
    )
    average_profit_target_percent: Finite = setting(
        "TRADEOPS_AVERAGE_PROFIT_TARGET_PERCENT", 2.6, "2.6", "A lower average profit per trade is degraded."
    )
    average_profit_critical_percent: Finite = setting(
        "TRADEOPS_AVERAGE_PROFIT_CRITICAL_PERCENT", 1.5, "1.5", "A lower average profit per trade is critical."
    )
    sharpe_target: Finite = setting("TRADEOPS_SHARPE_TARGET", 2.1, "2.1", "A lower Sharpe ratio is degraded.")
    sharpe_critical: Finite = setting("TRADEOPS_SHARPE_CRITICAL", 1.0, "1", "A lower Sharpe ratio is critical.")

    # What counts as too expensive
    cost_daily_warning_usd: Usd = setting(
        "TRADEOPS_COST_DAILY_WARNING_USD", Decimal(2), "2", "A day of language models above it is degraded."
    )
    cost_daily_critical_usd: Usd = setting(
        "TRADEOPS_COST_DAILY_CRITICAL_USD", Decimal(5), "5", "A day of language models above it is critical."
    )
    cost_monthly_warning_usd: Usd = setting(
        "TRADEOPS_COST_MONTHLY_WARNING_USD", Decimal(50), "50", "A month of language models above it is degraded."
    )
    cost_monthly_critical_usd: Usd = setting(
        "TRADEOPS_COST_MONTHLY_CRITICAL_USD",
        Decimal(100),
        "100",
        "A month of language models above it is critical.",
    )
    vnd_per_usd: Annotated[Decimal, Field(gt=0, le=10**9, allow_inf_nan=False)] = setting(
        "TRADEOPS_VND_PER_USD", Decimal(25000), "25000", "What a dollar costs in Vietnamese dong."
    )
    vnd_rate_as_of: date | None = setting(
        "TRADEOPS_VND_RATE_AS_OF", None, "2026-11-25", "The day of TRADEOPS_VND_PER_USD, shown beside it."
    )

    @property
    def late_grace(self) -> timedelta:
        """TRADEOPS_LATE_GRACE_SECONDS."""
        return timedelta(seconds=self.late_grace_seconds)

    @property
    def zone(self) -> ZoneInfo:
        """TRADEOPS_TIME_ZONE."""
        return ZoneInfo(self.time_zone)
