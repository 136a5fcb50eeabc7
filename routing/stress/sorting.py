"""Sorting: within capacity, first what can leave in this step or ends here, then the rest; each in turn.

A parcel's turn is the departure with which the plan's own vehicle leaves with it, off the plan's ways the last one that leads to its end in
time; of one such departure who came first. What is ahead of its departure does not leave in this step. What is sorted already takes room in its turn as well, so that nothing sorted ahead keeps back what
must leave now. Where
sorted parcels have a room of their own, no more are sorted ahead of their departure than it holds. Where those of one turn do not fit they are divided by cumulative shares: of
cells n1, n2 … with T parcels together and room for R, cell i gets
``floor((n1 + … + ni) R / T) - floor((n1 + … + n(i-1)) R / T)``, which adds up to R.
"""

from __future__ import annotations

from routing.stress.compiled import inner
from routing.stress.records import CLOSED, UNBOUNDED, Network, Yard
from routing.stress.yard import is_due, is_early


@inner
def sort_hub(network: Network, yard: Yard, hub: int, step: int, ahead: bool) -> int:
    """Sort a hub's parcels with what capacity is left, those of later steps only when ``ahead``; return how many.

    Modifies the yard in place.
    """
    if yard.unsorted_at[hub] == 0:
        return 0
    # after the last day of demand what is sorted rides with later traffic and does not stand
    staging = network.hubs.staging[hub] if network.clock.day[hub, step] <= network.clock.last_demand else -1
    if ahead and yard.unsorted_at[hub] <= yard.capacity_left[hub] and staging < 0:
        handled = _sort_all(network, yard, hub)
    else:
        handled = _sort_in_turn(network, yard, hub, step, ahead, staging)
    yard.capacity_left[hub] -= handled
    yard.unsorted_at[hub] -= handled
    return handled


@inner
def _sort_all(network: Network, yard: Yard, hub: int) -> int:
    """Sort all that is not sorted; return how many."""
    cell = yard.head[hub]
    left = yard.unsorted_at[hub]
    while cell != CLOSED and left > 0:
        parcels = yard.unsorted[cell]
        if parcels > 0:
            _sort(network, yard, cell, parcels)
            left -= parcels
        cell = yard.following[cell]
    return int(yard.unsorted_at[hub])


@inner
def _sort_in_turn(network: Network, yard: Yard, hub: int, step: int, ahead: bool, staging: int) -> int:
    """Sort what capacity and staging allow: first what can leave or ends here, then, when ``ahead``, the rest; return how many."""
    capacity = yard.capacity_left[hub]
    _open_room(network, yard, hub)
    left = capacity
    first = yard.head[hub]
    while first != CLOSED and left > 0:
        end = _offer_leaving(network, yard, first, step, ahead)
        left -= _take(network, yard, first, end, left)
        first = end
    if not ahead:
        return int(capacity - left)
    most = left if staging < 0 else min(left, max(staging - _count_staged(network, yard, hub, step), 0))
    first = yard.head[hub]
    while first != CLOSED and most > 0:
        end = _offer_rest(yard, first)
        taken = _take(network, yard, first, end, most)
        left -= taken
        most -= taken
        first = end
    return int(capacity - left)


@inner
def _sort(network: Network, yard: Yard, cell: int, parcels: int) -> None:
    yard.unsorted[cell] -= parcels
    yard.ready[cell] += parcels
    lane = network.paths.lane[yard.path[cell]]
    if lane != CLOSED:
        yard.ready_for[lane] += parcels


@inner
def _open_room(network: Network, yard: Yard, hub: int) -> None:
    """Set ``yard.free`` of the hub's lanes to the room they have; sorted and unsorted parcels take of it in their turn."""
    lanes = network.lanes
    for at in range(lanes.by_hub[hub], lanes.by_hub[hub + 1]):
        yard.free[lanes.of_hub[at]] = yard.room[lanes.of_hub[at]]


