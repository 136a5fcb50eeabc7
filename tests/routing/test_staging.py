"""Staging: sorted parcels that wait for a later departure, in plan, checker and playback."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.contracts import contract
from data.hub_load import list_sort_visits
from data.progress import SILENT
from routing.budget import Deadline
from routing.checker.playback.clock import ClockRules
from routing.checker.playback.playback import play_plan
from routing.checker.staging import Stay, sort_ahead
from routing.checker.tables import read_tables
from routing.checker.trunk import TrunkCheck, check_trunk
from routing.trunk.bound.forced_shortfall import count_forced
from routing.trunk.explain.hub_loads import list_hub_days
from routing.trunk.plan import TrunkPlan, plan_trunk
from routing.trunk.replan.from_tables import read_draft, read_flows
from routing.trunk.replan.reference_plan import Reference
from routing.trunk.replan.sort_turns import settle_sorts
from routing.trunk.search.placed_vehicles import place_own
from routing.trunk.search.unstaged import add_staging_to, drop_staging
from routing.trunk.steps import Steps
from routing.trunk.task.build_network import build_network
from routing.trunk.task.flows import load_network
from routing.trunk.task.inputs import HOURS, TrunkInputs, TrunkOptions
from routing.trunk.task.staging import read_staging
from tests.routing.networks import DAY, as_tables, make_inputs
from tests.routing.random_networks import random_network
from tests.routing.tiny_plan import Tables

OPTIONS = TrunkOptions(hold_cost=0.24, short_cost=50.0, effort=0.02, unload_hours=1.0)
SEARCHED = replace(OPTIONS, proof_share=0.0)  # without the exact model
RULES = ClockRules(unload_hours=1.0)
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


STAGING_MUTATIONS: tuple[tuple[str, dict[str, int]], ...] = (
    # the day sorts 50 ahead of the evening, which has none to spare
    ("hub.staging", {"room": 49}),
    ("hub_loads.staged", {"staged": 49}),
    # fewer than must leave with the evening: what the day leaves over the evening has to take, and cannot
    ("hub.sort_capacity", {"handled": 49}),
    ("hub_loads.handled", {"handled": 49}),
    ("hub_loads.held", {"handled": 49}),
)
"""Rules, and what of the hubs or of the first row of ``hub_loads`` breaks them in a plan that sorts ahead."""


def table(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    return contract(name).conform(pl.DataFrame(rows, infer_schema_length=None))


def with_staging(inputs: TrunkInputs, room: Mapping[str, int | None]) -> TrunkInputs:
    rooms = [room.get(hub) for hub in inputs.hubs["hub_id"].to_list()]
    return replace(inputs, hubs=inputs.hubs.with_columns(staging_capacity=pl.Series(rooms, dtype=pl.Int64)))


def one_departure(room: int | None, *, parcels: int = 150) -> TrunkInputs:
    """150 parcels at hand by noon, every sort of A takes 100, and the trucks to B leave at midnight alone: they load after the evening."""
    lane = {"lane_id": "A-B", "origin_hub_id": "A", "destination_hub_id": "B", "distance_km": 1.0, "transit_hours": 9.0}
    made = make_inputs([{"hub_id": "A"}, {"hub_id": "B"}], [lane], [TRUCK], [(0, "A", "B", parcels)])
    sorts = [
        {
            "hub_id": hub,
            "sort_id": name,
            "opens": opens,
            "cut_off": cut_off,
            "closes": closes,
            "sort_capacity": 100 if hub == "A" else None,
        }
        for hub in "AB"
        for name, opens, cut_off, closes in THREE
    ]
    return with_staging(
        replace(
            made,
            hub_sorts=table("hub_sorts", sorts),
            lane_departures=table("lane_departures", [{"lane_id": "A-B", "leaves": "24:00"}]),
            hand_in_profile=table(
                "hand_in_profile", [{"hub_id": "*", "day_kind": "normal", "until_hour": "12:00", "share": 1.0}]
            ),
        ),
        {"A": room},
    )


def in_two_sorts(inputs: TrunkInputs) -> TrunkInputs:
    """The same hubs, half of their day in each of two sorts, the first with more than it is handed."""
    capacity = dict(inputs.hubs.select("hub_id", "sort_capacity").iter_rows())
    rows = [
        {
            "hub_id": hub, "sort_id": name, "opens": opens, "cut_off": cut_off, "closes": closes,
            "sort_capacity": None if capacity[hub] is None else capacity[hub] / 2,
        }
        for hub in capacity
        for name, opens, cut_off, closes in (("day", "09:00", "14:00", "16:00"), ("night", "16:00", "22:00", "24:00"))
    ]  # fmt: skip
    shares = [
        {"hub_id": "*", "day_kind": "normal", "until_hour": hour, "share": share}
        for hour, share in (("12:00", 0.5), ("20:00", 0.5))
    ]
    return replace(inputs, hub_sorts=table("hub_sorts", rows), hand_in_profile=table("hand_in_profile", shares))


def tables_of(inputs: TrunkInputs, plan: TrunkPlan) -> Tables:
    return {**as_tables(inputs), **{name: getattr(inputs, name) for name in HOURS}, **plan.tables()}


def check(tables: Tables) -> TrunkCheck:
    return check_trunk(tables, hold_cost=0.24, short_cost=50.0, rules=RULES)


def told(plan: TrunkPlan, hub: str) -> list[tuple[int, int, int | None]]:
    rows = plan.hub_loads.filter(pl.col("hub_id") == hub).sort("closes_at")
    return list(rows.select("handled", "held", "staged").iter_rows())


# without room 50 miss midnight and go a day later; 40 sorted in the day leave with the 100 of the evening, 10 a day later; 50 do, and none is left
@pytest.mark.parametrize(
    ("room", "gone", "loads"),
    [
        (None, [100, 50], [(0, 150, None), (100, 50, None), (0, 50, None), (0, 50, None), (50, 0, None)]),
        (40, [140, 10], None),
        (100, [150], [(50, 100, 50), (100, 0, 0), (0, 0, 0)]),
    ],
)
@pytest.mark.parametrize("options", [OPTIONS, replace(SEARCHED, effort=0.5)])
def test_a_sort_works_ahead_for_a_departure_whose_own_sort_is_full(
    room: int | None, gone: list[int], loads: list[tuple[int, int, int | None]] | None, options: TrunkOptions
) -> None:
    inputs = one_departure(room)
    plan = plan_trunk(inputs, options)
    leaving = plan.trunk_departures.group_by("leaves_at").agg(pl.col("parcels").sum()).sort("leaves_at")
    assert plan.short == 0
    # as many vehicles either way: what is left over may be of either night
    assert sorted(leaving["parcels"].to_list()) == sorted(gone) or room == 40
    if loads is not None:
        assert told(plan, "A") == loads
    assert max(staged or 0 for _, _, staged in told(plan, "A")) <= (room or 0)
    tables = tables_of(inputs, plan)
    assert [one.text for one in check(tables).violations] == []
    assert play_plan(read_tables(tables)[0], RULES).violations == ()


def test_what_fills_a_sort_adds_up_where_it_works_ahead() -> None:
    inputs = one_departure(100)
    plan = plan_trunk(inputs, OPTIONS)
    tables = {**tables_of(inputs, plan), "hub_prices": plan.hub_prices}
    rows = list_hub_days(tables, list_sort_visits(tables))
    parts = pl.sum_horizontal("originating", "transit", "ending", "local")
    assert rows.filter(pl.col("handled") != parts - pl.col("ready") + pl.col("staged")).is_empty()
    assert rows.filter(pl.col("hub_id") == "A").select("originating", "ready", "staged").rows()[:2] == [
        (0, 0, 50),
        (150, 50, 0),
    ]


def test_waiting_costs_the_same_sorted_or_not() -> None:
    # two trucks, and 150 parcels that wait from 16:00 to midnight
    assert plan_trunk(one_departure(100), OPTIONS).cost == pytest.approx(20.0 + 150 * 0.24 * 8 / 24)


def test_without_staging_a_network_has_no_trace_of_it() -> None:
    plain, staged = (build_network(one_departure(room), OPTIONS) for room in (None, 100))
    assert staged.nodes == plain.nodes + 3 * staged.days
    assert not plain.node_staged.any()
    dropped = drop_staging(staged)
    for field in dataclasses.fields(plain):
        here, there = getattr(plain, field.name), getattr(dropped, field.name)
        for one, other in zip(here, there, strict=True) if field.name == "path_rules" else [(here, there)]:
            assert np.array_equal(one, other), field.name


def test_a_plan_without_staging_is_one_with_it_at_the_same_cost() -> None:
    staged = build_network(one_departure(100), OPTIONS)
    plain = drop_staging(staged)
    draft = read_draft(plain, plan_trunk(one_departure(None), OPTIONS).tables())
    again = add_staging_to(staged, plain, draft)
    assert again.cost == pytest.approx(draft.cost)
    assert not again.loads.nights[staged.node_staged].any()


def test_a_plan_is_made_without_staging_first_and_never_gets_dearer_with_it() -> None:
    network = build_network(one_departure(100), SEARCHED)
    limit = Deadline(60.0)
    steps = Steps(SEARCHED, 10**9, None, None, limit, limit, SILENT)
    before, after = steps.plan(drop_staging(network)), steps.plan_with_staging(network)
    assert after.draft.cost <= before.draft.cost
    assert after.network.nodes == network.nodes
    assert after.relaxed.bound <= after.draft.cost


def test_an_empty_room_is_none_and_parcels_are_sorted_as_late_as_may_be() -> None:
    inputs = one_departure(100)
    assert read_staging(with_staging(inputs, {"B": 0}).hubs).tolist() == [0.0, 0.0]
    assert read_staging(inputs.hubs.drop("staging_capacity")).tolist() == [0.0, 0.0]
    network = build_network(inputs, OPTIONS)
    flows = read_draft(network, plan_trunk(inputs, OPTIONS).tables()).flows
    first = int(network.demand_start[0])
    for handled, sorted_first in ((None, 50.0), (80, 80.0)):
        asked = np.zeros(network.nodes)
        asked[first], asked[network.after[first]] = handled or 0.0, 70.0
        loads = load_network(network, settle_sorts(network, flows, None if handled is None else asked))
        assert loads.sorts[first] == sorted_first
        assert loads.nights[network.node_staged].sum() == sorted_first
        assert (loads.arcs[network.arc_drives] == load_network(network, flows).arcs[network.arc_drives]).all()


@pytest.mark.parametrize("seed", [14])
def test_on_random_networks_staging_costs_nothing_and_planner_checker_and_playback_agree(seed: int) -> None:
    made = in_two_sorts(random_network(seed, hubs=4, days=2, scale=3.0))
    hubs = made.hubs["hub_id"].to_list()
    without = plan_trunk(made, SEARCHED)
    for inputs in (with_staging(made, dict.fromkeys(hubs, 150)), with_staging(made, {hubs[0]: 20, hubs[1]: 100_000})):
        plan = plan_trunk(inputs, SEARCHED)
        tables = tables_of(inputs, plan)
        assert [one.text for one in check(tables).violations] == []
        assert play_plan(read_tables(tables)[0], RULES).violations == ()
        assert plan.cost <= without.cost + 1e-6
        assert plan.lower_bound <= plan.cost
        network = build_network(inputs, SEARCHED)
        assert count_forced(network) <= plan.short
        draft = read_draft(network, plan.tables())
        assert draft.cost == pytest.approx(plan.cost)
        late = read_flows(network, plan.trunk_flows)  # not told how many each sort handles, as late as may be
        assert np.all(
            np.bincount(late.pool.demand, late.parcels, len(network.demand_parcels)) + draft.flows.short(network)
            == network.demand_parcels
        )


def test_a_plan_near_one_with_staging_changes_nothing() -> None:
    inputs = one_departure(100)
    before = plan_trunk(inputs, OPTIONS)
    for most in (0, None):
        reference = Reference(before.trunk_departures, before.trunk_flows, DAY, DAY, most)
        again = plan_trunk(inputs, OPTIONS, reference=reference)
        assert again.changes is not None
        assert again.changes.height == 0
        assert again.cost == pytest.approx(before.cost)
        assert [one.text for one in check(tables_of(inputs, again)).violations] == []


@pytest.mark.parametrize(("rule", "change"), STAGING_MUTATIONS)
def test_the_checker_finds_what_does_not_stand_where_it_is_said_to(rule: str, change: dict[str, int]) -> None:
    inputs = one_departure(100)
    plan = plan_trunk(inputs, OPTIONS)
    tables = tables_of(inputs, plan)
    if "room" in change:
        tables["hubs"] = with_staging(inputs, {"A": change["room"]}).hubs
    first = (pl.col("hub_id") == "A") & (pl.col("sort_id") == "day") & (pl.col("date") == DAY)
    for column in set(change) - {"room"}:
        value = pl.when(first).then(change[column]).otherwise(pl.col(column))
        tables["hub_loads"] = tables["hub_loads"].with_columns(value.cast(pl.Int64).alias(column))
    assert rule in {one.rule for one in check(tables).violations}


def test_two_hubs_full_in_both_rooms_are_short_as_far_as_both_prove() -> None:
    # 300 at hand by noon: by the evening 200 are sorted, 60 wait unsorted: 40 short in every plan, whatever stands sorted
    inputs = one_departure(200, parcels=300)
    tight = replace(inputs, hubs=inputs.hubs.with_columns(buffer_capacity=pl.Series([60, None], dtype=pl.Int64)))
    network = build_network(tight, OPTIONS)
    assert count_forced(network) == 300 - 100 - 60
    plan = plan_trunk(tight, OPTIONS)
    assert plan.short >= 140
    assert [one.text for one in check(tables_of(tight, plan)).violations] == []


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 9), st.booleans()), min_size=1, max_size=8),
    st.data(),
)
def test_the_line_keeps_every_hour_that_any_order_keeps(
    rows: list[tuple[int, int, int, bool]], data: st.DataObject
) -> None:
    stays = [Stay(min(a, b), max(a, b), parcels, ends) for a, b, parcels, ends in rows]
    # some order: each parcel is sorted in a sort drawn between where it comes and where it leaves
    drawn = [
        [stay.leave if stay.ends else data.draw(st.integers(stay.come, stay.leave)) for _ in range(stay.parcels)]
        for stay in stays
    ]
    handled = [sum(place == sort for places in drawn for place in places) for sort in range(5)]
    yard = sort_ahead(stays, handled)
    assert yard.handled == handled
    for sort in range(5):
        here = [
            (stay, place) for stay, places in zip(stays, drawn, strict=True) for place in places if stay.come <= sort
        ]
        assert yard.unsorted[sort] == sum(place > sort for _, place in here)
        assert yard.staged[sort] == sum(place <= sort < stay.leave for stay, place in here)


def test_own_vehicles_stand_where_they_leave_from_though_staging_carries_more() -> None:
    made = in_two_sorts(random_network(10, hubs=4, days=2, scale=3.0))
    inputs = with_staging(made, dict.fromkeys(made.hubs["hub_id"].to_list(), 100_000))
    plan = plan_trunk(inputs, SEARCHED)
    network = build_network(inputs, SEARCHED)
    draft = read_draft(network, plan.tables())
    assert place_own(network, draft, Deadline(60.0)).cost == pytest.approx(draft.cost)
