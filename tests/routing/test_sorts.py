"""Plans by sorts: nodes, departures and hand-in by the clock, and the day as the special case of one sort."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from data.contracts import contract
from data.departure_times import TimetableTables, list_departures
from data.errors import RadarError
from data.hub_limits import TABLES, list_day_limits, list_sort_limits
from routing.checker.playback.clock import ClockRules
from routing.checker.playback.playback import play_plan
from routing.checker.tables import read_tables
from routing.trunk.plan import TrunkPlan, plan_trunk
from routing.trunk.search.draft import Draft
from routing.trunk.search.early_finish import finish_early
from routing.trunk.task.build_network import build_network
from routing.trunk.task.flows import Flows, load_network
from routing.trunk.task.hand_in import read_profiles, split_parcels
from routing.trunk.task.inputs import HOURS, TrunkInputs, TrunkOptions
from routing.trunk.task.network import share_limits
from routing.trunk.task.paths import PathPool
from routing.trunk.vehicles.vehicle_model import tally
from tests.routing.networks import DAY, as_tables, make_inputs
from tests.routing.random_networks import random_network

OPTIONS = TrunkOptions(hold_cost=0.24, short_cost=50.0, effort=0.02, unload_hours=1.0)
SEARCHED = replace(OPTIONS, proof_share=0.0)  # without the exact model, which takes most of the time on such networks
TRUCK = {
    "vehicle_type_id": "truck",
    "mode": "road",
    "ownership": "spot",
    "capacity": 100,
    "fixed_cost": 10.0,
    "cost_per_km": 0.0,
}
THREE = (
    ("day", "09:00", "14:00", "16:00"),
    ("evening", "16:00", "22:00", "24:00"),
    ("night", "24:00", "30:00", "32:00"),
)


def _table(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    return contract(name).conform(pl.DataFrame(rows, infer_schema_length=None))


def _sorts(hubs: str, sorts: tuple[tuple[str, str, str, str], ...] = THREE, **values: Any) -> pl.DataFrame:
    keys = ("sort_id", "opens", "cut_off", "closes")
    return _table(
        "hub_sorts", [{"hub_id": hub, **dict(zip(keys, sort, strict=True)), **values} for hub in hubs for sort in sorts]
    )


def _inputs(hours: float = 9.0, parcels: int = 100, **tables: pl.DataFrame) -> TrunkInputs:
    lane = {
        "lane_id": "A-B", "origin_hub_id": "A", "destination_hub_id": "B", "mode": "road", "distance_km": 1.0,
        "transit_hours": hours,
    }  # fmt: skip
    made = make_inputs([{"hub_id": "A"}, {"hub_id": "B"}], [lane], [TRUCK], [(0, "A", "B", parcels)])
    return replace(made, **({"hub_sorts": _sorts("AB")} | tables))


def _local(moment: datetime) -> str:
    return (moment + timedelta(hours=8)).strftime("%d %H:%M")


def _only(plan: TrunkPlan) -> dict[str, Any]:
    assert plan.trunk_flows.height == 1
    return plan.trunk_flows.row(0, named=True)


def test_a_lane_of_nine_hours_reaches_the_next_day_sort_by_an_hour_of_unloading() -> None:
    # handed in by 22:00, sorted in the evening, leaves at midnight, at hand at 10:00, cut-off 14:00, done 16:00
    profile = _table("hand_in_profile", [{"hub_id": "*", "until_hour": "22:00", "share": 1.0}])
    plan = plan_trunk(_inputs(hand_in_profile=profile), OPTIONS)
    flow, first = _only(plan), plan.route_demand["date"][0]
    assert _local(flow["departs_at"][0]) == (first + timedelta(days=1)).strftime("%d 00:00")
    assert _local(flow["completed_at"]) == (first + timedelta(days=1)).strftime("%d 16:00")
    departure = plan.trunk_departures.row(0, named=True)
    assert (departure["sort_id"], departure["date"]) == ("evening", first)
    assert _local(departure["arrives_at"]) == (first + timedelta(days=1)).strftime("%d 09:00")


@pytest.mark.parametrize(("hours", "done"), [(13.0, "16:00"), (13.1, "24:00"), (0.0, "24:00")])
def test_a_minute_after_the_cut_off_is_the_next_sort_and_no_hours_no_unloading(hours: float, done: str) -> None:
    profile = _table("hand_in_profile", [{"hub_id": "*", "until_hour": "22:00", "share": 1.0}])
    # with the evening's cut-off at its close a lane of 0 hours arrives in the sort it leaves
    sorts = (*THREE[:1], ("evening", "16:00", "24:00", "24:00"), *THREE[2:])
    network = build_network(_inputs(hours, hand_in_profile=profile, hub_sorts=_sorts("AB", sorts)), OPTIONS)
    evening = [r for r in range(network.arcs) if network.arc_day[r] == 0 and network.arc_leaves[r] == 24.0]
    head = int(network.arc_head[evening[0]])
    day = 0 if hours == 0.0 else 1
    assert network.close_hour[head] == 24.0 * day + {"16:00": 16.0, "24:00": 24.0}[done]


def test_one_sort_that_closes_at_midnight_is_the_day() -> None:
    inputs = random_network(5, hubs=4, days=2, scale=1.0, promised=0.3)
    names = inputs.hubs["hub_id"].to_list()
    capacity = dict(inputs.hubs.select("hub_id", "sort_capacity").iter_rows())
    rows = [
        {
            "hub_id": hub,
            "sort_id": "day",
            "opens": "00:00",
            "cut_off": "24:00",
            "closes": "24:00",
            "sort_capacity": capacity[hub],
        }
        for hub in names
    ]
    options = replace(OPTIONS, unload_hours=0.0)
    by_day = plan_trunk(inputs, options)
    by_sort = plan_trunk(replace(inputs, hub_sorts=_table("hub_sorts", rows)), options)
    assert by_sort.cost == pytest.approx(by_day.cost)
    assert by_sort.lower_bound == pytest.approx(by_day.lower_bound)
    shared = by_day.trunk_flows.columns
    assert (
        by_sort.trunk_flows.select(shared)
        .sort([*shared[:3], "completed_on", "parcels"])
        .equals(by_day.trunk_flows.sort([*shared[:3], "completed_on", "parcels"]))
    )


def test_what_is_not_at_hand_before_the_cut_off_waits_for_the_next_sort() -> None:
    profile = _table(
        "hand_in_profile",
        [{"hub_id": "*", "until_hour": "22:00", "share": 0.7}, {"hub_id": "*", "until_hour": "30:00", "share": 0.3}],
    )
    plan = plan_trunk(_inputs(parcels=101, hand_in_profile=profile), OPTIONS)
    loads = plan.hub_loads.filter(pl.col("hub_id") == "A")
    evening = loads.filter(pl.col("sort_id") == "evening").row(0, named=True)
    night = loads.filter(pl.col("sort_id") == "night").row(0, named=True)
    # 70 handed in by 22:00 may wait for the night, the 31 of the night cannot be there before
    assert evening["handled"] + evening["held"] == 70
    assert night["handled"] == 101 - evening["handled"]


def test_parcels_split_by_hours_are_whole_and_claim_none_that_is_not_there() -> None:
    table = _table(
        "hand_in_profile",
        [{"hub_id": "*", "until_hour": hour, "share": share} for hour, share in (("12:00", 0.335), ("30:00", 0.665))],
    )
    profile = read_profiles(table)["*"]
    assert split_parcels(100, profile) == [(12.0, 33), (30.0, 67)]
    assert sum(parcels for _, parcels in split_parcels(7, profile)) == 7


def test_a_hub_in_another_time_zone_keeps_its_own_clock() -> None:
    inputs = _inputs()
    zones = inputs.hubs.with_columns(time_zone=pl.Series(["Asia/Shanghai", "Asia/Urumqi"]))
    network = build_network(replace(inputs, hubs=zones), OPTIONS)
    close = {
        network.hub_ids[hub]: hour
        for hub, hour, turn in zip(network.node_hub, network.close_hour, network.node_turn, strict=True)
        if turn == 0
    }
    assert close == {"A": 16.0, "B": 18.0}
    assert network.moment(16.0) == datetime.combine(network.first_day, datetime.min.time(), UTC) + timedelta(hours=8)


def test_listed_departures_leave_at_their_hours_with_what_is_loaded_by_then() -> None:
    rows = [
        {"lane_id": "A-B", "leaves": "17:30", "load_hours": 1.0},
        {"lane_id": "A-B", "leaves": "25:00", "load_hours": 2.0, "departure_limit": 1},
    ]
    inputs = _inputs(lane_departures=_table("lane_departures", rows))
    network = build_network(inputs, OPTIONS)
    first = [r for r in range(network.arcs) if network.arc_day[r] == 0]
    told = {(network.arc_leaves[r], network.sort_ids[network.node_sort[network.arc_tail[r]]]) for r in first}
    # at 25:00 less 2 hours of loading the evening has not closed yet
    assert told == {(17.5, "day"), (25.0, "day")}
    assert sorted(network.lane_limit[network.arc_lane[r], 0] for r in first) == [1.0, np.inf]


def test_a_limit_of_the_day_is_shared_over_its_departures() -> None:
    inputs = _inputs(parcels=600)
    lanes = inputs.lanes.with_columns(departure_limit=pl.lit(4, pl.Int64))
    network = build_network(replace(inputs, lanes=lanes), OPTIONS)
    shared = share_limits(network)
    mine = shared.lane_limit[:, 0]
    assert sorted(mine.tolist()) == [1.0, 1.0, 2.0]
    assert (network.lane_limit[:, 0] == 4.0).all()
    plan = plan_trunk(replace(inputs, lanes=lanes), OPTIONS)
    most = plan.trunk_departures.group_by("date").agg(pl.col("departures").sum())["departures"].max()
    assert most == 4


def test_closed_hours_take_their_share_and_move_departures_to_their_end() -> None:
    inputs = _inputs()
    start = datetime.combine(DAY, datetime.min.time(), UTC)
    # 20:00 to 02:00 local: half of the evening sort, and its departure
    rows = [
        {
            "closure_id": "c", "hub_id": "A", "starts_at": start + timedelta(hours=12), "ends_at": start + timedelta(hours=18),
            "open_share": 0.0,
        }
    ]  # fmt: skip
    closed = replace(inputs, hub_sorts=_sorts("AB", sort_capacity=100), hub_closures=_table("hub_closures", rows))
    network = build_network(closed, OPTIONS)
    evening = next(n for n in range(network.nodes) if network.node_hub[n] == 0 and network.close_hour[n] == 24.0)
    assert network.sort_capacity[evening] == pytest.approx(50.0)
    assert [network.arc_leaves[r] for r in range(network.arcs) if network.arc_tail[r] == evening] == [26.0]


def test_a_days_own_capacity_is_split_over_its_sorts() -> None:
    inputs = _inputs(hub_sorts=_sorts("AB", sort_capacity=100))
    day = inputs.route_demand["date"].min()
    given = _table("hub_days", [{"date": day, "hub_id": "A", "sort_id": "day", "sort_capacity": 90}])
    network = build_network(replace(inputs, hub_days=given), OPTIONS)
    by_day = [network.sort_capacity[(network.node_hub == 0) & (network.node_day == day)].tolist() for day in (0, 1)]
    assert by_day == [[30.0] * 3, [100.0] * 3]


def test_an_hour_the_change_of_clocks_leaves_out_is_told() -> None:
    inputs = _inputs(hub_sorts=_sorts("AB", (("night", "01:00", "02:30", "04:00"),)))
    zones = inputs.hubs.with_columns(time_zone=pl.lit("Europe/Berlin"))
    demand = inputs.route_demand.with_columns(date=pl.lit(date(2025, 3, 30)))
    with pytest.raises(RadarError, match=r"02:30 on 2025-03-30 in Europe/Berlin"):
        build_network(replace(inputs, hubs=zones, route_demand=demand), OPTIONS)


def test_promises_are_late_by_the_clock() -> None:
    profile = _table("hand_in_profile", [{"hub_id": "*", "until_hour": "22:00", "share": 1.0}])
    promise = {"origin_hub_id": "A", "destination_hub_id": "B", "by_day": 1, "by_hour": "12:00"}
    plan = plan_trunk(_inputs(hand_in_profile=profile, service_promises=_table("service_promises", [promise])), OPTIONS)
    flow = _only(plan)
    # done at 16:00 of the day promised for 12:00
    assert (flow["late_hours"], flow["late_days"], plan.late) == (4.0, 0, 100)
    assert plan.cost == pytest.approx(10.0 + 100 * 4.0 / 24.0)


@pytest.mark.parametrize(
    ("waves", "late"),
    [(("08:00", "13:00"), 19.0), (("17:00",), 0.0), (("06:00", "16:00"), 0.0), (("12:00", "15:59"), 24.0)],
)
def test_late_is_counted_by_the_delivery_waves_missed(waves: tuple[str, ...], late: float) -> None:
    # promised for 12:00, done at 16:00: 13:00 is missed and 8:00 taken, 17:00 takes both, a wave of 16:00 takes what closes then, one of 15:59 does not
    profile = _table("hand_in_profile", [{"hub_id": "*", "until_hour": "22:00", "share": 1.0}])
    promise = {"origin_hub_id": "A", "destination_hub_id": "B", "by_day": 1, "by_hour": "12:00"}
    rows = [{"hub_id": "B", "leaves": leaves} for leaves in waves]
    hours: dict[str, Any] = {"hand_in_profile": profile, "service_promises": _table("service_promises", [promise])}
    inputs = replace(_inputs(), **hours, delivery_waves=_table("delivery_waves", rows))
    plan = plan_trunk(inputs, OPTIONS)
    flow = _only(plan)
    assert (flow["late_hours"], plan.late) == (late, 100 if late else 0)
    assert plan.cost == pytest.approx(10.0 + 100 * late / 24.0)
    frames = read_tables({**as_tables(inputs), **_hours_of(inputs), **plan.tables()})[0]
    played = play_plan(frames, ClockRules(unload_hours=OPTIONS.unload_hours))
    assert (played.parcels_late, played.parcel_hours_late) == (plan.late, 100 * late)


def _hours_of(inputs: TrunkInputs) -> dict[str, pl.DataFrame]:
    return {name: getattr(inputs, name) for name in HOURS}


@pytest.mark.parametrize(("seed", "waves", "asked"), [(11, (), SEARCHED), (12, ("08:00", "14:00"), OPTIONS)])
def test_what_a_plan_tells_late_is_what_is_late_when_it_is_played(
    seed: int, waves: tuple[str, ...], asked: TrunkOptions
) -> None:
    inputs = random_network(seed, hubs=4, days=2, scale=0.6, promised=0.8)
    hubs = inputs.hubs["hub_id"].to_list()
    capacity = dict(inputs.hubs.select("hub_id", "sort_capacity").iter_rows())
    sorts = [
        _sorts("A", THREE if number % 2 else THREE[1:]).with_columns(
            hub_id=pl.lit(hub), sort_capacity=pl.lit(capacity[hub], pl.Int64) // 6
        )
        for number, hub in enumerate(hubs)
    ]
    profile = [{"hub_id": "*", "until_hour": hour, "share": share} for hour, share in (("22:00", 0.7), ("30:00", 0.3))]
    inputs = replace(
        inputs,
        network_changes=inputs.network_changes.clear(),
        hub_sorts=pl.concat(sorts),
        hand_in_profile=_table("hand_in_profile", profile),
        delivery_waves=_table("delivery_waves", [{"hub_id": hub, "leaves": at} for hub in hubs for at in waves])
        if waves
        else inputs.delivery_waves,
    )
    plan = plan_trunk(inputs, replace(asked, default_promise_days=0))
    frames = read_tables({**as_tables(inputs), **_hours_of(inputs), **plan.tables()})[0]
    played = play_plan(frames, ClockRules(unload_hours=OPTIONS.unload_hours, default_promise_days=0))
    assert played.violations == ()
    assert plan.late > 0
    assert played.parcels_late == plan.late
    told = plan.trunk_flows.select((pl.col("parcels") * pl.col("late_hours").fill_null(0.0)).sum()).item()
    assert played.parcel_hours_late == pytest.approx(told)
    assert _count_needless_waits(plan) == 0


def _count_needless_waits(plan: TrunkPlan) -> int:
    """Parcels a hub finishes in a sort though an earlier one, closing after they were at hand for sure, had room."""
    loads = plan.hub_loads.with_columns(free=pl.col("capacity").fill_null(1 << 40) - pl.col("handled"))
    # at hand for sure: an hour of unloading and two hours before a close the last arrival, eight hours the longest sort
    needless = 0
    for flow in plan.trunk_flows.iter_rows(named=True):
        if not flow["path"]:
            continue
        arrives = plan.trunk_departures.filter(
            (pl.col("lane_id") == flow["path"][-1]) & (pl.col("leaves_at") == flow["departs_at"][-1])
        )["arrives_at"][0]
        earlier = loads.filter(
            (pl.col("hub_id") == flow["destination_hub_id"])
            & (pl.col("closes_at") < flow["completed_at"])
            & (pl.col("closes_at") >= arrives + timedelta(hours=3))
        )
        needless += earlier.filter(pl.col("free") > 0).height > 0
    return needless


def test_parcels_that_wait_at_their_destination_take_the_room_of_the_sort_before() -> None:
    profile = _table("hand_in_profile", [{"hub_id": "*", "until_hour": "22:00", "share": 1.0}])
    sorts = pl.concat([_sorts("A"), _sorts("B", sort_capacity=60)])
    inputs = _inputs(hand_in_profile=profile, hub_sorts=sorts)
    network = build_network(inputs, OPTIONS)
    arc = next(r for r in range(network.arcs) if network.arc_day[r] == 0 and network.arc_leaves[r] == 24.0)
    noon = int(network.arc_head[arc])
    late = [noon, int(network.after[noon])]
    pool = PathPool(np.zeros(1, np.int64), np.array([0, 3]), np.array([arc, *(network.arcs + node for node in late)]))
    flows = Flows(pool, np.array([100]))
    loads = load_network(network, flows)
    draft = Draft(flows, loads, tally(network, np.array([arc]), np.array([0]), np.array([1]), loads.arcs))
    done = finish_early(network, draft)
    assert done.flows.short(network).sum() == 0
    last = int(network.after[late[1]])
    # 60 where they arrive, the other 40 in the sort after it, none in the one the draft had for all
    assert [int(done.loads.sorts[node]) for node in (noon, late[1], last)] == [60, 40, 0]
    assert done.cost < draft.cost


def _check_by_clock(inputs: TrunkInputs, plan: TrunkPlan) -> int:
    """Boardings and ends that the clock allows; raises on the first that it does not."""
    sorts = list(inputs.hub_sorts.iter_rows(named=True))
    lanes = {row["lane_id"]: row for row in inputs.lanes.iter_rows(named=True)}
    seen = 0
    for flow in plan.trunk_flows.iter_rows(named=True):
        at = flow["departs_at"][0] - timedelta(days=9) if flow["path"] else None
        hub = flow["origin_hub_id"]
        for lane, leaves in zip(flow["path"], flow["departs_at"], strict=True):
            assert lanes[lane]["origin_hub_id"] == hub
            assert at is None or _sorted_between(sorts, hub, at, leaves)
            at = leaves + timedelta(hours=lanes[lane]["transit_hours"] + OPTIONS.unload_hours)
            hub, seen = lanes[lane]["destination_hub_id"], seen + 1
        assert hub == flow["destination_hub_id"]
        assert at is None or _sorted_between(sorts, hub, at, flow["completed_at"])
    return seen


def _sorted_between(sorts: list[dict[str, Any]], hub: str, at_hand: datetime, done: datetime) -> bool:
    """Whether a sort of the hub cuts off at or after one moment and closes by the other."""
    for sort in sorts:
        if sort["hub_id"] != hub:
            continue
        hours = {c: int(sort[c][:2]) + int(sort[c][3:]) / 60 for c in ("cut_off", "closes")}
        for back in range(12):
            midnight = datetime.combine((done + timedelta(hours=8)).date(), datetime.min.time(), UTC) - timedelta(
                days=back, hours=8
            )
            cut_off, closes = (midnight + timedelta(hours=hours[c]) for c in ("cut_off", "closes"))
            if cut_off >= at_hand - timedelta(seconds=1) and closes <= done + timedelta(seconds=1):
                return True
    return False


@pytest.mark.parametrize(("seed", "asked"), [(1, OPTIONS), (2, SEARCHED)])
def test_no_parcel_of_a_random_network_misses_a_sort(seed: int, asked: TrunkOptions) -> None:
    inputs = random_network(seed, hubs=4, days=3, scale=0.5)
    inputs = replace(inputs, network_changes=inputs.network_changes.clear(), lane_weather=inputs.lane_weather.clear())
    sorts = [
        _sorts("A", THREE if number % 2 else THREE[1:]).with_columns(hub_id=pl.lit(hub))
        for number, hub in enumerate(inputs.hubs["hub_id"].to_list())
    ]
    inputs = replace(inputs, hub_sorts=pl.concat(sorts))
    plan = plan_trunk(inputs, asked)
    assert _check_by_clock(inputs, plan) > 5
    hours = {name: getattr(inputs, name) for name in ("hub_sorts", "hub_days", "hub_closures", "hand_in_profile")}
    frames, _ = read_tables({**as_tables(inputs), **hours, **plan.tables()})
    played = play_plan(frames, ClockRules(unload_hours=OPTIONS.unload_hours))
    assert (played.by_clock, played.boardings > 0, played.violations) == (True, True, ())
    assert plan.lower_bound <= plan.cost + 1e-6
    carried = int(plan.trunk_flows["parcels"].sum())
    assert carried + plan.short == int(inputs.route_demand["parcels"].sum())


@pytest.mark.parametrize("of_both", [True, False])
def test_lanes_are_left_at_the_hours_at_which_the_trunk_plan_sends_them(of_both: bool) -> None:
    """Two hubs in two zones, one shut for some hours, a sort past midnight, one on weekends only, and a lane with hours of its own.

    Where only one has sorts, the other closes at midnight.
    """
    some = _sorts("B", THREE[:2], weekdays="1236")
    inputs = _inputs(
        hub_sorts=pl.concat([_sorts("A"), some]) if of_both else some,
        hub_closures=_table(
            "hub_closures",
            [
                {
                    "closure_id": "1",
                    "hub_id": "A",
                    "open_share": 0.0,
                    "starts_at": datetime(DAY.year, DAY.month, DAY.day, 15, tzinfo=UTC),
                    "ends_at": datetime(DAY.year, DAY.month, DAY.day, 18, 30, tzinfo=UTC),
                }
            ],
        ),
        lane_departures=_table("lane_departures", [{"lane_id": "A-B 2", "leaves": "26:15", "weekdays": "1457"}]),
    )
    first = inputs.lanes.row(0, named=True)
    back = first | {"lane_id": "B-A", "origin_hub_id": "B", "destination_hub_id": "A"}
    inputs = replace(
        inputs,
        lanes=pl.DataFrame([first, first | {"lane_id": "A-B 2"}, back], schema=inputs.lanes.schema),
        hubs=inputs.hubs.with_columns(time_zone=pl.Series(["Asia/Kolkata", None], dtype=pl.String)),
        route_demand=pl.concat(
            [inputs.route_demand, inputs.route_demand.with_columns(pl.col("date").dt.offset_by("8d"))]
        ),
    )
    network = build_network(inputs, OPTIONS)
    sent = {
        (
            network.lane_ids[network.arc_lane[arc]],
            network.day(int(network.arc_day[arc])),
            network.moment(network.arc_leaves[arc]),
        )
        for arc in range(network.arcs)
    }
    days = [network.day(day) for day in range(network.days)]
    tables = TimetableTables(inputs.hubs, inputs.hub_sorts, inputs.hub_closures, inputs.lane_departures)
    listed = list_departures(inputs.lanes, tables, days, ZoneInfo(OPTIONS.time_zone), 20)
    told = set(listed.select("lane_id", "date", "leaves_at").iter_rows())
    assert sent <= told
    # the last of the horizon reach no sort any more
    reach = {row for row in told if row[1] < DAY + timedelta(days=6)}
    assert len(reach) > 15
    assert reach <= sent
    assert {lane for lane, *_ in sent} == {"A-B", "A-B 2", "B-A"}


def test_limits_that_pages_hold_loads_against_are_those_of_the_plan() -> None:
    noon = datetime.combine(DAY, datetime.min.time(), UTC) + timedelta(hours=4)
    closing = {
        "closure_id": "c",
        "hub_id": "A",
        "starts_at": noon,
        "ends_at": noon + timedelta(hours=9),
        "open_share": 0.25,
    }
    away = {"closure_id": "d", "hub_id": "B", "starts_at": noon, "ends_at": noon + timedelta(days=2), "open_share": 0.0}
    days = [
        {"date": DAY, "hub_id": "A", "sort_id": "day", "sort_capacity": 90, "buffer_capacity": 7},
        {"date": DAY, "hub_id": "A", "sort_id": "evening", "sort_capacity": 11},
        {"date": DAY + timedelta(days=1), "hub_id": "B", "sort_id": "day", "sort_capacity": 50},
    ]
    sorts = pl.concat([_sorts("A", sort_capacity=100, handling_cost=0.3), _sorts("B", THREE[1:])])
    inputs = _inputs(
        hub_sorts=sorts, hub_days=_table("hub_days", days), hub_closures=_table("hub_closures", [closing, away])
    )
    inputs = replace(inputs, hubs=inputs.hubs.with_columns(buffer_capacity=pl.lit(20), handling_cost=pl.lit(0.1)))
    network = build_network(inputs, OPTIONS)
    names = inputs.hubs["hub_id"].to_list()
    planned = [
        (
            network.day(int(network.node_day[n])), names[network.node_hub[n]], network.sort_ids[network.node_sort[n]],
            network.sort_capacity[n], network.buffer_capacity[n], network.handling_cost[n],
        )
        for n in range(network.nodes)
    ]  # fmt: skip
    told = list_sort_limits(
        {name: getattr(inputs, name) for name in TABLES}, {row[0] for row in planned}, "Asia/Shanghai"
    )
    rows = told.with_columns(pl.col("capacity", "buffer").fill_null(math.inf)).rows()
    assert [row[:3] for row in sorted(rows)] == [row[:3] for row in sorted(planned)]
    for ours, theirs in zip(sorted(rows), sorted(planned), strict=True):
        assert ours[3:] == pytest.approx(theirs[3:])
    day = list_day_limits({name: getattr(inputs, name) for name in TABLES}, [DAY], "Asia/Shanghai")
    assert day["capacity"].to_list() == [pytest.approx(sum(r[3] for r in rows if r[:2] == (DAY, "A"))), 0.0]
