"""A server on loopback that speaks HTTP, RESP and a little SMTP, and repeats whatever it hears in many spellings."""

import base64
import html
import json
import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

HTTP = re.compile(rb"[A-Z]+ \S+ HTTP/1\.1\r\n")
MODES = ("refusal", "crash", "empty hands", "wrong fields", "gibberish", "elsewhere")


@dataclass
class Parrot:
    """What it is and was told.

    Attributes:
        mode: how it answers over HTTP.
        heard: all that it was told, also in the clear.
        messages: the bodies among that, which are ours: they go to others, and hold no secret.
    """

    mode: str = MODES[0]
    port: int = 0
    heard: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def hear(self, text: str) -> str:
        """The text, and what is encoded in it."""
        plain = [text]
        for found in re.findall(r"[A-Za-z0-9+/]{8,}={0,2}", text):
            with suppress(ValueError):
                plain.append(base64.b64decode(found, validate=True).decode().replace("\0", ":"))
        whole = "\n".join(plain)
        self.heard.append(whole)
        return whole


@contextmanager
def parrot() -> Iterator[Parrot]:
    bird = Parrot()

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(0.3)
            with suppress(OSError):
                self.talk()

        def talk(self) -> None:
            try:
                first = self.request.recv(65536)
            except TimeoutError:  # it waits for a greeting
                self.request.settimeout(5)
                _as_mail_server(self.request, bird)
                return
            self.request.settimeout(5)
            if HTTP.match(first):
                _as_web_server(self.request, first, bird)
            elif first.startswith(b"*"):
                while first:
                    said = bird.hear(first.decode("utf-8", "replace")).replace("\r\n", " ").replace("\n", " ")
                    self.request.sendall(f"-WRONGPASS you said {said}\r\n".encode())
                    first = self.request.recv(65536)
            else:
                bird.hear(first.decode("latin-1"))
                self.request.sendall(first)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection)
    server.daemon_threads = True
    bird.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield bird
    finally:
        server.shutdown()
        server.server_close()


def _as_web_server(connection: Any, first: bytes, bird: Parrot) -> None:  # noqa: ANN401 - a socket
    received = first
    while received:
        while b"\r\n\r\n" not in received:
            received += connection.recv(65536)
        head, _, body = received.partition(b"\r\n\r\n")
        length = int((re.search(rb"(?i)content-length: *(\d+)", head) or [b"", b"0"])[1])
        while len(body) < length:
            body += connection.recv(65536)
        # only what a client says of itself: our own message, which it may quote, is no secret
        said = bird.hear(head.decode()).replace("\r", "")
        bird.messages.append(bird.hear(body[:length].decode("utf-8", "replace")))
        connection.sendall(_answer(bird.mode, said))
        received = connection.recv(65536)


def _answer(mode: str, said: str) -> bytes:
    one_line = " ".join(said.split())
    spelled = json.dumps(one_line).replace("-", "\\u002d")[1:-1]
    kind, more = "application/json", ""
    match mode:
        case "refusal":
            status, body = "401 Unauthorized", f"{one_line} {quote(one_line)} {html.escape(one_line)} {spelled}"
            kind = "text/plain"
        case "crash":
            status, body, kind = "500 Oops", f"<pre>{html.escape(said)}</pre>" * 3, "text/html"
        case "empty hands":
            status, body = "200 OK", json.dumps({"success": False, "ok": False, "data": None, "error": said})
        case "wrong fields":
            fields = {"success": True, "status": one_line, "paths": one_line, one_line: one_line, "detail": one_line}
            fields |= {"data": {one_line: said, "id": spelled, "total_trades": said}, "timestamp": one_line}
            status, body = "200 OK", json.dumps(fields).replace("planted-", "planted\\u002d")
        case "gibberish":
            status, body, more = "200 OK", f"{{{one_line}", f"content-encoding: {one_line[-300:]}\r\n"
        case _:
            more = f"location: http://169.254.169.254/{quote(one_line)}\r\nset-cookie: a={quote(one_line)}\r\n"
            status, body = "302 Found", one_line
    data = body.encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n{more}content-length: {len(data)}\r\n\r\n"
    return head.encode() + data


def _as_mail_server(connection: Any, bird: Parrot) -> None:  # noqa: ANN401 - a socket
    connection.sendall(b"220 parrot\r\n")
    while line := connection.recv(65536):
        said = " ".join(bird.hear(line.decode("utf-8", "replace")).split())
        if line.upper().startswith(b"EHLO"):
            connection.sendall(b"250-parrot\r\n250 AUTH PLAIN LOGIN\r\n")
        else:
            connection.sendall(f"535 5.7.8 you said {said}\r\n".encode())
