"""One analysis in a process of its own, which says that it is about to start the retrain, and waits to be killed."""

import asyncio
import sys
from pathlib import Path

from tests.unit.jobs.analysis_ground import Starts, analyse, settings
from tradeops.domain.decisions.decision import Decision
from tradeops.wiring import open_desk


class Never(Starts):
    async def __call__(self, _: Decision) -> str:
        print("decided", flush=True)  # noqa: T201 - the parent waits for it
        await asyncio.sleep(60)
        return "never"


async def run(home: Path, llm: str) -> None:
    async with open_desk(settings(home, llm)) as desk:
        await analyse(desk, start=Never())


asyncio.run(run(Path(sys.argv[1]), sys.argv[2]))
