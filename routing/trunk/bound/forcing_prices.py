"""A higher bound where departures are few: what a departure costs is paid by those that need it, not by the parcel aboard.

In the relaxation a parcel pays for its room, and a departure for 300 parcels costs a fiftieth of a truck of 15,000. But whoever
uses an arc r needs a departure there, alone or with others, which the forcing rows of ``path_formulation`` say:

    parcels of k on r <= sum over departures of r of min(parcels of k, capacity) x departures

Each demand k is given a price u(k, r) of its own [CNY] for them, and the room of an arc costs what these leave of its departures:

    room(r) = min over vehicles of r ( (price - sum over k of min(1, capacity / parcels of k) x u(k, r)) / capacity )

Prices of limits stay as they are, so that for any u of at least 0 which leaves no departure below 0

    bound = sum over k of min(parcels x short cost, price of its cheapest path at room and u) - sum of price x limit

The prices climb as those of limits do (``subgradient.py``): u(k, r) rises where the cheapest path of k uses r and falls where
others fill its departures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.constants import constant
from data.progress import SILENT, Progress
from routing.budget import Deadline
from routing.trunk.bound.certificate import mark_payers
from routing.trunk.bound.forcing_steps import ForcingState, ForcingTask, climb, lean, load_demands, share_room
from routing.trunk.bound.lagrangian import (
    BoundCertificate,
    Prices,
    Relaxation,
    price_arcs,
    price_departures,
    price_parcels,
    prove_bound,
)
from routing.trunk.task.commodities import Commodities, list_commodities
from routing.trunk.task.network import Floats, TrunkNetwork
from routing.trunk.task.records import (
    list_arcs,
    list_demands,
    list_lane_vehicles,
    list_nodes,
)
from routing.trunk.task.shortest_paths import label_paths

_NOISE = 1e-9  # of the bound


@dataclass(frozen=True)
class ForcingRules:
    """Constants of the climb."""

    steps: int = constant(480, "steps", "at effort 1", "judgement")
    fewest: int = constant(60, "steps", "at any effort", "judgement")
    most: int = constant(48, "prices", "a demand may pay at once", "judgement")
    deflection: float = constant(
        0.5, "1", "weight of the newest slope in the direction", "fitted: sample week by sorts"
    )
    aim: float = constant(
        0.017,
        "1",
        "of what departures cost in the relaxation, above the best bound: what the steps aim at",
        "fitted: as deflection",
    )
    patience: int = constant(6, "steps", "without a better bound until the climb goes back", "fitted: as deflection")
    shorter: float = constant(0.7, "1", "factor on the length of the steps then", "fitted: as deflection")
    most_labels: int = constant(400_000_000, "labels", "(demands x arcs) a plan may price in a step", "judgement")


FORCING = ForcingRules()


def force_openings(
    network: TrunkNetwork, relaxed: Relaxation, effort: float, deadline: Deadline, progress: Progress = SILENT
) -> BoundCertificate:
    """Return the better of the relaxation's bound and the one with prices of forcing rows, with what proves it."""
    count = len(network.demand_parcels)
    if not network.arcs or not count or count * network.arcs > FORCING.most_labels:
        return relaxed.certificate
    task, state, rest = _lay_out(network, relaxed.prices, FORCING.most)
    commodities = list_commodities(network)
    steps = max(FORCING.fewest, int(effort * FORCING.steps))
    aim = FORCING.aim * _cost_departures(network, relaxed)
    best, length, stalled = -np.inf, 1.0, 0
    kept = (state.arc.copy(), state.paid.copy(), state.slope.copy())
    for step in range(steps):
        bound = rest + _send(task, state, network, commodities)
        stalled += 1
        if bound > best + _NOISE * abs(best) or step == 0:
            best, stalled = bound, 0
            kept = (state.arc.copy(), state.paid.copy(), state.slope.copy())
        elif stalled >= FORCING.patience:
            length, stalled = length * FORCING.shorter, 0
            state.arc[:], state.paid[:], state.slope[:] = kept
            bound = rest + _send(task, state, network, commodities)
        norm = lean(task, state, FORCING.deflection)
        if norm <= 0.0 or (step >= FORCING.fewest and deadline.over()):
            break
        climb(state, length * (best - bound + aim) / norm)
        progress.step(step + 1, steps, "openings")
    best -= _NOISE * abs(best)  # the noise of many small sums
    if best <= relaxed.certificate.bound:
        return relaxed.certificate
    arc, paid, _ = kept
    k, place = np.nonzero(paid > 0)
    price = paid[k, place] / task.demands.parcels[k]
    return BoundCertificate(float(best), relaxed.prices, demand=k, arc=arc[k, place], forcing_price=price)


