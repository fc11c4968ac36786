"""The rules of `tradeops.domain.lost_runs`, one sentence a test."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from tradeops.domain.heartbeats import RHYTHMS
from tradeops.domain.lost_runs import ORDERED, OURS, Hearing, Sighting, is_second, key_again, listened, silent, starting

LEAST = timedelta(seconds=90)
LOOK = timedelta(seconds=15)


def sighting(
    *beats: str, state: str = "RUNNING", state_id: str = "s-1", run_id: str = "r-1", every: int = 30
) -> Sighting:
    return Sighting(run_id, state, state_id, frozenset(beats), timedelta(seconds=every))


def after(*looks: tuple[Sighting, timedelta | None]) -> dict[str, Hearing]:
    hearings: dict[str, Hearing] = {}
    for seen, passed in looks:
        hearings = listened(hearings, [seen], passed=passed)
    return hearings


def quiet(*looks: tuple[Sighting, timedelta | None]) -> float:
    return after(*looks)["r-1"].quiet.total_seconds()


def test_a_run_is_quiet_from_the_look_that_heard_it_last() -> None:
    assert quiet((sighting("a"), None), (sighting("a", "b"), LOOK), (sighting("b"), LOOK), (sighting(), LOOK)) == 30


def test_a_new_heartbeat_is_known_by_its_name_whatever_clock_it_bears() -> None:
    assert quiet((sighting("z"), None), (sighting("z"), LOOK), (sighting("a", "z"), LOOK)) == 0


@pytest.mark.parametrize(
    ("passed", "expected"),
    [
        pytest.param(LOOK, 45, id="heartbeats could have been heard"),
        pytest.param(timedelta(0), 30, id="it is not proved that they could"),
        pytest.param(None, 0, id="the server was away"),
    ],
)
def test_only_time_in_which_it_could_have_been_heard_counts(passed: timedelta | None, expected: float) -> None:
    assert quiet((sighting("a"), None), (sighting(), LOOK), (sighting(), LOOK), (sighting(), passed)) == expected


def test_another_state_and_another_run_begin_anew() -> None:
    assert quiet((sighting("a"), None), (sighting(), LOOK), (sighting(state_id="s-2"), LOOK)) == 0
    assert list(after((sighting(), None), (sighting(run_id="r-2"), LOOK))) == ["r-2"]


@pytest.mark.parametrize(
    ("seen", "seconds", "lost"),
    [
        pytest.param(sighting(), 89, False, id="less than the least"),
        pytest.param(sighting(), 90, True, id="three heartbeats of 30 s"),
        pytest.param(sighting(every=180), 539, False, id="less than three of 180 s"),
        pytest.param(sighting(every=180), 540, True, id="three of 180 s"),
        pytest.param(sighting(state="CANCELLING"), 90, True, id="somebody wants its end"),
        pytest.param(replace(sighting(state="PENDING"), starting=starting("process")), 119, False, id="still starting"),
        pytest.param(replace(sighting(state="PENDING"), starting=starting("process")), 120, True, id="never started"),
        pytest.param(replace(sighting(state="PENDING"), starting=starting("docker")), 599, False, id="fetched"),
        pytest.param(replace(sighting(state="PENDING"), starting=starting("docker")), 600, True, id="never fetched"),
        pytest.param(sighting(state="PENDING"), 599, False, id="starting, nobody knows how"),
    ],
)
def test_a_run_is_lost_after_three_heartbeats_have_not_come(seen: Sighting, seconds: int, *, lost: bool) -> None:
    hearings = {"r-1": Hearing("s-1", frozenset(), timedelta(seconds=seconds))}
    assert bool(silent(hearings, [seen], least=LEAST)) is lost


def test_who_stands_in_for_a_lost_run_is_known_by_its_key() -> None:
    assert is_second(key_again("r-1"))
    assert not is_second("scheduled r-1")
    assert not is_second(None)


def test_each_deployment_is_brought_again_by_its_schedule_or_by_the_watchdog() -> None:
    deployments = yaml.safe_load((Path(__file__).parents[3] / "prefect.yaml").read_text())["deployments"]
    assert {one["name"] for one in deployments} == OURS
    assert not ORDERED & RHYTHMS.keys()


def test_runs_of_each_deployment_beat_often_enough_to_be_lost_within_three_minutes() -> None:
    deployments = yaml.safe_load((Path(__file__).parents[3] / "prefect.yaml").read_text())["deployments"]
    beats = {one["work_pool"]["job_variables"]["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] for one in deployments}
    assert beats == {"30"}
