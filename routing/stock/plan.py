"""The stock plan: for each merchant and category how many units in which warehouse by which day, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Floats
from data.errors import RadarError
from data.progress import SILENT, Progress
from routing.budget import Deadline
from routing.stock.allocation import Sending, divide_units, list_allocations
from routing.stock.costs import COSTS, PathCosts, cost_paths, follow_changes, gather_zones
from routing.stock.demand import Window, choose_window, expect_demand, take_given
from routing.stock.given import GivenCosts, part_categories, place_as_given, take_given_costs
from routing.stock.items import Items, gather_items
from routing.stock.lead_times import measure_delay
from routing.stock.level import LEVELS, UnitCosts, pay_off, set_targets
from routing.stock.model import LocationPlan, LocationProblem
from routing.stock.on_hand import OnHand, Serving, run_down
from routing.stock.solver import solve_location
from routing.stock.spread import Spread

CUBE, WAYBILLS, SOURCING = "merchant_forecasts", "waybills", "sourcing"
TABLES = (
    "sales", "merchants", "warehouses", "hubs", "regions", "lanes", "vehicle_types", "events",
    "stock", "lane_vehicles", "courier_rates", "network_changes", "stock_receipts", "categories", "items",
    "stock_demand", "sourcing_costs",
)  # fmt: skip
_REQUIRED = TABLES[:8]
_REQUIRED_OF_GIVEN = ("merchants", "warehouses", "hubs", "regions")
_OPTIMAL_GAP = 1e-4


@dataclass(frozen=True, slots=True)
class StockOptions:
    """What a planner sets for a stock plan.

    Attributes
    ----------
    first, last
        Days to stock for; None takes the shopping events that begin within 30 days.
    as_of
        Last day of sales that is known; None takes the last in the table.
    on_shelf
        Day by which goods can be sold; None takes the first day to stock for.
    confidence
        Probability with which goods are there in time, lead times as waybills show them; None takes the lanes' hours.
    service_level
        Probability with which the stock of an item suffices; None takes what the pay-off of a unit sets.
    from_home
        Whether units leave from home as today where that costs less or there is no room.
    short_cost
        Price put on a unit for which there is no room [CNY/unit].
    day_cost
        Worth of a day on which a buyer waits [CNY/unit/day].
    putaway_days
        Days a warehouse needs from arrival until stock can be sold [days].
    most_zones
        Buyers' zones at most; more regions are gathered.
    effort
        How much is searched, in nodes of branch and bound; 1 is the ordinary one.
    time_limit
        Emergency brake: seconds after which the best plan so far is the plan, and said to be cut short.
    """

    first: date | None = None
    last: date | None = None
    as_of: date | None = None
    on_shelf: date | None = None
    confidence: float | None = None
    service_level: float | None = 0.9
    from_home: bool = False
    short_cost: float = 20.0
    day_cost: float = 0.5
    putaway_days: int = 2
    most_zones: int = COSTS.most_zones
    effort: float = 1.0
    time_limit: float = 600.0

    def __post_init__(self) -> None:
        if self.service_level is not None and not 0 < self.service_level < 1:
            raise RadarError(f"service level {self.service_level}", "a share between 0 and 1", "set --service-level")
        if self.confidence is not None and not 0 < self.confidence < 1:
            raise RadarError(f"a confidence of {self.confidence}", "a share between 0 and 1", "set --confidence")
        if not self.time_limit > 0:
            raise RadarError(f"a time limit of {self.time_limit} s", "more than 0 seconds", "set --time-limit")
        if not 0 < self.effort < float("inf"):
            raise RadarError(f"an effort of {self.effort}", "a number above 0; 1 is the ordinary one", "set --effort")
        for name in ("short_cost", "day_cost", "putaway_days", "most_zones"):
            if getattr(self, name) < (1 if name == "most_zones" else 0):
                raise RadarError(f"{name} {getattr(self, name)}", "no negative number", f"correct {name}")


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


@dataclass(frozen=True, slots=True)
class StockTask:
    """What a stock plan is made from, as arrays.

    Attributes
    ----------
    window
        Days the stock is for.
    as_of
        Last day known.
    items
        Demand and stock at hand by merchant and category.
    zones
        region_id, zone, hub_ids: which regions each zone gathers.
    path_costs
        Costs and hours between hubs.
    problem
        The location problem over families and zones.
    rent
        Storage of a unit in each warehouse until the event, shape (W,) [CNY/unit].
    costs
        What a unit costs by item, zone and warehouse.
    on_hand
        Stock on the first day of the event.
    """

    window: Window
    as_of: date
    items: Items
    zones: pl.DataFrame
    path_costs: PathCosts
    problem: LocationProblem
    rent: Floats
    costs: UnitCosts
    on_hand: OnHand


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
    solved = solve_location(problem, effort=options.effort, deadline=deadline)
    progress.step(3, 4, "writing reasons")
    units = divide_units(items, solved.units.reshape(len(items.leaders()), len(items.zones), len(items.sites)))
    lost = ~np.isfinite(task.costs.home) if options.from_home else np.ones_like(items.target, dtype=np.bool_)
    if options.from_home:
        units, solved = _leave_small_lots(task, units, solved, lost)
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
            task.rent,
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
        _cost_as_today(items, path_costs, options),
        task.on_hand,
        round(float((np.maximum(items.expected - units.sum(axis=2), 0.0) * ~lost).sum())),
    )


def _leave_small_lots(
    task: StockTask, units: Floats, solved: LocationPlan, lost: NDArray[np.bool_]
) -> tuple[Floats, LocationPlan]:
    """Leave at home what is sent to a warehouse in a lot too small for it; what home cannot serve goes all the same."""
    items, problem = task.items, task.problem
    send = np.maximum(units.sum(axis=1) - items.there, 0.0)  # (I, W)
    small = (send > 0) & (send < items.lot[:, None])
    if not small.any():
        return units, solved
    kept = units.copy()
    for i, w in np.argwhere(small).tolist():
        over = send[i, w]
        for z in np.argsort(-units[i, :, w], kind="stable").tolist():
            less = 0.0 if lost[i, z] else min(over, kept[i, z, w])
            kept[i, z, w] -= less
            over -= less
    groups = np.zeros((len(items.leaders()), *kept.shape[1:]))
    np.add.at(groups, items.family, kept)
    flat = groups.reshape(-1, kept.shape[2])
    return kept, LocationPlan(flat, problem.reckon(flat), solved.lower_bound)


def read_task(
    tables: Mapping[str, pl.DataFrame],
    options: StockOptions,
    *,
    hub_prices: Mapping[str, float] | None = None,
    progress: Progress = SILENT,
) -> StockTask:
    """Read the tables into the task of a stock plan; parameters and errors as of :func:`plan_stock`."""
    frames = _gather(tables)
    as_of = options.as_of or _find_last_day(frames, options)
    window = choose_window(frames["events"], as_of, options.first, options.last)
    if options.on_shelf is not None and not as_of < options.on_shelf <= window.first:
        raise RadarError(
            f"goods on the shelf by {options.on_shelf}",
            f"a day after {as_of} and not after {window.first}, the first they are for",
            "correct --on-shelf",
        )
    progress.step(0, 4, "expecting demand")
    given = not frames["stock_demand"].is_empty()
    if given:
        demand, spread = take_given(frames["stock_demand"], frames["merchants"], window), Spread()
    else:
        demand, spread = expect_demand(tables[CUBE], frames["sales"], frames["events"], window, as_of=as_of)
    progress.step(1, 4, "costing paths")
    moved = follow_changes(frames["network_changes"], window.first)
    path_costs = cost_paths(
        *(frames[name] for name in ("hubs", "lanes", "vehicle_types", "lane_vehicles", "courier_rates"))
    )
    if options.confidence is not None and WAYBILLS in tables:
        delay = measure_delay(tables[WAYBILLS], path_costs, options.confidence)
        path_costs = replace(path_costs, bulk_hours=path_costs.bulk_hours * delay)
    totals = dict(demand.group_by("region_id").agg(pl.col("expected").sum()).iter_rows())
    most_zones = max(options.most_zones, len(totals)) if given else options.most_zones
    zones = gather_zones(frames["regions"], frames["hubs"], totals, most_zones)
    on_hand = run_down(
        *(frames[name] for name in ("stock", "stock_receipts", "sales")),
        as_of=as_of,
        first=window.first,
        serving=_find_serving(tables, frames),
    )
    goods = (frames["categories"], frames["items"])
    items = gather_items(demand, zones, frames["warehouses"], on_hand.stock, path_costs, moved, as_of, goods)
    costs = _cost_units(items, frames["warehouses"], path_costs, window, options, hub_prices or {})
    if not frames["sourcing_costs"].is_empty():
        items = part_categories(items)
        told = GivenCosts(frames["sourcing_costs"], zones, totals, options.day_cost)
        costs = take_given_costs(costs, items, told, path_costs)
    items = place_as_given(items) if given else _set_targets(items, costs, spread, options)
    problem = _pose(items, frames["warehouses"], costs, options)
    return StockTask(window, as_of, items, zones, path_costs, problem, costs.rent, costs, on_hand)


def _find_serving(tables: Mapping[str, pl.DataFrame], frames: Mapping[str, pl.DataFrame]) -> Serving | None:
    """Where orders leave from today, if anything is known of it."""
    sourcing = tables.get(SOURCING)
    if sourcing is None or sourcing.is_empty():
        return None
    return Serving(sourcing, frames["merchants"], frames["warehouses"])


def _find_last_day(frames: Mapping[str, pl.DataFrame], options: StockOptions) -> date:
    """Last day known: of the sales, else of the counts of stock, else the day before the first to stock for."""
    days = (frames["sales"].select(pl.col("date").max()).item(), frames["stock"].select(pl.col("as_of").max()).item())
    first = None if options.first is None else options.first - timedelta(days=1)
    known = next((day for day in (days[0], days[1] if first is None else first) if isinstance(day, date)), None)
    if known is None:
        raise RadarError(
            "no day up to which anything is known", "sales, a count of stock, or days", "set --from and --to"
        )
    return known


def _gather(tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    from data.contracts import contract

    asked = tables.get("stock_demand")
    for name in _REQUIRED if asked is None or asked.is_empty() else _REQUIRED_OF_GIVEN:
        if name not in tables or (tables[name].is_empty() and name != "events"):
            raise RadarError(f"the table {name} is empty", "rows to plan stock from", f"run `radar load {name} FILE`")
    return {name: contract(name).conform(tables[name]) if name in tables else contract(name).empty() for name in TABLES}


def _cost_units(
    items: Items,
    warehouses: pl.DataFrame,
    path_costs: PathCosts,
    window: Window,
    options: StockOptions,
    hub_prices: Mapping[str, float],
) -> UnitCosts:
    """Cost a unit of each item from home and from each warehouse, what a hub's relief is worth in it."""
    price = np.array([hub_prices.get(hub, 0.0) for hub in path_costs.hub_ids])
    relief = _relieve(items, price)  # (H, Z)
    per_parcel = items.units_per_parcel[:, None]
    days = items.reach(path_costs.hours) / 24.0
    sent = items.reach(path_costs.parcel) + relief
    home = sent[items.home] / per_parcel + options.day_cost * days[items.home]
    site = items.site_hub
    rent = _rent_of(warehouses, window, options)
    bulk = path_costs.bulk[items.home][:, site]
    closed = ~np.isfinite(bulk) | ~items.site_open
    inbound = np.where(closed, 0.0, bulk) * items.places[:, None]  # no path stays no path for goods that take no room
    ahead = sent[site].T[None] / per_parcel[:, :, None] + (options.day_cost * days[site]).T[None] + rent
    return UnitCosts(
        home=home,
        ahead=np.where(closed[:, None, :], np.inf, ahead),
        inbound=inbound,
        rent=rent,
        relief=relief[site].max(initial=0.0) / items.units_per_parcel,
        daily=warehouses.sort("warehouse_id")["storage_cost"].cast(pl.Float64).fill_null(0.0).to_numpy(),
    )


