"""What Prefect 3 answers, as far as we read it."""

from typing import Any

from pydantic import Field

from tradeops.adapters.wire import Moment, Number, WireModel


class State(WireModel):
    """The state of a run; `id` is another one after each change."""

    id: str | None = None
    type: str
    name: str
    message: str | None = None


class FlowRun(WireModel):
    """A run of a flow; `total_run_time` stays 0 until it ends, the estimated one counts what has passed."""

    id: str
    name: str
    deployment_id: str | None = None
    state: State | None = None
    expected_start_time: Moment | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
    estimated_run_time: Number
    parameters: dict[str, Any] = Field(default_factory=dict)
    idempotency_key: str | None = None
    infrastructure_pid: str | None = None


class Worker(WireModel):
    """A worker of a pool."""

    name: str
    status: str
    last_heartbeat_time: Moment | None = None


class Limit(WireModel):
    """How many runs of a deployment may be at work at once, and how many slots are taken."""

    limit: int
    active_slots: int


class Collision(WireModel):
    """What becomes of a run that finds no slot: `ENQUEUE` or `CANCEL_NEW`."""

    collision_strategy: str


class Deployment(WireModel):
    """A deployment; `flow_id` leads to the flow's name, `updated` stays when it is polled."""

    id: str
    name: str
    flow_id: str
    work_pool_name: str | None = None
    updated: Moment | None = None
    job_variables: dict[str, Any] = Field(default_factory=dict)
    global_concurrency_limit: Limit | None = None
    concurrency_options: Collision | None = None


class Pool(WireModel):
    """A work pool; its type says what starts its runs, such as `process` or `docker`."""

    type: str


class Flow(WireModel):
    """A flow."""

    id: str
    name: str


class LatestArtifact(WireModel):
    """What is known of a key; its own `id` is no artifact's, a page of that id stays blank."""

    latest_id: str


class Automation(WireModel):
    """An automation; what it does is not read back."""

    id: str
    name: str
    tags: list[str]


class Event(WireModel):
    """Something that happened, and to what."""

    id: str
    resource: dict[str, str]


class Events(WireModel):
    """The newest events that were asked for."""

    events: list[Event]


class Orchestrated(WireModel):
    """What the server made of a state that was proposed: `ACCEPT`, `REJECT`, `ABORT` or `WAIT`."""

    status: str
