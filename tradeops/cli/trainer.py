"""`tradeops trainer`: becomes the training service, whose libraries this process never imports."""

import importlib.util
import os
import sys

import click
from dotenv import dotenv_values

from tradeops.errors import MisconfiguredError
from tradeops.retrain_settings import TRAINER_NAMES
from tradeops.settings import env_file, load_settings

LIBRARIES = ("keras", "jax", "sklearn", "uvicorn")


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []}, add_help_option=False)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def command(options: tuple[str, ...]) -> None:
    """Run the service that trains models and serves them; --help lists its options."""
    missing = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        remedy = "install them: pip install 'tradeops[trainer]'"
        raise MisconfiguredError("trainer", f"it needs {', '.join(missing)}", remedy=remedy)
    set_here = {name: value for name, value in os.environ.items() if name not in TRAINER_NAMES or value}
    in_file = {name: value for name, value in dotenv_values(env_file()).items() if name in TRAINER_NAMES and value}
    home = {"TRADEOPS_TRAINER_HOME": str(load_settings().home_folder / "trainer")}
    environment = {**home, **in_file, **set_here}
    os.execve(sys.executable, [sys.executable, "-m", "trainer", *options], environment)  # noqa: S606 - no shell
