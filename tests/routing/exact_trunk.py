"""The trunk problem as one exact mixed-integer program, written anew from the tables: the yardstick of plans and bounds."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.optimize import Bounds, LinearConstraint, milp

from routing.trunk.task.inputs import TrunkInputs


@dataclass
class _Model:
    """Columns and rows as they come."""

    cost: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    rows: list[tuple[dict[int, float], float, float]] = field(default_factory=list)

    def column(self, cost: float, upper: float = math.inf) -> int:
        self.cost.append(cost)
        self.upper.append(upper)
        return len(self.cost) - 1

    def row(self, entries: dict[int, float], low: float, high: float) -> None:
        self.rows.append((entries, low, high))

    def solve(self, seconds: float, whole: bool) -> float | None:
        data = [(r, c, v) for r, (entries, _, _) in enumerate(self.rows) for c, v in entries.items()]
        matrix = sp.csr_matrix(
            ([v for _, _, v in data], ([r for r, _, _ in data], [c for _, c, _ in data])),
            shape=(len(self.rows), len(self.cost)),
        )
        limits = LinearConstraint(matrix, [low for _, low, _ in self.rows], [high for _, _, high in self.rows])
        found = milp(
            np.array(self.cost),
            constraints=limits,
            bounds=Bounds(0, np.array(self.upper)),
            integrality=np.full(len(self.cost), int(whole)),
            options={"time_limit": seconds, "mip_rel_gap": 1e-7},
        )
        return float(found.fun) if found.status == 0 else None


def least_cost(
    inputs: TrunkInputs,
    last: date,
    *,
    hold_cost: float,
    short_cost: float,
    late_cost: float = 0.0,
    seconds: float = 30.0,
) -> float | None:
    """Least cost of carrying the demand by `last`, None when it is not proven within `seconds`.

    Columns: parcels of each demand unsorted over night, sorted, on each lane, short; departures of each lane, type and day.
    For networks without closings and with every capacity and limit.
    """
    return _write_model(inputs, last, hold_cost, short_cost, late_cost).solve(seconds, whole=True)


def least_cost_of_fractions(inputs: TrunkInputs, last: date, *, hold_cost: float, short_cost: float) -> float | None:
    """Least cost where parcels and vehicles need not be whole: the optimum of the linear programme."""
    return _write_model(inputs, last, hold_cost, short_cost, 0.0).solve(30.0, whole=False)


def _write_model(inputs: TrunkInputs, last: date, hold_cost: float, short_cost: float, late_cost: float) -> _Model:
    demands = inputs.route_demand.to_dicts()
    first = min(row["date"] for row in demands)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    hubs = {row["hub_id"]: row for row in inputs.hubs.to_dicts()}
    weather = {(row["lane_id"], row["date"]): row for row in inputs.lane_weather.to_dicts()}
    model, task = _Model(), _Task(days, hubs, _list_runs(inputs, days, weather))
    promised = {(a, b): hours for a, b, hours in inputs.service_promises.iter_rows()}
    for demand in demands:
        hours = promised.get((demand["origin_hub_id"], demand["destination_hub_id"]), math.inf)
        late = {
            day: 0.0
            if hours == math.inf
            else late_cost * max(0, (day - demand["date"]).days - math.ceil(hours / 24 - 1e-9))
            for day in days
        }
        _add_demand(model, task, demand, hold_cost, short_cost, late)
    for entries_of, limit in ((task.sorting, "sort_capacity"), (task.holding, "buffer_capacity")):
        for (hub, _), entries in entries_of.items():
            if hubs[hub][limit] is not None:
                model.row(entries, 0.0, hubs[hub][limit])
    _add_vehicles(model, inputs, task, weather)
    return model


def _entries() -> dict[tuple[str, date], dict[int, float]]:
    return defaultdict(dict)


@dataclass
class _Task:
    """Days, hubs and runs (lane, day of departure, day of arrival), and the columns that load them."""

    days: list[date]
    hubs: dict[str, dict[str, Any]]
    runs: list[tuple[dict[str, Any], date, date]]
    sorting: dict[tuple[str, date], dict[int, float]] = field(default_factory=_entries)
    holding: dict[tuple[str, date], dict[int, float]] = field(default_factory=_entries)
    lane_flow: dict[tuple[str, date], dict[int, float]] = field(default_factory=_entries)


def _add_demand(
    model: _Model,
    task: _Task,
    demand: dict[str, Any],
    hold_cost: float,
    short_cost: float,
    late: dict[date, float],
) -> None:
    """Columns and balances of one demand: at each hub and day held before + come = sorted + held; what is sorted leaves."""
    short = model.column(short_cost, demand["parcels"])
    arrive, leave = _entries(), _entries()
    for lane, day, due in task.runs:
        if day < demand["date"] or lane["origin_hub_id"] == demand["destination_hub_id"]:
            continue
        flow = model.column(lane["parcel_cost"] or 0.0)
        leave[lane["origin_hub_id"], day][flow] = 1.0
        arrive[lane["destination_hub_id"], due][flow] = 1.0
        task.lane_flow[lane["lane_id"], day][flow] = 1.0
    done = {}
    for hub, facts in task.hubs.items():
        before = None
        for day in (day for day in task.days if day >= demand["date"]):
            ends = late[day] if hub == demand["destination_hub_id"] else 0.0
            sort = model.column((facts["handling_cost"] or 0.0) + ends)
            hold = model.column(hold_cost, math.inf if day < task.days[-1] else 0.0)
            task.sorting[hub, day][sort] = task.holding[hub, day][hold] = 1.0
            balance = {sort: 1.0, hold: 1.0} | dict.fromkeys(arrive[hub, day], -1.0)
            if before is not None:
                balance[before] = -1.0
            handed = 0.0
            if hub == demand["origin_hub_id"] and day == demand["date"]:
                handed, balance[short] = float(demand["parcels"]), 1.0
            model.row(balance, handed, handed)
            if hub == demand["destination_hub_id"]:
                done[sort] = 1.0
            else:
                model.row({sort: 1.0} | dict.fromkeys(leave[hub, day], -1.0), 0.0, 0.0)
            before = hold
    model.row(done | {short: 1.0}, demand["parcels"], demand["parcels"])


def _list_runs(
    inputs: TrunkInputs, days: list[date], weather: dict[tuple[str, date], dict[str, Any]]
) -> list[tuple[dict[str, Any], date, date]]:
    runs = []
    for lane in inputs.lanes.to_dicts():
        for day in days:
            sky = weather.get((lane["lane_id"], day), {"speed_factor": 1.0, "capacity_factor": 1.0})
            if min(sky["speed_factor"], sky["capacity_factor"]) <= 0:
                continue
            lag = math.ceil(lane["transit_hours"] / sky["speed_factor"] / 24 - 1e-9)
            if day + timedelta(days=lag) <= days[-1]:
                runs.append((lane, day, day + timedelta(days=lag)))
    return runs


def _list_options(inputs: TrunkInputs) -> dict[str, list[tuple[dict[str, Any], float, float, float]]]:
    """By lane: the vehicle types it takes with capacity, cost and limit of a departure."""
    special: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in inputs.lane_vehicles.to_dicts():
        special[row["lane_id"]][row["vehicle_type_id"]] = row
    options: dict[str, list[tuple[dict[str, Any], float, float, float]]] = defaultdict(list)
    for lane in inputs.lanes.to_dicts():
        listed = special[lane["lane_id"]]
        for kind in inputs.vehicle_types.to_dicts():
            own = listed.get(kind["vehicle_type_id"], {})
            if (not own and listed) or (not listed and kind["mode"] != lane["mode"]):
                continue
            full = kind["fixed_cost"] + kind["cost_per_km"] * lane["distance_km"]
            capacity, cost, limit = (own.get(name) for name in ("capacity", "departure_cost", "departure_limit"))
            options[lane["lane_id"]].append(
                (
                    kind,
                    float(kind["capacity"] if capacity is None else capacity),
                    full if cost is None else cost,
                    math.inf if limit is None else limit,
                )
            )
    return options


def _add_vehicles(
    model: _Model, inputs: TrunkInputs, task: _Task, weather: dict[tuple[str, date], dict[str, Any]]
) -> None:
    at_work, options = _entries(), _list_options(inputs)
    balance: dict[tuple[str, str], dict[int, float]] = defaultdict(lambda: defaultdict(float))
    fleets = dict(inputs.vehicle_types.select("vehicle_type_id", "fleet_size").iter_rows())
    for lane, day, _ in task.runs:
        sky = weather.get((lane["lane_id"], day), {"speed_factor": 1.0, "capacity_factor": 1.0})
        factor = sky["capacity_factor"]
        away = math.ceil(lane["transit_hours"] / sky["speed_factor"] / min(factor, 1.0) / 24 - 1e-9)
        room = dict.fromkeys(task.lane_flow[lane["lane_id"], day], -1.0)
        leaving = {}
        for kind, capacity, cost, limit in options[lane["lane_id"]]:
            name = kind["vehicle_type_id"]
            run = model.column(cost, limit if limit == math.inf else math.ceil(limit * factor - 1e-9))
            room[run], leaving[run] = capacity, 1.0
            for n in range(max(away, 1)):
                at_work[name, day + timedelta(days=n)][run] = 1.0
            if kind["ownership"] == "own":
                balance[name, lane["origin_hub_id"]][run] += 1.0
                balance[name, lane["destination_hub_id"]][run] -= 1.0
        model.row(room, 0.0, math.inf)
        if lane["departure_limit"] is not None and leaving:
            model.row(leaving, 0.0, math.ceil(lane["departure_limit"] * factor - 1e-9))
    for (name, _), entries in at_work.items():
        if fleets[name] is not None:
            model.row(entries, 0.0, fleets[name])
    for entries in balance.values():
        model.row(dict(entries), 0.0, 0.0)
