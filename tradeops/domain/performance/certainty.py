"""How sure a figure of few trades is."""

from tradeops.domain.figures import Figure
from tradeops.domain.performance.metrics import Performance


def win_rate_below(performance: Performance, limit_percent: float) -> Figure:
    """Probability (0-1) that the true win rate is below the limit: the share of the Beta posterior, uniform prior."""
    raise NotImplementedError


def average_profit_below(performance: Performance, limit_percent: float) -> Figure:
    """Probability (0-1) that the true mean profit is below the limit: the share of the t posterior, Jeffreys prior."""
    raise NotImplementedError


def sharpe_below(performance: Performance, limit: float) -> Figure:
    """Probability (0-1) that the true annualised Sharpe ratio is below the limit."""
    raise NotImplementedError
