"""The pages of training say what was found, in figures, and what is in use now."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tradeops.domain.health import Severity
from tradeops.domain.model_watch import Looked, Watched
from tradeops.domain.models.training import Epoch
from tradeops.domain.promotion import Contest, GateRules, Verdict, judge
from tradeops.domain.retraining import ModelOutcome, RetrainReport, by_name
from tradeops.rendering.learning import learning_curves
from tradeops.rendering.markdown import to_markdown
from tradeops.rendering.model_watch import watch_page
from tradeops.rendering.page import Picture, Text
from tradeops.rendering.retrain import refused_page, retrain_page

START = datetime(2026, 11, 25, 3, tzinfo=UTC)
HISTORY = tuple(Epoch(n, 0.7 - n / 50, 0.695 - n / 100) for n in range(1, 6))


def verdict(right: int, before: int | None) -> Verdict:
    returns = np.where(np.arange(400) % 2 == 0, 0.01, -0.01)

    def said(count: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return 0.5 + 0.01 * np.where((np.arange(400) < count) == (returns > 0), 1, -1)

    champion = None if before is None else said(before)
    return judge(Contest(returns, said(right), champion, {"majority": said(200)}), GateRules(), seed=1)


def report(*outcomes: ModelOutcome, decision: str | None = None) -> RetrainReport:
    took = timedelta(seconds=95)
    reasoning = "it loses" if decision else ""
    return RetrainReport("run-1", decision, reasoning, START, START + took, START, outcomes, ("BTCUSDT: 1 missing",))


def better() -> ModelOutcome:
    return ModelOutcome(
        "lstm", "BTCUSDT", version="v2", before="v1", verdict=verdict(232, 180), deployed=True, history=HISTORY
    )


def test_a_page_has_before_and_after_the_rules_and_the_curves() -> None:
    failed = ModelOutcome("gru", "BTCUSDT", problem="trainer: diverged")
    page = retrain_page(report(better(), failed, decision="d-1"), UTC)
    text = to_markdown(page).replace("<br>", " ")
    assert page.severity is Severity.DEGRADED
    assert page.title == (
        "Retrain: 1 of 2 models trained; deployed: lstm BTCUSDT; gru BTCUSDT failed: trainer: diverged"
    )
    for told in (
        "started by the decision d-1",
        "it loses",
        "took 95 s",
        "| lstm BTCUSDT | 45.00 % | 58.00 % | +13.00 points | v2 |",
        "| gru BTCUSDT | n/a | n/a | n/a | none | trainer: diverged |",
        "| v2 (new) | 58.00 %",
        "| v1 (in use) | 45.00 %",
        "| mcnemar | yes | yes |",
        "| floor | – | for information | no floor is set |",
        "BTCUSDT: 1 missing",
    ):
        assert told in text, told
    assert any(isinstance(block, Picture) for block in page.blocks)


def test_a_first_model_is_marked_unproven_and_a_suspicious_one_stands_out() -> None:
    first = replace(better(), before=None, verdict=verdict(232, None))
    assert "v2 (unproven)" in to_markdown(retrain_page(report(first), UTC))
    odd = replace(better(), verdict=verdict(280, 180), deployed=False)
    text = to_markdown(retrain_page(report(odd), UTC))
    assert "Suspicious" in text
    assert "no model is better, the champions stay" in text


@pytest.mark.parametrize(
    ("outcomes", "severity", "summary"),
    [
        ((), Severity.CRITICAL, "no model was trained"),
        ((replace(better(), problem="x"),), Severity.CRITICAL, "lstm BTCUSDT: x"),
        ((replace(better(), deployed=False, withheld="nobody approved"),), Severity.DEGRADED, "no model is better"),
        ((replace(better(), deployed=False),), Severity.HEALTHY, "promotion was not asked for"),
        (
            (replace(better(), deployed=False, before=None, verdict=verdict(150, None)),),
            Severity.HEALTHY,
            "none is better than the simplest guess",
        ),
    ],
    ids=["none", "all failed", "withheld", "not asked for", "no first model"],
)
def test_the_summary_says_what_came_of_it(outcomes: tuple[ModelOutcome, ...], severity: Severity, summary: str) -> None:
    found = report(*outcomes)
    assert found.severity is severity
    assert summary in found.summary


def test_models_of_several_symbols_are_told_apart() -> None:
    assert list(by_name(report(better()))) == ["lstm"]
    assert list(by_name(report(better(), replace(better(), symbol="ETHUSDT")))) == ["lstm:BTCUSDT", "lstm:ETHUSDT"]


def test_a_run_that_could_not_begin_says_why() -> None:
    text = to_markdown(refused_page("trainer: its disk is full"))
    assert "# ✗ Retrain: not begun" in text
    assert "its disk is full" in text


def test_learning_curves_are_a_small_picture_with_words() -> None:
    picture = learning_curves([("lstm BTCUSDT", HISTORY), ("gru BTCUSDT", ()), ("transformer", HISTORY[:1])])
    assert isinstance(picture, Picture)
    assert picture.alt == (
        "lstm BTCUSDT: 5 epochs, best validation loss 0.64; transformer: 1 epochs, best validation loss 0.68"
    )
    assert len(picture.data) < 36_000
    with Image.open(BytesIO(picture.data)) as image:
        assert image.width > 800
    assert isinstance(learning_curves([("gru", ())]), Text)


def test_the_watch_tells_what_it_saw_and_did() -> None:
    goes_on = Looked("lstm", "BTCUSDT", "v2", "v1", Watched(over=False, worse=False, candles=30, says="right in 15"))
    over = replace(goes_on, watched=Watched(over=True, worse=False, candles=48, says="right in 24"))
    back = replace(goes_on, rolled_back=True, watched=Watched(over=True, worse=True, candles=30, says="right in 3"))
    good = watch_page([goes_on, over])
    assert good.severity is Severity.HEALTHY
    assert "goes on" in to_markdown(good)
    assert "the watch is over" in to_markdown(good)
    bad = watch_page([back, RuntimeError("the trainer is silent")])
    assert bad.severity is Severity.DEGRADED
    assert "Rolled back: lstm BTCUSDT" in bad.title
    assert "the trainer is silent" in to_markdown(bad)
