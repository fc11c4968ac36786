"""Candles are kept once, whole, and are known to be the ones that were sent."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.domain.models.markets import market
from trainer.datasets import Datasets
from trainer.errors import DamagedError, UnknownError

CANDLES = market(50)


@pytest.fixture
def datasets(tmp_path: Path) -> Datasets:
    return Datasets(tmp_path)


def test_what_is_kept_comes_back_whole(datasets: Datasets) -> None:
    digest = datasets.keep(CANDLES)
    assert digest == CANDLES.digest() == datasets.load(digest).digest()


def test_the_same_candles_at_once_are_kept_once(datasets: Datasets, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        digests = set(pool.map(datasets.keep, [CANDLES] * 16))
    assert [path.name for path in tmp_path.iterdir()] == [f"{digest}.npz" for digest in digests]


@pytest.mark.parametrize("damage", ["half", "empty", "no archive", "others"])
def test_damaged_candles_are_refused_until_they_are_uploaded_again(
    damage: str, datasets: Datasets, tmp_path: Path
) -> None:
    digest = datasets.keep(CANDLES)
    path = tmp_path / f"{digest}.npz"
    content = path.read_bytes()
    other = tmp_path / f"{datasets.keep(market(51))}.npz"
    path.write_bytes(
        {"half": content[: len(content) // 2], "empty": b"", "no archive": b"x" * 100}.get(damage, other.read_bytes())
    )
    with pytest.raises(DamagedError, match="upload it again"):
        datasets.load(digest)
    assert datasets.keep(CANDLES) == digest
    assert datasets.load(digest).digest() == digest


@pytest.mark.parametrize("digest", ["a" * 64, "", "../../secret", "x" * 5000])
def test_other_names_are_unknown(digest: str, datasets: Datasets) -> None:
    with pytest.raises(UnknownError, match="upload it to /ai/datasets first"):
        datasets.load(digest)


def test_what_nobody_needs_is_forgotten_in_time_but_not_what_was_just_sent_again(
    datasets: Datasets, tmp_path: Path
) -> None:
    digests = [datasets.keep(market(length)) for length in (50, 51, 52)]
    for digest in digests:
        os.utime(tmp_path / f"{digest}.npz", (0, 0))
    again = datasets.keep(market(52))
    forgotten = datasets.forget(kept_before=datetime(2026, 1, 1, tzinfo=UTC), needed={digests[1]})
    assert forgotten == [digests[0]]
    assert sorted(path.stem for path in tmp_path.iterdir()) == sorted([digests[1], again])
