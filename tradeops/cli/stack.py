"""What `tradeops up` starts: the sandbox, Prefect's server, the pool, the deployments and a worker."""

import asyncio
import json
import os
import re
import shlex
import shutil
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tradeops.adapters.prefect_api.client import PrefectApiClient
from tradeops.adapters.store.opening import FILE
from tradeops.cli.patience import patiently
from tradeops.cli.processes import Leashed
from tradeops.errors import MisconfiguredError, TradeOpsError, UnavailableError
from tradeops.jobs.monitoring.parts import POOL
from tradeops.jobs.only_one import is_held
from tradeops.jobs.queues import arrange, read_queues

PATIENCE = timedelta(seconds=50)  # ten looks at five seconds, as the bot's services are given after a deployment
OWN_PATIENCE = timedelta(minutes=3)  # with what we started ourselves: while it lives, it may be slow on a busy machine
LOOK_AGAIN_SECONDS = 0.25
DEPLOY_SECONDS = 120
USUAL_PREFECT_PORT = 4200
USUAL_TRAINER_PORT = 8001
# Prefect's own command loads Prefect twice, to prepare a workspace that ours do not need and to run; and while modules
# load, nothing is garbage that the usual 700 objects would make Python look for (docs/scaling.md has the figures)
QUICKLY = "import gc, runpy; gc.set_threshold(100_000, 50, 100); runpy.run_module('prefect.engine', None, '__main__')"
RUN_COMMAND = shlex.join([sys.executable, "-c", QUICKLY])
USUAL_DASHBOARD_PORT = 8090
LEASES = "prefect.server.concurrency.lease_storage.filesystem"  # in memory they die with the server, and runs with them


