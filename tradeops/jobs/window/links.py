"""Where a run and a runbook are to be seen."""

import re

from tradeops.domain.window.values import Link
from tradeops.settings import Settings

A_RUN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
CLOUD = re.compile(r"https://api\.prefect\.cloud/api/accounts/([^/]+)/workspaces/([^/]+)")


def prefect_ui(settings: Settings) -> str | None:
    """The address of Prefect's pages; `None` when Prefect is not configured."""
    if settings.prefect_ui_url is not None:
        return settings.prefect_ui_url
    address = settings.prefect_api_url
    if address is None:
        return None
    if found := CLOUD.match(address):
        return f"https://app.prefect.cloud/account/{found[1]}/workspace/{found[2]}"
    return address.rstrip("/").removesuffix("/api")


def run_link(settings: Settings, run_id: object) -> Link | None:
    """A Prefect run; `None` for what was started elsewhere, and without Prefect."""
    address = prefect_ui(settings)
    if address is None or not isinstance(run_id, str) or not A_RUN.fullmatch(run_id):
        return None
    return Link(f"run {run_id[:8]}", f"{address}/runs/flow-run/{run_id}")
