"""A round robin before the replicas of a rehearsal: `python -m scale_ladder.balancer PORT BACKEND_PORT…`.

It stands for the load balancer that a real fleet has anyway. A connection goes to the next replica that accepts it; a
dead one is passed over.
"""

import asyncio
import contextlib
import sys
from itertools import count

ANSWER_SECONDS = 2.0
CHUNK = 65536


async def serve(port: int, backends: list[int]) -> None:
    """Pass connections on until the process ends."""
    turns = count()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        turn = next(turns)
        for number in range(len(backends)):
            backend = backends[(turn + number) % len(backends)]
            try:
                opening = asyncio.open_connection("127.0.0.1", backend)
                there_reader, there_writer = await asyncio.wait_for(opening, ANSWER_SECONDS)
            except (OSError, TimeoutError):
                continue
            await asyncio.gather(_pass_on(reader, there_writer), _pass_on(there_reader, writer))
            return
        writer.close()

    async with await asyncio.start_server(accept, "127.0.0.1", port) as server:
        await server.serve_forever()


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(CHUNK):
            target.write(data)
            await target.drain()
    with contextlib.suppress(OSError):
        target.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), [int(one) for one in sys.argv[2:]]))
