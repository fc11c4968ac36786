"""What tokens cost: a table of prices with the days from which they hold, and the exact cost of a call."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self

MILLION = Decimal(1_000_000)
ENVELOPE_TOKENS = 500  # what a service adds around the prompt and the schema, generously
DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")  # a snapshot costs what its model costs
NUMBERS = ("input", "cached_input", "cache_write", "output")
FIELDS = {"model", "valid_from", "source", "shutdown", *NUMBERS}


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of one call, as the service counted them.

    Attributes:
        input_tokens: all of the prompt, the cached and the written ones included.
        cached_tokens: read from the service's cache.
        cache_write_tokens: written to it.
        output_tokens: all that is billed as output, reasoning included.
        reasoning_tokens: of the output.
    """

    input_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    output_tokens: int
    reasoning_tokens: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call cost, unrounded.

    Attributes:
        estimated: the service did not say, or may have billed what never arrived: it is the upper bound.
    """

    usd: Decimal
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs from a day on, in USD for a million tokens.

    Attributes:
        source: where the figures were read.
        shutdown: when the model ends, as far as it is announced.
    """

    model: str
    valid_from: date
    input: Decimal
    cached_input: Decimal
    cache_write: Decimal
    output: Decimal
    source: str = ""
    shutdown: date | None = None

    def cost_usd(self, usage: Usage) -> Decimal:
        """Exact: cached, written and other input each at its own price, reasoning as output."""
        plain = usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens
        return (
            plain * self.input
            + usage.cached_tokens * self.cached_input
            + usage.cache_write_tokens * self.cache_write
            + usage.output_tokens * self.output
        ) / MILLION

    def most_usd(self, *, prompt_bytes: int, output_tokens: int) -> Decimal:
        """No call can cost more: a token has a byte or more, and output is capped."""
        dearest = max(self.input, self.cached_input, self.cache_write)
        return ((prompt_bytes + ENVELOPE_TOKENS) * dearest + output_tokens * self.output) / MILLION


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices of several models at several times.

    Attributes:
        version: kept with each call, so that its cost can be recomputed.
        unknown_usd: for a million tokens, of any kind, of a model that is not in it; `None`: such a model has no price.
    """

    version: str
    prices: tuple[Price, ...]
    unknown_usd: Decimal | None = None

    @classmethod
    def of(cls, found: Mapping[str, Any], *, unknown_usd: Decimal | None = None) -> Self:
        """The table in a parsed price file.

        Raises:
            ValueError: names the entry and what is wrong with it.
        """
        version, entries = found.get("version"), found.get("price")
        if not isinstance(version, str) or not version:
            raise ValueError("it has no version")
        if not isinstance(entries, list) or not entries:
            raise ValueError("it has no [[price]]")
        return cls(version, tuple(_price(number, entry) for number, entry in enumerate(entries, 1)), unknown_usd)

    def amended(self, other: Self) -> Self:
        """With the prices of `other` in place of ours, for each model that it names."""
        theirs = {price.model for price in other.prices}
        kept = tuple(price for price in self.prices if price.model not in theirs)
        return type(self)(f"{self.version}+{other.version}", (*kept, *other.prices), self.unknown_usd)

    def price(self, model: str, at: datetime) -> Price | None:
        """What the model costs then; `None` when it may not be called."""
        if (known := self.listed(model, at)) or self.unknown_usd is None:
            return known
        most = self.unknown_usd
        return Price(model, at.date(), most, most, most, most, source="TRADEOPS_LLM_UNKNOWN_MODEL_USD_PER_MILLION")

    def listed(self, model: str, at: datetime) -> Price | None:
        """What the table says of the model then, of a dated snapshot what it says of its model."""
        for name in (model, DATED.sub("", model)):
            named = (price for price in self.prices if price.model == name and price.valid_from <= at.date())
            if known := self._newest(named):
                return known
        return None

    def shutdown(self, model: str) -> date | None:
        """When the model ends, as far as the table knows."""
        newest = self._newest(price for price in self.prices if price.model in (model, DATED.sub("", model)))
        return newest.shutdown if newest else None

    @staticmethod
    def _newest(prices: Iterable[Price]) -> Price | None:
        return max(prices, key=lambda price: price.valid_from, default=None)


def _price(number: int, entry: object) -> Price:
    if not isinstance(entry, Mapping):
        raise ValueError(f"price {number} is no table")  # noqa: TRY004 - one kind of error for a bad file
    model = entry.get("model")
    if not isinstance(model, str) or not model:
        raise ValueError(f"price {number} has no model")
    if strange := sorted(set(entry) - FIELDS):
        raise ValueError(f"{model}: unknown field {strange[0]}")
    input_usd, output_usd = _usd(entry, model, "input"), _usd(entry, model, "output")
    return Price(
        model=model,
        valid_from=_day(entry, model, "valid_from"),
        input=input_usd,
        cached_input=_usd(entry, model, "cached_input") if "cached_input" in entry else input_usd,
        cache_write=_usd(entry, model, "cache_write") if "cache_write" in entry else input_usd,
        output=output_usd,
        source=str(entry.get("source", "")),
        shutdown=_day(entry, model, "shutdown") if "shutdown" in entry else None,
    )


def _usd(entry: Mapping[str, Any], model: str, field: str) -> Decimal:
    value = entry.get(field)
    usd = Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
    if usd is None or not usd.is_finite() or usd < 0:
        raise ValueError(f"{model}: {field} is no price in USD for a million tokens")
    return usd


def _day(entry: Mapping[str, Any], model: str, field: str) -> date:
    value = entry.get(field)
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError(f"{model}: {field} is no day, such as 2026-09-22")  # noqa: TRY004 - as above
    return value
