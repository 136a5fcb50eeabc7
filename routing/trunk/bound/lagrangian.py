"""The lower bound of a trunk plan and the prices of what is scarce, by Lagrangian relaxation.

Sort capacities, buffers, fleets, departure limits and (with given potentials) the balance of own vehicles are relaxed;
what is left are cheapest paths. For any prices of at least 0

    bound = sum over demands of parcels x min(short cost, label) - sum over limits of price x limit

is below the cost of every plan, with whole vehicles or not (Fisher 1981). The prices climb by a deflected subgradient.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from data.progress import SILENT, Progress
from routing.budget import Deadline
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.records import NodeArcLoads, ParcelPrices, list_arcs, list_demands, list_nodes
from routing.trunk.task.shortest_paths import Labels, fill_labels, load_paths, pick_vehicles

_DEFLECTION = 0.35  # weight of the newest subgradient in the direction
_SAMPLES = 16


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
    arc_load, sort_load, hold_load
        Mean loads over the late steps, near an optimal fractional plan [parcels].
    samples
        Choices (N, commodities) of random late steps: each a set of cheapest paths.
    certificate
        The highest bound that prices prove: ``bound``, or less where a search has raised it.
    """

    bound: float
    prices: Prices
    arc_load: Floats
    sort_load: Floats
    hold_load: Floats
    samples: list[Ints]
    certificate: BoundCertificate


def raise_bound(relaxed: Relaxation, bound: float, certificate: BoundCertificate | None = None) -> Relaxation:
    """Return the relaxation with a bound proven since, if it is higher, and the prices that prove it, if there are any."""
    better = certificate is not None and certificate.bound > relaxed.certificate.bound
    return replace(
        relaxed,
        bound=max(relaxed.bound, bound),
        certificate=certificate if certificate is not None and better else relaxed.certificate,
    )


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


def price_departures(network: TrunkNetwork, prices: Prices) -> Floats:
    """Price of one departure of each lane vehicle and day under prices, (O, D); ``inf`` where it cannot run."""
    lane, kind = network.vehicle_lane, network.vehicle_type
    total = np.concatenate([np.zeros((len(network.type_ids), 1)), np.cumsum(prices.fleet, axis=1)], axis=1)
    end = np.minimum(network.lane_back[lane], network.fleet_steps)
    away = np.take_along_axis(total[kind], end, axis=1) - np.take_along_axis(
        total[kind], network.lane_step[lane], axis=1
    )
    moved = prices.potential[kind, network.lane_origin[lane]] - prices.potential[kind, network.lane_destination[lane]]
    price = network.vehicle_cost[:, None] + away + prices.lane[lane] + prices.vehicle + moved[:, None]
    able = (network.vehicle_limit >= 1) & (network.arc_of[lane] >= 0) & (network.type_fleet[kind] >= 1)[:, None]
    return np.where(able, price, np.inf)


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


