"""Versions are whole or not there, and of all who promote at once one wins."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trainer.errors import DamagedError, TakenError, TrainerError, UnknownError
from trainer.registry import MANIFEST, MODEL, SCALER, Kind, Registry, text_writer

GRU = Kind("gru", "BTCUSDT")
NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path, keep=3)


def add(registry: Registry, *names: str) -> None:
    for number, name in enumerate(names):
        files = {MODEL: text_writer(name.encode()), SCALER: text_writer(b"{}")}
        registry.add(GRU, name, files, {"trained_at": f"2026-11-25T10:00:{number:02}+00:00"})


def promote(registry: Registry, name: str, expected: str | None, *, unproven: bool = False) -> None:
    registry.promote(GRU, name, expected=expected, unproven=unproven, now=NOW)


def names(registry: Registry) -> list[str]:
    return [one.name for one in registry.versions(GRU)]


def test_a_version_is_added_once(registry: Registry, tmp_path: Path) -> None:
    add(registry, "v1")
    before = (tmp_path / "gru" / "BTCUSDT" / "v1" / MANIFEST).read_bytes()
    registry.add(GRU, "v1", {MODEL: text_writer(b"other")}, {"trained_at": "later"})
    assert names(registry) == ["v1"]
    assert (tmp_path / "gru" / "BTCUSDT" / "v1" / MANIFEST).read_bytes() == before
    registry.version(GRU, "v1").checked()


def test_a_version_whose_writer_is_killed_is_never_seen_and_can_be_written_again(
    registry: Registry, tmp_path: Path
) -> None:
    def killed(_path: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        registry.add(GRU, "v1", {SCALER: text_writer(b"{}"), MODEL: killed}, {"trained_at": "now"})
    assert names(registry) == []
    with pytest.raises(UnknownError, match="has no version 'v1'"):
        promote(registry, "v1", None)
    add(registry, "v1")
    assert names(registry) == ["v1"]
    assert not list((tmp_path / "gru" / "BTCUSDT").glob(".unfinished-*"))


def test_what_a_killed_writer_left_is_tidied_away(registry: Registry, tmp_path: Path) -> None:
    left = tmp_path / "gru" / "BTCUSDT" / ".unfinished-v0"
    left.mkdir(parents=True)
    (left / MODEL).write_bytes(b"half")
    registry.tidy(GRU)
    assert not left.exists()


@pytest.mark.parametrize("file", [MODEL, SCALER])
@pytest.mark.parametrize("how", ["tampered", "half", "gone"])
def test_a_damaged_version_is_refused_and_the_one_in_use_stays(
    file: str, how: str, registry: Registry, tmp_path: Path
) -> None:
    add(registry, "v1", "v2")
    promote(registry, "v1", None)
    path = tmp_path / "gru" / "BTCUSDT" / "v2" / file
    content = path.read_bytes()
    match how:
        case "tampered":
            path.write_bytes(b"x" + content[1:])
        case "half":
            path.write_bytes(content[:1])
        case "gone":
            path.unlink()
    with pytest.raises(DamagedError, match=f"{file} of gru v2 is not what was written"):
        promote(registry, "v2", "v1")
    assert registry.in_use(GRU).champion == "v1"


def test_a_damaged_manifest_hides_its_version_alone_and_dethrones_nobody(registry: Registry, tmp_path: Path) -> None:
    add(registry, "v1", "v2")
    promote(registry, "v1", None)
    promote(registry, "v2", "v1")
    (tmp_path / "gru" / "BTCUSDT" / "v2" / MANIFEST).write_text('{"trained_at": "20')
    assert names(registry) == ["v1"]
    registry.tidy(GRU)
    assert registry.in_use(GRU).champion == "v2"
    assert registry.roll_back(GRU, expected="v2").name == "v1"


def test_of_twenty_who_promote_at_once_one_wins(registry: Registry, tmp_path: Path) -> None:
    challengers = [f"v{number}" for number in range(1, 21)]
    add(registry, "v0", *challengers)
    promote(registry, "v0", None)
    others = Registry(tmp_path, keep=100)  # another process would have its own

    def attempt(number: int) -> bool:
        try:
            promote((registry, others)[number % 2], challengers[number], "v0")
        except (TakenError, UnknownError):
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        won = [name for name, one in zip(challengers, pool.map(attempt, range(20)), strict=True) if one]
    assert [registry.in_use(GRU).champion] == won
    assert registry.in_use(GRU).champions == ("v0", *won)


def test_a_promotion_that_is_repeated_changes_nothing(registry: Registry) -> None:
    add(registry, "v1", "v2")
    promote(registry, "v1", None, unproven=True)
    promote(registry, "v2", "v1")
    before = registry.in_use(GRU)
    promote(registry, "v2", "v1")
    assert registry.in_use(GRU) == before
    assert (before.champion, before.previous, before.unproven) == ("v2", "v1", ("v1",))
    assert before.promoted_at == {"v1": NOW.isoformat(), "v2": NOW.isoformat()}


def test_a_rollback_brings_back_the_one_before_once(registry: Registry) -> None:
    add(registry, "v1", "v2")
    promote(registry, "v1", None)
    with pytest.raises(TrainerError, match="had no version before v1"):
        registry.roll_back(GRU, expected="v1")
    promote(registry, "v2", "v1")
    assert registry.roll_back(GRU, expected="v2").name == "v1"
    with pytest.raises(TakenError, match="v1 is in use, not v2"):
        registry.roll_back(GRU, expected="v2")
    assert registry.in_use(GRU).champion == "v1"


def test_a_rollback_to_a_damaged_version_is_refused(registry: Registry, tmp_path: Path) -> None:
    add(registry, "v1", "v2")
    promote(registry, "v1", None)
    promote(registry, "v2", "v1")
    (tmp_path / "gru" / "BTCUSDT" / "v1" / MODEL).write_bytes(b"tampered")
    with pytest.raises(DamagedError):
        registry.roll_back(GRU, expected="v2")
    assert registry.in_use(GRU).champion == "v2"


def test_the_newest_three_stay_beside_those_in_use(registry: Registry) -> None:
    add(registry, *(f"v{number}" for number in range(8)))
    promote(registry, "v0", None)
    assert names(registry) == ["v0", "v5", "v6", "v7"]
    promote(registry, "v5", "v0")
    assert names(registry) == ["v0", "v5", "v6", "v7"]
    assert [registry.in_use(GRU).role(name) for name in names(registry)] == ["previous", "champion", "other", "other"]


def test_in_use_is_kept_as_plain_text(registry: Registry, tmp_path: Path) -> None:
    add(registry, "v1")
    promote(registry, "v1", None)
    kept = json.loads((tmp_path / "gru" / "BTCUSDT" / "in-use.json").read_text())
    assert kept["champions"] == ["v1"]
    assert registry.kinds() == [GRU]


@pytest.mark.parametrize(("model_type", "symbol"), [("..", "BTCUSDT"), ("gru", "../x"), ("gru", ""), ("gru", "B" * 21)])
def test_nothing_else_becomes_a_folder(model_type: str, symbol: str) -> None:
    with pytest.raises(TrainerError, match=r"is none of|is not one like"):
        Kind(model_type, symbol)
