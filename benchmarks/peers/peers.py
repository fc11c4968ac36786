"""What people would install instead, run by a Python of its own: vectorbt and backtesting.py are not ours to install.

Reads one JSON request a line, answers with one: {"do": "one" | "grid" | "agree", "engine": …, "candles": npz, …}.
The rule is the same everywhere: long when the RSI is at or below a level, out when it is at or above another, filled at
the next open, 0.1 % fee a side, long only, everything invested.
"""

import json
import sys
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEE = 0.001
CASH = 10_000.0


def load(path: str) -> pd.DataFrame:
    """Candles as a frame; without a time zone and with its frequency known the index is quickest for vectorbt."""
    columns = np.load(path)
    index = pd.date_range(pd.Timestamp(int(columns["opened_at"][0]), unit="us"), periods=len(columns["open"]), freq="h")
    names = {"open": "Open", "high": "High", "low": "Low", "close": "Close", "volume": "Volume"}
    return pd.DataFrame({names[name]: columns[name] for name in names}, index=index)


def wilder(close: Floats, period: int) -> Floats:
    """RSI by Wilder's recursion, one value after another: independent of ours."""
    out = np.full(len(close), np.nan)
    changes = np.diff(close)
    gain, loss = np.maximum(changes, 0), np.maximum(-changes, 0)
    up, down = gain[:period].mean(), loss[:period].mean()
    for i in range(period, len(close)):
        if i > period:
            up = (up * (period - 1) + gain[i - 1]) / period
            down = (down * (period - 1) + loss[i - 1]) / period
        out[i] = (100.0 if up else 50.0) if down == 0 else 100 - 100 / (1 + up / down)
    return out


def vectorbt_portfolio(frame: pd.DataFrame, entries: Any, exits: Any) -> Any:
    """Signals of a close, filled at the next open."""
    import vectorbt as vbt

    return vbt.Portfolio.from_signals(
        frame["Close"],
        entries.vbt.signals.fshift(1),
        exits.vbt.signals.fshift(1),
        price=frame["Open"],
        fees=FEE,
        init_cash=CASH,
        freq="1h",
    )


def figures(portfolio: Any) -> list[Any]:
    """What our own search reads of each run."""
    return [
        portfolio.total_return(),
        portfolio.sharpe_ratio(),
        portfolio.max_drawdown(),
        portfolio.trades.count(),
        portfolio.trades.win_rate(),
        portfolio.trades.profit_factor(),
    ]


def vectorbt_one(frame: pd.DataFrame) -> float:
    """Its own RSI; a span of 27 is Wilder's 14."""
    import vectorbt as vbt

    strength = vbt.RSI.run(frame["Close"], 27, ewm=True).rsi
    return float(figures(vectorbt_portfolio(frame, strength <= 30, strength >= 70))[3])


def vectorbt_grid(frame: pd.DataFrame, periods: list[int], levels: list[int]) -> list[float]:
    """All points in one call, as its manual shows it."""
    import vectorbt as vbt

    strength = vbt.RSI.run(frame["Close"], [2 * period - 1 for period in periods], ewm=True)
    entries = pd.concat([strength.rsi_below(level) for level in levels], axis=1)
    exits = pd.concat([strength.rsi_above(100 - level) for level in levels], axis=1)
    exits.columns = entries.columns
    return figures(vectorbt_portfolio(frame, entries, exits))[3].tolist()


def backtesting_strategy() -> type:
    """The rule in the form that backtesting.py wants."""
    from backtesting import Strategy

    def rsi(close: Floats, period: int) -> pd.Series:
        changes = pd.Series(close).diff()
        up = changes.clip(lower=0).ewm(alpha=1 / period, adjust=False).mean()
        down = (-changes.clip(upper=0)).ewm(alpha=1 / period, adjust=False).mean()
        return 100 * up / (up + down)

    class Level(Strategy):
        period, level = 14, 30

        def init(self) -> None:
            self.rsi = self.I(rsi, self.data.Close, self.period)

        def next(self) -> None:
            if self.rsi[-1] <= self.level and not self.position:
                self.buy()
            elif self.rsi[-1] >= 100 - self.level and self.position:
                self.position.close()

    return Level


def backtesting_run(frame: pd.DataFrame, points: list[tuple[int, int]]) -> list[float]:
    """One run a point; cash enough for whole units."""
    from backtesting import Backtest

    test = Backtest(frame, backtesting_strategy(), cash=1e9, commission=FEE, trade_on_close=False)
    return [float(test.run(period=period, level=level)["# Trades"]) for period, level in points]


def agree(frame: pd.DataFrame, period: int, low: float, high: float) -> dict[str, Any]:
    """Trades and equity of vectorbt, by the independent RSI."""
    strength = pd.Series(wilder(frame["Close"].to_numpy(), period), index=frame.index)
    portfolio = vectorbt_portfolio(frame, strength <= low, strength >= high)
    records = portfolio.trades.records
    return {
        "entry": records["entry_idx"].tolist(),
        "exit": records["exit_idx"].tolist(),
        "open": (records["status"] == 0).tolist(),
        "pnl": records["pnl"].tolist(),
        "equity": portfolio.value().tolist(),
    }


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """One request."""
    frame = load(request["candles"])
    if request["do"] == "agree":
        return agree(frame, request["period"], request["low"], request["high"])
    started = time.perf_counter()
    if request["engine"] == "vectorbt":
        trades = (
            vectorbt_one(frame)
            if request["do"] == "one"
            else vectorbt_grid(frame, request["periods"], request["levels"])
        )
    else:
        points = request.get("points") or [(14, 30)]
        trades = backtesting_run(frame, points)
    return {"seconds": time.perf_counter() - started, "trades": trades}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    output = sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=output, flush=True)
