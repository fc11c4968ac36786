"""Whether this machine can talk to itself, which tells a dead network from a dead target."""

import asyncio
from datetime import timedelta


async def works(*, within: timedelta) -> bool:
    """Whether a byte comes back over 127.0.0.1, on a port of our own."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(1))
        writer.close()

    try:
        async with asyncio.timeout(within.total_seconds()), await asyncio.start_server(echo, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"?")
            heard = await reader.read(1)
            writer.close()
            return heard == b"?"
    except OSError:
        return False
