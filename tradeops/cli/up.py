"""`tradeops up`: everything started, the jobs run once, their schedule kept until Ctrl-C."""

import asyncio
import os
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Never

import click
import httpx
from pydantic import SecretStr
from rich.console import Console
from rich.text import Text

from tradeops.adapters.prefect_api.client import Deployment, PrefectApiClient
from tradeops.adapters.probes import host
from tradeops.cli import EXIT_FAILED
from tradeops.cli.deploy import apply_automations
from tradeops.cli.night import Job, run_night
from tradeops.cli.patience import patiently
from tradeops.cli.stack import Stack, own_environment, project_folder
from tradeops.domain.health import ProbeResult, Severity, Status, judge
from tradeops.errors import MisconfiguredError
from tradeops.http import open_pool
from tradeops.jobs.monitoring.health import thresholds
from tradeops.jobs.monitoring.parts import POOL
from tradeops.jobs.only_one import only_one
from tradeops.logs import FOR_PREFECT
from tradeops.settings import Settings, env_file, load_settings
from tradeops.wiring import prefect_api

KEPT_FOR_THE_SANDBOX = {
    "TRADEOPS_HOME",
    "PREFECT_API_URL",
    "PREFECT_UI_URL",
    "PREFECT_API_KEY",
    "PREFECT_API_AUTH_STRING",
    "TRADEOPS_CA_FILE",
    "TRADEOPS_CLIENT_CERT_FILE",
}
STATE_OF = {Severity.HEALTHY: "Completed", Severity.DEGRADED: "Degraded", Severity.CRITICAL: "Critical"}
MOST_RESTARTS = 3
SHELL = "shell"
RETRAIN = "adaptive-retrain"
WATCH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for.

    Attributes:
        once: end after the jobs.
        scenario: of the sandbox.
        seed: of its market; `None` takes its default.
        dashboard: whether to start it; with `once` it is not, since nobody could look at it for long.
    """

    once: bool
    scenario: str
    seed: int | None
    dashboard: bool = True


@click.command()
@click.option("--once", is_flag=True, help="End after the jobs; exit 0 only if each ended as its scenario expects.")
@click.option(
    "--scenario",
    type=click.Choice(["healthy", "degrading", "crash", "flaky", "losing"]),
    default="degrading",
    show_default=True,
    help="What the sandbox bot goes through.",
)
@click.option("--seed", type=int, help="Seed of the sandbox's market.")
@click.option("--no-dashboard", is_flag=True, help="Do not start the dashboard.")
def command(*, once: bool, scenario: str, seed: int | None, no_dashboard: bool) -> None:
    """Start everything, run the jobs once, keep their schedule until Ctrl-C.

    Uses the bot at RUST_API_URL and the Prefect server at PREFECT_API_URL where they are set; otherwise a sandbox bot
    and a server of its own, both on this machine alone.
    """
    raise SystemExit(asyncio.run(_until_interrupted(load_settings(), Wish(once, scenario, seed, not no_dashboard))))


async def _until_interrupted(settings: Settings, wish: Wish) -> int:
    work = asyncio.ensure_future(_up(settings, wish))
    loop = asyncio.get_running_loop()

    def end_once() -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, lambda: None)  # a second Ctrl-C must not leave half of it behind
        work.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end_once)
    try:
        return await work
    except asyncio.CancelledError:
        return EXIT_FAILED if wish.once else 0


async def _up(settings: Settings, wish: Wish) -> int:
    console = Console(highlight=False)
    home, project = _writable(settings.home_folder), project_folder()
    own_names = {str(info.validation_alias) for info in Settings.model_fields.values()} - KEPT_FOR_THE_SANDBOX
    without = own_names if settings.rust_api_url is None else set()
    environment = own_environment(os.environ, without=without) | _for_children(settings)
    stack = Stack(home, project, environment)
    with only_one(home, "up"):
        async with open_pool(settings.tls) as pool:
            try:
                api = await _start(stack, pool, settings, wish, console)
                deployments = await patiently(partial(api.deployments, POOL))
                expected = await _expected(stack, settings)
                jobs = await run_night(api, _runnable(stack, deployments), expected, ui=_ui(api), console=console)
                await _tell(console, stack, api, deployments, jobs, stays=not wish.once)
                if wish.once:
                    return 0 if jobs and all(job.as_expected for job in jobs) else EXIT_FAILED
                await _keep_running(stack, console)
            finally:
                console.print("\n[dim]Stopping …[/dim]")
                await asyncio.to_thread(stack.stop)
                (home / SHELL).unlink(missing_ok=True)


def _runnable(stack: Stack, deployments: Sequence[Deployment]) -> list[Deployment]:
    """All but the retrain where there is no trainer of the sandbox: nobody's real models are trained unasked."""
    own_trainer = any(process.name == "trainer" for process in stack.processes)
    return [one for one in deployments if own_trainer or not one.full_name.endswith(f"/{RETRAIN}")]


