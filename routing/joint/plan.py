"""The joint plan: where stock stands and what the trunk carries, decided together, beside its rivals, with a bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from data.arrays import Floats
from data.progress import SILENT, Progress
from routing.budget import Deadline
from routing.joint.relief import list_relieved, use_in_parts
from routing.joint.solution import JOINT, JointInputs, JointSolution, SolveRules, solve
from routing.joint.whole import ROUTE, WholePlan
from routing.stock.on_hand import OnHand
from routing.stock.options import StockOptions
from routing.stock.task import read_task
from routing.trunk.plan import TrunkPlan, plan_trunk
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from routing.trunk.task.network import TrunkNetwork


@dataclass(frozen=True, slots=True)
class Rival:
    """A plan of the comparison, through the same programme.

    Attributes
    ----------
    name
        ``joint``, ``one pass`` (stock planned alone, then the trunk) or ``nothing ahead``.
    cost
        Trunk in parts of vehicles, and stock [CNY]; short parcels not priced.
    short
        Parcels not carried.
    """

    name: str
    cost: float
    short: float


@dataclass(frozen=True, slots=True)
class JointPlan:
    """A joint plan as tables without run_id, with what is proven of it.

    Attributes
    ----------
    whole
        The stock's side.
    trunk
        The trunk's plan of what is left to carry, in whole vehicles.
    route_prices
        date, origin_hub_id, destination_hub_id, price.
    bound_prices
        Prices that prove the bounds of the trunk's plan and of the joint one.
    certificates
        Rows of ``plan_certificates``: trunk, stock and joint.
    rivals
        The comparison, cheapest first; the first is what was made whole.
    relieved
        date, hub_id, before, after [share of sorting capacity] of hub-days at 80 % or more relieved by 5 points or more, most first;
        parcels short count at the hub they wait at.
    bound
        No plan for this demand and these movable orders, one share a region, costs less [CNY], short parcels at ``JOINT.short_price``.
    least_short
        Parcels that stay short whatever is moved.
    movable, cut
        Parcels merchants let move, and those beyond what their routes carry.
    first, last
        Days the stock is for.
    as_of
        Last day of sales known.
    on_hand
        What of the stock counted is there on the first day.
    full
        Warehouses that have no room on the first day.
    short_price
        Price of a parcel not carried, in the certificates' costs and bounds [CNY/parcel].
    """

    whole: WholePlan
    trunk: TrunkPlan
    route_prices: pl.DataFrame
    bound_prices: pl.DataFrame
    certificates: pl.DataFrame
    rivals: tuple[Rival, ...]
    relieved: pl.DataFrame
    bound: float
    least_short: float
    movable: float
    cut: float
    first: date
    last: date
    as_of: date
    on_hand: OnHand
    full: tuple[str, ...]
    short_price: float


def plan_joint(
    inputs: JointInputs,
    stock_options: StockOptions,
    trunk_options: TrunkOptions,
    progress: Progress = SILENT,
) -> JointPlan:
    """Plan stock and trunk together.

    Parameters
    ----------
    inputs
        The tables.
    stock_options, trunk_options
        What the planner sets for each.
    progress
        Told how far it is.

    Returns
    -------
    JointPlan
        Whole units and whole vehicles; never worse than nothing ahead or one pass, all judged by one programme.

    Raises
    ------
    RadarError
        For tables that contradict each other, or when the programme is not solved in time.
    """
    deadline = Deadline(trunk_options.time_limit, trunk_options.clock)
    tables = dict(inputs.trunk)
    progress.step(0, 6, "reading")
    # without a price of lateness parcels are told apart by destination alone: a programme of a tenth the size, and a bound all the same
    short_cost = max(JOINT.short_price, trunk_options.short_cost)
    network = build_network(TrunkInputs.gather(tables), replace(trunk_options, short_cost=short_cost, late_cost=0.0))
    task = read_task(inputs.stock, stock_options)
    carried: dict[str, tuple[WholePlan, TrunkPlan]] = {}

    def carry_best(known: JointSolution) -> None:
        name = known.ranked[0]
        if name not in carried:
            progress.step(4, 6, "whole vehicles")
            placed = known.make_whole(name)
            carried[name] = (placed, carry_rest(placed, tables, trunk_options, progress))

    solution = solve(
        network,
        task,
        inputs,
        stock_options,
        deadline,
        rules=SolveRules(short_price=trunk_options.short_cost, meanwhile=carry_best),
        progress=progress,
    )
    carry_best(solution)  # anew only where one pass costs no more than what was best before it was known
    whole, trunk = carried[solution.ranked[0]]
    chosen = solution.answers[solution.ranked[0]]
    return JointPlan(
        whole=whole,
        trunk=trunk,
        route_prices=_write_prices(network, chosen.route_price),
        bound_prices=_join_proofs(trunk, solution, tables["route_demand"]),
        certificates=_certify(trunk, whole, solution),
        rivals=tuple(
            Rival(name, solution.answers[name].cost, solution.answers[name].short) for name in solution.ranked
        ),
        relieved=list_relieved(
            use_in_parts(network, solution.answers["nothing ahead"].asked), use_in_parts(network, chosen.asked)
        ),
        bound=solution.bound,
        # moved parcels are rounded to whole ones, which may move a few more than the programme's shares do
        least_short=min(solution.least_short, float(trunk.short)),
        movable=solution.movable.listed,
        cut=solution.movable.cut,
        first=task.window.first,
        last=task.window.last,
        as_of=task.as_of,
        on_hand=task.on_hand,
        full=task.full_sites,
        short_price=trunk_options.short_cost,
    )


def carry_rest(
    whole: WholePlan, tables: Mapping[str, pl.DataFrame], options: TrunkOptions, progress: Progress = SILENT
) -> TrunkPlan:
    """Plan whole vehicles for what a plan of the stock leaves to be carried."""
    demand = whole.demand.filter(pl.col("parcels") > 0).select(*ROUTE, "parcels")
    return plan_trunk(TrunkInputs.gather({**tables, "route_demand": demand}), options, progress)


def _write_prices(network: TrunkNetwork, price: Floats) -> pl.DataFrame:
    day, start, end = np.nonzero(np.isfinite(price))
    names = np.array(network.hub_ids, dtype=object)
    return pl.DataFrame(
        {
            "date": pl.Series([network.day(d) for d in day.tolist()], dtype=pl.Date),
            "origin_hub_id": pl.Series(names[start].tolist(), dtype=pl.String),
            "destination_hub_id": pl.Series(names[end].tolist(), dtype=pl.String),
            "price": np.round(price[day, start, end], 6) + 0.0,
        }
    ).sort(ROUTE)


def _join_proofs(trunk: TrunkPlan, solution: JointSolution, demand: pl.DataFrame) -> pl.DataFrame:
    """Prices that prove the trunk's bound and, where there are any, the joint one's; hours of hand-in are not in the split demand."""
    own = trunk.bound_prices
    timed = "ready_at" in demand.columns and demand["ready_at"].is_not_null().any()
    if solution.proof is None or timed:
        return own
    return pl.concat([own, solution.proof.prices], how="diagonal_relaxed")


def _certify(trunk: TrunkPlan, whole: WholePlan, solution: JointSolution) -> pl.DataFrame:
    """Certificates of the trunk, the stock and both."""
    own = trunk.plan_certificates
    network = solution.model.network
    last_day = network.day(network.days - 1)
    row = own.row(0, named=True)
    cost = float(row["cost"]) + whole.cost
    lower = min(solution.bound_at_own_price, cost)
    gap = 0.0 if cost == 0 else (cost - lower) / cost
    status = "shortfalls" if trunk.short else "optimal" if gap <= JOINT.optimal else "feasible"
    joint = {
        "plan": "joint", "status": status, "cost": cost, "lower_bound": lower, "gap": gap, "violations": 0,
        "parcels_demanded": row["parcels_demanded"], "parcels_planned": row["parcels_planned"],
        "parcels_short": row["parcels_short"], "ended_by": row["ended_by"], "last_day": last_day,
    }  # fmt: skip
    if solution.proof is not None:
        joint["priced_bound"] = min(solution.proof.bound, lower)
    stock = {
        "plan": "stock", "status": "feasible", "cost": whole.cost, "lower_bound": min(whole.cost, 0.0), "violations": 0,
        "gap": 0.0 if whole.cost == 0 else (whole.cost - min(whole.cost, 0.0)) / whole.cost,
        "parcels_demanded": whole.units, "parcels_planned": whole.units, "parcels_short": 0, "ended_by": "effort",
    }  # fmt: skip
    return pl.concat([own, pl.DataFrame([stock, joint], infer_schema_length=None)], how="diagonal_relaxed")
