"""Why a lane runs on a day: who rides on it, what it costs, and what dropping it would cost.

Dropping is planned: the lane's vehicles are taken away on that day, everything else stays, and its parcels go the cheapest
paths through what is free then (:mod:`routing.trunk.search.insertion`). Own vehicles have to return wherever they come from, so
dropping their departure saves nothing: they would run empty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from routing.trunk.search.draft import Draft
from routing.trunk.search.insertion import Inserter, measure_free_room
from routing.trunk.task.flows import keep_used, load_network
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.task.paths import use_paths
from routing.trunk.vehicles.vehicle_model import tally

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Dropped:
    """What dropping a lane on a day does, by a re-plan of its parcels with the rest of the plan as it is.

    Attributes
    ----------
    parcels
        That ride on it.
    extra_cost
        Cost with the lane dropped less cost as planned [CNY]; what is short counts at its price.
    short
        Parcels that find no other path.
    hired
        Vehicles hired in its place.
    own
        Own vehicles that would run empty.
    over
        The lanes taken instead with the parcels on them, most first.
    """

    parcels: int
    extra_cost: float
    short: int
    hired: int
    own: int
    over: tuple[tuple[str, int], ...]


def drop_arc(network: TrunkNetwork, draft: Draft, *arcs: int) -> Dropped:
    """Plan without a lane on a day, all its departures of that day where there are several.

    Parameters
    ----------
    network, draft
        The task and its plan.
    arcs
        Numbers of the lane's departures of the day.
    """
    pool, parcels = draft.flows.pool, draft.flows.parcels
    owner = np.repeat(np.arange(len(pool)), np.diff(pool.pointers))
    riding = np.zeros(len(pool), dtype=np.bool_)
    riding[owner[np.isin(pool.legs, arcs)]] = True
    own = network.type_own[network.vehicle_type[draft.vehicles.vehicle]]
    dropped = np.isin(draft.vehicles.arc, arcs)
    here = dropped & ~own
    hired_cost = float((network.vehicle_cost[draft.vehicles.vehicle] * draft.vehicles.departures)[here].sum())
    paths_cost = float((use_paths(network, pool).cost * parcels)[riding].sum())
    others = keep_used(pool, np.where(riding, 0, parcels))
    loads = load_network(network, others)
    counts = np.where(here, 0, draft.vehicles.departures)
    vehicles = tally(network, draft.vehicles.arc, draft.vehicles.vehicle, counts, loads.arcs)
    free_room = measure_free_room(network, loads, vehicles)
    for arc in arcs:
        free_room.arcs[arc] = 0.0
        free_room.lane[int(network.arc_lane[arc]), int(network.arc_day[arc])] = 0.0
    inserter = Inserter(network)
    over: Counter[str] = Counter()
    short = 0
    numbers = np.flatnonzero(riding)
    for path in numbers[np.argsort(-parcels[numbers], kind="stable")].tolist():
        left = int(parcels[path])
        for amount, legs in inserter.insert(free_room, int(pool.demand[path]), left):
            left -= amount
            for leg in legs[legs < network.arcs].tolist():
                over[network.lane_ids[int(network.arc_lane[leg])]] += amount
        short += left
    saved = hired_cost + paths_cost
    return Dropped(
        parcels=int(parcels[riding].sum()),
        extra_cost=free_room.cost + short * network.short_cost - saved,
        short=short,
        hired=int(free_room.within.sum()),
        own=int(draft.vehicles.departures[dropped & own].sum()),
        over=tuple(sorted(over.items(), key=lambda item: (-item[1], item[0]))),
    )


def describe_dropped(dropped: Dropped, top: int = 3) -> str:
    """Say in a sentence why the lane runs."""
    paths = ", ".join(f"{lane} ({parcels:,})" for lane, parcels in dropped.over[:top])
    instead = f"its parcels would go over {paths}" if paths else "its parcels would find no other way"
    instead += f", {dropped.hired:,} vehicles hired" if dropped.hired else ""
    instead += f", {dropped.short:,} short" if dropped.short and paths else ""
    instead += f"; {dropped.own:,} own vehicles would run empty to be where they are needed" if dropped.own else ""
    if dropped.extra_cost < 0:
        return f"dropping it would save {-dropped.extra_cost:,.0f} CNY: {instead}; a longer search may find that"
    per = dropped.extra_cost / dropped.parcels if dropped.parcels else 0.0
    return f"dropping it costs {dropped.extra_cost:,.0f} CNY more, {per:,.2f} CNY a parcel: {instead}"


def list_lane_days(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """List the lane-days of a plan.

    Parameters
    ----------
    tables
        ``trunk_departures``, ``trunk_flows``, ``vehicle_types`` and ``lane_vehicles``.

    Returns
    -------
    polars.DataFrame
        date, lane_id, vehicles (in words), departures, parcels, fill [share], cost [CNY], cost_per_parcel, routes, by date
        and lane.
    """
    import polars as pl

    key = ["lane_id", "vehicle_type_id"]
    own = tables["lane_vehicles"].select(*key, own="capacity")
    kinds = tables["vehicle_types"].select("vehicle_type_id", "capacity")
    rows = (
        tables["trunk_departures"]
        .join(own, on=key, how="left")
        .join(kinds, on="vehicle_type_id", how="left")
        .with_columns(room=pl.col("departures") * pl.coalesce("own", "capacity"))
        .sort("date", *key)
    )
    # one type may leave at several hours of a day
    kinds_of_day = rows.group_by("date", *key).agg(pl.col("departures").sum()).sort("date", *key)
    fleets = kinds_of_day.group_by("date", "lane_id").agg(
        vehicles=pl.format("{} {}", "departures", "vehicle_type_id").str.join(", ")
    )
    days = rows.group_by("date", "lane_id").agg(
        departures=pl.col("departures").sum(),
        parcels=pl.col("parcels").sum(),
        fill=pl.col("parcels").sum() / pl.col("room").sum(),
        cost=pl.col("cost").sum(),
    )
    routes = list_riders(tables["trunk_flows"]).group_by("date", "lane_id").agg(routes=pl.len())
    per = pl.when(pl.col("parcels") > 0).then(pl.col("cost") / pl.col("parcels"))
    return (
        fleets.join(days, on=["date", "lane_id"])
        .join(routes, on=["date", "lane_id"], how="left")
        .with_columns(cost_per_parcel=per, routes=pl.col("routes").fill_null(0))
        .sort("date", "lane_id")
    )


def list_riders(flows: pl.DataFrame) -> pl.DataFrame:
    """List which routes ride on which lane on which day: date, lane_id, origin_hub_id, destination_hub_id, parcels."""
    import polars as pl

    key = ["date", "lane_id", "origin_hub_id", "destination_hub_id"]
    legs = flows.select("origin_hub_id", "destination_hub_id", "parcels", lane_id="path", date="departure_dates")
    some = legs.filter(pl.col("lane_id").list.len() > 0).explode("lane_id", "date")
    return some.group_by(key).agg(pl.col("parcels").sum()).sort(key)
