"""The lower bound of a trunk plan and the prices of what is scarce, by Lagrangian relaxation.

Sort capacities, buffers, fleets, departure limits and the balance of own vehicles are relaxed; what is left are cheapest
paths. For any prices of at least 0, and potentials of either sign,

    bound = sum over demands of parcels x min(short cost, label) - sum over limits of price x limit
            + sum over own types and times of fleet x min(0, lowest price of a departure)

is below the cost of every plan, with whole vehicles or not (Fisher, Management Science 27, 1981).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from data.arrays import Flags
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.records import NodeArcLoads, ParcelPrices, list_arcs, list_demands, list_nodes
from routing.trunk.task.shortest_paths import Labels, fill_labels, load_paths, pick_vehicles


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of one unit of each limit; 0 where there is no limit.

    Attributes
    ----------
    sort, buffer : (N,) [CNY/parcel]
    fleet : (V, steps of the fleets' time) [CNY/vehicle]
    lane : (L, D) [CNY/departure]; vehicle : (O, D) [CNY/departure]
    potential : (V, H) [CNY/vehicle]
        Worth of an own vehicle standing at a hub, 0 for hired types.
    """

    sort: Floats
    buffer: Floats
    fleet: Floats
    lane: Floats
    vehicle: Floats
    potential: Floats


def _no_number() -> Ints:
    return np.zeros(0, dtype=np.int64)


def _no_price() -> Floats:
    return np.zeros(0)


@dataclass(frozen=True, slots=True)
class BoundCertificate:
    """A bound with all prices that prove it.

    Attributes
    ----------
    bound
        [CNY]
    prices
        Prices of the limits.
    room : (R,) [CNY/parcel]
        Price of room on an arc where it is not to be the most that no departure earns from, else 0; empty for no such arc.
    demand, arc : (M,); opening : (M,) [CNY/parcel]
        What a demand pays for an arc on top: prices of forcing rows.
    """

    bound: float
    prices: Prices
    room: Floats = field(default_factory=_no_price)
    demand: Ints = field(default_factory=_no_number)
    arc: Ints = field(default_factory=_no_number)
    forcing_price: Floats = field(default_factory=_no_price)


@dataclass(frozen=True, slots=True)
class Relaxation:
    """What the relaxation leaves behind.

    Attributes
    ----------
    bound
        Proven lower bound [CNY].
    prices
        Prices to search with: those that prove its bound, or those before the queues that none avoids were priced.
    arc_load, sort_load
        Mean loads over the late steps, near an optimal fractional plan [parcels].
    samples
        Choices (N, commodities) of random late steps: each a set of cheapest paths.
    certificate
        The highest bound that prices prove: ``bound``, or less where a search has raised it.
    carrying
        Prices that bound the cost of carrying alone, where parcels stay short; its bound is of that cost.
    """

    bound: float
    prices: Prices
    arc_load: Floats
    sort_load: Floats
    samples: list[Ints]
    certificate: BoundCertificate
    carrying: BoundCertificate | None = None


def raise_bound(relaxed: Relaxation, bound: float, certificate: BoundCertificate | None = None) -> Relaxation:
    """Return the relaxation with a bound proven since, if it is higher, and the prices that prove it, if there are any."""
    better = certificate is not None and certificate.bound > relaxed.certificate.bound
    return replace(
        relaxed,
        bound=max(relaxed.bound, bound),
        certificate=certificate if certificate is not None and better else relaxed.certificate,
    )


def count_departures(network: TrunkNetwork, relaxed: Relaxation) -> float:
    """Departures of the largest vehicle on an arc in use, on average, 0 where none is: parts of them count."""
    largest = np.zeros(len(network.lane_ids))
    np.maximum.at(largest, network.vehicle_lane, network.vehicle_capacity)
    used = relaxed.arc_load > 1e-6
    trips = relaxed.arc_load[used] / largest[network.arc_lane[used]]
    return float(trips.mean()) if len(trips) else 0.0


def zero_prices(network: TrunkNetwork) -> Prices:
    """Return prices of 0 for every limit."""
    days, hubs, types = network.days, network.hubs, len(network.type_ids)
    return Prices(
        sort=np.zeros(network.nodes),
        buffer=np.zeros(network.nodes),
        fleet=np.zeros((types, network.fleet_steps)),
        lane=np.zeros((len(network.lane_ids), days)),
        vehicle=np.zeros((len(network.vehicle_lane), days)),
        potential=np.zeros((types, hubs)),
    )


