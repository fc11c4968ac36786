"""The page of the watch over models that came into use lately."""

from collections.abc import Sequence

from tradeops.domain.health import Severity
from tradeops.domain.model_watch import Looked
from tradeops.rendering.page import Bullets, Column, Page, Table

LOOKED = (Column("Model"), Column("Watched"), Column("Before it"), Column("Done"), Column("Figures", width=72))


def watch_page(found: Sequence[Looked | BaseException]) -> Page:
    """What each look found; a roll-back, or a look that failed, degrades it."""
    looked = [one for one in found if isinstance(one, Looked)]
    failed = [str(one) for one in found if not isinstance(one, Looked)]
    back = [one for one in looked if one.rolled_back]
    title = f"Models under watch: {len(looked)} looked at"
    if back:
        title = f"Rolled back: {', '.join(f'{one.model_type} {one.symbol}' for one in back)}"
    rows = tuple(
        (f"{one.model_type} {one.symbol}", one.version, one.previous, _done(one), one.figures) for one in looked
    )
    severity = Severity.DEGRADED if back or failed else Severity.HEALTHY
    return Page(title, severity, (Table(LOOKED, rows), Bullets(tuple(failed))))


def _done(one: Looked) -> str:
    if one.rolled_back:
        return f"rolled back to {one.previous}"
    return "the watch is over" if one.problem or (one.watched is not None and one.watched.over) else "goes on"
