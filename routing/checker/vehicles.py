"""Vehicles against the parcels they carry: capacity, limits, fleets, own vehicles' return, and their cost."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from routing.checker.flows import lane_days
from routing.checker.hubs import close_hubs
from routing.checker.limits import LIMITS
from routing.checker.violations import Violation, collect

_RELATIVE, _CENT = 1e-6, 0.01


def price_departures(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Give every departure row of known lanes and types its lane, vehicle, lag, limits and recomputed cost.

    cost = departures x unit cost + parcels x parcel_cost, where the unit cost is the departure_cost of ``lane_vehicles``
    or, without one, fixed_cost + cost_per_km x distance_km.

    Returns
    -------
    polars.DataFrame
        Columns of ``trunk_departures`` and of ``lane_days`` plus ownership, fleet_size, holds [parcels], type_limit,
        listed, lane_listed, vehicle_mode, vehicles_cost, parcels_cost and where.
    """
    departures = frames["trunk_departures"]
    special = frames["lane_vehicles"].select(
        "lane_id", "vehicle_type_id", "departure_cost", own_capacity="capacity", type_limit="departure_limit"
    )
    types = frames["vehicle_types"].select(
        "vehicle_type_id", "ownership", "capacity", "fixed_cost", "cost_per_km", "fleet_size", vehicle_mode="mode"
    )
    unit = pl.coalesce("departure_cost", pl.col("fixed_cost") + pl.col("cost_per_km") * pl.col("distance_km"))
    return (
        departures.join(lane_days(frames, departures), on=["date", "lane_id"])
        .join(types, on="vehicle_type_id")
        .join(special.with_columns(listed=True), on=["lane_id", "vehicle_type_id"], how="left")
        .with_columns(
            lane_listed=pl.col("lane_id").is_in(special["lane_id"].unique().implode()),
            listed=pl.col("listed").fill_null(False),
            holds=pl.coalesce("own_capacity", "capacity") * pl.col("departures"),
            type_limit=(pl.col("type_limit") * pl.col("factor") - LIMITS.noise).ceil(),
            vehicles_cost=unit * pl.col("departures"),
            parcels_cost=pl.col("parcel_cost") * pl.col("parcels"),
            where=pl.format("{} {}", "lane_id", "vehicle_type_id"),
        )
        .sort("date", "lane_id", "vehicle_type_id")
    )


def check_vehicles(priced: pl.DataFrame) -> list[Violation]:
    """Check single departure rows: allowed type, mode, load, limit of the type, closed lane, cost."""
    stranger = priced.filter(pl.col("lane_listed") & ~pl.col("listed"))
    found = collect(
        "vehicle.not_allowed",
        stranger.select("where", "date", found="vehicle_type_id", allowed=pl.lit("the types in lane_vehicles")),
        "Lane and type {where} on {date}: the lane takes only {allowed}.",
    )
    wrong_mode = priced.filter(~pl.col("lane_listed") & (pl.col("mode") != pl.col("vehicle_mode")))
    found += collect(
        "vehicle.mode",
        wrong_mode.select("where", "date", found="vehicle_mode", allowed="mode"),
        "Lane and type {where} on {date}: a {found} vehicle on a {allowed} lane.",
    )
    full = priced.filter(pl.col("parcels") > pl.col("holds") + LIMITS.noise)
    found += collect(
        "vehicle.capacity",
        full.select("where", "date", found="parcels", allowed="holds"),
        "Lane and type {where} on {date}: {found} parcels aboard, the vehicles hold {allowed}.",
    )
    often = priced.filter(pl.col("departures") > pl.col("type_limit"))
    found += collect(
        "vehicle.departure_limit",
        often.select("where", "date", found="departures", allowed="type_limit"),
        "Lane and type {where} on {date}: {found} departures, the lane allows {allowed} of the type.",
    )
    closed = priced.filter(pl.col("closed") & (pl.col("departures") > 0))
    found += collect(
        "lane.closed",
        closed.select("where", "date", found="departures", allowed=pl.lit(0.0)),
        "Lane and type {where} on {date}: {found} departures over a closed lane.",
    )
    due = pl.col("vehicles_cost") + pl.col("parcels_cost")
    dear = priced.filter((pl.col("cost") - due).abs() > _CENT + _RELATIVE * due.abs())
    return found + collect(
        "cost.row",
        dear.select("where", "date", found="cost", allowed=due),
        "Lane and type {where} on {date}: the row costs {found}, its vehicles and parcels {allowed} CNY.",
    )


