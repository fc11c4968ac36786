"""A backtest that was made for somebody: the result, what it was made of, and what must be known of that."""

from dataclasses import dataclass
from datetime import datetime

from tradeops.domain.backtest.engine import BacktestResult
from tradeops.domain.backtest.orders import BacktestOrder
from tradeops.domain.candle_columns import CandleColumns


@dataclass(frozen=True, slots=True, eq=False)
class BacktestReport:
    """One run of the job.

    Attributes:
        run_id: of the run that made it; the result is found by it.
        started_at: aware, like all times.
        data_as_of: when the candles were asked for.
        candles: that it was made of; places in the result's trades are places in them.
        remarks: what the reader must know of the candles.
    """

    run_id: str
    started_at: datetime
    finished_at: datetime
    data_as_of: datetime
    order: BacktestOrder
    result: BacktestResult
    candles: CandleColumns
    remarks: tuple[str, ...] = ()

    @property
    def days(self) -> int:
        """Whole days that were asked for."""
        return (self.order.window.until - self.order.window.since).days

    @property
    def summary(self) -> str:
        """What came of it in one line."""
        figures, result = self.result.figures, self.result
        total = figures.total_return_percent.value
        told = "return not known" if total is None else f"return {total:+.2f} %".replace("-", "−")
        trades = "1 trade" if figures.total_trades == 1 else f"{figures.total_trades:,} trades"
        days = "1 day" if self.days == 1 else f"{self.days:,} days"
        return f"{result.strategy} on {result.symbol}: {told}, {trades} in {days}"
