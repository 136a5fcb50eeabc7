"""Spreading vehicles over arcs: a case by hand, and the compiled function against its plain twin on random networks."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.trunk.vehicles.fleet_spreading import ArcVehicles, FleetUse, spread_vehicles
from tests.routing.plain.fleet import Arc, Fleets, Pair, spread_plainly


def test_two_arcs_that_want_one_vehicle_leave_it_to_the_one_whose_replacement_is_dearer() -> None:
    # one own vehicle (type 0) for two arcs of a day; a hired one (type 1) costs 30 more on the first, 90 more on the second
    pairs = ArcVehicles(
        first=np.array([0, 2, 4]),
        kind=np.array([0, 1, 0, 1]),
        day=np.array([0, 0, 0, 0]),
        busy=np.array([1, 1, 1, 1]),
        capacity=np.full(4, 100.0),
        cost=np.array([50.0, 80.0, 50.0, 140.0]),
        limit=np.full(4, np.inf),
        lane_limit=np.full(2, np.inf),
        frozen=np.zeros(4, dtype=np.bool_),
    )
    use = FleetUse(np.array([100.0, 90.0]), np.array([1, 0, 1, 0]), np.array([[1.0], [np.inf]]))
    spread_vehicles(pairs, use, np.array([0, 1]), 6)
    assert use.departures.tolist() == [0, 1, 1, 0]
    assert use.free[0, 0] == 0


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_compiled_and_plain_spreading_choose_the_same_vehicles(data: st.DataObject) -> None:
    days, kinds = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
    sizes = [float(data.draw(st.sampled_from([0, 1, 3, 8, 10_000]))) for _ in range(kinds)]
    arcs = [_draw_arc(data, days, kinds) for _ in range(data.draw(st.integers(1, 5)))]
    fleets = Fleets(arcs, sizes, days)
    order = sorted(range(len(arcs)), key=lambda number: -arcs[number].load)
    pairs, use = _to_arrays(fleets)
    spread_vehicles(pairs, use, np.array(order, dtype=np.int64), 4)
    spread_plainly(fleets, order, 4)
    assert use.departures.tolist() == [pair.departures for arc in arcs for pair in arc.pairs]
    left = [[fleets.free(kind, day) for day in range(days)] for kind in range(kinds)]
    assert use.free.tolist() == left


def _draw_arc(data: st.DataObject, days: int, kinds: int) -> Arc:
    # costs of all pairs differ, so that no choice is a tie
    pairs = [
        Pair(
            kind=data.draw(st.integers(0, kinds - 1)),
            busy=data.draw(st.integers(1, 3)),
            capacity=float(data.draw(st.sampled_from([40, 60, 100, 170]))),
            cost=data.draw(st.floats(10, 300)),
            limit=float(data.draw(st.sampled_from([0, 1, 3, 1000]))),
            frozen=data.draw(st.integers(0, 4)) == 0,
            departures=data.draw(st.integers(0, 4)),
        )
        for _ in range(data.draw(st.integers(0, 3)))
    ]
    limit = float(data.draw(st.sampled_from([0, 2, 5, 1000])))
    return Arc(data.draw(st.integers(0, days - 1)), float(data.draw(st.integers(0, 500))), limit, pairs)


def _to_arrays(fleets: Fleets) -> tuple[ArcVehicles, FleetUse]:
    rows = [(arc, pair) for arc in fleets.arcs for pair in arc.pairs]
    sizes = [len(arc.pairs) for arc in fleets.arcs]
    pairs = ArcVehicles(
        first=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        kind=np.array([pair.kind for _, pair in rows], dtype=np.int64),
        day=np.array([arc.day for arc, _ in rows], dtype=np.int64),
        busy=np.array([pair.busy for _, pair in rows], dtype=np.int64),
        capacity=np.array([pair.capacity for _, pair in rows], dtype=np.float64),
        cost=np.array([pair.cost for _, pair in rows], dtype=np.float64),
        limit=np.array([pair.limit for _, pair in rows], dtype=np.float64),
        lane_limit=np.array([arc.lane_limit for arc in fleets.arcs]),
        frozen=np.array([pair.frozen for _, pair in rows], dtype=np.bool_),
    )
    free = np.repeat(np.array(fleets.sizes)[:, None], fleets.days, axis=1)
    departures = np.array([pair.departures for _, pair in rows], dtype=np.int64)
    return pairs, FleetUse(np.array([arc.load for arc in fleets.arcs]), departures, free)
