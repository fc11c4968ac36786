"""What an analysis of many symbols found, those that could not be analysed apart."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.bulk.analysis import Analysis, Call
from tradeops.domain.candle_columns import CandleColumns
from tradeops.domain.health import Severity

MOST_COMPARED: Final = 50
MOST_RETURNS: Final = 500
LEAST_RETURNS: Final = 30


@dataclass(frozen=True, slots=True, eq=False)
class Correlations:
    """How the returns of symbols go together.

    Attributes:
        matrix: -1 to 1, rows and columns as `symbols`; NaN for one that does not move.
        returns: how many were compared; 0 when there is nothing to compare.
    """

    symbols: tuple[str, ...]
    matrix: NDArray[np.float64]
    returns: int

    @classmethod
    def of(cls, many: Sequence[CandleColumns]) -> Self:
        """Of the first 50 symbols whose candles have the times that most of them have."""
        grids = Counter((int(c.opened_at[-1]), len(c) - 1, c.missing) for c in many)
        common = next((grid for grid, _ in grids.most_common() if grid[1] >= LEAST_RETURNS and not grid[2]), None)
        alike = [c for c in many if (int(c.opened_at[-1]), len(c) - 1, c.missing) == common][:MOST_COMPARED]
        if common is None or not alike:
            return cls((), np.empty((0, 0)), 0)
        returns = np.diff(np.log(np.stack([c.close[-MOST_RETURNS - 1 :] for c in alike])), axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            matrix = np.atleast_2d(np.corrcoef(returns))
        return cls(tuple(c.symbol for c in alike), matrix, returns.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class BulkReport:
    """One run of the job.

    Attributes:
        run_id: of the run.
        started_at: aware, like all times.
        data_as_of: when the newest candles closed.
        asked: where the symbols come from, in words.
        analyses: the most confident first.
        failed: why a symbol could not be analysed.
        remarks: what else the reader must know.
    """

    run_id: str
    started_at: datetime
    finished_at: datetime
    data_as_of: datetime
    timeframe: str
    asked: str
    analyses: tuple[Analysis, ...]
    failed: Mapping[str, str]
    correlations: Correlations
    remarks: tuple[str, ...] = ()

    @property
    def severity(self) -> Severity:
        """Degraded when a symbol could not be analysed."""
        return Severity.DEGRADED if self.failed else Severity.HEALTHY

    def count(self, call: Call) -> int:
        """How many symbols say so."""
        return sum(one.signal is call for one in self.analyses)

    @property
    def summary(self) -> str:
        """What was found in one line."""
        calls = ", ".join(f"{self.count(call):,} {call}" for call in reversed(Call))
        symbols = "1 symbol" if len(self.analyses) == 1 else f"{len(self.analyses):,} symbols"
        failed = f"; {len(self.failed):,} could not be analysed" if self.failed else ""
        return f"{symbols} on {self.timeframe}: {calls}{failed}"


def by_confidence(analyses: Sequence[Analysis]) -> tuple[Analysis, ...]:
    """The most confident first; of equals what acts before what holds, then by name."""
    return tuple(sorted(analyses, key=lambda one: (-one.confidence, one.signal is Call.HOLD, one.symbol)))