def _set_targets(items: Items, costs: UnitCosts, spread: Spread, options: StockOptions) -> Items:
    """Set what is to stand ready of each item: at the level its pay-off sets (all ahead: no less than is expected), or at the one forced."""
    level, best = pay_off(costs, items.left_over, options.short_cost)
    if not options.from_home:
        level = np.maximum(level, LEVELS.all_ahead)
    targets = set_targets(items.mean, level, best, items.cv, spread, forced=options.service_level)
    return replace(items, target=targets.units, level=targets.level)


def _pose(items: Items, warehouses: pl.DataFrame, costs: UnitCosts, options: StockOptions) -> LocationProblem:
    """Pose the location problem over families x zones; group k is family k // Z and zone k % Z."""
    places = warehouses.sort("warehouse_id")
    lead, n_zones = items.leaders(), len(items.zones)
    per_parcel = items.units_per_parcel[lead]
    demand, there = np.zeros((len(lead), n_zones)), np.zeros((len(lead), len(items.sites)))
    np.add.at(demand, items.family, items.target)
    np.add.at(there, items.family, items.there)
    lost = options.short_cost + np.broadcast_to(costs.relief[lead, None], demand.shape)
    home = costs.home[lead]
    storage = places["storage_capacity"].to_numpy().astype(float) - items.others
    return LocationProblem(
        demand=demand.reshape(-1),
        cost=costs.ahead[lead].reshape(-1, len(items.sites)),
        load=np.repeat(items.peak_share[lead] / per_parcel, n_zones),
        short_cost=(np.where(np.isfinite(home), home, lost) if options.from_home else lost).reshape(-1),
        family=np.repeat(np.arange(len(lead)), n_zones),
        inbound=costs.inbound[lead],
        there=there,
        storage=np.maximum(storage, 0.0),
        dispatch=places["dispatch_capacity"].cast(pl.Float64).fill_null(np.inf).to_numpy(),
        opening=places["opening_cost"].fill_null(0.0).to_numpy(),
    )


