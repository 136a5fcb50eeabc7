"""Edits of tables: what a line says, what it does to rows, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.contracts import contract
from data.edits import Edit, apply_edits
from data.errors import RadarError

HUBS = contract("hubs").conform(
    pl.DataFrame(
        {"hub_id": ["A", "B", "C"], "name": ["a", "b", "c"], "sort_capacity": [100, 200, None], "region_id": "R"}
    )
)


def capacity(*lines: str) -> list[int | None]:
    return apply_edits([Edit.parse(line) for line in lines], "hubs", HUBS)["sort_capacity"].to_list()


def test_rows_are_set_scaled_and_shifted_one_edit_after_the_other() -> None:
    assert capacity("hubs[hub_id=A] sort_capacity=7") == [7, 200, None]
    assert capacity("hubs sort_capacity*=1.15") == [115, 230, None]
    assert capacity("hubs[hub_id=A, region_id=R] sort_capacity*=2", "hubs[hub_id=A] sort_capacity+=1") == [
        201,
        200,
        None,
    ]
    assert capacity("hubs[hub_id=B] sort_capacity-=50, name=乙") == [100, 150, None]
    assert capacity("hubs[hub_id=B] sort_capacity=") == [100, None, None]


def test_rows_are_removed_and_added_in_the_order_of_their_key() -> None:
    after = apply_edits(
        [Edit.parse("hubs[hub_id=B] remove"), Edit.parse("hubs add hub_id=AB, name=a,, b, sort_capacity=5")],
        "hubs",
        HUBS,
    )
    assert after.select("hub_id", "name").rows() == [("A", "a"), ("AB", "a, b"), ("C", "c")]


def test_moments_carry_their_offset() -> None:
    line = "incidents add incident_id=x, kind=hub_shut, hub_id=A, starts_at=2025-11-12 06:00+08:00, ends_at=2025-11-13T00:00Z"
    row = Edit.parse(line).apply(contract("incidents").empty())
    assert row["starts_at"][0] == datetime(2025, 11, 11, 22, tzinfo=UTC)
    with pytest.raises(RadarError, match="without an offset"):
        Edit.parse(line.replace("+08:00", ""))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "edit ''"),
        ("hubs", "edit 'hubs'"),
        ("hbus sort_capacity=1", "table hbus"),
        ("trunk_flows parcels=1", "radar itself writes"),
        ("runs message=x", "radar itself writes"),
        ("hubs sorting=1", "column sorting"),
        ("hubs[sorting=1] name=x", "column sorting"),
        ("hubs sort_capacity=many", "'many'"),
        ("hubs sort_capacity*=many", "'many'"),
        ("hubs name*=2", "column of numbers"),
        ("hubs sort_capacity", "column=value"),
        ("hubs[hub_id=A] add hub_id=D", "a row that is added"),
        ("hubs[hub_id=Z] sort_capacity=1", "meets no row"),
        ("hubs[hub_id=A] sort_capacity=-1", "leaves"),
        ("hubs[hub_id=A] hub_id=B", "leaves"),
        ("hubs add hub_id=A, name=x", "a key that is new"),
        ("hubs add name=x", "without column hub_id"),
    ],
)
def test_what_is_no_edit_is_told_in_a_sentence(line: str, told: str) -> None:
    with pytest.raises(RadarError) as error:
        Edit.parse(line).apply(HUBS)
    assert told in str(error.value)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=6), st.integers(0, 50))
def test_scaling_by_whole_numbers_keeps_parcels_whole(sizes: list[int], factor: int) -> None:
    names = [f"H{n}" for n in range(len(sizes))]
    hubs = contract("hubs").conform(pl.DataFrame({"hub_id": names, "name": names, "sort_capacity": sizes}))
    after = Edit.parse(f"hubs sort_capacity*={factor}").apply(hubs)
    assert after["sort_capacity"].to_list() == [size * factor for size in sizes]
