"""`tradeops deploy`: pool, deployments and automations onto a Prefect server that is there already."""

import asyncio
import os
from functools import partial
from pathlib import Path

import click

from tradeops.adapters.prefect_api.client import PrefectApiClient
from tradeops.cli.patience import patiently
from tradeops.cli.stack import Stack, own_environment, project_folder
from tradeops.errors import MisconfiguredError
from tradeops.http import open_pool
from tradeops.jobs.automations import Applied, apply, read_definitions
from tradeops.jobs.monitoring.parts import POOL
from tradeops.settings import Settings, load_settings
from tradeops.wiring import prefect_api


@click.command()
def command() -> None:
    """Put pool, deployments and automations onto your Prefect server.

    It is the one at PREFECT_API_URL; a second time changes nothing. Start a worker of the pool `tradeops` and
    `tradeops watchdog` beside it, where the bot can be reached.
    """
    asyncio.run(_deploy(load_settings()))


async def apply_automations(api: PrefectApiClient, project: Path) -> Applied:
    """Bring the server's automations in line with the project's automations.yaml.

    Raises:
        MisconfiguredError: the file is missing or wrong, or starts what is not deployed.
    """
    path = project / "automations.yaml"
    try:
        definitions = read_definitions(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MisconfiguredError("automations", f"{path} cannot be read: {error.strerror}") from error
    deployed = await patiently(partial(api.deployments, POOL))
    ids = {one.full_name: one.deployment_id for one in deployed}
    return await patiently(partial(apply, api, definitions, ids))  # begun anew, it leaves alone what it did already


async def _deploy(settings: Settings) -> None:
    async with open_pool(settings.tls) as pool:
        api = prefect_api(pool, settings)
        if api is None:
            remedy = "name your server, or use `tradeops up`, which starts one"
            raise MisconfiguredError("settings", "PREFECT_API_URL is not set", remedy=remedy)
        await api.health()
        stack = Stack(settings.home_folder, project_folder(), own_environment(os.environ, without=set()))
        await stack.deploy(api)
        done = await apply_automations(api, stack.project)
        for one in await patiently(partial(api.deployments, POOL)):
            click.echo(f"deployed    {one.full_name}")
        for what in ("created", "replaced", "removed", "unchanged"):
            for name in getattr(done, what):
                click.echo(f"{what:11} {name}")
