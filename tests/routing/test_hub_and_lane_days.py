"""What fills a hub and why a lane runs, on a plan checked by hand; past plans read back."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from data.errors import RadarError
from data.hub_load import list_visits
from routing.trunk.explain.hub_loads import list_fill, list_hub_days
from routing.trunk.explain.lane_loads import describe_dropped, drop_arc, list_lane_days
from routing.trunk.plan import plan_trunk
from routing.trunk.replan.from_tables import read_draft
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from tests.routing.networks import DAY, make_inputs
from tests.routing.random_networks import random_network
from tests.routing.tiny_plan import D10, D11, D13, Tables, tiny_plan

OPTIONS = TrunkOptions(hold_cost=0.1, short_cost=50.0, effort=0.167)


def priced_plan() -> Tables:
    prices = pl.DataFrame({"date": [D11], "hub_id": ["B"], "price": [0.7]})
    return tiny_plan() | {"hub_prices": prices}


def test_the_parts_of_a_hub_day_add_up_to_what_it_sorts() -> None:
    plan = priced_plan()
    days = list_hub_days(plan, list_visits(plan["trunk_flows"], plan["lanes"]))
    parts = days["originating"] + days["transit"] + days["ending"] + days["local"]
    assert parts.to_list() == days["handled"].to_list()
    row = days.row(by_predicate=(pl.col("hub_id") == "B") & (pl.col("date") == D11), named=True)
    # 350 of A end there, the 50 for C wait
    assert (row["ending"], row["transit"], row["held"], row["price"]) == (350, 0, 50, 0.7)
    after = days.row(by_predicate=(pl.col("hub_id") == "B") & (pl.col("date") == date(2024, 11, 12)), named=True)
    assert (after["transit"], after["waited"]) == (50, 50)


def test_streams_are_named_and_the_small_ones_added_up() -> None:
    plan = priced_plan()
    visits = list_visits(plan["trunk_flows"], plan["lanes"])
    at_a = visits.filter((pl.col("hub_id") == "A") & (pl.col("date") == D10))
    assert list_fill(at_a, 1).rows() == [
        ("originating", "to C", 450, 450 / 800),
        ("originating", "all others", 350, 350 / 800),
    ]
    at_b = visits.filter((pl.col("hub_id") == "B") & (pl.col("date") <= D13) & (pl.col("part") == "transit"))
    assert list_fill(at_b, 3).rows() == [("transit", "A-B > B-C", 50, 1.0)]


def test_a_lane_day_tells_vehicles_fill_and_routes() -> None:
    plan = tiny_plan()
    row = list_lane_days(plan).row(by_predicate=(pl.col("lane_id") == "A-B") & (pl.col("date") == D10), named=True)
    assert (row["vehicles"], row["departures"], row["parcels"], row["routes"]) == ("2 own-17", 2, 400, 2)
    assert (row["fill"], row["cost_per_parcel"]) == (1.0, 6.0)
    train = list_lane_days(plan).filter(pl.col("lane_id") == "A-C")
    assert train["fill"].to_list() == [1.0]  # 400 of the 400 that lane_vehicles allows


def _inputs(**direct: Any) -> TrunkInputs:
    hubs = [{"hub_id": name, "handling_cost": 0.1} for name in "ABC"]
    lanes = [{"origin_hub_id": a, "destination_hub_id": b} for a, b in ("AB", "BC")]
    lanes += [{"origin_hub_id": "A", "destination_hub_id": "C"} | direct]
    trucks = [{"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 10.0}]
    return make_inputs(hubs, lanes, trucks, [(0, "A", "C", 80)])


def test_dropping_a_lane_costs_what_the_way_round_costs_more() -> None:
    # direct: one truck; round B: two trucks, and 80 parcels sorted once more at 0.1
    inputs = _inputs()
    network = build_network(inputs, OPTIONS)
    draft = read_draft(network, plan_trunk(inputs, OPTIONS).tables())
    arc = int(network.arc_of[network.lane_ids.index("A-C"), 0])
    dropped = drop_arc(network, draft, arc)
    assert dropped.extra_cost == pytest.approx(10.0 + 8.0)
    assert (dropped.parcels, dropped.short, dropped.hired, dropped.own) == (80, 0, 2, 0)
    assert dropped.over == (("A-B", 80), ("B-C", 80))
    assert describe_dropped(dropped).startswith(
        "dropping it costs 18 CNY more, 0.23 CNY a parcel: its parcels would go over"
    )


def test_parcels_without_another_way_count_as_short() -> None:
    inputs = make_inputs(
        [{"hub_id": "A"}, {"hub_id": "C"}],
        [{"origin_hub_id": "A", "destination_hub_id": "C"}],
        [{"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 10.0}],
        [(0, "A", "C", 80)],
    )
    network = build_network(inputs, OPTIONS)
    dropped = drop_arc(network, read_draft(network, plan_trunk(inputs, OPTIONS).tables()), 0)
    assert dropped.short == 80
    assert dropped.extra_cost == pytest.approx(80 * 50.0 - 10.0)
    assert "no other way" in describe_dropped(dropped)


@pytest.mark.parametrize("seed", range(3))
def test_a_plan_read_back_costs_and_loads_the_same(seed: int) -> None:
    inputs = random_network(seed, hubs=4, days=2)
    options = TrunkOptions(effort=0.0167, short_cost=500.0, proof_share=0.0)
    made = plan_trunk(inputs, options)
    network = build_network(inputs, options)
    draft = read_draft(network, made.tables())
    assert draft.cost == pytest.approx(made.cost, abs=0.02)
    assert int(draft.flows.short(network).sum()) == made.short
    handled = np.rint(draft.loads.sorts).astype(int)
    told = {(row["date"], row["hub_id"]): row["handled"] for row in made.hub_loads.iter_rows(named=True)}
    for node in np.flatnonzero(handled).tolist():
        assert told[network.day(node // network.hubs), network.hub_ids[node % network.hubs]] == handled[node]
    for arc in np.unique(draft.vehicles.arc[draft.vehicles.departures > 0])[:5].tolist():
        dropped = drop_arc(network, draft, arc)
        assert 0 <= dropped.short <= dropped.parcels


def test_a_plan_of_other_tables_is_told() -> None:
    inputs = _inputs()
    plan = plan_trunk(inputs, OPTIONS).tables()
    network = build_network(_inputs(lane_id="other"), OPTIONS)
    with pytest.raises(RadarError, match=f"lane A-C on {DAY}"):
        read_draft(network, plan)


def test_lateness_counts_in_what_dropping_costs() -> None:
    # direct arrives in time; the way round takes two days where one is promised: 80 parcels a day late at 1
    hubs = [{"hub_id": name} for name in "ABC"]
    lanes = [{"origin_hub_id": a, "destination_hub_id": b, "transit_hours": 20.0} for a, b in ("AB", "BC", "AC")]
    trucks = [{"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 10.0}]
    promised = [("A", "C", 24.0)]
    inputs = make_inputs(hubs, lanes, trucks, [(0, "A", "C", 80)], promises=promised)
    options = TrunkOptions(hold_cost=0.1, short_cost=50.0, late_cost=1.0, effort=0.167)
    network = build_network(inputs, options)
    draft = read_draft(network, plan_trunk(inputs, options).tables())
    dropped = drop_arc(network, draft, int(network.arc_of[network.lane_ids.index("A-C"), 0]))
    # cheapest is to wait a night and go direct: 8 for the night, 80 for the day, the truck as before
    assert dropped.extra_cost == pytest.approx(88.0)
    assert dropped.over == (("A-C", 80),)


def test_vehicles_of_one_type_that_leave_at_two_hours_are_told_together() -> None:
    plan = tiny_plan()
    rows, of_day = plan["trunk_departures"], (pl.col("lane_id") == "A-B") & (pl.col("date") == D10)
    half = rows.filter(of_day).with_columns(pl.col("departures", "parcels") // 2, pl.col("cost") / 2)
    twice = plan | {"trunk_departures": pl.concat([half, rows.filter(~of_day), half])}
    assert list_lane_days(twice).equals(list_lane_days(plan))
