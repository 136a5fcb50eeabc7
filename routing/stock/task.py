"""The task of a stock plan, read from the tables: demand, stock at hand, costs, and the location problem they pose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from data.arrays import Floats
from data.errors import RadarError
from data.progress import SILENT, Progress
from routing.stock.calibration import calibrate
from routing.stock.costs import PathCosts, cost_paths, days_of, follow_changes, gather_zones
from routing.stock.demand import Window, choose_window, expect_demand, take_given
from routing.stock.given import GivenCosts, part_categories, place_as_given, take_given_costs
from routing.stock.items import Items, count_in, gather_items
from routing.stock.lead_times import measure_delay
from routing.stock.level import LEVELS, Review, UnitCosts, pay_off, set_targets
from routing.stock.model import LocationProblem
from routing.stock.on_hand import OnHand, Serving, run_down
from routing.stock.options import StockOptions
from routing.stock.spread import Spread

CUBE, WAYBILLS, SOURCING = "merchant_forecasts", "waybills", "sourcing"
TABLES = (
    "sales", "merchants", "warehouses", "hubs", "regions", "lanes", "vehicle_types", "events",
    "stock", "lane_vehicles", "courier_rates", "network_changes", "stock_receipts", "categories", "items",
    "stock_demand", "sourcing_costs",
)  # fmt: skip
_REQUIRED = TABLES[:8]
_REQUIRED_OF_GIVEN = ("merchants", "warehouses", "hubs", "regions")


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
    paid
        The same without what the relief of hubs is worth: what merchants are told.
    on_hand
        Stock on the first day of the event.
    given_costs
        Whether ``sourcing_costs`` tells costs by category.
    """

    window: Window
    as_of: date
    items: Items
    zones: pl.DataFrame
    path_costs: PathCosts
    problem: LocationProblem
    rent: Floats
    costs: UnitCosts
    paid: UnitCosts
    on_hand: OnHand
    given_costs: bool = False

    @property
    def full_sites(self) -> tuple[str, ...]:
        """Warehouses that have no room for a single unit on the first day."""
        return tuple(site for site, room in zip(self.items.sites, self.problem.room.tolist(), strict=True) if room < 1)


def read_task(
    tables: Mapping[str, pl.DataFrame],
    options: StockOptions,
    *,
    hub_prices: Mapping[str, float] | None = None,
    again: frozenset[tuple[str, str]] | None = None,
    progress: Progress = SILENT,
) -> StockTask:
    """Read the tables into the task of a stock plan; parameters as of :func:`plan_stock`.

    With `again` the stock is filled up again after the window, and these items are still asked for then.

    Raises
    ------
    RadarError
        As :func:`plan_stock`.
    """
    frames = gather_tables(tables)
    as_of = options.as_of or find_last_day(frames, options)
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
        serving=find_serving(tables, frames),
    )
    goods = (frames["categories"], frames["items"])
    items = gather_items(demand, zones, frames["warehouses"], on_hand.stock, path_costs, moved, as_of, goods)
    costs, paid = (
        _cost_units(items, frames["warehouses"], path_costs, window, options, prices)
        for prices in (hub_prices or {}, {})
    )
    if not frames["sourcing_costs"].is_empty():
        items = part_categories(items)
        given_costs = GivenCosts(frames["sourcing_costs"], zones, totals, options.day_cost)
        costs, paid = (take_given_costs(unit, items, given_costs, path_costs) for unit in (costs, paid))
    review = None if again is None else _review(items, path_costs, window, options, again)
    items = (
        place_as_given(items)
        if given
        else _set_targets(items, costs, _fit(spread, items, zones, costs, window, options), options, review)
    )
    problem = _pose(items, frames["warehouses"], costs, options)
    costs_given = not frames["sourcing_costs"].is_empty()
    return StockTask(window, as_of, items, zones, path_costs, problem, costs.rent, costs, paid, on_hand, costs_given)


