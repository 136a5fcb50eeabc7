"""Loading: planned vehicles first, then other lanes the plan uses, then vehicles called for the day; what is left waits.

A parcel of the plan keeps to its own departure: ahead of it only as many leave as wait beyond what the plan itself leaves waiting.
"""

from __future__ import annotations

from routing.stress.compiled import inner
from routing.stress.records import CARRIAGE, CLOSED, SPOT, TAIL, UNBOUNDED, Network, Played, Yard
from routing.stress.yard import is_due, is_early, send

HOURS_A_DAY = 24.0


@inner
def load_planned(network: Network, yard: Yard, record: Played, hub: int, step: int) -> None:
    """Load sorted parcels whose departure it is, was, or that have none in the plan, on the planned vehicles of their next lanes.

    They load in turn, by shares within one turn. Modifies the yard and the record in place.

    Notes
    -----
    A lane whose room holds all of them takes every cell whole. Of another one :func:`_find_last_turns` says in which turn the room runs
    out: cells of earlier turns go whole, those of that turn by shares, later ones stay.
    """
    left = _find_last_turns(network, yard, hub, step)
    cell = yard.head[hub]
    while cell != CLOSED and left > 0:
        path, parcels = yard.path[cell], yard.ready[cell]
        following = yard.following[cell]
        lane = network.paths.lane[path]
        if (
            lane != CLOSED
            and parcels > 0
            and yard.free[lane] > 0
            and yard.turn[cell] <= yard.lane_turn[lane]
            and not is_early(network, yard, cell, step)
        ):
            taken = parcels
            if yard.turn[cell] == yard.lane_turn[lane]:
                room, total, seen = yard.room[lane], yard.lane_sum[lane], yard.lane_seen[lane]
                taken = (seen + parcels) * room // total - seen * room // total
                yard.lane_seen[lane] += parcels
            else:
                yard.room[lane] -= parcels
            _board(network, yard, record, cell, path, step, taken)
            left -= taken
        cell = following
    lanes = network.lanes
    for at in range(lanes.by_hub[hub], lanes.by_hub[hub + 1]):
        lane = lanes.of_hub[at]
        if yard.free[lane] > 0 and yard.lane_turn[lane] != UNBOUNDED:
            yard.room[lane] = 0


@inner
def load_ahead(network: Network, yard: Yard, record: Played, hub: int, step: int) -> None:
    """Fill room left on planned vehicles, in turn, with what waits for a lane beyond what the plan itself leaves waiting.

    Where there are vehicles without a bound all find room on their own departure, and none leaves ahead. Modifies the yard and the record in place.
    """
    lanes = network.lanes
    left = 0
    for at in range(lanes.by_hub[hub], lanes.by_hub[hub + 1]):
        lane = lanes.of_hub[at]
        beyond = yard.ready_for[lane] - lanes.meant[lane, step]
        yard.free[lane] = max(min(yard.room[lane], beyond), 0) if lanes.room[lane, step] < UNBOUNDED else 0
        left += yard.free[lane]
    cell = yard.head[hub]
    while cell != CLOSED and left > 0:
        path = yard.path[cell]
        lane = network.paths.lane[path]
        if lane != CLOSED and yard.ready[cell] > 0 and yard.free[lane] > 0:
            taken = min(yard.ready[cell], yard.free[lane])
            yard.free[lane] -= taken
            yard.room[lane] -= taken
            left -= taken
            _board(network, yard, record, cell, path, step, taken)
        cell = yard.following[cell]


@inner
def _find_last_turns(network: Network, yard: Yard, hub: int, step: int) -> int:
    """Find for each lane with room the turn in which it runs out; return how many parcels at most find room on all of them.

    Sets ``yard.free`` to the parcels a lane takes, ``yard.lane_turn`` to that turn, ``UNBOUNDED`` where all find room, ``yard.lane_sum`` to its
    parcels and ``yard.lane_seen`` to none.
    """
    lanes = network.lanes
    all_taken, short = 0, False
    for at in range(lanes.by_hub[hub], lanes.by_hub[hub + 1]):
        lane = lanes.of_hub[at]
        yard.free[lane] = min(yard.room[lane], yard.ready_for[lane])
        yard.lane_turn[lane] = UNBOUNDED
        yard.lane_sum[lane] = yard.lane_seen[lane] = 0
        all_taken += yard.free[lane]
        short = short or (yard.free[lane] > 0 and yard.ready_for[lane] > yard.room[lane])
    if short:
        _mark_last_turns(network, yard, hub, step)
    return int(all_taken)


