"""The table of prices: ours, and before it the operator's own."""

import tomllib
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

from tradeops.domain.llm import PriceTable
from tradeops.errors import MisconfiguredError

PACKAGE, OURS = "tradeops.adapters.llm", "prices.toml"


def load_prices(own: Path | None, *, unknown_usd: Decimal | None) -> PriceTable:
    """The prices in force.

    Args:
        own: a file of the operator's, in the form of ours; `None` is none.
        unknown_usd: what a million tokens of a model without a price count as; `None`: such a model has none.

    Raises:
        MisconfiguredError: `own` cannot be read, or is no table of prices.
    """
    table = PriceTable.of(_parsed(files(PACKAGE).joinpath(OURS).read_text("utf-8")), unknown_usd=unknown_usd)
    if own is None:
        return table
    try:
        return table.amended(PriceTable.of(_parsed(own.read_text("utf-8"))))
    except OSError as error:
        raise _unfit(own, error.strerror or type(error).__name__) from error
    except ValueError as error:
        raise _unfit(own, str(error)) from error


def _parsed(text: str) -> dict[str, Any]:
    return tomllib.loads(text, parse_float=Decimal)


def _unfit(own: Path, problem: str) -> MisconfiguredError:
    remedy = "mend it, or leave TRADEOPS_LLM_PRICE_FILE out"
    return MisconfiguredError("settings", f"the price file {own} cannot be used: {problem}", remedy=remedy)
