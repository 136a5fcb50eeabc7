"""What other plans leave of the hubs that all of them use, as rows of ``hub_days``."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from data.contracts import contract
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from routing.trunk.task.shared_hubs import leave_room

FIRST, NEXT = date(2025, 11, 1), date(2025, 11, 2)
OPTIONS = TrunkOptions()


def make_inputs(**tables: list[dict[str, Any]]) -> TrunkInputs:
    """Two hubs with a bound and one without."""
    hubs: list[dict[str, Any]] = [
        {"hub_id": "A", "name": "A", "sort_capacity": 450, "buffer_capacity": 60},
        {"hub_id": "B", "name": "B", "sort_capacity": 200, "buffer_capacity": None},
        {"hub_id": "C", "name": "C", "sort_capacity": None, "buffer_capacity": None},
    ]
    rows: dict[str, list[dict[str, Any]]] = {"hubs": hubs, "lanes": [], "vehicle_types": [], **tables}
    frames = {
        name: contract(name).arrange(pl.DataFrame(found, infer_schema_length=None)) if found else contract(name).empty()
        for name, found in rows.items()
    }
    return TrunkInputs.gather(frames | {"route_demand": contract("route_demand").empty()})


def load(
    when: date, hub: str, handled: int, held: int = 0, sort: str = "day", staged: int | None = None
) -> pl.DataFrame:
    row = {
        "run_id": "plan",
        "date": when,
        "hub_id": hub,
        "sort_id": sort,
        "handled": handled,
        "held": held,
        "staged": staged,
    }
    return contract("hub_loads").arrange(pl.DataFrame([row], infer_schema_length=None))


def left_of(inputs: TrunkInputs, *loads: pl.DataFrame) -> list[tuple[Any, ...]]:
    return leave_room(inputs, OPTIONS, loads)[0].sort("date", "hub_id", "sort_id").rows()


def test_two_plans_leave_what_neither_sorts_on_each_of_two_days() -> None:
    loads = [
        load(FIRST, "A", 310, 20),
        load(FIRST, "A", 100, 15),
        load(NEXT, "A", 50),
        load(NEXT, "B", 30),
        load(FIRST, "C", 900),
    ]
    assert left_of(make_inputs(), *loads) == [
        (FIRST, "A", "day", 40, 25),
        (NEXT, "A", "day", 400, 60),
        (NEXT, "B", "day", 170, None),
    ]
    taken = leave_room(make_inputs(), OPTIONS, loads)[1]
    assert taken.rows()[:2] == [(FIRST, "A", "day", 450, 410, 40), (NEXT, "B", "day", 200, 30, 170)]


def test_nothing_is_left_where_others_take_more_than_there_is() -> None:
    assert left_of(make_inputs(), load(FIRST, "A", 400, 90), load(FIRST, "A", 400)) == [(FIRST, "A", "day", 0, 0)]


def test_other_days_capacities_stay_and_those_of_the_day_are_what_is_divided() -> None:
    given = [
        {"date": FIRST, "hub_id": "A", "sort_id": "day", "sort_capacity": 600, "buffer_capacity": None},
        {"date": NEXT, "hub_id": "A", "sort_id": "day", "sort_capacity": 700, "buffer_capacity": None},
    ]
    found = left_of(make_inputs(hub_days=given), load(FIRST, "A", 100))
    assert found == [(FIRST, "A", "day", 500, 60), (NEXT, "A", "day", 700, None)]


@pytest.mark.parametrize("sorts", [("early", "late"), ("day", "late")])
def test_by_sorts_each_has_its_own_and_a_whole_day_falls_on_all(sorts: tuple[str, str]) -> None:
    rows = [
        {"hub_id": "A", "sort_id": name, "date_from": date(2025, 1, 1), "opens": opens, "cut_off": shut, "closes": shut, "sort_capacity": able}
        for name, opens, shut, able in ((sorts[0], "00:00", "08:00", 300), (sorts[1], "12:00", "20:00", 100))
    ]  # fmt: skip
    inputs = make_inputs(hub_sorts=rows)
    found = left_of(inputs, load(FIRST, "A", 40, 5, sorts[1]), load(NEXT, "A", 200, 10, "night"))
    apart = [(NEXT, "A", "early", 150, 50), (NEXT, "A", "late", 50, 50)]
    whole = [(NEXT, "A", "day", 200, 50)]  # a row of this name is for all sorts, divided by what they sort
    assert found == [(FIRST, "A", "late", 60, 55), *(whole if sorts[0] == "day" else apart)]


def test_what_others_sort_is_taken_of_what_a_closure_leaves_open() -> None:
    shut = {
        "closure_id": "1", "hub_id": "A", "open_share": 0.5, "reason": None,
        "starts_at": datetime(2025, 10, 31, 16, tzinfo=UTC), "ends_at": datetime(2025, 11, 1, 16, tzinfo=UTC),
    }  # fmt: skip
    inputs = make_inputs(hub_closures=[shut])
    # 225 of 450 are open, 100 taken: 125 are left, which is half of 250
    assert left_of(inputs, load(FIRST, "A", 100)) == [(FIRST, "A", "day", 250, 60)]


def test_sorted_parcels_stand_in_the_buffer_unless_a_hub_has_room_for_them() -> None:
    inputs = make_inputs()
    assert left_of(inputs, load(FIRST, "A", 10, 5, staged=20)) == [(FIRST, "A", "day", 440, 35)]
    apart = make_inputs(
        hubs=[{"hub_id": "A", "name": "A", "sort_capacity": 450, "buffer_capacity": 60, "staging_capacity": 100}]
    )
    assert left_of(apart, load(FIRST, "A", 10, 5, staged=20)) == [(FIRST, "A", "day", 440, 55)]


def test_without_loads_the_days_are_as_they_were() -> None:
    left, taken = leave_room(make_inputs(), OPTIONS, [])
    assert left.is_empty()
    assert taken.is_empty()
