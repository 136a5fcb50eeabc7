"""Stock filled up week by week: up to which level in which warehouse, from home or from another warehouse, and what is sold until then.

Each week is the location problem of an event of its own, its stock what the weeks before it leave. Units to stand ready are the newsvendor's of the
week; what is left over waits for the next one, and safety covers the way of a delivery as well as the week after it (``level.Review``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from data.arrays import Flags, Floats
from data.constants import constant
from data.errors import RadarError
from data.keys import STOCKED_ITEM
from data.progress import SILENT, Progress
from routing.budget import Deadline
from routing.stock.costs import days_of
from routing.stock.demand import Window
from routing.stock.fulfilment import leave_at_home, use_idle
from routing.stock.on_hand import OnHand, run_down
from routing.stock.options import StockOptions
from routing.stock.plan import place_units
from routing.stock.rolling_bound import bound_cost
from routing.stock.rolling_tables import LEVEL_SCHEMA, TRANSFER_SCHEMA, WeekRows, sell, write_week
from routing.stock.sharing import Ways, may_send, share_out
from routing.stock.task import CUBE, StockTask, find_last_day, find_serving, gather_tables, read_task, restock


@dataclass(frozen=True)
class RollingRules:
    """How time is divided, and what cannot be."""

    days: int = constant(7, "days", "from one delivery to the next", "judgement")
    too_late: float = constant(10_000.0, "CNY/unit", "of goods that cannot be there in time: no unit is worth it", "judgement")  # fmt: skip


ROLLING = RollingRules()
Key = tuple[str, str]
Stands = dict[Key, Floats]


@dataclass(frozen=True, slots=True)
class RollingPlan:
    """A stock plan week by week.

    Attributes
    ----------
    levels
        Rows of ``stock_levels`` without run_id.
    transfers
        Rows of ``stock_transfers`` without run_id.
    weeks
        Days of each week.
    as_of
        Last day the plan knew.
    cost, lower_bound
        Of all weeks; nothing that serves these orders costs less than the bound, which keeps no safety [CNY].
    cost_today
        Of the same orders sent from where the merchants ship today [CNY], None where a hub reaches not all buyers.
    short_cost
        Price of the units short, as the cost holds it [CNY].
    on_hand
        What of the stock counted is there on the first day.
    full
        Warehouses that have no room on the first day.
    ended_by
        What ended the search.
    """

    levels: pl.DataFrame
    transfers: pl.DataFrame
    weeks: tuple[Window, ...]
    as_of: date
    cost: float
    lower_bound: float
    cost_today: float | None
    short_cost: float
    on_hand: OnHand
    full: tuple[str, ...]
    ended_by: str

    def certificate(self) -> pl.DataFrame:
        """Row of ``plan_certificates`` without run_id; its three counts are units."""
        sold, short = (int(self.levels[name].sum()) for name in ("sold", "short"))
        gap = 0.0 if self.cost == 0 else (self.cost - self.lower_bound) / self.cost
        row = {
            "plan": "rolling", "status": "shortfalls" if short else "optimal" if gap <= _OPTIMAL_GAP else "feasible",
            "cost": self.cost, "lower_bound": self.lower_bound, "gap": gap, "violations": 0, "parcels_demanded": sold + short,
            "parcels_planned": sold, "parcels_short": short, "ended_by": self.ended_by,
        }  # fmt: skip
        return pl.DataFrame([row])


_OPTIMAL_GAP = 1e-4


def roll_stock(
    tables: Mapping[str, pl.DataFrame],
    options: StockOptions,
    *,
    hub_prices: Mapping[str, float] | None = None,
    progress: Progress = SILENT,
) -> RollingPlan:
    """Plan up to which level each warehouse is filled each week, and where the goods come from.

    Parameters
    ----------
    tables
        As of :func:`routing.stock.plan.plan_stock`, with the demand cube of a forecast.
    options
        What the planner sets; without days, all from the day after the last one known to the last of the forecast.
    hub_prices
        Relief of a hub's load in the trunk plan, by hub_id [CNY/parcel].
    progress
        Told how far it is.

    Raises
    ------
    RadarError
        When a table is empty, a hub unknown, or units are asked for without their days.
    """
    frames = gather_tables(tables)
    if frames["stock_demand"].height:
        raise RadarError(
            "stock_demand asks for units without their days", "a forecast of orders for every week", "leave --rolling out, or empty stock_demand"
        )  # fmt: skip
    as_of = options.as_of or find_last_day(frames, options)
    spans = divide_weeks(tables[CUBE], as_of, options.first, options.last)
    tasks = _read_weeks(tables, options, as_of, spans, hub_prices, progress)
    roll = _Roll(frames, options, tasks, Deadline(options.time_limit))
    serving = find_serving(tables, frames)
    counts = (frames["stock"], frames["stock_receipts"], frames["sales"])
    on_hand = run_down(*counts, as_of=as_of, first=spans[0][0], serving=serving)
    before = run_down(counts[0], counts[1].clear(), counts[2], as_of=as_of, first=spans[0][0], serving=serving)
    stands, movable = roll.lay(on_hand.stock), roll.lay(before.stock)
    for number in range(len(tasks)):
        progress.step(len(tasks) + number, 2 * len(tasks), "placing stock")
        stands = movable = roll.plan_week(number, stands, movable)
    progress.step(2 * len(tasks), 2 * len(tasks))
    levels = pl.concat(roll.levels) if roll.levels else pl.DataFrame(schema=LEVEL_SCHEMA)
    transfers = pl.concat(roll.transfers) if roll.transfers else pl.DataFrame(schema=TRANSFER_SCHEMA)
    missed = options.short_cost * float(levels["short"].sum())
    opened = float(roll.warehouses["opening_cost"].fill_null(0.0).to_numpy() @ roll.opened)
    cost = float(levels["cost"].sum()) + float(transfers["cost"].sum()) + opened + missed
    coming = frames["stock_receipts"].filter(pl.col("sellable_on") > spans[0][0]).select(*STOCKED_ITEM, "units")
    known = roll.lay(pl.concat([on_hand.stock.select(*STOCKED_ITEM, "units"), coming]))
    return RollingPlan(
        levels,
        transfers,
        tuple(task.window for task in tasks),
        as_of,
        cost,
        min(bound_cost(tasks, known, roll.sends, options), cost),
        _cost_from_home(tasks),
        missed,
        on_hand,
        roll.full,
        roll.deadline.work.tell(),
    )


def divide_weeks(
    cube: pl.DataFrame, as_of: date, first: date | None = None, last: date | None = None
) -> list[tuple[date, date]]:
    """Divide the days ahead into weeks, the last one as short as it is.

    Parameters
    ----------
    cube
        Rows of ``merchant_forecasts``.
    as_of
        Last day known.
    first, last
        Days given; None takes the day after `as_of`, and the last of the cube.

    Raises
    ------
    RadarError
        When no day lies ahead, or days are out of order.
    """
    known = cube["date"].max()
    begin = first or as_of + timedelta(days=1)
    end = last or (known if isinstance(known, date) else as_of)
    if not as_of < begin <= end:
        raise RadarError(f"days {begin} to {end}", f"days in order after {as_of}", "correct --from and --to")
    starts = [begin + timedelta(days=n) for n in range(0, (end - begin).days + 1, ROLLING.days)]
    return [(start, min(start + timedelta(days=ROLLING.days - 1), end)) for start in starts]


def _read_weeks(
    tables: Mapping[str, pl.DataFrame],
    options: StockOptions,
    as_of: date,
    spans: list[tuple[date, date]],
    hub_prices: Mapping[str, float] | None,
    progress: Progress,
) -> list[StockTask]:
    """Read the task of each week, without stock, from the last one on: each must know what the next still asks for."""
    bare = {**tables, "stock": tables["stock"].clear()} if "stock" in tables else dict(tables)
    bare = {name: frame for name, frame in bare.items() if name != "stock_receipts"}
    found: list[StockTask] = []
    again: frozenset[Key] = frozenset()
    for number, (first, last) in enumerate(reversed(spans)):
        progress.step(number, 2 * len(spans), "expecting demand")
        own = replace(options, first=first, last=last, as_of=as_of)
        found.append(read_task(bare, own, hub_prices=hub_prices, again=again))
        again = frozenset(found[-1].items.keys)
    return found[::-1]


class _Roll:
    """The weeks in turn: what stands at the end of one is there at the beginning of the next."""

    def __init__(
        self, frames: dict[str, pl.DataFrame], options: StockOptions, tasks: list[StockTask], deadline: Deadline
    ) -> None:
        self.options, self.tasks, self.deadline = options, tasks, deadline
        self.warehouses = frames["warehouses"].sort("warehouse_id")
        self.sites: list[str] = self.warehouses["warehouse_id"].to_list()
        self.receipts = frames["stock_receipts"]
        self.sends = may_send(frames["warehouses"])
        self.later = _sum_later(tasks)
        self.opened = np.zeros(len(self.sites), dtype=np.bool_)
        self.full: tuple[str, ...] = ()
        self.levels: list[pl.DataFrame] = []
        self.transfers: list[pl.DataFrame] = []

    def lay(self, rows: pl.DataFrame) -> Stands:
        """Lay units by merchant, category and warehouse out by item, shape (W,) each."""
        place = {site: w for w, site in enumerate(self.sites)}
        found: Stands = {}
        for merchant, category, site, units in rows.select(*STOCKED_ITEM, "units").iter_rows():
            if site not in place:
                raise RadarError(
                    f"stock in unknown warehouse {site}", "a row of warehouses", "load it, or correct stock"
                )
            found.setdefault((merchant, category), np.zeros(len(self.sites)))[place[site]] += units
        return found

    def receive(self, number: int) -> Stands:
        """Units under way that can be sold from this week on; those of the first week are in the counts."""
        if number == 0:
            return {}
        low, high = (self.tasks[n].window.first for n in (number - 1, number))
        return self.lay(self.receipts.filter((pl.col("sellable_on") > low) & (pl.col("sellable_on") <= high)))

    def plan_week(self, number: int, opening: Stands, movable: Stands) -> Stands:
        """Plan a week.

        Parameters
        ----------
        number
            Of the week.
        opening, movable
            Units by item as it begins, and how many of them have been there for the week before.

        Returns
        -------
        dict
            Units by item as it ends.
        """
        read, under = self.tasks[number], self.receive(number)
        began, coming, before, reserved = (
            self._of_items(read, part) for part in (opening, under, movable, self.later[number])
        )
        there = began + coming
        between, home_in_time = self._measure(number)
        home = np.where(home_in_time, read.costs.inbound, ROLLING.too_late)
        ways = Ways(*between, read.items.places, home)
        idle = np.clip(np.minimum(before, there - _want(read) - reserved), 0.0, None)
        inbound = _reach(home, home_in_time, idle, ways)
        task = restock(read, self._write(opening, under), self._places(), inbound, self.options)
        if number == 0:
            self.full = task.full_sites
        units, lost = self._place(task)
        needs = units.sum(axis=1)
        lack = np.maximum(needs - there, 0.0)
        spare = np.floor(np.clip(np.minimum(before, there - needs - reserved), 0.0, None))
        moved = share_out(spare, lack, ways, self.deadline)
        moved[(moved < task.items.lot[:, None, None]) & home_in_time[:, None, :]] = 0.0
        brought = lack - moved.sum(axis=1)
        units, late = leave_at_home(units, np.where(home_in_time, 0.0, brought), np.zeros_like(lost))
        small = np.where(brought < task.items.lot[:, None], brought - late, 0.0)
        units, few = leave_at_home(units, small, lost)
        brought = brought - late - few
        stands = there + brought + moved.sum(axis=1) - moved.sum(axis=2)
        units = use_idle(task, units, np.floor(np.clip(stands - units.sum(axis=1) - reserved, 0.0, None)))
        self.opened |= sell(units, task.items.expected).sum(axis=(0, 1)) > 0
        week = WeekRows(task, units, began, coming, moved, brought, lost)
        levels, transfers, closing = write_week(week, opening, under, self.options)
        self.levels.append(levels)
        self.transfers.append(transfers)
        return closing

    def _of_items(self, task: StockTask, stands: Stands) -> Floats:
        """Units by item as an array of a week's items, shape (I, W)."""
        none = np.zeros(len(self.sites))
        rows = [stands.get(key, none) for key in task.items.keys]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.sites))

    def _place(self, task: StockTask) -> tuple[Floats, Flags]:
        """Place the units of a week; of one in which nothing is ordered, none."""
        if not task.items.keys:
            return np.zeros((0, len(task.items.zones), len(self.sites))), np.zeros(
                task.items.target.shape, dtype=np.bool_
            )
        units, _, lost = place_units(task, self.options, self.deadline)
        return units, lost

    def _measure(self, number: int) -> tuple[tuple[Floats, Flags], Flags]:
        """Cost and possibility of moving between warehouses, (W, W) each, and whether goods from home are there in time, (I, W)."""
        task = self.tasks[number]
        items, paths = task.items, task.path_costs
        until = (task.window.first - task.as_of).days - 1 - self.options.putaway_days  # days goods may be on their way
        home = days_of(paths.bulk_hours[items.home][:, items.site_hub])
        in_time = (
            np.isfinite(home)
            & (home <= until)
            & items.site_open
            & np.isfinite(paths.bulk[items.home][:, items.site_hub])
        )
        # goods that move are taken from what the week before leaves: they go while it lasts
        last = until if number == 0 else min(until, ROLLING.days - self.options.putaway_days)
        cost = paths.bulk[items.site_hub][:, items.site_hub]
        days = days_of(paths.bulk_hours[items.site_hub][:, items.site_hub])
        return (cost, self.sends & np.isfinite(cost) & (days <= last) & items.site_open[None, :]), in_time

    def _places(self) -> pl.DataFrame:
        """Warehouses, those used already open at no further cost."""
        cost = np.where(self.opened, 0.0, self.warehouses["opening_cost"].fill_null(0.0).to_numpy())
        return self.warehouses.with_columns(opening_cost=pl.Series(cost, dtype=pl.Float64))

    def _write(self, *stands: Stands) -> pl.DataFrame:
        """Write units by item as counts of stock on the last day known."""
        rows = [
            (*key, self.sites[w], int(units[w]), self.tasks[0].as_of)
            for part in stands
            for key, units in part.items()
            for w in np.flatnonzero(units).tolist()
        ]
        names = dict.fromkeys(STOCKED_ITEM, pl.String) | {"units": pl.Int64, "as_of": pl.Date}
        frame = pl.DataFrame(rows, schema=names, orient="row")
        return (
            frame.group_by(*STOCKED_ITEM, "as_of").agg(pl.col("units").sum()).select(frame.columns).sort(STOCKED_ITEM)
        )


