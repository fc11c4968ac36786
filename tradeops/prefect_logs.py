"""JSON log lines of Prefect's own processes: server, worker and runs, without the secrets that are set there.

Prefect makes the formatter itself, by its name in an environment variable (`logs.FOR_PREFECT`), and hands it nothing:
it looks for the secrets where the settings do. It validates none of them: while one is wrong the others are hidden all
the same, and no log line can end a process.
"""

import base64
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import unquote

from dotenv import dotenv_values

from tradeops import logs
from tradeops.errors import MisconfiguredError
from tradeops.settings import Settings, env_file, secret_files

OF_PREFECT = (  # secrets of its server, which are no settings of ours
    "PREFECT_SERVER_API_AUTH_STRING",
    "PREFECT_SERVER_DATABASE_PASSWORD",
    "PREFECT_REDIS_MESSAGING_PASSWORD",
)
WITH_A_PASSWORD = ("PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_SERVER_DOCKET_URL")  # the rest of it is none
PASSWORD = re.compile(r"://[^/@:\s]*:([^/@\s]+)@")


class JsonLines(logs.JsonLines):
    """As `logs.JsonLines`, with every secret of this process's environment, settings file and secret files as `***`.

    Args:
        fmt, datefmt, style, validate: as `logging.config` hands them over; not used.
    """

    def __init__(
        self, fmt: str | None = None, datefmt: str | None = None, style: str = "%", validate: bool = True
    ) -> None:
        super().__init__(fmt, datefmt, style, validate, secrets=set(_secrets()))


def _secrets() -> Iterator[str]:
    in_file: dict[str, str | None] = {}
    with suppress(OSError, UnicodeDecodeError):
        in_file = dotenv_values(env_file())
    fields = Settings.model_fields.values()
    ours = [str(info.validation_alias) for info in fields if "SecretStr" in str(info.annotation)]
    for name in (*ours, *OF_PREFECT, *WITH_A_PASSWORD):
        values = [os.environ.get(name), in_file.get(name)]
        with suppress(MisconfiguredError):
            values.append(secret_files.read(name))
        for value in filter(None, values):
            if name not in WITH_A_PASSWORD:
                yield value.strip()
            yield from map(unquote, PASSWORD.findall(value))
            if name.endswith("AUTH_STRING"):  # alone, and as the header of Basic authentication has it
                yield value.partition(":")[2]
                yield base64.b64encode(value.encode()).decode()