def _cost_departures(network: TrunkNetwork, relaxed: Relaxation) -> float:
    """What the departures that the relaxation fills cost at its prices [CNY]: a bound with parcels short is no measure of a step."""
    room, _ = price_arcs(network, price_departures(network, relaxed.prices))
    used = relaxed.arc_load > 0
    return float((relaxed.arc_load[used] * room[used]).sum())


def price_payers(network: TrunkNetwork, certificate: BoundCertificate) -> Floats:
    """Price of each demand's cheapest path under the prices of a certificate, those of openings among them, (K,) [CNY/parcel]."""
    task, state, _ = _lay_out(network, certificate.prices, int(np.bincount(certificate.demand).max(initial=1)))
    place = np.arange(len(certificate.demand)) - np.searchsorted(certificate.demand, certificate.demand)
    state.arc[certificate.demand, place] = certificate.arc
    state.paid[certificate.demand, place] = certificate.forcing_price * task.demands.parcels[certificate.demand]
    _send(task, state, network, list_commodities(network))
    return state.price


def _lay_out(network: TrunkNetwork, prices: Prices, width: int) -> tuple[ForcingTask, ForcingState, float]:
    """Lay out task and state, and reckon what the bound is besides the demands' paths [CNY]."""
    departure_price = price_departures(network, prices)
    room, _ = price_arcs(network, departure_price)
    demands, commodities = list_demands(network), list_commodities(network)
    labels = label_paths(network, price_parcels(network, prices, room), commodities).price
    reach = np.minimum(labels[demands.start, commodities.of_demand], network.short_cost)
    rest = prove_bound(network, prices) - float((demands.parcels * reach).sum())
    vehicles = list_lane_vehicles(network)
    first, count = vehicles.first[network.arc_lane], np.diff(vehicles.first)[network.arc_lane]
    arc = np.repeat(np.arange(network.arcs), count)
    vehicle = np.arange(len(arc)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    price = departure_price[vehicle, network.arc_day[arc]]
    runs = np.isfinite(price)
    task = ForcingTask(
        nodes=list_nodes(network),
        arcs=list_arcs(network),
        demands=demands,
        prices=price_parcels(network, prices, np.zeros(network.arcs)),
        block=np.searchsorted(network.close_pointers, np.arange(network.nodes), side="right") - 1,
        commodity=commodities.of_demand,
        late_price=commodities.late_price,
        payer=mark_payers(network),
        first=np.searchsorted(arc[runs], np.arange(network.arcs + 1)).astype(np.int64),
        price=np.maximum(price[runs], 0.0),
        capacity=network.vehicle_capacity[vehicle[runs]],
        short_cost=float(network.short_cost),
    )
    payers = len(demands.start)
    state = ForcingState(
        arc=np.full((payers, width), -1, dtype=np.int64),
        paid=np.zeros((payers, width)),
        slope=np.zeros((payers, width)),
        path=np.full((payers, width + 1), -1, dtype=np.int64),
        room=np.zeros(network.arcs),
        holder=np.full(network.arcs, -1, dtype=np.int64),
        load=np.zeros(network.arcs),
        sorts=np.zeros(network.nodes),
        nights=np.zeros(network.nodes),
        asked=np.zeros(len(task.price)),
        own=np.zeros(network.arcs),
        used=np.zeros(network.arcs, dtype=np.bool_),
        label=np.empty(network.nodes),
        leg=np.empty(network.nodes, dtype=np.int64),
        price=np.zeros(payers),
    )
    return task, state, rest


def _send(task: ForcingTask, state: ForcingState, network: TrunkNetwork, commodities: Commodities) -> float:
    """Send every demand along its cheapest path at the prices it pays; return the price of all [CNY]."""
    share_room(task, state)
    priced = task.prices._replace(arc=task.prices.arc + state.room)
    return float(load_demands(task, state, label_paths(network, priced, commodities), priced))
