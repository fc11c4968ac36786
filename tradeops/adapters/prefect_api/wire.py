"""What Prefect 3 answers, as far as we read it."""

from datetime import datetime
from uuid import UUID

from tradeops.adapters.wire import WireModel


class State(WireModel):
    """The state of a run."""

    type: str
    name: str
    message: str | None = None


class FlowRun(WireModel):
    """A run of a flow."""

    id: UUID
    name: str
    deployment_id: UUID | None = None
    state: State | None = None
    expected_start_time: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    total_run_time: float = 0.0


class Worker(WireModel):
    """A worker of a pool."""

    name: str
    status: str
    last_heartbeat_time: datetime | None = None


class Deployment(WireModel):
    """A deployment; `flow_id` leads to the flow's name."""

    id: UUID
    name: str
    flow_id: UUID
    work_pool_name: str | None = None


class Flow(WireModel):
    """A flow."""

    id: UUID
    name: str


class Artifact(WireModel):
    """The latest artifact of a key."""

    id: UUID
    key: str
    data: object = None
    flow_run_id: UUID | None = None
