"""Candles are kept once, whole, and are known to be the ones that were sent."""

from concurrent.futures import ThreadPoolExecutor
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
