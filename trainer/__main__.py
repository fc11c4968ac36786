"""Starts the service: `python -m trainer`; options stand above the settings of the environment."""

import os
from pathlib import Path
from typing import Any, Literal

import click
import uvicorn
from pydantic import ValidationError

from tradeops import logs
from trainer.app import build_app
from trainer.settings import TrainerSettings


@click.command()
@click.option("--host", help="The address it listens on.")
@click.option("--port", type=int, help="The port it listens on.")
@click.option("--home", type=click.Path(path_type=Path), help="Where data sets, jobs and models are kept.")
def main(**options: Any) -> None:  # noqa: ANN401 - passed on to the settings, which check them
    """Train models and serve them; files are its user's alone."""
    os.umask(0o077)
    given = {name: value for name, value in options.items() if value is not None}
    try:
        settings = TrainerSettings(_secrets_dir=os.environ.get("TRADEOPS_SECRETS_DIR") or None, **given)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'trainer'}: {one['msg']}" for one in error.errors())
        raise click.UsageError(problems) from None
    secrets = [settings.token.get_secret_value()] if settings.token else []
    style: Literal["text", "json"] = "json" if os.environ.get("TRADEOPS_LOG_FORMAT") == "json" else "text"
    logs.configure(style, text=logs.TEXT_WITH_NAME, secrets=secrets)
    uvicorn.run(build_app(settings), host=settings.host, port=settings.port, log_config=None, access_log=False)


if __name__ == "__main__":
    main()