async def _start(
    stack: Stack, pool: httpx.AsyncClient, settings: Settings, wish: Wish, console: Console
) -> PrefectApiClient:
    sandboxed, own_server = settings.rust_api_url is None, settings.prefect_api_url is None
    if own_server:
        await stack.start_server()
    if sandboxed:
        with _step(console, f"sandbox bot ({wish.scenario})"):
            await stack.start_sandbox(wish.scenario, wish.seed)
        with _step(console, "trainer"):
            chosen = settings.retrain_models if "retrain_models" in settings.model_fields_set else None
            trains = await stack.start_trainer(once=wish.once, models=chosen)
        if not trains:
            console.print("  [dim]its libraries are not installed, so no model is trained[/dim]")
    api = prefect_api(pool, settings.model_copy(update={"prefect_api_url": stack.environment["PREFECT_API_URL"]}))
    assert api is not None  # noqa: S101 - it has an address
    with _step(console, "Prefect server" if own_server else f"Prefect at {api.base_url}"):
        await stack.server_answers(api)
    with _step(console, "deployments"):
        await stack.deploy(api)
        await apply_automations(api, stack.project)
    if wish.dashboard and not wish.once:
        wished = not sandboxed and "dashboard_port" in settings.model_fields_set
        with _step(console, "dashboard"):
            await stack.start_dashboard(settings.dashboard_port if wished else None)
        console.print(f"  [dim]{stack.dashboard}[/dim]", soft_wrap=True)
    with _step(console, "worker"):
        await stack.start_worker(api)
    if not stack.start_watchdog():
        console.print(f"[green]✓[/green] {'watchdog, which runs already':40}")
    console.print()
    return api


def _for_children(settings: Settings) -> dict[str, str]:
    """What the children, which run in another folder, would otherwise not find or take for another place."""
    told = {
        **({"TRADEOPS_LOG_FORMAT": "json", **FOR_PREFECT} if settings.log_format == "json" else {}),
        "TRADEOPS_HOME": str(settings.home_folder),
        "TRADEOPS_ENV_FILE": str(env_file().absolute()),
        "PREFECT_API_URL": settings.prefect_api_url,
        "PREFECT_UI_URL": settings.prefect_ui_url,
        "PREFECT_API_KEY": _revealed(settings.prefect_api_key),
        "PREFECT_API_AUTH_STRING": _revealed(settings.prefect_api_auth_string),
        "TRADEOPS_DASHBOARD_URL": settings.dashboard_url if settings.rust_api_url else None,
        "TRADEOPS_CA_FILE": str(settings.ca_file.absolute()) if settings.ca_file else None,
        "TRADEOPS_CLIENT_CERT_FILE": str(settings.client_cert_file.absolute()) if settings.client_cert_file else None,
    }
    return {name: value for name, value in told.items() if value}


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


async def _expected(stack: Stack, settings: Settings) -> dict[str, str]:
    """The states that the scenario expects; the disk and the memory are this machine's own, whatever the scenario."""
    expected: dict[str, str] = dict(stack.sandbox["expected_states"]) if stack.sandbox else {}
    limits = thresholds(settings)
    used = {
        "disk": await host.disk_used_percent(settings.disk_path),
        "memory": await host.memory_used_percent(),
    }
    own = max(judge(ProbeResult(part, Status.HEALTHY, used_percent=u), limits).severity for part, u in used.items())
    return {
        job: STATE_OF[own] if job == "system-health-check" and state == STATE_OF[Severity.HEALTHY] else state
        for job, state in expected.items()
    }


