"""Small location problems and a small stock network, solvable by hand or by trying everything."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import numpy as np
import polars as pl
from scipy.optimize import linprog

from routing.stock.model import LocationProblem

AS_OF = date(2025, 10, 20)


def make_problem(
    demand: list[float],
    cost: list[list[float]],
    *,
    storage: list[float],
    opening: list[float] | None = None,
    dispatch: list[float] | None = None,
    load: float = 1.0,
    short_cost: float = 100.0,
    family: list[int] | None = None,
    inbound: list[list[float]] | None = None,
    there: list[list[float]] | None = None,
) -> LocationProblem:
    """Pose a location problem from lists; what is left out is free or unbounded."""
    places, groups = len(storage), len(demand)
    families = max(family, default=0) + 1 if family else 1
    return LocationProblem(
        demand=np.array(demand, dtype=float),
        cost=np.array(cost, dtype=float).reshape(groups, places),
        load=np.full(groups, load),
        short_cost=np.full(groups, short_cost),
        family=np.array(family or [0] * groups, dtype=np.int64),
        inbound=np.array(inbound or np.zeros((families, places)), dtype=float),
        there=np.array(there or np.zeros((families, places)), dtype=float),
        storage=np.array(storage, dtype=float),
        dispatch=np.array(dispatch or [np.inf] * places, dtype=float),
        opening=np.array(opening or [0.0] * places, dtype=float),
    )


def random_problem(
    seed: int, groups: int, places: int, *, families: int = 1, opening: bool = True, tight: float = 1.5
) -> LocationProblem:
    """Make a problem as those of the OR-Library: points in a square, whole demand, capacities and fixed costs."""
    random = np.random.default_rng(seed)
    buyers, sites = random.uniform(0, 100, (groups, 2)), random.uniform(0, 100, (places, 2))
    demand = random.integers(5, 200, groups).astype(float)
    storage = np.round(random.uniform(0.5, 1.5, places) * demand.sum() * tight / places)
    return LocationProblem(
        demand=demand,
        cost=np.linalg.norm(buyers[:, None] - sites[None], axis=2) / 10,
        load=np.full(groups, 0.1),
        short_cost=np.full(groups, 50.0),
        family=(np.arange(groups) % families).astype(np.int64),
        inbound=random.uniform(0, 1, (families, places)),
        there=np.round(random.uniform(0, 20, (families, places))),
        storage=storage,
        dispatch=storage * 0.09,
        opening=np.round(random.uniform(200, 2000, places)) if opening else np.zeros(places),
    )


def try_everything(problem: LocationProblem) -> float:
    """Least cost over every set of open warehouses, the rest by a linear program of its own."""
    return min(
        _cost_of(problem, np.array(chosen, dtype=bool))
        for chosen in product([False, True], repeat=len(problem.storage))
    )


def _cost_of(problem: LocationProblem, opened: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    groups, places = problem.cost.shape
    families = len(problem.there)
    units, brought = groups * places, families * places
    columns = units + brought + groups
    reachable = np.isfinite(problem.cost) & opened
    bounds = [(0, problem.demand[k] if reachable[k, w] else 0) for k in range(groups) for w in range(places)]
    bounds += [(0, None)] * brought + [(0, d) for d in problem.demand]
    equal = np.zeros((groups, columns))
    for k in range(groups):
        equal[k, k * places : (k + 1) * places] = 1
        equal[k, units + brought + k] = 1
    rows, limits = [], []
    for f in range(families):
        for w in range(places):
            row = np.zeros(columns)
            row[[k * places + w for k in range(groups) if problem.family[k] == f]] = 1
            row[units + f * places + w] = -1
            rows.append(row)
            limits.append(problem.there[f, w])
    for w in range(places):
        room, power = np.zeros(columns), np.zeros(columns)
        room[[units + f * places + w for f in range(families)]] = 1
        power[[k * places + w for k in range(groups)]] = problem.load
        rows += [room, power]
        limits += [problem.room[w], min(problem.dispatch[w], 1e12)]
    objective = np.concatenate(
        [np.where(np.isfinite(problem.cost), problem.cost, 0).ravel(), problem.inbound.ravel(), problem.short_cost]
    )
    found = linprog(objective, np.array(rows), np.array(limits), equal, problem.demand, bounds)
    return float(found.fun + problem.opening[opened].sum())


def make_cube(rows: list[tuple[date, str, str, str, str, float, float]], *, error: float = 0.0) -> pl.DataFrame:
    """Make a demand cube of day, merchant, category, region, hub, baseline and event."""
    names = ["date", "merchant_id", "category", "region_id", "hub_id", "baseline", "event"]
    frame = pl.DataFrame(
        rows,
        schema=names,
        orient="row",
        schema_overrides={"date": pl.Date, "baseline": pl.Float64, "event": pl.Float64},
    )
    ones = {name: pl.lit(1.0) for name in ("promotion", "price", "plan", "weather", "override")}
    return frame.with_columns(
        **ones,
        mean=pl.col("baseline") * pl.col("event"),
        error=pl.lit(error),
        units_per_parcel=pl.lit(1.0),
        as_of=pl.lit(AS_OF),
    )


def stock_tables() -> dict[str, pl.DataFrame]:
    """Two hubs, two regions, two warehouses and a merchant at hub N that sold 10 a day to each region, 30 in the event.

    The last event was 52 weeks before the next. The cube expects 60 a region on each of the event's two days, 120 in all: 20 an ordinary
    day and three times that in the event, with an error of .25 for growth and .1 for editions.
    """
    event, past = date(2025, 11, 1), date(2025, 11, 1) - timedelta(weeks=52)
    first = past - timedelta(days=60)
    days = [first + timedelta(days=n) for n in range((AS_OF - first).days + 1)]
    sales = [
        (day, "M1", "toys", region, 30 if past <= day <= past + timedelta(days=1) else 10, None)
        for day in days
        for region in ("north", "south")
    ]
    columns = ["date", "merchant_id", "category", "destination_region_id", "units", "parcels"]
    return {
        "sales": pl.DataFrame(sales, schema=columns, orient="row", schema_overrides={"parcels": pl.Int64}),
        "merchants": pl.DataFrame({"merchant_id": ["M1"], "name": ["One"], "hub_id": ["N"], "growth": [2.0]}),
        "warehouses": pl.DataFrame(
            {
                "warehouse_id": ["WN", "WS"],
                "name": ["North", "South"],
                "hub_id": ["N", "S"],
                "storage_capacity": [1000, 1000],
                "dispatch_capacity": [1000, 1000],
            }
        ),
        "hubs": pl.DataFrame({"hub_id": ["N", "S"], "name": ["N", "S"], "region_id": ["north", "south"]}),
        "regions": pl.DataFrame({"region_id": ["north", "south"], "name": ["North", "South"]}),
        "lanes": pl.DataFrame(
            {
                "lane_id": ["N-S", "S-N"],
                "origin_hub_id": ["N", "S"],
                "destination_hub_id": ["S", "N"],
                "mode": ["road", "road"],
                "distance_km": [1000.0, 1000.0],
                "transit_hours": [30.0, 30.0],
            }
        ),
        "vehicle_types": pl.DataFrame(
            {
                "vehicle_type_id": ["truck"],
                "name": ["truck"],
                "mode": ["road"],
                "ownership": ["spot"],
                "capacity": [1000],
                "fixed_cost": [0.0],
                "cost_per_km": [1.0],
            }
        ),
        "courier_rates": pl.DataFrame(
            {
                "courier_id": ["C"] * 4,
                "origin_hub_id": ["N", "N", "S", "S"],
                "destination_hub_id": ["N", "S", "N", "S"],
                "price": [2.0, 6.0, 6.0, 2.0],
                "promised_hours": [24.0, 72.0, 72.0, 24.0],
            }
        ),
        "merchant_forecasts": make_cube(
            [
                (event + timedelta(days=day), "M1", "toys", region, "N", 20.0, 3.0)
                for day in range(2)
                for region in ("north", "south")
            ],
            error=float(np.hypot(0.25, 0.1)),
        ),
        "events": pl.DataFrame(
            {
                "event_id": ["sale-2024", "sale-2025"],
                "name": ["Sale", "Sale"],
                "kind": ["shopping", "shopping"],
                "date_from": [past, event],
                "date_to": [past + timedelta(days=1), event + timedelta(days=1)],
                "edition": [2024, 2025],
            }
        ),
    }
