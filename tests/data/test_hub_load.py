from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from data.checks.hub_capacity import find_overloaded_hubs
from data.hub_load import list_end_visits, list_visits, sum_visits

DAY = date(2025, 11, 11)
HUBS = ("A", "B", "C")


def test_a_plans_parcels_load_a_hub_once_a_visit() -> None:
    lanes = pl.DataFrame({"lane_id": ["A-B", "B-C"], "origin_hub_id": ["A", "B"]})
    later = DAY + timedelta(days=1)
    flows = pl.DataFrame(
        {
            "origin_hub_id": ["A", "A", "B"],
            "destination_hub_id": ["C", "A", "B"],
            "path": [["A-B", "B-C"], [], []],
            "departure_dates": [[DAY, later], [], []],
            "completed_on": [later, DAY, later],
            "parcels": [10, 7, 3],
        },
        schema_overrides={"path": pl.List(pl.String), "departure_dates": pl.List(pl.Date)},
    )
    loads = sum_visits(list_visits(flows, lanes))
    assert loads.select("date", "hub_id", "originating", "transit", "ending", "local", "load").rows() == [
        (DAY, "A", 10, 0, 0, 7, 17),
        (later, "B", 0, 10, 0, 3, 13),
        (later, "C", 0, 0, 10, 0, 10),
    ]


@given(st.lists(st.tuples(st.sampled_from(HUBS), st.sampled_from(HUBS), st.integers(0, 9)), min_size=1, max_size=12))
def test_loads_are_twice_the_parcels_less_those_that_stay(rows: list[tuple[str, str, int]]) -> None:
    routes = pl.DataFrame(rows, schema=["origin_hub_id", "destination_hub_id", "parcels"], orient="row")
    loads = sum_visits(list_end_visits(routes, keep=()), keep=())
    stay = sum(parcels for start, end, parcels in rows if start == end)
    assert loads["load"].sum() == 2 * routes["parcels"].sum() - stay
    assert loads["local"].sum() == stay
    for row in loads.iter_rows(named=True):
        here = row["hub_id"]
        starting = sum(parcels for start, end, parcels in rows if start == here != end)
        ending = sum(parcels for start, end, parcels in rows if start != here == end)
        at_home = sum(parcels for start, end, parcels in rows if start == here == end)
        assert (row["originating"], row["ending"], row["local"]) == (starting, ending, at_home)
        assert row["load"] == starting + ending + at_home


def test_two_hubs_over_their_capacity_are_named_and_one_that_is_full_is_not() -> None:
    days = [DAY + timedelta(days=number) for number in range(40)]
    rows = [
        (day, "c", start, end, parcels)
        for number, day in enumerate(days)
        for start, end, parcels in (
            ("A", "A", 100),  # once, not twice
            ("B", "C", 60 if number >= 38 else 20),
            ("C", "B", 50 if number < 5 else 10),  # too long ago
        )
    ]
    volumes = pl.DataFrame(
        rows, schema=["date", "courier_id", "origin_hub_id", "destination_hub_id", "parcels"], orient="row"
    )
    hubs = pl.DataFrame({"hub_id": ["A", "B", "C", "D"], "sort_capacity": [100, 40, 69, None]})
    hubs = hubs.with_columns(buffer_capacity=None, handling_cost=None)
    found = find_overloaded_hubs(volumes, {"hubs": hubs})
    assert found.select("subject", "date_from", "date_to", "parcels").rows() == [
        ("hub B", days[38], days[39], 70),
        ("hub C", days[38], days[39], 70),
    ]
    assert found["detail"][0].startswith("2 of the last 28 days over its sort_capacity of 40")
    assert find_overloaded_hubs(volumes.clear(), {"hubs": hubs}).is_empty()
