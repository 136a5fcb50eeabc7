"""The yard of a hub: cells of parcels come, wait in order of arrival, and leave."""

from __future__ import annotations

from routing.stress.compiled import inner
from routing.stress.records import CLOSED, Network, Played, Yard


@inner
def put(network: Network, yard: Yard, hub: int, step: int, path: int, term: int, parcels: int) -> None:
    """Let parcels reach a hub for a step, or for the next one when that step has ended. Modifies the yard in place."""
    at = max(step, yard.closed[hub] + 1)
    yard.coming[hub, at] += parcels
    cell = yard.slot[path, at, term]
    if cell == CLOSED:
        yard.spares[0] -= 1
        if yard.spares[0] < 0:
            raise MemoryError
        cell = yard.spare[yard.spares[0]]
        yard.slot[path, at, term] = cell
        yard.path[cell], yard.term[cell], yard.arrived[cell] = path, term, at
        leave = network.terms.leave[path, term]
        yard.turn[cell] = leave * yard.slot.shape[1] + at
        yard.unsorted[cell] = yard.ready[cell] = 0
        yard.following[cell] = CLOSED
        if yard.coming_head[hub, at, leave] == CLOSED:
            yard.coming_head[hub, at, leave] = cell
        else:
            yard.following[yard.coming_tail[hub, at, leave]] = cell
        yard.coming_tail[hub, at, leave] = cell
    yard.unsorted[cell] += parcels


@inner
def is_due(network: Network, yard: Yard, cell: int, step: int) -> bool:
    """Say whether the departure a cell should leave with, or the sort that should finish it, is of a step or was before it."""
    return bool(yard.turn[cell] < (step + 1) * network.terms.ranks * yard.slot.shape[1])


@inner
def is_early(network: Network, yard: Yard, cell: int, step: int) -> bool:
    """Say whether a cell is the plan's own and ahead of it: its departure leaves after a later step."""
    return bool(yard.term[cell] >= network.terms.hour.shape[1] and not is_due(network, yard, cell, step))


@inner
def join(yard: Yard, hub: int, step: int) -> None:
    """Let what comes for a step join the hub's queue, each in its turn. Modifies the yard in place."""
    if yard.coming[hub, step] == 0:
        return
    before, then = CLOSED, yard.head[hub]
    for leave in range(yard.coming_head.shape[2]):
        cell = yard.coming_head[hub, step, leave]
        if cell == CLOSED:
            continue
        while then != CLOSED and yard.turn[then] <= yard.turn[cell]:
            before, then = then, yard.following[then]
        if before == CLOSED:
            yard.head[hub] = cell
        else:
            yard.following[before] = cell
        before = yard.coming_tail[hub, step, leave]
        yard.following[before] = then
        yard.coming_head[hub, step, leave] = CLOSED
    yard.waiting[hub] += yard.coming[hub, step]
    yard.unsorted_at[hub] += yard.coming[hub, step]
    yard.coming[hub, step] = 0


@inner
def sweep(yard: Yard, hub: int) -> None:
    """Give empty cells back. Modifies the yard in place."""
    before = CLOSED
    cell = yard.head[hub]
    while cell != CLOSED:
        following = yard.following[cell]
        if yard.unsorted[cell] + yard.ready[cell] == 0:
            if before == CLOSED:
                yard.head[hub] = following
            else:
                yard.following[before] = following
            yard.slot[yard.path[cell], yard.arrived[cell], yard.term[cell]] = CLOSED
            yard.spare[yard.spares[0]] = cell
            yard.spares[0] += 1
        else:
            before = cell
        cell = following


@inner
def send(network: Network, yard: Yard, cell: int, path: int, arrival: int, parcels: int) -> None:
    """Put sorted parcels of a cell on the next lane of a path, to reach its end for a step. Modifies the yard in place."""
    term = yard.term[cell]
    if path != yard.path[cell]:
        term = network.terms.free[yard.path[cell], term]
    yard.ready[cell] -= parcels
    lane = network.paths.lane[yard.path[cell]]
    if lane != CLOSED:
        yard.ready_for[lane] -= parcels
    yard.waiting[network.paths.hub[path]] -= parcels
    end = network.lanes.destination[network.paths.lane[path]]
    put(network, yard, end, arrival, network.paths.after[path], network.terms.after[path, term], parcels)


@inner
def empty(yard: Yard) -> int:
    """Clear the yard after a draw, on the road and at hubs; return the parcels left. Modifies the yard in place."""
    left = 0
    hubs, steps = yard.coming.shape
    for hub in range(hubs):
        for step in range(steps):
            join(yard, hub, step)
        cell = yard.head[hub]
        while cell != CLOSED:
            left += yard.unsorted[cell] + yard.ready[cell]
            yard.unsorted[cell] = yard.ready[cell] = 0
            cell = yard.following[cell]
        sweep(yard, hub)
        yard.waiting[hub] = yard.unsorted_at[hub] = yard.stuck[hub] = yard.called[hub] = 0
        yard.closed[hub] = CLOSED
    yard.ready_for[:] = 0
    return left


@inner
def clear(record: Played) -> None:
    """Set a record to nothing. Modifies it in place."""
    record.over[:] = 0
    record.held[:] = 0
    record.handled[:] = 0
    record.load[:] = 0
    record.aboard[:] = 0
    record.spot[:] = 0
    record.tail[:] = 0
    record.costs[:] = 0.0
    record.late[:] = 0
