"""The settings of what keeps an installation in order: how logs are written, how long records are kept."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from tradeops.settings.fields import READING, setting

TEN_YEARS = 3653


class UpkeepSettings(BaseSettings):
    """The part of `Settings` that concerns upkeep."""

    model_config = READING

    log_format: Literal["text", "json"] = setting(
        "TRADEOPS_LOG_FORMAT", "text", "json", "How the long-lived processes log: text, or one JSON object a line."
    )
    keep_health_days: Annotated[int, Field(ge=31, le=TEN_YEARS)] = setting(
        "TRADEOPS_KEEP_HEALTH_DAYS", 90, "400", "Results of health checks are kept so long; uptime is counted of them."
    )
    keep_equity_minutes_days: Annotated[int, Field(ge=31, le=TEN_YEARS)] = setting(
        "TRADEOPS_KEEP_EQUITY_MINUTES_DAYS", 90, "90", "The account's worth of each minute is kept so long."
    )
    keep_equity_days: Annotated[int, Field(ge=400, le=TEN_YEARS)] = setting(
        "TRADEOPS_KEEP_EQUITY_DAYS", 800, "800", "The account's worth at the start of each day is kept so long."
    )
    keep_cost_samples_days: Annotated[int, Field(ge=62, le=TEN_YEARS)] = setting(
        "TRADEOPS_KEEP_COST_SAMPLES_DAYS", 800, "800", "Readings of cost are kept so long; the reports for ever."
    )
    keep_messages_days: Annotated[int, Field(ge=31, le=TEN_YEARS)] = setting(
        "TRADEOPS_KEEP_MESSAGES_DAYS", 90, "365", "Texts of ended messages are kept so long; that they were, for ever."
    )
