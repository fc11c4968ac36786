"""Times and figures in words: the same everywhere, and an unknown one never reads as zero."""

from datetime import datetime, tzinfo
from decimal import ROUND_HALF_EVEN, Context, Decimal

from tradeops.domain.figures import Amount, Figure

CENT = Decimal("0.01")
WIDE = Context(prec=700)  # room for the cents of any product of two floats


def moment(at: datetime, zone: tzinfo) -> str:
    """`2026-11-25 15:00:00 UTC`: `at` on the clocks of `zone`; a zone without a name shows its offset."""
    local = at.astimezone(zone)
    name = local.tzname() or ""
    return f"{local:%Y-%m-%d %H:%M:%S} {name if name.isalpha() else f'UTC{local.isoformat()[-6:]}'}"


def percent(value: Figure | float, digits: int = 1, *, signed: bool = False) -> str:
    """`71.4 %`, or `n/a: reason`."""
    return _figure(value, digits, signed=signed, unit=" %")


def number(value: Figure | float, digits: int = 2, *, signed: bool = False) -> str:
    """`1,234.50`, or `n/a: reason`."""
    return _figure(value, digits, signed=signed)


def usd(value: Amount | Decimal, *, signed: bool = False) -> str:
    """`$1,234.50`, `−$0.50`, `+$3.00` where signed, or `n/a: reason`; rounded to the cent, half to even."""
    if isinstance(value, Amount):
        if value.value is None:
            return f"n/a: {value.reason}"
        value = value.value
    cents = value.quantize(CENT, ROUND_HALF_EVEN, WIDE)
    return f"{_sign(cents, signed=signed)}${cents.copy_abs():,.2f}"


def _figure(value: Figure | float, digits: int, *, signed: bool, unit: str = "") -> str:
    if isinstance(value, Figure):
        if value.value is None:
            return f"n/a: {value.reason}"
        value = value.value
    rounded = round(value, digits)
    return f"{_sign(rounded, signed=signed)}{abs(rounded):,.{digits}f}{unit}"


def _sign(value: float | Decimal, *, signed: bool) -> str:
    return "−" if value < 0 else "+" if signed and value > 0 else ""
