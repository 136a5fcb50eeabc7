"""What it costs and how long it takes to bring stock to a warehouse and a parcel from there to a region's buyers.

A parcel to a buyer costs the couriers' mean price where there is one and the cheapest path over the lanes otherwise. Stock
comes in over the lanes in full vehicles. Prices of hub relief (the trunk plan's) are added at the hub that picks up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from data.arrays import Floats
from data.constants import constant
from data.errors import RadarError

_HOURS_A_DAY = 24.0
_ALL = 1e-9  # shares that add up to one but for float noise

_NAMED = 5  # regions named in a sentence


@dataclass(frozen=True)
class CostRules:
    """How costs are simplified."""

    fill: float = constant(0.85, "1", "of a vehicle's capacity that an average departure uses", "judgement")
    most_zones: int = constant(50, "zones", "that regions are gathered into at most", "judgement")


COSTS = CostRules()


@dataclass(frozen=True, slots=True)
class PathCosts:
    """Costs and times over the hubs.

    Attributes
    ----------
    hub_ids
        Hubs, in the order of the arrays' axes.
    parcel
        Price of a parcel from hub to hub, shape (H, H) [CNY/parcel]; inf where none goes.
    hours
        Its hours, shape (H, H).
    bulk
        Cost of bringing a parcel's worth of stock from hub to hub, shape (H, H) [CNY/parcel].
    bulk_hours
        Its hours, shape (H, H).
    """

    hub_ids: list[str]
    parcel: Floats
    hours: Floats
    bulk: Floats
    bulk_hours: Floats

    def index(self, hub_ids: list[str]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Return the numbers of hubs on the axes; RadarError for one that does not exist."""
        numbers = {hub: i for i, hub in enumerate(self.hub_ids)}
        unknown = next((hub for hub in hub_ids if hub not in numbers), None)
        if unknown is not None:
            raise RadarError(
                f"unknown hub {unknown}", "a hub of the table hubs", "load it, or correct merchants and warehouses"
            )
        return np.array([numbers[hub] for hub in hub_ids], dtype=np.int64)


def cost_paths(
    hubs: pl.DataFrame,
    lanes: pl.DataFrame,
    vehicle_types: pl.DataFrame,
    lane_vehicles: pl.DataFrame,
    courier_rates: pl.DataFrame,
) -> PathCosts:
    """Cost the paths between hubs.

    Parameters
    ----------
    hubs, lanes, vehicle_types, lane_vehicles, courier_rates
        Tables of that name; the last two may be empty.

    Returns
    -------
    PathCosts
        Cheapest paths over road and rail (air carries parcels, no stock).
    """
    ids = hubs["hub_id"].sort().to_list()
    bulk, bulk_hours = _walk(ids, _cost_lanes(lanes.filter(pl.col("mode") != "air"), vehicle_types, lane_vehicles))
    handling = hubs.sort("hub_id")["handling_cost"].fill_null(0.0).to_numpy()
    network = bulk / COSTS.fill + handling[:, None] + np.where(np.eye(len(ids), dtype=bool), 0.0, handling[None, :])
    parcel, hours = _read_rates(ids, courier_rates)
    priced = np.isfinite(parcel) & np.isfinite(network)
    margin = float(np.median(parcel[priced] - network[priced])) if priced.any() else 0.0
    return PathCosts(
        hub_ids=ids,
        parcel=np.where(np.isfinite(parcel), parcel, np.maximum(network + margin, 0.0)),
        hours=np.where(np.isfinite(hours), hours, bulk_hours),
        bulk=bulk,
        bulk_hours=bulk_hours,
    )


def _cost_lanes(lanes: pl.DataFrame, vehicle_types: pl.DataFrame, lane_vehicles: pl.DataFrame) -> pl.DataFrame:
    """Cheapest cost of a parcel over each lane in a full vehicle of the types it takes."""
    types = vehicle_types.filter(pl.col("capacity") > 0).select(
        "vehicle_type_id", "mode", "capacity", "fixed_cost", "cost_per_km"
    )
    special = lane_vehicles.select("lane_id", "vehicle_type_id", "departure_cost", own_capacity="capacity")
    free = lanes.join(special.select("lane_id").unique(), on="lane_id", how="anti").join(types, on="mode")
    listed = lanes.join(special, on="lane_id").join(types.drop("mode"), on="vehicle_type_id")
    free = free.with_columns(departure_cost=pl.lit(None, pl.Float64), own_capacity=pl.lit(None, pl.Int64))
    both = pl.concat([free.select(listed.columns), listed]) if listed.height else free
    full = pl.coalesce("departure_cost", pl.col("fixed_cost") + pl.col("cost_per_km") * pl.col("distance_km"))
    capacity = pl.coalesce("own_capacity", "capacity")
    return (
        both.filter(capacity > 0)
        .with_columns(cost=full / capacity + pl.col("parcel_cost").fill_null(0.0))
        .group_by("origin_hub_id", "destination_hub_id")
        .agg(pl.col("cost").min(), pl.col("transit_hours").sort_by("cost", "transit_hours").first())
        .sort("origin_hub_id", "destination_hub_id")
    )


