"""The joint programme solved: shares and units, what they cost, and the prices that prove it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from data.arrays import Floats
from data.constants import constant
from data.errors import RadarError
from routing.budget import Deadline
from routing.joint.entries import list_entries
from routing.joint.master import JointModel
from routing.solvers import LinearModel, Solution, solve_linear
from routing.trunk.task.network import TrunkNetwork

_SOLVER = "GLOP"  # measured on the sample by days: 4 CPU seconds where the simplex of HiGHS takes 17


@dataclass(frozen=True)
class ProgrammeRules:
    """By which method the joint programme is solved, by its size."""

    most_columns: int = constant(
        250_000,
        "columns",
        "solved as one programme; beyond, rounds of route prices",
        "judgement: 115,000 take 34 CPU seconds",
    )
    most_simplex: int = constant(
        80_000,
        "columns",
        "solved by the simplex; beyond, by an interior point",
        "fitted: the sample by days and by sorts; the simplex takes 4 to 8 CPU seconds for 43,000 columns and 60 for 115,000",
    )
    safe: float = constant(1e-6, "1", "of a bound that rounding of an interior point's prices may take", "judgement")
    rounding: float = constant(1e-9, "1", "of a bound that rounding of the simplex's prices may take", "judgement")


PROGRAMME = ProgrammeRules()


@dataclass(frozen=True, slots=True)
class JointAnswer:
    """Answer of the programme for shares free or given.

    Attributes
    ----------
    share : (X,)
    value
        What was minimised, short parcels at their price [CNY].
    trunk_cost, stock_cost
        Its parts without the price of short parcels [CNY].
    short
        Parcels not carried.
    bound
        No joint plan has a lower value [CNY].
    route_price : (D, H, H)
        Dual of one parcel handed in [CNY/parcel]; nan where the route is no row.
    asked : (D, H) [parcels]
        What is asked of the hubs: what they sort, and parcels not carried at the hub they wait at.
    trunk_price : (rows of the trunk)
        Duals of the trunk's rows, what rounds of route prices are made of.
    duals : (rows)
        Of all rows.
    seconds
        CPU seconds of the thread that solved it.
    """

    share: Floats
    value: float
    trunk_cost: float
    stock_cost: float
    short: float
    bound: float
    route_price: Floats
    asked: Floats
    trunk_price: Floats
    duals: Floats
    seconds: float

    @property
    def cost(self) -> float:
        """Trunk and stock, short parcels not priced [CNY]."""
        return self.trunk_cost + self.stock_cost


def solve_joint(model: JointModel, deadline: Deadline, *, share: Floats | None = None) -> JointAnswer:
    """Solve the programme, with the shares free or as given.

    Raises
    ------
    RadarError
        When the time limit ends before the programme is solved.
    """
    lower, upper = model.lower, model.upper
    if share is not None:
        lower, upper = lower.copy(), upper.copy()
        at = slice(model.first_share, model.first_brought)
        lower[at] = upper[at] = share
    began = time.thread_time()
    found = _solve(LinearModel(model.cost, model.matrix, model.low, model.high, lower, upper), deadline)
    spent = time.thread_time() - began
    if found.values is None or found.duals is None:
        raise RadarError(
            "the joint plan of stock and trunk is not solved within its time",
            f"about {model.columns:,} columns to be solved",
            "give more --time-limit, or plan fewer days",
        )
    values = found.values
    trunk = slice(0, model.first_share)
    at = slice(model.first_share, model.first_brought)
    short = float(values[model.short_columns].sum())
    price = float(model.cost[model.short_columns] @ values[model.short_columns])
    return JointAnswer(
        share=np.clip(values[at], 0.0, 1.0),
        value=found.objective,
        trunk_cost=float(model.cost[trunk] @ values[trunk]) - price,
        stock_cost=float(model.cost[model.first_share :] @ values[model.first_share :]),
        short=short,
        bound=found.bound,
        route_price=_read_prices(model, found.duals),
        asked=_read_loads(model, values),
        trunk_price=found.duals[: model.trunk.matrix.shape[0]],
        duals=found.duals,
        seconds=spent,
    )


def solve_at_price(model: JointModel, short_price: float | None, deadline: Deadline) -> tuple[float, Floats | None]:
    """Prove a bound with short parcels at another price, or, at None, the fewest parcels that stay short whatever is moved.

    Returns
    -------
    bound
    duals : (rows) or None
        None where the time ended before there were any.
    """
    cost = np.zeros(model.columns) if short_price is None else model.cost.copy()
    cost[model.short_columns] = 1.0 if short_price is None else short_price
    found = _solve(LinearModel(cost, model.matrix, model.low, model.high, model.lower, model.upper), deadline)
    return max(found.bound, 0.0) if short_price is None else found.bound, found.duals


def _solve(linear: LinearModel, deadline: Deadline) -> Solution:
    """Solve by the simplex, or, where that grows out of proportion, by an interior point; the bound is on the safe side."""
    large = len(linear.cost) > PROGRAMME.most_simplex
    found = solve_linear(linear, deadline=deadline, solver=_SOLVER, interior=large)
    safe = (
        found.bound - (PROGRAMME.safe if large else PROGRAMME.rounding) * abs(found.bound) if found.optimal else -np.inf
    )
    return replace(found, bound=safe)


def _read_prices(model: JointModel, duals: Floats) -> Floats:
    network = model.network
    entries = list_entries(network)
    number = np.full((network.days, network.hubs, network.hubs), -1, dtype=np.int64)
    number[network.demand_day, network.demand_origin, network.demand_destination] = entries.commodity
    # a route nothing is asked on yet takes the commodity of its destination and day from any other origin
    number = np.where(number >= 0, number, number.max(axis=1)[:, None, :])
    prices = np.full(number.shape, np.nan)
    day, start, end = np.nonzero((number >= 0) & (entries.node >= 0)[:, :, None])
    prices[day, start, end] = duals[number[day, start, end] * network.nodes + entries.node[day, start]]
    return prices


def _read_loads(model: JointModel, values: Floats) -> Floats:
    network, moves = model.network, model.trunk.moves
    sorted_here = ~(moves.leg >= network.arcs)
    flow = values[: len(moves.tail)]
    loads = np.bincount(moves.tail[sorted_here], flow[sorted_here], network.nodes).astype(np.float64)
    loads += np.bincount(model.short_nodes, values[model.short_columns], network.nodes)
    return sum_by_day(network, loads)


def sum_by_day(network: TrunkNetwork, values: Floats) -> Floats:
    """Add values of nodes (N,) up by day and hub, shape (D, H); nodes beyond the plan's days, and of what is sorted already, are left out."""
    total = np.zeros((network.days, network.hubs))
    inside = (network.node_day >= 0) & (network.node_day < network.days) & ~network.node_staged
    np.add.at(total, (network.node_day[inside], network.node_hub[inside]), values[inside])
    return total