@inner
def _count_staged(network: Network, yard: Yard, hub: int, step: int) -> int:
    """Return the sorted parcels that do not leave in this step and will stand where sorted parcels wait."""
    lanes = network.lanes
    for at in range(lanes.by_hub[hub], lanes.by_hub[hub + 1]):
        yard.lane_sum[lanes.of_hub[at]] = 0
    cell = yard.head[hub]
    while cell != CLOSED:
        lane = network.paths.lane[yard.path[cell]]
        if lane != CLOSED and not is_early(network, yard, cell, step):
            yard.lane_sum[lane] += yard.ready[cell]
        cell = yard.following[cell]
    staged = 0
    for at in range(lanes.by_hub[hub], lanes.by_hub[hub + 1]):
        lane = lanes.of_hub[at]
        left = yard.ready_for[lane] - min(yard.lane_sum[lane], yard.room[lane])
        room = yard.room[lane] - min(yard.lane_sum[lane], yard.room[lane]) if lanes.room[lane, step] < UNBOUNDED else 0
        yard.lane_sum[lane] = 0
        staged += left - max(min(left - lanes.meant[lane, step], room), 0)
    return int(staged)


@inner
def _offer_leaving(network: Network, yard: Yard, first: int, step: int, ahead: bool) -> int:
    """Set ``yard.share`` of the cells of one turn to what ends here or leaves; return the first cell of the next turn.

    What is ahead of its departure does not leave, and what ends here in a later step waits unless ``ahead``.
    """
    turn = yard.turn[first]
    lane_of, free = network.paths.lane, yard.free
    in_time = ahead or is_due(network, yard, first, step)
    cell = first
    while cell != CLOSED and yard.turn[cell] == turn:
        lane = lane_of[yard.path[cell]]
        if lane != CLOSED:
            yard.lane_sum[lane] = yard.lane_seen[lane] = 0
        cell = yard.following[cell]
    cell = first
    while cell != CLOSED and yard.turn[cell] == turn:
        lane = lane_of[yard.path[cell]]
        if lane != CLOSED and not is_early(network, yard, cell, step):
            yard.lane_sum[lane] += yard.unsorted[cell]
            free[lane] = max(free[lane] - yard.ready[cell], 0)
        cell = yard.following[cell]
    end = cell
    cell = first
    while cell != end:
        lane, parcels = lane_of[yard.path[cell]], yard.unsorted[cell]
        yard.share[cell] = parcels if lane != CLOSED or in_time else 0
        if is_early(network, yard, cell, step):
            yard.share[cell] = 0
        elif lane != CLOSED and yard.lane_sum[lane] > free[lane]:
            seen, total = yard.lane_seen[lane], yard.lane_sum[lane]
            yard.share[cell] = (seen + parcels) * free[lane] // total - seen * free[lane] // total
            yard.lane_seen[lane] += parcels
        cell = yard.following[cell]
    cell = first
    while cell != end:
        lane = lane_of[yard.path[cell]]
        if lane != CLOSED:
            free[lane] = max(free[lane] - yard.lane_sum[lane], 0)
            yard.lane_sum[lane] = 0
        cell = yard.following[cell]
    return end


@inner
def _offer_rest(yard: Yard, first: int) -> int:
    """Set ``yard.share`` of the cells of one turn to all that is not sorted; return the first cell of the next turn."""
    turn = yard.turn[first]
    cell = first
    while cell != CLOSED and yard.turn[cell] == turn:
        yard.share[cell] = yard.unsorted[cell]
        cell = yard.following[cell]
    return cell


@inner
def _take(network: Network, yard: Yard, first: int, end: int, capacity: int) -> int:
    """Sort the shares of some cells, divided where the capacity is short; return how many were sorted."""
    total = 0
    cell = first
    while cell != end:
        total += yard.share[cell]
        cell = yard.following[cell]
    seen = 0
    cell = first
    while cell != end:
        share = yard.share[cell]
        if total > capacity:
            _sort(network, yard, cell, (seen + share) * capacity // total - seen * capacity // total)
        else:
            _sort(network, yard, cell, share)
        seen += share
        cell = yard.following[cell]
    return int(min(total, capacity))
