"""The rules of incidents in accelerated time: one message when it breaks, one when it is over, none in between."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.domain.incidents.play import NOON, POLICY, QUARTER, Play, dead, look
from tradeops.domain.incidents.folding import DEPENDS_ON
from tradeops.domain.incidents.model import CERTAIN, Incident, Observation, Silence, key_of
from tradeops.domain.incidents.wording import lasted
from tradeops.domain.notices import Level, Notice

HOUR = timedelta(hours=1)


def hushed(pattern: str, *, hours: float, since: timedelta = timedelta(0)) -> Silence:
    return Silence("s-1", pattern, NOON + since, NOON + since + timedelta(hours=hours), "works", "ada")


def opened_id(notice: Notice) -> str:
    """The incident that a notice is about."""
    return notice.key.rpartition(":")[0]


def test_six_hours_of_outage_are_one_alert_one_reminder_and_one_recovery_with_its_duration() -> None:
    play = Play()
    play.see_all([[look("engine")]] + [[dead("engine")]] * 24 + [[look("engine")]] * 8)
    assert play.told == ["opened", "reminder-1", "resolved"]
    (opened_at, opened), (reminded_at, reminder), (resolved_at, resolved) = play.notices
    assert opened_at == NOON + 2 * QUARTER
    assert reminded_at - opened_at == 4 * HOUR
    assert resolved_at - opened_at == 6 * HOUR + QUARTER
    assert (opened.event, opened.level, opened.title) == ("health_critical", Level.CRITICAL, "engine is critical")
    assert (reminder.event, reminder.title) == ("health_critical", "engine is still critical")
    assert "still critical after 4 h 0 min" in reminder.body
    assert (resolved.event, resolved.level) == ("health_recovered", Level.INFO)
    assert resolved.title == "engine recovered after 6 h 0 min"
    assert {one.link for one in (opened, reminder, resolved)} == {f"https://desk/incidents/{opened_id(opened)}"}
    assert {one.target for one in play.board.pending} == {"slack", "email"}
    assert len({one.key for one in play.board.pending}) == 6


def test_one_blip_is_no_message() -> None:
    play = Play()
    play.see_all([[look("engine")], [look("engine", Level.CRITICAL)], [look("engine")], [look("engine")]])
    assert play.told == []
    assert play.board.incidents == {}


def test_blips_that_do_not_follow_each_other_never_add_up() -> None:
    play = Play()
    play.see_all([[look("engine", Level.CRITICAL)], [look("engine")]] * 20)
    assert play.told == []


@pytest.mark.parametrize(("looks", "told"), [(1, []), (2, ["opened"]), (3, ["opened"])])
def test_the_re_probes_of_one_run_count(looks: int, told: list[str]) -> None:
    play = Play()
    play.see(dead("engine", looks=looks))
    assert play.told == told


def test_a_verdict_from_whole_data_needs_no_second_look() -> None:
    play = Play(policy=replace(POLICY, failures=100))
    play.see(dead("cost:daily", looks=CERTAIN))
    assert play.told == ["opened"]


def test_thirty_dependants_of_one_dead_database_are_one_message_with_the_cause_first() -> None:
    play = Play()
    parts = [dead(f"part-{n}", depends_on=("mongodb",)) for n in range(30)]
    play.see_all([[*parts, dead("mongodb")]] * 3)
    assert play.told == ["opened"]
    [(_, notice)] = play.notices
    assert notice.title == "mongodb is critical, and 30 that depend on it"
    assert notice.body.splitlines()[0].startswith("mongodb critical, since 2026-11-25 12:15 UTC: mongodb refused")
    assert all(f"part-{n} critical: part-{n} refused" in notice.body for n in range(30))
    play.see_all([[*(look(part.key) for part in parts), look("mongodb")]] * 2)
    assert play.told == ["opened", "resolved"]
    assert not [one for one in play.board.incidents.values() if one.opened_at]


def test_the_furthest_cause_explains_all() -> None:
    play = Play()
    play.see(dead("frontend"), dead("engine"), dead("mongodb"), dead("redis"))
    [(_, notice)] = play.notices
    assert notice.title == "mongodb and redis are critical, and 2 that depend on them"


def test_a_monitor_that_suspects_itself_is_the_only_message() -> None:
    play = Play()
    names = ("engine", "ai_service", "mongodb", "redis", "exchange")
    play.see(dead("monitor"), *(dead(name, depends_on=("monitor",)) for name in names))
    [(_, notice)] = play.notices
    assert notice.title == "monitor is critical, and 5 that depend on it"


def test_a_dependant_that_stays_broken_is_told_when_its_cause_is_gone() -> None:
    play = Play()
    play.see(dead("mongodb"), dead("engine"))
    play.see_all([[look("mongodb"), dead("engine")]] * 3)
    assert [notice.title for _, notice in play.notices] == [
        "mongodb is critical, and 1 that depends on it",
        "engine is critical",
        "mongodb recovered after 15 min",
    ]


def test_a_slow_database_is_no_reason_for_a_dead_engine() -> None:
    play = Play()
    play.see(look("mongodb", Level.WARNING, looks=3), dead("engine"))
    [(_, notice)] = play.notices
    assert notice.title == "engine and mongodb are critical"
    assert notice.level is Level.CRITICAL


def test_a_cause_that_is_not_confirmed_yet_is_waited_for() -> None:
    play = Play()
    play.see(dead("mongodb", looks=1), dead("engine"))
    assert play.told == []
    play.see(dead("mongodb", looks=1), dead("engine"))
    assert [notice.title for _, notice in play.notices] == ["mongodb is critical, and 1 that depends on it"]


def test_a_cause_that_proves_to_be_a_blip_hides_nothing() -> None:
    play = Play()
    play.see(dead("mongodb", looks=1), dead("engine"))
    play.see(look("mongodb"), dead("engine"))
    assert [notice.title for _, notice in play.notices] == ["engine is critical"]


def test_keys_that_depend_on_each_other_do_not_hide_each_other() -> None:
    play = Play()
    play.see(dead("a", depends_on=("b",)), dead("b", depends_on=("c",)), dead("c", depends_on=("a",)))
    [(_, notice)] = play.notices
    assert notice.title == "a is critical, and 2 that depend on it"


def test_no_part_depends_on_itself() -> None:
    def above(key: str) -> set[str]:
        return {up for one in DEPENDS_ON.get(key, ()) for up in {one, *above(one)}}

    assert not [key for key in DEPENDS_ON if key in above(key)]


def test_a_rise_is_told_once_and_a_fall_never() -> None:
    play = Play()
    warning, critical = look("disk", Level.WARNING), look("disk", Level.CRITICAL)
    play.see_all([[warning], [warning], [critical], [critical], [warning], [warning], [critical], [critical]])
    assert play.told == ["opened", "risen-critical"]
    assert [notice.level for _, notice in play.notices] == [Level.WARNING, Level.CRITICAL]
    assert play.notices[1][0] == NOON + 4 * QUARTER
    assert play.board.incidents["disk"].severity is Level.CRITICAL


def test_one_critical_blip_in_a_warning_is_no_rise() -> None:
    play = Play()
    play.see_all([[look("disk", Level.WARNING)]] * 2 + [[look("disk", Level.CRITICAL)], [look("disk", Level.WARNING)]])
    assert play.told == ["opened"]


def test_critical_blips_among_warnings_never_add_up_to_a_rise() -> None:
    play = Play()
    play.see_all([[look("disk", Level.CRITICAL)], [look("disk", Level.WARNING)]] * 5)
    assert play.told == ["opened"]
    assert play.board.incidents["disk"].severity is Level.WARNING


def test_good_looks_that_do_not_follow_each_other_resolve_nothing() -> None:
    play = Play()
    play.see(dead("engine"))
    play.see_all([[look("engine")], [look("engine", Level.CRITICAL)]] * 6)
    assert play.told == ["opened"]


def test_an_acknowledged_incident_reminds_nobody_but_rises_and_recovers() -> None:
    play = Play()
    play.see(look("disk", Level.WARNING, looks=2))
    taken = replace(play.board.incidents["disk"], acknowledged_by="ada")
    play.board = replace(play.board, incidents={"disk": taken})
    play.see_all([[look("disk", Level.WARNING)]] * 40)
    assert play.told == ["opened"]
    play.see_all([[look("disk", Level.CRITICAL)]] * 2 + [[look("disk")]] * 2)
    assert play.told == ["opened", "risen-critical", "resolved"]


def test_maintenance_is_silent_and_what_is_over_by_its_end_was_never_told() -> None:
    play = Play(silences=[hushed("*", hours=2)])
    play.see_all([[dead("engine"), dead("redis")]] * 6 + [[look("engine"), look("redis")]] * 4)
    assert play.told == []
    assert [(c.incident.key, c.because) for _, c in play.changes] == [
        ("engine", "nobody was told of it"),
        ("redis", "nobody was told of it"),
    ]


def test_what_is_still_broken_when_a_silence_ends_is_told_then() -> None:
    play = Play(silences=[hushed("eng*", hours=2)])
    play.see_all([[dead("engine")]] * 10)
    assert [at for at, _ in play.notices] == [NOON + 2 * HOUR]
    assert "since 2026-11-25 12:15 UTC" in play.notices[0][1].body


def test_what_is_mending_when_a_silence_ends_is_not_told_any_more() -> None:
    play = Play(silences=[hushed("*", hours=1)])
    play.see_all([[dead("engine")]] * 3 + [[look("engine")]] * 3)
    assert play.told == []


def test_a_silence_covers_its_keys_and_its_time_alone() -> None:
    silence = hushed("job:*", hours=1, since=HOUR)
    assert not silence.covers("job:x", NOON + HOUR - timedelta(microseconds=1))
    assert silence.covers("job:x", NOON + HOUR)
    assert not silence.covers("job:x", NOON + 2 * HOUR)
    assert not silence.covers("engine", NOON + HOUR)


def test_a_recovery_is_told_in_a_silence_to_whom_the_alert_was_told() -> None:
    play = Play()
    play.see(dead("engine"))
    play.silences = [hushed("*", hours=100)]
    play.see_all([[dead("engine")]] * 40 + [[look("engine")]] * 2)
    assert play.told == ["opened", "resolved"]


def test_dependants_of_a_silenced_cause_are_silent_too() -> None:
    play = Play(silences=[hushed("mongodb", hours=1)])
    play.see(dead("mongodb"), dead("engine"))
    assert play.told == []


def cycle(up: int, down: int) -> list[list[Observation]]:
    return [[dead("engine")]] * down + [[look("engine")]] * up


def test_the_third_outage_in_six_hours_is_flapping_then_silence_until_it_is_stable() -> None:
    play = Play()
    play.see_all(cycle(2, 1) * 12)
    assert play.told == ["opened", "resolved", "opened", "resolved", "flapping"]
    assert play.notices[-1][1].title == "engine is flapping"
    play.see_all([[look("engine")]] * 12)
    assert play.told[5:] == ["resolved"]
    assert play.board.incidents == {}


def test_two_hours_without_a_change_end_the_flapping() -> None:
    play = Play()
    play.see_all([*cycle(2, 1) * 3])
    play.see(look("engine"), after=timedelta(hours=2) - timedelta(microseconds=1))
    assert play.told[-1] == "flapping"
    play.see(look("engine"), after=timedelta(microseconds=1))
    assert play.told[-1] == "resolved"


def test_what_ends_its_flapping_broken_is_reminded_of_again() -> None:
    play = Play()
    play.see_all(cycle(2, 1) * 3)
    assert play.told[-1] == "flapping"
    play.see_all([[dead("engine")]] * 40)
    assert play.told[5:] == ["reminder-1", "reminder-2"]
    play.see_all([[look("engine")]] * 2)
    assert play.told[-1] == "resolved"


def test_outages_with_hours_between_them_are_no_flapping() -> None:
    play = Play()
    play.see_all(cycle(12, 1) * 6)
    assert play.told == ["opened", "resolved"] * 6


def test_services_may_be_starting_for_a_moment_after_a_start_up() -> None:
    play = Play(policy=replace(POLICY, grace=timedelta(seconds=50)))
    play.see(dead("engine", may_be_starting=True), dead("disk"), after=timedelta(seconds=49))
    assert [notice.title for _, notice in play.notices] == ["disk is critical"]
    play.see(dead("engine", may_be_starting=True), dead("disk"), after=timedelta(seconds=1))
    assert [notice.title for _, notice in play.notices] == ["disk is critical", "engine is critical"]


def test_the_same_round_again_counts_nothing_again() -> None:
    play = Play()
    play.see(dead("engine", looks=1), run_id="r")
    play.see(dead("engine", looks=1), run_id="r")
    assert play.told == []


def test_an_older_look_than_the_last_is_not_counted() -> None:
    play = Play()
    play.see(dead("engine", looks=1))
    play.see(dead("engine", looks=1), after=timedelta(0))
    assert play.told == []


def test_a_look_of_a_clock_that_was_ahead_blocks_nobody() -> None:
    play = Play()
    play.see(dead("engine", looks=1), after=HOUR)
    play.see(dead("engine", looks=1), after=-HOUR / 2)
    assert play.told == ["opened"]


def test_of_two_looks_at_one_key_in_a_round_the_worse_counts() -> None:
    play = Play()
    play.see(look("engine"), dead("engine"), look("engine"))
    assert play.told == ["opened"]


def test_without_a_channel_nothing_is_told_and_with_one_it_is_told_late() -> None:
    play = Play(targets=())
    play.see_all([[dead("engine")]] * 2)
    assert play.told == []
    play.targets = ("slack",)
    play.see(dead("engine"))
    assert play.told == ["opened"]


def test_a_removed_channel_does_not_get_the_recovery() -> None:
    play = Play()
    play.see(dead("engine"))
    play.targets = ("email",)
    play.see_all([[look("engine")]] * 2)
    assert [one.target for one in play.board.pending] == ["slack", "email", "email"]


def test_many_problems_are_one_message_the_worst_first_and_one_recovery() -> None:
    play = Play()
    names = [f"p{n}" for n in range(6)]
    play.see(look("slow", Level.WARNING, looks=2), *(dead(name) for name in names))
    [(_, notice)] = play.notices
    assert notice.title == "p0, p1, p2 and 4 more are critical"
    assert notice.body.splitlines()[-1].startswith("slow degraded")
    play.see_all([[look("slow"), *(look(name) for name in names)]] * 2)
    assert play.notices[-1][1].title == "p0, p1, p2 and 4 more recovered"
    assert len(play.notices[-1][1].body.splitlines()) == 7


@pytest.mark.parametrize(
    ("source", "level", "event"),
    [
        ("health", Level.WARNING, "health_degraded"),
        ("health", Level.CRITICAL, "health_critical"),
        ("cost", Level.WARNING, "cost_warning"),
        ("cost", Level.CRITICAL, "cost_critical"),
        ("performance", Level.CRITICAL, "performance_degraded"),
        ("job", Level.ERROR, "job_failed"),
        ("watchdog", Level.CRITICAL, "watchdog_critical"),
    ],
)
def test_the_events_are_those_of_the_job_sheet(source: str, level: Level, event: str) -> None:
    play = Play(source=source)
    play.see(look("x", level, looks=2))
    assert [(notice.event, notice.level) for _, notice in play.notices] == [(event, level)]


def test_an_incident_that_is_not_open_has_no_name() -> None:
    with pytest.raises(ValueError, match="no open incident"):
        _ = Incident("engine", "health", "", None, NOON, "r").incident_id


@pytest.mark.parametrize(
    ("text", "key"),
    [("mongodb", "mongodb"), ("job:a b", "job:a_b"), ("</b><script>", "_/b_script_"), ("@everyone", "_everyone")],
)
def test_any_name_becomes_a_key(text: str, key: str) -> None:
    assert key_of(text) == key


def test_long_names_become_different_short_keys() -> None:
    one, other = key_of("x" * 500), key_of("x" * 501)
    assert len(one) == len(other) == 80
    assert one != other


def test_nothing_is_no_key() -> None:
    with pytest.raises(ValueError, match="is no key"):
        key_of("\u2003")


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(seconds=-1), "0 s"),
        (timedelta(seconds=59.9), "59 s"),
        (timedelta(minutes=1), "1 min"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=1), "1 h 0 min"),
        (timedelta(hours=23, minutes=59), "23 h 59 min"),
        (timedelta(days=2, hours=3), "2 d 3 h"),
    ],
)
def test_a_duration_reads_by_its_two_largest_units(duration: timedelta, text: str) -> None:
    assert lasted(duration) == text


def test_a_very_long_title_is_cut_and_the_body_keeps_it_all() -> None:
    play = Play()
    names = [letter * 70 for letter in "abc"]
    play.see(*(dead(name) for name in names))
    [(_, notice)] = play.notices
    assert len(notice.title) == 120
    assert all(name in notice.body for name in names)
