"""The engine's envelope: an HTTP 200 proves nothing until `success` says so."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tradeops.errors import ContractError, RejectedError
from tradeops.http import Answer


@dataclass(frozen=True, slots=True)
class Opened:
    """What was inside.

    Attributes:
        data: never `None`; of a flat body it is the body.
        timestamp: the engine's clock; `None` on routes whose envelope has none.
    """

    data: Any
    timestamp: datetime | None


def unwrap(answer: Answer) -> Opened:
    """Open `{success, data, error[, timestamp]}`, or take a flat body as it is: its reader demands its fields.

    Raises:
        RejectedError: `success` is false; carries the engine's message.
        ContractError: no JSON, or an envelope that contradicts itself; names the field.
        TradeOpsError: any status but 2xx, as `Answer.raise_for_status` says.
    """
    answer.raise_for_status()
    body = answer.json()
    if not isinstance(body, dict) or not ("success" in body or "data" in body):
        return Opened(body, None)
    success = body.get("success", True)
    if not isinstance(success, bool):
        raise ContractError(answer.system, f"{answer.address} answered with a wrong envelope: success is no boolean")
    if not success:
        reason = body.get("error")
        text = reason if isinstance(reason, str) and reason.strip() else "no reason given"
        raise RejectedError(answer.system, f"{answer.address} refused: {_one_line(answer.masked(text))}")
    if body.get("data") is None:
        raise ContractError(answer.system, f"{answer.address} answered with a wrong envelope: data is missing or null")
    return Opened(body["data"], _timestamp(body.get("timestamp")))


def _timestamp(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return moment.astimezone(UTC) if moment and moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:300]
