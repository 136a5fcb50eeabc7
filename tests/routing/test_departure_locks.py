"""Departures that planners fix, bound or forbid: plans keep to them, refuse what cannot be, and the checker sees what is not kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from data.contracts import contract
from data.errors import RadarError
from routing.checker.playback.clock import ClockRules
from routing.checker.trunk import check_trunk
from routing.trunk.plan import TrunkPlan, plan_trunk
from routing.trunk.replan.reference_plan import Reference
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import HOURS, TrunkInputs, TrunkOptions
from routing.trunk.task.network import share_limits
from tests.routing.networks import DAY, as_tables, make_inputs
from tests.routing.random_networks import random_network

OPTIONS = TrunkOptions(hold_cost=0.1, short_cost=50.0, effort=0.02)
THREE = (
    ("day", "09:00", "14:00", "16:00"),
    ("evening", "16:00", "22:00", "24:00"),
    ("night", "24:00", "30:00", "32:00"),
)
KEY = ["lane_id", "date", "vehicle_type_id"]


def _lock(
    lane: str, kind: str, at_least: int, at_most: int | None = None, day: int = 0, leaves: str = "any"
) -> dict[str, Any]:
    return {
        "lane_id": lane, "date": DAY + timedelta(days=day), "leaves": leaves, "vehicle_type_id": kind, "at_least": at_least,
        "at_most": at_most,
    }  # fmt: skip


def _with_locks(inputs: TrunkInputs, *rows: dict[str, Any]) -> TrunkInputs:
    return replace(
        inputs, departure_locks=contract("departure_locks").conform(pl.DataFrame(rows, infer_schema_length=None))
    )


def _broken(inputs: TrunkInputs, plan: TrunkPlan, **edited: pl.DataFrame) -> list[str]:
    tables = {**as_tables(inputs), **{name: getattr(inputs, name) for name in HOURS}, **plan.tables()}
    tables |= {"departure_locks": inputs.departure_locks, **edited}
    checked = check_trunk(tables, hold_cost=0.1, short_cost=50.0, late_cost=1.0, rules=ClockRules())
    return [violation.text for violation in checked.violations]


def _two_ways(parcels: int = 150) -> TrunkInputs:
    """From A to B direct with trucks of 100 for 10, or over C with the same for 6 a leg; a train of 400 costs 25."""
    hubs = [{"hub_id": hub} for hub in "ABC"]
    lanes = [{"origin_hub_id": a, "destination_hub_id": b} for a, b in ("AB", "AC", "CB", "BA")]
    kinds = [
        {"vehicle_type_id": "own", "ownership": "own", "capacity": 100, "fleet_size": 9},
        {"vehicle_type_id": "hired", "capacity": 100},
        {"vehicle_type_id": "large", "capacity": 400},
    ]
    prices = {
        "A-B": {"own": 9.0, "hired": 10.0, "large": 25.0},
        "B-A": {"own": 1.0},
        "A-C": {"hired": 6.0},
        "C-B": {"hired": 6.0},
    }
    listed = [
        {"lane_id": lane, "vehicle_type_id": kind, "departure_cost": cost}
        for lane, by in prices.items()
        for kind, cost in by.items()
    ]
    return make_inputs(hubs, lanes, kinds, [(0, "A", "B", parcels)], lane_vehicles=listed)


def _counts(plan: TrunkPlan) -> dict[tuple[str, str], int]:
    return {
        (row["lane_id"], row["vehicle_type_id"]): row["departures"]
        for row in plan.trunk_departures.iter_rows(named=True)
    }


def test_departures_fixed_run_and_carry_before_others_are_hired() -> None:
    inputs = _two_ways()
    assert plan_trunk(inputs, OPTIONS).cost == pytest.approx(20.0)
    # one train is fixed: it carries all 150, and nothing else runs
    locked = _with_locks(inputs, _lock("A-B", "large", 1))
    plan = plan_trunk(locked, OPTIONS)
    assert (_counts(plan), plan.cost) == ({("A-B", "large"): 1}, 25.0)
    # two hired over C are fixed at one leg: they are paid, and used where that saves
    paid = _with_locks(inputs, _lock("A-C", "hired", 2), _lock("C-B", "hired", 2))
    plan = plan_trunk(paid, OPTIONS)
    assert (_counts(plan), plan.cost) == ({("A-C", "hired"): 2, ("C-B", "hired"): 2}, 24.0)
    assert _broken(locked, plan_trunk(locked, OPTIONS)) == []
    assert _broken(paid, plan) == []


def test_departures_forbidden_and_bounded_do_not_run() -> None:
    inputs = _two_ways(parcels=300)
    forbidden = _with_locks(inputs, _lock("A-B", "large", 0, 0), _lock("A-B", "own", 0, 0))
    plan = plan_trunk(forbidden, OPTIONS)
    assert (_counts(plan), plan.cost) == ({("A-B", "hired"): 3}, 30.0)
    bounded = _with_locks(inputs, _lock("A-B", "large", 0, 0), _lock("A-B", "hired", 0, 1), _lock("A-B", "own", 0, 0))
    plan = plan_trunk(bounded, OPTIONS)
    assert (_counts(plan), plan.cost) == ({("A-B", "hired"): 1, ("A-C", "hired"): 2, ("C-B", "hired"): 2}, 34.0)
    assert plan.lower_bound <= plan.cost
    assert _broken(bounded, plan) == []


def test_own_vehicles_that_are_fixed_come_back_and_run_though_nothing_is_carried() -> None:
    inputs = _with_locks(_two_ways(), _lock("A-B", "own", 3, 3))
    plan = plan_trunk(inputs, OPTIONS)
    assert _counts(plan)["A-B", "own"] == 3
    assert _counts(plan)["B-A", "own"] == 3
    assert _broken(inputs, plan) == []
    empty = replace(inputs, route_demand=inputs.route_demand.with_columns(parcels=pl.lit(0, pl.Int64)))
    assert _counts(plan_trunk(empty, OPTIONS)) == {("A-B", "own"): 3, ("B-A", "own"): 3}


def test_the_checker_sees_locks_not_kept() -> None:
    inputs = _two_ways(parcels=300)
    plan = plan_trunk(inputs, OPTIONS)
    locked = _with_locks(
        inputs,
        _lock("A-B", "large", 2),
        _lock("A-C", "hired", 1),
        _lock("A-B", "hired", 0, 0),
        _lock("A-B", "large", 5, day=40),
    )
    found = [text for text in _broken(locked, plan) if "locked" in text]
    assert [text.split(":")[0] for text in found] == [
        f"Lane and type A-B large on {DAY}",
        f"Lane and type A-C hired on {DAY}",
    ]
    assert "1 departures, a planner locked at least 2" in found[0]


def _often(parcels: int = 600, **departure: Any) -> TrunkInputs:
    """One lane with three departures a day."""
    lane = {"origin_hub_id": "A", "destination_hub_id": "B", "transit_hours": 9.0, "distance_km": 1.0}
    kind = {"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 10.0}
    made = make_inputs([{"hub_id": "A"}, {"hub_id": "B"}], [lane], [kind], [(0, "A", "B", parcels)])
    keys = ("sort_id", "opens", "cut_off", "closes")
    rows = [{"hub_id": hub, **dict(zip(keys, sort, strict=True))} for hub in "AB" for sort in THREE]
    sorts = contract("hub_sorts").conform(pl.DataFrame(rows))
    if not departure:
        return replace(made, hub_sorts=sorts)
    hours = [{"lane_id": "A-B", "leaves": hour, **departure} for hour in ("16:00", "24:00", "32:00")]
    return replace(made, hub_sorts=sorts, lane_departures=contract("lane_departures").conform(pl.DataFrame(hours)))


def _by_hour(plan: TrunkPlan) -> dict[str, int]:
    local = plan.trunk_departures.with_columns(
        hour=(pl.col("leaves_at") + pl.duration(hours=8)).dt.strftime("%d %H:%M")
    )
    return {row["hour"]: row["departures"] for row in local.iter_rows(named=True)}


def test_a_lock_of_an_hour_holds_at_that_hour_written_either_way() -> None:
    inputs = _with_locks(
        _often(), _lock("A-B", "truck", 2, leaves="16:00"), _lock("A-B", "truck", 1, 1, leaves="08:00")
    )
    plan = plan_trunk(inputs, OPTIONS)
    by_hour = _by_hour(plan)
    assert by_hour["11 16:00"] == 2
    assert by_hour["12 08:00"] == 1
    assert sum(by_hour.values()) >= 6
    assert _broken(inputs, plan) == []
    others = inputs.departure_locks.with_columns(at_least=pl.col("at_least") + 1, at_most=pl.lit(None, pl.Int64))
    texts = [text for text in _broken(inputs, plan, departure_locks=others) if "locked at least" in text]
    assert [("at 08:00" in text, "at 16:00" in text) for text in texts] == [(True, False), (False, True)]


def test_a_lock_at_any_hour_takes_the_hours_parcels_want() -> None:
    inputs = _with_locks(_often(parcels=300), _lock("A-B", "truck", 3, 3))
    plan = plan_trunk(inputs, OPTIONS)
    assert sum(_by_hour(plan).values()) == 3
    assert plan.short == 0
    assert _broken(inputs, plan) == []
    tight = _with_locks(_often(parcels=300), _lock("A-B", "truck", 0, 2))
    plan = plan_trunk(tight, OPTIONS)
    first_day = plan.trunk_departures.filter(pl.col("date") == DAY)["departures"].sum()
    assert first_day <= 2
    assert _broken(tight, plan) == []


def test_a_limit_of_each_departure_is_not_shared_over_them() -> None:
    network = build_network(_often(departure_limit=2), OPTIONS)
    assert share_limits(network).lane_limit[:, 0].tolist() == [2.0, 2.0, 2.0]
    of_day = _often(departure_limit=2)
    of_day = replace(of_day, lanes=of_day.lanes.with_columns(departure_limit=pl.lit(5, pl.Int64)))
    assert sorted(share_limits(build_network(of_day, OPTIONS)).lane_limit[:, 0].tolist()) == [1.0, 2.0, 2.0]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (_lock("X-Y", "own", 1), "Lane X-Y in departure_locks"),
        (_lock("A-B", "zeppelin", 1), "Vehicle type zeppelin in departure_locks"),
        (_lock("A-C", "own", 1), "a vehicle type that the lane takes"),
        (_lock("A-B", "own", 10, 12), "at most its fleet_size, 9"),
    ],
)
def test_locks_that_cannot_be_kept_are_refused_by_name(row: dict[str, Any], told: str) -> None:
    with pytest.raises(RadarError) as caught:
        plan_trunk(_with_locks(_two_ways(), row), OPTIONS)
    assert told in str(caught.value)


def test_an_hour_at_which_a_lane_does_not_leave_is_refused_with_those_at_which_it_does() -> None:
    with pytest.raises(RadarError, match="that day: 00:00, 08:00, 16:00"):
        plan_trunk(_with_locks(_often(), _lock("A-B", "truck", 1, leaves="15:00")), OPTIONS)
    limited = _often(departure_limit=2)
    with pytest.raises(RadarError, match="at most the 2"):
        plan_trunk(_with_locks(limited, _lock("A-B", "truck", 3, leaves="16:00")), OPTIONS)


def test_hours_before_the_first_sort_of_a_plan_carry_nothing_and_stop_nothing() -> None:
    made = _often(parcels=200)
    hours = [{"lane_id": "A-B", "leaves": hour} for hour in ("07:30", "24:00")]
    inputs = replace(made, lane_departures=contract("lane_departures").conform(pl.DataFrame(hours)))
    assert plan_trunk(_with_locks(inputs, _lock("A-B", "truck", 0, 0, leaves="07:30")), OPTIONS).short == 0
    with pytest.raises(RadarError, match="that day: 00:00"):
        plan_trunk(_with_locks(inputs, _lock("A-B", "truck", 1, leaves="07:30")), OPTIONS)
    rows = [(DAY + timedelta(days=day), "A-B", hour, "truck", 2) for day in (0, 1) for hour in ("07:30", "24:00")]
    timetable = pl.DataFrame(rows, schema=["date", "lane_id", "leaves", "vehicle_type_id", "departures"], orient="row")
    held = plan_trunk(replace(inputs, timetable=timetable), OPTIONS)
    assert held.short == 0
    assert "11 07:30" not in _by_hour(held)
    assert _by_hour(held)["12 00:00"] == 2


def test_locks_of_a_shut_lane_are_refused_where_they_fix_and_hold_where_they_forbid() -> None:
    inputs = _two_ways()
    storm = pl.DataFrame({"date": [DAY], "lane_id": ["A-B"], "speed_factor": [1.0], "capacity_factor": [0.0]})
    shut = replace(inputs, lane_weather=storm)
    assert plan_trunk(_with_locks(shut, _lock("A-B", "hired", 0, 0)), OPTIONS).short == 0
    with pytest.raises(RadarError, match="a day on which the lane and its hubs are open"):
        plan_trunk(_with_locks(shut, _lock("A-B", "hired", 1)), OPTIONS)
    with pytest.raises(RadarError, match="and 1 rows more"):
        plan_trunk(_with_locks(shut, _lock("A-B", "hired", 1), _lock("A-B", "own", 1)), OPTIONS)


def _random_locks(plan: TrunkPlan, inputs: TrunkInputs, seed: int) -> TrunkInputs:
    """Locks around a plan: some rows fixed one higher, some held, some bounded one lower, some forbidden."""
    generator = np.random.default_rng(seed)
    own = set(inputs.vehicle_types.filter(pl.col("ownership") == "own")["vehicle_type_id"])
    rows = []
    for row in plan.trunk_departures.group_by(KEY).agg(pl.col("departures").sum()).sort(KEY).iter_rows(named=True):
        if generator.random() < 0.3 or row["vehicle_type_id"] in own:
            continue
        count = row["departures"]
        least, most = [(count, None), (count, count), (0, max(count - 1, 0)), (0, 0)][int(generator.integers(4))]
        rows.append({**{name: row[name] for name in KEY}, "leaves": "any", "at_least": least, "at_most": most})
    return _with_locks(inputs, *rows)


@pytest.mark.parametrize(
    ("seed", "by_sorts", "share", "hubs"),
    # the exact model takes most of the time on all but the smallest
    [(3, True, 0.0, 5), (4, False, 0.0, 5), (5, False, OPTIONS.proof_share, 3), (6, True, 0.0, 5)],
)
def test_random_plans_keep_their_locks(seed: int, by_sorts: bool, share: float, hubs: int) -> None:
    inputs = random_network(seed, hubs=hubs, days=2, scale=1.0)
    if by_sorts:
        keys = ("sort_id", "opens", "cut_off", "closes")
        rows = [
            {"hub_id": hub, **dict(zip(keys, sort, strict=True))} for hub in inputs.hubs["hub_id"] for sort in THREE
        ]
        sorts = contract("hub_sorts").conform(pl.DataFrame(rows))
        inputs = replace(inputs, hub_sorts=sorts, network_changes=inputs.network_changes.clear())
    options = replace(OPTIONS, proof_share=share)
    free = plan_trunk(inputs, options)
    locked = _random_locks(free, inputs, seed)
    assert locked.departure_locks.height > 0
    plan = plan_trunk(locked, options)
    assert _broken(locked, plan) == []
    assert plan.lower_bound <= plan.cost + 1e-6
    last = max(free.route_demand["date"].to_list())
    near = Reference(free.trunk_departures, free.trunk_flows, DAY, last, max_changes=8)
    assert _broken(locked, plan_trunk(locked, options, reference=near)) == []


def test_a_plan_locked_as_it_is_repeats_its_departures() -> None:
    inputs = random_network(7, hubs=4, days=2, scale=1.0)
    free = plan_trunk(inputs, OPTIONS)
    rows = free.trunk_departures.select(*KEY, leaves=pl.lit("any"), at_least="departures", at_most="departures")
    locked = _with_locks(inputs, *rows.to_dicts())
    plan = plan_trunk(locked, OPTIONS)
    kept = plan.trunk_departures.join(rows, on=KEY, how="semi")
    assert kept.select(*KEY, "departures").sort(KEY).equals(free.trunk_departures.select(*KEY, "departures").sort(KEY))
    assert plan.cost <= free.cost + 1e-6


def test_a_plan_by_days_runs_what_is_fixed_at_all_hours_together() -> None:
    rows = [_lock("A-B", "hired", 2, 2, leaves="16:00"), _lock("A-B", "hired", 1, 1, leaves="24:00")]
    inputs = _with_locks(_two_ways(), *rows, _lock("A-B", "large", 0, 0, leaves="16:00"))
    plan = plan_trunk(inputs, OPTIONS)
    assert _counts(plan) == {("A-B", "hired"): 3}
    assert _broken(inputs, plan) == []
    more = inputs.departure_locks.with_columns(at_least=pl.col("at_least") + 1, at_most=pl.lit(None, pl.Int64))
    told = [text for text in _broken(inputs, plan, departure_locks=more) if "locked" in text]
    assert [("3 departures" in text, "at least 5" in text) for text in told if "hired" in text] == [(True, True)]


def test_a_timetable_without_hours_is_none_of_a_plan_by_sorts() -> None:
    rows = [(DAY, "A-B", "any", "truck", 2)]
    timetable = pl.DataFrame(rows, schema=["date", "lane_id", "leaves", "vehicle_type_id", "departures"], orient="row")
    with pytest.raises(RadarError, match="without hours"):
        plan_trunk(replace(_often(), timetable=timetable), OPTIONS)
