"""The lower bound of plans by the clock: what the prices kept with a plan prove, added up by the checker's own code."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
import pytest

from data.contracts import contract
from routing.checker.bound import Costs, find_days
from routing.checker.bound_by_clock import recompute_bound_by_clock
from routing.checker.playback.clock import ClockRules
from routing.checker.prices import check_prices
from routing.checker.tables import read_tables
from routing.checker.trunk import TrunkCheck, check_trunk
from routing.trunk.bound.certificate import write_prices
from routing.trunk.bound.lagrangian import BoundCertificate, zero_prices
from routing.trunk.plan import plan_trunk
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from tests.routing.networks import as_tables, make_inputs
from tests.routing.random_networks import random_network
from tests.routing.tiny_plan import Tables

OPTIONS = TrunkOptions(hold_cost=0.24, short_cost=50.0, late_cost=2.0, effort=0.02, unload_hours=1.0, proof_share=0.0)
RULES = ClockRules(unload_hours=1.0)
HOURS = ("hub_sorts", "hand_in_profile", "lane_departures", "delivery_waves", "vehicle_stands")
TRUCK = {
    "vehicle_type_id": "truck",
    "mode": "road",
    "ownership": "spot",
    "capacity": 100,
    "fixed_cost": 10.0,
    "cost_per_km": 0.0,
}


def table(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    return contract(name).conform(pl.DataFrame(rows, infer_schema_length=None))


def by_sorts(seed: int) -> TrunkInputs:
    """A random network whose hubs close at hours of their own, some in another time zone, one lane leaving at listed hours."""
    inputs = random_network(seed, hubs=4, days=2, scale=1.5, promised=0.8)
    shift = np.random.default_rng(seed).integers(0, 4, 4).tolist()
    rows = [
        {
            "hub_id": hub["hub_id"], "sort_id": name, "opens": f"{opens:02d}:00", "cut_off": f"{opens + 5 + late:02d}:00",
            "closes": f"{opens + 7 + late:02d}:00", "unload_hours": None if late else 0.5, "handling_cost": None if late < 2 else 0.3,
            "sort_capacity": None if hub["sort_capacity"] is None else hub["sort_capacity"] / 2,
        }
        for hub, late in zip(inputs.hubs.iter_rows(named=True), shift, strict=True)
        for name, opens in (("day", 8), ("night", 20))
    ]  # fmt: skip
    lane = inputs.lanes["lane_id"][0]
    listed = [{"lane_id": lane, "leaves": hour, "load_hours": 1.5, "departure_limit": 3} for hour in ("06:30", "23:00")]
    zones = ["Asia/Urumqi" if late == 1 else None for late in shift]
    return replace(
        inputs,
        hubs=inputs.hubs.with_columns(pl.Series("time_zone", zones, dtype=pl.String)),
        hub_sorts=table("hub_sorts", rows),
        lane_departures=table("lane_departures", listed),
        hand_in_profile=table("hand_in_profile", [{"hub_id": "*", "until_hour": h, "share": s} for h, s in (("18:00", 0.6), ("26:00", 0.4))]),
        delivery_waves=table("delivery_waves", [{"hub_id": inputs.hubs["hub_id"][0], "leaves": "07:30"}]),
    )  # fmt: skip


def tables_of(inputs: TrunkInputs, plan: Any) -> Tables:
    return {**as_tables(inputs), **{name: getattr(inputs, name) for name in HOURS}, **plan.tables()}


@lru_cache(maxsize=8)
def planned(seed: int) -> Tables:
    inputs = by_sorts(seed)
    return tables_of(inputs, plan_trunk(inputs, OPTIONS))


def check(tables: Tables) -> TrunkCheck:
    return check_trunk(tables, hold_cost=0.24, short_cost=50.0, late_cost=2.0, rules=RULES)


def price_rows(*rows: dict[str, object]) -> pl.DataFrame:
    schema = {name: kind for name, kind in contract("bound_prices").polars_schema.items() if name != "run_id"}
    return pl.DataFrame([{"plan": "trunk"} | row for row in rows], schema=schema)


def bound_of(tables: Tables, prices: pl.DataFrame) -> float:
    frames, _ = read_tables({**tables, "bound_prices": prices})
    days = find_days(frames, tables["plan_certificates"]["last_day"][0])
    sound, broken = check_prices(frames, days, by_clock=True)
    assert broken == []
    return recompute_bound_by_clock(frames, sound, days, Costs(0.24, 50.0, 2.0), RULES)


# of the seventh parts of two routes, handed in at two hours for one sort, fill more than one vehicle between them
@pytest.mark.parametrize("seed", [0, 1, 6, 7])
def test_recomputed_bound_is_the_planners(seed: int) -> None:
    tables = planned(seed)
    found = check(tables)
    assert [violation.text for violation in found.violations] == []
    assert found.bound.recomputed == pytest.approx(tables["plan_certificates"]["priced_bound"][0], rel=1e-6)
    assert "recomputed from its prices" in found.bound.told
    assert {"sort", "fleet", "potential"} & set(tables["bound_prices"]["kind"].to_list())


def test_prices_of_openings_by_the_clock_count_for_the_sort_that_takes_the_demand() -> None:
    tables = dict(planned(6))
    priced = tables["bound_prices"]
    opening = pl.col("kind") == "opening"
    assert priced.filter(opening).height > 2
    assert priced.filter(opening)["sort_id"].null_count() == 0
    assert check(tables).bound.proof == "openings"
    tables["bound_prices"] = priced.with_columns(
        sort_id=pl.when(opening).then(pl.col("sort_id").replace({"day": "night", "night": "day"})).otherwise("sort_id")
    )
    assert "certificate.bound" in {violation.rule for violation in check(tables).violations}
    tables["bound_prices"] = priced.with_columns(sort_id=pl.when(opening).then(None).otherwise("sort_id"))
    assert "bound_prices.row" in {violation.rule for violation in check(tables).violations}


@pytest.mark.parametrize("seed", [1, 6])
def test_parts_of_a_route_that_one_sort_takes_on_two_days_do_not_share_a_price(seed: int) -> None:
    made = by_sorts(seed)
    # two hubs with one sort a day take what is handed in by 26:00 on the next
    some = made.hubs["hub_id"].to_list()[:2]
    inputs = replace(made, hub_sorts=made.hub_sorts.filter(~pl.col("hub_id").is_in(some)))
    tables = tables_of(inputs, plan_trunk(inputs, OPTIONS))
    keys = ["kind", "date", "at", "lane_id", "demand_date", "origin_hub_id", "destination_hub_id", "sort_id"]
    assert not tables["bound_prices"].filter(pl.col("kind") == "opening").select(keys).is_duplicated().any()
    found = check(tables)
    assert [violation.text for violation in found.violations] == []


@pytest.mark.parametrize("seed", [1, 6])
def test_prices_of_fleets_up_to_the_last_midnight_are_of_the_plans_days(seed: int) -> None:
    network = build_network(by_sorts(seed), OPTIONS)
    prices = zero_prices(network)
    prices.fleet[:] = 1.0
    late = replace(network, fleet_clock=np.append(network.fleet_clock[:-1], 24.0 * network.days))
    dates = sorted(set(write_prices(late, BoundCertificate(0.0, prices))["date"].to_list()))
    assert dates[-1] == network.day(network.days - 1)
    assert dates[0] >= network.first_day


@pytest.mark.parametrize("column", ["lower_bound", "priced_bound"])
def test_a_bound_above_what_its_prices_prove_is_found(column: str) -> None:
    tables = dict(planned(6))
    tables["plan_certificates"] = tables["plan_certificates"].with_columns(pl.col(column) * 1.01 + 1.0)
    assert "certificate.bound" in {violation.rule for violation in check(tables).violations}


def test_prices_taken_away_or_of_no_sort_are_found() -> None:
    tables = dict(planned(6))
    priced = tables["bound_prices"]
    dear = priced.filter(pl.col("price") > 0).sort("price", descending=True)
    tables["bound_prices"] = priced.join(dear.head(2), on=priced.columns, how="anti", nulls_equal=True)
    assert "certificate.bound" in {violation.rule for violation in check(tables).violations}
    tables["bound_prices"] = price_rows(
        {"kind": "sort", "date": priced["date"].drop_nulls()[0], "hub_id": "H0", "price": 1.0},
        {"kind": "fleet", "date": priced["date"].drop_nulls()[0], "vehicle_type_id": "own", "price": 1.0},
    )
    rules = [violation.rule for violation in check(tables).violations]
    assert rules.count("bound_prices.row") == 2


@pytest.mark.parametrize("size", [0.05, 1.0, 20.0])
@pytest.mark.parametrize("seed", [1, 6])
def test_no_prices_prove_more_than_a_plan_costs(seed: int, size: float) -> None:
    tables = planned(seed)
    random = np.random.default_rng(seed)
    cost, priced = float(tables["plan_certificates"]["cost"][0]), tables["bound_prices"]
    for _ in range(10):
        noise = random.exponential(size, priced.height)
        changed = priced.with_columns(
            price=pl.when(pl.col("kind") == "potential").then(0.0).otherwise(pl.Series(noise))
        )
        assert bound_of(tables, changed) <= cost + 1e-6


def one_lane(parcels: int) -> TrunkInputs:
    """A to B by trucks of 100 at 10, nine hours; both hubs sort in the evening and by day."""
    lane = {
        "lane_id": "A-B", "origin_hub_id": "A", "destination_hub_id": "B", "mode": "road", "distance_km": 1.0,
        "transit_hours": 9.0,
    }  # fmt: skip
    made = make_inputs([{"hub_id": "A"}, {"hub_id": "B"}], [lane], [TRUCK], [(0, "A", "B", parcels)])
    sorts = [
        {
            "hub_id": hub,
            "sort_id": name,
            "opens": opens,
            "cut_off": cut_off,
            "closes": closes,
            "sort_capacity": 80.0,
            "handling_cost": 0.5,
        }
        for hub in "AB"
        for name, opens, cut_off, closes in (("day", "09:00", "14:00", "16:00"), ("evening", "16:00", "22:00", "24:00"))
    ]
    return replace(made, hub_sorts=table("hub_sorts", sorts))


def test_a_bound_added_up_by_hand() -> None:
    tables = tables_of(inputs := one_lane(60), plan_trunk(one_lane(60), OPTIONS))
    day = inputs.route_demand["date"][0]
    # handed in by the day's last cut-off, sorted at A at .5, .1 for its share of a truck, sorted at B at .5
    assert bound_of(tables, price_rows()) == pytest.approx(60 * 1.1)
    at_b = {"kind": "sort", "date": day + timedelta(days=1), "sort_id": "day", "hub_id": "B"}
    # B's next sort is 8 hours later, waiting .24 a day: a price above that moves all there, 80 x price less
    assert bound_of(tables, price_rows(at_b | {"price": 0.05})) == pytest.approx(60 * 1.15 - 80 * 0.05)
    assert bound_of(tables, price_rows(at_b | {"price": 0.30})) == pytest.approx(60 * (1.1 + 0.24 / 3) - 80 * 0.30)


@pytest.mark.parametrize("worth", [-30.0, 4.0, 30.0])
def test_vehicles_that_are_to_be_elsewhere_are_no_gain(worth: float) -> None:
    own = TRUCK | {"vehicle_type_id": "own", "ownership": "own", "fleet_size": 1}
    made = one_lane(60)
    inputs = replace(
        made,
        vehicle_types=table("vehicle_types", [own | {"name": "own"}, TRUCK | {"name": "truck"}]),
        vehicle_stands=table(
            "vehicle_stands",
            [{"vehicle_type_id": "own", "hub_id": hub, "vehicles_at_start": a, "vehicles_at_end": 1 - a} for hub, a in (("A", 1), ("B", 0))],
        ),
    )  # fmt: skip
    # a vehicle that is to be elsewhere runs rather than a hired one: for that the exact model is asked
    plan = plan_trunk(inputs, replace(OPTIONS, proof_share=0.25))
    tables = tables_of(inputs, plan)
    assert [violation.text for violation in check(tables).violations] == []
    assert plan.cost == pytest.approx(60.0 + 10.0)
    assert plan.lower_bound <= plan.cost + 1e-9
    potential = price_rows({"kind": "potential", "vehicle_type_id": "own", "hub_id": "A", "price": worth})
    # the one vehicle that goes over is charged its worth at A, and that it is to be gone pays as much
    assert bound_of(tables, potential) <= plan.cost + 1e-9
    assert bound_of(tables, price_rows()) == pytest.approx(60 * 1.1)
