"""`tradeops watchdog`: the guard that sends what waits and notices when jobs, Prefect or the store are gone."""

import asyncio
import logging
import signal

import click

from tradeops import logs
from tradeops.settings import Settings, load_settings, secrets_of


@click.command()
def command() -> None:
    """Guard the desk: send what waits, alarm when its jobs stop.

    Runs once per TRADEOPS_HOME, beside everything else and without needing it.
    """
    settings = load_settings()
    logs.configure(settings.log_format, secrets=secrets_of(settings))
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(_until_ended(settings))


async def _until_ended(settings: Settings) -> None:
    from tradeops.watchdog import watch  # noqa: PLC0415 - the command line does not know the watchdog until it is asked

    work = asyncio.ensure_future(watch(settings))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        logging.getLogger(__name__).info("ended")
