"""The lower bound of a trunk plan and the prices of what is scarce, by Lagrangian relaxation.

Sort capacities, buffers, fleets, departure limits and (with given potentials) the balance of own vehicles are relaxed;
what is left are cheapest ways. For any prices of at least 0

    bound = sum over demands of parcels x min(short cost, label) - sum over limits of price x limit

is below the cost of every plan, with whole vehicles or not (Fisher 1981). The prices climb by a deflected subgradient.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from data.progress import SILENT, Progress
from routing.budget import Deadline
from routing.trunk.task.commodities import group_demands
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.shortest_paths import fill_labels, load_ways, out_pointers, pick_options

_DEFLECTION = 0.35  # weight of the newest subgradient in the direction
_SAMPLES = 16


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of one unit of each limit; 0 where there is no limit.

    Attributes
    ----------
    sort, buffer : (N,) [CNY/parcel]
    fleet : (V, steps of the fleets' time) [CNY/vehicle]
    lane : (L, D) [CNY/departure]; option : (O, D) [CNY/departure]
    potential : (V, H) [CNY/vehicle]
        Worth of an own vehicle standing at a hub, 0 for hired types.
    """

    sort: Floats
    buffer: Floats
    fleet: Floats
    lane: Floats
    option: Floats
    potential: Floats


def _no_number() -> Ints:
    return np.zeros(0, dtype=np.int64)


