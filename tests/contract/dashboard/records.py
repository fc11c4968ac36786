"""Records as the jobs leave them."""

from datetime import UTC, datetime
from pathlib import Path

from tradeops.adapters.store import Point
from tradeops.adapters.store.sqlite import SqliteStore


async def keep_a_check(home: Path) -> None:
    """What the health check leaves, made a moment ago."""
    now = datetime.now(UTC)
    body = {
        "overall_status": "critical",
        "finished_at": now.isoformat(),
        "services": {"engine": {"status": "down", "response_time_ms": None, "error": "refused the connection"}},
        "severities": {"engine": "critical", "disk": "healthy"},
        "disk_percent": 41.5,
    }
    store = SqliteStore(home / "tradeops.sqlite")
    await store.add_point("health_checks", Point(f"run-{now.timestamp()}", now, body))
    store.close()
