"""Results of the laboratory as they are kept: a point each in a series of its own, found by the beginning of its id."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from tradeops.adapters.store.interface import ReadableStore
from tradeops.domain.backtest.rules import BacktestRules, Sizing, Slippage
from tradeops.domain.candles import EPOCH
from tradeops.errors import RejectedError

PAGE = 500

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Repeated(Generic[R]):
    """A kept result that was made once more.

    Attributes:
        report: of now, under the run id of then.
        differences: in words; empty when it is the same to the bit.
    """

    report: R
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where results of one kind lie.

    Attributes:
        series: of the store.
        what: one of them is called.
        list_command: names them.
    """

    series: str
    what: str
    list_command: str

    async def newest(self, store: ReadableStore, *, limit: int = 20) -> list[Mapping[str, Any]]:
        """The latest kept results, the newest first.

        Raises:
            UnavailableError: the store does not answer.
        """
        until = datetime.now(UTC) + timedelta(days=1)
        return [
            p.body for p in await store.points(self.series, since=EPOCH, until=until, limit=limit, newest_first=True)
        ]

    async def found(self, store: ReadableStore, result_id: str) -> Mapping[str, Any]:
        """The kept result of that id, or of the only one whose id begins so.

        Raises:
            RejectedError: there is none, or more than one.
            UnavailableError: the store does not answer.
        """
        until, matches = datetime.now(UTC) + timedelta(days=1), dict[str, Mapping[str, Any]]()
        while page := await store.points(self.series, since=EPOCH, until=until, limit=PAGE, newest_first=True):
            matches.update({point.key: point.body for point in page if point.key.startswith(result_id)})
            if result_id in matches:
                return matches[result_id]
            if len(page) < PAGE:
                break
            until = page[-1].timestamp
        if len(matches) == 1:
            return next(iter(matches.values()))
        problem = f"more than one {self.what} begins with" if matches else f"there is no {self.what}"
        raise RejectedError("store", f"{problem} {result_id!r}", remedy=f"`{self.list_command}` names them")


def rules_of(kept: Mapping[str, Any]) -> BacktestRules:
    """The rules that a kept result was made by.

    Raises:
        KeyError, TypeError, ValueError: they cannot be read.
    """
    rules = dict(kept["rules"])
    rules |= {"slippage": Slippage(rules["slippage"]), "sizing": Sizing(rules["sizing"])}
    return BacktestRules(**rules)
