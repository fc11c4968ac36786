"""A secret in every setting of the processes that stay, and every system repeats it: none of them shows or keeps it."""

import asyncio
import os
import re
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.secrets.parrot import Parrot, parrot
from tests.contract.secrets.planting import leaks, planted, settings
from tests.unit.domain.models.markets import market
from tradeops.adapters.store import Message, MessageState, Store, open_store
from tradeops.dashboard import api, app, assets, live, login, metrics, pages, status
from tradeops.domain.notices import Level, Notice

ROOT = Path(__file__).parents[3]
PATIENCE = 60.0
QUICK = {
    "TRADEOPS_WATCHDOG_SECONDS": "1",
    "TRADEOPS_WATCHDOG_PING_SECONDS": "1",
    "TRADEOPS_GUARD_SECONDS": "0.3",
    "TRADEOPS_GUARD_BLIND_SECONDS": "1",
    "TRADEOPS_STARTUP_GRACE_SECONDS": "0",
}
CHANNELS = ("apprise-1", "discord", "email", "slack", "telegram", "webhook")
OF_EACH_STORE = (("refusal", "wrong fields"), ("empty hands", "gibberish"))  # the others take as long; commands try all
TOLD = {
    *("TRADEOPS_ENGINE_TOKEN", "NOTIFY_URLS", "SMTP_PASSWORD", "SLACK_WEBHOOK_URL", "DISCORD_WEBHOOK_URL"),
    *("TELEGRAM_BOT_TOKEN", "TRADEOPS_WEBHOOK_URL"),
}
TOLD_WITH_STORE = TOLD | {"TRADEOPS_WATCHDOG_PING_URL", "PREFECT_API_AUTH_STRING"}
TOKEN = planted("TRADEOPS_DASHBOARD_TOKEN")
TRAINER_TOKEN = planted("TRADEOPS_TRAINER_TOKEN")
BEARERS = (TOKEN, f"{TOKEN}-mistyped", "")
READABLE = {app.OPENAPI} | {
    str(getattr(route, "path", ""))
    for part in (api, assets, live, login, metrics, pages, status)
    for route in part.router.routes
    if "GET" in getattr(route, "methods", ())
}
PAGE, DATA = "text/html,*/*;q=0.8", "application/json"


@dataclass
class Running:
    """A process, what it writes, and the parrot that all its settings lead to."""

    bird: Parrot
    said: Path
    process: "subprocess.Popen[bytes]"
    marked: int = field(default=0)

    def begin(self, mode: str) -> None:
        self.bird.mode, self.marked = mode, len(self.bird.heard)

    def address(self) -> str:
        found = until(lambda: re.search(r"(?:dashboard at|running on) (http://[\w.:]+)", self.told()))
        return str(found[1])

    def told(self) -> str:
        assert self.process.poll() is None, self.said.read_text()
        return self.said.read_text()

    def has_asked_the_engine(self) -> bool:
        """Since the mode was begun."""
        return any("GET /api/paper-trading/portfolio" in one for one in self.bird.heard[self.marked :])


@dataclass
class Desk:
    """What stays, on a store that is there and on one that is none; the trainer beside them."""

    home: Path
    homes: tuple[Path, ...]
    watchdogs: tuple[Running, Running]
    dashboards: tuple[Running, Running]
    trainer: Running


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    logs, homes = tmp_path_factory.mktemp("logs"), tmp_path_factory.mktemp("homes")
    with ExitStack() as stack:

        def start(name: str, store: str, *command: str) -> Running:
            bird = stack.enter_context(parrot())
            style = "text" if store == "sqlite" else "json"
            environment = settings(bird.port, homes / store, store) | QUICK | {"TRADEOPS_LOG_FORMAT": style}
            return stack.enter_context(_started(bird, logs / f"{name}-{store}", environment, command))

        def pair(name: str, *options: str) -> tuple[Running, Running]:
            one, other = (start(name, store, "tradeops.cli", name, *options) for store in ("sqlite", "mongodb"))
            return one, other

        yield Desk(
            homes / "sqlite",
            (homes / "sqlite", homes / "mongodb", homes / "trainer"),
            pair("watchdog"),
            pair("dashboard", "--port", "0"),
            start("trainer", "sqlite", "trainer", "--port", "0", "--home", str(homes / "trainer")),
        )


@contextmanager
def _started(bird: Parrot, said: Path, environment: dict[str, str], command: tuple[str, ...]) -> Iterator[Running]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRADEOPS_", "PREFECT_"))}
    with said.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=kept | {"TRADEOPS_ENV_FILE": os.devnull} | environment,
            stdout=file,
            stderr=file,
        )
    with process:
        try:
            yield Running(bird, said, process)
        finally:
            process.kill()


def untold(one: Running, names: set[str]) -> set[str]:
    heard = "\n".join(one.bird.heard)
    return {name for name in names if planted(name) not in heard}


def until(look: Callable[[], Any]) -> Any:  # noqa: ANN401 - what it sees
    ends_at = time.monotonic() + PATIENCE
    while not (seen := look()):
        assert time.monotonic() < ends_at, "it did not come to pass"
        time.sleep(0.05)
    return seen


def key(mode: str, channel: str) -> str:
    return f"{mode.replace(' ', '-')}:{channel}"


async def queue(home: Path, mode: str) -> None:
    """A message for each channel, which the watchdog hands over in this mode."""
    now = datetime.now(UTC)
    notice = Notice(mode, "test", Level.CRITICAL, f"while it answers with {mode}", "body", now)
    async with open_store("sqlite", home=home) as store:
        for channel in CHANNELS:
            await store.enqueue(Message(key(mode, channel), channel, notice.as_body(), created_at=now, due_at=now))


