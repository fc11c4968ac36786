"""Two journals of one installation become one in which the later word counts and none of ours is lost."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tradeops.domain.brakes import Kind, Record
from tradeops.jobs.brake.journal import Journal, merge

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
Lines = tuple[tuple[Kind, str, int], ...]
OFF, ON = Kind.INTENT, Kind.RELEASE


def written(home: Path, lines: Lines) -> bytes:
    journal = Journal(home)
    for kind, target, minutes in lines:
        journal.append(Record(kind, target, f"{target}-1", NOON + timedelta(minutes=minutes), {"reason": "loss"}))
    return journal.path.read_bytes() if lines else b""


@pytest.mark.parametrize(
    ("theirs", "ours", "off"),
    [
        pytest.param(((OFF, "rsi", 0),), (), {"rsi"}, id="we have none"),
        pytest.param((), ((OFF, "rsi", 0),), {"rsi"}, id="they have none"),
        pytest.param(((OFF, "rsi", 0),), ((OFF, "rsi", 0), (OFF, "macd", 1)), {"rsi", "macd"}, id="we went on"),
        pytest.param(((OFF, "rsi", 0), (ON, "rsi", 5)), ((OFF, "rsi", 0),), set(), id="they went on"),
        pytest.param(((OFF, "rsi", 0), (ON, "rsi", 5)), ((OFF, "rsi", 9),), {"rsi"}, id="ours is the later word"),
        pytest.param(((OFF, "rsi", 9),), ((OFF, "rsi", 0), (ON, "rsi", 5)), {"rsi"}, id="theirs is the later word"),
    ],
)
def test_the_later_word_counts(theirs: Lines, ours: Lines, off: set[str], tmp_path: Path) -> None:
    other = written(tmp_path / "other", theirs)
    written(tmp_path / "home", ours)
    for _ in range(2):  # a second time changes nothing
        merge(tmp_path / "home", other + b"torn li")
        journal = Journal(tmp_path / "home")
        assert journal.standing().keys() == off
        assert len(journal.records()) == len({*theirs, *ours})
