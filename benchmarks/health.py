"""How long the health check takes when everything hangs, whether probes run at once, and what the flow itself costs.

Real sockets on loopback and a real Prefect server; about a minute. The figures are quoted in the documentation.
"""

import asyncio
import logging
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.testing.utilities import prefect_test_harness

from flows.monitoring.system_health import system_health_check
from tradeops.domain.health import Severity, assess
from tradeops.jobs.monitoring import health
from tradeops.jobs.monitoring.parts import parts_of
from tradeops.settings import Settings
from tradeops.wiring import open_desk

RUNS = 10
GOAL_SECONDS = 10.0
GOAL_RATIO = 1.3
RUNNING = b'{"success": true, "data": "Bot is running", "error": null}'
HEAD = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(RUNNING)}\r\n\r\n".encode()


@asynccontextmanager
async def listening(*, answers: bool) -> AsyncIterator[str]:
    """`host:port` of a server that answers as the engine does, or accepts and never says a word."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            if answers:
                writer.write(HEAD + RUNNING)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield "{}:{}".format(*server.sockets[0].getsockname())


def hanging(address: str) -> dict[str, str]:
    """Settings by which every system hangs, our own store included."""
    return {
        "RUST_API_URL": f"http://{address}",
        "PYTHON_API_URL": f"http://{address}",
        "FRONTEND_URL": f"http://{address}",
        "MONGODB_URL": f"mongodb://{address}",
        "REDIS_URL": f"redis://{address}",
        "RABBITMQ_URL": f"amqp://{address}",
        "TRADEOPS_RABBITMQ_MANAGEMENT_URL": f"http://{address}",
        "BINANCE_API_URL": f"http://{address}",
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": f"http://{address}/v1",
    }


async def report_when_all_hang() -> tuple[float, float, int]:
    """Seconds from the start of the run to its artifact and to its end, and how many parts it names as down."""
    started = time.perf_counter()
    state = await system_health_check(return_state=True)
    took = time.perf_counter() - started
    run_id = state.state_details.flow_run_id
    async with get_client() as client:
        run = await client.read_flow_run(run_id)
        [artifact] = await client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
        )
    return (artifact.created - run.start_time).total_seconds(), took, str(artifact.data).count(" down |")


async def first_round_against_slowest_probe() -> tuple[float, float]:
    """Seconds of one round of all probes at once, and of the slowest probe on its own."""
    once = health.Pace(pauses=())
    async with open_desk() as desk:
        limits = health.thresholds(desk.settings)

        async def seconds(*parts: Callable[[], Awaitable[object]]) -> float:
            started = time.perf_counter()
            await asyncio.gather(*(part() for part in parts))
            return time.perf_counter() - started

        probes = [lambda part=part: health.probe(part, limits, once) for part in parts_of(desk)]
        return await seconds(*probes), max([await seconds(probe) for probe in probes])


@flow
async def empty() -> None:
    """Nothing but Prefect."""


async def median_seconds(call: Callable[[], Awaitable[object]]) -> float:
    """Of `RUNS` calls after one to warm up."""
    await call()
    took = []
    for _ in range(RUNS):
        started = time.perf_counter()
        await call()
        took.append(time.perf_counter() - started)
    return statistics.median(took)


async def probes_alone() -> None:
    """The work of the flow without Prefect, the record included."""
    async with open_desk() as desk:
        before, probed = await asyncio.gather(health.previous_run(desk), health.probe_all(desk))
        report = assess(probed, health.thresholds(desk.settings))
        await health.record(desk, report, run_id=str(time.time_ns()))
        if before and report.overall is Severity.CRITICAL:
            raise SystemExit("the overhead is measured with a healthy engine")


def configure(home: str, settings: dict[str, str]) -> None:
    """Exactly these settings, whatever the environment says."""
    for info in Settings.model_fields.values():
        os.environ.pop(str(info.validation_alias), None)
    os.environ.update(settings, TRADEOPS_HOME=home)


async def main(home: str) -> None:
    """Measure and print."""
    async with listening(answers=False) as address:
        configure(home, hanging(address))
        to_report, to_end, named = await report_when_all_hang()
        together, slowest = await first_round_against_slowest_probe()
    async with listening(answers=True) as address:
        configure(home, {"RUST_API_URL": f"http://{address}"})
        bare, job, whole = [await median_seconds(call) for call in (empty, probes_alone, system_health_check)]
    print("| measured | value | bound |")
    print("|:--|--:|--:|")
    print(f"| report when everything hangs, {named} parts named as down | {to_report:.1f} s | {GOAL_SECONDS:g} s |")
    print(f"| … and the end of that run | {to_end:.1f} s | 30 s |")
    print(f"| first round of all probes ÷ slowest probe | {together / slowest:.2f} | {GOAL_RATIO:g} |")
    print(f"| an empty Prefect flow, median of {RUNS} | {bare:.2f} s | – |")
    print(f"| the health check's work without Prefect | {job:.2f} s | – |")
    print(f"| the health check as a flow | {whole:.2f} s | – |")
    print(f"| overhead of the flow ÷ an empty flow | {(whole - job) / bare:.1f} | – |")
    if to_report > GOAL_SECONDS or together / slowest > GOAL_RATIO:
        raise SystemExit("a bound does not hold")


if __name__ == "__main__":
    os.chdir(tempfile.gettempdir())  # no .env of ours
    os.environ.update(PREFECT_SERVER_ANALYTICS_ENABLED="false", DO_NOT_TRACK="1")
    logging.disable(logging.CRITICAL)  # the table is what this is for
    with tempfile.TemporaryDirectory() as folder, prefect_test_harness(server_startup_timeout=60):
        asyncio.run(main(str(Path(folder) / "home")))
