"""Files and folders that are there whole or not at all, whatever is killed while they are written."""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any
from uuid import uuid4


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file; after a return it survives a loss of power."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}.part")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    _sync(path.parent)


def write_json(path: Path, body: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """Replace a JSON file."""
    write_bytes(path, json.dumps(body, allow_nan=False).encode())


def read_json(path: Path) -> Any:  # noqa: ANN401 - whatever JSON can say
    """The content of a JSON file, or `None` when there is none."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None


def publish_folder(unfinished: Path, final: Path) -> None:
    """Give a folder its final name once all in it is on the disk; one that is there already stays."""
    for file in unfinished.iterdir():
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
    _sync(unfinished)
    if final.exists():
        shutil.rmtree(unfinished)
        return
    unfinished.rename(final)
    _sync(final.parent)


def sha256(path: Path) -> str:
    """Of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
