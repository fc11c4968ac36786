"""The files that pages load: ours, and plotly.js out of the wheel that carries it. Nothing else is served from here.

An address bears a hash of the file (`?v=`), so a browser keeps a file for good and still never shows an old one.
"""

import hashlib
import re
import zlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response

KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
PLOTLY = "plotly.min.js"
FOR_GOOD = "public, max-age=31536000, immutable"
FOR_NOW = "no-cache"
LEVEL, GZIP, PIECE = 6, 31, 64 * 1024  # 31 is how zlib is asked for the format of gzip
MARK = re.compile(r'getElementById\("([0-9a-f]{64})"\)')

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file.

    Attributes:
        tag: of its content, short.
    """

    path: Path
    media_type: str
    tag: str


@cache
def asset(name: str) -> Asset | None:
    """The file of that name; `None` when it is none of ours, or plotly is not installed."""
    path = _places().get(name)
    if path is None:
        return None
    return Asset(path, KINDS[path.suffix], _digest(path))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


@cache
def packed(name: str) -> bytes:
    """The file by gzip, once: plotly.js takes a third of a second.

    Raises:
        KeyError: there is none of that name.
    """
    packer, pieces = zlib.compressobj(LEVEL, wbits=GZIP), []
    with _places()[name].open("rb") as file:  # piece by piece: at once it would cost 6 MiB that never come back
        while piece := file.read(PIECE):
            pieces.append(packer.compress(piece))
    return b"".join((*pieces, packer.flush()))


def address(name: str) -> str:
    """Where a page finds the file; empty when there is none."""
    found = asset(name)
    return f"/static/{name}?v={found.tag}" if found else ""


@cache
def style_marks() -> tuple[str, ...]:
    """The ids by which plotly.js knows that rules for its maps are there.

    We draw no maps, and it would add them as a style in the page, which the browser refuses and complains of.
    """
    place = _places().get(PLOTLY)
    return tuple(sorted(set(MARK.findall(place.read_bytes().decode())))) if place else ()


@router.get("/static/{name}")
def serve(name: str, request: Request) -> Response:
    """The file, from memory; a plain function, so that compressing the large one keeps nobody waiting."""
    found = asset(name) if name in _places() else None  # a name that was made up is not remembered
    if found is None:
        raise HTTPException(404, f"there is no file {name[:80]!r} here")
    etag = f'"{found.tag}"'
    kept = FOR_GOOD if request.query_params.get("v") == found.tag else FOR_NOW
    headers = {"etag": etag, "cache-control": kept, "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(packed(name), media_type=found.media_type, headers=headers | {"content-encoding": "gzip"})
    return Response(found.path.read_bytes(), media_type=found.media_type, headers=headers)


@cache
def _places() -> dict[str, Path]:
    """Where each file is, found once: nothing that a visitor sends becomes a path."""
    ours = {str(one.name): Path(str(one)) for one in (files("tradeops.dashboard") / "static").iterdir()}
    plotly = find_spec("plotly")  # found, not imported: it would cost a second
    folders = plotly.submodule_search_locations if plotly else None
    script = Path(folders[0]) / "package_data" / PLOTLY if folders else None
    found = ours | ({PLOTLY: script} if script and script.is_file() else {})
    return {name: path for name, path in found.items() if path.suffix in KINDS}
