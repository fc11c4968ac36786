"""Each log line is one that a collector can read, bears the ids of what it is about, and no secret."""

import json
import logging
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from tradeops import logs
from tradeops.settings import Settings, secrets_of

SECRET = "planted-secret"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """What a logger of ours writes as JSON."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonLines(secrets=[SECRET]))
    logger = logging.getLogger("tradeops.of_test")
    monkeypatch.setattr(logger, "handlers", [handler])
    monkeypatch.setattr(logger, "propagate", False)
    logger.setLevel(logging.INFO)
    return stream


def test_a_line_is_one_object_in_utc_with_its_ids(lines: StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", "run-1")
    log = logging.getLogger("tradeops.of_test")
    with logs.about(job="system-health-check"):
        log.warning("two\nlines, %s", "one object", extra={"incident_id": "rsi-1"})
    log.info("%s", {"not": "about a job"})
    first, second = map(json.loads, lines.getvalue().splitlines())
    assert first.pop("at").endswith("+00:00")
    assert first == {
        "level": "warning",
        "logger": "tradeops.of_test",
        "message": "two\nlines, one object",
        "process": os.getpid(),
        "job": "system-health-check",
        "flow_run_id": "run-1",
        "incident_id": "rsi-1",
    }
    assert "job" not in second


def test_no_secret_is_in_message_error_or_traceback(lines: StringIO) -> None:
    try:
        raise RuntimeError(f"refused {SECRET}")  # noqa: TRY301 - it needs a traceback
    except RuntimeError:
        logging.getLogger("tradeops.of_test").exception("it broke at %s", f"redis://user:{SECRET}@host")
    [line] = map(json.loads, lines.getvalue().splitlines())
    assert line["error"]["type"] == "RuntimeError"
    assert "Traceback" in line["error"]["traceback"]
    assert SECRET not in lines.getvalue()
    text = logs.Masked(logs.TEXT, [SECRET, "a"]).format(
        logging.makeLogRecord({"msg": f"a {SECRET}", "levelname": "INFO"})
    )
    assert text.endswith(" INFO a ***")


def test_the_secrets_of_the_settings_are_known_and_passwords_within_addresses() -> None:
    redis, key = f"redis://:{SECRET}@127.0.0.1:9/0", "sk-planted"
    found = secrets_of(Settings(_env_file=None, REDIS_URL=redis, OPENAI_API_KEY=key))
    assert {redis, SECRET, key} <= set(found)


def test_prefect_writes_such_lines_too_when_its_environment_says_so() -> None:
    code = """
import logging
from prefect.logging.configuration import setup_logging
setup_logging()
logging.getLogger("prefect.flow_runs").warning("of Prefect", extra={"flow_run_name": "odd-owl"})
logging.getLogger("tradeops.jobs").warning("of ours")
"""
    environment = os.environ | dict(logs.FOR_PREFECT) | {"PREFECT__FLOW_RUN_ID": "run-1"}
    environment |= {"PREFECT_LOGGING_EXTRA_LOGGERS": "tradeops", "PREFECT_LOGGING_TO_API_ENABLED": "false"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    first, second = map(json.loads, done.stderr.splitlines())
    assert (first["message"], first["flow_run_id"], first["flow_run_name"]) == ("of Prefect", "run-1", "odd-owl")
    assert (second["message"], second["flow_run_id"]) == ("of ours", "run-1")


def test_prefects_own_processes_hide_the_secrets_wherever_they_are_set_and_while_a_setting_is_wrong(
    tmp_path: Path,
) -> None:
    (tmp_path / "env").write_text(f"OPENAI_API_KEY=sk-{SECRET}-in-file\n")
    (tmp_path / "MONGODB_URL").write_text(f"mongodb://desk:{SECRET}%40mongo@127.0.0.1/")
    code = f"""
from prefect.logging.configuration import setup_logging
import logging
setup_logging()
log = logging.getLogger("prefect.workers")
log.warning("sk-{SECRET}-in-file, {SECRET}@mongo, {SECRET}%40mongo, {SECRET}-token")
log.warning("{SECRET}-basic, YWRtaW46cGxhbnRlZC1zZWNyZXQtYmFzaWM=, {SECRET}-database")
try:
    raise OSError("{SECRET}-token")
except OSError:
    log.exception("but what is no secret is told: desk, 127.0.0.1, postgresql://prefect")
"""
    environment = os.environ | dict(logs.FOR_PREFECT)
    environment |= {
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "TRADEOPS_ENV_FILE": str(tmp_path / "env"),
        "TRADEOPS_SECRETS_DIR": str(tmp_path),
        "RUST_API_URL": "not an address",
        "TRADEOPS_ENGINE_TOKEN": f"{SECRET}-token",
        "PREFECT_API_AUTH_STRING": f"admin:{SECRET}-basic",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://prefect:{SECRET}-database@127.0.0.1/prefect",
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    addresses, basic, error = map(json.loads, done.stderr.splitlines())
    assert addresses["message"] == "***, ***, ***, ***"
    assert basic["message"] == "***, ***, ***"
    assert error["message"] == "but what is no secret is told: desk, 127.0.0.1, postgresql://prefect"
    assert error["error"]["message"] == "***"
    assert SECRET not in done.stderr


def test_the_sandbox_writes_lines_of_the_same_kind() -> None:
    code = "from sandbox import logs; import logging; logs.configure(); logging.getLogger('x').warning('y')"
    environment = os.environ | {"TRADEOPS_LOG_FORMAT": "json"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    line = json.loads(done.stderr)
    assert (line["level"], line["logger"], line["message"]) == ("warning", "x", "y")
