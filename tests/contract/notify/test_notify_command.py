"""`tradeops notify test` as a user types it, against real sinks."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.contract.notify.sinks import Mailbox, http_sink, smtp_sink
from tests.contract.servers.misbehaving import answer
from tradeops.settings import Settings

NAMES = {str(info.validation_alias) for info in Settings.model_fields.values()}


async def run(folder: Path, *options: str, **settings: str) -> tuple[int | None, str]:
    """Exit code, and all that was printed."""
    environment = {name: value for name, value in os.environ.items() if name not in NAMES}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tradeops.cli", "notify", "test", *options),
        cwd=folder,
        env=environment | {"PYTHONPATH": str(Path(__file__).parents[3]), "COLUMNS": "200"} | settings,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode()


async def test_each_channel_gets_one_message_and_its_outcome_is_told(tmp_path: Path) -> None:
    async with http_sink(answer(b"ok")) as slack, smtp_sink(Mailbox()) as mail:
        code, out = await run(
            tmp_path,
            SLACK_WEBHOOK_URL=f"{slack.url}/services/planted-secret",
            SMTP_HOST="127.0.0.1",
            SMTP_PORT=str(mail.port),
            EMAIL_FROM="desk@example.com",
            EMAIL_TO="you@example.com",
        )
    assert code == 0, out
    assert [line.split()[:2] for line in out.splitlines()[1:]] == [["slack", "accepted"], ["email", "accepted"]]
    assert len(slack.posts) == 1
    [(recipients, message)] = mail.mails
    assert recipients == ["you@example.com"]
    assert message["Subject"] == "[INFO] Test message"


async def test_one_failure_is_told_with_its_remedy_and_fails_the_command(tmp_path: Path) -> None:
    async with http_sink(answer(b"no_service", status="404 Not Found")) as slack, http_sink(answer(b"")) as discord:
        addresses = {
            "SLACK_WEBHOOK_URL": f"{slack.url}/services/planted-secret",
            "DISCORD_WEBHOOK_URL": f"{discord.url}/planted-secret",
        }
        code, out = await run(tmp_path, **addresses)
        assert code == 1, out
        assert "no_service" in out
        assert "check SLACK_WEBHOOK_URL" in out
        assert "planted-secret" not in out
        assert len(discord.posts) == 1
        code, out = await run(tmp_path, "--channel", "discord", **addresses)
        assert code == 0, out
    assert (len(slack.posts), len(discord.posts)) == (1, 2)


@pytest.mark.parametrize(
    ("options", "settings", "problem"),
    [
        pytest.param((), {}, "no channel is set up or switched on", id="nothing set up"),
        pytest.param(
            ("--channel", "pigeon"),
            {"SLACK_WEBHOOK_URL": "http://127.0.0.1:9/x"},
            "no channel 'pigeon': set up are slack",
            id="unknown",
        ),
        pytest.param((), {"SMTP_HOST": "127.0.0.1"}, "EMAIL_TO has no address", id="no recipients"),
    ],
)
async def test_nobody_to_tell_is_a_wrong_setting(
    options: tuple[str, ...], settings: dict[str, str], problem: str, tmp_path: Path
) -> None:
    code, out = await run(tmp_path, *options, **settings)
    assert code == 2, out
    assert problem in out
