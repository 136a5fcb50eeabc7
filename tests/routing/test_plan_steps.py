"""The steps of a plan, each alone on two hubs a hand can solve: exact model, chunks, overloads, scaling, neighbourhoods, tables."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from routing.budget import Deadline
from routing.trunk.bound.certificate import name_proof, write_prices
from routing.trunk.bound.lagrangian import Relaxation, price_arcs, price_departures, raise_bound, zero_prices
from routing.trunk.bound.path_formulation import ColumnRowModel
from routing.trunk.explain.shortfalls import explain_shortfalls, find_stranded
from routing.trunk.replan.deviation_costs import build_deviation_costs, choose_changes
from routing.trunk.replan.plan_near import keep_vehicles, plan_near, repeat_plan
from routing.trunk.replan.reference_plan import Reference, ReferencePlan, read_reference
from routing.trunk.search.capacity_scaling import scale_capacities
from routing.trunk.search.chance import draw
from routing.trunk.search.chunks import cut_chunks, join_chunks
from routing.trunk.search.draft import Draft, empty_draft
from routing.trunk.search.exact import count_nodes, fits_exact_model, flow_columns, solve_exactly
from routing.trunk.search.find_plan import find_bound
from routing.trunk.search.fix_and_optimise import search_neighbourhoods
from routing.trunk.search.overload_repair import dissolve_overloads, price_vehicles, room_at
from routing.trunk.search.sort_order import choose_lanes, order_plan
from routing.trunk.task.build_network import build_network
from routing.trunk.task.effort import SHARES, WORK
from routing.trunk.task.flows import load_network
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.task.paths import take_paths
from routing.trunk.to_tables import (
    last_day,
    write_certificate,
    write_demand,
    write_departures,
    write_flows,
    write_hub_loads,
    write_shortfalls,
)
from routing.trunk.vehicles.step_costs import build_step_costs
from tests.routing.networks import DAY, make_inputs

OPTIONS = TrunkOptions(hold_cost=1.0, short_cost=50.0, effort=0.01)
TRUCK = {"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 10.0}


def _network(
    parcels: int = 130, trucks: int | None = None, *, sort: int | None = None, buffer: int = 500
) -> TrunkNetwork:
    hubs: list[dict[str, Any]] = [{"hub_id": "A", "buffer_capacity": buffer}, {"hub_id": "B", "sort_capacity": sort}]
    lane = {"origin_hub_id": "A", "destination_hub_id": "B", "departure_limit": trucks}
    return build_network(make_inputs(hubs, [lane], [TRUCK], [(0, "A", "B", parcels)]), OPTIONS)


def _relax(network: TrunkNetwork) -> Relaxation:
    return find_bound(network, OPTIONS, Deadline(60.0))


def _solve(network: TrunkNetwork) -> Draft:
    proof = solve_exactly(network, effort=1.0, deadline=Deadline(60.0))
    assert proof.draft is not None
    assert proof.bound == pytest.approx(proof.draft.cost)
    return proof.draft


def _model(network: TrunkNetwork) -> ColumnRowModel:
    model = ColumnRowModel(network)
    model.start(price_arcs(network, price_departures(network, zero_prices(network)))[0])
    return model


def _refer(network: TrunkNetwork, draft: Draft) -> ReferencePlan:
    departures = write_departures(network, draft.vehicles, draft.loads.arcs)
    return read_reference(network, Reference(departures, write_flows(network, draft.flows), DAY, DAY, None))


def test_the_exact_model_opens_two_trucks_for_130_parcels() -> None:
    network = _network()
    assert fits_exact_model(network, OPTIONS)
    assert flow_columns(network) > 0
    assert count_nodes(10, 1.0) > count_nodes(1000, 1.0) > count_nodes(1000, 0.1)
    assert count_nodes(10**9, 1.0) == WORK.fewest_nodes
    draft = _solve(network)
    assert (draft.cost, draft.vehicles.departures.sum()) == (20.0, 2)


def test_no_part_takes_the_whole_time() -> None:
    shares = [getattr(SHARES, one.name) for one in fields(SHARES)]
    assert len(shares) > 5
    assert all(0 < share < 1 for share in shares)
    assert SHARES.bound + SHARES.dual_ascent + SHARES.closing < 1


def test_chunks_hold_the_flows_they_were_cut_from() -> None:
    network = _network(parcels=90, sort=60)
    flows = _solve(network).flows
    again = join_chunks(network, cut_chunks(network, flows))
    assert sorted(zip(again.pool.demand.tolist(), again.parcels.tolist(), strict=True)) == sorted(
        zip(flows.pool.demand.tolist(), flows.parcels.tolist(), strict=True)
    )
    assert again.pool.legs.tolist() == flows.pool.legs.tolist()
    kept = take_paths(flows.pool, np.arange(len(flows.pool)) == 0)
    assert (len(kept), kept.demand.tolist()) == (1, [0])


def test_chance_is_between_0_and_1_and_comes_again_from_its_seed() -> None:
    def some(seed: int) -> list[float]:
        state = np.array([seed], dtype=np.uint64)
        return [draw(state) for _ in range(2000)]

    first = some(7)
    assert first == some(7) != some(8)
    assert 0.0 <= min(first) < 0.01 < 0.99 < max(first) < 1.0
    assert abs(np.mean(first) - 0.5) < 0.02


def test_parcels_over_a_sort_wait_for_the_next() -> None:
    network = _network(parcels=90)
    whole = _solve(network).flows
    tight = _network(parcels=90, sort=60)
    relaxed = _relax(tight)
    step_costs = build_step_costs(tight, price_departures(tight, zero_prices(tight)))
    assert load_network(tight, whole).sorts.max() == 90
    flows = dissolve_overloads(tight, whole, step_costs, relaxed.samples, relaxed.prices, Deadline(60.0))
    loads = load_network(tight, flows)
    assert (loads.sorts <= tight.sort_capacity).all()
    assert (loads.nights <= tight.buffer_capacity).all()
    assert flows.short(tight).tolist() == [0]


def test_room_and_price_of_the_cheapest_vehicles() -> None:
    network = _network()
    step_costs = build_step_costs(network, price_departures(network, zero_prices(network)))
    load = np.zeros(network.arcs)
    load[0] = 130.0
    assert room_at(network, step_costs, load)[0] == 200.0
    assert price_vehicles(step_costs, load) == 20.0


def test_scaled_capacities_and_neighbourhoods_reach_the_optimum() -> None:
    network = _network(parcels=30)
    scaled = scale_capacities(_model(network), weight=0.5, rounds=5, effort=1.0, deadline=Deadline(60.0))
    assert scaled.cost == pytest.approx(10.0)
    model = _model(network)
    nothing = empty_draft(network)
    assert nothing.cost == 1500.0
    found = search_neighbourhoods(model, nothing, np.zeros(len(model.arc)), options=OPTIONS, deadline=Deadline(60.0))
    assert found.cost == pytest.approx(10.0)


def test_what_differs_from_the_reference_is_priced() -> None:
    network = _network(parcels=90)
    reference = _refer(network, _solve(network))
    vehicles = keep_vehicles(network, reference, Deadline(60.0))
    assert (vehicles.departures.sum(), reference.changes(network, vehicles)) == (1, 0)
    costs = build_deviation_costs(network, vehicles, reference, 4.0)
    arc = int(vehicles.arc[0])
    first, last = costs.pointers[arc], costs.pointers[arc + 1]
    # without the truck 10 - 4 are saved, a second one costs 10 + 4
    assert dict(zip(costs.room[first:last], costs.price[first:last], strict=True))[0.0] == 0.0
    assert dict(zip(costs.room[first:last], costs.price[first:last], strict=True))[100.0] == 6.0
    assert dict(zip(costs.room[first:last], costs.price[first:last], strict=True))[200.0] == 20.0
    load = np.zeros(network.arcs)
    load[arc] = 130.0
    assert choose_changes(network, vehicles, reference, load, 4.0).departures.sum() == 2


def test_a_plan_near_its_reference_repeats_it() -> None:
    network = _network(parcels=90)
    draft = _solve(network)
    reference = _refer(network, draft)
    repeated = repeat_plan(network, reference, Deadline(60.0))
    assert (repeated.cost, reference.changes(network, repeated.vehicles)) == (draft.cost, 0)
    near = plan_near(network, reference, 0, None, _relax(network), OPTIONS, Deadline(60.0))
    assert (near.cost, reference.changes(network, near.vehicles)) == (draft.cost, 0)


def test_tables_tell_the_plan() -> None:
    network = _network(trucks=1, buffer=0)
    draft = _solve(network)
    short = draft.flows.short(network)
    assert short.tolist() == [30]
    departures = write_departures(network, draft.vehicles, draft.loads.arcs)
    assert departures.select("lane_id", "departures", "parcels", "cost").row(0) == ("A-B", 1, 100, 10.0)
    flows = write_flows(network, draft.flows)
    assert flows.select("path", "departure_dates", "parcels").row(0) == (["A-B"], [DAY], 100)
    hubs = write_hub_loads(network, draft.loads, flows)
    assert dict(hubs.filter(hubs["date"] == DAY).select("hub_id", "handled").iter_rows()) == {"A": 100, "B": 100}
    assert write_demand(network)["parcels"].to_list() == [130]
    relaxed = _relax(network)
    certificate = write_certificate(network, draft, relaxed, 30, 0, "effort").row(0, named=True)
    assert (certificate["status"], certificate["parcels_planned"], certificate["parcels_short"]) == (
        "shortfalls",
        100,
        30,
    )
    assert certificate["lower_bound"] <= certificate["cost"] == 10.0 + 30 * 50.0
    assert last_day(network) == network.day(network.days - 1).isoformat()


def test_a_shortfall_names_what_binds_and_what_would_carry_it() -> None:
    network = _network(trucks=1, buffer=0)
    draft = _solve(network)
    short = draft.flows.short(network)
    reasons = explain_shortfalls(network, short, draft.loads, draft.vehicles, Deadline(60.0)).reasons
    table = write_shortfalls(network, short, reasons).row(0, named=True)
    assert table["parcels"] == 30
    assert "A-B" in table["binding"]
    assert table["cheapest_fix"]
    assert not find_stranded(network).any()


def test_prices_that_prove_the_bound_are_written() -> None:
    network = _network(trucks=1, buffer=0)
    relaxed = _relax(network)
    assert name_proof(relaxed) == "prices"
    assert name_proof(raise_bound(relaxed, relaxed.bound + 1.0)) == "search"
    prices = write_prices(network, relaxed.certificate)
    assert set(prices["kind"]) <= {"sort", "buffer", "fleet", "potential", "lane", "option", "room", "opening"}
    # the one truck a day binds: its lane or its vehicle has a price
    paid = prices.filter(prices["kind"].is_in(["lane", "option"]))
    assert set(paid["lane_id"]) == {"A-B"}
    assert (prices["price"] != 0).all()


def test_a_sort_loads_the_lanes_that_carry_most() -> None:
    limits = {"one": 1, "two": 2, "three": 3}
    lanes = [
        {"lane_id": name, "origin_hub_id": "A", "destination_hub_id": "B", "departure_limit": limit}
        for name, limit in limits.items()
    ]
    inputs = make_inputs([{"hub_id": "A"}, {"hub_id": "B"}], lanes, [TRUCK], [(0, "A", "B", 600)])
    network = build_network(inputs, OPTIONS)
    draft, relaxed = _solve(network), _relax(network)
    assert draft.flows.parcels.sum() >= 600
    for whole in (True, False):
        allowed = choose_lanes(network, draft.flows, relaxed.prices, whole=whole)
        first_day = network.arc_day == 0
        names = {network.lane_ids[lane] for lane in network.arc_lane[first_day & allowed[:, 1]]}
        assert names == {"two", "three"}
    ordered, bound_to_order = order_plan(network, draft, relaxed, replace(OPTIONS, sort_plan="fixed"), Deadline(60.0))
    used = {ordered.lane_ids[lane] for lane in ordered.arc_lane[bound_to_order.vehicles.arc]}
    assert used <= {"two", "three"}
