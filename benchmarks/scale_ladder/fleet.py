"""Starts what a rung of the ladder consists of: the bot's stand-in, a database, Redis, servers, workers."""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scale_ladder.api import Api
from scale_ladder.processes import ROOT, Running, clean_environment, free_port, launch, listens, run, until

POOL = "tradeops"
POSTGRES_PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
BALANCER = Path(__file__).with_name("balancer.py")
PREFECT = (sys.executable, "-m", "prefect")
BY_REDIS = {
    "PREFECT_MESSAGING_BROKER": "prefect_redis.messaging",
    "PREFECT_MESSAGING_CACHE": "prefect_redis.messaging",
    "PREFECT_SERVER_EVENTS_CAUSAL_ORDERING": "prefect_redis.ordering",
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect_redis.lease_storage",
}


def missing() -> str:
    """What is not installed of all that a whole fleet needs, and how to get it; empty when it is all there."""
    wanted = {
        "PostgreSQL (Debian: apt install postgresql)": bool(POSTGRES_PLACES),
        "redis-server (Debian: apt install redis-server)": shutil.which("redis-server") is not None,
        "prefect-redis (pip install 'tradeops[replicas]')": find_spec("prefect_redis") is not None,
    }
    return ", ".join(what for what, there in wanted.items() if not there)


