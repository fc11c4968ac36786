"""What the account was worth at an earlier moment, from what it is worth now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tradeops.domain.figures import Amount, known_amount, unknown_amount
from tradeops.domain.performance.columns import EXACT, TradeColumns, microseconds


@dataclass(frozen=True, slots=True)
class Equity:
    """The base of returns.

    Attributes:
        usd: USDT.
        observed: seen at that moment; otherwise reconstructed: without what open positions were worth then.
    """

    usd: Amount
    observed: bool = False

    @property
    def label(self) -> str:
        """`observed`, `reconstructed`, or `n/a: reason`."""
        if self.usd.value is None:
            return f"n/a: {self.usd.reason}"
        return "observed" if self.observed else "reconstructed"


def equity_at(
    moment: datetime,
    columns: TradeColumns,
    *,
    balance: Amount,
    observed: Mapping[datetime, Decimal] | None = None,
    account_since: datetime | None = None,
) -> Equity:
    """Equity at `moment`: observed where known, otherwise the current balance less what was realised since then.

    Deposits and withdrawals are not known to the engine's API; they stay in the result.

    Args:
        moment: aware UTC.
        columns: all known trades of the account, those closed at `moment` or later above all.
        balance: the current one, realised.
        observed: equity that was seen, by its moment.
        account_since: when the engine last began anew with its initial balance; before it nothing can be known.
    """
    if observed and moment in observed:
        return Equity(known_amount(observed[moment]), observed=True)
    if account_since is not None and moment < account_since:
        return Equity(unknown_amount(f"the account began anew at {account_since:%Y-%m-%d %H:%M} UTC"))
    if balance.value is None:
        return Equity(unknown_amount(f"the balance is not known: {balance.reason}"))
    since = columns.total(columns.closed_at >= microseconds([moment]))
    return Equity(known_amount(EXACT.subtract(balance.value, since)))
