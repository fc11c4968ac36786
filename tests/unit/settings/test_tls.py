"""Settings of TLS: files that can be used, and no way to trust everybody."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.contract.servers.authority import Authority
from tradeops.settings import Settings


def settings(**values: object) -> Settings:
    return Settings(_env_file=None, **values)  # type: ignore[arg-type]


def test_our_certificate_is_shown_to_services_of_the_bot_alone(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = settings(
        TRADEOPS_CA_FILE=authority.file,
        TRADEOPS_CLIENT_CERT_FILE=authority.issue("desk"),
        RUST_API_URL="https://engine:8443",
        PYTHON_API_URL="http://plain",
        TRADEOPS_RABBITMQ_MANAGEMENT_URL="https://user:password@broker:15671",
        BINANCE_API_URL="https://api.binance.com",
    ).tls
    assert tls.origins == ("https://engine:8443", "https://broker:15671")
    assert settings(RUST_API_URL="https://engine:8443").tls.origins == ()


@pytest.mark.parametrize("name", ["TRADEOPS_CA_FILE", "TRADEOPS_CLIENT_CERT_FILE"])
@pytest.mark.parametrize(
    ("content", "problem"), [(None, "cannot be read"), ("nonsense", "PEM")], ids=["missing", "nonsense"]
)
def test_a_file_that_cannot_be_used_stops_start_up(
    name: str, content: str | None, problem: str, tmp_path: Path
) -> None:
    file = tmp_path / "file.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ValidationError, match=rf"{name} .*{problem}.*file\.pem"):
        settings(**{name: file})


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("MONGODB_URL", "mongodb://a,b/?tls=true&tlsInsecure=true"),
        ("MONGODB_URL", "mongodb+srv://a/?TLSALLOWINVALIDCERTIFICATES=true"),
        ("MONGODB_URL", "mongodb://a/?tls=true;tlsAllowInvalidHostnames=%74rue"),
        ("REDIS_URL", "rediss://a/0?ssl_cert_reqs=none"),
        ("REDIS_URL", "rediss://a/0?ssl_check_hostname=false"),
        ("RABBITMQ_URL", "amqps://a/?no_verify_ssl=1"),
        ("NOTIFY_URLS", "ntfys://ntfy.sh/desk jsons://a/?Verify=no"),
        ("NOTIFY_URLS", "jsons://a/?verify="),
    ],
)
def test_no_address_may_switch_verification_off(name: str, address: str) -> None:
    with pytest.raises(ValidationError, match=r"must not say \w+: name the authority in TRADEOPS_CA_FILE instead"):
        settings(**{name: address})


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("MONGODB_URL", "mongodb://a/?tls=true&tlsInsecure=false&tlsCAFile=/etc/ca.pem"),
        ("REDIS_URL", "rediss://a/0?ssl_cert_reqs=required"),
        ("RABBITMQ_URL", "amqps://a/?no_verify_ssl=0&cafile=/etc/ca.pem"),
        ("NOTIFY_URLS", "jsons://a/?verify=yes"),
    ],
)
def test_saying_what_holds_anyhow_is_allowed(name: str, address: str) -> None:
    assert settings(**{name: address})