def _want(task: StockTask) -> Floats:
    """Units to stand ready of each item where its buyers are served cheapest, shape (I, W)."""
    best = np.argmin(task.costs.ahead + task.costs.inbound[:, None, :], axis=2)
    wanted = np.zeros(task.costs.inbound.shape)
    np.add.at(wanted, (np.arange(len(wanted))[:, None], best), task.items.target)
    return wanted


def _sum_later(tasks: list[StockTask]) -> list[Stands]:
    """Sum what the weeks after each want of an item in each warehouse."""
    found: list[Stands] = [{}]
    for task in reversed(tasks[1:]):
        total = dict(found[-1])
        for key, wanted in zip(task.items.keys, _want(task), strict=True):
            total[key] = total[key] + wanted if key in total else wanted
        found.append(total)
    return found[::-1]


def _reach(home: Floats, in_time: Flags, spare: Floats, ways: Ways) -> Floats:
    """Cost of bringing a unit in: from home, or, where that comes too late, from the nearest warehouse that has some to spare."""
    cost = np.where(ways.offered, ways.cost, np.inf)
    offered = np.where(spare[:, :, None] > 0, ways.places[:, None, None] * cost[None], np.inf)
    least = offered.min(axis=1, initial=np.inf)
    return np.where(in_time | ~np.isfinite(least), home, least)


def _cost_from_home(tasks: list[StockTask]) -> float | None:
    """Cost of all orders sent from home, None where it does not reach all buyers."""
    total = 0.0
    for task in tasks:
        asked = task.items.expected > 0
        if not np.isfinite(task.costs.home[asked]).all():
            return None
        total += float((task.items.expected[asked] * task.costs.home[asked]).sum())
    return total
