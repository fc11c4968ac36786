"""What all adapters know of series: how they are rolled up."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from tradeops.adapters.store.interface import Bucket, Json, Point


def roll_up(points: Iterable[Point], path: str, *, since: datetime, every: timedelta) -> list[Bucket]:
    """A field of the points in buckets of `every` from `since` on; points without a number there do not count.

    Raises:
        ValueError: a period that is not positive.
    """
    if every <= timedelta(0):
        raise ValueError("a bucket must have a length")
    values: dict[int, list[float]] = defaultdict(list)
    for point in points:
        value = _at(point.body, path)
        if isinstance(value, int | float) and not isinstance(value, bool):
            values[(point.timestamp - since) // every].append(float(value))
    return [_bucket(since + number * every, sorted(values[number])) for number in sorted(values)]


def tally(points: Iterable[Point], path: str) -> dict[str, int]:
    """How many points carry each text in that field, the most frequent first; those without a text do not count."""
    texts = Counter(value for point in points if isinstance(value := _at(point.body, path), str))
    return dict(texts.most_common())


def _at(body: Json, path: str) -> Json:
    for name in path.split("."):
        if not isinstance(body, Mapping) or name not in body:
            return None
        body = body[name]
    return body


def _bucket(start: datetime, ordered: list[float]) -> Bucket:
    count = len(ordered)
    return Bucket(
        start=start,
        count=count,
        minimum=ordered[0],
        maximum=ordered[-1],
        mean=math.fsum(ordered) / count,
        p50=ordered[math.ceil(0.5 * count) - 1],
        p95=ordered[math.ceil(0.95 * count) - 1],
    )
