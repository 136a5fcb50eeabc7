"""Plans by sorts in tables: read back, explained, replanned, timed; moments of hand-in kept; a day's capacity as the checker reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from data.contracts import contract
from data.errors import RadarError
from data.hub_load import count_nights, list_sort_visits, sum_sorts, sum_visits
from routing.checker.playback.clock import ClockRules, set_clocks
from routing.checker.playback.playback import play_plan
from routing.checker.tables import read_tables
from routing.checker.trunk import TrunkCheck, check_trunk
from routing.stress.layout import Prices, lay_out
from routing.stress.play import play_draws
from routing.stress.records import COSTS
from routing.timetable import add_rotations, write_timetable
from routing.trunk.explain.hub_loads import list_hub_days
from routing.trunk.plan import TrunkPlan, plan_trunk
from routing.trunk.replan.from_tables import DepartureBook, read_draft
from routing.trunk.replan.reference_plan import Reference, count_changes
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import HOURS, TrunkInputs, TrunkOptions
from tests.routing.networks import DAY, as_tables
from tests.routing.random_networks import random_network
from tests.routing.test_sorts import THREE, _inputs, _sorts, _table

PROVEN = TrunkOptions(hold_cost=0.24, short_cost=500.0, effort=0.02, unload_hours=1.0)
OPTIONS = replace(PROVEN, proof_share=0.0)  # without the exact model, which takes most of the time on such networks
RULES = ClockRules(unload_hours=1.0)


def _network(seed: int, **tables: pl.DataFrame) -> TrunkInputs:
    inputs = random_network(seed, hubs=4, days=3, scale=0.5)
    inputs = replace(inputs, network_changes=inputs.network_changes.clear(), lane_weather=inputs.lane_weather.clear())
    hubs = inputs.hubs["hub_id"].to_list()
    sorts = [
        _sorts("A", THREE if number % 2 else THREE[1:], sort_capacity=400).with_columns(hub_id=pl.lit(hub))
        for number, hub in enumerate(hubs)
    ]
    rows = [{"hub_id": "*", "until_hour": "22:00", "share": 0.7}, {"hub_id": "*", "until_hour": "30:00", "share": 0.3}]
    profile = _table("hand_in_profile", rows)
    return replace(inputs, **({"hub_sorts": pl.concat(sorts), "hand_in_profile": profile} | tables))


def _tables(inputs: TrunkInputs, plan: TrunkPlan) -> dict[str, pl.DataFrame]:
    hours = {name: getattr(inputs, name) for name in HOURS}
    return {**as_tables(inputs), **hours, **plan.tables(), "hub_prices": plan.hub_prices}


def _check(inputs: TrunkInputs, plan: TrunkPlan) -> TrunkCheck:
    return check_trunk(_tables(inputs, plan), hold_cost=0.24, short_cost=500.0, late_cost=1.0, rules=RULES)


@pytest.fixture(scope="module")
def inputs() -> TrunkInputs:
    return _network(3)


@pytest.fixture(scope="module")
def plan(inputs: TrunkInputs) -> TrunkPlan:
    return plan_trunk(inputs, OPTIONS)


def test_the_checker_follows_the_plan_by_the_clock(inputs: TrunkInputs, plan: TrunkPlan) -> None:
    assert plan.trunk_departures["leaves_at"].is_not_null().all()
    check = _check(inputs, plan)
    assert check.violations == []
    assert check.cost == pytest.approx(plan.cost, rel=1e-9)


def test_a_plan_by_sorts_read_back_is_the_same_plan(inputs: TrunkInputs, plan: TrunkPlan) -> None:
    network = build_network(inputs, OPTIONS)
    draft = read_draft(network, plan.tables())
    assert draft.cost == pytest.approx(plan.cost, rel=1e-9)
    handled = plan.hub_loads.sort("hub_id", "closes_at")["handled"].sum()
    assert int(np.rint(draft.loads.sorts).sum()) == handled
    assert int(draft.vehicles.departures.sum()) == plan.trunk_departures["departures"].sum()


def test_what_does_not_fit_the_hours_is_told(inputs: TrunkInputs, plan: TrunkPlan) -> None:
    network = build_network(inputs, OPTIONS)
    later = plan.trunk_departures.with_columns(pl.col("leaves_at") + timedelta(minutes=30))
    with pytest.raises(RadarError, match="on lane"):
        read_draft(network, {**plan.tables(), "trunk_departures": later})
    early = plan.trunk_flows.with_columns(completed_at=pl.col("completed_at") - timedelta(days=9))
    with pytest.raises(RadarError, match="an end on"):
        read_draft(network, {**plan.tables(), "trunk_flows": early})


def test_a_replan_of_the_same_hours_changes_nothing(inputs: TrunkInputs, plan: TrunkPlan) -> None:
    days = inputs.route_demand["date"]
    reference = Reference(plan.trunk_departures, plan.trunk_flows, days.min(), days.max(), 0)  # type: ignore[arg-type]
    again = plan_trunk(inputs, replace(OPTIONS, seed=4), reference=reference)
    assert again.changes is not None
    assert count_changes(again.changes) == 0
    # the same vehicles may take parcels better ways
    assert again.cost <= plan.cost + 1e-6
    assert _check(inputs, again).violations == []


def test_a_plan_by_days_is_no_reference_for_one_by_sorts(inputs: TrunkInputs) -> None:
    by_days = replace(inputs, hub_sorts=contract("hub_sorts").empty())
    old = plan_trunk(by_days, OPTIONS)
    days = inputs.route_demand["date"]
    reference = Reference(old.trunk_departures, old.trunk_flows, days.min(), days.max())  # type: ignore[arg-type]
    with pytest.raises(RadarError, match="planned by days, a plan by sorts"):
        plan_trunk(inputs, OPTIONS, reference=reference)


def test_of_a_hub_shut_over_several_sorts_plan_checker_and_explanation_say_the_same(inputs: TrunkInputs) -> None:
    start = datetime.combine(DAY, datetime.min.time(), UTC) + timedelta(hours=16)  # midnight at the hubs
    rows = [
        {"closure_id": hub, "hub_id": hub, "starts_at": start, "ends_at": start + timedelta(days=1), "open_share": 0.0}
        for hub in inputs.hubs["hub_id"].to_list()[:2]
    ]
    shut = replace(inputs, hub_closures=_table("hub_closures", rows))
    plan = plan_trunk(shut, OPTIONS)
    assert _check(shut, plan).violations == []
    keys = ["date", "hub_id", "sort_id"]
    loads = sum_visits(list_sort_visits(_tables(shut, plan)), keep=("date", "sort_id")).select(*keys, "load").sort(keys)
    told = plan.hub_loads.filter(pl.col("handled") > 0).select(*keys, load="handled").sort(keys)
    assert loads.cast({"load": pl.Int64}).equals(told.cast({"load": pl.Int64}))


def test_the_parts_of_a_sort_add_up_to_what_it_sorts(inputs: TrunkInputs, plan: TrunkPlan) -> None:
    visits = list_sort_visits(_tables(inputs, plan))
    keys = ["date", "hub_id", "sort_id"]
    loads = sum_visits(visits, keep=("date", "sort_id")).select(*keys, "load").sort(keys)
    handled = plan.hub_loads.filter(pl.col("handled") > 0).select(*keys, load="handled").sort(keys)
    assert loads.rows() == handled.rows()
    days = list_hub_days(_tables(inputs, plan), visits)
    assert (
        days.select(pl.sum_horizontal("originating", "transit", "ending", "local")).to_series().sum()
        == handled["load"].sum()
    )
    # what waits for a sort waited from the one before
    for hub in days.partition_by("hub_id"):
        assert hub["waited"].to_list()[1:] == hub["held"].to_list()[:-1]


def test_daily_views_are_sums_and_waiting_is_by_the_hour(inputs: TrunkInputs, plan: TrunkPlan) -> None:
    days = sum_sorts(plan.hub_loads)
    assert days.select("date", "hub_id").is_unique().all()
    assert days["handled"].sum() == plan.hub_loads["handled"].sum()
    check = _check(inputs, plan)
    assert OPTIONS.hold_cost * count_nights(plan.hub_loads) == pytest.approx(check.parts["holding"])


def test_prices_and_fleets_name_the_hour_they_are_of(inputs: TrunkInputs, plan: TrunkPlan) -> None:
    rows = plan.bound_prices
    assert contract("bound_prices").split(rows.with_columns(run_id=pl.lit("r")))[1].is_empty()
    assert rows.filter(pl.col("kind").is_in(["sort", "buffer"]))["sort_id"].is_not_null().all()
    assert rows.filter(pl.col("kind").is_in(["fleet", "lane", "option", "room"]))["at"].is_not_null().all()


def test_trips_of_the_timetable_leave_and_arrive_as_planned(inputs: TrunkInputs, plan: TrunkPlan) -> None:
    tables = _tables(inputs, plan)
    tables["hubs"] = tables["hubs"].with_columns(latitude=pl.lit(30.0), longitude=pl.lit(110.0))
    frames = write_timetable(tables, timezone="Asia/Shanghai", agency="a", agency_url="https://a.example/")
    assert frames["trips"].height == plan.trunk_departures["departures"].sum()
    assert frames["trips"]["trip_id"].is_unique().all()
    assert set(frames["stop_times"]["timepoint"]) == {"1"}
    row = plan.trunk_departures.sort("date", "lane_id", "vehicle_type_id", "leaves_at").row(0, named=True)
    local = row["leaves_at"] + timedelta(hours=8)
    midnight = datetime(row["date"].year, row["date"].month, row["date"].day, tzinfo=UTC)
    minutes = int((local - midnight).total_seconds() // 60)
    times = set(
        frames["stop_times"].filter(pl.col("trip_id").str.contains(row["lane_id"], literal=True))["departure_time"]
    )
    assert f"{minutes // 60:02d}:{minutes % 60:02d}:00" in times


def test_rotations_are_as_many_as_vehicles_must_stand_and_none_is_at_two_places() -> None:
    hour = [("A", "B", 8), ("B", "A", 14), ("A", "B", 20), ("A", "B", 20), ("B", "A", 26)]
    rows = [
        {
            "date": DAY, "leaves": leaves * 3600, "arrives": (leaves + 5) * 3600, "origin_hub_id": start,
            "destination_hub_id": end, "vehicle_type_id": "v", "ownership": "own", "timepoint": 1,
        }
        for start, end, leaves in hour
    ]  # fmt: skip
    hired = rows[0] | {"ownership": "spot"}
    trips = pl.DataFrame([*rows, hired])
    # out, back, out again; of the two at 20:00 one is the second vehicle; at 26:00 the first comes back
    assert add_rotations(trips, 0.0)["block_id"].to_list() == ["v-1", "v-1", "v-1", "v-2", "v-1", None]
    assert add_rotations(trips.with_columns(timepoint=0), 0.0)["block_id"].null_count() == 6
    # eight hours of turning round: what came at 19:00 cannot leave at 20:00
    assert add_rotations(trips, 8.0)["block_id"].to_list() == ["v-1", "v-2", "v-3", "v-4", "v-1", None]


def test_moments_of_hand_in_stay_in_the_demand_of_the_plan() -> None:
    inputs = _inputs()
    start = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)
    # 10:00 and 21:00 local: sorted in the day sort and in the evening
    ready = [start + timedelta(hours=2), start + timedelta(hours=13)]
    demand = pl.concat([inputs.route_demand.with_columns(ready_at=pl.lit(at), parcels=pl.lit(40)) for at in ready])
    inputs = replace(inputs, route_demand=demand)
    plan = plan_trunk(inputs, OPTIONS)
    assert plan.route_demand.sort("ready_at").select("ready_at", "parcels").rows() == [(at, 40) for at in ready]
    assert _check(inputs, plan).violations == []


@pytest.mark.parametrize("asked", [{"sort_id": "day", "sort_capacity": 90}, {"sort_id": "day", "buffer_capacity": 7}])
def test_the_sort_named_day_is_all_of_a_date_to_planner_and_checker(asked: dict[str, Any]) -> None:
    # one of three sorts is itself named `day`: the row is for the date all the same
    inputs = _inputs(hub_sorts=_sorts("AB", THREE, sort_capacity=100, buffer_capacity=50))
    inputs = replace(inputs, hub_days=_table("hub_days", [{"date": DAY, "hub_id": "A", **asked}]))
    network = build_network(inputs, OPTIONS)
    mine = (network.node_hub == 0) & (network.node_day == 0)
    frames, _ = read_tables({**as_tables(inputs), **{name: getattr(inputs, name) for name in HOURS}})
    clock = set_clocks(frames, DAY, DAY, RULES)["A"]
    sorts = [sort for sort in clock.sorts if sort.day == DAY]
    assert network.sort_capacity[mine].tolist() == [sort.capacity for sort in sorts]
    assert network.buffer_capacity[mine].tolist() == [sort.buffer for sort in sorts]


def test_departures_of_a_lane_and_day_are_found_by_their_hours(inputs: TrunkInputs) -> None:
    network = build_network(inputs, OPTIONS)
    book = DepartureBook(network)
    lane, day = network.lane_ids[int(network.arc_lane[0])], network.day(int(network.arc_day[0]))
    runs = book.find_arcs_of_day(lane, day)
    assert len(runs) > 1
    moments = {network.moment(network.arc_leaves[run]) for run in runs}
    assert len(moments) == len(runs)
    assert [book.find_arcs(lane, day, moment) for moment in sorted(moments)] == [[run] for run in sorted(runs)]


@pytest.mark.parametrize(("seed", "asked"), [(3, OPTIONS), (5, PROVEN)])
def test_player_and_playback_tell_the_same_of_a_plan_on_its_own_demand(seed: int, asked: TrunkOptions) -> None:
    inputs = _network(seed)
    plan = plan_trunk(inputs, asked)
    tables = _tables(inputs, plan)
    keys = ["date", "origin_hub_id", "destination_hub_id"]
    demand = plan.route_demand.group_by(keys).agg(pl.col("parcels").sum()).sort(keys)
    short = plan.shortfalls.select(*keys, short="parcels")
    carried = demand.join(short, on=keys, how="left", maintain_order="left").with_columns(
        pl.col("parcels") - pl.col("short").fill_null(0)
    )
    layout = lay_out(tables, demand.select(keys), Prices(0.24, 1.0, 0.4, OPTIONS))
    played = play_draws(layout.network, carried["parcels"].to_numpy()[None, :])
    told = play_plan(read_tables(tables)[0], RULES)
    assert (told.boardings_missed, told.arrivals_missed, told.sorts_over, told.buffers_over) == (0, 0, 0, 0)
    assert (played.over.sum(), played.late[1:].sum(), played.left.sum()) == (0, 0, 0)
    assert played.handled.sum() == plan.hub_loads["handled"].sum()
    assert played.costs[0, COSTS.index("tail")] == 0
