"""`python -m sandbox`: the stand-in bot on this machine's loopback interface, until SIGTERM or Ctrl-C."""

import asyncio
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sandbox import logs
from sandbox.runner import BROKERS, PORTS, USUAL_PORTS, HomeError, Wish, run
from sandbox.scenarios import SCENARIOS
from sandbox.servers import HOST, PortTakenError


def _port_options(command: Callable[..., None]) -> Callable[..., None]:
    for name in reversed(PORTS):
        usual = f"{USUAL_PORTS[name]}, or a free one" if name in USUAL_PORTS else "a free one"
        text = f"Port of the {name} service; without it {usual}."
        command = click.option(f"--{name}-port", type=click.IntRange(1, 65535), help=text)(command)
    return command


def _broker_options(command: Callable[..., None]) -> Callable[..., None]:
    for name in reversed(BROKERS):
        text = f"Do not start {name} even where it is installed."
        command = click.option(f"--no-{name}", is_flag=True, help=text)(command)
    return command


@click.command()
@click.option("--home", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of its files.")
@click.option(
    "--scenario", type=click.Choice(list(SCENARIOS)), default="healthy", show_default=True, help="What to play."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the market and the trades.")
@click.option("--host", default=HOST, show_default=True, help="The address it listens on.")
@click.option("--called", help="The name by which others reach it; mandatory beyond loopback.")
@_port_options
@_broker_options
def main(home: Path, scenario: str, seed: int, host: str, called: str | None, **options: Any) -> None:  # noqa: ANN401 - ports and switches
    """Stand in for the whole bot until SIGTERM or Ctrl-C; HOME/sandbox.json then says where everything is.

    Who reaches it commands it: keep it to loopback, or to a network of containers.
    """
    if called is None and host != HOST:
        raise click.UsageError(f"to listen on {host}, beyond this machine, say by --called what others call it")
    logs.configure()
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # it tells of each start and end of each service
    ports = {name: port for name in PORTS if (port := options[f"{name}_port"]) is not None}
    chosen = tuple(name for name in BROKERS if not options[f"no_{name}"])
    try:
        asyncio.run(run(Wish(home, SCENARIOS[scenario], seed, ports, chosen, host, called or HOST)))
    except (HomeError, PortTakenError) as error:
        click.echo(f"sandbox: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main(prog_name="python -m sandbox")
