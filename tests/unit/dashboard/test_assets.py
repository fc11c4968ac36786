"""The files of the pages: ours and plotly.js, and nothing else."""

import subprocess
import sys

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tradeops.dashboard import assets

PLAIN = {"accept-encoding": "identity"}


@pytest.fixture
def site() -> TestClient:
    app = FastAPI()
    app.include_router(assets.router)
    return TestClient(app)


@pytest.mark.parametrize("name", ["dashboard.css", "main.js", "icon.svg", "plotly.min.js"])
def test_a_file_is_kept_for_good_under_the_address_that_pages_use(site: TestClient, name: str) -> None:
    answer = site.get(assets.address(name))
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] == "gzip"
    assert site.get(f"/static/{name}", headers=PLAIN).content == answer.content
    assert site.get(f"/static/{name}?v=old").headers["cache-control"] == "no-cache"
    again = site.get(f"/static/{name}", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["..%2fapp.py", "%2e%2e%2f%2e%2e%2fREADME.md", "app.py", "..", "%00", "x.js", ""])
def test_nothing_else_is_served(site: TestClient, name: str) -> None:
    assert site.get(f"/static/{name}").status_code == 404


def test_plotly_is_found_and_never_imported() -> None:
    code = "from tradeops.dashboard import assets; assert assets.asset('plotly.min.js') and assets.style_marks()"
    subprocess.run([sys.executable, "-c", f"{code}; import sys; assert 'plotly' not in sys.modules"], check=True)
