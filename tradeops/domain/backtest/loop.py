"""The one loop over candles, in a subset of Python that numba compiles and Python runs alike.

Conventions, in the order in which a candle is lived through:

1. At the open, funding of the instants since the close before is paid by a position carried over it.
2. At the open, a position is ended whose liquidation price, stop, or profit target the open has already passed: at
   the open. Else one against which the last close signalled: at the open, without slippage.
3. At the open, the signal of the last close opens a position when there is none: at the open, made worse by slippage.
   A signal of the direction that was held at that close, and one on the last candle, do nothing.
4. Inside the candle, entry candle included: of stop and liquidation the nearer one, when the low (high) reaches it, at
   its price, or at the open where that is worse. Else the profit target, when the high (low) reaches it, at its price.
   Both in one candle: the stop.
5. At the close of the last candle, what is left is closed there.
6. At each close equity is noted, and a trailing stop follows the best price so far: it counts from the next candle.

Funding is on quantity × open; candles are of 8 hours at most. Liquidation: long at 1.05 × entry × (1 - 1 ÷ leverage),
short at 0.95 × entry × (1 + 1 ÷ leverage); no more than the margin, entry notional ÷ leverage, is lost by price. With
equity not above zero no position is opened.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SIGNAL, STOP, TARGET, LIQUIDATION, END, STILL_OPEN = range(6)
STOP_WHEN_ABSENT = 0.1  # the distance that the paper engine then reckons with
MOST_OF_FREE_MARGIN = 0.95
MOST_OF_EQUITY = 0.2
LIQUIDATED_BEFORE_RUIN = 0.05


def simulate(  # noqa: C901, PLR0912, PLR0913, PLR0915, PLR0917 - what numba compiles is one function of arrays and numbers
    opened: Floats,
    high: Floats,
    low: Floats,
    close: Floats,
    due: NDArray[np.int8],
    slips: Floats,
    funding: NDArray[np.int16],
    equity: Floats,
    places: NDArray[np.int64],
    amounts: Floats,
    totals: Floats,
    balance: float,
    fee: float,
    slippage: float,
    funding_rate: float,
    stop_loss: float,
    take_profit: float,
    trailing: float,
    leverage: float,
    paper: bool,
    size: float,
    shorts: bool,
    close_at_end: bool,
) -> int:
    """Fill the arrays for results and return how many trades there were.

    Rates are fractions; 0 is no stop, no target, no trailing stop. `due` is the direction signalled at the close before
    each open; `slips` a draw from 0 to 1 a candle, or empty: then always the most; `funding` how many instants each
    open has since the close before, or empty: then none. Results: `equity` at each close; a row a trade in `places`
    (entry, exit, side, reason, whether inside the candle) and `amounts` (entry price, exit price, quantity, fees,
    funding, profit after both); in `totals` the deepest drawdown of equity at the closes, a fraction.
    """
    count = len(close)
    trades = 0
    cash = peak = balance
    deepest = 0.0
    side = held = began = 0
    quantity = entry = entry_fee = paid = 0.0
    stop = target = liquidation = ruin = best = 0.0
    for i in range(count):
        signal = due[i]
        if side == 0 and signal == 0:
            equity[i] = cash
            continue
        price = opened[i]
        held = side
        for inside in range(2):
            reason = -1
            fill = 0.0
            if inside == 0 and side != 0:
                if len(funding) > 0 and funding[i] > 0:
                    cost = side * quantity * price * funding_rate * funding[i]
                    cash -= cost
                    paid += cost
                if side * (price - liquidation) <= 0:
                    reason = LIQUIDATION
                elif stop > 0 and side * (price - stop) <= 0:
                    reason = STOP
                elif target > 0 and side * (price - target) >= 0:
                    reason = TARGET
                elif signal == -side:
                    reason = SIGNAL
                fill = price
            elif inside == 1:
                if side == 0 and signal not in (0, held) and (shorts or signal > 0) and cash > 0:
                    side = 1 if signal > 0 else -1
                    began = i
                    slip = slippage * slips[i] if len(slips) > 0 else slippage
                    entry = best = price * (1 + side * slip)
                    if paper:
                        notional = cash * size / (stop_loss if stop_loss > 0 else STOP_WHEN_ABSENT) * leverage
                        notional = min(notional, MOST_OF_FREE_MARGIN * cash, MOST_OF_EQUITY * cash)
                    else:
                        notional = cash * size * leverage / (1 + fee)
                    quantity = notional / entry
                    entry_fee = notional * fee
                    cash -= entry_fee
                    paid = 0.0
                    stop = entry * (1 - side * stop_loss) if stop_loss > 0 else 0.0
                    if trailing > 0:
                        trail = entry * (1 - side * trailing)
                        stop = trail if stop <= 0 else (max(stop, trail) if side > 0 else min(stop, trail))
                    target = max(entry * (1 + side * take_profit), 0.0) if take_profit > 0 else 0.0
                    ruin = entry * (1 - side / leverage)
                    liquidation = (1 + LIQUIDATED_BEFORE_RUIN * side) * ruin
                if side != 0:
                    worst = low[i] if side > 0 else high[i]
                    stops_first = stop > 0 and side * (stop - liquidation) >= 0
                    barrier = stop if stops_first else liquidation
                    if side * (worst - barrier) <= 0:
                        reason = STOP if stops_first else LIQUIDATION
                        fill = min(barrier, price) if side > 0 else max(barrier, price)
                    elif target > 0 and side * ((high[i] if side > 0 else low[i]) - target) >= 0:
                        reason = TARGET
                        fill = target
                    elif i == count - 1:
                        reason = END if close_at_end else STILL_OPEN
                        fill = close[i]
            if reason >= 0:
                if reason == LIQUIDATION:
                    fill = max(fill, ruin) if side > 0 else min(fill, ruin)
                exit_fee = quantity * fill * fee if reason != STILL_OPEN else 0.0
                profit = side * quantity * (fill - entry)
                cash += profit - exit_fee
                places[trades, 0] = began
                places[trades, 1] = i
                places[trades, 2] = side
                places[trades, 3] = reason
                places[trades, 4] = inside
                amounts[trades, 0] = entry
                amounts[trades, 1] = fill
                amounts[trades, 2] = quantity
                amounts[trades, 3] = entry_fee + exit_fee
                amounts[trades, 4] = paid
                amounts[trades, 5] = profit - entry_fee - exit_fee - paid
                trades += 1
                side = 0
        worth = cash
        if side != 0:
            worth += side * quantity * (close[i] - entry)
            if trailing > 0 and side > 0:
                best = max(best, high[i])
                stop = max(stop, best * (1 - trailing))
            elif trailing > 0:
                best = min(best, low[i])
                stop = min(stop, best * (1 + trailing))
        equity[i] = worth
        if worth > peak:
            peak = worth
        elif peak - worth > deepest * peak:
            deepest = (peak - worth) / peak
    totals[0] = deepest
    return trades
