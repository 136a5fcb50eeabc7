"""What differs between two runs' results, by hand, and as laws of any two."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.comparison import RunResults, compare_results

DAYS = [date(2025, 11, 10) + timedelta(days=n) for n in range(4)]


def _trunk(demand: list[tuple[int, str, str, int]], departures: list[tuple[int, str, int, float]]) -> RunResults:
    asked = [(DAYS[day], o, d, parcels) for day, o, d, parcels in demand]
    trips = [(DAYS[day], lane, "truck", count, 10 * count, cost) for day, lane, count, cost in departures]
    columns = ["date", "lane_id", "vehicle_type_id", "departures", "parcels", "cost"]
    return RunResults(
        {
            "route_demand": pl.DataFrame(
                asked, schema=["date", "origin_hub_id", "destination_hub_id", "parcels"], orient="row"
            ),
            "trunk_departures": pl.DataFrame(trips, schema=columns, orient="row"),
            "trunk_flows": pl.DataFrame(),
        }
    )


def test_days_lanes_and_routes_that_differ() -> None:
    before = _trunk([(0, "A", "B", 5), (1, "A", "C", 7)], [(0, "A-B", 1, 50.0), (1, "A-C", 2, 90.0)])
    after = _trunk(
        [(0, "A", "B", 9), (1, "A", "C", 7)], [(0, "A-B", 3, 150.0), (1, "A-C", 2, 90.0), (1, "C-A", 1, 4.0)]
    )
    found = compare_results("trunk", before, after)
    assert not found.same
    assert found.views["lanes"].select("lane_id", "departures_before", "departures_after", "cost_change").rows() == [
        ("A-B", 1, 3, 100.0),
        ("C-A", 0, 1, 4.0),
    ]
    assert found.views["days"]["cost_change"].to_list() == [100.0, 4.0]
    assert found.views["routes"].rows() == [("A", "B", 5, 9, 4)]
    totals = {row["measure"]: row["change"] for row in found.totals.to_dicts()}
    assert totals == {"departures": 3.0, "departure_cost": 104.0}
    assert compare_results("trunk", before, before).same


def test_days_of_only_one_are_named_and_left_out_of_the_rows() -> None:
    before = _trunk([(0, "A", "B", 5), (1, "A", "B", 5)], [(0, "A-B", 1, 50.0), (1, "A-B", 1, 50.0)])
    after = _trunk([(1, "A", "B", 5), (2, "A", "B", 8)], [(1, "A-B", 1, 50.0), (2, "A-B", 2, 99.0)])
    found = compare_results("trunk", before, after)
    assert (found.common_days, found.only_before, found.only_after) == ([DAYS[1]], [DAYS[0]], [DAYS[2]])
    assert all(frame.is_empty() for frame in found.views.values())
    assert not found.same
    assert {row["measure"]: row["change"] for row in found.totals.to_dicts()}["departure_cost"] == 49.0


def test_a_fact_one_side_lacks_has_no_change() -> None:
    bare = _trunk([(0, "A", "B", 5)], [(0, "A-B", 1, 50.0)])
    found = compare_results("trunk", bare, RunResults(bare.tables, {"carrying_cost": 50.0}))
    row = found.totals.row(by_predicate=pl.col("measure") == "carrying_cost", named=True)
    assert row == {"measure": "carrying_cost", "before": None, "after": 50.0, "change": None}
    assert not found.same


SIDE = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["A-B", "B-A", "A-C"]), st.integers(0, 9), st.integers(0, 99)),
    min_size=1,
    max_size=8,
)


@given(first=SIDE, second=SIDE, days=st.tuples(*[st.sets(st.integers(0, 2), min_size=1)] * 2))
def test_changes_add_up_and_turn_round(
    first: list[tuple[int, str, int, int]],
    second: list[tuple[int, str, int, int]],
    days: tuple[set[int], set[int]],
) -> None:
    sides = [
        _trunk(
            [(day, "A", "B", 1) for day in sorted(own)], [(day, lane, n, float(cost)) for day, lane, n, cost in rows]
        )
        for own, rows in zip(days, (first, second), strict=True)
    ]
    there, back = compare_results("trunk", *sides), compare_results("trunk", *reversed(sides))
    common = days[0] & days[1] if days[0] != days[1] else {0, 1, 2}  # a day that only one answers for is left out

    def cost_of(rows: list[tuple[int, str, int, int]]) -> int:
        return sum(cost for day, _, _, cost in rows if day in common)

    change = cost_of(second) - cost_of(first)
    for view in ("days", "lanes", "vehicles"):
        assert float(there.views[view]["cost_change"].sum()) == pytest.approx(change)
        assert there.views[view].height == back.views[view].height
        assert there.views[view]["departures_change"].sum() == -back.views[view]["departures_change"].sum()