def check_lanes(priced: pl.DataFrame, legs: pl.DataFrame) -> list[Violation]:
    """Check each lane and departure: vehicles hold the flow, the rows' parcels are the flow, the day's limit holds, it is open."""
    keys = ["date", "lane_id", "leaves_at"]
    run = priced.group_by(keys).agg(pl.col("parcels", "holds").sum())
    flow = legs.group_by("lane_id", "leaves_at", date="departure").agg(
        flow=pl.col("parcels").sum(), closed=pl.col("closed").any()
    )
    lanes = run.join(flow, on=keys, how="full", coalesce=True, nulls_equal=True).with_columns(
        pl.col("parcels", "holds", "flow").fill_null(0.0),
        where=pl.concat_str(
            "lane_id", pl.col("leaves_at").dt.to_string("%Y-%m-%dT%H:%MZ"), separator=" ", ignore_nulls=True
        ),
    )
    days = priced.group_by("date", "lane_id").agg(pl.col("departures").sum(), limit=pl.col("lane_limit").first())
    days = days.with_columns(where="lane_id")
    found = collect(
        "lane.capacity",
        lanes.filter(pl.col("flow") > pl.col("holds") + LIMITS.noise).select(
            "where", "date", found="flow", allowed="holds"
        ),
        "Lane {where} on {date}: {found} parcels flow over it, its vehicles hold {allowed}.",
    )
    found += collect(
        "lane.parcels",
        lanes.filter(pl.col("flow") != pl.col("parcels")).select("where", "date", found="parcels", allowed="flow"),
        "Lane {where} on {date}: {found} parcels aboard its vehicles, {allowed} in the flows.",
    )
    found += collect(
        "lane.departure_limit",
        days.filter(pl.col("departures") > pl.col("limit")).select(
            "where", "date", found="departures", allowed="limit"
        ),
        "Lane {where} on {date}: {found} departures, {allowed} allowed.",
    )
    return found + collect(
        "lane.closed",
        lanes.filter(pl.col("closed").fill_null(False)).select("where", "date", found="flow", allowed=pl.lit(0.0)),
        "Lane {where} on {date}: {found} parcels flow over a closed lane.",
    )


def count_at_work(priced: pl.DataFrame) -> pl.DataFrame:
    """Count the vehicles of each type at work on each day over the whole network.

    A departure on day t over a lane whose vehicles are away for L days keeps its vehicle from t to t + L - 1: it can leave
    again from where it is on the day it is back.

    Returns
    -------
    polars.DataFrame
        date, vehicle_type_id, fleet_size, at_work [vehicles].
    """
    return (
        priced.group_by("date", "vehicle_type_id", "away")
        .agg(pl.col("departures").sum(), pl.col("fleet_size").first())
        .with_columns(date=pl.date_ranges("date", pl.col("date") + pl.duration(days=pl.col("away")), closed="left"))
        .explode("date")
        .group_by("date", "vehicle_type_id")
        .agg(at_work=pl.col("departures").sum(), fleet_size=pl.col("fleet_size").first())
        .sort("date", "vehicle_type_id")
    )


def check_fleets(frames: Mapping[str, pl.DataFrame], priced: pl.DataFrame, at_work: pl.DataFrame) -> list[Violation]:
    """Check that no type has more vehicles at work than it has, and that own vehicles end where they began or are to stand."""
    over = at_work.filter(pl.col("at_work") > pl.col("fleet_size"))
    found = collect(
        "fleet.size",
        over.select("date", where="vehicle_type_id", found="at_work", allowed="fleet_size"),
        "Vehicle type {where} on {date}: {found} vehicles at work, there are {allowed}.",
    )
    own = priced.filter(pl.col("ownership") == "own")
    gone = own.group_by("vehicle_type_id", hub_id="start").agg(gone=pl.col("departures").sum())
    come = own.group_by("vehicle_type_id", hub_id="end").agg(come=pl.col("departures").sum())
    uneven = (
        gone.join(come, on=["vehicle_type_id", "hub_id"], how="full", coalesce=True)
        .join(_list_moved(frames), on=["vehicle_type_id", "hub_id"], how="full", coalesce=True)
        .with_columns(pl.col("gone", "come", "moved").fill_null(0.0))
        .with_columns(come=pl.col("come") + pl.col("moved"))
        .filter(pl.col("gone") != pl.col("come"))
        .select(
            where=pl.format("{} at {}", "vehicle_type_id", "hub_id"),
            date=pl.lit(None, pl.Date),
            found="gone",
            allowed="come",
        )
    )
    return found + collect(
        "fleet.balance", uneven, "Own vehicles {where}: {found} leave over the plan, {allowed} come."
    )


def _list_moved(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Vehicles by type and hub that are to be gone at the end, by ``vehicle_stands``; below 0, to have come."""
    ends = pl.col("vehicles_at_end").fill_null(pl.col("vehicles_at_start"))
    return frames["vehicle_stands"].select("vehicle_type_id", "hub_id", moved=pl.col("vehicles_at_start") - ends)


def check_calls(frames: Mapping[str, pl.DataFrame], priced: pl.DataFrame) -> list[Violation]:
    """Check that no vehicle, empty or not, leaves from a hub or reaches one on a day it is closed."""
    calls = pl.concat(
        [
            priced.select("date", "departures", hub_id="start"),
            priced.select(
                pl.col("date").dt.offset_by(pl.format("{}d", "lag")).alias("date"), "departures", hub_id="end"
            ),
        ]
    )
    closed = close_hubs(frames, calls.select("date", "hub_id").unique()).filter(pl.col("closed"))
    found = (
        calls.filter(pl.col("departures") > 0)
        .join(closed.select("date", "hub_id"), on=["date", "hub_id"])
        .group_by("date", where="hub_id")
        .agg(found=pl.col("departures").sum())
        .with_columns(allowed=pl.lit(0.0))
        .sort("date", "where")
    )
    return collect("hub.closed", found, "Hub {where} is closed on {date}: {found} vehicles leave from it or reach it.")
