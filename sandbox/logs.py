"""Lines of JSON where TRADEOPS_LOG_FORMAT=json asks for them, with the fields that the product's own lines have."""

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any

TEXT = "%(levelname)s %(name)s: %(message)s"


class JsonLines(logging.Formatter):
    """One object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; a traceback is one of its fields."""
        body: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if record.exc_info:
            body["error"] = {"traceback": self.formatException(record.exc_info)}
        return json.dumps(body, ensure_ascii=False)


def configure() -> None:
    """Log from INFO on to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    is_json = os.environ.get("TRADEOPS_LOG_FORMAT") == "json"
    handler.setFormatter(JsonLines() if is_json else logging.Formatter(TEXT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
