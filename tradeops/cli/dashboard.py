"""`tradeops dashboard`: the web page that the operator leaves open."""

import logging

import click

from tradeops import logs
from tradeops.settings import load_settings, secrets_of


@click.command()
@click.option("--host", help="The address it listens on; beyond this machine TRADEOPS_DASHBOARD_TOKEN must be set.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port it listens on; 0 takes a free one.")
def command(host: str | None, port: int | None) -> None:
    """Serve the web page that shows how the bot is and was, until Ctrl-C; it changes nothing.

    Needs neither Prefect nor the bot: what is down is said on the page. Options stand above the settings
    TRADEOPS_DASHBOARD_….
    """
    from tradeops.dashboard.serving import serve  # noqa: PLC0415 - the command line does not know it until it is asked

    settings = load_settings()
    logs.configure(settings.log_format, secrets=secrets_of(settings))
    for name in ("httpx", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)
    given = {name: value for name, value in (("dashboard_host", host), ("dashboard_port", port)) if value is not None}
    serve(settings.model_copy(update=given), told=lambda address: click.echo(f"dashboard at {address}"))