async def _tell(
    console: Console,
    stack: Stack,
    api: PrefectApiClient,
    deployments: Sequence[Deployment],
    jobs: Sequence[Job],
    *,
    stays: bool,
) -> None:
    console.print()
    if not stays:  # addresses that are dead a second later help nobody
        console.print(Text(f"  {'logs':28} {stack.home / 'logs'}"), soft_wrap=True)
        return
    rows: dict[str, str] = {"dashboard": stack.dashboard} if stack.dashboard else {}
    rows["Prefect UI"] = f"{_ui(api)}/dashboard"
    for job in jobs:
        artifact = await patiently(partial(api.artifact_id, job.name))
        if artifact:
            rows[job.name] = f"{_ui(api)}/artifacts/artifact/{artifact}"
    rows |= stack.sandbox["pages"] if stack.sandbox else {}
    rows["logs"] = str(stack.home / "logs")
    for name, where in rows.items():
        console.print(f"  {name:28} {where}", soft_wrap=True, markup=False)
    upcoming = await patiently(partial(api.next_runs, [d.deployment_id for d in deployments], limit=1))
    at = upcoming[0].expected_at if upcoming else None
    console.print(f"  {'next scheduled run':28} {f'{at:%H:%M} UTC' if at else 'none yet'}")
    shell = _write_shell(stack)
    command = Text(f". {shlex.quote(str(shell))}", "bold")
    console.print(Text.assemble("\nIn a second terminal: ", command, " and then, for example,"), soft_wrap=True)
    console.print("  prefect deployment run 'system-health-check/system-health-check'", soft_wrap=True)


async def _keep_running(stack: Stack, console: Console) -> Never:
    """Watch the processes; one that ends is started again, and said, a few times; never does the schedule stop unsaid.

    Raises:
        UnavailableError: one ends again and again, or the sandbox, whose history is gone, has ended.
    """
    console.print("\nThe schedule runs. Ctrl-C ends it all.")
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        for process in stack.processes:
            code = process.exit_code()
            if code is None:
                continue
            if process.name == "sandbox" or process.restarts >= MOST_RESTARTS:
                process.check()
            process.restarts += 1
            ended = Text(f"{process.name} ended with exit code {code}:", "red")
            console.print(Text.assemble(ended, f"\n{process.tail()}\nStarting it again."))
            process.start()


def _write_shell(stack: Stack) -> Path:
    """A file to source in another terminal, so that its commands mean this server and this sandbox, if there is one."""
    names = [
        "PREFECT_API_URL",
        "PREFECT_API_AUTH_STRING",
        "PREFECT_HOME",
        "TRADEOPS_HOME",
        "TRADEOPS_ENV_FILE",
        "TRAINER_URL",
    ]
    names += stack.sandbox["environment"] if stack.sandbox else []
    lines = [f"export {n}={shlex.quote(stack.environment[n])}" for n in names if n in stack.environment]
    lines.append(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH")
    path = stack.home / SHELL
    path.touch(mode=0o600)  # before anything is in it: some addresses carry passwords
    path.chmod(0o600)
    path.write_text("\n".join([*lines, ""]))
    return path


def _ui(api: PrefectApiClient) -> str:
    return api.base_url.removesuffix("/api")


def _writable(home: Path) -> Path:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / "logs").mkdir(exist_ok=True)
        for folder in (home, home / "logs"):
            with tempfile.TemporaryFile(dir=folder):
                pass
    except OSError as error:
        remedy = "set TRADEOPS_HOME to a folder that you may write"
        raise MisconfiguredError("TRADEOPS_HOME", f"{home} cannot be used: {error.strerror}", remedy=remedy) from error
    return home


@contextmanager
def _step(console: Console, what: str) -> Generator[None]:
    started = time.monotonic()
    with console.status(f"{what} …"):
        yield
    console.print(f"[green]✓[/green] {what:40} [dim]{time.monotonic() - started:5.1f} s[/dim]")