@inner
def _mark_last_turns(network: Network, yard: Yard, hub: int, step: int) -> None:
    """Mark the turn in which the room of each lane that is short runs out, and add up its parcels of that turn.

    While the lanes are looked through ``yard.lane_seen`` holds their parcels of the turns before the one looked at.
    """
    lanes = network.lanes
    for at in range(lanes.by_hub[hub], lanes.by_hub[hub + 1]):
        lane = lanes.of_hub[at]
        if 0 < yard.free[lane] < yard.ready_for[lane]:
            yard.lane_turn[lane] = CLOSED
    cell = yard.head[hub]
    while cell != CLOSED:
        lane, parcels, turn = network.paths.lane[yard.path[cell]], yard.ready[cell], yard.turn[cell]
        may = lane != CLOSED and parcels > 0 and 0 < yard.free[lane] < yard.ready_for[lane]
        if may and not is_early(network, yard, cell, step):
            if turn == yard.lane_turn[lane]:
                yard.lane_sum[lane] += parcels
            elif yard.lane_seen[lane] + yard.lane_sum[lane] <= yard.room[lane]:
                yard.lane_seen[lane] += yard.lane_sum[lane]
                yard.lane_sum[lane], yard.lane_turn[lane] = parcels, turn
        cell = yard.following[cell]
    for at in range(lanes.by_hub[hub], lanes.by_hub[hub + 1]):
        lane = lanes.of_hub[at]
        if yard.lane_turn[lane] != UNBOUNDED and yard.lane_seen[lane] + yard.lane_sum[lane] <= yard.room[lane]:
            yard.lane_turn[lane] = UNBOUNDED  # what is early stays: the others find room
        yard.lane_seen[lane] = 0


@inner
def load_alternates(network: Network, yard: Yard, record: Played, hub: int, step: int) -> None:
    """Load what waits beyond what the plan leaves waiting on other next lanes to the same end, in turn.

    Modifies the yard and the record in place.
    """
    paths, meant = network.paths, network.lanes.meant
    if not _waits_beyond(network, yard, hub, step):
        return
    cell = yard.head[hub]
    while cell != CLOSED:
        path = yard.path[cell]
        lane = paths.lane[path]
        for at in range(paths.first_alternate[path], paths.first_alternate[path + 1]):
            other = paths.alternates[at]
            beyond = yard.ready_for[lane] - meant[lane, step]
            taken = min(beyond, yard.ready[cell], yard.room[paths.lane[other]])
            if taken > 0:
                yard.room[paths.lane[other]] -= taken
                _board(network, yard, record, cell, other, step, taken)
        cell = yard.following[cell]


@inner
def turn_to_road(network: Network, yard: Yard, hub: int, step: int) -> bool:
    """Let what a train or flight left behind wait for the road, when none is planned within a day; say whether any does.

    Modifies the yard in place.
    """
    if not _waits_for_train(network, yard, hub):
        return False
    turned = False
    paths, lanes, close = network.paths, network.lanes, network.clock.close
    steps = lanes.room.shape[1]
    within = close[hub, step] + HOURS_A_DAY
    cell = yard.head[hub]
    while cell != CLOSED:
        path, term, arrived = yard.path[cell], yard.term[cell], yard.arrived[cell]
        road = paths.by_road[path]
        left_behind = yard.ready[cell] > 0 and yard.unsorted[cell] == 0 and not is_early(network, yard, cell, step)
        if road != CLOSED and left_behind:
            ahead = 0
            later = step + 1
            while later < steps and close[hub, later] <= within:
                ahead += lanes.room[paths.lane[path], later]
                later += 1
            free = network.terms.free[path, term]
            other = yard.slot[road, arrived, free]
            if ahead == 0:
                turned = True
                yard.ready_for[paths.lane[path]] -= yard.ready[cell]
                yard.ready_for[paths.lane[road]] += yard.ready[cell]
            if ahead == 0 and other != CLOSED:
                yard.ready[other] += yard.ready[cell]
                yard.ready[cell] = 0
            elif ahead == 0:
                yard.slot[path, arrived, term] = CLOSED
                yard.slot[road, arrived, free] = cell
                yard.path[cell], yard.term[cell] = road, free
        cell = yard.following[cell]
    return turned


