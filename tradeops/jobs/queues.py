"""Brings the work queues of a Prefect server in line with prefect.yaml; those that it does not name are left alone."""

from dataclasses import dataclass
from typing import Any

import yaml

from tradeops.adapters.prefect_api.client import PrefectApiClient
from tradeops.adapters.prefect_api.queues import WorkQueue
from tradeops.errors import MisconfiguredError, RejectedError

CONFLICT = 409


@dataclass(frozen=True, slots=True)
class Arranged:
    """Names of queues, by what was done to them."""

    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def read_queues(text: str) -> tuple[WorkQueue, ...]:
    """The queues under `definitions: queues:` of prefect.yaml, in the order in which they are served.

    Raises:
        MisconfiguredError: there is no list of them, or an entry is none.
    """
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise MisconfiguredError("queues", f"prefect.yaml is no YAML: {error}") from error
    match found:
        case {"definitions": {"queues": [_, *_] as entries}}:
            return tuple(_queue(entry, place) for place, entry in enumerate(entries, 1))
    raise MisconfiguredError("queues", "prefect.yaml has no list `queues` under `definitions`")


def _queue(entry: Any, place: int) -> WorkQueue:  # noqa: ANN401 - whatever the file holds
    match entry:
        case {"name": str(name), **others} if name and set(others) <= {"concurrency_limit"}:
            limit = others.get("concurrency_limit")
            if limit is None or (isinstance(limit, int) and not isinstance(limit, bool) and limit > 0):
                return WorkQueue(name, place, limit)
    problem = f"entry {place} of `queues` in prefect.yaml is no name with perhaps a concurrency_limit above 0"
    raise MisconfiguredError("queues", problem)


async def arrange(api: PrefectApiClient, pool: str, wanted: tuple[WorkQueue, ...]) -> Arranged:
    """Create what is missing and change what differs; done again, it changes nothing.

    Raises:
        RejectedError: there is no such pool.
    """
    there = await api.queues.of(pool)
    created, changed = [], []
    for queue in wanted:  # in the order of their places, since each moves on those behind it
        if queue.name not in there:
            try:
                await api.queues.create(pool, queue)
                created.append(queue.name)
            except RejectedError as error:
                if error.http_status != CONFLICT:
                    raise
                await api.queues.change(
                    pool, queue
                )  # somebody was quicker, perhaps we, by a request whose answer was lost
                changed.append(queue.name)
        elif there[queue.name] != queue:
            await api.queues.change(pool, queue)
            changed.append(queue.name)
    return Arranged(tuple(created), tuple(changed))
