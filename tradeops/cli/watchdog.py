"""`tradeops watchdog`: the guard that sends what waits and notices when jobs, Prefect or the store are gone."""

import asyncio
import logging
import signal
from datetime import timedelta

import click

from tradeops import logs
from tradeops.errors import UnavailableError
from tradeops.jobs.monitoring import pulse
from tradeops.settings import Settings, load_settings, secrets_of

ROUNDS_LEFT_OUT = 4
LEAST_PATIENCE = timedelta(minutes=1)  # a round may wait for a store and for channels


@click.command()
@click.option("--check", is_flag=True, help="Say whether the one of this home is at work; starts nothing.")
def command(*, check: bool) -> None:
    """Guard the desk: send what waits, alarm when its jobs stop.

    Runs once per TRADEOPS_HOME, beside everything else and without needing it.
    """
    settings = load_settings()
    if check:
        _check(settings)
        return
    logs.configure(settings.log_format, secrets=secrets_of(settings))
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(_until_ended(settings))


def _check(settings: Settings) -> None:
    within = max(LEAST_PATIENCE, ROUNDS_LEFT_OUT * timedelta(seconds=settings.watchdog_seconds))
    halves = [pulse.WATCH] if settings.rust_api_url is None else [pulse.WATCH, pulse.GUARD]
    silent = pulse.silent(settings.home_folder, halves, within=within)
    if silent:
        told = (f"its {half} was " + ("never heard of" if age is None else f"last heard of {age:.0f} s ago")
                for half, age in silent.items())  # fmt: skip
        remedy = f"start it with TRADEOPS_HOME={settings.home_folder}, or see its log"
        raise UnavailableError("watchdog", "; ".join(told), remedy=remedy)
    click.echo(f"at work: {' and '.join(halves)}")


async def _until_ended(settings: Settings) -> None:
    from tradeops.watchdog import watch  # noqa: PLC0415 - the command line does not know the watchdog until it is asked

    work = asyncio.ensure_future(watch(settings))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        logging.getLogger(__name__).info("ended")
