"""What becomes of two boards when one stood in for the other for a while."""

from dataclasses import replace
from datetime import datetime

from tradeops.domain.incidents.telling import Board


def merged(ours: Board, stood_in: Board, *, since: datetime | None) -> Board:
    """Our board after another stood in for it: of each key what was seen last.

    Args:
        ours: as it was left.
        stood_in: which began as a copy of ours at `since`.
        since: what it no longer has, and nobody looked at here after that, was well meanwhile; `None` when it
            did not begin as a copy.
    """
    incidents = {
        key: one
        for key, one in ours.incidents.items()
        if key in stood_in.incidents or since is None or one.last_at > since
    }
    for key, one in stood_in.incidents.items():
        if key not in incidents or incidents[key].last_at < one.last_at:
            incidents[key] = one
    return replace(ours, incidents=incidents, pending=(*ours.pending, *stood_in.pending))
