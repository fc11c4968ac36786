"""What incidents make of a health report."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tradeops.domain.health import HealthReport, ProbeResult, Round, Status, Thresholds, assess
from tradeops.domain.incidents.model import Observation
from tradeops.domain.incidents.of_health import observations
from tradeops.domain.notices import Level

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
DOWN = ProbeResult("engine", Status.DOWN, timedelta(seconds=1), "refused", attempts=3)
GOOD = ProbeResult("redis", Status.HEALTHY, timedelta(seconds=0.1), attempts=2)
FULL = ProbeResult("disk", Status.HEALTHY, used_percent=85.0, ours=True)
ABSENT = ProbeResult("rabbitmq", Status.NOT_CONFIGURED, attempts=0)


def report(*results: ProbeResult, loopback_works: bool = True) -> HealthReport:
    return assess(Round(results, NOON, NOON + timedelta(seconds=1), loopback_works=loopback_works), Thresholds())


def seen(*results: ProbeResult, loopback_works: bool = True) -> dict[str, Observation]:
    return {one.key: one for one in observations(report(*results, loopback_works=loopback_works))}


def test_a_dead_part_counts_its_re_probes_and_says_that_it_is_down() -> None:
    engine = seen(DOWN, GOOD)["engine"]
    assert (engine.severity, engine.looks, engine.summary) == (Level.CRITICAL, 3, "down: refused")
    assert engine.may_be_starting


def test_a_good_part_is_one_good_look_however_often_it_was_asked() -> None:
    assert (seen(DOWN, GOOD)["redis"].severity, seen(DOWN, GOOD)["redis"].looks) == (None, 1)


def test_a_part_that_is_no_longer_configured_is_well() -> None:
    assert (seen(DOWN, ABSENT)["rabbitmq"].severity, seen(DOWN, ABSENT)["rabbitmq"].looks) == (None, 1)


def test_a_measured_value_is_one_look_and_stands_for_itself() -> None:
    disk = seen(DOWN, FULL)["disk"]
    assert (disk.severity, disk.looks, disk.depends_on, disk.may_be_starting) == (Level.WARNING, 1, (), False)


def test_the_monitor_is_well_while_anything_answers() -> None:
    assert seen(DOWN, GOOD)["monitor"].severity is None


def test_the_monitor_suspects_itself_when_everything_is_down() -> None:
    everything = seen(DOWN, replace(DOWN, part="redis"), FULL)
    assert (everything["monitor"].severity, everything["monitor"].looks) == (Level.CRITICAL, 3)
    assert "monitor may be the problem" in everything["monitor"].summary
    assert everything["engine"].depends_on == ("monitor",)


def test_a_host_that_cannot_reach_itself_suspects_the_monitor() -> None:
    assert seen(DOWN, GOOD, loopback_works=False)["monitor"].severity is Level.CRITICAL
