"""Ports for servers that a test starts, which nobody else gets by chance until then."""

import socket


def reserved() -> int:
    """A free port of loopback that is ours for as long as this process lives.

    A socket that is bound and does not listen keeps the kernel from giving the port to anybody who asks for any, and
    connections to it are refused. A server that reuses addresses may listen there, and all that we start do.
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    port: int = holder.getsockname()[1]
    holder.detach()  # it goes with the process
    return port
