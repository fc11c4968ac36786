"""`tradeops trainer`: becomes the training service, whose libraries this process never imports."""

import importlib.util
import os
import sys

import click
from dotenv import dotenv_values

from tradeops.errors import MisconfiguredError
from tradeops.settings import env_file, load_settings
from tradeops.settings.retrain import TRAINER_NAMES

LIBRARIES = ("keras", "jax", "sklearn", "uvicorn")


@click.command()
@click.option("--host", help="The address it listens on.")
@click.option("--port", type=int, help="The port it listens on.")
@click.option("--home", type=click.Path(), help="Where data sets, jobs and models are kept.")
def command(**options: object) -> None:
    """Run the service that trains models and serves them.

    Options stand above the settings TRADEOPS_TRAINER_….
    """
    missing = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        remedy = "install them: pip install 'tradeops[trainer]'"
        raise MisconfiguredError("trainer", f"it needs {', '.join(missing)}", remedy=remedy)
    given = [f"--{name}={value}" for name, value in options.items() if value is not None]
    set_here = {name: value for name, value in os.environ.items() if name not in TRAINER_NAMES or value}
    in_file = {name: value for name, value in dotenv_values(env_file()).items() if name in TRAINER_NAMES and value}
    settings = load_settings()
    ours = {"TRADEOPS_TRAINER_HOME": str(settings.home_folder / "trainer"), "TRADEOPS_LOG_FORMAT": settings.log_format}
    environment = {**ours, **in_file, **set_here}
    os.execve(sys.executable, [sys.executable, "-m", "trainer", *given], environment)  # noqa: S606 - no shell
