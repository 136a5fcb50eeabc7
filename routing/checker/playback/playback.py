"""Playing a plan by the clock: what misses its sort or vehicle, what is over, and what comes late."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from routing.checker.limits import PLAYBACK
from routing.checker.playback.clock import MINUTES, ClockRules, HubClock, set_clocks, to_moment
from routing.checker.playback.orders import Orders, read_orders
from routing.checker.playback.play import LATE, SORT, VEHICLE, Log, Miss, Play, count_hired
from routing.checker.promises import add_default
from routing.checker.violations import Violation, write_number

_CAUSES = {LATE: "playback.missed", SORT: "playback.sort", VEHICLE: "playback.vehicle"}


@dataclass(frozen=True, slots=True)
class Playback:
    """What a plan does by the clock.

    Attributes
    ----------
    by_clock
        Whether the plan names hours; without, its vehicles leave when the last sort of their date closes.
    boardings, boardings_missed
        Parcels that board, leg by leg, and those of them that miss the vehicle planned.
    arrivals, arrivals_missed
        Parcels sorted at their destination, and those of them after the plan says so.
    missed_late, missed_sort, missed_vehicle
        Of all missed: at hand after the cut-off; not sorted for lack of capacity; sorted and no room on the vehicle.
    sorts, sorts_over, worst_sort
        Sorts that handle parcels, those that cannot sort all they must, and the largest share of a capacity asked for.
    buffers_over, stagings_over, vehicles_over
        Sorts after which more waits than there is room, and lane departures asked to carry more than they hold.
    hired
        Vehicles to hire for what misses its own.
    parcels_late, parcel_hours_late, promised
        Parcels that go out from their destination after their promise by the clock, by how many hours, of how many promised.
    mean_hours
        From hand-in to sorted at the destination, a parcel.
    parcels, not_done
        Parcels played, and those still under way a week after the plan.
    violations
        What does not hold, by hub, sort and day, or by lane and departure.
    """

    by_clock: bool
    boardings: int
    boardings_missed: int
    arrivals: int
    arrivals_missed: int
    missed_late: int
    missed_sort: int
    missed_vehicle: int
    sorts: int
    sorts_over: int
    worst_sort: float
    buffers_over: int
    stagings_over: int
    vehicles_over: int
    hired: int
    parcels_late: int
    parcel_hours_late: float
    promised: int
    mean_hours: float
    parcels: int
    not_done: int
    violations: tuple[Violation, ...]


def play_plan(
    frames: Mapping[str, pl.DataFrame], rules: ClockRules | None = None, *, when_full: bool = False
) -> Playback:
    """Play a plan minute by minute from its tables.

    Parcels come to hand by ``hand_in_profile`` or ``ready_at`` (else at the last cut-off of their date), those of a route in
    the order in which its flows leave. Vehicles leave at ``leaves_at`` and arrive transit_hours / speed_factor later; after
    the hours of unloading their parcels are at hand. A sort takes what is at hand by its cut-off, within its capacity, first
    what leaves first, and its parcels board when it closes. What misses its vehicle takes the next of its lane within a day,
    where there is room, else a hired one.

    Parameters
    ----------
    frames
        Tables of the checker, as ``read_tables`` gives them.
    rules
        Time zone and hours where the tables are silent.
    when_full
        For plans by days: a vehicle that is full leaves at the close of an earlier sort of its date.

    Returns
    -------
    Playback
        Figures, and what does not hold.
    """
    rules = rules or ClockRules()
    frames = add_default(frames, rules.default_promise_days)
    clocks = clock_hubs(frames, rules)
    if not clocks:
        return _sum_up(Orders([], [], False, {}), Log(), {})
    orders = read_orders(frames, clocks)
    log = Play(clocks, orders, when_full=when_full and not orders.by_clock).run()
    return _sum_up(orders, log, clocks)


def clock_hubs(frames: Mapping[str, pl.DataFrame], rules: ClockRules) -> dict[str, HubClock]:
    """Lay out the sorts of the hubs over the days of a plan and a week after; none for a plan of no days."""
    days = [frames["route_demand"]["date"], frames["trunk_flows"]["date"], frames["trunk_flows"]["completed_on"]]
    dates = pl.concat([day.rename("date") for day in days]).drop_nulls()
    first, last = dates.min(), dates.max()
    if not isinstance(first, date) or not isinstance(last, date):
        return {}
    return set_clocks(frames, first, last + timedelta(days=PLAYBACK.days_played), rules)


def _sum_up(plan: Orders, log: Log, clocks: Mapping[str, HubClock]) -> Playback:
    causes: dict[str, int] = defaultdict(int)
    boardings = arrivals = 0
    for miss, parcels in log.misses.items():
        causes[miss.cause] += parcels
        if miss.vehicle < 0:
            arrivals += parcels
        else:
            boardings += parcels
    late = [(minutes, count) for minutes, count in _list_lateness(plan, log, clocks) if minutes > 0]
    over = {(miss.hub, miss.sort) for miss in log.misses if miss.cause == SORT}
    use = [
        asked / clocks[hub].sorts[number].capacity
        for (hub, number), asked in log.asked.items()
        if _has_room(clocks, hub, number)
    ]
    parcels = sum(count for order in plan.orders for _, count in order.hand_ins)
    handed = sum(minute * count for order in plan.orders for minute, count in order.hand_ins)
    done = sum(count for _, _, count in log.done)
    spent = sum(minute * count for _, minute, count in log.done) - handed if done == parcels else 0
    return Playback(
        by_clock=plan.by_clock,
        boardings=log.boarded,
        boardings_missed=boardings,
        arrivals=log.finished,
        arrivals_missed=arrivals,
        missed_late=causes[LATE],
        missed_sort=causes[SORT],
        missed_vehicle=causes[VEHICLE],
        sorts=sum(handled > 0 for handled in log.handled.values()),
        sorts_over=len(over),
        worst_sort=max(use, default=0.0),
        buffers_over=sum(kind == "buffer" for kind, _, _ in log.over),
        stagings_over=sum(kind == "staging" for kind, _, _ in log.over),
        vehicles_over=len({miss.vehicle for miss in log.misses if miss.cause == VEHICLE}),
        hired=count_hired(log, plan.hired_holds),
        parcels_late=sum(count for _, count in late),
        parcel_hours_late=sum(minutes * count for minutes, count in late) / MINUTES,
        promised=sum(count for order in plan.orders if order.due < float("inf") for _, count in order.hand_ins),
        mean_hours=spent / parcels / MINUTES if parcels else 0.0,
        parcels=parcels,
        not_done=log.left,
        violations=tuple(_list_violations(plan, log, clocks)),
    )


def _list_lateness(plan: Orders, log: Log, clocks: Mapping[str, HubClock]) -> list[tuple[float, int]]:
    """Minutes from the wave with which parcels were to go out to the one they go out with, and how many parcels."""
    ends = [(plan.orders[order], minute, count) for order, minute, count in log.done]
    return [(clocks[order.hubs[-1]].delivered(minute) - order.due, count) for order, minute, count in ends]


def _has_room(clocks: Mapping[str, HubClock], hub: str, number: int) -> bool:
    return 0 < clocks[hub].sorts[number].capacity < float("inf")


def _list_violations(plan: Orders, log: Log, clocks: Mapping[str, HubClock]) -> list[Violation]:
    """Name what does not hold, those of one place and time together."""
    found = [_tell_miss(plan, miss, parcels, clocks) for miss, parcels in log.misses.items()]
    for (kind, hub, number), beyond in log.over.items():
        sort = clocks[hub].sorts[number]
        room = sort.buffer if kind == "buffer" else clocks[hub].staging
        found.append(
            Violation(
                rule=f"playback.{kind}",
                where=f"{hub} {sort.name}",
                date=sort.day,
                found=write_number((room or 0.0) + beyond),
                allowed=write_number(room),
                text=f"Hub {hub}, sort {sort.name} of {sort.day}: {write_number((room or 0.0) + beyond)} parcels wait after it "
                f"({'unsorted' if kind == 'buffer' else 'sorted, for a later departure'}), there is room for {write_number(room)}.",
            )
        )
    if log.left:
        text = f"{log.left} parcels are still under way a week after the plan."
        found.append(Violation("playback.not_done", "plan", None, str(log.left), "0", text))
    return found


def _tell_miss(plan: Orders, miss: Miss, parcels: int, clocks: Mapping[str, HubClock]) -> Violation:
    clock = clocks[miss.hub]
    sort = clock.sorts[miss.sort] if miss.sort >= 0 else None
    name = "before its first sort" if sort is None else f"sort {sort.name} of {sort.day}"
    if miss.vehicle < 0:
        goal = "to be sorted at their destination"
        where = f"{miss.hub} {sort.name if sort else '-'}"
    else:
        vehicle = plan.vehicles[miss.vehicle]
        leaves = to_moment(vehicle.leaves).astimezone(clock.zone)
        goal = f"to leave over lane {vehicle.lane} at {leaves:%Y-%m-%d %H:%M}"
        where = f"{miss.hub} {sort.name if sort else '-'} {vehicle.lane} {leaves:%H:%M}"
    reason = {
        LATE: "come to hand after the cut-off",
        SORT: f"are not sorted: it can sort {write_number(sort.capacity if sort else 0.0)}",
        VEHICLE: "find no room on the vehicles planned",
    }[miss.cause]
    day = sort.day if sort else None
    text = f"Hub {miss.hub}, {name}: {parcels} parcels {goal} {reason}."
    return Violation(_CAUSES[miss.cause], where, day, str(parcels), "0", text)
