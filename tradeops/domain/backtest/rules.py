"""The market's and the paper engine's conditions of a backtest. Defaults are the bot's."""

import math
from dataclasses import asdict, dataclass
from enum import StrEnum

LEAST_LEVERAGE_LIQUIDATING_A_LONG = 21.0  # 1.05 × (1 - 1 ÷ 21) = 1: the position is liquidated where it is opened
LEAST_LEVERAGE_LIQUIDATING_A_SHORT = 19.0
WHOLE_PERCENT = 100.0


class Sizing(StrEnum):
    """How large a position is.

    PAPER, the paper engine's: notional = equity × size % ÷ stop loss % × leverage (10 % when there is no stop), at most
    95 % of the free margin and at most 20 % of equity; with one position all equity is free margin. EQUITY: equity ×
    size % × leverage ÷ (1 + fee), so that 100 % without leverage spends everything, the fee included.
    """

    PAPER = "paper"
    EQUITY = "equity"


class Slippage(StrEnum):
    """RANDOM: uniform from 0 to the most, one draw a candle from the seed and its time. WORST: always the most."""

    RANDOM = "random"
    WORST = "worst"


@dataclass(frozen=True, slots=True)
class BacktestRules:
    """Percentages are 0-100.

    Attributes:
        balance_usd: equity at the start.
        fee_percent: of the notional of a fill, on each side.
        slippage_percent: the most by which an entry is worse than the open; exits have none.
        funding_percent: of notional at 00, 08 and 16 UTC; longs pay it, shorts receive it. Negative turns that round.
        stop_loss_percent: from the entry price; `None` is none, like `take_profit_percent`.
        trailing_percent: from the best price since the entry; `None` is none.
        leverage: 1 or more.
        size_percent: see `Sizing`.
        shorts: whether short signals open positions; they end long ones in any case.
        least_confidence: a signal below it is none, 0-1.
        close_at_end: whether a position left at the end is closed at the last close, with a fee; otherwise it is valued
            there and is no trade yet.

    Raises:
        ValueError: a value that cannot be; names it.
    """

    balance_usd: float = 10_000.0
    fee_percent: float = 0.04
    slippage_percent: float = 0.05
    slippage: Slippage = Slippage.RANDOM
    funding_percent: float = 0.01
    stop_loss_percent: float | None = 2.0
    take_profit_percent: float | None = 4.0
    trailing_percent: float | None = None
    leverage: float = 10.0
    sizing: Sizing = Sizing.PAPER
    size_percent: float = 5.0
    shorts: bool = True
    least_confidence: float = 0.5
    close_at_end: bool = True

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if isinstance(value, float | int) and not math.isfinite(value):
                raise ValueError(f"{name} is a finite number, not {value}")
        self._between("balance_usd", 0, math.inf, low_included=False)
        self._between("fee_percent", 0, 10)
        self._between("slippage_percent", 0, 10)
        self._between("funding_percent", -5, 5)
        self._between("size_percent", 0, WHOLE_PERCENT, low_included=False)
        self._between("least_confidence", 0, 1)
        for name in ("stop_loss_percent", "take_profit_percent", "trailing_percent"):
            if getattr(self, name) is not None:
                self._between(name, 0, 1000 if name == "take_profit_percent" else 99, low_included=False)
        self._between("leverage", 1, math.inf)
        if self.leverage >= LEAST_LEVERAGE_LIQUIDATING_A_LONG:
            raise ValueError(
                f"leverage {self.leverage:g} liquidates a long position where it opens; below 21 it does not"
            )
        if self.shorts and self.leverage >= LEAST_LEVERAGE_LIQUIDATING_A_SHORT:
            raise ValueError(
                f"leverage {self.leverage:g} liquidates a short position where it opens; below 19 it does not"
            )

    def _between(self, name: str, low: float, high: float, *, low_included: bool = True) -> None:
        value = getattr(self, name)
        if not (low <= value <= high if low_included else low < value <= high):
            least = f"at least {low:g}" if low_included else f"above {low:g}"
            most = f" and at most {high:g}" if math.isfinite(high) else ""
            raise ValueError(f"{name} is {least}{most}, not {value:g}")
