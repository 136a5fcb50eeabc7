"""Vehicle types with capacities, costs and fleets, and the sort capacities of hubs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from data.arrays import Floats
from data.constants import constant
from data.sample.network import Network
from data.sample.scale import AS_OF, Scale, stream

# Parcels a departure holds, fixed cost [CNY], cost [CNY/km], vehicles per million parcels of a normal day. Capacities: the
# body's volume at 0.007-0.010 m³ a bagged parcel; a whole parcel train 40 t, a reserved coach 2 t. Costs are assumptions
# that land a trunk haul at the 0.39 CNY a parcel of published accounts.
_TYPES = (
    ("own-17.5", "17.5 m semi, own", "road", "own", 15000, 450.0, 6.4, 110),
    ("own-9.6", "9.6 m box, own", "road", "own", 6000, 260.0, 4.2, 70),
    ("contract-17.5", "17.5 m semi, contract", "road", "contract", 15000, 500.0, 7.1, 90),
    ("contract-9.6", "9.6 m box, contract", "road", "contract", 6000, 300.0, 4.7, 60),
    ("spot-17.5", "17.5 m semi, spot", "road", "spot", 15000, 700.0, 8.8, 420),
    ("spot-9.6", "9.6 m box, spot", "road", "spot", 6000, 420.0, 5.9, 240),
    ("rail-train", "parcel train of 8 cars", "rail", "contract", 40000, 5000.0, 13.0, 8),
    ("rail-coach", "reserved coach", "rail", "contract", 2200, 350.0, 0.95, 30),
    ("air-freighter", "night freighter", "air", "contract", 14000, 9000.0, 26.0, 4),
)
_NAMES_ZH = (
    "17.5 米半挂（自有）",
    "9.6 米厢车（自有）",
    "17.5 米半挂（合同）",
    "9.6 米厢车（合同）",
    "17.5 米半挂（社会车辆）",
    "9.6 米厢车（社会车辆）",
    "8 节快运专列",
    "行李车包厢",
    "夜航货机",
)


@dataclass(frozen=True)
class HubEquipment:
    """How much hubs sort and hold, and what it costs."""

    spare: float = constant(2.35, "1", "capacity in loads of a normal day, in the middle of all hubs", "judgement")
    spare_spread: float = constant(0.18, "log units", "standard deviation of it among hubs", "judgement")
    least_spare: float = constant(1.8, "1", "the tightest hub: a normal day is easy there too", "judgement")
    most_spare: float = constant(3.2, "1", "the most spacious hub", "judgement")
    least_capacity: float = constant(2_000.0, "parcels/day", "that a hub sorts, however little it is used", "judgement")
    unit: float = constant(1_000.0, "parcels", "in which capacities and buffers are told", "judgement")
    buffer: tuple[float, float] = constant((0.25, 0.45), "1", "of its capacity that a hub can hold", "judgement")
    handling_cost: float = constant(
        0.25, "CNY/parcel", "of sorting", "judgement: about a fifth of a trunk parcel's cost"
    )
    handling_spread: tuple[float, float] = constant((0.85, 1.2), "1", "of it from hub to hub", "judgement")
    stop_km: float = constant(
        450.0, "km", "that a stop costs: what a parcel pays for sorting against what it pays a kilometre", "judgement"
    )
    coaches: int = constant(6, "departures/day", "of coaches on a rail lane", "judgement")
    trains: int = constant(1, "departures/day", "of whole trains on every second rail lane", "judgement")
    fewest_vehicles: int = constant(2, "vehicles", "of a type in a fleet, however small the network", "judgement")


EQUIPMENT = HubEquipment()


def list_vehicle_types(scale: Scale) -> pl.DataFrame:
    """List the vehicle types with fleets in proportion to the network's parcels: table ``vehicle_types``."""
    millions = scale.parcels_per_day / 1e6
    return pl.DataFrame(
        {
            "vehicle_type_id": [row[0] for row in _TYPES],
            "name": [row[1] for row in _TYPES],
            "name_zh": _NAMES_ZH,
            "mode": [row[2] for row in _TYPES],
            "ownership": [row[3] for row in _TYPES],
            "capacity": [row[4] for row in _TYPES],
            "fixed_cost": [row[5] for row in _TYPES],
            "cost_per_km": [row[6] for row in _TYPES],
            "fleet_size": [max(int(row[7] * millions), EQUIPMENT.fewest_vehicles) for row in _TYPES],
        }
    ).sort("vehicle_type_id")


