"""Locks of a home, held by this process and by one that is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tradeops.errors import MisconfiguredError, UnavailableError
from tradeops.jobs.only_one import is_held, only_one

HOLDER = """
import sys, time
from pathlib import Path
from tradeops.jobs.only_one import only_one
with only_one(Path(sys.argv[1]), "watchdog"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_is_held_until_its_block_ends_and_names_its_holder(tmp_path: Path) -> None:
    home = tmp_path / "not" / "made" / "yet"
    assert not is_held(home, "watchdog")
    with only_one(home, "watchdog"):
        assert is_held(home, "watchdog")
        already = f"tradeops watchdog: already runs in .* as process {os.getpid()}"
        with pytest.raises(UnavailableError, match=already), only_one(home, "watchdog"):
            pytest.fail("two at once")
        assert is_held(home, "watchdog")
    assert not is_held(home, "watchdog")
    assert home.stat().st_mode & 0o777 == 0o700


def test_another_kind_and_another_home_are_free(tmp_path: Path) -> None:
    with only_one(tmp_path, "watchdog"):
        assert not is_held(tmp_path, "up")
        assert not is_held(tmp_path / "other", "watchdog")
        with only_one(tmp_path, "up"), only_one(tmp_path / "other", "watchdog"):
            pass


def test_asking_takes_nothing(tmp_path: Path) -> None:
    assert not is_held(tmp_path, "watchdog")
    with only_one(tmp_path, "watchdog"):
        holder = (tmp_path / "watchdog.lock").read_text()
        assert is_held(tmp_path, "watchdog")
        assert (tmp_path / "watchdog.lock").read_text() == holder == str(os.getpid())


def test_a_killed_holder_leaves_the_lock_free(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert is_held(tmp_path, "watchdog")
        with pytest.raises(UnavailableError, match=f"as process {other.pid};"), only_one(tmp_path, "watchdog"):
            pytest.fail("two at once")
        other.send_signal(signal.SIGKILL)
        other.wait(10)
    assert not is_held(tmp_path, "watchdog")
    with only_one(tmp_path, "watchdog"):
        assert (tmp_path / "watchdog.lock").read_text() == str(os.getpid())


def test_a_home_that_cannot_be_made_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    home = tmp_path / "file" / "home"
    with pytest.raises(MisconfiguredError, match=f"TRADEOPS_HOME: {home} cannot be used"), only_one(home, "watchdog"):
        pytest.fail("nowhere to be")
    assert not is_held(home, "watchdog")