class _Departures(NamedTuple):
    """Steps of its fleet at which each lane vehicle leaves and is back, and whether it can run, (O, D)."""

    start: Ints
    end: Ints
    able: Flags


def _list_departures(network: TrunkNetwork) -> _Departures:
    lane, kind = network.vehicle_lane, network.vehicle_type
    end = np.minimum(network.lane_back[lane], network.fleet_steps)
    able = (network.vehicle_limit >= 1) & (network.arc_of[lane] >= 0) & (network.type_fleet[kind] >= 1)[:, None]
    return _Departures(network.lane_step[lane], end, able)


def price_departures(network: TrunkNetwork, prices: Prices) -> Floats:
    """Price of one departure of each lane vehicle and day under prices, (O, D); ``inf`` where it cannot run."""
    return _price_listed(network, _list_departures(network), prices)


def _price_listed(network: TrunkNetwork, departures: _Departures, prices: Prices) -> Floats:
    lane, kind = network.vehicle_lane, network.vehicle_type
    total = np.concatenate([np.zeros((len(network.type_ids), 1)), np.cumsum(prices.fleet, axis=1)], axis=1)
    row = kind[:, None]
    away = total[row, departures.end] - total[row, departures.start]
    moved = prices.potential[kind, network.lane_origin[lane]] - prices.potential[kind, network.lane_destination[lane]]
    price = network.vehicle_cost[:, None] + away + prices.lane[lane] + prices.vehicle + moved[:, None]
    return np.where(departures.able, price, np.inf)


def price_arcs(network: TrunkNetwork, departure_price: Floats) -> tuple[Floats, Ints]:
    """Price of vehicle room on each arc [CNY/parcel] and the lane vehicle that sets it, both (R,)."""
    per_parcel = np.maximum(departure_price, 0.0) / network.vehicle_capacity[:, None]
    best = np.full((len(network.lane_ids), network.days), np.inf)
    holder = np.zeros(best.shape, dtype=np.int64)
    pick_vehicles(network.vehicle_lane, per_parcel, best, holder)
    return best[network.arc_lane, network.arc_day], holder[network.arc_lane, network.arc_day]


def price_parcels(network: TrunkNetwork, prices: Prices, room: Floats) -> ParcelPrices:
    """Price what a parcel uses under prices of the limits: nothing goes where a hub is closed or parcels may not wait.

    Parameters
    ----------
    room : (R,) [CNY/parcel]
        Price of vehicle room on each arc.
    """
    return ParcelPrices(
        arc=network.arc_cost + room,
        sort=np.where(network.sort_capacity > 0, network.handling_cost + prices.sort, np.inf),
        hold=np.where(network.can_hold(), network.waiting_cost + prices.buffer, np.inf),
    )


def prove_bound(network: TrunkNetwork, prices: Prices) -> float:
    """Lower bound that the given prices prove [CNY]."""
    return LagrangianDual(network).evaluate(prices)


def price_demands(network: TrunkNetwork, prices: Prices) -> Floats:
    """Price of each demand's cheapest path under prices, at most that of a parcel short, (K,) [CNY/parcel]."""
    dual = LagrangianDual(network)
    dual.evaluate(prices)
    label = dual.labels.price[network.demand_start, dual.commodities.of_demand]
    return np.minimum(label, network.short_cost)


def prove_carrying(network: TrunkNetwork, bound: float, price: Floats, short: int) -> float:
    """Lower bound for the cost of carrying what is not short, in plans that leave so many parcels short [CNY].

    With L(q) the bound at a short cost q, a plan that leaves S short carries for at least L(q) - q S, whatever q. The best q is where S parcels
    have dearer paths: the bound at the short cost there is, less the S dearest parcels' part in it.

    Parameters
    ----------
    bound
        [CNY]
    price : (K,) [CNY/parcel]
        Of each demand's path in it.
    """
    dearest = np.argsort(-price, kind="stable")
    parcels = network.demand_parcels[dearest].astype(np.float64)
    gone = np.clip(short - (np.cumsum(parcels) - parcels), 0.0, parcels)
    return max(bound - float((gone * price[dearest]).sum()), 0.0)


