"""`tradeops watchdog`: the guard that sends what waits and notices when jobs, Prefect or the store are gone."""

import asyncio
import logging
import signal

import click

from tradeops.settings import Settings, load_settings


@click.command()
def command() -> None:
    """Guard the desk: send what waits, alarm when its jobs stop.

    Runs once per TRADEOPS_HOME, beside everything else and without needing it.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(_until_ended(load_settings()))


async def _until_ended(settings: Settings) -> None:
    from tradeops.watchdog import watch  # noqa: PLC0415 - the command line does not know the watchdog until it is asked

    work = asyncio.ensure_future(watch(settings))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        logging.getLogger(__name__).info("ended")
