"""The settings of the loss limits and the brake."""

import re
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings

from tradeops.domain.brake_targets import PORTFOLIO, SHAPE_OF_SYMBOL, Mapped, named, strategy_named
from tradeops.domain.loss_limits import Limits, Own
from tradeops.settings.fields import READING, TimeZone, setting

MOST_LOSSES = 1000


def parse_symbols(value: str) -> Mapped:
    """The symbols of each strategy in `RSI Strategy=BTCUSDT,ETHUSDT; macd=SOLUSDT`.

    Raises:
        ValueError: it is no such text; says where.
    """
    found: dict[str, tuple[str, ...]] = {}
    for part in _parts(value):
        name, _, listed = part.partition("=")
        strategy = strategy_named(name, found)
        symbols = tuple(dict.fromkeys(symbol.strip() for symbol in listed.split(",") if symbol.strip()))
        if not strategy or not symbols or not all(map(SHAPE_OF_SYMBOL.fullmatch, symbols)):
            raise ValueError(f"has {part!r}, which is not of the form STRATEGY=SYMBOL,SYMBOL")
        found[strategy] = symbols
    return found


def parse_own(value: str, further: Iterable[str] = ()) -> dict[str, Own]:
    """The limits of single targets in `rsi=8/6; symbol:ETHUSDT=5/`: percent of a day, losses in a row, either or both.

    Args:
        value: as it was typed.
        further: strategies besides those of the engine; capital letters do not matter.

    Raises:
        ValueError: it is no such text; says where.
    """
    found = {}
    for part in _parts(value):
        name, _, both = part.rpartition("=")
        percent, _, losses = both.partition("/")
        is_other = ":" in name or name.strip().lower() == PORTFOLIO
        target = named(name) if is_other else strategy_named(name, further)
        try:
            own = Own(_percent(percent.strip()), _losses(losses.strip()))
        except (ValueError, InvalidOperation):
            own = Own()
        if not target or own == Own():
            raise ValueError(f"has {part!r}, which is not of the form TARGET=PERCENT/LOSSES")
        found[target] = own
    return found


def _symbols(value: str) -> str:
    parse_symbols(value)
    return value


def _own(value: str) -> str:
    parse_own(value)
    return value


Share = Annotated[Decimal, Field(gt=0, le=100, allow_inf_nan=False)]


class BrakeSettings(BaseSettings):
    """The part of `Settings` that concerns the loss limits and the brake."""

    model_config = READING

    daily_loss_limit_percent: Share = setting(
        "TRADEOPS_DAILY_LOSS_LIMIT_PERCENT",
        Decimal(10),
        "10",
        "Losing more of the account in a day switches the loser off.",
    )
    loss_day_zone: TimeZone = setting(
        "TRADEOPS_LOSS_DAY_ZONE", "UTC", "America/New_York", "Time zone in which that day begins, at 00:00."
    )
    loss_streak_limit: Annotated[int, Field(ge=1, le=MOST_LOSSES)] = setting(
        "TRADEOPS_LOSS_STREAK_LIMIT", 10, "10", "Losing more trades in a row switches the loser off."
    )
    own_loss_limits: Annotated[str, AfterValidator(_own)] | None = setting(
        "TRADEOPS_LOSS_LIMITS",
        None,
        "rsi=8/6; symbol:ETHUSDT=5/; portfolio=10/12",
        "Limits of single targets: TARGET=PERCENT/LOSSES, parted by semicolons; either may be left out.",
    )
    symbols_by_strategy: Annotated[str, AfterValidator(_symbols)] | None = setting(
        "TRADEOPS_STRATEGY_SYMBOLS",
        None,
        "rsi=BTCUSDT,ETHUSDT; macd=SOLUSDT",
        "Which symbols belong to a strategy; all do where this says nothing, as the engine does not tell.",
    )
    disable_when_unknown: bool = setting(
        "TRADEOPS_DISABLE_WHEN_UNKNOWN",
        False,
        "true",
        "Switch everything off when the engine's figures were unknown for two minutes; unreachable does not count.",
    )
    drawdown_warning_percent: Share | None = setting(
        "TRADEOPS_DRAWDOWN_WARNING_PERCENT", None, "8", "Further below the account's peak is a warning."
    )
    win_rate_warning_percent: Share | None = setting(
        "TRADEOPS_WIN_RATE_WARNING_PERCENT", None, "30", "A lower win rate over the last 20 trades is a warning."
    )
    release_cool_off_minutes: Annotated[float, Field(ge=0, le=7 * 24 * 60, allow_inf_nan=False)] = setting(
        "TRADEOPS_RELEASE_COOL_OFF_MINUTES", 60.0, "60", "What was switched off is not released sooner, unless told so."
    )

    @property
    def strategy_symbols(self) -> Mapped:
        """The symbols of each strategy that has some of its own."""
        return parse_symbols(self.symbols_by_strategy or "")

    @property
    def release_cool_off(self) -> timedelta:
        """TRADEOPS_RELEASE_COOL_OFF_MINUTES."""
        return timedelta(minutes=self.release_cool_off_minutes)

    def loss_limits(self, *, stale_after: timedelta, marks_still_after: timedelta) -> Limits:
        """What is too much; figures older than `stale_after` tell nothing, marks may stand still for so long."""
        return Limits(
            daily_loss_percent=self.daily_loss_limit_percent,
            consecutive_losses=self.loss_streak_limit,
            own=parse_own(self.own_loss_limits or "", self.strategy_symbols),
            symbols_of=self.strategy_symbols,
            zone=ZoneInfo(self.loss_day_zone),
            stale_after=stale_after,
            marks_still_after=marks_still_after,
            drawdown_warning_percent=self.drawdown_warning_percent,
            win_rate_warning_percent=self.win_rate_warning_percent,
        )


def _parts(value: str) -> list[str]:
    return [part.strip() for part in re.split(r"[;\n]", value) if part.strip()]


def _percent(text: str) -> Decimal | None:
    if not text:
        return None
    percent = Decimal(text)
    if not (percent.is_finite() and 0 < percent <= 100):  # noqa: PLR2004 - of a whole
        raise ValueError("no share")
    return percent


def _losses(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= MOST_LOSSES:
        raise ValueError("no count")
    return int(text)
