"""How the drivers of databases and brokers are told what certificates to go by. What an address itself says, wins."""

import ssl
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tradeops.tls import Tls


def mongodb_options(url: str, tls: Tls) -> dict[str, Any]:
    """For pymongo; empty without TLS. It trusts either the usual authorities or those of a file, not both."""
    said = _options(url)
    chosen = said.get("tls", said.get("ssl", "true" if url.startswith("mongodb+srv:") else "false"))
    if chosen.lower() != "true" and not any(name in said for name in ("tlscafile", "tlscertificatekeyfile")):
        return {}
    offered = {"tlsCAFile": tls.ca_file, "tlsCertificateKeyFile": tls.client_file}
    return {name: str(path) for name, path in offered.items() if path and name.lower() not in said}


def redis_options(url: str, tls: Tls) -> dict[str, Any]:
    """For redis-py; empty without TLS."""
    if not url.startswith("rediss:"):
        return {}
    offered = {"ssl_ca_certs": tls.ca_file, "ssl_certfile": tls.client_file, "ssl_keyfile": tls.client_file}
    return {name: str(path) for name, path in offered.items() if path}


def amqp_context(url: str, tls: Tls) -> ssl.SSLContext | None:
    """For aiormq; `None` without TLS, and where the address names files of its own.

    Raises:
        MisconfiguredError: a file that cannot be used.
    """
    if not url.startswith("amqps:") or _options(url).keys() & {"cafile", "capath", "cadata", "certfile", "keyfile"}:
        return None
    return tls.for_wire(identified=True)


def _options(url: str) -> dict[str, str]:
    return {name.lower(): value for name, value in parse_qsl(urlsplit(url).query.replace(";", "&"))}
