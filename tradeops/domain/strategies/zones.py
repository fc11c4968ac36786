"""The zones of an oscillator: sold out, bought out, and extremely so."""

from tradeops.domain.strategies.parameters import Values


def zones_conflict(values: Values) -> str:
    """Why the extreme zones do not lie within the others; empty when they do."""
    if float(values["extreme_oversold"]) > float(values["oversold"]):
        return "extreme_oversold is at most oversold"
    if float(values["extreme_overbought"]) < float(values["overbought"]):
        return "extreme_overbought is at least overbought"
    return ""