class LagrangianDual:
    """The bound as a function of the prices: at each, the cheapest paths, what they load, and how far each limit is used.

    Attributes
    ----------
    labels
        Prices and next steps of the cheapest paths at the prices evaluated last, (N, commodities).
    loads
        What these paths load [parcels].
    """

    def __init__(self, network: TrunkNetwork) -> None:
        self.network = network
        self.commodities = list_commodities(network)
        shape = (network.nodes, max(1, len(self.commodities.destination)))
        self.labels = Labels(np.empty(shape), np.empty(shape, dtype=np.int64))
        self.loads = NodeArcLoads(np.zeros(network.arcs), np.zeros(network.nodes), np.zeros(network.nodes))
        self._nodes, self._arcs, self._demands = list_nodes(network), list_arcs(network), list_demands(network)
        self._trips: Floats = np.zeros((len(network.vehicle_lane), network.days))
        self._departures = _list_departures(network)
        self._limits = self._list_limits()
        self._bounded = [np.isfinite(limit) for limit in self._limits]
        self._finite = [limit[bounded] for limit, bounded in zip(self._limits, self._bounded, strict=True)]

    def limits(self) -> list[Floats]:
        """Limits in the order of the prices; ``inf`` without one, for balances of own fleets that end what is to be gone."""
        return self._limits

    def _list_limits(self) -> list[Floats]:
        network = self.network
        fleet = np.repeat(network.type_fleet[:, None], network.fleet_steps, axis=1)
        # of a fleet without limit the least price of an empty departure below 0 would prove nothing
        balanced = network.type_own & np.isfinite(network.type_fleet)
        balance = np.where(balanced[:, None], network.vehicles_moved(), np.inf)
        return [
            network.sort_capacity,
            network.buffer_capacity,
            fleet,
            network.lane_limit,
            network.vehicle_limit,
            balance,
        ]

    def evaluate(self, prices: Prices) -> float:
        """Find and load the cheapest paths under prices, and return the bound they prove [CNY]."""
        network = self.network
        departure_price = _price_listed(network, self._departures, prices)
        room, holder = price_arcs(network, departure_price)
        fill_labels(self._nodes, self._arcs, price_parcels(network, prices, room), self.commodities, self.labels)
        total = load_paths(
            self._nodes,
            self._arcs,
            self._demands,
            self.commodities.of_demand,
            self.labels,
            network.short_cost,
            self.loads,
        )
        self._trips[:] = 0.0
        if network.arcs:
            np.add.at(self._trips, (holder, network.arc_day), self.loads.arcs / network.vehicle_capacity[holder])
        paid = 0.0
        for price, bounded, finite in zip(list_prices(prices), self._bounded, self._finite, strict=True):
            paid += float((price[bounded] * finite).sum())
        return total - paid + self._run_empty(departure_price)

    def _run_empty(self, departure_price: Floats) -> float:
        """Send own fleets where an empty departure earns most, under potentials that are not exact; what that earns is 0 or less."""
        network = self.network
        vehicle, day = np.nonzero(np.isfinite(departure_price) & (departure_price < 0))
        if not len(vehicle):
            return 0.0
        price, kind = departure_price[vehicle, day], network.vehicle_type[vehicle]
        moment = kind * network.fleet_steps + network.lane_step[network.vehicle_lane[vehicle], day]
        order = np.lexsort((price, moment))
        lowest = order[np.unique(moment[order], return_index=True)[1]]
        fleet = network.type_fleet[kind[lowest]]
        self._trips[vehicle[lowest], day[lowest]] += fleet
        return float((price[lowest] * fleet).sum())

    def uses(self) -> list[Floats]:
        """Use of each limit at the prices evaluated last, in the order of the prices; of a balance what leaves less what comes."""
        network, types = self.network, len(self.network.type_ids)
        vehicle, day = np.nonzero(self._trips)
        trips, lane, kind = self._trips[vehicle, day], network.vehicle_lane[vehicle], network.vehicle_type[vehicle]
        fleet = np.zeros((types, network.fleet_steps + 1))
        np.add.at(fleet, (kind, network.lane_step[lane, day]), trips)
        np.subtract.at(fleet, (kind, np.minimum(network.lane_back[lane, day], network.fleet_steps)), trips)
        lanes = np.zeros((len(network.lane_ids), network.days))
        np.add.at(lanes, (lane, day), trips)
        balance = np.zeros((types, network.hubs))
        np.add.at(balance, (kind, network.lane_origin[lane]), trips)
        np.subtract.at(balance, (kind, network.lane_destination[lane]), trips)
        away = np.cumsum(fleet, axis=1)[:, : network.fleet_steps]
        return [self.loads.sorts, self.loads.nights, away, lanes, self._trips, balance]


def list_prices(prices: Prices) -> list[Floats]:
    """Prices in the order of the limits; potentials last."""
    return [prices.sort, prices.buffer, prices.fleet, prices.lane, prices.vehicle, prices.potential]
