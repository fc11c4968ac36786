"""What counts as a page of the frontend."""

from collections.abc import AsyncIterator

import pytest
import respx

from tests.unit.adapters.services import ADDRESS, serves, service
from tradeops.adapters.frontend.client import FrontendClient, Page
from tradeops.errors import ContractError, MisconfiguredError, TradeOpsError, TransientError


@pytest.fixture
async def frontend() -> AsyncIterator[FrontendClient]:
    async with service("frontend") as http:
        yield FrontendClient(http)


@pytest.mark.parametrize(
    ("html", "title"),
    [
        pytest.param("<!DOCTYPE html><html><head><title>The\n bot</title>", "The bot", id="doctype"),
        pytest.param("\n <html lang='en'><body>", "", id="no title"),
        pytest.param("﻿<!-- built --><!doctype  html><title></title>", "", id="byte order mark and comment"),
    ],
)
async def test_html_is_a_page(html: str, title: str, frontend: FrontendClient, respx_mock: respx.MockRouter) -> None:
    route = serves(respx_mock, "/", html)
    assert (await frontend.page()).value == Page(title, len(html.encode()))
    assert route.calls.last.request.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "an empty page"),
        (" \n", "an empty page"),
        ('{"html": true}', "no HTML: '{\"html\": true}'"),
        ("<htmlish>", "no HTML"),
        ("OK <html>", "no HTML"),
    ],
)
async def test_anything_else_is_none(
    body: str, says: str, frontend: FrontendClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, "/", body)
    with pytest.raises(ContractError, match=says):
        await frontend.page()


@pytest.mark.parametrize(("status", "expected"), [(500, TransientError), (403, MisconfiguredError)])
async def test_an_error_page_is_no_page(
    status: int, expected: type[TradeOpsError], frontend: FrontendClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, "/", "<!doctype html>", status=status)
    with pytest.raises(expected):
        await frontend.page()


async def test_the_page_that_must_answer_can_be_set(respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, "/app", "<html>")
    async with service("frontend") as http:
        client = FrontendClient(http, path="/app")
        assert (await client.page()).value.size_bytes == 6
        assert client.base_url == ADDRESS


async def test_a_page_of_comments_alone_is_judged_in_no_time(
    frontend: FrontendClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, "/", "<!-- -->" * 10_000)
    with pytest.raises(ContractError, match="no HTML"):
        await frontend.page()
