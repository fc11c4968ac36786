"""The rules of `tradeops.domain.health`, one sentence a test."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeops.domain.health import (
    Change,
    ProbeResult,
    Round,
    Severity,
    Status,
    Thresholds,
    assess,
    beyond,
    changes,
    confirmed,
    judge,
)

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LIMITS = Thresholds()
HEALTHY, DEGRADED, CRITICAL = Severity.HEALTHY, Severity.DEGRADED, Severity.CRITICAL


def good(part: str = "engine", *, seconds: float = 0.1) -> ProbeResult:
    return ProbeResult(part, Status.HEALTHY, latency=timedelta(seconds=seconds))


def unwell(part: str = "ai_service") -> ProbeResult:
    return ProbeResult(part, Status.UNHEALTHY, latency=timedelta(seconds=0.1), problem="answered HTTP 500")


def down(part: str = "engine") -> ProbeResult:
    return ProbeResult(part, Status.DOWN, latency=timedelta(seconds=2.5), problem="no answer within 2.5 s")


def absent(part: str = "redis") -> ProbeResult:
    return ProbeResult(part, Status.NOT_CONFIGURED, attempts=0, note="REDIS_URL is not set")


def used(part: str, percent: float) -> ProbeResult:
    return ProbeResult(part, Status.HEALTHY, used_percent=percent, ours=True)


def round_of(*results: ProbeResult, loopback_works: bool = True) -> Round:
    return Round(results, NOW, NOW + timedelta(seconds=1), loopback_works=loopback_works)


results = st.builds(
    ProbeResult,
    part=st.sampled_from(["engine", "redis", "disk", "memory"]),
    status=st.sampled_from(Status),
    latency=st.one_of(st.none(), st.timedeltas(min_value=timedelta(0), max_value=timedelta(seconds=3))),
    problem=st.just("a problem"),
    used_percent=st.one_of(st.none(), st.floats(0, 100)),
    worst=st.sampled_from(Severity),
)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        pytest.param(good(), HEALTHY, id="quick answer"),
        pytest.param(good(seconds=2.0), HEALTHY, id="exactly at the limit"),
        pytest.param(good(seconds=2.000001), DEGRADED, id="slow answer"),
        pytest.param(unwell(), DEGRADED, id="bad answer"),
        pytest.param(down(), CRITICAL, id="no usable answer"),
        pytest.param(absent(), HEALTHY, id="not configured"),
        pytest.param(replace(down("llm"), worst=DEGRADED), DEGRADED, id="a part nobody trades on"),
        pytest.param(used("disk", 80.0), HEALTHY, id="disk 80.0"),
        pytest.param(used("disk", 80.1), DEGRADED, id="disk 80.1"),
        pytest.param(used("disk", 90.0), DEGRADED, id="disk 90.0"),
        pytest.param(used("disk", 90.1), CRITICAL, id="disk 90.1"),
        pytest.param(used("memory", 85.0), HEALTHY, id="memory 85.0"),
        pytest.param(used("memory", 85.1), DEGRADED, id="memory 85.1"),
        pytest.param(used("memory", 95.0), DEGRADED, id="memory 95.0"),
        pytest.param(used("memory", 95.1), CRITICAL, id="memory 95.1"),
    ],
)
def test_one_part_decides_the_verdict(result: ProbeResult, expected: Severity) -> None:
    report = assess(round_of(result), LIMITS)
    assert report.overall is expected
    assert bool(report.alerts) is (expected is not HEALTHY)


def test_a_dead_engine_stays_critical_beside_a_disk_that_is_only_an_alert() -> None:
    assert assess(round_of(down("engine"), used("disk", 85.0)), LIMITS).overall is CRITICAL
    assert assess(round_of(used("disk", 85.0), down("engine")), LIMITS).overall is CRITICAL


@given(st.lists(results, min_size=1))
def test_the_worst_part_wins_in_any_order(some: list[ProbeResult]) -> None:
    overall = assess(round_of(*some), LIMITS).overall
    assert overall is assess(round_of(*reversed(some)), LIMITS).overall
    assert overall is max(judge(r, LIMITS).severity for r in some)


@given(st.lists(results, min_size=1), results)
def test_another_part_never_lowers_the_verdict(some: list[ProbeResult], another: ProbeResult) -> None:
    assert assess(round_of(*some, another), LIMITS).overall >= assess(round_of(*some), LIMITS).overall


def test_an_empty_round_is_never_healthy() -> None:
    with pytest.raises(ValueError, match="without results"):
        assess(round_of(), LIMITS)


def test_alerts_name_the_worst_first_and_keep_the_probe_order_within_a_severity() -> None:
    report = assess(round_of(unwell("a"), down("b"), good("c"), down("d")), LIMITS)
    assert [alert.split(":")[0] for alert in report.alerts] == ["b critical", "d critical", "a degraded"]
    assert report.named(CRITICAL) == ("b", "d")


@pytest.mark.parametrize(
    ("result", "text"),
    [
        pytest.param(used("disk", 80.04), "80.04 % used, above 80 %", id="disk just above"),
        pytest.param(used("disk", 90.0001), "90.0001 % used, above 90 %", id="disk a hair above critical"),
        pytest.param(used("memory", 85.14), "85.1 % used, above 85 %", id="memory"),
        pytest.param(good(seconds=2.004), "slow: 2.004 s, above 2 s", id="slow"),
    ],
)
def test_an_alert_never_rounds_into_contradiction(result: ProbeResult, text: str) -> None:
    assert judge(result, LIMITS).problem == text


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_value_beyond_a_limit_reads_beyond_it(one: float, other: float) -> None:
    limit, value = sorted((one, other))
    if value > limit:
        assert float(beyond(value, limit)) > limit


def test_a_value_too_small_for_decimals_is_still_told() -> None:
    assert beyond(2e-30, 1e-30) == "2e-30"


def test_a_blip_is_a_note_on_a_healthy_part() -> None:
    result = confirmed([down(), good()], LIMITS)
    assert judge(result, LIMITS).severity is HEALTHY
    assert result.note == "good at attempt 2, after: no answer within 2.5 s"
    assert result.attempts == 2


def test_a_blip_does_not_hide_what_else_was_noted() -> None:
    assert confirmed([down(), replace(good(), note="no GPT-4")], LIMITS).note.startswith("no GPT-4; good at attempt 2")


def test_a_part_that_was_down_each_time_is_down() -> None:
    result = confirmed([down(), down(), down()], LIMITS)
    assert (result.status, result.attempts) == (Status.DOWN, 3)


def test_a_part_that_gave_one_bad_answer_between_silences_is_not_down() -> None:
    assert confirmed([down(), unwell(), down()], LIMITS).status is Status.UNHEALTHY


@given(st.lists(results, min_size=1, max_size=4))
def test_asking_again_only_ever_helps(attempts: list[ProbeResult]) -> None:
    best = min(judge(attempt, LIMITS).severity for attempt in attempts)
    assert judge(confirmed(attempts, LIMITS), LIMITS).severity is best


def test_nothing_is_confirmed_without_an_attempt() -> None:
    with pytest.raises(ValueError, match="without an attempt"):
        confirmed([], LIMITS)


@pytest.mark.parametrize(
    ("probed", "suspicion"),
    [
        pytest.param(round_of(down("a"), down("b"), absent(), used("disk", 1)), "all 2 parts are down", id="all down"),
        pytest.param(
            round_of(down("a"), down("b"), replace(good("prefect"), ours=True)), "all 2 parts", id="but our own Prefect"
        ),
        pytest.param(round_of(down("a"), good("b")), "", id="one is up"),
        pytest.param(round_of(down("a"), unwell("b")), "", id="one answers badly"),
        pytest.param(round_of(down("a"), absent()), "", id="a single part is no evidence"),
        pytest.param(round_of(absent(), used("disk", 1)), "", id="nothing was asked"),
        pytest.param(round_of(down("a"), down("b"), loopback_works=False), "cannot even reach", id="no loopback"),
    ],
)
def test_the_monitor_suspects_itself_when_everything_is_down_at_once(probed: Round, suspicion: str) -> None:
    report = assess(probed, LIMITS)
    assert suspicion in report.suspicion
    assert bool(report.suspicion) is bool(suspicion)
    assert (report.alerts[:1] == (report.suspicion,)) is bool(suspicion)


def test_only_flips_are_changes() -> None:
    report = assess(round_of(down("a"), good("b"), unwell("c"), good("d")), LIMITS)
    before = {"a": HEALTHY, "b": CRITICAL, "c": DEGRADED}
    assert changes(report, before) == (Change("a", HEALTHY, CRITICAL), Change("b", CRITICAL, HEALTHY))


def test_the_report_tells_what_disk_and_memory_measured() -> None:
    report = assess(round_of(used("disk", 41.5), down("memory")), LIMITS)
    assert report.used_percent("disk") == 41.5
    assert report.used_percent("memory") is None
    assert report.used_percent("engine") is None


@pytest.mark.parametrize(
    ("status", "expected"),
    [(Status.UNHEALTHY, Severity.CRITICAL), (Status.HEALTHY, Severity.HEALTHY), (Status.DOWN, Severity.CRITICAL)],
    ids=["a problem", "no problem", "down"],
)
def test_a_problem_may_weigh_more_than_its_part_usually_does(status: Status, expected: Severity) -> None:
    problem = "" if status is Status.HEALTHY else "the model is gone"
    result = ProbeResult("llm", status, problem=problem, worst=Severity.DEGRADED, least=Severity.CRITICAL)
    assert judge(result, Thresholds()).severity is expected
