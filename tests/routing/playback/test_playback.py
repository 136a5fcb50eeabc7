"""A plan on paper plays without a miss; each minute or parcel too many is found, by its cause, hub, sort and day."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from routing.checker.playback.clock import ClockRules
from routing.checker.playback.playback import Playback, play_plan
from routing.checker.tables import read_tables
from routing.checker.violations import RULES
from tests.routing.playback.paper_plan import D10, D11, at, frame, paper_plan
from tests.routing.tiny_plan import Tables, tiny_plan


def play(tables: Tables, rules: ClockRules | None = None, *, when_full: bool = False) -> Playback:
    return play_plan(read_tables(tables)[0], rules, when_full=when_full)


def put(tables: Tables, table: str, row: int, **values: object) -> Tables:
    """Set cells of one row."""
    for column, value in values.items():
        cells = tables[table][column].to_list()
        cells[row] = value
        tables[table] = tables[table].with_columns(
            pl.Series(column, cells, dtype=tables[table].schema[column], strict=False)
        )
    return tables


def roomy(tables: Tables) -> Tables:
    """Take the bounds off sorts and yards, so that one miss brings no other."""
    tables["hub_sorts"] = tables["hub_sorts"].with_columns(sort_capacity=pl.lit(None, pl.Float64))
    tables["hubs"] = tables["hubs"].with_columns(
        pl.lit(None, pl.Float64).alias(c) for c in ("buffer_capacity", "staging_capacity")
    )
    return tables


def causes(played: Playback) -> dict[str, int]:
    told: dict[str, int] = {}
    for violation in played.violations:
        told[violation.rule] = told.get(violation.rule, 0) + int(violation.found)
    return told


def test_paper_plan_misses_nothing() -> None:
    played = play(paper_plan())
    assert played.violations == ()
    assert (played.boardings, played.arrivals, played.parcels, played.not_done) == (400, 300, 300, 0)
    assert (played.sorts, played.sorts_over, played.hired, played.worst_sort) == (6, 0, 0, 1.0)
    # 140 from 22:00 to 16:00, 60 from 30:00 to 24:00, 70 from 22:00 to 26:00, 30 from 30:00 to 34:00 the next day
    assert played.mean_hours == pytest.approx((140 * 18 + 60 * 18 + 70 * 28 + 30 * 28) / 300)
    # B by 20:00: the 60 are done at 24:00, four hours late; C by 8:00 of its clock: the 30 are done exactly then
    assert (played.parcels_late, played.parcel_hours_late, played.promised) == (60, 240.0, 300)


def test_cut_off_a_minute_earlier_is_missed_by_all_that_come_at_it() -> None:
    played = play(put(roomy(paper_plan()), "hub_sorts", 2, cut_off="13:59"))
    assert played.missed_late == 280
    # 140 are to be done with it; 70 go on, with the next vehicle and with one hired, and are not done by 26:00 either
    assert (played.boardings_missed, played.arrivals_missed, played.hired) == (70, 140 + 70, 1)
    assert {v.rule for v in played.violations} == {"playback.missed"}
    first = next(v for v in played.violations if "B-C" in v.where)
    assert (first.rule, first.date, first.found) == ("playback.missed", D11, "70")
    assert "Hub B, sort day of 2024-11-11: 70 parcels to leave over lane B-C at 2024-11-11 16:00" in first.text


@pytest.mark.parametrize("hours", [14.0 + 1 / 60, 14.001])
def test_lane_that_takes_a_minute_more_misses_both_cut_offs(hours: float) -> None:
    played = play(put(paper_plan(), "lanes", 0, transit_hours=hours))
    assert played.boardings_missed == 100


def test_unloading_counts_from_arrival() -> None:
    assert play(paper_plan(), ClockRules(unload_hours=1 / 60)).boardings_missed == 100
    early = put(paper_plan(), "lanes", 0, transit_hours=13.0)
    early = put(early, "lanes", 1, transit_hours=5.0)
    assert play(early, ClockRules(unload_hours=1.0)).violations == ()


def test_weather_slows_what_leaves_on_its_day() -> None:
    slow = paper_plan() | {"lane_weather": frame("date lane_id speed_factor capacity_factor", (D10, "A-B", 0.999, 1.0))}
    assert play(slow).boardings_missed == 100


def test_vehicle_over_by_a_parcel() -> None:
    tables = put(paper_plan(), "vehicle_types", 0, capacity=69.0)
    played = play(tables)
    # three of 69 hold 207 of 210; what is left rides with the next two; one of 69 holds 69 of 70
    assert causes(played)["playback.vehicle"] == 3 + 1
    assert played.vehicles_over == 2
    own = paper_plan() | {"lane_vehicles": frame("lane_id vehicle_type_id capacity", ("B-C", "truck", 69.0))}
    played = play(own)
    assert (played.boardings_missed, played.missed_vehicle, played.hired) == (1, 1, 1)


def test_departure_too_few_leaves_its_parcels() -> None:
    tables = put(paper_plan(), "trunk_departures", 0, departures=2)
    played = play(tables)
    assert played.missed_vehicle == 70
    assert played.vehicles_over == 1


def test_departure_that_is_not_there_carries_nothing() -> None:
    tables = paper_plan()
    tables["trunk_departures"] = tables["trunk_departures"].head(3)
    assert play(tables).missed_vehicle == 30


def test_sort_over_by_a_parcel() -> None:
    tables = put(roomy(paper_plan()), "hub_sorts", 0, sort_capacity=209.0)
    tables = put(tables, "hubs", 0, buffer_capacity=0.0)
    played = play(tables)
    assert (played.sorts_over, played.missed_sort) == (1, 1)
    told = next(v for v in played.violations if v.rule == "playback.sort")
    assert (told.where, told.date, told.found) == ("A evening A-B 00:00", D10, "1")
    assert told.text.endswith("1 parcels to leave over lane A-B at 2024-11-11 00:00 are not sorted: it can sort 209.")
    # it waits unsorted where nothing may wait
    assert played.buffers_over == 1
    # and misses what comes after: B's sort, or its vehicle and C's sort
    assert played.missed_late in (1, 2)
    assert played.worst_sort == pytest.approx(210 / 209)


def test_hub_closed_for_six_hours_sorts_less_or_takes_what_comes_later() -> None:
    shut = "hub_id starts_at ends_at open_share"
    half = paper_plan() | {"hub_closures": frame(shut, ("B", at(11, 8), at(11, 14), 0.0))}
    played = play(half)
    # five of the seven hours of B's day sort are gone: 60 of 210 are sorted
    assert played.missed_sort >= 150
    assert played.missed_late == 0 or played.sorts_over >= 1
    over = paper_plan() | {"hub_closures": frame(shut, ("B", at(11, 9), at(11, 15), 0.0))}
    # what would come at 14:00 is taken in at 15:00, after the cut-off
    assert sum(int(v.found) for v in play(over).violations if "B day" in v.where and v.rule == "playback.missed") == 210
    open_half = paper_plan() | {"hub_closures": frame(shut, ("C", at(11, 16), at(11, 26), 0.5))}
    # 35 of 70 are left, and take the place of all but 0 of 30 in the night
    assert play(open_half).missed_sort == 35 + 30


def test_vehicle_of_a_closed_hub_leaves_when_it_opens() -> None:
    shut = frame("hub_id starts_at ends_at open_share", ("B", at(11, 15.99), at(11, 17), 0.0))
    tables = put(paper_plan() | {"hub_closures": shut}, "hub_sorts", 2, sort_capacity=220.0)
    tables = put(tables, "hub_sorts", 3, sort_capacity=120.0)
    played = play(tables)
    # 16:00 becomes 17:00, 23:00 in Shanghai, 21:00 at C: an hour before the cut-off
    assert played.boardings_missed == 0
    late = put(tables, "lanes", 1, transit_hours=7.5)
    assert play(late).arrivals_missed >= 70


def test_closed_by_change_of_the_network_sorts_nothing() -> None:
    closed = paper_plan() | {"network_changes": frame("date hub_id change share", (D11, "C", "closes", None))}
    played = play(closed)
    assert played.arrivals_missed == 100
    assert played.not_done == 100


def test_time_zone_decides_whether_an_hour_is_in_time() -> None:
    here = put(paper_plan(), "hubs", 2, time_zone="Asia/Shanghai")
    assert play(here).violations == ()  # 22:00, the cut-off itself
    east = put(paper_plan(), "hubs", 2, time_zone="Asia/Tokyo")
    assert play(east).missed_late >= 70  # 23:00
    west = play(paper_plan(), ClockRules(time_zone="Asia/Urumqi"))
    assert west.boardings_missed > 0  # vehicles leave at 22:00 of A's clock now, before its sort closes


def test_capacity_of_a_day_replaces_that_of_its_sorts() -> None:
    days = "date hub_id sort_id sort_capacity buffer_capacity"
    one = paper_plan() | {"hub_days": frame(days, (D11, "B", "day", 200.0, None))}
    assert play(one).missed_sort >= 10
    # of sorts none of which is called day, 300 are split 210 to 90, as they are
    whole = put(paper_plan(), "hub_sorts", 2, sort_id="noon")
    assert play(whole | {"hub_days": frame(days, (D11, "B", "day", 300.0, None))}).violations == ()
    assert play(whole | {"hub_days": frame(days, (D11, "B", "day", 290.0, None))}).sorts_over >= 1
    assert play(whole | {"hub_days": frame(days, (D10, "B", "day", 0.0, None))}).violations == ()


def test_sort_of_another_weekday_or_season_does_not_run() -> None:
    sorts = paper_plan()["hub_sorts"].with_columns(
        weekdays=pl.when(pl.col("sort_id") == "day").then(pl.lit("23456")),
        date_from=pl.lit(D10),
        date_to=pl.lit(None, pl.Date),
    )
    assert play(paper_plan() | {"hub_sorts": sorts}).boardings_missed >= 70  # the 11th is a Monday
    ended = sorts.with_columns(weekdays=pl.lit(None, pl.String), date_to=pl.lit(D10))
    assert play(paper_plan() | {"hub_sorts": ended}).not_done > 0


def test_what_waits_is_held_against_buffer_and_staging() -> None:
    tables = paper_plan()
    # all of the first vehicle's parcels are to leave at 8:00 instead: sorted ahead, or left
    flows = tables["trunk_flows"].with_columns(
        departs_at=pl.Series(
            [[at(11, 8)], [at(11, 8)], [at(11, 8), at(11, 24)], [at(11, 8), at(11, 24)]],
            dtype=pl.List(pl.Datetime("us", "UTC")),
        ),
        completed_at=pl.lit(at(12, 10)),
    )
    tables["trunk_flows"] = flows
    tables["trunk_departures"] = frame(
        "date lane_id vehicle_type_id sort_id leaves_at departures parcels cost",
        (D11, "A-B", "truck", "night", at(11, 8), 5, 300, 1.0),
        (D11, "B-C", "truck", "evening", at(11, 24), 2, 100, 1.0),
    )
    tables = put(tables, "hub_sorts", 3, sort_capacity=300.0)
    tables = put(tables, "hub_sorts", 5, sort_capacity=100.0)
    tables = put(tables, "hub_sorts", 1, sort_capacity=300.0)
    none_staged = play(tables)
    # nothing sorted may wait at A, so 210 wait unsorted where nothing may
    assert [(v.rule, v.where, v.found) for v in none_staged.violations] == [("playback.buffer", "A evening", "210")]
    room = put(tables, "hubs", 0, staging_capacity=150.0, buffer_capacity=60.0)
    assert play(room).violations == ()
    assert play(put(tables, "hubs", 0, staging_capacity=149.0, buffer_capacity=60.0)).buffers_over == 1
    # without a room of its own what is sorted shares the buffer
    assert play(put(tables, "hubs", 0, staging_capacity=None, buffer_capacity=210.0)).violations == ()
    assert play(put(tables, "hubs", 0, staging_capacity=None, buffer_capacity=209.0)).buffers_over == 1


def test_sorted_parcels_beyond_staging_are_told() -> None:
    tables = put(paper_plan(), "hubs", 1, staging_capacity=5.0, buffer_capacity=None)
    tables = put(tables, "hub_sorts", 2, cut_off="13:59", sort_capacity=1000.0)
    tables = put(tables, "hub_sorts", 3, sort_capacity=1000.0)
    # 70 that miss 16:00 are sorted with the evening sort and find 40 places at 24:00; a truck is hired for 30
    played = play(tables)
    assert played.hired == 1


def test_ready_at_decides_over_the_profile() -> None:
    tables = paper_plan()
    tables["route_demand"] = tables["route_demand"].with_columns(ready_at=pl.lit(at(10, 22)))
    tables = put(tables, "hub_sorts", 0, sort_capacity=300.0)
    early = put(tables, "hubs", 0, staging_capacity=90.0)
    assert play(early).violations == ()
    late = roomy(paper_plan())
    late["route_demand"] = late["route_demand"].with_columns(ready_at=pl.lit(at(10, 22) + timedelta(minutes=1)))
    played = play(late)
    assert next(v.found for v in played.violations if v.where == "A evening A-B 00:00") == "210"


def test_without_profile_parcels_come_at_the_last_cut_off() -> None:
    tables = roomy(paper_plan())
    del tables["hand_in_profile"]
    # at 6:00: after the vehicles of 0:00, and those to C after that of 16:00
    assert play(tables).boardings_missed == 210 + 70


def test_plan_by_days_without_sorts_plays_as_it_is_written() -> None:
    played = play(tiny_plan())
    assert played.violations == ()
    assert not played.by_clock
    assert played.parcels == 1150


def test_plan_by_days_on_sorts_leaves_with_the_last_one() -> None:
    tables = paper_plan()
    tables["trunk_flows"] = (
        tables["trunk_flows"]
        .drop("departs_at", "completed_at")
        .with_columns(departure_dates=pl.Series([[D10], [D10], [D10, D11], [D10, D11]]), completed_on=pl.lit(D11))
    )
    tables["trunk_flows"] = (
        tables["trunk_flows"]
        .group_by(
            "date",
            "origin_hub_id",
            "destination_hub_id",
            "path",
            "departure_dates",
            "completed_on",
            maintain_order=True,
        )
        .agg(pl.col("parcels").sum())
    )
    tables["trunk_departures"] = frame(
        "date lane_id vehicle_type_id departures parcels cost",
        (D10, "A-B", "truck", 5, 300, 1.0),
        (D11, "B-C", "truck", 2, 100, 1.0),
    )
    tables = put(tables, "hubs", 0, staging_capacity=210.0)
    played = play(tables)
    assert not played.by_clock
    # all leave A at 8:00 on the 11th, come to B at 22:00 and are 300 for a sort of 90
    assert (played.missed_sort, played.boardings_missed + played.arrivals_missed >= 210) == (210, True)
    # full vehicles that leave with the evening sort come to B at 14:00
    assert play(tables, when_full=True).missed_sort < 210


@pytest.mark.parametrize("seed", range(3))
def test_parcels_are_kept_whatever_is_missing(seed: int) -> None:
    tables = paper_plan()
    tables["trunk_departures"] = tables["trunk_departures"].sample(2, seed=seed)
    tables["hub_sorts"] = tables["hub_sorts"].with_columns(pl.col("sort_capacity") * 0.7)
    played = play(tables)
    assert played.parcels == 300
    assert played.arrivals + played.not_done == 300


def test_empty_plan_plays_to_nothing() -> None:
    tables = paper_plan()
    for name in ("route_demand", "trunk_flows", "trunk_departures"):
        tables[name] = tables[name].clear()
    assert play(tables).parcels == 0


def test_rules_of_the_playback_have_a_meaning() -> None:
    told = {rule for rule in RULES if rule.startswith("playback.")}
    assert told == {f"playback.{name}" for name in ("missed", "sort", "vehicle", "buffer", "staging", "not_done")}
