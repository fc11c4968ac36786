"""Versions of models on the disk: one folder each, written whole, checked before use; and which of them is in use.

HOME/models/TYPE/SYMBOL/VERSION/ holds `model.keras`, `scaler.json`, `manifest.json` with the SHA-256 of the other two.
Nothing in it is a pickle. `HOME/models/TYPE/SYMBOL/in-use.json` names the champion and those before it.
"""

import fcntl
import logging
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from shutil import rmtree
from typing import Any, Literal

from tradeops.domain.models.training import MODEL_TYPES
from trainer.durable import publish_folder, read_json, sha256, write_bytes, write_json
from trainer.errors import DamagedError, TakenError, TrainerError, UnknownError

MODEL, SCALER, MANIFEST, IN_USE = "model.keras", "scaler.json", "manifest.json", "in-use.json"
UNFINISHED = ".unfinished-"
SYMBOL_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
LONGEST_SYMBOL = 20
log = logging.getLogger(__name__)
Role = Literal["champion", "previous", "other"]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a model is of: its type and the symbol that it predicts."""

    model_type: str
    symbol: str

    def __post_init__(self) -> None:
        """Nothing else may become the name of a folder."""
        if self.model_type not in MODEL_TYPES:
            raise TrainerError(f"model_type {self.model_type[:30]!r} is none of {', '.join(MODEL_TYPES)}")
        if not 0 < len(self.symbol) <= LONGEST_SYMBOL or not SYMBOL_LETTERS.issuperset(self.symbol):
            raise TrainerError(f"symbol {self.symbol[:30]!r} is not one like BTCUSDT")


@dataclass(frozen=True, slots=True)
class InUse:
    """Which versions were put into use, in this order; the last one is.

    Attributes:
        promoted_at: ISO time by version, of its last promotion.
        unproven: put into use because there was no model before.
    """

    champions: tuple[str, ...] = ()
    promoted_at: Mapping[str, str] = field(default_factory=dict)
    unproven: tuple[str, ...] = ()

    @property
    def champion(self) -> str | None:
        """The one in use."""
        return self.champions[-1] if self.champions else None

    @property
    def previous(self) -> str | None:
        """The one before it."""
        return self.champions[-2] if len(self.champions) > 1 else None

    def role(self, version: str) -> Role:
        """What that version is now."""
        if version == self.champion:
            return "champion"
        return "previous" if version == self.previous else "other"

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "champions": list(self.champions),
            "promoted_at": dict(self.promoted_at),
            "unproven": list(self.unproven),
        }


@dataclass(frozen=True, slots=True)
class Version:
    """One trained model.

    Attributes:
        manifest: what it was made from and how good it was; see `trainer.child`.
    """

    kind: Kind
    name: str
    folder: Path
    manifest: Mapping[str, Any]

    def checked(self) -> "Version":
        """Itself, when its files are what was written.

        Raises:
            DamagedError: they are not; names the file.
        """
        for file, expected in self.manifest["sha256"].items():
            path = self.folder / file
            if not path.exists() or sha256(path) != expected:
                raise DamagedError(f"{file} of {self.kind.model_type} {self.name} is not what was written; roll back")
        return self


class Registry:
    """All versions of one service, and of whichever child processes add to it.

    Args:
        folder: where they are.
        keep: how many of the newest are kept beside the champion and the previous one.
    """

    def __init__(self, folder: Path, *, keep: int) -> None:
        self._folder, self._keep = folder, keep
        self._threads = threading.Lock()

    def add(self, kind: Kind, name: str, files: Mapping[str, Callable[[Path], None]], facts: Mapping[str, Any]) -> None:
        """Add a version whole, once; a second time changes nothing.

        Args:
            kind: of the model.
            name: of the version, unique for ever.
            files: writers of the files, by name.
            facts: for the manifest.
        """
        final = self._home(kind) / name
        unfinished = final.with_name(f"{UNFINISHED}{name}")
        if unfinished.exists():
            rmtree(unfinished)
        unfinished.mkdir(parents=True)
        for file, write in files.items():
            write(unfinished / file)
        sums = {file: sha256(unfinished / file) for file in files}
        write_json(unfinished / MANIFEST, {**facts, "sha256": sums})
        publish_folder(unfinished, final)

    def versions(self, kind: Kind) -> list[Version]:
        """Of that kind, the oldest first; what is unfinished or has no manifest is none."""
        found = []
        for folder in sorted(self._home(kind).glob("[!.]*/")):
            try:
                manifest = read_json(folder / MANIFEST)
            except ValueError:
                log.exception("%s is not what was written", folder / MANIFEST)
                continue
            if manifest is not None:
                found.append(Version(kind, folder.name, folder, manifest))
        return sorted(found, key=lambda one: str(one.manifest["trained_at"]))

    def version(self, kind: Kind, name: str) -> Version:
        """One of them.

        Raises:
            UnknownError: there is none of that name.
        """
        for one in self.versions(kind):
            if one.name == name:
                return one
        raise UnknownError(f"{kind.model_type} of {kind.symbol} has no version {name[:40]!r}")

    def kinds(self) -> list[Kind]:
        """All that have a folder."""
        return [Kind(path.parent.name, path.name) for path in sorted(self._folder.glob("*/*/"))]

    def in_use(self, kind: Kind) -> InUse:
        """What is in use of that kind."""
        kept = read_json(self._home(kind) / IN_USE)
        if kept is None:
            return InUse()
        return InUse(tuple(kept["champions"]), kept["promoted_at"], tuple(kept["unproven"]))

    def promote(self, kind: Kind, name: str, *, expected: str | None, unproven: bool, now: datetime) -> Version:
        """Put a version into use if `expected` is; one that is in use already stays so.

        Raises:
            UnknownError: there is no such version.
            DamagedError: its files are not what was written: what is in use stays.
            TakenError: another version is in use than the caller saw.
        """
        version = self.version(kind, name).checked()
        with self._alone(kind):
            current = self.in_use(kind)
            if current.champion == name:
                return version
            self._expect(kind, current, expected)
            marks = {one for one in current.unproven if one != name} | ({name} if unproven else set())
            champions = (*(one for one in current.champions if one != name), name)
            promoted = {**current.promoted_at, name: now.isoformat()}
            self._write(kind, InUse(champions, promoted, tuple(sorted(marks))))
            self._prune(kind)
        return version

    def roll_back(self, kind: Kind, *, expected: str) -> Version:
        """Put the version before into use again if `expected` is.

        Raises:
            TakenError: another version is in use, or there is none before it.
            DamagedError: the one before is not what was written.
        """
        with self._alone(kind):
            current = self.in_use(kind)
            self._expect(kind, current, expected)
            if current.previous is None:
                raise TrainerError(f"{kind.model_type} of {kind.symbol} had no version before {expected}")
            before = self.version(kind, current.previous).checked()
            self._write(kind, InUse(current.champions[:-1], current.promoted_at, current.unproven))
        return before

    def tidy(self, kind: Kind) -> None:
        """Delete what no longer counts, and what a killed process left; only while none adds to that kind."""
        with self._alone(kind):
            for leftover in self._home(kind).glob(f"{UNFINISHED}*"):
                rmtree(leftover)
            self._prune(kind)

    def _prune(self, kind: Kind) -> None:
        current = self.in_use(kind)
        loose = [one for one in self.versions(kind) if current.role(one.name) == "other"]
        for old in loose[: max(len(loose) - self._keep, 0)]:
            rmtree(old.folder)
        present = {folder.name for folder in self._home(kind).glob("[!.]*/")}  # also damaged: it is in use all the same
        champions = tuple(one for one in current.champions if one in present)
        if champions != current.champions:
            self._write(kind, InUse(champions, current.promoted_at, current.unproven))

    def _expect(self, kind: Kind, current: InUse, expected: str | None) -> None:
        if current.champion != expected:
            used = current.champion or "none"
            raise TakenError(f"of {kind.model_type} {kind.symbol} {used} is in use, not {expected or 'none'}")

    def _write(self, kind: Kind, in_use: InUse) -> None:
        write_json(self._home(kind) / IN_USE, in_use.to_json())

    def _home(self, kind: Kind) -> Path:
        return self._folder / kind.model_type / kind.symbol

    @contextmanager
    def _alone(self, kind: Kind) -> Generator[None]:
        """Among the threads of this process, and among processes."""
        home = self._home(kind)
        home.mkdir(parents=True, exist_ok=True)
        with self._threads, (home / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def text_writer(content: bytes) -> Callable[[Path], None]:
    """Writes that content."""
    return lambda path: write_bytes(path, content)
