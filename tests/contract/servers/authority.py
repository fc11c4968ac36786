"""An authority of our own, certificates that it signed, and a proxy that puts TLS before a server without."""

import datetime as dt
import select
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """Signs certificates; its own is in `file`."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._certificate = self._signed(self._name, self._key, (), authority=True)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *addresses: str, days: int = 1) -> Path:
        """A file with a certificate for these addresses (for a client without) and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signed = self._signed(subject, key, addresses, authority=False, days=days)
        file = self._folder / f"{name}.pem"
        file.write_bytes(
            signed.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return file

    def server(self, *, wants_client: bool = False, address: str = "127.0.0.1", days: int = 1) -> ssl.SSLContext:
        """Of a server at that address, which may ask its clients for certificates of this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.issue(f"server-{address}-{days}", address, days=days))
        if wants_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.file)
        return context

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        addresses: Sequence[str],
        *,
        authority: bool,
        days: int = 1,
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        names = [x509.IPAddress(ip_address(address)) for address in addresses]
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=authority,
            crl_sign=authority,
            encipher_only=False,
            decipher_only=False,
        )
        builder = (
            x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now + dt.timedelta(days=min(days, 0) - 1))
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256())


@contextmanager
def behind_tls(address: str, context: ssl.SSLContext) -> Iterator[str]:
    """`host:port` where TLS is spoken; what is said goes on, in the clear, to the server at the address.

    In threads: asyncio hangs up on a bad handshake without the alert that says why, as no server does.
    """
    host, port = address.rsplit(":", 1)
    opened: list[socket.socket] = []
    over = threading.Event()

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # closed: the end
                return
            opened.append(connection)
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    def serve(connection: socket.socket) -> None:
        try:
            _speak(connection, context, (host, int(port)), opened)
        except Exception:  # a socket that is closed in its midst fails in many ways
            if not over.is_set():
                raise

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            for connection in opened:
                connection.close()


def _speak(
    connection: socket.socket, context: ssl.SSLContext, inside: tuple[str, int], opened: list[socket.socket]
) -> None:
    connection.settimeout(20)
    try:
        tls = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
    except OSError:  # closed meanwhile
        return
    opened.append(tls)
    try:
        tls.do_handshake()
    except OSError:
        with suppress(OSError), tls:  # the client reads the alert before it reads that we are gone
            tls.shutdown(socket.SHUT_WR)
            while tls.recv(4096):
                pass
        return
    with suppress(OSError, ValueError), tls, socket.create_connection(inside) as inner:
        _pump(tls, inner)


def _pump(tls: ssl.SSLSocket, inner: socket.socket) -> None:
    while True:
        ready = [tls] if tls.pending() else select.select([tls, inner], [], [])[0]
        for source in ready:
            piece = source.recv(65536)
            if not piece:
                return
            (inner if source is tls else tls).sendall(piece)