def find_serving(tables: Mapping[str, pl.DataFrame], frames: Mapping[str, pl.DataFrame]) -> Serving | None:
    """Where orders leave from today, if anything is known of it."""
    sourcing = tables.get(SOURCING)
    if sourcing is None or sourcing.is_empty():
        return None
    return Serving(sourcing, frames["merchants"], frames["warehouses"])


def find_last_day(frames: Mapping[str, pl.DataFrame], options: StockOptions) -> date:
    """Last day known: of the sales, else of the counts of stock, else the day before the first to stock for."""
    days = (frames["sales"].select(pl.col("date").max()).item(), frames["stock"].select(pl.col("as_of").max()).item())
    first = None if options.first is None else options.first - timedelta(days=1)
    known = next((day for day in (days[0], days[1] if first is None else first) if isinstance(day, date)), None)
    if known is None:
        raise RadarError(
            "no day up to which anything is known", "sales, a count of stock, or days", "set --from and --to"
        )
    return known


def gather_tables(tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Gather the tables of a stock plan, by contract; empty where a workspace has none.

    Raises
    ------
    RadarError
        For one that is needed and empty.
    """
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


def _review(
    items: Items, path_costs: PathCosts, window: Window, options: StockOptions, again: frozenset[tuple[str, str]]
) -> Review:
    """Say what filling up after each window changes: what is left over is sold then, and safety covers the way as well."""
    lead = days_of(path_costs.bulk_hours[items.home][:, items.site_hub])
    lead = np.where(np.isfinite(lead), lead, 0.0) + options.putaway_days
    asked = np.array([key in again for key in items.keys], dtype=np.bool_)
    return Review(window.days, asked, (window.days + lead) / window.days)


def _fit(
    spread: Spread, items: Items, zones: pl.DataFrame, costs: UnitCosts, window: Window, options: StockOptions
) -> Spread:
    """Calibrate the spread to a level that is forced, on days without an event: quiet fortnights say nothing of how far an event strays."""
    if options.service_level is None or window.name != window.span:
        return spread
    number = {zone: n for n, zone in enumerate(items.zones)}
    place = {region: number[zone] for region, zone in zones.select("region_id", "zone").iter_rows()}
    best = pay_off(costs, items.left_over, options.short_cost)[1]
    keys = {key: n for n, key in enumerate(items.keys)}
    return calibrate(spread, options.service_level, best, items.cv, keys, place)


def _set_targets(items: Items, costs: UnitCosts, spread: Spread, options: StockOptions, review: Review | None) -> Items:
    """Set what is to stand ready of each item: at the level its pay-off sets (all ahead: no less than is expected), or at the one forced."""
    level, best = pay_off(costs, items.left_over, options.short_cost, review)
    if not options.from_home:
        level = np.maximum(level, LEVELS.all_ahead)
    targets = set_targets(items.mean, level, best, items.cv, spread, forced=options.service_level, review=review)
    return replace(items, target=targets.units, level=targets.level)


def restock(
    task: StockTask, stock: pl.DataFrame, warehouses: pl.DataFrame, inbound: Floats, options: StockOptions
) -> StockTask:
    """Pose a task again with other stock at hand, and other costs of bringing in.

    Parameters
    ----------
    task
        As read.
    stock
        Counts, as the table ``stock``.
    warehouses
        Table of that name, their opening costs as they are by then.
    inbound : (I, W) [CNY/unit]
        Cost of bringing a unit in.
    options
        What the planner sets.
    """
    items = count_in(task.items, stock, task.as_of)
    items = part_categories(items) if task.given_costs else items
    # units that are there take their place whether they are sold or not: rent is paid by those brought in
    costs = replace(task.costs, ahead=task.costs.ahead - task.rent, inbound=inbound + task.rent)
    return replace(task, items=items, problem=_pose(items, warehouses, costs, options))


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
