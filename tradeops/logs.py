"""How our log lines look: text for people, or one JSON object a line for a collector, with the ids of what it tells.

It knows neither settings nor Prefect, so that each of our processes can use it and say which secrets it hides. In those
of Prefect `tradeops.prefect_logs` does that, named as a formatter by environment variables (`FOR_PREFECT`).
"""

import json
import logging
import os
import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal

from tradeops.redaction import Redactor

TEXT = "%(asctime)s %(levelname)s %(message)s"
TEXT_WITH_NAME = "%(asctime)s %(levelname)s %(name)s: %(message)s"
FOR_PREFECT: Mapping[str, str] = {
    "PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER": "json",
    "PREFECT_LOGGING_FORMATTERS_JSON_CLASS": "tradeops.prefect_logs.JsonLines",
}
RUN_OF_THIS_PROCESS = "PREFECT__FLOW_RUN_ID"  # set by Prefect's workers
IDS = ("job", "flow_run_id", "flow_run_name", "task_run_id", "decision_id", "incident_id")
SHORTEST_SECRET = 4  # a shorter one is a part of too many words

_about: ContextVar[Mapping[str, str]] = ContextVar("about", default=MappingProxyType({}))


@contextmanager
def about(**ids: str) -> Generator[None]:
    """Let the lines of the block bear these ids; those of the block around it stay."""
    token = _about.set({**_about.get(), **ids})
    try:
        yield
    finally:
        with suppress(ValueError):  # of a generator that is thrown away from elsewhere
            _about.reset(token)


class Masked(logging.Formatter):
    """Text lines, without our secrets.

    Args:
        fmt: of the line, as `logging.Formatter` takes it.
        secrets: what must not be seen, whoever puts it into a message or an exception.
    """

    def __init__(self, fmt: str, secrets: Iterable[str] = ()) -> None:
        super().__init__(fmt)
        self._mask = _masking(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """The line, with a traceback below it if there is one."""
        return self._mask(super().format(record))


class JsonLines(logging.Formatter):
    """One JSON object a line: `at` (UTC), `level`, `logger`, `message`, `process`, the ids, `error`.

    Args:
        fmt, datefmt, style, validate: as `logging.config` hands them over; not used.
        secrets: as for `Masked`.
    """

    def __init__(
        self,
        fmt: str | None = None,
        datefmt: str | None = None,
        style: str = "%",
        validate: bool = True,
        *,
        secrets: Iterable[str] = (),
    ) -> None:
        del fmt, datefmt, style, validate
        super().__init__()
        self._mask = _masking(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """The line; what is no JSON in a message is written as its text."""
        body: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._mask(record.getMessage()),
            "process": record.process,
            **_ids(record),
        }
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            body["error"] = {
                "type": type(error).__name__,
                "message": self._mask(str(error)),
                "traceback": self._mask(self.formatException(record.exc_info)),
            }
        return json.dumps(body, ensure_ascii=False, default=str)


def configure(style: Literal["text", "json"], *, text: str = TEXT, secrets: Iterable[str] = ()) -> None:
    """Log from INFO on to standard error, unless the process logs already.

    Args:
        style: of the lines.
        text: the format of lines of text.
        secrets: what must not be seen.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(secrets=secrets) if style == "json" else Masked(text, secrets))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _ids(record: logging.LogRecord) -> dict[str, str]:
    run = os.environ.get(RUN_OF_THIS_PROCESS)
    found = {**({"flow_run_id": run} if run else {}), **_about.get()}
    found |= {name: str(value) for name in IDS if (value := getattr(record, name, None))}
    return {name: found[name] for name in (*IDS, *found) if name in found}


def _masking(secrets: Iterable[str]) -> Callable[[str], str]:
    return Redactor(one for one in secrets if len(one) >= SHORTEST_SECRET).text
