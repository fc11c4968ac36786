"""The OpenAPI document against what is answered, by schemathesis: no request that it can think of ends in a 5xx."""

import asyncio
import os
import sys
from pathlib import Path

import httpx
import pytest

from tests.contract.dashboard.records import keep_a_check
from tests.contract.dashboard.running import PAGE, TOKEN, running

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
STREAM = "/api/live"  # it never ends
OPTIONS = ("--phases", "coverage", "--seed", "1", "--no-color", "--checks", CHECKS)


async def test_no_request_breaks_it_and_every_answer_is_as_documented(tmp_path: Path) -> None:
    await keep_a_check(tmp_path)
    async with running(tmp_path, TRADEOPS_DASHBOARD_TOKEN=TOKEN) as browser:
        process = await asyncio.create_subprocess_exec(
            *(Path(sys.executable).with_name("schemathesis"), "run", f"{browser.base_url}/api/openapi.json"),
            *OPTIONS,
            *("--exclude-path", STREAM, "--header", f"Authorization: Bearer {TOKEN}"),
            cwd=tmp_path,
            env={**os.environ, "NO_PROXY": "127.0.0.1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert "Tested: 16" in said.decode(), said.decode()


@pytest.mark.parametrize(
    "before", ["0001-01-01T00:00:00%2B14:00", "3656-02-29T11:35:07.88-18:57", "9999-12-31T23:59:59Z"]
)
async def test_any_moment_may_be_asked_for(before: str, tmp_path: Path) -> None:
    async with running(tmp_path) as browser:
        for path in ("audit", "decisions", "reports"):
            assert (await browser.get(f"/api/{path}?before={before}")).status_code == 200
            assert (await browser.get(f"/{path}?before={before}", headers=PAGE)).status_code == 200


async def test_the_document_holds_no_address_of_another_host(tmp_path: Path) -> None:
    async with running(tmp_path) as browser:
        answer: httpx.Response = await browser.get("/api/openapi.json")
        assert "://" not in answer.text
        for paths in answer.json()["paths"].values():
            assert set(paths) == {"get"}
        for page in ("/docs", "/redoc", "/openapi.json"):
            assert (await browser.get(page)).status_code == 404
