"""Tells Prefect's automations of each model that has come into use, the moment that it is recorded."""

from collections.abc import Mapping
from typing import Any

from flows import presentation


def tell(promoted: Mapping[str, Any]) -> None:
    """Emit `tradeops.model.promoted`; at least once for each promotion."""
    resource = f"tradeops.model.{promoted['model_type']}.{promoted['symbol']}"
    presentation.emit("tradeops.model.promoted", resource, promoted)
