"""The lower bound recomputed by the checker: by hand, below every optimum whatever the prices, and as the planner says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.budget import Deadline
from routing.checker.bound import Costs, find_days, recompute_bound
from routing.checker.playback.clock import ClockRules
from routing.checker.prices import KINDS, check_prices
from routing.checker.proof import check_bound
from routing.checker.tables import read_tables
from routing.checker.trunk import TrunkCheck, check_trunk
from routing.checker.violations import Violation
from routing.trunk.bound.lagrangian import raise_bound
from routing.trunk.plan import TrunkPlan, plan_trunk, write_plan
from routing.trunk.search.find_plan import find_bound, search_plan
from routing.trunk.search.fixed_charge import plan_fixed_charge
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from tests.routing.exact_trunk import least_cost
from tests.routing.networks import as_tables
from tests.routing.random_networks import random_network

DAY = date(2024, 11, 10)
OPTIONS = TrunkOptions(effort=0.0167, short_cost=500.0)
COSTS = Costs(OPTIONS.hold_cost, OPTIONS.short_cost, OPTIONS.late_cost)
Tables = dict[str, pl.DataFrame]
_KEYS: dict[str, pl.DataType] = {
    "kind": pl.String(), "date": pl.Date(), "hub_id": pl.String(), "lane_id": pl.String(), "vehicle_type_id": pl.String(),
    "demand_date": pl.Date(), "origin_hub_id": pl.String(), "destination_hub_id": pl.String(), "price": pl.Float64(),
}  # fmt: skip


def price_rows(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame([dict.fromkeys(_KEYS) | row for row in rows], schema=_KEYS)


def two_hubs(parcels: int) -> Tables:
    """A truck for 100 parcels from A to B costs 10, sorting 0.1 a parcel at A; one truck there is."""
    return {
        "hubs": pl.DataFrame({"hub_id": ["A", "B"], "sort_capacity": [50.0, None], "handling_cost": [0.1, None]}),
        "lanes": pl.DataFrame(
            {"lane_id": ["A-B"], "origin_hub_id": ["A"], "destination_hub_id": ["B"], "mode": ["road"],
             "distance_km": [0.0], "transit_hours": [20.0]}
        ),
        "vehicle_types": pl.DataFrame(
            {"vehicle_type_id": ["truck"], "mode": ["road"], "ownership": ["spot"], "capacity": [100],
             "fixed_cost": [10.0], "cost_per_km": [0.0], "fleet_size": [1]}
        ),
        "route_demand": pl.DataFrame(
            {"date": [DAY], "origin_hub_id": ["A"], "destination_hub_id": ["B"], "parcels": [parcels]}
        ),
    }  # fmt: skip


def bound_of(tables: Tables, prices: pl.DataFrame, last_day: date, costs: Costs = COSTS) -> float:
    frames, _ = read_tables({**tables, "bound_prices": prices})
    days = find_days(frames, last_day)
    sound, broken = check_prices(frames, days)
    assert broken == []
    return recompute_bound(frames, sound, days, costs)


OPENING = {"kind": "opening", "lane_id": "A-B", "demand_date": DAY, "origin_hub_id": "A", "destination_hub_id": "B"}


@pytest.mark.parametrize(
    ("parcels", "prices", "bound"),
    [
        # a parcel: a hundredth of the truck and its sorting
        (30, price_rows(), 30 * (0.1 + 0.1)),
        # the one demand pays the whole truck: 30 x 1/3
        (30, price_rows(OPENING | {"date": DAY, "price": 1 / 3}), 10 + 3.0),
        # it offers 30 x 0.4 = 12 for a truck of 10: the one truck there is earns the 2 too much
        (30, price_rows(OPENING | {"date": DAY, "price": 0.4}), 30 * 0.4 + 3.0 - 2.0),
        # 60 parcels and 50 a day: at a price of 1 today is as dear as a night's wait
        (60, price_rows({"kind": "sort", "date": DAY, "hub_id": "A", "price": 1.0}), 60 * (0.2 + 1.0) - 50.0),
        (60, price_rows({"kind": "sort", "date": DAY, "hub_id": "A", "price": 0.2}), 60 * (0.2 + 0.2) - 10.0),
        # the truck is at work on the day it leaves
        (30, price_rows({"kind": "fleet", "date": DAY, "vehicle_type_id": "truck", "price": 1.0}), 6.0 + 0.3 - 1.0),
        # no limit on departures: a price of it costs without end
        (30, price_rows({"kind": "lane", "date": DAY, "lane_id": "A-B", "price": 1.0}), -np.inf),
    ],
)  # fmt: skip
def test_bound_by_hand(parcels: int, prices: pl.DataFrame, bound: float) -> None:
    costs = Costs(1.0, 500.0, 0.0)
    assert bound_of(two_hubs(parcels), prices, DAY + timedelta(days=2), costs) == pytest.approx(bound)


def test_what_is_priced_out_is_short_and_what_comes_too_late_has_no_way() -> None:
    assert bound_of(two_hubs(30), price_rows(), DAY + timedelta(days=2), Costs(short=0.15)) == pytest.approx(4.5)
    assert bound_of(two_hubs(30), price_rows(), DAY, Costs(short=7.0)) == pytest.approx(210.0)


def test_late_days_are_paid_by_the_promise() -> None:
    tables = two_hubs(30)
    promise = {"origin_hub_id": ["A"], "destination_hub_id": ["B"], "latest_hours": [10.0]}
    tables["service_promises"] = pl.DataFrame(promise)
    costs = Costs(short=500.0, late=2.0)
    assert bound_of(tables, price_rows(), DAY + timedelta(days=2), costs) == pytest.approx(6.0)
    tables["service_promises"] = pl.DataFrame(promise | {"latest_hours": [0.0]})
    assert bound_of(tables, price_rows(), DAY + timedelta(days=2), costs) == pytest.approx(66.0)


@lru_cache(maxsize=8)
def small(seed: int) -> tuple[TrunkInputs, date, float | None]:
    """A network whose optimum is proven in about a second."""
    inputs = replace(random_network(seed, hubs=3, days=2), network_changes=random_network(seed).network_changes.clear())
    days = inputs.route_demand["date"]
    last = max(days) + timedelta(days=3)
    best = least_cost(inputs, last, hold_cost=OPTIONS.hold_cost, short_cost=OPTIONS.short_cost)
    return inputs, last, best


@settings(max_examples=60, deadline=None)
@given(seed=st.sampled_from([0, 2, 5, 9]), chance=st.integers(0, 10_000), size=st.sampled_from([0.0, 0.1, 1.0, 30.0]))
def test_no_prices_prove_more_than_the_optimum(seed: int, chance: int, size: float) -> None:
    inputs, last, best = small(seed)
    if best is None:
        pytest.skip("the optimum was not proven in time on this machine")
    random = np.random.default_rng(chance)
    first = min(inputs.route_demand["date"])
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    own = ["own"]
    values: dict[str, list[object]] = {
        "date": list(days),
        "hub_id": inputs.hubs["hub_id"].to_list(),
        "lane_id": inputs.lanes["lane_id"].to_list(),
        "vehicle_type_id": inputs.vehicle_types["vehicle_type_id"].to_list(),
    }
    demands = inputs.route_demand.rename({"date": "demand_date"}).to_dicts()
    rows = []
    for _ in range(random.integers(0, 25)):
        kind = str(random.choice(list(KINDS)))
        demand = demands[random.integers(len(demands))]
        keys = ["date" if key == "when" else key for key in KINDS[kind]]
        row = {key: demand[key] if key in demand else values[key][random.integers(len(values[key]))] for key in keys}
        if kind == "potential":
            row["vehicle_type_id"] = own[0]
        rows.append(row | {"kind": kind, "price": float(random.exponential(size))})
    bound = bound_of({**as_tables(inputs), "route_demand": inputs.route_demand}, price_rows(*rows), last)
    assert bound <= best * (1 + 1e-9) + 1e-6


@lru_cache(maxsize=16)
def planned(seed: int, scale: float, share: float, hubs: int = 6, days: int = 3) -> tuple[Tables, TrunkPlan]:
    inputs = random_network(seed, hubs=hubs, days=days, scale=scale, promised=0.5)
    plan = plan_trunk(inputs, replace(OPTIONS, proof_share=share))
    return {**as_tables(inputs), **plan.tables()}, plan


@lru_cache(maxsize=16)
def planned_by_openings(seed: int, scale: float) -> Tables:
    """Plan without the exact model, whose bound would depend on the machine's speed."""
    inputs = random_network(seed, hubs=4, days=2, scale=scale, promised=0.5)
    network, endless = build_network(inputs, OPTIONS), Deadline(1e6)
    relaxed = find_bound(network, OPTIONS, endless)
    draft = search_plan(network, relaxed, OPTIONS, endless, 0.0)
    draft, evidence = plan_fixed_charge(network, relaxed, OPTIONS, Deadline(60.0), draft)
    relaxed = raise_bound(relaxed, evidence.bound, evidence)
    return {**as_tables(inputs), **write_plan(network, draft, relaxed, OPTIONS, endless).tables()}


