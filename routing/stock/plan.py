"""The stock plan: for each merchant and category how many units in which warehouse by which day, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Floats
from data.progress import SILENT, Progress
from routing.budget import Deadline
from routing.stock.allocation import Sending, divide_units, list_allocations
from routing.stock.demand import Window
from routing.stock.items import Items
from routing.stock.level import UnitCosts
from routing.stock.model import LocationPlan
from routing.stock.on_hand import OnHand
from routing.stock.options import StockOptions
from routing.stock.solver import solve_location
from routing.stock.task import StockTask, read_task

_OPTIMAL_GAP = 1e-4


@dataclass(frozen=True, slots=True)
class StockPlan:
    """A stock plan and what is proven of it.

    Attributes
    ----------
    allocations
        Rows of ``stock_allocations`` without run_id.
    certificate
        Row of ``plan_certificates`` without run_id; its three counts are units.
    shortages
        merchant_id, category, units, full: what found no place, and the warehouses that are full.
    window
        Days the stock is for.
    as_of
        Last day the plan knew.
    short_cost
        Price of all units without room, as the cost holds it [CNY].
    on_hand
        What of the stock counted is there on the first day.
    at_home
        Units expected that leave from home as today, because that costs less or no warehouse has room.
    cost_today
        Cost of the same demand sent from where the merchants ship today [CNY], None where a hub reaches not all buyers.
    full
        Warehouses that have no room on the first day.
    """

    allocations: pl.DataFrame
    certificate: pl.DataFrame
    shortages: pl.DataFrame
    window: Window
    as_of: date
    short_cost: float
    cost_today: float | None
    on_hand: OnHand
    at_home: int = 0
    full: tuple[str, ...] = ()


def plan_stock(
    tables: Mapping[str, pl.DataFrame],
    options: StockOptions | None = None,
    *,
    hub_prices: Mapping[str, float] | None = None,
    progress: Progress = SILENT,
) -> StockPlan:
    """Plan where merchants' stock should stand before an event.

    The cost of a plan = parcels to the buyers + worth of the days they wait + bringing stock in + storage + opening +
    `hub_prices` of the parcels each hub picks up + `short_cost` of what finds no room. Warehouses hold at most their storage,
    what stands there already included, and send on the busiest day at most what they can.

    Parameters
    ----------
    tables
        Tables of ``TABLES`` by name, of which those from ``stock`` on may be absent, and the demand cube of one forecast under ``CUBE``;
        with a confidence also ``WAYBILLS``; under ``SOURCING``, if any, where orders leave from today.
    options
        What the planner sets.
    hub_prices
        Relief of a hub's load in the trunk plan, by hub_id [CNY/parcel].
    progress
        Told how far it is.

    Returns
    -------
    StockPlan
        Allocations with reasons, certificate with bound and gap, shortages.

    Raises
    ------
    RadarError
        When a table is empty, a hub unknown, or no event lies ahead.
    """
    options = options or StockOptions()
    task = read_task(tables, options, hub_prices=hub_prices, progress=progress)
    window, as_of, items, path_costs, problem = task.window, task.as_of, task.items, task.path_costs, task.problem
    progress.step(2, 4, "placing stock")
    deadline = Deadline(options.time_limit)
    units, solved, lost = place_units(task, options, deadline)
    progress.step(3, 4, "writing reasons")
    allocations, shortages = list_allocations(
        items,
        problem,
        units,
        Sending(
            path_costs,
            window,
            options.putaway_days,
            as_of,
            options.day_cost,
            task.paid,
            options.on_shelf or window.first,
        ),
        lost=lost,
        from_home=options.from_home,
    )
    short = np.maximum(problem.demand - solved.units.sum(axis=1), 0.0)
    of_group = np.zeros((len(items.leaders()), len(items.zones)), dtype=np.bool_)
    of_group[items.family] = lost
    missing = short * of_group.reshape(-1)
    return StockPlan(
        allocations,
        _certify(solved, missing, deadline.work.tell()),
        shortages,
        window,
        as_of,
        float(problem.short_cost @ missing),
        _cost_as_today(items, task.costs),
        task.on_hand,
        round(float((np.maximum(items.expected - units.sum(axis=2), 0.0) * ~lost).sum())),
        task.full_sites,
    )


def place_units(
    task: StockTask, options: StockOptions, deadline: Deadline
) -> tuple[Floats, LocationPlan, NDArray[np.bool_]]:
    """Place the units of a task at least cost.

    Returns
    -------
    units : (I, Z, W)
        Whole units of each item, for the buyers of each zone, in each warehouse.
    solved
        The same by family, with cost and bound.
    lost : (I, Z)
        Where units in no warehouse are short: home does not reach the buyers, or everything is to stand ahead.
    """
    items = task.items
    solved = solve_location(task.problem, effort=options.effort, deadline=deadline)
    units = divide_units(items, solved.units.reshape(len(items.leaders()), len(items.zones), len(items.sites)))
    lost = ~np.isfinite(task.costs.home) if options.from_home else np.ones_like(items.target, dtype=np.bool_)
    if options.from_home:
        units, solved = _leave_small_lots(task, units, solved, lost)
    return units, solved, lost


def _leave_small_lots(
    task: StockTask, units: Floats, solved: LocationPlan, lost: NDArray[np.bool_]
) -> tuple[Floats, LocationPlan]:
    """Leave at home what is sent to a warehouse in a lot too small for it; what home cannot serve goes all the same."""
    items, problem = task.items, task.problem
    send = np.maximum(units.sum(axis=1) - items.there, 0.0)  # (I, W)
    small = (send > 0) & (send < items.lot[:, None])
    if not small.any():
        return units, solved
    remaining = units.copy()
    for i, w in np.argwhere(small).tolist():
        over = send[i, w]
        for z in np.argsort(-units[i, :, w], kind="stable").tolist():
            less = 0.0 if lost[i, z] else min(over, remaining[i, z, w])
            remaining[i, z, w] -= less
            over -= less
    groups = np.zeros((len(items.leaders()), *remaining.shape[1:]))
    np.add.at(groups, items.family, remaining)
    flat = groups.reshape(-1, remaining.shape[2])
    return remaining, LocationPlan(flat, problem.reckon(flat), solved.lower_bound)


def _certify(solved: LocationPlan, missing: Floats, ended_by: str) -> pl.DataFrame:
    placed = round(solved.units.sum())
    demanded = placed + round(float(missing.sum()))
    gap = 0.0 if solved.cost == 0 else (solved.cost - solved.lower_bound) / solved.cost
    status = "shortfalls" if placed < demanded else "optimal" if gap <= _OPTIMAL_GAP else "feasible"
    return pl.DataFrame(
        {
            "plan": ["stock"],
            "status": [status],
            "cost": [solved.cost],
            "lower_bound": [solved.lower_bound],
            "gap": [gap],
            "violations": [0],
            "parcels_demanded": [demanded],
            "parcels_planned": [placed],
            "parcels_short": [demanded - placed],
            "ended_by": [ended_by],
        }
    )


def _cost_as_today(items: Items, costs: UnitCosts) -> float | None:
    """Cost of the same units sent from the hubs where the merchants are today, without storage; hubs priced as in the plan's own cost."""
    # nothing wanted where no path leads is no cost
    with np.errstate(invalid="ignore"):
        cost = items.target * costs.home
    total = float(np.where(items.target > 0, cost, 0.0).sum())
    return total if np.isfinite(total) else None