def list_lane_vehicles(lanes: pl.DataFrame) -> pl.DataFrame:
    """List what rail and air lanes take: table ``lane_vehicles``; every second rail lane has coaches only."""
    rail = lanes.filter(pl.col("mode") == "rail").with_row_index("number")
    coaches = rail.select(
        "lane_id", pl.lit("rail-coach").alias("vehicle_type_id"), pl.lit(EQUIPMENT.coaches).alias("departure_limit")
    )
    trains = rail.filter(pl.col("number") % 2 == 0).select(
        "lane_id", pl.lit("rail-train").alias("vehicle_type_id"), pl.lit(EQUIPMENT.trains).alias("departure_limit")
    )
    return (
        pl.concat([coaches, trains])
        .with_columns(pl.col("departure_limit").cast(pl.Int64))
        .sort("lane_id", "vehicle_type_id")
    )


def equip_hubs(network: Network, lanes: pl.DataFrame, routes: Floats, seed: int) -> pl.DataFrame:
    """Give each hub its sort capacity and buffer: table ``hubs``.

    Parameters
    ----------
    network, seed
        The network.
    lanes
        Its lanes; parcels are taken over the fewest hours to see who handles transit.
    routes
        Parcels of a normal day at the as-of date, shape (hubs, hubs) [parcels/day].

    Returns
    -------
    pl.DataFrame
        Hubs with so much more than the load of a normal day (``HubEquipment``) that such a day is easy and the
        season's top days bind the tighter ones.
    """
    random = stream(seed, "capacity")
    load = _normal_load(network, lanes, routes)
    spare = random.lognormal(np.log(EQUIPMENT.spare), EQUIPMENT.spare_spread, len(load))
    spare = np.clip(spare, EQUIPMENT.least_spare, EQUIPMENT.most_spare)
    capacity = np.ceil(np.maximum(load * spare, EQUIPMENT.least_capacity) / EQUIPMENT.unit) * EQUIPMENT.unit
    buffer = np.ceil(capacity * random.uniform(*EQUIPMENT.buffer, len(load)) / EQUIPMENT.unit) * EQUIPMENT.unit
    closed = ~network.open_on(AS_OF)
    capacity[closed] = 0.0
    buffer[closed] = 0.0
    return (
        network.hubs.select("hub_id", "name", pl.col("name_zh") + "分拨中心", "region_id", "latitude", "longitude")
        .with_columns(
            sort_capacity=pl.Series(capacity.astype(np.int64)),
            buffer_capacity=pl.Series(buffer.astype(np.int64)),
            handling_cost=pl.Series(
                (EQUIPMENT.handling_cost * random.uniform(*EQUIPMENT.handling_spread, len(load))).round(3)
            ),
        )
        .sort("hub_id")
    )


def _normal_load(network: Network, lanes: pl.DataFrame, routes: Floats) -> Floats:
    """Parcels each hub sorts on a normal day when all take the shortest way by road, shape (hubs,)."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    ids = {hub: number for number, hub in enumerate(network.hub_ids)}
    road = lanes.filter(pl.col("mode") == "road")
    origin = [ids[hub] for hub in road["origin_hub_id"].to_list()]
    destination = [ids[hub] for hub in road["destination_hub_id"].to_list()]
    weight = road["distance_km"].to_numpy() + EQUIPMENT.stop_km
    count = len(ids)
    _, before = dijkstra(csr_array((weight, (origin, destination)), shape=(count, count)), return_predecessors=True)
    load = routes.sum(axis=1) + routes.sum(axis=0) - np.diag(routes)
    at = before.copy()
    start = np.arange(count)[:, None]
    for _ in range(count):
        passing = (at >= 0) & (at != start)
        if not passing.any():
            break
        load = load + np.bincount(at[passing], routes[passing], minlength=count)
        at = np.where(passing, np.take_along_axis(before, np.maximum(at, 0), axis=1), -1)
    return np.asarray(load, dtype=np.float64)
