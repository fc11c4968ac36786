"""Whose certificates are trusted, and the certificate that says who we are. Nothing here switches verification off."""

import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tradeops.errors import MisconfiguredError


@dataclass(frozen=True, slots=True)
class Tls:
    """What every connection that is encrypted goes by.

    Attributes:
        ca_file: authorities that are trusted besides the usual ones; `None` adds none.
        client_file: our certificate and its key; `None` shows none.
        shown_to: addresses of the HTTP services that may see it when they ask. Databases and brokers always may.
    """

    ca_file: Path | None = None
    client_file: Path | None = None
    shown_to: tuple[str, ...] = ()

    @property
    def origins(self) -> tuple[str, ...]:
        """Of the services that may see our certificate, `https://host:port`, each once."""
        if self.client_file is None:
            return ()
        parts = [urlsplit(address) for address in self.shown_to]
        return tuple(
            dict.fromkeys(
                f"https://{one.netloc.rpartition('@')[2]}" for one in parts if one.scheme == "https" and one.netloc
            )
        )

    def for_web(self, *, identified: bool = False) -> ssl.SSLContext:
        """Trusts what httpx does (certifi's list, or SSL_CERT_FILE or SSL_CERT_DIR) and `ca_file`.

        Raises:
            MisconfiguredError: a file that cannot be used; names the setting.
        """
        environment = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        client = self.client_file if identified else None
        return _web(self.ca_file, client, *map(_age, (self.ca_file, client)), *environment)

    def for_wire(self, *, identified: bool = False) -> ssl.SSLContext:
        """Trusts what the operating system does and `ca_file`.

        Args:
            identified: whether our certificate is shown to a server that asks.

        Raises:
            MisconfiguredError: as `for_web`.
        """
        return _with_files(ssl.create_default_context(), self.ca_file, self.client_file if identified else None)


NO_TLS_OF_OURS = Tls()


@cache  # reading all authorities takes a tenth of a second; a file that is renewed is read again
def _web(ca_file: Path | None, client_file: Path | None, *_: object) -> ssl.SSLContext:
    return _with_files(httpx.create_ssl_context(), ca_file, client_file)


def _with_files(context: ssl.SSLContext, ca_file: Path | None, client_file: Path | None) -> ssl.SSLContext:
    if ca_file is not None:
        _read(
            "TRADEOPS_CA_FILE", ca_file, lambda: context.load_verify_locations(ca_file), "holds no certificate in PEM"
        )
    if client_file is not None:
        # an empty password, or OpenSSL would ask for one at the terminal
        _read(
            "TRADEOPS_CLIENT_CERT_FILE",
            client_file,
            lambda: context.load_cert_chain(client_file, password=""),
            "must hold a certificate and its unencrypted key in PEM",
        )
    return context


def _read(setting: str, path: Path, read: Callable[[], None], otherwise: str) -> None:
    try:
        read()
    except ssl.SSLError:  # of the same family as OSError
        raise MisconfiguredError("settings", f"{setting} {otherwise}: {path}") from None
    except OSError as error:
        raise MisconfiguredError("settings", f"{setting} cannot be read: {path}: {error.strerror}") from None


def _age(path: Path | None) -> int:
    try:
        return path.stat().st_mtime_ns if path else 0
    except OSError:
        return 0


def check_files(ca_file: Path | None, client_file: Path | None) -> None:
    """Return when both can be used.

    Raises:
        MisconfiguredError: one cannot; names the setting and the problem.
    """
    _with_files(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ca_file, client_file)
