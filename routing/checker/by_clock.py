"""Plans that name hours, recomputed from their tables: arrivals against cut-offs, and what every sort sorts and leaves waiting."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from datetime import date

import polars as pl

from routing.checker.hubs import close_hubs
from routing.checker.limits import LIMITS
from routing.checker.playback.clock import MINUTES, HubClock, to_minutes, to_moment
from routing.checker.playback.orders import Order, Orders
from routing.checker.staging import Stay, Yard, sort_ahead
from routing.checker.violations import Violation, collect, write_number

_HOURS_A_DAY = 24.0
_MINUTE = 1.0 / MINUTES
_LOADS = {
    "date": pl.Date(), "hub_id": pl.String(), "sort_id": pl.String(), "handled": pl.Float64(), "held": pl.Float64(),
    "staged": pl.Float64(), "limit": pl.Float64(), "buffer": pl.Float64(), "staging": pl.Float64(), "closed": pl.Boolean(),
    "handling_cost": pl.Float64(), "nights": pl.Float64(),
}  # fmt: skip


def names_hours(frames: Mapping[str, pl.DataFrame]) -> bool:
    """Whether a plan says at which hours its vehicles leave."""
    departures, flows = frames["trunk_departures"], frames["trunk_flows"]
    return bool(departures["leaves_at"].is_not_null().any() or (flows["departs_at"].list.len() > 0).any())


class Visits:
    """Parcels at the sorts of hubs: what is at hand for each, and what is sorted in it."""

    def __init__(self, clocks: Mapping[str, HubClock]) -> None:
        self._clocks = clocks
        self._stays: dict[str, list[Stay]] = defaultdict(list)

    def add(self, hub: str, at_hand: int, sort: int, parcels: int, *, ends: bool) -> bool:
        """Note parcels at hand at a minute that end in a sort or leave after it; say whether they come by its cut-off."""
        clock = self._clocks[hub]
        first = bisect_left([one.cut_off for one in clock.sorts], at_hand)
        # what comes too late for its sort is told as that, and counts as never waiting
        self._stays[hub].append(Stay(min(first, sort), sort, parcels, ends))
        return first <= sort

    def work_out(self, hub: str, told: Mapping[tuple[date, str], float]) -> Yard:
        """Work out what a hub's sorts handle and what waits after them; only with a room for what is sorted do they sort ahead.

        Parameters
        ----------
        told
            By date and sort what ``hub_loads`` says it handles.
        """
        clock = self._clocks[hub]
        ahead = clock.staging is not None and clock.staging > 0
        return sort_ahead(
            self._stays[hub], [told.get((sort.day, sort.name), 0.0) if ahead else 0.0 for sort in clock.sorts]
        )


def follow_orders(plan: Orders, clocks: Mapping[str, HubClock]) -> tuple[Visits, list[Violation]]:
    """Follow every flow by its hours.

    A departure takes what the last sort sorts that closes by its hour less the hours of loading; its parcels are at hand
    transit_hours / speed_factor and the hours of unloading later, and are to be there by the cut-off of the sort that the next
    departure, or the end of the flow, names.

    Returns
    -------
    visits : Visits
    violations : list of Violation
        Rules ``time.demand``, ``time.transit``, ``time.completed``.
    """
    visits, found = Visits(clocks), []
    for order in plan.orders:
        for leg in range(len(order.hubs)):
            found += _visit(plan, order, leg, clocks, visits)
    return visits, found


def _visit(plan: Orders, order: Order, leg: int, clocks: Mapping[str, HubClock], visits: Visits) -> list[Violation]:
    """Bring an order to one of its hubs and sort it there in time for its next departure, or for its end."""
    hub = order.hubs[leg]
    clock = clocks[hub]
    ends = leg == len(order.vehicles)
    sort = clock.last_by(order.done_by) if ends else plan.vehicles[order.vehicles[leg]].tail
    parts: tuple[tuple[int, int], ...] = order.hand_ins
    if leg:
        before = plan.vehicles[order.vehicles[leg - 1]]
        at_hand = clock.reopen(before.leaves + before.minutes + (clock.unload if before.minutes else 0))
        parts = ((at_hand, sum(parcels for _, parcels in order.hand_ins)),)
    rule = "time.completed" if ends else "time.transit" if leg else "time.demand"
    goal = "is to be done" if ends else "leaves"
    found = []
    for at_hand, parcels in parts:
        if sort >= 0 and visits.add(hub, at_hand, sort, parcels, ends=ends):
            continue
        cut_off = clock.sorts[sort].cut_off if sort >= 0 else None
        there = f"{to_moment(at_hand).astimezone(clock.zone):%Y-%m-%d %H:%M}"
        due = "no sort" if cut_off is None else f"{to_moment(cut_off).astimezone(clock.zone):%Y-%m-%d %H:%M}"
        text = (
            f"Flow {order.where} {goal} with a sort of {hub} that takes parcels until {due}; {parcels} come at {there}."
        )
        found.append(Violation(rule, order.where, clock.sorts[sort].day if sort >= 0 else None, there, due, text))
    return found


def load_sorts(frames: Mapping[str, pl.DataFrame], visits: Visits, clocks: Mapping[str, HubClock]) -> pl.DataFrame:
    """Add up what each sort handles and leaves waiting for the one after it.

    held after sort k = parcels at hand by its cut-off or an earlier one's, less those sorted in it or before; staged = those sorted in it or
    before, less those that have left or ended.

    Returns
    -------
    polars.DataFrame
        date, hub_id, sort_id, handled, held, staged, limit, buffer, staging [parcels; null without a bound], closed, handling_cost, nights
        (hours / 24 until the following sort closes).
    """
    prices = {
        (row["hub_id"], row["sort_id"]): row["handling_cost"] for row in frames["hub_sorts"].iter_rows(named=True)
    }
    days = {(hub, sort.day) for hub, clock in clocks.items() for sort in clock.sorts}
    grid = pl.DataFrame(sorted(days), schema={"hub_id": pl.String(), "date": pl.Date()}, orient="row")
    closed = set(close_hubs(frames, grid).filter("closed").select("hub_id", "date").iter_rows())
    general = dict(frames["hubs"].select("hub_id", "handling_cost").iter_rows())
    told: dict[str, dict[tuple[date, str], float]] = defaultdict(dict)
    for day, hub, name, handled in frames["hub_loads"].select("date", "hub_id", "sort_id", "handled").iter_rows():
        told[hub].setdefault((day, name), handled)
    rows = []
    for hub, clock in clocks.items():
        yard = visits.work_out(hub, told[hub])
        for number, sort in enumerate(clock.sorts):
            handled, waiting, staged = yard.handled[number], yard.unsorted[number], yard.staged[number]
            if not handled and not waiting and not staged:
                continue
            following = clock.closes[number + 1] if number + 1 < len(clock.closes) else sort.closes + 24 * MINUTES
            price = prices.get((hub, sort.name))
            rows.append(
                (
                    sort.day, hub, sort.name, float(handled), float(max(waiting, 0)), float(staged), _open(sort.capacity),
                    _open(sort.buffer), clock.staging, (hub, sort.day) in closed, general.get(hub) if price is None else price,
                    (following - sort.closes) / MINUTES / _HOURS_A_DAY,
                )
            )  # fmt: skip
    return pl.DataFrame(rows, schema=_LOADS, orient="row")


def _open(bound: float) -> float | None:
    return None if bound == float("inf") else bound


def check_sorts(loads: pl.DataFrame) -> list[Violation]:
    """Check what each sort handles and leaves waiting against its capacity and its room."""
    named = loads.with_columns(where=pl.format("{} {}", "hub_id", "sort_id"))
    over = named.filter(~pl.col("closed") & (pl.col("handled") > pl.col("limit") + LIMITS.noise))
    full = named.filter(~pl.col("closed") & (pl.col("held") > pl.col("buffer") + LIMITS.noise))
    shut = named.filter(pl.col("closed") & (pl.col("handled") > 0))
    aside = named.filter(~pl.col("closed") & (pl.col("staged") > pl.col("staging") + LIMITS.noise))
    found = collect(
        "hub.sort_capacity",
        over.select("where", "date", found="handled", allowed="limit"),
        "Hub and sort {where} of {date}: {found} parcels to sort, it can sort {allowed}.",
    )
    found += collect(
        "hub.buffer",
        full.select("where", "date", found="held", allowed="buffer"),
        "Hub and sort {where} of {date}: {found} parcels wait for the next sort, there is room for {allowed}.",
    )
    found += collect(
        "hub.staging",
        aside.select("where", "date", found="staged", allowed="staging"),
        "Hub and sort {where} of {date}: {found} sorted parcels wait for a later departure, there is room for {allowed}.",
    )
    return found + collect(
        "hub.closed",
        shut.select("where", "date", found="handled", allowed=pl.lit(0.0)),
        "Hub and sort {where}: the hub is closed on {date}, {found} parcels are to be sorted.",
    )


def check_sort_rows(frames: Mapping[str, pl.DataFrame], loads: pl.DataFrame) -> list[Violation]:
    """Check that every sort with parcels has its row in ``hub_loads``, and that the rows are right.

    What a hub could not send (``shortfalls``) may have waited there or not: held may differ by as much.
    """
    keys = ["date", "hub_id", "sort_id"]
    stated = frames["hub_loads"].unique(keys, keep="first", maintain_order=True)
    short = frames["shortfalls"].group_by(hub_id="origin_hub_id").agg(short=pl.col("parcels").sum())
    both = (
        loads.join(
            stated.select(*keys, stated_handled="handled", stated_held="held", stated_staged="staged", stated_capacity="capacity", stated_use="utilisation", stated=pl.lit(True)),
            on=keys,
            how="full",
            coalesce=True,
        )
        .join(short, on="hub_id", how="left")
        .with_columns(
            pl.col("handled", "held", "staged", "short", "stated_staged").fill_null(0.0),
            pl.col("stated").fill_null(False),
            known=pl.col("limit").is_not_null() | pl.col("nights").is_not_null(),
            where=pl.format("{} {}", "hub_id", "sort_id"),
        )
    )  # fmt: skip
    found = collect(
        "hub_loads.missing",
        both.filter(~pl.col("stated")).select(
            "where", "date", found=pl.lit("no row"), allowed=pl.col("handled") + pl.col("held")
        ),
        "Hub and sort {where} of {date}: hub_loads has {found} for {allowed} parcels.",
    )
    rows = both.filter("stated")
    found += collect(
        "hub_loads.handled",
        rows.filter(pl.col("stated_handled") != pl.col("handled")).select(
            "where", "date", found="stated_handled", allowed="handled"
        ),
        "Hub and sort {where} of {date}: hub_loads says {found} handled, the flows say {allowed}.",
    )
    found += collect(
        "hub_loads.held",
        rows.filter((pl.col("stated_held") - pl.col("held")).abs() > pl.col("short")).select(
            "where", "date", found="stated_held", allowed="held"
        ),
        "Hub and sort {where} of {date}: hub_loads says {found} held, the flows say {allowed}.",
    )
    found += collect(
        "hub_loads.staged",
        rows.filter(pl.col("stated_staged") != pl.col("staged")).select(
            "where", "date", found="stated_staged", allowed="staged"
        ),
        "Hub and sort {where} of {date}: hub_loads says {found} sorted parcels wait, the flows say {allowed}.",
    )
    unlike = ~pl.col("stated_capacity").eq_missing(pl.col("limit")) & ~pl.col("stated_capacity").eq_missing(
        pl.col("limit").floor()
    )
    found += collect(
        "hub_loads.capacity",
        rows.filter(pl.col("known") & unlike & ~pl.col("closed").fill_null(True)).select(
            "where", "date", found="stated_capacity", allowed="limit"
        ),
        "Hub and sort {where} of {date}: hub_loads says it can sort {found}, its tables {allowed}.",
    )
    use = pl.col("stated_handled") / pl.col("stated_capacity")
    empty = pl.when(pl.col("stated_handled") == 0).then(0.0).when(pl.col("stated_capacity") > 0).then(use)
    due = pl.when(pl.col("stated_capacity").is_not_null()).then(empty)
    wrong = rows.with_columns(due=due).filter(
        ~(
            ((pl.col("stated_use") - pl.col("due")).abs() <= LIMITS.tolerance * (1.0 + pl.col("due"))).fill_null(False)
            | (pl.col("stated_use").is_null() & pl.col("due").is_null())
        )
    )
    return found + collect(
        "hub_loads.utilisation",
        wrong.select("where", "date", found="stated_use", allowed="due"),
        "Hub and sort {where} of {date}: hub_loads says utilisation {found}, handled over capacity is {allowed}.",
    )


def check_departure_hours(frames: Mapping[str, pl.DataFrame], plan: Orders) -> list[Violation]:
    """Check that departures say when they arrive: transit_hours / speed_factor after they leave."""
    by_time = {(vehicle.lane, vehicle.leaves): vehicle.minutes for vehicle in plan.vehicles}
    found = []
    for row in frames["trunk_departures"].iter_rows(named=True):
        if row["leaves_at"] is None or row["arrives_at"] is None:
            text = f"Departure of row {row['row']} over lane {row['lane_id']} does not say when it leaves and arrives."
            found.append(Violation("time.hours", row["lane_id"], row["date"], "nothing", "two hours", text))
            continue
        minutes = by_time.get((row["lane_id"], to_minutes(row["leaves_at"])))
        stated = (row["arrives_at"] - row["leaves_at"]).total_seconds() / 60.0
        if minutes is not None and abs(stated - minutes) > 1.0:
            text = (
                f"Departure of {row['leaves_at']:%Y-%m-%d %H:%M} over lane {row['lane_id']} is {write_number(stated)} minutes "
                f"under way; its hours are {minutes} minutes."
            )
            found.append(Violation("time.hours", row["lane_id"], row["date"], write_number(stated), str(minutes), text))
    return found


def count_at_work_by_clock(priced: pl.DataFrame, plan: Orders) -> pl.DataFrame:
    """Count the vehicles of each type away at each departure: left by then and not arrived, nor waiting on a thinned road.

    Returns
    -------
    polars.DataFrame
        date, vehicle_type_id, fleet_size, at_work: the most of each date.
    """
    away_of = {(vehicle.lane, vehicle.leaves): vehicle.away for vehicle in plan.vehicles}
    rows: dict[str, list[tuple[int, int, float, date, float | None]]] = defaultdict(list)
    for row in priced.iter_rows(named=True):
        if row["leaves_at"] is None:
            continue
        leaves = to_minutes(row["leaves_at"])
        back = leaves + max(away_of.get((row["lane_id"], leaves), 0), 1)
        rows[row["vehicle_type_id"]].append((leaves, back, row["departures"], row["date"], row["fleet_size"]))
    counted = []
    for kind, runs in sorted(rows.items()):
        backs = sorted((back, count) for _, back, count, _, _ in runs)
        away, place = 0.0, 0
        for leaves, _, count, day, fleet in sorted(runs, key=lambda run: run[0]):
            while place < len(backs) and backs[place][0] <= leaves:
                away -= backs[place][1]
                place += 1
            away += count
            counted.append((day, kind, fleet, away))
    schema = {"date": pl.Date(), "vehicle_type_id": pl.String(), "fleet_size": pl.Float64(), "at_work": pl.Float64()}
    frame = pl.DataFrame(counted, schema=schema, orient="row")
    return (
        frame.group_by("date", "vehicle_type_id")
        .agg(pl.col("fleet_size").first(), pl.col("at_work").max())
        .sort("date", "vehicle_type_id")
    )


def count_hours_late(frames: Mapping[str, pl.DataFrame], plan: Orders, clocks: Mapping[str, HubClock]) -> pl.DataFrame:
    """Say how many hours after its promise each flow goes out from its destination, with the first delivery wave from its sort on.

    Returns
    -------
    polars.DataFrame
        date, where, parcels, stated (late_hours of the flow), due [hours late; null without a promise].
    """
    stated = {
        f"{row['origin_hub_id']}-{row['destination_hub_id']} (trunk_flows row {row['row']})": (
            row["date"],
            row["late_hours"],
        )
        for row in frames["trunk_flows"].iter_rows(named=True)
    }
    rows = []
    for order in plan.orders:
        day, hours = stated[order.where]
        end = clocks[order.hubs[-1]].last_by(order.done_by)
        clock = clocks[order.hubs[-1]]
        done = clock.delivered(clock.closes[end] if end >= 0 else order.done_by)
        late = None if order.due == float("inf") else max(0.0, done - order.due) / MINUTES
        rows.append((day, order.where, float(sum(n for _, n in order.hand_ins)), hours, late))
    schema = {
        "date": pl.Date(),
        "where": pl.String(),
        "parcels": pl.Float64(),
        "stated": pl.Float64(),
        "due": pl.Float64(),
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def check_hours_late(lateness: pl.DataFrame) -> list[Violation]:
    """Check that every flow tells its hours late: those of its promise, none without one."""
    agrees = ((pl.col("stated") - pl.col("due")).abs() <= _MINUTE).fill_null(False)
    wrong = lateness.filter(~agrees & ~(pl.col("stated").is_null() & pl.col("due").is_null()))
    return collect(
        "promise.late",
        wrong.select("where", "date", found="stated", allowed="due"),
        "Flow {where} says it is {found} hours late; its promise and its hours say {allowed}.",
    )
