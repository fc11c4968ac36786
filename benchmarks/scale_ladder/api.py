"""The few calls of Prefect's REST API that a rehearsal needs; what a busy or dying server refuses is asked again."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

PAGE = 200
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
PATIENCE_SECONDS = 90.0


@dataclass(slots=True)
class Api:
    """A server, or any of its replicas.

    Attributes:
        urls: of the replicas, each ending in `/api`; the next one is asked when one does not answer.
        refused: how often a call was refused or not answered, by the reason.
    """

    urls: tuple[str, ...]
    refused: Counter[str] = field(default_factory=Counter)
    _client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=20, trust_env=False))

    def call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """The answer; begun anew until one replica gives it.

        Raises:
            SystemExit: none did for a minute and a half, or the call is wrong.
        """
        deadline, turn = time.monotonic() + PATIENCE_SECONDS, 0
        while True:
            url = self.urls[turn % len(self.urls)]
            try:
                answer = self._client.request(method, f"{url}{path}", json=body)
                if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                    if answer.is_error:
                        raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
                    return answer.json() if answer.content else None
                self.refused[str(answer.status_code)] += 1
            except httpx.TransportError as error:
                self.refused[type(error).__name__] += 1
            turn += 1
            if time.monotonic() > deadline:
                raise SystemExit(f"{method} {path}: no answer for {PATIENCE_SECONDS:g} s")
            time.sleep(0.3)

    def is_up(self) -> bool:
        """Whether each replica answers."""
        try:
            return all(self._client.get(f"{url}/health", timeout=3).is_success for url in self.urls)
        except httpx.TransportError:
            return False

    def deployment(self, name: str) -> str:
        """The id of `flow/deployment`."""
        return str(self.call("GET", f"/deployments/name/{name}")["id"])

    def start(
        self,
        deployment: str,
        *,
        parameters: dict[str, Any] | None = None,
        at: datetime | None = None,
        command: str | None = None,
        key: str | None = None,
    ) -> str:
        """Make a run and return its id.

        Args:
            deployment: its id.
            parameters: of the flow.
            at: its time; `None` is now.
            command: that starts its process; `None` is the deployment's.
            key: the same one gives the same run.
        """
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": (at or datetime.now(UTC)).isoformat()}}
        body: dict[str, Any] = {"state": state, "parameters": parameters or {}, "idempotency_key": key}
        if command:
            body["job_variables"] = {"command": command}
        return str(self.call("POST", f"/deployments/{deployment}/create_flow_run", body)["id"])

    def run(self, run_id: str) -> dict[str, Any]:
        """One run."""
        found = self.call("GET", f"/flow_runs/{run_id}")
        assert isinstance(found, dict)  # noqa: S101 - Prefect's answer
        return found

    def runs(self, ids: Iterable[str]) -> list[dict[str, Any]]:
        """Those runs, in pages."""
        wanted, found = list(ids), list[dict[str, Any]]()
        for first in range(0, len(wanted), PAGE):
            body = {"flow_runs": {"id": {"any_": wanted[first : first + PAGE]}}, "limit": PAGE}
            found += self.call("POST", "/flow_runs/filter", body)
        return found

    def states(self, run_id: str) -> list[tuple[str, datetime]]:
        """Names and times of a run's states, the first one first."""
        found = self.call("GET", f"/flow_run_states/?flow_run_id={run_id}")
        return sorted(((one["name"], moment(one["timestamp"])) for one in found), key=lambda pair: pair[1])

    def wait(self, run_id: str, *, within: float = 180.0) -> dict[str, Any]:
        """The run once it has ended.

        Raises:
            SystemExit: it did not.
        """
        deadline = time.monotonic() + within
        while (found := self.run(run_id))["state_type"] not in ENDED:
            if time.monotonic() > deadline:
                raise SystemExit(f"run {run_id} is still {found['state_name']} after {within:g} s")
            time.sleep(0.2)
        return found


def moment(text: str) -> datetime:
    """A time of Prefect's."""
    return datetime.fromisoformat(text)
