"""Planner and checker, which share no code, agree; and no single number of a real plan can be changed unseen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import lru_cache

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.checker.trunk import TrunkCheck, check_trunk
from routing.trunk.plan import plan_trunk
from routing.trunk.task.inputs import TrunkOptions
from tests.routing.random_networks import random_network

INPUTS = ("hubs", "lanes", "vehicle_types", "lane_vehicles", "network_changes", "lane_weather", "service_promises")
OPTIONS = TrunkOptions(effort=0.025, short_cost=500.0)
EDITS = {
    "trunk_departures": ("departures", "parcels", "cost", "date"),
    "trunk_flows": ("parcels", "date", "completed_on", "late_days"),
    "hub_loads": ("handled", "held", "capacity", "utilisation", "date"),
    "shortfalls": ("parcels", "date"),
    "route_demand": ("parcels", "date"),
    "plan_certificates": (
        "cost",
        "lower_bound",
        "gap",
        "violations",
        "parcels_demanded",
        "parcels_planned",
        "parcels_short",
    ),
}


@lru_cache(maxsize=8)
def planned(seed: int, scale: float) -> tuple[tuple[str, pl.DataFrame], ...]:
    inputs = random_network(seed, hubs=4, days=2, scale=scale, promised=0.5)
    # but for one of the smallest by search alone: there the exact model takes most of the time
    plan = plan_trunk(inputs, OPTIONS if scale < 1.0 and seed == 1 else replace(OPTIONS, proof_share=0.0))
    return (*((name, getattr(inputs, name)) for name in INPUTS), *plan.tables().items())


def check(tables: dict[str, pl.DataFrame]) -> TrunkCheck:
    return check_trunk(tables, hold_cost=OPTIONS.hold_cost, short_cost=OPTIONS.short_cost, late_cost=OPTIONS.late_cost)


@pytest.mark.parametrize("scale", [0.1, 1.0, 5.0])
@pytest.mark.parametrize("seed", range(2))
def test_plans_of_random_networks_break_no_rule(seed: int, scale: float) -> None:
    tables = dict(planned(seed, scale))
    result = check(tables)
    assert [violation.text for violation in result.violations] == []
    assert result.cost == pytest.approx(tables["plan_certificates"]["cost"][0], abs=0.02)


@settings(max_examples=40, deadline=None)
@given(
    table=st.sampled_from(sorted(EDITS)),
    column=st.integers(0, 9),
    row=st.integers(0, 10_000),
    up=st.booleans(),
)
def test_any_number_changed_in_a_plan_is_found(table: str, column: int, row: int, up: bool) -> None:
    tables = dict(planned(1, 5.0))  # a plan with rows in every table, parcels short too
    frame = tables[table]
    assert not frame.is_empty()
    name = EDITS[table][column % len(EDITS[table])]
    values = frame[name].to_list()
    at = row % len(values)
    old = values[at]
    if old is None:
        values[at] = 1
    elif name.endswith(("date", "_on")):
        values[at] = old + timedelta(days=1 if up else -1)
    elif isinstance(old, int):
        values[at] = old + (1 if up else -1)
    else:
        values[at] = old + (1.0 if up else -1.0) * max(abs(old) * 0.01, 1.0)
    tables[table] = frame.with_columns(pl.Series(name, values, dtype=frame.schema[name], strict=False))
    assert check(tables).violations, f"{table}.{name} row {at}: {old} -> {values[at]}"


@settings(max_examples=12, deadline=None)
@given(
    table=st.sampled_from(["trunk_departures", "trunk_flows", "route_demand", "shortfalls"]), row=st.integers(0, 10_000)
)
def test_any_row_taken_out_of_a_plan_is_found(table: str, row: int) -> None:
    tables = dict(planned(1, 5.0))  # a plan with rows in every table, parcels short too
    frame = tables[table]
    assert not frame.is_empty()
    tables[table] = frame.with_row_index("n").filter(pl.col("n") != row % frame.height).drop("n")
    assert check(tables).violations