def _relieve(items: Items, price: Floats) -> Floats:
    """Price of the hub a parcel is handed in at, shape (H, Z) [CNY/parcel].

    Buyers behind that same hub load it wherever their parcels come from: for them it is no reason.
    """
    relief: Floats = price[:, None] * (1.0 - items.zone_weight.T)
    return relief


def _rent_of(warehouses: pl.DataFrame, window: Window, options: StockOptions) -> Floats:
    """Storage of a unit in each warehouse, from put away to the middle of the event [CNY/unit]."""
    daily: Floats = warehouses.sort("warehouse_id")["storage_cost"].fill_null(0.0).to_numpy()
    return daily * (options.putaway_days + window.days / 2)


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


def _cost_as_today(items: Items, path_costs: PathCosts, options: StockOptions) -> float | None:
    """Cost of the same units sent from the hubs where the merchants are today, without storage."""
    parcel, days = (
        items.reach(path_costs.parcel)[items.home],
        items.reach(path_costs.hours)[items.home] / 24.0,
    )  # (I, Z)
    # nothing wanted where no path leads is no cost
    with np.errstate(invalid="ignore"):
        cost = items.target * (parcel / items.units_per_parcel[:, None] + options.day_cost * days)
    total = float(np.where(items.target > 0, cost, 0.0).sum())
    return total if np.isfinite(total) else None
