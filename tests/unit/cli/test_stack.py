"""What `tradeops up` starts: where, with what environment, and what it says when a part does not come up."""

import json
import os
import re
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import respx

from tests.unit.adapters.services import ADDRESS, service
from tradeops.adapters.prefect_api.client import PrefectApiClient
from tradeops.cli import patience, stack
from tradeops.cli.stack import Stack, free_port, own_environment, project_folder
from tradeops.errors import MisconfiguredError, UnavailableError

ROOT = Path(__file__).parents[3]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Stack]:
    made = Stack(tmp_path / "home", ROOT, dict(os.environ))
    yield made
    made.stop()
    assert not made.processes


@pytest.fixture
async def api() -> AsyncIterator[PrefectApiClient]:
    async with service("prefect") as http:
        yield PrefectApiClient(http)


def prefect_is(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Prefect's command, stood in for by Python code; its arguments are in `sys.argv`."""
    monkeypatch.setattr(stack, "_prefect", lambda: [sys.executable, "-c", f"import sys, time; {code}"])


def test_the_usual_port_is_taken_when_nobody_has_it() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        usual = probe.getsockname()[1]
    assert free_port(usual) == usual


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - whoever listens there has it
def test_a_usual_port_that_is_taken_gives_way(address: str) -> None:
    with socket.socket() as rival:
        rival.bind((address, 0))
        rival.listen()
        usual = rival.getsockname()[1]
        assert free_port(usual) not in (usual, 0)


def test_no_free_port_at_all_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(socket.socket):
        def bind(self, _: object) -> None:
            raise OSError

    monkeypatch.setattr(stack.socket, "socket", Full)
    with pytest.raises(UnavailableError, match=r"no port is free on 127\.0\.0\.1"):
        free_port(4200)


def test_a_child_gets_our_environment_less_the_real_bot() -> None:
    environment = {"PATH": "/bin", "RUST_API_URL": "http://bot", "OPENAI_API_KEY": "sk"}
    assert own_environment(environment, without={"RUST_API_URL", "OPENAI_API_KEY"}) == {
        "PATH": "/bin",
        "PYTHONUNBUFFERED": "1",
    }


def test_the_project_is_the_checkout_wherever_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert project_folder() == ROOT


def test_an_installed_one_takes_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "__file__", str(tmp_path / "site-packages" / "tradeops" / "cli" / "stack.py"))
    with pytest.raises(MisconfiguredError) as raised:
        project_folder()
    remedy = "run it in a checkout of TradeOps"
    assert str(raised.value) == f"tradeops up: there is no prefect.yaml with flows/ in {tmp_path}; {remedy}"
    (tmp_path / "flows").mkdir()
    (tmp_path / "prefect.yaml").touch()
    assert project_folder() == tmp_path


@pytest.mark.parametrize("missing", ["sandbox", "aiosmtpd", "numpy"])
async def test_a_sandbox_without_its_packages_says_what_to_install(
    missing: str, desk: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "find_spec", lambda name: None if name == missing else object())
    with pytest.raises(MisconfiguredError, match=r"install tradeops\[sandbox\], or set RUST_API_URL"):
        await desk.start_sandbox("healthy", None)


async def test_a_sandbox_whose_folder_cannot_be_used_is_told_by_its_path(desk: Stack) -> None:
    desk.home.mkdir()
    (desk.home / "sandbox").touch()
    problem = f"sandbox: {desk.home / 'sandbox'} cannot be used: Not a directory"
    with pytest.raises(MisconfiguredError, match=re.escape(problem)):
        await desk.start_sandbox("healthy", None)


async def test_a_sandbox_that_does_not_start_is_told_in_its_own_words(desk: Stack) -> None:
    with pytest.raises(UnavailableError, match=r"sandbox: ended with exit code 2:[\s\S]*apocalypse"):
        await desk.start_sandbox("apocalypse", 3)
    [process] = desk.processes
    assert process.command[-4:] == ["--scenario", "apocalypse", "--seed", "3"]