def _no_price() -> Floats:
    return np.zeros(0)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A bound with all prices that prove it.

    Attributes
    ----------
    bound
        [CNY]
    prices
        Prices of the limits.
    room : (R,) [CNY/parcel]
        Price of room on a run where it is not to be the most that no departure earns from, else 0; empty for no such run.
    demand, run : (M,); opening : (M,) [CNY/parcel]
        What a demand pays for a run on top: prices of forcing rows.
    """

    bound: float
    prices: Prices
    room: Floats = field(default_factory=_no_price)
    demand: Ints = field(default_factory=_no_number)
    run: Ints = field(default_factory=_no_number)
    opening: Floats = field(default_factory=_no_price)


@dataclass(frozen=True, slots=True)
class Relaxation:
    """What the relaxation leaves behind.

    Attributes
    ----------
    bound
        Proven lower bound [CNY].
    prices
        Prices to search with: those that prove its bound, or those before the queues that none avoids were priced.
    run_load, sort_load, hold_load
        Mean loads over the late steps, near an optimal fractional plan [parcels].
    samples
        Choices (N, groups) of random late steps: each a set of cheapest ways.
    evidence
        The highest bound that prices prove: ``bound``, or less where a search has raised it.
    """

    bound: float
    prices: Prices
    run_load: Floats
    sort_load: Floats
    hold_load: Floats
    samples: list[Ints]
    evidence: Evidence


def raise_bound(relaxed: Relaxation, bound: float, evidence: Evidence | None = None) -> Relaxation:
    """Return the relaxation with a bound proven since, if it is higher, and the prices that prove it, if there are any."""
    better = evidence is not None and evidence.bound > relaxed.evidence.bound
    return replace(
        relaxed,
        bound=max(relaxed.bound, bound),
        evidence=evidence if evidence is not None and better else relaxed.evidence,
    )


def zero_prices(network: TrunkNetwork) -> Prices:
    """Return prices of 0 for every limit."""
    days, hubs, types = network.days, network.hubs, len(network.type_ids)
    return Prices(
        sort=np.zeros(network.nodes),
        buffer=np.zeros(network.nodes),
        fleet=np.zeros((types, network.fleet_steps)),
        lane=np.zeros((len(network.lane_ids), days)),
        option=np.zeros((len(network.option_lane), days)),
        potential=np.zeros((types, hubs)),
    )


def price_options(network: TrunkNetwork, prices: Prices) -> Floats:
    """Price of one departure of each option and day under prices, (O, D); ``inf`` where it cannot run."""
    lane, kind = network.option_lane, network.option_type
    total = np.concatenate([np.zeros((len(network.type_ids), 1)), np.cumsum(prices.fleet, axis=1)], axis=1)
    end = np.minimum(network.lane_back[lane], network.fleet_steps)
    away = np.take_along_axis(total[kind], end, axis=1) - np.take_along_axis(
        total[kind], network.lane_step[lane], axis=1
    )
    moved = prices.potential[kind, network.lane_origin[lane]] - prices.potential[kind, network.lane_destination[lane]]
    price = network.option_cost[:, None] + away + prices.lane[lane] + prices.option + moved[:, None]
    able = (network.option_limit >= 1) & (network.run_of[lane] >= 0) & (network.type_fleet[kind] >= 1)[:, None]
    return np.where(able, price, np.inf)


def price_runs(network: TrunkNetwork, option_price: Floats) -> tuple[Floats, Ints]:
    """Price of vehicle room on each run [CNY/parcel] and the option that sets it, both (R,)."""
    per_parcel = np.maximum(option_price, 0.0) / network.option_capacity[:, None]
    best = np.full((len(network.lane_ids), network.days), np.inf)
    holder = np.zeros(best.shape, dtype=np.int64)
    pick_options(network.option_lane, per_parcel, best, holder)
    return best[network.run_lane, network.run_day], holder[network.run_lane, network.run_day]


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
            samples.append(search.choice.copy())
        if step >= steps // 2:
            loads = (search.run_load, search.sort_load, search.hold_load)
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
        samples.append(search.choice.copy())
    run_load, sort_load, hold_load = (
        means if means is not None else (search.run_load, search.sort_load, search.hold_load)
    )
    return Relaxation(best, best_prices, run_load, sort_load, hold_load, samples, Evidence(best, best_prices))


def prove_bound(network: TrunkNetwork, prices: Prices) -> float:
    """Lower bound that the given prices prove [CNY]."""
    return _Search(network, prices).evaluate()


class _Search:
    """State of the subgradient: prices, and the loads of the cheapest ways under them."""

    def __init__(self, network: TrunkNetwork, prices: Prices) -> None:
        self.network, self.prices = network, prices
        self.groups = group_demands(network)
        shape = (network.nodes, max(1, len(self.groups)))
        self.label = np.empty(shape)
        self.choice: Ints = np.empty(shape, dtype=np.int64)
        self.first_run = out_pointers(network)
        self.run_load, self.sort_load, self.hold_load = (
            np.zeros(network.runs),
            np.zeros(network.nodes),
            np.zeros(network.nodes),
        )
        self.sort_limit = network.sort_capacity
        self.buffer_limit = network.buffer_capacity
        self.handling = network.handling_cost
        self.can_hold = network.can_hold()
        self.parcels = network.demand_parcels.astype(np.float64)
        self.holder: Ints = np.zeros(network.runs, dtype=np.int64)
        self.direction: list[Floats] | None = None

    def limits(self) -> list[Floats]:
        """Limits in the order of the prices; ``inf`` without one."""
        network = self.network
        fleet = np.repeat(network.type_fleet[:, None], network.fleet_steps, axis=1)
        return [self.sort_limit, self.buffer_limit, fleet, network.lane_limit, network.option_limit]

    def evaluate(self) -> float:
        network, prices = self.network, self.prices
        option_price = price_options(network, prices)
        room, self.holder = price_runs(network, option_price)
        sort_price = np.where(self.sort_limit > 0, self.handling + prices.sort, np.inf)
        hold_price = np.where(self.can_hold, network.waiting_cost + prices.buffer, np.inf)
        fill_labels(
            network.close_pointers,
            network.after,
            network.node_hub,
            network.node_turn,
            self.first_run,
            network.run_head,
            network.run_cost + room,
            sort_price,
            hold_price,
            self.groups.destination,
            self.groups.late_price,
            self.label,
            self.choice,
        )
        total = load_ways(
            network.after,
            network.run_head,
            self.choice,
            self.label,
            network.short_cost,
            network.demand_node(),
            self.groups.of_demand,
            self.parcels,
            self.run_load,
            self.sort_load,
            self.hold_load,
        )
        paid = 0.0
        for price, limit in zip(self._tuple(), self.limits(), strict=True):
            paid += float((price[np.isfinite(limit)] * limit[np.isfinite(limit)]).sum())
        return total - paid + self._unbalanced(option_price)

    def _unbalanced(self, option_price: Floats) -> float:
        """What empty runs of own vehicles could earn under potentials that are not exact: 0, or less."""
        network = self.network
        option, day = np.nonzero(np.isfinite(option_price) & (option_price < 0))
        lowest = np.zeros((len(network.type_ids), network.fleet_steps))
        step = network.lane_step[network.option_lane[option], day]
        np.minimum.at(lowest, (network.option_type[option], step), option_price[option, day])
        fleet = np.repeat(network.type_fleet[:, None], network.fleet_steps, axis=1)
        return float((lowest * np.where(lowest < 0, fleet, 0.0)).sum())

    def _tuple(self) -> list[Floats]:
        p = self.prices
        return [p.sort, p.buffer, p.fleet, p.lane, p.option]

    def uses(self) -> list[Floats]:
        """Use of each limit by the ways now chosen, in the order of the prices."""
        network = self.network
        trips = self.run_load / network.option_capacity[self.holder] if network.runs else self.run_load
        kind = network.option_type[self.holder] if network.runs else self.holder
        day = network.run_day
        fleet = np.zeros((len(network.type_ids), network.fleet_steps + 1))
        np.add.at(fleet, (kind, network.run_step), trips)
        np.subtract.at(fleet, (kind, np.minimum(network.run_back, network.fleet_steps)), trips)
        lane = np.zeros((len(network.lane_ids), network.days))
        lane[network.run_lane, day] = trips
        option = np.zeros((len(network.option_lane), network.days))
        np.add.at(option, (self.holder, day), trips)
        return [self.sort_load, self.hold_load, np.cumsum(fleet, axis=1)[:, : network.fleet_steps], lane, option]

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
            self.prices, sort=moved[0], buffer=moved[1], fleet=moved[2], lane=moved[3], option=moved[4]
        )
