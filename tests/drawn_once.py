"""Drawing takes most of a report's time, and pictures have tests of their own: in all others each is drawn once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256

import pytest

from tradeops.rendering import api_cost, charts, performance
from tradeops.rendering.page import Picture, Text

Draw = Callable[..., Picture | Text]


@contextmanager
def pictures_drawn_once() -> Iterator[None]:
    """What pages draw in this process; who calls `charts` by the names imported before draws anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api_cost, "cost_burn_up", _once(api_cost.cost_burn_up))
        patch.setattr(performance, "metric_history", _once(performance.metric_history))
        patch.setattr(charts, "equity_curve", _once(charts.equity_curve))  # the portfolio's page looks it up there
        yield


def _once(draw: Draw) -> Draw:
    drawn: dict[bytes, Picture | Text] = {}

    def before_or_now(*args: object, **named: object) -> Picture | Text:
        key = sha256(repr((args, named)).encode()).digest()
        if key not in drawn:
            drawn[key] = draw(*args, **named)
        return drawn[key]

    return before_or_now
