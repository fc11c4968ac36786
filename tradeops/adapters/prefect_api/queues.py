"""The work queues of a pool: which is served first, and how many of its runs may be at work at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tradeops.adapters.wire import WireModel, as_list, parse
from tradeops.http import HttpService

PAGE = 200


class _WorkQueue(WireModel):
    name: str
    priority: int | None = None
    concurrency_limit: int | None = None


@dataclass(frozen=True, slots=True)
class WorkQueue:
    """A queue.

    Attributes:
        priority: 1 is served first; no two queues of a pool have the same; `None` where a server keeps none.
        most_at_once: runs of it at work; `None` is no limit.
    """

    name: str
    priority: int | None
    most_at_once: int | None = None


class WorkQueues:
    """The part of Prefect's API that arranges the queues of a pool.

    Raises what PrefectApiClient raises, and RejectedError where there is no such pool.
    """

    def __init__(self, service: HttpService) -> None:
        self._service = service

    async def of(self, pool: str) -> dict[str, WorkQueue]:
        """Those of a pool, by name."""
        answer = await self._service.request("POST", f"{_queues(pool)}/filter", body={"limit": PAGE})
        answer.raise_for_status()
        rows = as_list(answer.json(), system=answer.system, source=answer.address)
        found = (parse(_WorkQueue, row, system=answer.system, source=answer.address) for row in rows)
        return {one.name: WorkQueue(one.name, one.priority, one.concurrency_limit) for one in found}

    async def create(self, pool: str, queue: WorkQueue) -> None:
        """Add one that is missing; those behind it move on."""
        answer = await self._service.request("POST", _queues(pool), body={"name": queue.name, **_terms(queue)})
        answer.raise_for_status()

    async def change(self, pool: str, queue: WorkQueue) -> None:
        """Give one that is there another place or limit; those behind it move on."""
        path = f"{_queues(pool)}/{quote(queue.name, safe='')}"
        answer = await self._service.request("PATCH", path, body=_terms(queue))
        answer.raise_for_status()


def _queues(pool: str) -> str:
    return f"/work_pools/{quote(pool, safe='')}/queues"


def _terms(queue: WorkQueue) -> Mapping[str, Any]:
    return {"priority": queue.priority, "concurrency_limit": queue.most_at_once}
