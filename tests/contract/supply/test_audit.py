"""`make audit` and `make sbom` as they are called: findings fail, silence is never good news, bytes stay the same."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MISSING = [one for one in ("pip_audit", "cyclonedx_py") if find_spec(one) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {MISSING}")


@contextmanager
def advisories(**faulty: str) -> Iterator[str]:
    """A service in the form of osv.dev that knows one fault of each of these packages."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            name = asked["package"]["name"]
            fault = {"id": faulty.get(name), "summary": "bad", "affected": [], "modified": "2026-01-01T00:00:00Z"}
            body = json.dumps({"vulns": [fault]} if name in faulty else {}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
    finally:
        server.shutdown()
        server.server_close()


def run(script: str, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, f".ci/{script}", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_a_known_fault_in_a_lock_fails_and_is_named_with_its_release() -> None:
    with advisories(jinja2="PYSEC-1", httpx="PYSEC-2") as url:
        code, said = run("audit.py", "--osv-url", url)
    assert code == 1
    assert re.search(r"2 known faults", said), said  # jinja2 is in the lock too
    assert re.search(r"^httpx [\d.]+: PYSEC-2, mended in no release$", said, re.MULTILINE)


@pytest.mark.parametrize("knows", [{}, None], ids=["knows nothing", "is not there"])
def test_who_does_not_know_what_everybody_knows_is_not_believed(knows: dict[str, str] | None) -> None:
    with advisories(**(knows or {})) as url:
        code, said = run("audit.py", "--osv-url", url if knows is not None else "http://127.0.0.1:9/v1/query")
    assert (code, said.split("(")[0].strip()) == (0, "audit: not checked: unreachable")


@pytest.mark.parametrize(
    ("image", "lock", "absent"),
    [
        ("tradeops", "requirements.lock", {"hatchling", "editables", "trove-classifiers", "keras", "jax", "pytest"}),
        ("trainer", "requirements-trainer.lock", {"numba", "llvmlite", "optuna", "pyarrow", "plotly", "pytest"}),
    ],
)
def test_the_bill_of_an_image_names_what_the_dockerfile_leaves_in_it_and_is_repeatable(
    image: str, lock: str, absent: set[str]
) -> None:
    file = ROOT / "build" / "sbom" / f"{image}.cdx.json"
    assert run("sbom.py", image)[0] == 0
    first = file.read_bytes()
    assert image == "trainer" or (run("sbom.py", image)[0] == 0 and file.read_bytes() == first)
    bom = json.loads(first)
    assert bom["bomFormat"] == "CycloneDX"
    stage = (ROOT / "Dockerfile").read_text().partition(f" AS {image}-built\n")[2].partition("\nFROM ")[0]
    assert re.findall(r"-r (\S+)", stage) == [lock]
    locked = set(re.findall(r"^([A-Za-z0-9_.-]+)==", (ROOT / lock).read_text(), re.MULTILINE))
    removed = set(stage.partition("uninstall --yes ")[2].partition(" \\\n")[0].split())
    assert removed <= locked
    named = {one["name"].lower() for one in bom["components"]}
    assert named == {name.lower() for name in locked - removed}
    assert not absent & named