def _walk(ids: list[str], lanes: pl.DataFrame) -> tuple[Floats, Floats]:
    """Cost and hours of the cheapest path between all hubs, shape (H, H) each; inf without a path."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    numbers = {hub: i for i, hub in enumerate(ids)}
    known = lanes.filter(pl.col("origin_hub_id").is_in(ids) & pl.col("destination_hub_id").is_in(ids))
    start = np.array([numbers[h] for h in known["origin_hub_id"]], dtype=np.int64)
    end = np.array([numbers[h] for h in known["destination_hub_id"]], dtype=np.int64)
    tiny = 1e-9  # a free lane is a lane all the same
    graph = csr_array((known["cost"].to_numpy() + tiny, (start, end)), shape=(len(ids), len(ids)))
    cost, before = dijkstra(graph, return_predecessors=True)
    hour = np.full((len(ids), len(ids)), np.inf)
    hour[start, end] = known["transit_hours"].to_numpy()
    hours = np.full_like(cost, np.inf)
    for origin in range(len(ids)):
        hours[origin, origin] = 0.0
        for node in np.argsort(cost[origin], kind="stable"):
            previous = before[origin, node]
            if previous >= 0:
                hours[origin, node] = hours[origin, previous] + hour[previous, node]
    return cost, hours


def _read_rates(ids: list[str], rates: pl.DataFrame) -> tuple[Floats, Floats]:
    """Mean price and promised hours over the couriers, shape (H, H) each; inf where no courier goes."""
    price, hours = np.full((len(ids), len(ids)), np.inf), np.full((len(ids), len(ids)), np.inf)
    numbers = {hub: i for i, hub in enumerate(ids)}
    mean = rates.group_by("origin_hub_id", "destination_hub_id").agg(pl.col("price", "promised_hours").mean())
    for row in mean.sort("origin_hub_id", "destination_hub_id").iter_rows(named=True):
        start, end = numbers.get(row["origin_hub_id"]), numbers.get(row["destination_hub_id"])
        if start is not None and end is not None:
            price[start, end], hours[start, end] = row["price"], row["promised_hours"]
    return price, hours


def gather_zones(
    regions: pl.DataFrame, hubs: pl.DataFrame, demand: Mapping[str, float], most: int = COSTS.most_zones
) -> pl.DataFrame:
    """Gather the regions of the demand into at most `most` zones and name the hubs that deliver to each region.

    A region is served by the hubs that stand in it, in its parts or in the region around it, else by the nearest hub.
    Beyond `most` regions, the largest remain zones and each other region joins the nearest of them.

    Parameters
    ----------
    regions, hubs
        Tables of that name.
    demand
        Units by region_id.
    most
        Zones at most.

    Returns
    -------
    polars.DataFrame
        region_id, zone, hub_ids (list).

    Raises
    ------
    RadarError
        When a region has neither hubs nor coordinates.
    """
    ids = sorted(demand, key=lambda region: (-demand[region], region))
    parent = dict(regions.select("region_id", "parent_region_id").iter_rows())
    at = {row[0]: (row[1], row[2]) for row in regions.select("region_id", "latitude", "longitude").iter_rows()}
    where = [
        (row["hub_id"], row["region_id"], row["latitude"], row["longitude"])
        for row in hubs.sort("hub_id").iter_rows(named=True)
    ]
    rows = [(region, _serving_hubs(region, parent, at, where)) for region in ids]
    nowhere = [region for region, serving in rows if not serving]
    if nowhere:
        named = f"{', '.join(nowhere[:_NAMED])}{' …' if len(nowhere) > _NAMED else ''}"
        raise RadarError(
            f"no hub serves region {named}" if len(nowhere) == 1 else f"no hub serves {len(nowhere)} regions: {named}",
            "hubs with a region_id, or coordinates of regions and hubs",
            "fill region_id in hubs, or latitude and longitude in regions and hubs",
        )
    centres = ids[:most]
    zones = {region: region if i < most else _nearest_region(region, centres, at) for i, region in enumerate(ids)}
    return pl.DataFrame(
        {
            "region_id": [region for region, _ in rows],
            "zone": [zones[region] for region, _ in rows],
            "hub_ids": [serving for _, serving in rows],
        },
        schema={"region_id": pl.String, "zone": pl.String, "hub_ids": pl.List(pl.String)},
    ).sort("region_id")


def _line_of(region: str | None, parent: Mapping[str, str | None]) -> list[str]:
    """Return a region and the regions around it, from the inside out."""
    line: list[str] = []
    while region is not None and region not in line:
        line.append(region)
        region = parent.get(region)
    return line


def _serving_hubs(
    region: str,
    parent: Mapping[str, str | None],
    at: Mapping[str, tuple[float | None, float | None]],
    hubs: list[tuple[str, str | None, float | None, float | None]],
) -> list[str]:
    for place in _line_of(region, parent):
        inside = [hub for hub, home, _, _ in hubs if place in _line_of(home, parent)]
        if inside:
            return inside
    latitude, longitude = at.get(region, (None, None))
    placed = [(hub, y, x) for hub, _, y, x in hubs if y is not None and x is not None]
    if latitude is None or longitude is None or not placed:
        return []
    return [min(placed, key=lambda hub: (_apart(latitude, longitude, hub[1], hub[2]), hub[0]))[0]]


def _nearest_region(region: str, centres: list[str], at: Mapping[str, tuple[float | None, float | None]]) -> str:
    latitude, longitude = at.get(region, (None, None))
    placed = [(c, *at[c]) for c in centres if c in at and at[c][0] is not None and at[c][1] is not None]
    if latitude is None or longitude is None or not placed:
        return centres[-1]
    return min(placed, key=lambda c: (_apart(latitude, longitude, c[1] or 0.0, c[2] or 0.0), c[0]))[0]


def _apart(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    from data.geography import great_circle_km

    return float(great_circle_km(latitude, longitude, other_latitude, other_longitude))


def days_of(hours: Floats) -> Floats:
    """Whole days of the hours of a path, rounded up; inf stays inf."""
    return np.ceil(hours / _HOURS_A_DAY - 1e-9)


def follow_changes(network_changes: pl.DataFrame, day: date) -> dict[str, str | None]:
    """Say which hubs will have closed or moved by a day, and which hub then takes their volume.

    A hub that moves only a part of its volume goes on working, and is not listed. The successor with the largest share counts; a hub that opens again is not listed, one whose successor closes too is
    followed on.

    Parameters
    ----------
    network_changes
        Table of that name.
    day
        Day asked about.

    Returns
    -------
    dict of str to str or None
        Successor by hub_id, None without one.
    """
    holds = pl.col("date") <= day
    if "until" in network_changes.columns:
        holds &= pl.col("until").is_null() | (pl.col("until") >= day)
    if "scope" in network_changes.columns:
        holds &= (pl.col("scope").fill_null("hub") == "hub") & pl.col("direction").is_null()
    past = network_changes.filter(holds)
    latest = past.filter(pl.col("date") == pl.col("date").max().over("hub_id"))
    gone: dict[str, str | None] = {}
    for rows in latest.sort("hub_id").partition_by("hub_id", maintain_order=True):
        kinds = set(rows["change"].to_list())
        moves = rows.filter((pl.col("change") == "moves") & pl.col("successor_hub_id").is_not_null())
        moved = float(moves["share"].cast(pl.Float64).fill_null(1.0).sum())
        if "opens" in kinds or not ("closes" in kinds or moved >= 1.0 - _ALL):
            continue
        successors = rows.filter(pl.col("successor_hub_id").is_not_null()).sort(
            pl.col("share").cast(pl.Float64).fill_null(1.0), "successor_hub_id"
        )
        gone[str(rows["hub_id"][0])] = successors["successor_hub_id"][-1] if successors.height else None
    for hub in list(gone):
        seen, next_hub = {hub}, gone[hub]
        while next_hub in gone and next_hub not in seen:
            seen.add(next_hub)
            next_hub = gone[next_hub]
        gone[hub] = None if next_hub in seen else next_hub
    return gone
