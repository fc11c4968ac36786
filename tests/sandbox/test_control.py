"""The control interface shows what is, breaks what it is told to, and refuses nonsense by the name of the field."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from sandbox.control import Control
from sandbox.engine_levers import Levers, Mode
from sandbox.faults import BadInputError, FaultBook, Kind, Rule
from sandbox.misfortune import Loss
from sandbox.pages import BANNER
from sandbox.servers import Service, claim


class TwoServices:
    """The smallest stage: it records what it is told."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        self.faults = FaultBook()
        self.levers = Levers()
        self.services = services
        self.told: list[str] = []

    def state(self) -> dict[str, Any]:
        return {"story": "<b>two</b>"}

    async def apply_faults(self) -> None:
        self.told.append("apply")

    async def restart(self, service: str) -> None:
        self.told.append(f"restart {service}")

    def suffer(self, loss: Loss) -> None:
        self.told.append(f"lose {loss.usdt:g} of {loss.symbol}")

    async def play(self, scenario: str) -> None:
        if scenario != "known":
            raise BadInputError("scenario", "not there")
        self.told.append(f"play {scenario}")


@pytest.fixture
async def stage(echo_app: Starlette) -> AsyncIterator[TwoServices]:
    book = FaultBook()
    services = {name: Service(name, echo_app, claim(0), book) for name in ("engine", "ai")}
    yield TwoServices(services)
    for service in services.values():
        await service.close()


@pytest.fixture
async def control(stage: TwoServices) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Control(stage).build_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://control") as client:
        yield client


async def test_a_fault_is_laid_listed_and_lifted(control: httpx.AsyncClient, stage: TwoServices) -> None:
    laid = await control.post("/faults", json={"service": "engine", "kind": "hang", "path": "/api/*"})
    assert laid.status_code == 201
    assert stage.faults.rules == (Rule("engine", Kind.HANG, path="/api/*"),)
    listed = (await control.get("/faults")).json()
    assert listed == [{"service": "engine", "kind": "hang", "path": "/api/*", "every": 1, "struck": 0}]
    assert (await control.delete("/faults")).json() == []
    assert stage.told == ["apply", "apply"]


async def test_several_faults_are_laid_at_once(control: httpx.AsyncClient) -> None:
    both = [{"service": "engine", "kind": "refuse"}, {"service": "ai", "kind": "slow", "delay_seconds": 1}]
    assert len((await control.post("/faults", json=both)).json()) == 2


async def test_a_loss_is_suffered(control: httpx.AsyncClient, stage: TwoServices) -> None:
    answer = await control.post("/losses", json={"symbol": "ETHUSDT", "usdt": 500})
    assert (answer.status_code, stage.told) == (201, ["lose 500 of ETHUSDT"])
    answer = await control.post("/losses", json={"symbol": "ETHUSDT"})
    assert (answer.status_code, answer.json()["field"]) == (400, "usdt")


async def test_one_wrong_fault_keeps_the_right_ones_out(control: httpx.AsyncClient, stage: TwoServices) -> None:
    both = [{"service": "engine", "kind": "refuse"}, {"service": "ai", "kind": "explode"}]
    answer = await control.post("/faults", json=both)
    assert (answer.status_code, answer.json()["field"]) == (400, "kind")
    assert not stage.faults.rules
    assert not stage.told


async def test_the_faults_of_one_service_are_lifted_alone(control: httpx.AsyncClient) -> None:
    await control.post("/faults", json=[{"service": name, "kind": "hang"} for name in ("engine", "ai")])
    left = (await control.delete("/faults", params={"service": "engine"})).json()
    assert [rule["service"] for rule in left] == ["ai"]


@pytest.mark.parametrize(
    ("method", "path", "content", "field"),
    [
        ("POST", "/faults", b"{", ""),
        ("POST", "/faults", b"\xff", ""),
        ("POST", "/faults", b"7", ""),
        ("POST", "/faults", b'{"service": "moon", "kind": "hang"}', "service"),
        ("DELETE", "/faults?service=moon", b"", "service"),
        ("POST", "/restart/moon", b"", "service"),
        ("POST", "/scenario/unknown", b"", "scenario"),
    ],
    ids=["no-json", "no-text", "no-object", "fault", "delete", "restart", "scenario"],
)
async def test_nonsense_is_a_400_that_names_the_field(
    control: httpx.AsyncClient, stage: TwoServices, method: str, path: str, content: bytes, field: str
) -> None:
    answer = await control.request(method, path, content=content)
    assert answer.status_code == 400
    assert answer.json()["field"] == field
    assert answer.json()["error"]
    assert not stage.told


async def test_requests_are_told_by_service_method_and_path(control: httpx.AsyncClient, stage: TwoServices) -> None:
    stage.services["ai"].requests["GET", "/health"] += 2
    assert (await control.get("/requests")).json() == [
        {"service": "ai", "method": "GET", "path": "/health", "count": 2}
    ]


async def test_a_restart_and_a_scenario_are_passed_on(control: httpx.AsyncClient, stage: TwoServices) -> None:
    assert (await control.post("/restart/engine")).json() == {"restarted": "engine"}
    assert (await control.post("/scenario/known")).json() == stage.state()
    assert stage.told == ["restart engine", "play known"]


async def test_the_page_says_sandbox_and_shows_markup_as_text(control: httpx.AsyncClient, stage: TwoServices) -> None:
    await stage.services["ai"].open()
    page = (await control.get("/")).text
    assert BANNER in page
    assert stage.services["ai"].url in page
    assert "refuses" in page
    assert "listens" in page
    assert "&lt;b&gt;two" in page
    assert (await control.get("/state")).json() == stage.state()


async def test_levers_work_as_they_are_told_and_nonsense_is_refused(
    control: httpx.AsyncClient, stage: TwoServices
) -> None:
    assert (await control.post("/levers", json={"put": "half", "times": 2})).status_code == 201
    assert stage.levers.mode == Mode(put="half", times=2)
    refused = await control.post("/levers", json={"put": "explodes"})
    assert (refused.status_code, refused.json()["field"]) == (400, "put")
    assert stage.levers.mode == Mode(put="half", times=2)