@dataclass(slots=True)
class Fleet:
    """All processes of one rehearsal.

    Attributes:
        folder: of their files and logs.
        stack: ends them.
        environment: of jobs, workers and commands, the address of Prefect apart.
        api: of the server, or of the balancer before its replicas.
        servers: the processes that answer the API, and the background services where they run apart.
        database: PostgreSQL, where there is one.
        redis: where there is one.
        workers: in the order of their start.
        sandbox: what it says of itself.
    """

    folder: Path
    stack: ExitStack
    environment: dict[str, str] = field(default_factory=dict)
    api: Api = field(default_factory=lambda: Api(()))
    servers: list[Running] = field(default_factory=list)
    database: Running | None = None
    redis: Running | None = None
    workers: list[Running] = field(default_factory=list)
    sandbox: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Give everybody a home of this rehearsal's own."""
        self.folder.chmod(0o711)  # PostgreSQL's user must get through
        self.environment |= clean_environment() | {
            "PREFECT_HOME": str(self.folder / "prefect"),
            "TRADEOPS_HOME": str(self.folder / "tradeops"),
            "TRADEOPS_ENV_FILE": os.devnull,
            "TRADEOPS_STARTUP_GRACE_SECONDS": "0",
        }

    def start_sandbox(self, scenario: str = "healthy", *, brokers: bool = False) -> None:
        """The bot that the jobs watch, with its sinks for messages."""
        home = self.folder / "sandbox"
        command = [sys.executable, "-m", "sandbox", "--home", str(home), "--scenario", scenario]
        self._keep(
            launch(
                "sandbox", command + ([] if brokers else ["--no-redis", "--no-rabbitmq"]), self.environment, self.folder
            )
        )
        until("sandbox", (home / "sandbox.json").exists)
        self.sandbox = json.loads((home / "sandbox.json").read_text())
        self.environment |= self.sandbox["environment"]

    def start_postgres(self) -> dict[str, str]:
        """A PostgreSQL of our own; what a Prefect server must be told of it."""
        folder, port, user = self.folder / "postgres", free_port(), "postgres" if os.geteuid() == 0 else None
        folder.mkdir()
        if user:
            shutil.chown(folder, user)
        programs = POSTGRES_PLACES[0]
        initdb = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", "prefect", "-A", "trust", "-E", "UTF8"]
        if launch("initdb", initdb, clean_environment(), self.folder, user=user).popen.wait() != 0:
            raise SystemExit((self.folder / "initdb.log").read_text())
        options = ["-p", str(port), "-k", str(folder), "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"]
        command = [str(programs / "postgres"), "-D", str(folder / "data"), *options]
        self.database = self._keep(launch("postgres", command, clean_environment(), self.folder, user=user))
        until("PostgreSQL", lambda: listens(port))
        createdb = [str(programs / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "prefect", "prefect"]
        until("database", lambda: launch("createdb", createdb, clean_environment(), self.folder).popen.wait() == 0)
        url = f"postgresql+asyncpg://prefect@127.0.0.1:{port}/prefect"
        return {"PREFECT_SERVER_DATABASE_CONNECTION_URL": url}

    def start_redis(self) -> dict[str, str]:
        """A Redis of our own that keeps what it was told; what a Prefect server must be told of it."""
        port, folder = free_port(), self.folder / "redis"
        folder.mkdir()
        command = [
            "redis-server",
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--dir",
            str(folder),
            "--appendonly",
            "yes",
        ]
        self.redis = self._keep(launch("redis", command, clean_environment(), self.folder))
        until("Redis", lambda: listens(port))
        return BY_REDIS | {
            "PREFECT_REDIS_MESSAGING_HOST": "127.0.0.1",
            "PREFECT_REDIS_MESSAGING_PORT": str(port),
            "PREFECT_REDIS_MESSAGING_DB": "0",
            "PREFECT_SERVER_DOCKET_URL": f"redis://127.0.0.1:{port}/1",
        }

    def start_server(self, settings: Mapping[str, str] | None = None) -> float:
        """One server with all its services; seconds until it answered."""
        return self._start_servers(settings or {}, replicas=1)

    def start_replicas(self, settings: Mapping[str, str], *, replicas: int) -> float:
        """Servers that answer the API alone, and one process with the background services beside them."""
        run(
            "migration",
            [*PREFECT, "server", "database", "upgrade", "-y"],
            self.environment | dict(settings),
            self.folder,
        )
        apart = dict(settings) | {"PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false"}
        took = self._start_servers(apart, replicas=replicas)
        port, backends = free_port(), [url.split(":")[2].partition("/")[0] for url in self.api.urls]
        command = [sys.executable, str(BALANCER), str(port), *backends]
        self._keep(launch("balancer", command, clean_environment(), self.folder))
        until("balancer", lambda: listens(port))
        self.api.urls = (f"http://127.0.0.1:{port}/api",)
        services = [*PREFECT, "server", "services", "start"]
        home = {"PREFECT_HOME": str(self.folder / "prefect-services"), "PREFECT_API_URL": self.api.urls[0]}
        self.servers.append(self._keep(launch("services", services, self.environment | apart | home, self.folder)))
        return took

    def start_worker(self, *, limit: int, settings: Mapping[str, str] | None = None) -> Running:
        """A process worker that asks each second for runs."""
        name = f"worker-{len(self.workers) + 1}"
        ours = {"PREFECT_WORKER_QUERY_SECONDS": "1", "PREFECT_CLIENT_RETRY_EXTRA_CODES": "500"}
        environment = self.environment | ours | dict(settings or {})
        environment |= {"PREFECT_API_URL": self.api.urls[0]}
        command = [*PREFECT, "worker", "start", "--pool", POOL, "--name", name, "--limit", str(limit)]
        worker = self._keep(launch(name, command, environment, self.folder))
        self.workers.append(worker)

        def known() -> bool:
            found = self.api.call("POST", f"/work_pools/{POOL}/workers/filter", {})
            return any(one["name"] == name and one["status"] == "ONLINE" for one in found)

        until(name, known)
        return worker

    def prefect(self, *arguments: str) -> None:
        """Run a command of Prefect's in our checkout, against the server, or the balancer before its replicas."""
        environment = self.environment | {"PREFECT_API_URL": self.api.urls[0]}
        command = [sys.executable, "-c", IN_CHECKOUT, str(ROOT), "--no-prompt", *arguments]
        run(f"prefect-{arguments[0]}", command, environment, self.folder)

    def keep_logs(self, folder: Path) -> None:
        """Copy all logs to where they can be read after the end."""
        folder.mkdir(parents=True, exist_ok=True)
        for log in self.folder.glob("*.log"):
            (folder / log.name).write_bytes(log.read_bytes())

    def _start_servers(self, settings: Mapping[str, str], *, replicas: int) -> float:
        took, ports = 0.0, [free_port() for _ in range(replicas)]
        urls = [f"http://127.0.0.1:{port}/api" for port in ports]
        for number, (port, url) in enumerate(zip(ports, urls, strict=True), 1):
            own = {"PREFECT_API_URL": url, "PREFECT_HOME": str(self.folder / f"prefect-server-{number}")}
            command = [*PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(port)]
            command += ["--no-services"] if replicas > 1 else []
            server = launch(f"server-{number}", command, self.environment | dict(settings) | own, self.folder)
            self.servers.append(self._keep(server))
            # one after the other: two that fill an empty database at once stumble over each other, and one ends
            self.api.urls = (url,)
            took += until("Prefect's server", self.api.is_up)
        self.api.urls = tuple(urls)
        return took

    def _keep(self, process: Running) -> Running:
        self.stack.callback(process.stop)
        return process


IN_CHECKOUT = """
import os, runpy, sys
os.chdir(sys.argv.pop(1))
runpy.run_module("prefect", run_name="__main__")
"""
