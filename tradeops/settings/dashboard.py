"""The settings of the dashboard: where it listens, and whom it lets in."""

import re
from ipaddress import ip_address, ip_network
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings

from tradeops.settings.fields import READING, HttpAddress, parse_list, setting

SHORTEST_TOKEN = 16
ANY_ADDRESS = {"0.0.0.0", "::"}  # noqa: S104 - compared with, not listened on
NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,252}[A-Za-z0-9_])?")


def _long_token(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if len(text) < SHORTEST_TOKEN:
        raise ValueError(f"is shorter than {SHORTEST_TOKEN} characters")
    if not text.isascii() or not text.isprintable() or text != text.strip():
        raise ValueError("must be printable ASCII without blanks around it")
    return value


def _listening_host(value: str) -> str:
    if not is_address(value) and not NAME.fullmatch(value):
        raise ValueError("is no host name and no IP address")
    return value


def _names(value: str) -> str:
    for name in parse_list(value):
        if not NAME.fullmatch(name):
            raise ValueError(f"names {name!r}, which is no host name without a port")
    return value


def _networks(value: str) -> str:
    for item in parse_list(value):
        try:
            ip_network(item)
        except ValueError:
            raise ValueError(f"names {item!r}, which is no IP address or network") from None
    return value


def is_address(host: str) -> bool:
    """Whether this is an IP address and no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


class DashboardSettings(BaseSettings):
    """The part of `Settings` that concerns the dashboard."""

    model_config = READING

    dashboard_host: Annotated[str, AfterValidator(_listening_host)] = setting(
        "TRADEOPS_DASHBOARD_HOST",
        "127.0.0.1",
        "0.0.0.0",  # noqa: S104 - an example
        "The address that the dashboard listens on.",
    )
    dashboard_port: Annotated[int, Field(ge=0, le=65535)] = setting(
        "TRADEOPS_DASHBOARD_PORT", 8090, "8090", "Its port; 0 takes a free one."
    )
    dashboard_token: Annotated[SecretStr, AfterValidator(_long_token)] | None = setting(
        "TRADEOPS_DASHBOARD_TOKEN",
        None,
        "a-long-random-text",
        "What visitors must know, at least 16 characters; mandatory beyond this machine.",
    )
    dashboard_url: HttpAddress | None = setting(
        "TRADEOPS_DASHBOARD_URL",
        None,
        "https://desk.example.com",
        "Where people reach it; alerts then link to the page of their incident.",
    )
    dashboard_names: Annotated[str, AfterValidator(_names)] | None = setting(
        "TRADEOPS_DASHBOARD_NAMES",
        None,
        "desk.example.com,dashboard",
        "Host names it answers to, besides localhost and IP addresses.",
    )
    dashboard_proxies: Annotated[str, AfterValidator(_networks)] | None = setting(
        "TRADEOPS_DASHBOARD_PROXIES",
        None,
        "127.0.0.1,172.16.0.0/12",
        "Reverse proxies whose word on visitor and https is believed.",
    )
    dashboard_public_status: bool = setting(
        "TRADEOPS_DASHBOARD_PUBLIC_STATUS",
        False,
        "true",
        "true shows status page and badge, which hold states and no money, without the token.",
    )

    @property
    def dashboard_host_names(self) -> frozenset[str]:
        """TRADEOPS_DASHBOARD_NAMES, in small letters, and the name it listens on."""
        names = {name.lower() for name in parse_list(self.dashboard_names)}
        return frozenset(names | ({self.dashboard_host.lower()} - ANY_ADDRESS))

    @property
    def dashboard_trusted_proxies(self) -> tuple[str, ...]:
        """TRADEOPS_DASHBOARD_PROXIES."""
        return parse_list(self.dashboard_proxies)
