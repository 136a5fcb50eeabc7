"""Plans edited by hand: parcels board the departures of the file, and what they lack is told."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from routing.checker.edited_plan import check_edited, load_departures
from tests.routing.playback.paper_plan import paper_plan
from tests.routing.tiny_plan import Tables, tiny_plan

PRICES = {"hold_cost": 0.0, "short_cost": 50.0, "late_cost": 2.0, "co2_price": 0.0}


def _less(rows: pl.DataFrame, row: int, change: int) -> pl.DataFrame:
    """Change the departures of a row; what it carried and cost stays in it, as it does in a planner's file."""
    place = pl.int_range(pl.len()) == row
    changed = rows.with_columns(departures=pl.when(place).then(pl.col("departures") + change).otherwise("departures"))
    return changed.filter(pl.col("departures") > 0)


@pytest.mark.parametrize("plan", [paper_plan, tiny_plan])
def test_an_export_that_nobody_edited_breaks_nothing_and_costs_what_it_did(plan: Callable[[], Tables]) -> None:
    tables = plan()
    check = check_edited(tables, tables["trunk_departures"], PRICES, None)
    assert check.violations == []
    assert (check.added, check.taken_out) == (0, 0)
    assert check.cost == pytest.approx(check.cost_before)


def test_parcels_of_a_vehicle_taken_out_are_told_and_its_cost_is_saved() -> None:
    tables = paper_plan()
    check = check_edited(tables, _less(tables["trunk_departures"], 0, -1), PRICES, None)
    assert [(one.rule, one.found, one.allowed) for one in check.violations] == [("lane.capacity", "210", "140")]
    assert (check.added, check.taken_out) == (0, 1)
    assert check.cost == pytest.approx(check.cost_before - 1000.0)


def test_a_whole_row_taken_out_and_two_vehicles_added_elsewhere() -> None:
    tables = paper_plan()
    rows = _less(_less(tables["trunk_departures"], 0, 2), 3, -1)
    check = check_edited(tables, rows, PRICES, None)
    assert [(one.rule, one.found, one.allowed) for one in check.violations] == [("lane.capacity", "30", "0")]
    assert (check.added, check.taken_out) == (2, 1)
    assert check.cost == pytest.approx(check.cost_before + 2 * 1000.0 - 500.0)


def test_parcels_board_row_by_row_as_far_as_there_is_room() -> None:
    tables = paper_plan()
    first = tables["trunk_departures"].head(1)
    split = pl.concat(
        [first.with_columns(departures=pl.lit(1, pl.Int64)), first.with_columns(departures=pl.lit(4, pl.Int64))]
    )
    assert load_departures(tables, split)["parcels"].to_list() == [70, 140]


def test_a_fleet_sent_out_twice_is_found() -> None:
    tables = paper_plan()
    tables["vehicle_types"] = tables["vehicle_types"].with_columns(fleet_size=pl.lit(5.0))
    assert "fleet.size" in {
        one.rule for one in check_edited(tables, _less(tables["trunk_departures"], 1, 3), PRICES, None).violations
    }