def relax_network(
    network: TrunkNetwork,
    *,
    steps: int,
    seed: int,
    deadline: Deadline,
    start: Prices | None = None,
    target: float = np.inf,
    progress: Progress = SILENT,
) -> Relaxation:
    """Climb to the best lower bound in at most ``steps`` steps.

    Parameters
    ----------
    steps
        Number of subgradient steps.
    start
        Prices to start from; its potentials are kept as they are.
    target
        Cost of a known plan, if any, to aim the step lengths at.
    """
    search = _Search(network, start or zero_prices(network))
    generator = np.random.default_rng([seed, 101])
    kept = np.sort(
        generator.choice(np.arange(steps // 2, steps), size=min(_SAMPLES, steps - steps // 2), replace=False)
    )
    samples: list[Ints] = []
    scale, stalled = 1.0, 0
    best, best_prices = -np.inf, search.prices
    means = None
    for step in range(steps):
        bound = search.evaluate()
        if bound > best * (1 + 1e-9 * np.sign(best)) if np.isfinite(best) else True:
            best, best_prices, stalled = bound, search.prices, 0
        else:
            stalled += 1
            if stalled >= 12:
                scale, stalled = scale * 0.6, 0
        if step in kept:
            samples.append(search.labels.choice.copy())
        if step >= steps // 2:
            loads = search.loads
            weight = 1.0 / (step - steps // 2 + 1)
            means = (
                [x.copy() for x in loads]
                if means is None
                else [m + weight * (x - m) for m, x in zip(means, loads, strict=True)]
            )
        aim = target if np.isfinite(target) else best + 0.03 * abs(best) + 1e-6
        search.move(scale * max(aim - bound, 1e-9))
        progress.step(step + 1, steps, "bound")
        if 2 <= step < steps - 1 and deadline.over():
            break
    if not samples:
        samples.append(search.labels.choice.copy())
    arc_load, sort_load, hold_load = means if means is not None else search.loads
    return Relaxation(best, best_prices, arc_load, sort_load, hold_load, samples, BoundCertificate(best, best_prices))


def prove_bound(network: TrunkNetwork, prices: Prices) -> float:
    """Lower bound that the given prices prove [CNY]."""
    return _Search(network, prices).evaluate()


class _Search:
    """State of the subgradient: prices, and the loads of the cheapest paths under them."""

    def __init__(self, network: TrunkNetwork, prices: Prices) -> None:
        self.network, self.prices = network, prices
        self.commodities = list_commodities(network)
        shape = (network.nodes, max(1, len(self.commodities.destination)))
        self.labels = Labels(np.empty(shape), np.empty(shape, dtype=np.int64))
        self.nodes, self.arcs, self.demands = list_nodes(network), list_arcs(network), list_demands(network)
        self.loads = NodeArcLoads(np.zeros(network.arcs), np.zeros(network.nodes), np.zeros(network.nodes))
        self.sort_limit = network.sort_capacity
        self.buffer_limit = network.buffer_capacity
        self.holder: Ints = np.zeros(network.arcs, dtype=np.int64)
        self.direction: list[Floats] | None = None

    def limits(self) -> list[Floats]:
        """Limits in the order of the prices; ``inf`` without one."""
        network = self.network
        fleet = np.repeat(network.type_fleet[:, None], network.fleet_steps, axis=1)
        return [self.sort_limit, self.buffer_limit, fleet, network.lane_limit, network.vehicle_limit]

    def evaluate(self) -> float:
        network, prices = self.network, self.prices
        departure_price = price_departures(network, prices)
        room, self.holder = price_arcs(network, departure_price)
        fill_labels(self.nodes, self.arcs, price_parcels(network, prices, room), self.commodities, self.labels)
        total = load_paths(
            self.nodes, self.arcs, self.demands, self.commodities.of_demand, self.labels, network.short_cost, self.loads
        )
        paid = 0.0
        for price, limit in zip(self._tuple(), self.limits(), strict=True):
            paid += float((price[np.isfinite(limit)] * limit[np.isfinite(limit)]).sum())
        return total - paid + self._unbalanced(departure_price)

    def _unbalanced(self, departure_price: Floats) -> float:
        """What empty arcs of own vehicles could earn under potentials that are not exact: 0, or less."""
        network = self.network
        vehicle, day = np.nonzero(np.isfinite(departure_price) & (departure_price < 0))
        lowest = np.zeros((len(network.type_ids), network.fleet_steps))
        step = network.lane_step[network.vehicle_lane[vehicle], day]
        np.minimum.at(lowest, (network.vehicle_type[vehicle], step), departure_price[vehicle, day])
        fleet = np.repeat(network.type_fleet[:, None], network.fleet_steps, axis=1)
        return float((lowest * np.where(lowest < 0, fleet, 0.0)).sum())

    def _tuple(self) -> list[Floats]:
        p = self.prices
        return [p.sort, p.buffer, p.fleet, p.lane, p.vehicle]

    def uses(self) -> list[Floats]:
        """Use of each limit by the paths now chosen, in the order of the prices."""
        network = self.network
        trips = self.loads.arcs / network.vehicle_capacity[self.holder] if network.arcs else self.loads.arcs
        kind = network.vehicle_type[self.holder] if network.arcs else self.holder
        day = network.arc_day
        fleet = np.zeros((len(network.type_ids), network.fleet_steps + 1))
        np.add.at(fleet, (kind, network.arc_step), trips)
        np.subtract.at(fleet, (kind, np.minimum(network.arc_back, network.fleet_steps)), trips)
        lane = np.zeros((len(network.lane_ids), network.days))
        lane[network.arc_lane, day] = trips
        vehicle = np.zeros((len(network.vehicle_lane), network.days))
        np.add.at(vehicle, (self.holder, day), trips)
        return [self.loads.sorts, self.loads.nights, np.cumsum(fleet, axis=1)[:, : network.fleet_steps], lane, vehicle]

    def move(self, length: float) -> None:
        """Go one step along the deflected subgradient; every limit is measured in shares of itself."""
        slopes, weights = [], []
        for price, limit, use in zip(self._tuple(), self.limits(), self.uses(), strict=True):
            bounded = np.isfinite(limit)
            size = np.maximum(limit, 1.0)
            slope = np.where(bounded, (use - np.where(bounded, limit, 0.0)) / size, 0.0)
            # a limit that is neither priced nor exceeded does not bind
            slope = np.where((price <= 0) & (slope < 0), 0.0, slope)
            slopes.append(slope)
            weights.append(np.where(bounded, 1.0 / size, 0.0))
        if self.direction is None:
            self.direction = slopes
        else:
            self.direction = [
                _DEFLECTION * s + (1 - _DEFLECTION) * d for s, d in zip(slopes, self.direction, strict=True)
            ]
        norm = sum(float((d * d).sum()) for d in self.direction)
        if norm <= 0:
            return
        step = length / norm
        moved = [
            np.maximum(0.0, price + step * d * w)
            for price, d, w in zip(self._tuple(), self.direction, weights, strict=True)
        ]
        self.prices = replace(
            self.prices, sort=moved[0], buffer=moved[1], fleet=moved[2], lane=moved[3], vehicle=moved[4]
        )
