"""The settings of the dashboard."""

from pathlib import Path

import pytest

from tradeops.errors import MisconfiguredError
from tradeops.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for info in Settings.model_fields.values():
        monkeypatch.delenv(str(info.validation_alias), raising=False)
    monkeypatch.delenv("TRADEOPS_ENV_FILE", raising=False)
    monkeypatch.chdir(tmp_path)


def test_by_itself_it_is_for_this_machine_alone() -> None:
    settings = load_settings()
    assert (settings.dashboard_host, settings.dashboard_port, settings.dashboard_token) == ("127.0.0.1", 8090, None)
    assert not settings.dashboard_public_status
    assert settings.dashboard_trusted_proxies == ()


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("TOKEN", "fifteen-letters", "is shorter than 16 characters"),
        ("TOKEN", "with a break in it\n", "printable ASCII"),
        ("TOKEN", "ein-schlüssel-für-alle", "printable ASCII"),
        ("HOST", "http://desk", "no host name and no IP address"),
        ("HOST", "desk:8090", "no host name and no IP address"),
        ("PORT", "65536", "less than or equal to 65535"),
        ("NAMES", "desk.example.com:8090", "without a port"),
        ("PROXIES", "10.0.0.1/8", "no IP address or network"),
        ("PROXIES", "proxy", "no IP address or network"),
    ],
)
def test_a_bad_value_is_told_by_its_name_and_never_repeats_a_token(
    name: str, value: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"TRADEOPS_DASHBOARD_{name}", value)
    with pytest.raises(MisconfiguredError, match=rf"TRADEOPS_DASHBOARD_{name} .*{problem}") as raised:
        load_settings()
    assert name != "TOKEN" or value not in str(raised.value)


def test_the_names_it_answers_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEOPS_DASHBOARD_HOST", "0.0.0.0")  # noqa: S104 - nothing listens
    monkeypatch.setenv("TRADEOPS_DASHBOARD_NAMES", "Desk.Example.com, dashboard")
    assert load_settings().dashboard_host_names == {"desk.example.com", "dashboard"}
    monkeypatch.setenv("TRADEOPS_DASHBOARD_HOST", "Desk")
    assert "desk" in load_settings().dashboard_host_names
