"""The board of decisions in the store: one document, changed by compare-and-set, so that runs agree on who decides."""

from collections.abc import Callable
from typing import TypeVar

from tradeops.adapters.store import Store
from tradeops.adapters.store.interface import Body
from tradeops.domain.decisions.board import Board
from tradeops.domain.decisions.codec import decoded, encoded
from tradeops.errors import ContractError
from tradeops.jobs.races import until_first

COLLECTION, DOCUMENT = "decision_board", "board"

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

    async def attempt() -> T:
        board, version = await read(store)
        changed, told = how(board)
        if changed != board:
            await store.put(COLLECTION, DOCUMENT, _body(changed), expected_version=version)
        return told

    return await until_first(attempt, system="decisions", what="the board")


def _body(board: Board) -> Body:
    body = encoded(board)
    assert isinstance(body, dict)  # noqa: S101 - a dataclass is an object
    return body
