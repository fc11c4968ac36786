"""The watch after a promotion: worse on live candles is sent back, bad luck is not."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tradeops.domain.model_watch import Watched, WatchRules, watch
from tradeops.domain.models.columns import Floats

PROMOTED = datetime(2026, 11, 1, tzinfo=UTC)
RULES = WatchRules()


def right_in(count: int, of: int) -> Floats:
    return np.concatenate([np.full(count, 0.6), np.full(of - count, 0.4)])


def watched(champion: int, previous: int, of: int, *, hours: float = 24) -> Watched:
    return watch(
        right_in(champion, of),
        right_in(previous, of),
        np.full(of, 0.01),
        promoted_at=PROMOTED,
        now=PROMOTED + timedelta(hours=hours),
        rules=RULES,
    )


def test_a_model_that_is_clearly_worse_is_rolled_back_before_the_window_ends() -> None:
    found = watched(10, 24, 40)
    assert (found.worse, found.over, found.candles) == (True, True, 40)
    assert found.says == "right in 10 of 40 live candles, the one before in 24 (p = 0.0001)"


@pytest.mark.parametrize(("champion", "previous"), [(20, 20), (22, 20), (18, 20)], ids=["equal", "better", "bad luck"])
def test_what_is_not_clearly_worse_stays(champion: int, previous: int) -> None:
    found = watched(champion, previous, 40)
    assert not found.worse
    assert not found.over


@pytest.mark.parametrize(("hours", "over"), [(47.9, False), (48, True)])
def test_the_watch_ends_after_its_window(hours: float, over: bool) -> None:
    assert watched(20, 20, 40, hours=hours).over is over


def test_the_watch_ends_with_enough_candles() -> None:
    assert watched(100, 100, 200).over
    assert not watched(100, 100, 199).over


def test_too_few_candles_tell_nothing() -> None:
    found = watched(0, 19, 19)
    assert not found.worse
    assert found.says == "19 live candles are too few to tell"
    assert watched(0, 20, 20).worse