def check(tables: Tables) -> TrunkCheck:
    return check_trunk(tables, hold_cost=OPTIONS.hold_cost, short_cost=OPTIONS.short_cost, late_cost=OPTIONS.late_cost)


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 5), scale=st.sampled_from([0.1, 1.0, 5.0]), share=st.sampled_from([0.0, 0.5]))
def test_recomputed_bound_is_the_planners(seed: int, scale: float, share: float) -> None:
    tables, plan = planned(seed, scale, share, 4, 2)
    result = check(tables)
    assert [violation.text for violation in result.violations] == []
    priced, recomputed = tables["plan_certificates"]["priced_bound"][0], result.bound.recomputed
    assert recomputed is not None
    assert recomputed >= priced * (1 - 1e-6) - 0.01
    # the checker sees more where potentials of own vehicles are not exact: it counts what departures' limits leave
    if not (tables["bound_prices"]["kind"] == "potential").any():
        assert recomputed == pytest.approx(priced, rel=1e-6, abs=0.01)
    assert recomputed <= plan.cost * (1 + 1e-9) + 0.01


def _restate(tables: Tables, factor: float, *columns: str) -> None:
    """Overstate bounds up to a plan's cost, with the gap that goes with it."""
    changed = [(pl.col(c) + factor * (pl.col("cost") - pl.col(c))).alias(c) for c in columns]
    row = tables["plan_certificates"].with_columns(changed)
    tables["plan_certificates"] = row.with_columns(gap=(pl.col("cost") - pl.col("lower_bound")) / pl.col("cost"))