async def notes(home: Path, mode: str) -> list[str]:
    """Why they did not arrive; empty until each was tried."""

    async def ended(store: Store, channel: str) -> str:
        queued = await store.queued(key(mode, channel))
        assert queued is not None
        return "delivered" if queued.state is MessageState.DELIVERED else queued.note

    async with open_store("sqlite", home=home) as store:
        found = [await ended(store, channel) for channel in CHANNELS]
    return found if all(found) else []


def ask_everything(dashboard: Running) -> dict[str, int]:
    """Look at all that it has, once it knows the engine, as who may and as who may not; returns the statuses."""
    paths = [re.sub(r"\{[^}]+\}", "none", one) for one in READABLE - {"/api/live"}]
    found = {}
    with httpx.Client(base_url=dashboard.address(), trust_env=False, timeout=30) as browser:

        def ask(method: str, path: str, bearer: str, accept: str, **more: Any) -> httpx.Response:  # noqa: ANN401
            credential = {"authorization": f"Bearer {bearer}"} if bearer else {}
            answer = browser.request(method, path, headers={"accept": accept} | credential, **more)
            assert not leaks(f"{answer.headers}\n{answer.text}"), (method, path)
            return answer

        until(lambda: ask("GET", "/api/overview", TOKEN, DATA) and dashboard.has_asked_the_engine())
        incidents = ask("GET", "/api/incidents", TOKEN, DATA).json()
        paths += [f"/incidents/{one['incident_id']}" for one in incidents.get("open", ())]
        for path in paths:
            ask("GET", path, TOKEN, PAGE)
            found[path] = ask("GET", path, TOKEN, DATA).status_code
        for bearer in BEARERS[1:]:
            ask("GET", "/api/overview", bearer, DATA)
        ask("POST", "/login", "", PAGE, data={"token": BEARERS[1]})
        assert ask("POST", "/login", "", PAGE, data={"token": TOKEN, "next": "/audit"}).status_code == 303
        ask("POST", "/api/overview", TOKEN, DATA)
        with browser.stream("GET", "/api/live", headers={"authorization": f"Bearer {TOKEN}"}) as events:
            assert not leaks("".join(line for line, _ in zip(events.iter_lines(), range(3), strict=False)))
    return found


@pytest.mark.parametrize("modes", OF_EACH_STORE, ids=" and ".join)
def test_the_watchdog_and_the_dashboard_repeat_no_secret(desk: Desk, modes: tuple[str, str]) -> None:
    for pair in (desk.watchdogs, desk.dashboards):
        for one, mode in zip(pair, modes, strict=True):
            one.begin(mode)
    asyncio.run(queue(desk.home, modes[0]))
    whole, torn = (ask_everything(dashboard) for dashboard in desk.dashboards)
    assert (whole["/status.json"], torn["/status.json"]) == (200, 503)
    assert modes == OF_EACH_STORE[0] or any(re.fullmatch(r"/incidents/.*@.*", path) for path in whole), (
        "it had none to show"
    )
    until(lambda: all(one.has_asked_the_engine() for one in desk.watchdogs))
    assert not leaks("\n".join(until(lambda: asyncio.run(notes(desk.home, modes[0])))))
    for one in (*desk.watchdogs, *desk.dashboards):
        assert not leaks(one.told())
        assert not leaks("\n".join(one.bird.messages))


def test_the_trainer_repeats_no_secret(desk: Desk) -> None:
    with httpx.Client(base_url=desk.trainer.address(), trust_env=False, timeout=60) as caller:
        for bearer in (TRAINER_TOKEN, f"{TRAINER_TOKEN}-mistyped", "none"):
            caller.headers["authorization"] = f"Bearer {bearer}"
            for path in ("/health", "/openapi.json", "/ai/models", "/ai/train/none", "/ai/model/accuracy_history"):
                answer = caller.get(path)
                assert not leaks(f"{answer.headers}\n{answer.text}"), path
            for path in ("/ai/datasets", "/ai/train", "/ai/train/none/cancel", "/predict", "/ai/models/gru/A/rollback"):
                answer = caller.post(path, json={"candles": {}})
                assert answer.is_client_error, path
                assert not leaks(f"{answer.headers}\n{answer.text}"), path
        caller.headers["authorization"] = f"Bearer {TRAINER_TOKEN}"
        kept = caller.post("/ai/datasets", json={"candles": market(506).to_json()}).raise_for_status().json()
        plan = {"model_type": "gru", "symbol": "BTCUSDT", "epochs": 1, **kept}
        training = caller.post("/ai/train", json=plan, headers={"idempotency-key": "one"}).raise_for_status()
        ended = caller.post(f"/ai/train/{training.json()['job_id']}/cancel").raise_for_status()
        assert not leaks(training.text + ended.text)
    until(lambda: "training" in desk.trainer.told())
    assert not leaks(desk.trainer.told())


def test_they_were_told_their_secrets_and_keep_none(desk: Desk) -> None:
    until(lambda: not untold(desk.watchdogs[0], TOLD_WITH_STORE) and not untold(desk.watchdogs[1], TOLD))
    for watchdog in desk.watchdogs:
        until(lambda bird=watchdog.bird: any("no limit can be judged" in one for one in bird.messages))
        assert not leaks("\n".join((*watchdog.bird.messages, watchdog.told())))
        watchdog.process.kill()  # or a file may go while we look at it
        watchdog.process.wait()
    files = [file for home in desk.homes for file in home.rglob("*") if file.is_file()]
    assert {file.name for file in files} >= {"tradeops.sqlite", "spool.sqlite"}
    for file in files:
        assert not leaks(file.read_bytes().decode("latin-1")), file
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file
