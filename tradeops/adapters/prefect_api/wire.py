"""What Prefect 3 answers, as far as we read it."""

from tradeops.adapters.wire import Moment, Number, WireModel


class State(WireModel):
    """The state of a run."""

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


class Worker(WireModel):
    """A worker of a pool."""

    name: str
    status: str
    last_heartbeat_time: Moment | None = None


class Deployment(WireModel):
    """A deployment; `flow_id` leads to the flow's name."""

    id: str
    name: str
    flow_id: str
    work_pool_name: str | None = None


class Flow(WireModel):
    """A flow."""

    id: str
    name: str


class LatestArtifact(WireModel):
    """What is known of a key; its own `id` is no artifact's, a page of that id stays blank."""

    latest_id: str
