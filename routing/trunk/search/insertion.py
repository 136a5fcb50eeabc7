"""What a plan leaves free, and the cheapest paths for more parcels through it while everything planned stays as it is.

Parcels go along the cheapest path at the margin, as many as it takes, then along the next (successive cheapest paths:
Ahuja, Magnanti, Orlin, Network Flows, 1993, section 9.7). Room on vehicles that run anyway costs nothing; an arc without
room may get hired vehicles within fleets and limits at the price of whole departures. In the elastic mode limits may be
exceeded at a price, and what was taken beyond them is counted. What is carried in the rigid mode is a plan: every limit
holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from routing.trunk.search.inserted_paths import (
    ArcTimes,
    FreeRoom,
    InsertionTask,
    Parcels,
    insert_parcels,
    make_insertion_space,
)
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.flows import Loads
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.records import ParcelPrices, list_arcs, list_lane_vehicles, list_nodes
from routing.trunk.task.shortest_paths import label_paths
from routing.trunk.vehicles.vehicle_model import Vehicles, free_fleet

_MOST_PATHS = 64  # over which the parcels of one demand may be spread


@dataclass(frozen=True, slots=True)
class ElasticPrices:
    """Prices of going beyond a limit, on top of what using it costs; vehicles cost their departures.

    Attributes
    ----------
    sort, night
        [CNY/parcel] sorted beyond sort capacity, held beyond the buffer.
    most_extra_share
        Of its sort capacity that a hub can add to a sort at most, whatever is paid.
    """

    sort: float = 0.5
    night: float = 0.3
    most_extra_share: float = float("inf")


def measure_free_room(network: TrunkNetwork, loads: Loads, vehicles: Vehicles) -> FreeRoom:
    """Return what a plan leaves free."""
    vehicle, day = network.vehicle_limit.copy(), network.arc_day[vehicles.arc]
    lane = network.lane_limit.copy()
    np.subtract.at(vehicle, (vehicles.vehicle, day), vehicles.departures)
    np.subtract.at(lane, (network.arc_lane[vehicles.arc], day), vehicles.departures)
    shape = network.vehicle_limit.shape
    return FreeRoom(
        arcs=np.floor(np.maximum(vehicles.room - loads.arcs, 0.0) + 1e-6),
        sorts=np.floor(np.maximum(network.sort_capacity - loads.sorts, 0.0) + 1e-6),
        nights=np.floor(np.maximum(network.buffer_capacity - loads.nights, 0.0) + 1e-6),
        fleet=free_fleet(network, vehicles),
        vehicle=vehicle,
        lane=lane,
        within=np.zeros(shape),
        beyond=np.zeros(shape),
        more_sorts=np.zeros(network.nodes),
        more_nights=np.zeros(network.nodes),
        spent=np.zeros(1),
    )


class Inserter:
    """Inserts demands into the free room of one network.

    Parameters
    ----------
    network : TrunkNetwork
    elastic : ElasticPrices
        Prices of the elastic mode.
    """

    def __init__(self, network: TrunkNetwork, elastic: ElasticPrices | None = None) -> None:
        self.network = network
        self._commodities = list_commodities(network)
        may_wait = network.hub_open & (network.after >= 0) & network.hub_open[network.after]
        # no path costs less than this, whatever room there is: it points the search at the destination
        least = ParcelPrices(
            arc=network.arc_cost,
            sort=np.where(network.hub_open, network.handling_cost, np.inf),
            hold=np.where(may_wait, network.waiting_cost, np.inf),
        )
        self._floor = label_paths(network, least, self._commodities).price
        busy = network.busy_days() if network.arcs else network.arc_day
        prices = elastic or ElasticPrices()
        self._task = InsertionTask(
            nodes=list_nodes(network)._replace(can_hold=may_wait),
            arcs=list_arcs(network),
            times=ArcTimes(network.arc_lane, network.arc_day, network.arc_step, busy),
            on_lane=list_lane_vehicles(network),
            is_open=network.hub_open,
            back=return_costs(network),
            type_own=network.type_own,
            short_cost=float(network.short_cost),
            sort_price=float(prices.sort),
            night_price=np.where(network.node_staged, np.inf, float(prices.night)),
            rules=network.path_rules,
        )
        self._space = make_insertion_space(network.nodes, network.arcs, _MOST_PATHS)

    def insert(
        self, free_room: FreeRoom, demand: int, parcels: int, *, elastic: bool = False
    ) -> list[tuple[int, Ints]]:
        """Insert parcels of a demand and take what they use off the free room.

        Parameters
        ----------
        free_room
            Changed in place.
        demand
            Number of the demand.
        parcels
            How many.
        elastic
            Whether limits may be exceeded at a price.

        Returns
        -------
        list of (parcels, legs)
            The paths taken, as in :class:`PathPool`; their sum may stay below ``parcels``.
        """
        commodity = int(self._commodities.of_demand[demand])
        asked = Parcels(
            start=int(self.network.demand_start[demand]),
            goal=int(self.network.demand_destination[demand]),
            parcels=float(parcels),
            elastic=elastic,
            floor=np.ascontiguousarray(self._floor[:, commodity]),
            late_price=self._commodities.late_price[commodity],
        )
        space = self._space
        paths = insert_parcels(self._task, free_room, space, asked)
        free_room.spent[0] += space.cost[0]
        return [(int(space.amounts[p]), space.legs[p, : space.lengths[p]].copy()) for p in range(paths)]


def return_costs(network: TrunkNetwork) -> Floats:
    """Cost of one empty return of each lane vehicle on the lane back, (O,): 0 for hired types, ``inf`` without a lane back."""
    own = network.type_own[network.vehicle_type]
    lane = network.vehicle_lane
    here, there = network.lane_origin[lane].tolist(), network.lane_destination[lane].tolist()
    ends_of = list(zip(network.vehicle_type.tolist(), here, there, strict=True))
    cheapest: dict[tuple[int, int, int], float] = {}
    for place, price in zip(ends_of, network.vehicle_cost.tolist(), strict=True):
        cheapest[place] = min(price, cheapest.get(place, np.inf))
    back = [cheapest.get((kind, b, a), np.inf) for kind, a, b in ends_of]
    return np.where(own, np.array(back, dtype=np.float64), 0.0)