@dataclass(slots=True)
class Stack:
    """The processes of one `tradeops up`.

    Attributes:
        home: TRADEOPS_HOME.
        project: the folder of prefect.yaml.
        environment: what the next process is started with; grows as parts of the stack become known.
        processes: those that run, in the order of their start.
        sandbox: what the sandbox says of itself; `None` with a bot of one's own.
        dashboard: its address; `None` while it does not run.
    """

    home: Path
    project: Path
    environment: dict[str, str]
    processes: list[Leashed] = field(default_factory=list)
    sandbox: dict[str, Any] | None = None
    dashboard: str | None = None

    async def start_sandbox(self, scenario: str, seed: int | None) -> None:
        """Start the stand-in bot, wait for it, and let all that follows see it and only it.

        Raises:
            MisconfiguredError: its packages are not installed, or its folder cannot be used.
            UnavailableError: it did not come up.
        """
        if find_spec("sandbox") is None or find_spec("aiosmtpd") is None or find_spec("numpy") is None:
            remedy = "install tradeops[sandbox], or set RUST_API_URL to the engine of your bot"
            raise MisconfiguredError("sandbox", "its packages are not installed", remedy=remedy)
        folder = self.home / "sandbox"
        found = folder / "sandbox.json"
        try:
            found.unlink(missing_ok=True)  # a former one's, or we would take it for this one's
        except OSError as error:
            remedy = "remove it, or set another TRADEOPS_HOME"
            raise MisconfiguredError("sandbox", f"{folder} cannot be used: {error.strerror}", remedy=remedy) from error
        command = [sys.executable, "-m", "sandbox", "--home", str(folder), "--scenario", scenario]
        process = self._launch("sandbox", command + ([] if seed is None else ["--seed", str(seed)]))

        async def there() -> bool:
            return found.exists()

        await _until(process, there)
        for last in folder.glob(f"{FILE}*"):  # the bot of the last start was another one: its trades, incidents and
            last.unlink()  # messages would contradict this one's
        self.sandbox = json.loads(found.read_text())
        self.environment |= self.sandbox["environment"]
        self.environment |= {"TRADEOPS_HOME": str(folder), "TRADEOPS_ENV_FILE": os.devnull, "TRADEOPS_SECRETS_DIR": ""}
        self.environment["TRADEOPS_STARTUP_GRACE_SECONDS"] = "0"  # it is up: what fails from here on is meant to

    async def start_trainer(self, *, once: bool, models: str | None = None) -> bool:
        """Start a trainer of the sandbox's own, for quick trainings; `False` when its libraries are not installed.

        Args:
            once: one small model is enough.
            models: that are trained, where the user has chosen.

        Raises:
            UnavailableError: it did not come up; with the end of its log.
        """
        if find_spec("keras") is None or find_spec("jax") is None:
            return False
        port = free_port(USUAL_TRAINER_PORT)
        home = Path(self.environment["TRADEOPS_HOME"]) / "trainer"
        self.environment |= {
            "TRAINER_URL": f"http://127.0.0.1:{port}",
            "TRADEOPS_TRAINER_LEAST_DISK_GIB": "0",
            "TRADEOPS_RETRAIN_LEAST_DISK_GIB": "0",  # a sandbox's models are small
            "TRADEOPS_RETRAIN_EPOCHS": "1" if once else "3",
        }
        if chosen := models or ("gru" if once else None):
            self.environment["TRADEOPS_RETRAIN_MODELS"] = chosen
        for part in ("datasets", "jobs", "models"):  # the last start's learnt another market; what is compiled stays
            shutil.rmtree(home / part, ignore_errors=True)
        trainer = self._launch("trainer", [sys.executable, "-m", "trainer", "--port", str(port), "--home", str(home)])

        async def answers() -> bool:
            return await asyncio.to_thread(_listens, port)

        await _until(trainer, answers)
        return True

    async def start_server(self) -> None:
        """Start a Prefect server of our own: SQLite, loopback, no analytics, apart from the user's own Prefect.

        Raises:
            UnavailableError: it ended at once.
        """
        port = free_port(USUAL_PREFECT_PORT)
        api = f"http://127.0.0.1:{port}/api"
        self.environment |= {
            "DO_NOT_TRACK": "1",
            "PREFECT_API_URL": api,
            "PREFECT_HOME": str(self.home / "prefect"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": LEASES,
            "PREFECT_UI_URL": api.removesuffix("/api"),
            "PREFECT_SERVER_UI_API_URL": api,  # or the UI of any other port than 4200 cannot connect
            "TRADEOPS_RUN_COMMAND": RUN_COMMAND,  # the workers of this server are ours: they find this Python
        }
        if auth := self.environment.get("PREFECT_API_AUTH_STRING"):  # who is told a password asks for it
            self.environment["PREFECT_SERVER_API_AUTH_STRING"] = auth
        command = [*_prefect(), "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        self._launch("prefect server", command)

    async def server_answers(self, api: PrefectApiClient) -> None:
        """Wait for Prefect's API.

        Raises:
            UnavailableError: it did not answer in time; with the end of the server's log where the server is ours.
        """
        server = next((p for p in self.processes if p.name == "prefect server"), None)
        error: TradeOpsError | None = None
        patience = (OWN_PATIENCE if server else PATIENCE).total_seconds()
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if server:
                server.check()
            try:
                await api.health(within=timedelta(seconds=5))
            except TradeOpsError as trouble:
                error = trouble
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
            else:
                return
        problem = f"{api.base_url} did not answer within {patience:.0f} s: {error}"
        log = f"\n{server.tail()}" if server else ""
        raise UnavailableError("prefect", problem + log, remedy="start it, or unset PREFECT_API_URL")

    async def deploy(self, api: PrefectApiClient) -> None:
        """Create the pool if it is missing, arrange its queues and apply every deployment of prefect.yaml.

        Raises:
            MisconfiguredError: prefect.yaml names no queues.
            UnavailableError: Prefect's own command failed; with what it said.
        """
        queues = read_queues((self.project / "prefect.yaml").read_text(encoding="utf-8"))
        if not await patiently(partial(api.has_pool, POOL)):
            # overwrite: Prefect's client repeats what a busy server answered by 503, though it may have been done
            await self._prefect("work-pool", "create", POOL, "--type", "process", "--overwrite")
        await patiently(partial(arrange, api, POOL, queues))
        await self._prefect("deploy", "--all")

    async def start_worker(self, api: PrefectApiClient) -> None:
        """Start a worker that looks for runs each second, and wait until Prefect has heard of it.

        Raises:
            UnavailableError: it ended at once, or Prefect never heard of it; with the end of its log.
        """
        self.environment |= {"PREFECT_WORKER_QUERY_SECONDS": "1", "PREFECT_CLIENT_RETRY_EXTRA_CODES": "500"}
        name = f"tradeops-up-{os.getpid()}"
        worker = self._launch("worker", [*_prefect(), "worker", "start", "--pool", POOL, "--name", name])

        async def known() -> bool:
            return any(found.name == name and found.online for found in await patiently(partial(api.workers, POOL)))

        await _until(worker, known)

    def start_watchdog(self) -> bool:
        """Start the watchdog; `False` when one of this home runs already, started by somebody else."""
        if is_held(Path(self.environment.get("TRADEOPS_HOME", self.home)), "watchdog"):
            return False
        self._launch("watchdog", [sys.executable, "-m", "tradeops.cli", "watchdog"])
        return True

    async def start_dashboard(self, port: int | None = None) -> None:
        """Start the dashboard and note its address, for the alerts of all that is started later too.

        Args:
            port: that the user has chosen; `None` takes the usual one, or a free one.

        Raises:
            UnavailableError: it did not come up; with the end of its log.
        """
        chosen = free_port(USUAL_DASHBOARD_PORT) if port is None else port
        command = [sys.executable, "-m", "tradeops.cli", "dashboard", "--port", str(chosen)]
        dashboard = self._launch("dashboard", command)

        async def answers() -> bool:
            told = re.search(r"^dashboard at (http\S+)$", dashboard.log.read_text(errors="replace"), re.MULTILINE)
            self.dashboard = told[1] if told else None
            return told is not None

        await _until(dashboard, answers)
        if self.dashboard is not None:
            self.environment.setdefault("TRADEOPS_DASHBOARD_URL", self.dashboard)

    def stop(self) -> None:
        """End all processes, those that use others first, and wait until they are gone."""
        for process in reversed(self.processes):
            process.ask_to_stop()
        for process in reversed(self.processes):
            process.wait_stopped()
        self.processes.clear()

    def _launch(self, name: str, command: list[str]) -> Leashed:
        log = self.home / "logs" / f"{name.replace(' ', '-')}.log"
        process = Leashed(name, command, dict(self.environment), self.project, log)
        process.start()
        self.processes.append(process)
        return process

    async def _prefect(self, *arguments: str) -> None:
        command = [*_prefect(), "--no-prompt", *arguments]
        log = self.home / "logs" / f"prefect-{arguments[0]}.log"
        step = Leashed(f"prefect {arguments[0]}", command, dict(self.environment), self.project, log)
        step.start()
        self.processes.append(step)
        deadline = time.monotonic() + DEPLOY_SECONDS
        while (code := step.exit_code()) is None and time.monotonic() < deadline:  # noqa: ASYNC110 - not our event loop's
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        self.processes.remove(step)
        step.ask_to_stop()
        await asyncio.to_thread(step.wait_stopped)
        if code != 0:
            how = f"did not end within {DEPLOY_SECONDS} s" if code is None else f"failed with exit code {code}"
            raise UnavailableError(step.name, f"{how}:\n{step.tail()}", remedy=f"see {log}")


def project_folder() -> Path:
    """Where prefect.yaml and the flows are: the checkout we were installed from, or the working folder.

    Raises:
        MisconfiguredError: neither.
    """
    for folder in (Path(__file__).parents[2], Path.cwd()):
        if (folder / "prefect.yaml").is_file() and (folder / "flows").is_dir():
            return folder
    remedy = "run it in a checkout of TradeOps"
    raise MisconfiguredError("tradeops up", f"there is no prefect.yaml with flows/ in {Path.cwd()}", remedy=remedy)


def free_port(usual: int) -> int:
    """The usual port when nobody listens there on loopback, otherwise one that the system picks."""
    for port in (usual, 0):
        with closing(socket.socket()) as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(candidate.getsockname()[1])
    raise UnavailableError("network", "no port is free on 127.0.0.1")


def _listens(port: int) -> bool:
    with closing(socket.socket()) as caller:
        caller.settimeout(1)
        return caller.connect_ex(("127.0.0.1", port)) == 0


def own_environment(environment: Mapping[str, str], *, without: set[str]) -> dict[str, str]:
    """The environment of a child: ours, less the variables of a real bot where the sandbox takes its place."""
    return {name: value for name, value in environment.items() if name not in without} | {"PYTHONUNBUFFERED": "1"}


async def _until(process: Leashed, ready: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + OWN_PATIENCE.total_seconds()
    while not await ready():
        process.check()
        if time.monotonic() > deadline:
            problem = f"was not ready within {OWN_PATIENCE.total_seconds():.0f} s:\n{process.tail()}"
            raise UnavailableError(process.name, problem, remedy=f"see {process.log}")
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


def _prefect() -> list[str]:
    return [sys.executable, "-m", "prefect"]
