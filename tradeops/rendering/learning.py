"""Learning curves: the loss of each model, epoch by epoch, on what it learns from and on what it does not."""

from collections.abc import Sequence
from datetime import UTC

from tradeops.domain.models.training import Epoch
from tradeops.rendering.page import Picture, Text
from tradeops.rendering.wording import number

COIN = 0.6931
AN_EPOCH = 1.0


def learning_curves(models: Sequence[tuple[str, Sequence[Epoch]]]) -> Picture | Text:
    """One panel for each model that has learnt, with the loss of a coin as the level to beat.

    Args:
        models: their names and histories.
    """
    learnt = [(name, history) for name, history in models if history]
    if not learnt:
        return Text("No picture: no model has learnt an epoch.")
    import numpy as np  # noqa: PLC0415 - as matplotlib below

    from tradeops.rendering import canvas as c  # noqa: PLC0415 - it loads matplotlib

    told = []
    longest = max(len(history) for _, history in learnt)
    with c.canvas([1.8] * len(learnt), UTC) as canvas:
        for panel, (name, history) in zip(canvas.panels, learnt, strict=True):
            x = np.array([epoch.number for epoch in history], dtype=np.float64)
            for losses, colour, marker, what in (
                ([epoch.loss for epoch in history], c.BLUE, "o", "training"),
                ([epoch.validation_loss for epoch in history], c.GOLD, "^", "validation"),
            ):
                panel.plot(x, c.floats(losses), color=colour, marker=marker, markersize=3.5, label=what)
            canvas.limit(panel, COIN, "a coin", c.GREY)
            panel.set_title(f"{name}: loss by epoch")
            panel.legend(loc="upper right", frameon=False, fontsize=9, labelcolor=c.GREY)
            best = min(epoch.validation_loss for epoch in history)
            told.append(f"{name}: {len(history)} epochs, best validation loss {number(best)}")
        panel.xaxis.set_major_locator(c.whole_numbers())
        panel.xaxis.set_major_formatter("{x:.0f}")
        canvas.between(1.0, float(longest), least=AN_EPOCH)
        return canvas.picture("; ".join(told))
