from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.plan_outcome import count_forced_short, list_waiting, read_outcome

DAY = date(2025, 11, 11)
NEXT = DAY + timedelta(days=1)


def tables(short_a: tuple[int, int] = (50, 70), short_b: tuple[int, int] = (30, 10)) -> dict[str, pl.DataFrame]:
    """Hubs A and B each hand in 100 a day; A sorts 60 and holds 0, B sorts 80 and holds 10; C is on no lane's way."""
    demand = [(day, hub, other, 100) for day in (DAY, NEXT) for hub, other in (("A", "B"), ("B", "A"))]
    demand.append((DAY, "A", "C", 7))
    short = [(DAY, "A", "B", short_a[0]), (NEXT, "A", "B", short_a[1]), (DAY, "B", "A", short_b[0])]
    short += [(NEXT, "B", "A", short_b[1]), (DAY, "A", "C", 7)]
    columns = ["date", "origin_hub_id", "destination_hub_id", "parcels"]
    total = sum(row[3] for row in short)
    carried = sum(row[3] for row in demand) - total
    row = {
        "plan": "trunk",
        "cost": 900.0 + 50 * total,
        "lower_bound": 810.0 + 50 * total,
        "parcels_demanded": carried + total,
    }
    return {
        "plan_certificates": pl.DataFrame(
            [row | {"parcels_planned": carried, "parcels_short": total, "parcels_late": None}]
        ),
        "shortfalls": pl.DataFrame(short, schema=columns, orient="row"),
        "route_demand": pl.DataFrame(demand, schema=columns, orient="row"),
        "hub_loads": pl.DataFrame(
            [(day, hub, {"A": 60, "B": 80, "C": None}[hub]) for day in (DAY, NEXT) for hub in "ABC"],
            schema={"date": pl.Date, "hub_id": pl.String, "capacity": pl.Int64},
            orient="row",
        ),
        "hubs": pl.DataFrame({"hub_id": ["A", "B", "C"], "buffer_capacity": [0, 10, None]}),
        "lanes": pl.DataFrame({"origin_hub_id": ["A", "B"], "destination_hub_id": ["B", "A"]}),
    }


def test_two_hubs_short_on_two_days_are_each_named_with_what_waits() -> None:
    outcome = read_outcome(tables(), 50.0)
    assert outcome.waiting.rows() == [(DAY, "A", 57, 57), (DAY, "B", 30, 30), (NEXT, "A", 70, 127), (NEXT, "B", 10, 40)]
    # A: 40 + 40 of A-B, and 7 without a lane; B: 10 and 20 beyond what it sorts and holds.
    assert outcome.unavoidable == 7 + 80 + 30
    assert (outcome.short, outcome.carried, outcome.demanded) == (167, 240, 407)


def test_the_price_of_shortage_is_told_apart_and_the_gap_is_that_of_what_is_carried() -> None:
    outcome = read_outcome(tables(), 50.0)
    assert (outcome.cost, outcome.short_price, outcome.bound) == (900.0, 50.0 * 167, 810.0)
    assert outcome.gap == pytest.approx(0.1)


def test_no_more_is_unavoidable_than_is_short_and_without_demand_nothing_is_proven() -> None:
    found = tables((1, 1), (1, 1))
    assert read_outcome(found, 50.0).unavoidable == 11
    assert read_outcome(found | {"route_demand": found["route_demand"].clear()}, 50.0).unavoidable == 0


def test_nothing_short_waits_nowhere() -> None:
    assert list_waiting(tables()["shortfalls"].clear()).is_empty()


days = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=6)


@given(days)
def test_what_is_forced_is_what_the_best_of_all_hubs_leaves(rows: list[tuple[int, int, int]]) -> None:
    """Taking on parcels greedily, one by one while there is room on all later days, is best for one hub."""
    handed, capacity, buffer = (list(column) for column in zip(*rows, strict=True))
    taken = [0] * len(rows)

    def fits() -> bool:
        waiting = 0
        for parcels, limit, room in zip(taken, capacity, buffer, strict=True):
            waiting = max(0, waiting + parcels - limit)
            if waiting > room:
                return False
        return True

    for day, parcels in enumerate(handed):
        for _ in range(parcels):
            taken[day] += 1
            if not fits():
                taken[day] -= 1
                break
    forced = count_forced_short(handed, [float(limit) for limit in capacity], [float(room) for room in buffer])
    assert forced == sum(handed) - sum(taken)
