"""The trunk plan: bound, start, improvement, feasibility, and the tables that tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from data.progress import SILENT, Progress
from routing.fleet import Vehicles, choose_vehicles
from routing.flows import Flows, Loads, load_network, round_parcels
from routing.inputs import Deadline, TrunkInputs, TrunkOptions
from routing.network import Floats, TrunkNetwork, build_network
from routing.pool import PathPool, Room, assign_paths, gather_pool, use_paths
from routing.records import (
    last_day,
    write_certificate,
    write_demand,
    write_departures,
    write_flows,
    write_hub_loads,
    write_shortfalls,
)
from routing.relaxation import Relaxation, price_options, price_runs, relax_network

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class TrunkPlan:
    """A plan as tables (by their contracts, without run_id), with its proof.

    Attributes
    ----------
    route_demand, trunk_departures, trunk_flows, hub_loads, shortfalls, plan_certificates
        The result tables.
    hub_prices
        date, hub_id, price [CNY/parcel]: what one more parcel of sort capacity would save.
    cost, lower_bound
        [CNY]
    short
        Parcels not carried.
    last_day
        ISO date by which everything is done.
    """

    route_demand: pl.DataFrame
    trunk_departures: pl.DataFrame
    trunk_flows: pl.DataFrame
    hub_loads: pl.DataFrame
    shortfalls: pl.DataFrame
    plan_certificates: pl.DataFrame
    hub_prices: pl.DataFrame
    cost: float
    lower_bound: float
    short: int
    last_day: str

    def tables(self) -> Mapping[str, pl.DataFrame]:
        """Result tables by name."""
        names = ("route_demand", "trunk_departures", "trunk_flows", "hub_loads", "shortfalls", "plan_certificates")
        return {name: getattr(self, name) for name in names}

    def with_violations(self, violations: int) -> TrunkPlan:
        """Return the plan with the checker's count in its certificate."""
        import polars as pl

        certificate = self.plan_certificates.with_columns(violations=pl.lit(violations, pl.Int64))
        return replace(self, plan_certificates=certificate)

    def tell(self) -> str:
        """Cost, proof and shortfall in a few words."""
        gap = self.plan_certificates["gap"][0]
        told = f"cost {self.cost:,.0f} CNY, proven within {gap:.2%} of the best"
        return f"{told}, {self.short:,} parcels short" if self.short else told


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan in arrays: feasible, with its cost."""

    flows: Flows
    loads: Loads
    vehicles: Vehicles

    @property
    def cost(self) -> float:
        """Cost of vehicles, carriage, handling, holding and shortfall [CNY]."""
        return self.vehicles.cost + self.loads.cost


def plan_trunk(inputs: TrunkInputs, options: TrunkOptions, progress: Progress = SILENT) -> TrunkPlan:
    """Plan paths and whole vehicles of least cost, with a proven lower bound.

    Parameters
    ----------
    inputs
        Tables of the task.
    options
        Costs, time limit, seed.
    progress
        Told the phase, the incumbent and the bound.

    Returns
    -------
    TrunkPlan
        Always: what cannot be carried stands in ``shortfalls`` with its reason.

    Raises
    ------
    RadarError
        For tables that contradict each other.
    """
    deadline = Deadline(options.time_limit, options.clock)
    network = build_network(inputs, options)
    relaxed = relax_network(network, steps=300, seed=options.seed, deadline=deadline, progress=progress)
    draft = draft_plan(network, relaxed, deadline)
    return write_plan(network, draft, relaxed)


def draft_plan(network: TrunkNetwork, relaxed: Relaxation, deadline: Deadline) -> Draft:
    """Make a feasible plan from the ways of the relaxation: linear programme, vehicles, parcels within their room."""
    pool = gather_pool(network, relaxed.samples)
    room_price, _ = price_runs(network, price_options(network, relaxed.prices))
    anywhere = _room(network, np.zeros(network.runs), room_price)
    assigned = assign_paths(network, pool, _asked(network), anywhere, seconds=deadline.left())
    use = use_paths(network, pool)
    load = use.runs @ assigned.parcels if assigned is not None else relaxed.run_load
    vehicles, _, _ = choose_vehicles(network, load, seconds=deadline.left() / 2)
    return fit_parcels(network, pool, vehicles, deadline)


def fit_parcels(network: TrunkNetwork, pool: PathPool, vehicles: Vehicles, deadline: Deadline) -> Draft:
    """Put whole parcels into the vehicles' room, then choose the vehicles anew for what is really loaded."""
    room = _room(network, vehicles.room, np.full(network.runs, np.inf))
    assigned = assign_paths(network, pool, _asked(network), room, seconds=max(1.0, deadline.left()))
    parcels = assigned.parcels if assigned is not None else np.zeros(len(pool))
    flows = round_parcels(network, pool, parcels, network.demand_parcels, (vehicles.room, room.sorts, room.nights))
    loads = load_network(network, flows)
    fewer, _, _ = choose_vehicles(network, loads.runs, seconds=max(1.0, deadline.left() / 2))
    holds = not fewer.short.any()
    return Draft(flows, loads, fewer if holds and fewer.cost <= vehicles.cost else vehicles)


def _asked(network: TrunkNetwork) -> Floats:
    return network.demand_parcels.astype(np.float64)


def _room(network: TrunkNetwork, runs: Floats, extra_price: Floats) -> Room:
    sorts, nights = network.sort_capacity.ravel(), network.buffer_capacity.ravel()
    return Room(runs, sorts, nights, extra_price, np.full(network.runs, np.inf))


def write_plan(network: TrunkNetwork, draft: Draft, relaxed: Relaxation) -> TrunkPlan:
    """Write the tables of a draft."""
    short = draft.flows.short(network)
    total = int(short.sum())
    return TrunkPlan(
        route_demand=write_demand(network),
        trunk_departures=write_departures(network, draft.vehicles, draft.loads.runs),
        trunk_flows=write_flows(network, draft.flows),
        hub_loads=write_hub_loads(network, draft.loads),
        shortfalls=write_shortfalls(network, short, {}),
        plan_certificates=write_certificate(draft.cost, relaxed.bound, int(network.demand_parcels.sum()), total),
        hub_prices=_list_prices(network, relaxed),
        cost=draft.cost,
        lower_bound=relaxed.bound,
        short=total,
        last_day=last_day(network),
    )


def _list_prices(network: TrunkNetwork, relaxed: Relaxation) -> pl.DataFrame:
    import polars as pl

    node = np.flatnonzero(relaxed.prices.sort > 1e-9)
    return pl.DataFrame(
        {
            "date": pl.Series([network.day(n // network.hubs) for n in node.tolist()], dtype=pl.Date),
            "hub_id": pl.Series([network.hub_ids[n % network.hubs] for n in node.tolist()], dtype=pl.String),
            "price": relaxed.prices.sort[node],
        }
    )
