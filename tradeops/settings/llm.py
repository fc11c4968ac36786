"""The settings of the language model: which one is asked, how, and what it may cost."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings

from tradeops.settings.fields import READING, Count, Usd, setting


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("must be odd, so that there is a majority")
    return value


class LlmSettings(BaseSettings):
    """The part of `Settings` that concerns the calls of the language model."""

    model_config = READING

    # Whom to ask, and how
    openai_model: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:/@-]{1,128}$")] = setting(
        "OPENAI_MODEL", "gpt-6-luna", "gpt-6.1-terra", "The model that is asked; it must have a price."
    )
    llm_api: Literal["responses", "chat"] = setting(
        "TRADEOPS_LLM_API", "responses", "chat", "responses, or chat for an endpoint that has no Responses API."
    )
    llm_votes: Annotated[int, Field(ge=1, le=9), AfterValidator(_odd)] = setting(
        "TRADEOPS_LLM_VOTES", 3, "3", "Votes of an analysis, asked at once; odd."
    )
    llm_vote_seconds: Annotated[float, Field(ge=1, le=60, allow_inf_nan=False)] = setting(
        "TRADEOPS_LLM_VOTE_SECONDS", 30.0, "30", "Longest wait for a vote, its retries included."
    )
    llm_max_output_tokens: Annotated[int, Field(ge=2000, le=100_000)] = setting(
        "TRADEOPS_LLM_MAX_OUTPUT_TOKENS", 4000, "4000", "Cap of an answer in tokens, reasoning included."
    )
    llm_effort: Annotated[str, Field(pattern=r"^[a-z]{2,10}$")] | None = setting(
        "TRADEOPS_LLM_EFFORT", None, "low", "Effort of reasoning; without it the model's own."
    )

    # What it may cost
    llm_analysis_limit_usd: Usd = setting(
        "TRADEOPS_LLM_ANALYSIS_LIMIT_USD", Decimal("0.10"), "0.10", "Most that one analysis may cost."
    )
    llm_daily_limit_usd: Usd = setting(
        "TRADEOPS_LLM_DAILY_LIMIT_USD", Decimal(2), "2", "Our own calls stop for the UTC day above it."
    )
    llm_monthly_limit_usd: Usd = setting(
        "TRADEOPS_LLM_MONTHLY_LIMIT_USD",
        Decimal(100),
        "100",
        "Our own calls stop for the UTC month above it, or until `tradeops llm lift`.",
    )
    llm_analyses_per_hour: Count = setting(
        "TRADEOPS_LLM_ANALYSES_PER_HOUR", 5, "5", "Most analyses within an hour, forced ones included."
    )
    llm_analyses_per_day: Count = setting(
        "TRADEOPS_LLM_ANALYSES_PER_DAY", 24, "24", "Most analyses within 24 hours, forced ones included."
    )
    llm_price_file: Path | None = setting(
        "TRADEOPS_LLM_PRICE_FILE", None, "/etc/tradeops/prices.toml", "Prices of your own, before those that we bring."
    )
    llm_unknown_model_usd_per_million: Annotated[Decimal, Field(gt=0, le=10**6)] | None = setting(
        "TRADEOPS_LLM_UNKNOWN_MODEL_USD_PER_MILLION",
        None,
        "60",
        "Price of a million tokens of a model without one; without it such a model is not asked.",
    )
