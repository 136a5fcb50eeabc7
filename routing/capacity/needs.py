"""Vehicles to commit by week ahead of contracts, from forecast quantiles and the curve of vehicles by volume.

A day's need of a type is the curve at the day's volume, for as many volumes as the forecast's quantiles make equally likely. Of
the contract vehicles that a week may need, the newsvendor says how many to commit; what goes
beyond them is hired on the day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from data.arrays import Floats
from data.errors import RadarError
from data.progress import SILENT, Progress
from data.quantiles import QUANTILE_LEVELS
from routing.capacity.newsvendor import Prices, commit_vehicles, expect_costs
from routing.capacity.vehicle_curve import VehicleCurve, trace_curve
from routing.trunk.task.inputs import TrunkOptions

if TYPE_CHECKING:
    import polars as pl


_PUBLISHED = QUANTILE_LEVELS
_LEVELS = (0.50, 0.80, 0.90, 0.95)
_SAMPLES = 400
_CURVE_OF = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0)  # of the recommended number


@dataclass(frozen=True, slots=True)
class CapacityOptions:
    """What a planner sets.

    Attributes
    ----------
    service_level
        Quantile of the day's parcels for which there are to be vehicles, 0.05 to 0.95.
    idle_cost_share
        Share of a committed vehicle's cost that is paid when it does not run.
    spot_peak_factor
        Prices of hired vehicles in the weeks planned over those of ``vehicle_types``.
    late_cost
        Cost of a parcel that comes a day late for want of a vehicle [CNY].
    volumes
        Number of volumes that are planned.
    trunk
        Of the plans; its effort and its time limit are for all of them together.
    """

    service_level: float
    idle_cost_share: float
    spot_peak_factor: float
    late_cost: float
    trunk: TrunkOptions
    volumes: int = 5

    def __post_init__(self) -> None:
        """Refuse levels the forecast does not have."""
        if not _PUBLISHED[0] <= self.service_level <= _PUBLISHED[-1]:
            raise RadarError(
                f"service level {self.service_level:g}", "a quantile from 0.05 to 0.95", "set --service-level"
            )


@dataclass(frozen=True, slots=True)
class CapacityPlan:
    """Tables ``capacity_needs`` and ``capacity_costs`` (without run_id), and the curve they come from."""

    needs: pl.DataFrame
    costs: pl.DataFrame
    curve: VehicleCurve


def plan_capacity(
    tables: Mapping[str, pl.DataFrame], options: CapacityOptions, progress: Progress = SILENT
) -> CapacityPlan:
    """Say how many vehicles each week needs and how many to commit.

    Parameters
    ----------
    tables
        ``network_forecasts`` and ``route_forecasts`` of one run, ``hubs``, ``lanes``, ``vehicle_types``, ``lane_vehicles``,
        ``network_changes``.
    options
        Levels and prices.
    progress
        Told each volume planned.

    Raises
    ------
    RadarError
        Without a forecast, or with one of no parcels.
    """
    network = tables["network_forecasts"].sort("date")
    if network.is_empty() or tables["route_forecasts"].is_empty():
        raise RadarError("no forecast to plan for", "rows in route_forecasts", "run `radar forecast` first")
    others = list_substitutes(tables["vehicle_types"])
    low, high = float(network["q05"].to_numpy().min()), float(network["q95"].to_numpy().max())
    volumes = np.geomspace(max(low, 1.0), max(high, 2.0), options.volumes)
    trunk = options.trunk
    each = replace(trunk, time_limit=trunk.time_limit / options.volumes, effort=trunk.effort / options.volumes)
    pattern = _busiest_pattern(network, tables["route_forecasts"])
    if pattern.is_empty():
        raise RadarError(
            "a forecast of no parcels", "routes that carry some", "forecast with history, or choose other days"
        )
    curve = trace_curve(tables, pattern, volumes.tolist(), others, each, progress)
    return settle_needs(network, tables["vehicle_types"], curve, others, options)


def list_substitutes(types: pl.DataFrame) -> dict[str, str]:
    """Name the type that takes a type's place at short notice.

    The next ownership in the order own, contract, spot that the mode has, with the capacity nearest in proportion; for rail
    and air without one the hired, else the contracted, road vehicle of the largest capacity. Spot vehicles have none.
    """
    rows = types.filter(types["capacity"] > 0).sort("vehicle_type_id").to_dicts()
    found: dict[str, str] = {}
    for row in rows:
        rank = _RANK[row["ownership"]]
        if rank == _RANK["spot"]:
            continue
        later = [r for r in rows if r["mode"] == row["mode"] and _RANK[r["ownership"]] > rank]
        if later:
            nearest = min(_RANK[r["ownership"]] for r in later)
            near = [r for r in later if _RANK[r["ownership"]] == nearest]
            chosen = min(near, key=lambda r: abs(np.log(r["capacity"] / row["capacity"])))
        else:
            hired = [r for r in rows if r["mode"] == "road" and r["ownership"] != "own" and row["mode"] != "road"]
            if not hired:
                continue
            chosen = max(hired, key=lambda r: (_RANK[r["ownership"]], r["capacity"]))
        found[row["vehicle_type_id"]] = chosen["vehicle_type_id"]
    return found


_RANK = {"own": 0, "contract": 1, "spot": 2}


def _busiest_pattern(network: pl.DataFrame, routes: pl.DataFrame) -> pl.DataFrame:
    """Parcels by route on the day of the largest mean, all couriers together."""
    import polars as pl

    day = network.sort(["mean", "date"], descending=[True, False])["date"][0]
    rows = routes.filter((pl.col("date") == day) & (pl.col("mean") > 0))
    sums = rows.group_by("date", "origin_hub_id", "destination_hub_id").agg(parcels=pl.col("mean").sum())
    return sums.sort("origin_hub_id", "destination_hub_id")


def settle_needs(
    network: pl.DataFrame,
    types: pl.DataFrame,
    curve: VehicleCurve,
    others: Mapping[str, str],
    options: CapacityOptions,
) -> CapacityPlan:
    """Turn volumes and the curve into needs, recommended numbers and costs, week by week.

    Parameters
    ----------
    network
        ``network_forecasts`` of one run.
    types
        ``vehicle_types``.
    curve
        Vehicles by volume.
    others
        The type that takes a type's place.
    options
        Levels and prices.
    """
    import polars as pl

    from data.contracts import contract

    rows = {row["vehicle_type_id"]: row for row in types.iter_rows(named=True)}
    weeks = network.sort("date").with_columns(week=pl.col("date").dt.truncate("1w"))
    needs: list[dict[str, Any]] = []
    costs: list[dict[str, Any]] = []
    for (week,), days in weeks.partition_by("week", as_dict=True, maintain_order=True).items():
        levels = days.select([f"q{round(100 * level):02d}" for level in _PUBLISHED]).to_numpy().astype(np.float64)
        samples = curve.at(quantiles(levels, (np.arange(_SAMPLES) + 0.5) / _SAMPLES))  # (days, samples, types)
        busiest = int(levels[:, _PUBLISHED.index(0.5)].argmax())
        common = {"week": cast(date, week), "days": days.height, "busiest_day": days["date"][busiest]}
        # what is missing of the committed types is wanted of the hired ones
        wanted = {name: np.zeros(samples.shape[:2]) for name in curve.types}
        for name in sorted(curve.types, key=lambda name: (_RANK[rows[name]["ownership"]], name)):
            column = curve.types.index(name)
            need = samples[:, :, column] + wanted[name]
            if not (need > 0).any():
                continue
            prices = _price(curve, column, rows[name], rows.get(others.get(name, "")), options)
            needs_by_level = np.quantile(need, [*_LEVELS, options.service_level], axis=1)
            needed = int(np.ceil(needs_by_level[-1].max() - 1e-9))
            # own vehicles are there, and hired ones are found on the day: only contracts are a commitment
            number = commit_vehicles(need, prices) if rows[name]["ownership"] == "contract" else needed
            other = others.get(name)
            if other is not None and rows[other]["ownership"] == "spot":
                room = rows[name]["capacity"] / rows[other]["capacity"]
                wanted[other] = wanted[other] + room * np.maximum(need - number, 0.0)
            few, many = expect_costs(np.array([number], dtype=np.float64), need, prices)
            needs.append(
                common
                | {"vehicle_type_id": name, "mode": rows[name]["mode"], "ownership": rows[name]["ownership"]}
                | {
                    f"q{round(100 * level):02d}": int(np.ceil(needs_by_level[i, busiest] - 1e-9))
                    for i, level in enumerate(_LEVELS)
                }
                | {
                    "service_level": options.service_level,
                    "needed": needed,
                    "recommended": number,
                    "fleet_size": rows[name]["fleet_size"],
                    "unit_cost_too_few": prices.premium,
                    "unit_cost_too_many": prices.idle,
                    "critical_ratio": prices.critical_ratio,
                    "cost_too_few": float(few[0]),
                    "cost_too_many": float(many[0]),
                }
            )
            costs += _tell_curve(common["week"], name, number, needed, need, prices)
    return CapacityPlan(_arrange("capacity_needs", needs, contract), _arrange("capacity_costs", costs, contract), curve)


def quantiles(levels: Floats, at: Floats) -> Floats:
    """Interpolate published quantiles linearly; beyond the outermost they stay.

    Parameters
    ----------
    levels : (days, 7)
        q05 to q95.
    at : (n,)
        Levels wanted.
    """
    return np.stack([np.interp(at, _PUBLISHED, row) for row in levels])


def _price(
    curve: VehicleCurve, column: int, row: Mapping[str, Any], other: Mapping[str, Any] | None, options: CapacityOptions
) -> Prices:
    """Price one vehicle on one day; where no other type takes its place, its parcels come late."""
    cost, instead = float(curve.cost[column]), float(curve.other_cost[column])
    late = options.late_cost * float(row["capacity"])
    spot = row["ownership"] == "spot"
    idle = 0.0 if spot else options.idle_cost_share * cost
    if other is None or not np.isfinite(instead):
        return Prices(premium=late, idle=idle, late=late)
    dearer = options.spot_peak_factor if other["ownership"] == "spot" else 1.0
    premium = max(dearer * instead - cost, 0.0)
    supply = np.inf if other["fleet_size"] is None else other["fleet_size"] * other["capacity"] / row["capacity"]
    return Prices(premium=premium, idle=idle, late=max(late, premium), supply=float(supply))


def _tell_curve(week: date, name: str, number: int, needed: int, need: Floats, prices: Prices) -> list[dict[str, Any]]:
    """What other numbers would cost: shares and multiples of the recommended one, and the needed one."""
    numbers = sorted({round(share * number) for share in _CURVE_OF} | {number, needed})
    few, many = expect_costs(np.array(numbers, dtype=np.float64), need, prices)
    return [
        {
            "week": week,
            "vehicle_type_id": name,
            "vehicles": vehicles,
            "cost_too_few": float(a),
            "cost_too_many": float(b),
        }
        for vehicles, a, b in zip(numbers, few, many, strict=True)
    ]


def _arrange(name: str, rows: list[dict[str, Any]], contract: Any) -> pl.DataFrame:
    import polars as pl

    schema = {column: kind for column, kind in contract(name).polars_schema.items() if column != "run_id"}
    keys = ["week", "vehicle_type_id", *(["vehicles"] if name == "capacity_costs" else [])]
    return pl.DataFrame(rows, schema=schema).sort(keys)