@inner
def call_spot(network: Network, yard: Yard, record: Played, hub: int, step: int) -> None:
    """Call vehicles, within the hub's limit of the day, for what waits beyond what the plan itself leaves waiting.

    One is called for the lane with most of it while that fills half a vehicle, and takes that, or for the lane with most parcels while the yard
    holds more than its buffer, and takes of all. Modifies the yard and the record in place.
    """
    lanes = network.lanes
    limit = network.hubs.spot_limit[hub, step] - yard.called[hub]
    if limit <= 0 or yard.waiting[hub] == 0:
        return
    for _ in range(limit):
        best, most = CLOSED, 0
        fullest, parcels = CLOSED, 0
        for at in range(lanes.by_hub[hub], lanes.by_hub[hub + 1]):
            lane = lanes.of_hub[at]
            if lanes.spot_capacity[lane] == 0 or lanes.arrival[lane, step] == CLOSED:
                continue
            beyond = min(yard.ready_for[lane] - lanes.meant[lane, step], yard.ready_for[lane])
            if 2 * beyond >= lanes.spot_capacity[lane] and beyond > most:
                best, most = lane, beyond
            if yard.ready_for[lane] > parcels:
                fullest, parcels = lane, yard.ready_for[lane]
        if best == CLOSED and yard.waiting[hub] > network.hubs.buffer[hub, step]:
            best, most = fullest, parcels
        if best == CLOSED:
            return
        _board_lane(network, yard, hub, step, best, min(lanes.spot_capacity[best], most), record)
        record.spot[best, step] += 1
        yard.called[hub] += 1
        record.costs[SPOT] += lanes.spot_cost[best]


@inner
def ride_later(network: Network, yard: Yard, record: Played, hub: int, step: int) -> None:
    """After the last day of demand let what is sorted and has missed its turn ride with later traffic.

    Modifies the yard and the record in place.
    """
    cell = yard.head[hub]
    while cell != CLOSED:
        path, parcels = yard.path[cell], yard.ready[cell]
        lane = network.paths.lane[path]
        due = is_due(network, yard, cell, step)
        if lane != CLOSED and due and parcels > 0 and network.lanes.arrival[lane, step] != CLOSED:
            record.tail[lane, step] += parcels
            record.costs[TAIL] += parcels * network.lanes.tail_cost[lane]
            record.costs[CARRIAGE] += parcels * network.lanes.parcel_cost[lane]
            send(network, yard, cell, path, network.lanes.arrival[lane, step], parcels)
        cell = yard.following[cell]


@inner
def _board(network: Network, yard: Yard, record: Played, cell: int, path: int, step: int, parcels: int) -> None:
    """Put parcels of a cell on planned vehicles: on their own departure and later ones of the step, then on those before, each to the step it reaches."""
    if parcels == 0:
        return
    lanes = network.lanes
    lane = network.paths.lane[path]
    record.load[lane, step] += parcels
    record.costs[CARRIAGE] += parcels * lanes.parcel_cost[lane]
    if lanes.spread[lane, step]:
        own = 0
        ranks = network.terms.ranks
        leave = yard.turn[cell] // yard.slot.shape[1]
        if leave // ranks == step and path == yard.path[cell]:
            own = leave % ranks
        vehicles = network.vehicles
        for before in range(2):
            for row in range(vehicles.start[lane, step], vehicles.end[lane, step]):
                if vehicles.arrival[row] == CLOSED or (vehicles.rank[row] < own) != (before == 1):
                    continue
                taken = min(vehicles.number[row] * vehicles.capacity[row] - record.aboard[row], parcels)
                if taken > 0:
                    record.aboard[row] += taken
                    send(network, yard, cell, path, vehicles.arrival[row], taken)
                    parcels -= taken
    if parcels > 0:
        send(network, yard, cell, path, lanes.arrival[lane, step], parcels)


@inner
def _waits_for_train(network: Network, yard: Yard, hub: int) -> bool:
    """Say whether anything waits for a lane on which no vehicle can be called, as trains and flights are."""
    lanes = network.lanes
    for at in range(lanes.by_hub[hub], lanes.by_hub[hub + 1]):
        lane = lanes.of_hub[at]
        if lanes.spot_capacity[lane] == 0 and yard.ready_for[lane] > 0:
            return True
    return False


@inner
def _waits_beyond(network: Network, yard: Yard, hub: int, step: int) -> bool:
    """Say whether more waits for any lane than the plan leaves waiting, while another lane still has room."""
    lanes = network.lanes
    beyond = room = False
    for at in range(lanes.by_hub[hub], lanes.by_hub[hub + 1]):
        lane = lanes.of_hub[at]
        beyond = beyond or yard.ready_for[lane] > lanes.meant[lane, step]
        room = room or yard.room[lane] > 0
    return beyond and room


@inner
def _board_lane(network: Network, yard: Yard, hub: int, step: int, lane: int, room: int, record: Played) -> None:
    """Fill one called vehicle with a lane's parcels, in turn."""
    cell = yard.head[hub]
    while cell != CLOSED and room > 0:
        if network.paths.lane[yard.path[cell]] == lane and yard.ready[cell] > 0:
            taken = min(yard.ready[cell], room)
            room -= taken
            record.costs[CARRIAGE] += taken * network.lanes.parcel_cost[lane]
            send(network, yard, cell, yard.path[cell], network.lanes.arrival[lane, step], taken)
        cell = yard.following[cell]