def _scale(tables: Tables, factor: float) -> None:
    tables["bound_prices"] = tables["bound_prices"].with_columns(price=pl.col("price") * factor)


def _negate(tables: Tables) -> None:
    limits = pl.col("kind") != "potential"
    price = pl.when(limits).then(-pl.col("price")).otherwise(pl.col("price"))
    tables["bound_prices"] = tables["bound_prices"].with_columns(price=price)


def _set(tables: Tables, **values: object) -> None:
    tables["plan_certificates"] = tables["plan_certificates"].with_columns(
        pl.lit(value, dtype=tables["plan_certificates"].schema[name]).alias(name) for name, value in values.items()
    )


TAMPERED: dict[str, tuple[str, Callable[[Tables], object]]] = {
    "a bound overstated with its gap": ("certificate.bound", lambda t: _restate(t, 0.01, "lower_bound", "priced_bound")),
    "a bound overstated to the cost": ("certificate.bound", lambda t: _restate(t, 1.0, "lower_bound", "priced_bound")),
    "its priced part alone overstated": ("certificate.bound", lambda t: _restate(t, 0.01, "priced_bound")),
    "higher prices": ("certificate.bound", lambda t: _scale(t, 3.0)),
    "no price table": ("certificate.bound", lambda t: t.pop("bound_prices")),
    "prices below 0": ("bound_prices.row", _negate),
    "a price that is no number": ("table.value", lambda t: _scale(t, float("nan"))),
    "prices of a hub nobody knows": (
        "bound_prices.row", lambda t: t.update(bound_prices=t["bound_prices"].with_columns(hub_id=pl.lit("?"), kind=pl.lit("sort"))),
    ),
    "prices of no kind": (
        "bound_prices.row", lambda t: t.update(bound_prices=t["bound_prices"].with_columns(kind=pl.lit("air"))),
    ),
    "a proof nobody knows": ("certificate.proof", lambda t: _set(t, proof="faith")),
    "no proof, but prices": ("certificate.proof", lambda t: _set(t, proof=None)),
    "no last day": ("certificate.proof", lambda t: _set(t, last_day=None)),
    "a last day before the plan's own": ("certificate.proof", lambda t: _set(t, last_day=min(t["route_demand"]["date"]))),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
@pytest.mark.parametrize(("seed", "scale", "proof"), [(2, 20.0, "prices"), (2, 5.0, "openings")])
def test_tampered_proof_is_found(seed: int, scale: float, proof: str, name: str) -> None:
    kept = planned(seed, scale, 0.0)[0] if proof == "prices" else planned_by_openings(seed, scale)
    assert kept["plan_certificates"]["proof"][0] == proof
    tables = dict(kept)
    rule, mutate = TAMPERED[name]
    mutate(tables)
    assert rule in {violation.rule for violation in check(tables).violations}


def test_prices_below_0_count_for_nothing() -> None:
    tables = two_hubs(30)
    frames, _ = read_tables(
        tables | {"bound_prices": price_rows({"kind": "sort", "date": DAY, "hub_id": "A", "price": -5.0})}
    )
    days = find_days(frames, DAY + timedelta(days=2))
    sound, broken = check_prices(frames, days)
    assert sound.is_empty()
    assert [violation.rule for violation in broken] == ["bound_prices.row"]


def certify(tables: Tables, **row: object) -> tuple[str, list[Violation]]:
    frames, _ = read_tables(tables)
    frames["trunk_flows"] = frames["trunk_flows"].clear()
    certificate = pl.DataFrame([{"plan": "trunk", "cost": 20.0, **row}])
    found, broken = check_bound(frames, certificate, Costs(0.2, 500.0, 0.0), ClockRules())
    return found.told, broken


def test_verdict_tells_what_is_recomputed_and_what_is_not() -> None:
    tables, last = two_hubs(30), DAY + timedelta(days=2)
    told, broken = certify(tables, lower_bound=6.0, proof="prices", priced_bound=6.0, last_day=last)
    assert (told, broken) == ("lower bound 6.00 recomputed from its prices", [])
    told, broken = certify(tables, lower_bound=13.0, proof="search", priced_bound=6.0, last_day=last)
    assert (told, broken) == ("lower bound 13.00 proven by search; 6.00 of it recomputed from prices", [])
    told, broken = certify(tables, lower_bound=13.0)
    assert (told, broken) == ("lower bound 13.00 not recomputed: plan made before prices were kept", [])
    told, broken = certify(tables, lower_bound=13.0, proof="prices", priced_bound=6.0, last_day=last)
    assert told == "lower bound 13.00 does not hold: the prices kept with the plan prove 6.00"
    assert [violation.rule for violation in broken] == ["certificate.bound"]
