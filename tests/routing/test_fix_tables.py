"""Fixes as rows: entered into the tables and planned again, they carry what they were told to carry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from data.contracts import contract
from routing.trunk.explain.fix_tables import write_fix_tables
from routing.trunk.plan import plan_trunk
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from tests.routing.networks import make_inputs

TRUCK = {"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 10.0}
OPTIONS = TrunkOptions(hold_cost=0.1, short_cost=50.0, effort=0.1, proof_share=0.0)


def lane(pair: str, **values: Any) -> dict[str, Any]:
    return {"origin_hub_id": pair[0], "destination_hub_id": pair[1]} | values


def enter(inputs: TrunkInputs, rows: dict[str, pl.DataFrame]) -> TrunkInputs:
    """Put rows in the place of those with their keys, as a load does."""
    tables = {}
    for name, frame in rows.items():
        keys = [column.name for column in contract(name).columns if column.key]
        kept = getattr(inputs, name).join(frame, on=keys, how="anti", nulls_equal=True)
        tables[name] = pl.concat([kept, frame], how="diagonal_relaxed")
    return replace(inputs, **tables)


def two_hubs_short() -> TrunkInputs:
    """Two hubs that sort too little for what comes on one day, and a lane with too few departures."""
    hubs: list[dict[str, Any]] = [{"hub_id": "A"}, {"hub_id": "B", "sort_capacity": 100, "buffer_capacity": 0}]
    hubs += [{"hub_id": "C", "sort_capacity": 200, "buffer_capacity": 0}, {"hub_id": "D", "buffer_capacity": 0}]
    lanes = [lane("AB"), lane("AC"), lane("AD", departure_limit=1)]
    return make_inputs(hubs, lanes, [TRUCK], [(0, "A", "B", 120), (0, "A", "C", 230), (0, "A", "D", 150)])


def test_rows_of_two_hubs_and_a_lane_carry_all_when_planned_again() -> None:
    inputs = two_hubs_short()
    inputs = replace(inputs, hubs=inputs.hubs.with_columns(buffer_capacity=pl.lit(0)))
    plan = plan_trunk(inputs, OPTIONS)
    assert plan.short == 20 + 30 + 50
    assert set(plan.fix_tables) == {"hub_days", "lanes"}
    rows = plan.fix_tables["hub_days"].select("hub_id", "sort_id", "sort_capacity", "buffer_capacity").rows()
    assert sorted(rows) == [("B", "day", 120, None), ("C", "day", 230, None)]
    assert plan.fix_tables["lanes"].select("lane_id", "departure_limit").rows() == [("A-D", 2)]
    told = sum(fix.fullest.carried for fix in plan.fixes)
    again = plan_trunk(enter(inputs, dict(plan.fix_tables)), OPTIONS)
    assert (told, again.short) == (100, 0)


def test_a_fix_adds_no_more_than_a_hub_can_do() -> None:
    inputs = two_hubs_short()
    inputs = replace(inputs, hubs=inputs.hubs.with_columns(buffer_capacity=pl.lit(0)))
    plan = plan_trunk(inputs, replace(OPTIONS, most_extra_share=0.1))
    rows = dict(plan.fix_tables["hub_days"].select("hub_id", "sort_capacity").iter_rows())
    assert rows == {"B": 110, "C": 220}
    assert plan_trunk(enter(inputs, dict(plan.fix_tables)), OPTIONS).short == 20 + 30 - 10 - 20
    none = plan_trunk(inputs, replace(OPTIONS, most_extra_share=0.0))
    assert "hub_days" not in none.fix_tables


def test_more_vehicles_are_as_many_as_are_away_at_once() -> None:
    made = make_inputs(
        [{"hub_id": "A", "buffer_capacity": 0}, {"hub_id": "B"}],
        [lane("AB", transit_hours=30.0)],
        [TRUCK | {"fleet_size": 1}],
        [(0, "A", "B", 200), (1, "A", "B", 200)],
    )
    plan = plan_trunk(made, OPTIONS)
    # a truck is away two days: the second day's trucks are not those of the first
    assert plan.short == 300
    again = plan_trunk(enter(made, dict(plan.fix_tables)), OPTIONS)
    assert plan.fix_tables["vehicle_types"]["fleet_size"].to_list() == [1 + 3]
    assert again.short == 0


def test_a_sort_is_named_and_a_hub_partly_shut_stands_in_no_row() -> None:
    made = make_inputs(
        [{"hub_id": "A"}, {"hub_id": "B"}], [lane("AB", transit_hours=9.0)], [TRUCK], [(0, "A", "B", 60)]
    )
    sorts = [
        {
            "hub_id": hub,
            "sort_id": name,
            "opens": opens,
            "cut_off": cut_off,
            "closes": closes,
            "sort_capacity": 50,
            "buffer_capacity": 0,
        }
        for hub in "AB"
        for name, opens, cut_off, closes in (("day", "09:00", "14:00", "16:00"), ("evening", "16:00", "22:00", "24:00"))
    ]
    inputs = replace(made, hub_sorts=contract("hub_sorts").conform(pl.DataFrame(sorts)))
    plan = plan_trunk(inputs, OPTIONS)
    assert plan.short == 10
    told = plan.shortfalls["cheapest_fix"][0]
    assert " in sort " in told
    rows = plan.fix_tables["hub_days"]
    assert set(rows["sort_id"].to_list()) <= {"day", "evening"}
    assert set(rows["sort_capacity"].drop_nulls()) | set(rows["buffer_capacity"].drop_nulls()) <= {60, 10}
    assert plan_trunk(enter(inputs, dict(plan.fix_tables)), OPTIONS).short == 0
    network = build_network(inputs, OPTIONS)
    starts = network.midnight.replace(hour=17)
    shut = pl.DataFrame(
        {
            "closure_id": ["c"],
            "hub_id": ["A"],
            "starts_at": [starts],
            "ends_at": [starts.replace(hour=18)],
            "open_share": [0.5],
        }
    )
    partly = replace(inputs, hub_closures=contract("hub_closures").conform(shut))
    tables, left = write_fix_tables(network, partly, plan.fixes)
    assert ("hub_days" in tables, len(left)) == (False, 1)


@pytest.mark.parametrize("name", ["hub_days", "lanes", "vehicle_types"])
def test_rows_are_whole(name: str) -> None:
    inputs = two_hubs_short()
    plan = plan_trunk(replace(inputs, hubs=inputs.hubs.with_columns(buffer_capacity=pl.lit(0))), OPTIONS)
    if name in plan.fix_tables:
        contract(name).conform(plan.fix_tables[name])
