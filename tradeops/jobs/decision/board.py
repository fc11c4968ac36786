"""The board of decisions in the store: one document, changed by compare-and-set, so that runs agree on who decides."""

import asyncio
import random
from collections.abc import Callable
from typing import TypeVar

from tradeops.adapters.store import Store
from tradeops.adapters.store.interface import Body
from tradeops.domain.decisions.board import Board
from tradeops.domain.decisions.codec import decoded, encoded
from tradeops.errors import ConflictError, ContractError

COLLECTION, DOCUMENT = "decision_board", "board"
TRIES = 40
LONGEST_PAUSE_SECONDS = 0.05

T = TypeVar("T")


async def read(store: Store) -> tuple[Board, int | None]:
    """The board and its version; an empty one without a version where there is none yet.

    Raises:
        UnavailableError: the store is down.
        ContractError: it was written by something else.
    """
    kept = await store.get(COLLECTION, DOCUMENT)
    if kept is None:
        return Board(), None
    try:
        return decoded(Board, kept.body), kept.version
    except ValueError as error:
        raise ContractError("decisions", str(error), remedy="was the board written by a newer release?") from error


async def change(store: Store, how: Callable[[Board], tuple[Board, T]]) -> T:
    """Write what `how` makes of the board and return what it says; anew when others were first.

    Raises:
        UnavailableError: the store is down.
        ConflictError: others wrote again and again; nothing was changed.
        ContractError: the board was written by something else.
    """
    for attempt in range(TRIES):
        board, version = await read(store)
        changed, told = how(board)
        try:
            if changed != board:
                await store.put(COLLECTION, DOCUMENT, _body(changed), expected_version=version)
        except ConflictError:
            await asyncio.sleep(random.random() * LONGEST_PAUSE_SECONDS * min(attempt + 1, 5))  # noqa: S311 - parts racers
            continue
        return told
    raise ConflictError("decisions", f"the board was changed by others {TRIES} times in a row")


def _body(board: Board) -> Body:
    body = encoded(board)
    assert isinstance(body, dict)  # noqa: S101 - a dataclass is an object
    return body