async def test_a_server_of_our_own_is_apart_from_the_users(desk: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    prefect_is(monkeypatch, "print(sys.argv[1:], flush=True); time.sleep(60)")
    await desk.start_server()
    port = desk.environment["PREFECT_API_URL"].removeprefix("http://127.0.0.1:").removesuffix("/api")
    assert desk.environment["PREFECT_HOME"] == str(desk.home / "prefect")
    assert desk.environment["PREFECT_SERVER_UI_API_URL"] == desk.environment["PREFECT_API_URL"]
    assert desk.environment["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    [server] = desk.processes
    assert server.command[-6:] == ["server", "start", "--host", "127.0.0.1", "--port", port]
    assert "PREFECT_SERVER_API_AUTH_STRING" not in desk.environment


async def test_a_server_of_our_own_asks_for_the_password_that_we_are_told(
    desk: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefect_is(monkeypatch, "time.sleep(60)")
    desk.environment["PREFECT_API_AUTH_STRING"] = "admin:pass"
    await desk.start_server()
    assert desk.environment["PREFECT_SERVER_API_AUTH_STRING"] == "admin:pass"


async def test_a_server_that_ends_at_once_is_told_with_its_log(
    desk: Stack, api: PrefectApiClient, respx_mock: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    respx_mock.get(f"{ADDRESS}/health").respond(503)
    prefect_is(monkeypatch, "sys.exit('no such table')")
    await desk.start_server()
    with pytest.raises(UnavailableError, match=r"prefect server: ended with exit code 1:\n  no such table"):
        await desk.server_answers(api)


async def test_a_server_that_comes_up_is_waited_for(
    desk: Stack, api: PrefectApiClient, respx_mock: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "LOOK_AGAIN_SECONDS", 0)
    route = respx_mock.get(f"{ADDRESS}/health")
    route.side_effect = [httpx.Response(503), httpx.Response(503), httpx.Response(200, json=True)]
    await desk.server_answers(api)
    assert route.call_count == 3


@pytest.mark.parametrize("own", [True, False], ids=["ours", "somebody else's"])
async def test_a_server_that_does_not_answer_is_told_by_its_address(
    own: bool, desk: Stack, api: PrefectApiClient, respx_mock: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    respx_mock.get(f"{ADDRESS}/health").respond(503)
    monkeypatch.setattr(stack, "OWN_PATIENCE" if own else "PATIENCE", timedelta(seconds=0.2))
    prefect_is(monkeypatch, "print('starting', flush=True); time.sleep(60)")
    if own:
        await desk.start_server()
    with pytest.raises(UnavailableError) as raised:
        await desk.server_answers(api)
    assert f"{ADDRESS} did not answer within 0 s" in str(raised.value)
    assert "HTTP 503" in str(raised.value)
    assert str(raised.value).endswith("; start it, or unset PREFECT_API_URL")
    assert ("(its log is empty)" in str(raised.value) or "starting" in str(raised.value)) is own


async def test_a_dashboard_that_does_not_start_is_told_in_its_own_words(desk: Stack) -> None:
    desk.environment |= {"TRADEOPS_DASHBOARD_HOST": "0.0.0.0", "TRADEOPS_ENV_FILE": os.devnull}  # noqa: S104 - refused
    desk.environment |= {"PYTHONPATH": str(ROOT)}
    desk.environment.pop("TRADEOPS_DASHBOARD_TOKEN", None)
    with pytest.raises(UnavailableError, match=r"exit code 2:[\s\S]*TRADEOPS_DASHBOARD_TOKEN is not set"):
        await desk.start_dashboard(0)
    assert desk.dashboard is None


@pytest.mark.parametrize(("status", "commands"), [(200, 1), (404, 2)], ids=["pool is there", "pool is missing"])
async def test_a_pool_is_made_only_when_it_is_missing(
    status: int,
    commands: int,
    desk: Stack,
    api: PrefectApiClient,
    respx_mock: respx.MockRouter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    respx_mock.get(f"{ADDRESS}/work_pools/tradeops").respond(status, json={})
    respx_mock.post(f"{ADDRESS}/work_pools/tradeops/queues/filter").respond(json=[])
    made = respx_mock.post(f"{ADDRESS}/work_pools/tradeops/queues").respond(201, json={})
    prefect_is(monkeypatch, "print(*sys.argv[1:])")
    await desk.deploy(api)
    assert [json.loads(call.request.content)["name"] for call in made.calls] == [
        "monitoring",
        "default",
        "retrain",
        "research",
    ]
    said = {path.stem: path.read_text().strip() for path in (desk.home / "logs").iterdir()}
    expected = {
        "prefect-deploy": "--no-prompt deploy --all",
        "prefect-work-pool": "--no-prompt work-pool create tradeops --type process --overwrite",
    }
    assert said == dict(list(expected.items())[:commands])
    assert not desk.processes


async def test_a_deployment_that_fails_is_told_with_what_prefect_said(
    desk: Stack, api: PrefectApiClient, respx_mock: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    respx_mock.get(f"{ADDRESS}/work_pools/tradeops").respond(json={})
    respx_mock.post(f"{ADDRESS}/work_pools/tradeops/queues/filter").respond(json=[])
    respx_mock.post(f"{ADDRESS}/work_pools/tradeops/queues").respond(201, json={})
    prefect_is(monkeypatch, "sys.exit('Invalid fields')")
    with pytest.raises(UnavailableError, match=r"prefect deploy: failed with exit code 1:\n  Invalid fields"):
        await desk.deploy(api)
    assert not desk.processes


async def test_a_deployment_that_hangs_is_ended(
    desk: Stack, api: PrefectApiClient, respx_mock: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    respx_mock.get(f"{ADDRESS}/work_pools/tradeops").respond(json={})
    respx_mock.post(f"{ADDRESS}/work_pools/tradeops/queues/filter").respond(json=[])
    respx_mock.post(f"{ADDRESS}/work_pools/tradeops/queues").respond(201, json={})
    monkeypatch.setattr(stack, "DEPLOY_SECONDS", 0.3)
    prefect_is(monkeypatch, "time.sleep(60)")
    began = time.monotonic()
    with pytest.raises(UnavailableError, match=r"prefect deploy: did not end within 0\.3 s"):
        await desk.deploy(api)
    assert time.monotonic() - began < 45


def worker(name: str, status: str) -> dict[str, object]:
    return {"name": name, "status": status, "last_heartbeat_time": None}


async def test_a_worker_is_there_when_prefect_has_heard_of_this_very_one(
    desk: Stack, api: PrefectApiClient, respx_mock: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "LOOK_AGAIN_SECONDS", 0)
    monkeypatch.setattr(patience, "PAUSE_SECONDS", 0)
    ours = f"tradeops-up-{os.getpid()}"
    route = respx_mock.post(f"{ADDRESS}/work_pools/tradeops/workers/filter")
    route.side_effect = [
        httpx.Response(200, json=[worker("another", "ONLINE")]),
        httpx.Response(503),
        httpx.Response(200, json=[worker(ours, "OFFLINE")]),
        httpx.Response(200, json=[worker(ours, "ONLINE")]),
    ]
    prefect_is(monkeypatch, "time.sleep(60)")
    await desk.start_worker(api)
    assert route.call_count == 4
    assert desk.environment["PREFECT_WORKER_QUERY_SECONDS"] == "1"
    assert desk.environment["PREFECT_CLIENT_RETRY_EXTRA_CODES"] == "500"
    assert list(desk.processes[0].command[-6:]) == ["worker", "start", "--pool", "tradeops", "--name", ours]


async def test_a_worker_that_prefect_never_hears_of_is_told_with_its_log(
    desk: Stack, api: PrefectApiClient, respx_mock: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "OWN_PATIENCE", timedelta(seconds=0.2))
    respx_mock.post(f"{ADDRESS}/work_pools/tradeops/workers/filter").respond(json=[])
    prefect_is(monkeypatch, "time.sleep(60)")
    with pytest.raises(UnavailableError, match=r"worker: was not ready within 0 s:\n  \(its log is empty\); see "):
        await desk.start_worker(api)


async def test_the_sandbox_gets_a_trainer_of_its_own_that_learns_quickly(desk: Stack, tmp_path: Path) -> None:
    kept, left = tmp_path / "home" / "trainer" / "compiled", tmp_path / "home" / "trainer" / "models"
    for folder in (kept, left):
        folder.mkdir(parents=True)
    desk.environment |= {"TRADEOPS_HOME": str(tmp_path / "home")}
    assert await desk.start_trainer(once=True)
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{desk.environment['TRAINER_URL']}/health")
    assert answer.json()["status"] == "healthy"
    assert (desk.environment["TRADEOPS_RETRAIN_EPOCHS"], desk.environment["TRADEOPS_RETRAIN_MODELS"]) == ("1", "gru")
    assert kept.exists()
    assert not left.exists() or not any(left.iterdir())


async def test_without_its_libraries_there_is_no_trainer(desk: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "find_spec", lambda _: None)
    assert not await desk.start_trainer(once=False)
    assert "TRAINER_URL" not in desk.environment
