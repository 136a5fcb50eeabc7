"""Parcels through the network, recomputed from the flows alone: paths, days, and what every hub sorts and holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from data.keys import DAY_ROUTE
from routing.checker.limits import LIMITS
from routing.checker.violations import Violation, collect

ROUTE = DAY_ROUTE
_HOURS_A_DAY = 24.0


@dataclass(frozen=True, slots=True)
class Movements:
    """Flows taken apart.

    Attributes
    ----------
    legs
        One row a lane of a flow: flow, position, lane_id, start, end (hubs), departure, arrival (dates), leaves_at (null in
        plans by days), parcels.
    visits
        One row a hub of a flow: flow, hub_id, arrived, sorted (dates), parcels.
    """

    legs: pl.DataFrame
    visits: pl.DataFrame


def lane_days(frames: Mapping[str, pl.DataFrame], days: pl.DataFrame) -> pl.DataFrame:
    """Say how each lane runs on the given days.

    A departure on day t is sorted on day t + ceil((transit_hours / speed_factor + later) / 24), later being the hours of
    unloading and before the cut-off where a plan by days has some; lanes of 0 hours have none. A lane whose speed_factor or
    capacity_factor is 0 is closed; otherwise capacity_factor scales the limits on departures, rounded up, and keeps vehicles away
    for transit_hours / speed_factor / capacity_factor. Hours in which the lane is shut come on top of both.

    Parameters
    ----------
    frames
        Tables of the checker: ``lanes`` (with ``later_hours`` from :func:`add_later_hours`, else 0), ``lane_weather``, and
        ``lane_shut`` of a plan by days.
    days
        Columns ``date``, ``lane_id``: the departures asked about. Unknown lanes drop out.

    Returns
    -------
    polars.DataFrame
        date, lane_id, start, end, mode, distance_km, parcel_cost, lag (of parcels) and away (of vehicles, at least 1) [days], closed,
        factor, lane_limit [departures].
    """
    lanes = frames["lanes"].select(
        "lane_id",
        "mode",
        "distance_km",
        "transit_hours",
        "departure_limit",
        pl.col("later_hours") if "later_hours" in frames["lanes"].columns else pl.lit(0.0).alias("later_hours"),
        pl.col("parcel_cost").fill_null(0.0),
        start="origin_hub_id",
        end="destination_hub_id",
    )
    weather = frames["lane_weather"].select("date", "lane_id", "speed_factor", "capacity_factor")
    factor, speed = pl.col("capacity_factor").fill_null(1.0), pl.col("speed_factor").fill_null(1.0)
    travel = pl.col("transit_hours") / pl.when(speed > 0).then(speed).otherwise(1.0)
    driven = travel + pl.col("stopped").fill_null(0.0)
    thinned = travel / pl.when(factor > 0).then(factor.clip(upper_bound=1.0)).otherwise(1.0) - travel
    hours = driven + pl.when(driven > 0).then(pl.col("later_hours")).otherwise(0.0)
    none = pl.DataFrame(schema={"date": pl.Date, "lane_id": pl.String, "lost": pl.Boolean, "stopped": pl.Float64})
    return (
        days.select("date", "lane_id")
        .unique()
        .join(lanes, on="lane_id")
        .join(weather, on=["date", "lane_id"], how="left")
        .join(frames.get("lane_shut", none), on=["date", "lane_id"], how="left")
        .with_columns(closed=(speed <= 0) | (factor <= 0) | pl.col("lost").fill_null(False), factor=factor)
        .with_columns(
            lag=(hours / _HOURS_A_DAY - LIMITS.noise).ceil().clip(lower_bound=0).cast(pl.Int64),
            away=((hours + thinned) / _HOURS_A_DAY - LIMITS.noise).ceil().clip(lower_bound=1).cast(pl.Int64),
            lane_limit=(pl.col("departure_limit") * pl.col("factor") - LIMITS.noise).ceil(),
        )
        .drop("speed_factor", "capacity_factor", "departure_limit", "transit_hours", "later_hours", "lost", "stopped")
        .sort("date", "lane_id")
    )


def add_later_hours(frames: Mapping[str, pl.DataFrame], hours: float) -> dict[str, pl.DataFrame]:
    """Write beside each lane the hours of unloading and before the cut-off that its arrivals need in a plan by days."""
    return {**frames, "lanes": frames["lanes"].with_columns(later_hours=pl.lit(hours))}


def follow_flows(frames: Mapping[str, pl.DataFrame], *, by_days: bool = True) -> tuple[Movements, list[Violation]]:
    """Follow every flow over its lanes and check its path and, `by_days`, its days.

    Returns
    -------
    movements : Movements
        Legs over known lanes and the hub visits between them.
    violations : list of Violation
        Broken paths, departures before arrival or demand, completions before arrival.
    """
    flows = frames["trunk_flows"].with_columns(
        lanes=pl.col("path").list.len(), days=pl.col("departure_dates").list.len()
    )
    name = pl.format("{}-{} (trunk_flows row {})", "origin_hub_id", "destination_hub_id", "row")
    flows = flows.with_columns(where=name)
    uneven = flows.filter(pl.col("lanes") != pl.col("days"))
    found = collect(
        "path.lengths",
        uneven.select("where", "date", found=pl.col("days").cast(pl.Float64), allowed=pl.col("lanes").cast(pl.Float64)),
        "Flow {where} has {found} departure dates for {allowed} lanes.",
    )
    hours = flows.filter((pl.col("departs_at").list.len() > 0) & (pl.col("departs_at").list.len() != pl.col("lanes")))
    found += collect(
        "path.lengths",
        hours.select("where", "date", found=pl.col("departs_at").list.len().cast(pl.Float64), allowed="lanes"),
        "Flow {where} has {found} hours of departure for {allowed} lanes.",
    )
    even = flows.filter(pl.col("lanes") == pl.col("days")).with_columns(
        departs_at=pl.when(pl.col("departs_at").list.len() == pl.col("lanes"))
        .then("departs_at")
        .otherwise(pl.lit(None, pl.Datetime("us", "UTC")).repeat_by("lanes"))
    )
    legs = _take_legs(frames, even)
    local = even.filter(pl.col("lanes") == 0)
    found += _check_ends(legs, local)
    if by_days:
        found += _check_times(legs, local)
    return Movements(legs=legs, visits=_take_visits(legs, local)), found


def _take_legs(frames: Mapping[str, pl.DataFrame], flows: pl.DataFrame) -> pl.DataFrame:
    legs = (
        flows.filter(pl.col("lanes") > 0)
        .with_columns(position=pl.int_ranges(0, pl.col("lanes")))
        .explode("path", "departure_dates", "departs_at", "position")
        .rename({"path": "lane_id", "departure_dates": "departure", "departs_at": "leaves_at", "row": "flow"})
    )
    runs = lane_days(frames, legs.select("lane_id", date="departure"))
    return (
        legs.join(
            runs.select("lane_id", "start", "end", "lag", "closed", departure="date"), on=["lane_id", "departure"]
        )
        .with_columns(arrival=pl.col("departure") + pl.duration(days=pl.col("lag")))
        .sort("flow", "position")
        .with_columns(
            last=pl.col("position") == pl.col("lanes") - 1,
            before_end=pl.col("end").shift(1).over("flow"),
            before_arrival=pl.col("arrival").shift(1).over("flow"),
        )
    )


def _check_ends(legs: pl.DataFrame, local: pl.DataFrame) -> list[Violation]:
    first = legs.filter((pl.col("position") == 0) & (pl.col("start") != pl.col("origin_hub_id")))
    last = legs.filter(pl.col("last") & (pl.col("end") != pl.col("destination_hub_id")))
    still = local.filter(pl.col("origin_hub_id") != pl.col("destination_hub_id"))
    chain = legs.filter((pl.col("position") > 0) & (pl.col("start") != pl.col("before_end")))
    found = collect(
        "path.ends",
        first.select("where", "date", found="start", allowed="origin_hub_id"),
        "Flow {where} starts at {found}, its parcels at {allowed}.",
    )
    found += collect(
        "path.ends",
        last.select("where", "date", found="end", allowed="destination_hub_id"),
        "Flow {where} ends at {found}, its parcels go to {allowed}.",
    )
    found += collect(
        "path.ends",
        still.select("where", "date", found=pl.lit("no lane"), allowed="destination_hub_id"),
        "Flow {where} has {found} that leads to {allowed}.",
    )
    return found + collect(
        "path.chain",
        chain.select("where", "date", found="start", allowed="before_end"),
        "Flow {where} goes on from {found} though it has come to {allowed}.",
    )


def _check_times(legs: pl.DataFrame, local: pl.DataFrame) -> list[Violation]:
    early = legs.filter((pl.col("position") == 0) & (pl.col("departure") < pl.col("date")))
    found = collect(
        "time.demand",
        early.select("where", "date", found="departure", allowed="date"),
        "Flow {where} leaves on {found}, its parcels are handed in on {allowed}.",
    )
    hasty = legs.filter((pl.col("position") > 0) & (pl.col("departure") < pl.col("before_arrival")))
    found += collect(
        "time.transit",
        hasty.select("where", "date", found="departure", allowed="before_arrival"),
        "Flow {where} leaves a hub on {found} and reaches it on {allowed}.",
    )
    done = pl.concat(
        [
            legs.filter("last").select("where", "date", found="completed_on", allowed="arrival"),
            local.select("where", "date", found="completed_on", allowed="date"),
        ]
    ).filter(pl.col("found") < pl.col("allowed"))
    return found + collect(
        "time.completed", done, "Flow {where} is sorted at its destination on {found} and reaches it on {allowed}."
    )


def _take_visits(legs: pl.DataFrame, local: pl.DataFrame) -> pl.DataFrame:
    """List the hub visits: each with the day the parcels come and the day they are sorted."""
    starts = legs.select(
        "flow",
        "parcels",
        hub_id="start",
        arrived=pl.when(pl.col("position") == 0).then("date").otherwise("before_arrival"),
        sorted="departure",
    )
    ends = legs.filter("last").select("flow", "parcels", hub_id="end", arrived="arrival", sorted="completed_on")
    inside = local.select("parcels", flow="row", hub_id="origin_hub_id", arrived="date", sorted="completed_on")
    columns = ["flow", "hub_id", "arrived", "sorted", "parcels"]
    # a lane of the path may be unknown: its gap leaves no arrival, and the visit counts from the day it is sorted
    return pl.concat([frame.select(columns) for frame in (starts, ends, inside)]).with_columns(
        arrived=pl.col("arrived").fill_null(pl.col("sorted"))
    )


def load_hubs(visits: pl.DataFrame) -> pl.DataFrame:
    """Add up what each hub sorts and holds over night.

    handled[h, t] = parcels sorted at h on t; held[h, t] = parcels that reached h by t and are sorted after t.

    Returns
    -------
    polars.DataFrame
        date, hub_id, handled, held [parcels]; hub-days without either are absent.
    """
    handled = visits.group_by("hub_id", date="sorted").agg(handled=pl.col("parcels").sum())
    held = (
        visits.filter(pl.col("sorted") > pl.col("arrived"))
        .group_by("hub_id", "arrived", "sorted")
        .agg(pl.col("parcels").sum())
        .with_columns(date=pl.date_ranges("arrived", "sorted", closed="left"))
        .explode("date")
        .group_by("hub_id", "date")
        .agg(held=pl.col("parcels").sum())
    )
    return (
        handled.join(held, on=["hub_id", "date"], how="full", coalesce=True)
        .select("date", "hub_id", pl.col("handled").fill_null(0.0), pl.col("held").fill_null(0.0))
        .sort("date", "hub_id")
    )


def balance_demand(frames: Mapping[str, pl.DataFrame]) -> list[Violation]:
    """Check that every demand is planned or short: demanded = planned + short, per day, origin and destination."""
    demanded = frames["route_demand"].group_by(*ROUTE).agg(demanded=pl.col("parcels").sum())
    planned = frames["trunk_flows"].group_by(*ROUTE).agg(planned=pl.col("parcels").sum())
    short = frames["shortfalls"].group_by(*ROUTE).agg(short=pl.col("parcels").sum())
    rows = (
        demanded.join(planned, on=ROUTE, how="full", coalesce=True)
        .join(short, on=ROUTE, how="full", coalesce=True)
        .with_columns(pl.col("demanded", "planned", "short").fill_null(0.0))
        .filter(pl.col("demanded") != pl.col("planned") + pl.col("short"))
        .select(
            "date",
            where=pl.format("{}-{}", "origin_hub_id", "destination_hub_id"),
            found=pl.col("planned") + pl.col("short"),
            allowed="demanded",
        )
    )
    return collect(
        "demand.balance", rows, "Route {where} on {date}: {found} parcels planned or short, {allowed} demanded."
    )
