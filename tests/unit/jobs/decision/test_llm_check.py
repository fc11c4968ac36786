"""What the doctor says of the configured model."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import respx

from tests.unit.jobs.llm_wire import LLM, desk
from tradeops.domain.diagnosis import Check, Verdict
from tradeops.jobs.decision.llm_check import check_model


async def checks(
    tmp_path: Path, wire: respx.MockRouter, answer: httpx.Response, **settings: object
) -> dict[str, Check]:
    wire.get(f"{LLM}/models").mock(return_value=answer)
    async with desk(tmp_path, **settings) as opened:
        return {check.name: check for check in await check_model(opened.llm, opened.settings)}


def models(*names: str, **ends: str) -> httpx.Response:
    listed: list[Mapping[str, object]] = [{"id": name} for name in names]
    listed += [{"id": name.replace("_", "-"), "shutdown_date": end} for name, end in ends.items()]
    return httpx.Response(200, content=json.dumps({"data": listed}))


async def test_a_model_that_is_offered_and_priced_is_fine(tmp_path: Path, respx_mock: respx.MockRouter) -> None:
    found = await checks(tmp_path, respx_mock, models("gpt-6-luna", "other"))
    assert [check.verdict for check in found.values()] == [Verdict.OK, Verdict.OK]
    assert found["model"].detail == "gpt-6-luna is offered"
    assert found["price"].detail == "$0.10 for a million tokens in, $0.50 out, by the prices of 2026-11-25"


async def test_an_endpoint_that_lists_nothing_says_nothing(tmp_path: Path, respx_mock: respx.MockRouter) -> None:
    found = await checks(tmp_path, respx_mock, models())
    assert found["model"].detail == "gpt-6-luna: the endpoint lists no models"


async def test_a_model_that_ends_soon_or_is_gone_is_a_problem(tmp_path: Path, respx_mock: respx.MockRouter) -> None:
    soon = (datetime.now(UTC) + timedelta(days=9)).date()
    found = await checks(tmp_path, respx_mock, models(gpt_6_luna=f"{soon}"))
    assert found["model"].verdict is Verdict.PROBLEM
    assert f"shuts down on {soon}" in found["model"].detail
    found = await checks(tmp_path, respx_mock, models("other"))
    assert "no longer offered: set OPENAI_MODEL" in found["model"].detail


async def test_a_model_without_a_price_is_a_problem_with_two_remedies(
    tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    found = await checks(tmp_path, respx_mock, models("mystery-9"), OPENAI_MODEL="mystery-9")
    assert found["price"].verdict is Verdict.PROBLEM
    assert "TRADEOPS_LLM_PRICE_FILE" in found["price"].remedy
    assert "TRADEOPS_LLM_UNKNOWN_MODEL_USD_PER_MILLION" in found["price"].remedy


async def test_a_price_file_that_cannot_be_used_is_a_problem(tmp_path: Path, respx_mock: respx.MockRouter) -> None:
    found = await checks(tmp_path, respx_mock, models("gpt-6-luna"), TRADEOPS_LLM_PRICE_FILE=tmp_path / "none.toml")
    assert found["price"].verdict is Verdict.PROBLEM
    assert "none.toml cannot be used" in found["price"].detail


@pytest.mark.parametrize("answer", [httpx.Response(500), httpx.Response(200, text="<html>")], ids=["500", "HTML"])
async def test_an_endpoint_that_cannot_be_asked_has_its_line_elsewhere(
    answer: httpx.Response, tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    assert list(await checks(tmp_path, respx_mock, answer)) == ["price"]


async def test_without_a_key_there_is_nothing_to_say(tmp_path: Path) -> None:
    async with desk(tmp_path, OPENAI_API_KEY=None) as opened:
        assert await check_model(opened.llm, opened.settings) == []
