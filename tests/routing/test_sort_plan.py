"""Sort plans: one lane and at most one alternate a destination, by day or for all days, told, kept to and checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from data.contracts import contract
from routing.checker.playback.clock import ClockRules
from routing.checker.trunk import check_trunk
from routing.trunk.plan import TrunkPlan, plan_trunk
from routing.trunk.task.inputs import HOURS, TrunkInputs, TrunkOptions
from tests.routing.networks import as_tables, make_inputs
from tests.routing.random_networks import random_network

OPTIONS = TrunkOptions(hold_cost=0.1, short_cost=50.0, effort=0.02)
KEY = ["hub_id", "sort_id", "destination_hub_id"]


def _violations(tables: dict[str, pl.DataFrame], kind: str) -> set[str]:
    checked = check_trunk(tables, hold_cost=0.1, short_cost=50.0, late_cost=1.0, rules=ClockRules(sort_plan=kind))
    return {violation.rule for violation in checked.violations}


def _tables(inputs: TrunkInputs, plan: TrunkPlan) -> dict[str, pl.DataFrame]:
    return {**as_tables(inputs), **{name: getattr(inputs, name) for name in HOURS}, **plan.tables()}


def _three_lanes(days: int = 1) -> TrunkInputs:
    """From A to B over three lanes, the cheap two with one truck a day each, 250 parcels a day."""
    lanes = [
        {
            "lane_id": name, "origin_hub_id": "A", "destination_hub_id": "B", "distance_km": 1.0, "transit_hours": 0.0,
            "departure_limit": limit, "mode": mode,
        }
        for name, limit, mode in (("cheap", 1, "road"), ("dear", None, "air"), ("middling", 1, "rail"))
    ]  # fmt: skip
    kinds = [
        {
            "vehicle_type_id": mode,
            "mode": mode,
            "ownership": "spot",
            "capacity": 100,
            "fixed_cost": cost,
            "cost_per_km": 0.0,
        }
        for mode, cost in (("road", 10.0), ("rail", 20.0), ("air", 90.0))
    ]
    hubs = [{"hub_id": "A"}, {"hub_id": "B"}]
    return make_inputs(hubs, lanes, kinds, [(day, "A", "B", 250) for day in range(days)])


def test_of_three_lanes_two_are_ordered_and_carry_all() -> None:
    inputs = _three_lanes()
    free, ordered = plan_trunk(inputs, OPTIONS), plan_trunk(inputs, replace(OPTIONS, sort_plan="daily"))
    assert set(free.trunk_departures["lane_id"]) == {"cheap", "middling", "dear"}
    assert free.sort_plans.is_empty()
    # 100 over each of two cheap lanes and 50 dear cost 120; the two that order keeps carry 250 with two dear trucks for 190 or 200
    assert free.cost == pytest.approx(120.0)
    assert free.order_cost is None
    assert ordered.short == 0
    assert ordered.cost == pytest.approx(free.cost + (ordered.order_cost or 0.0))
    assert ordered.cost in (pytest.approx(190.0), pytest.approx(200.0))
    row = ordered.sort_plans.row(0, named=True)
    assert ordered.sort_plans.height == 1
    assert {row["lane_id"], row["alternate_lane_id"]} == set(ordered.trunk_departures["lane_id"])
    assert row["share"] == pytest.approx(150 / 250)
    assert _violations(_tables(inputs, ordered), "daily") == set()
    assert "sort_plan.lane" in _violations({**_tables(inputs, free), "sort_plans": ordered.sort_plans}, "daily")


def _with_sorts(inputs: TrunkInputs) -> TrunkInputs:
    hubs = inputs.hubs["hub_id"].to_list()
    rows = [
        {"hub_id": hub, "sort_id": sort, "opens": opens, "cut_off": cut_off, "closes": closes}
        for hub in hubs
        for sort, opens, cut_off, closes in (
            ("evening", "16:00", "22:00", "24:00"),
            ("night", "24:00", "30:00", "32:00"),
        )
    ]
    sorts = contract("hub_sorts").conform(pl.DataFrame(rows))
    return replace(inputs, hub_sorts=sorts, network_changes=inputs.network_changes.clear())


@pytest.mark.parametrize(
    ("seed", "by_sorts", "kind", "share"),
    [  # one with the exact model, which takes most of the time on such networks
        (3, True, "fixed", 0.0),
        (3, True, "daily", 0.0),
        (4, False, "fixed", 0.0),
        (4, False, "daily", OPTIONS.proof_share),
    ],
)
def test_random_plans_keep_to_their_sort_plan(seed: int, by_sorts: bool, kind: str, share: float) -> None:
    inputs = random_network(seed, hubs=4 if share else 5, days=2, scale=1.0)
    inputs = _with_sorts(inputs) if by_sorts else inputs
    plan = plan_trunk(inputs, replace(OPTIONS, sort_plan=kind, proof_share=share))
    assert plan.sort_plans.height > 5
    assert _violations(_tables(inputs, plan), kind) == set()
    assert plan.lower_bound <= plan.cost + 1e-6
    assert plan.sort_plans.select(KEY if kind == "fixed" else ["date_from", *KEY]).is_unique().all()
    assert (plan.sort_plans["date_from"] == plan.sort_plans["date_to"]).all() == (kind == "daily")


def _edit(**values: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    first = pl.int_range(pl.len()) == 0
    return lambda rows: rows.with_columns(
        **{name: pl.when(first).then(value).otherwise(pl.col(name)) for name, value in values.items()}
    )


MUTATIONS: tuple[tuple[str, Callable[[pl.DataFrame], pl.DataFrame]], ...] = (
    ("sort_plan.lane", lambda rows: rows.slice(1)),
    ("sort_plan.lane", _edit(destination_hub_id=pl.lit("A"))),
    ("sort_plan.lane", _edit(date_to=pl.col("date_from") - timedelta(days=1))),
    ("sort_plan.lane", lambda rows: rows.with_columns(alternate_lane_id=pl.lit(None, pl.String))),
    ("sort_plan.share", _edit(share=pl.lit(0.25))),
    ("sort_plan.share", _edit(share=pl.lit(1.0))),
    ("sort_plan.rows", _edit(date_to=pl.col("date_from") + timedelta(days=1))),
)


@pytest.mark.parametrize(("rule", "mutate"), MUTATIONS)
def test_each_way_of_breaking_a_sort_plan_is_found(rule: str, mutate: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    inputs = _three_lanes(days=2)
    plan = plan_trunk(inputs, replace(OPTIONS, sort_plan="daily"))
    assert plan.sort_plans.height == 2
    tables = _tables(inputs, plan)
    assert rule in _violations({**tables, "sort_plans": mutate(plan.sort_plans)}, "daily")


def test_a_fixed_sort_plan_of_two_rows_is_none() -> None:
    inputs = _three_lanes(days=2)
    plan = plan_trunk(inputs, replace(OPTIONS, sort_plan="daily"))
    assert "sort_plan.rows" in _violations(_tables(inputs, plan), "fixed")
