"""The panel spreads routes out without losing a parcel, and sums by any level."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import RadarError
from forecasting.series.panel import Panel, aggregate

START = dt.date(2024, 1, 1)


def volumes(rows: list[tuple[int, str, str, int]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (START + dt.timedelta(days=day), "c", origin, destination, parcels)
            for day, origin, destination, parcels in rows
        ],
        schema={
            "date": pl.Date,
            "courier_id": pl.String,
            "origin_hub_id": pl.String,
            "destination_hub_id": pl.String,
            "parcels": pl.Int64,
        },
        orient="row",
    )


def test_absent_days_are_zero_and_days_are_without_gaps() -> None:
    panel = Panel.from_route_volumes(volumes([(0, "A", "B", 5), (3, "A", "B", 7), (1, "B", "A", 2)]))
    assert panel.dates.size == 4
    assert panel.parcels.tolist() == [[5, 0, 0, 7], [0, 2, 0, 0]]


def test_hub_sums_by_hand() -> None:
    panel = Panel.from_route_volumes(volumes([(0, "A", "B", 5), (0, "A", "C", 1), (0, "B", "C", 3)]))
    out = panel.membership("hub_out")
    assert dict(zip(out.labels, aggregate(panel.parcels, out)[:, 0].tolist(), strict=True)) == {"A": 6.0, "B": 3.0}
    into = panel.membership("region_in", {"B": "north", "C": "south"})
    assert dict(zip(into.labels, aggregate(panel.parcels, into)[:, 0].tolist(), strict=True)) == {
        "north": 5.0,
        "south": 4.0,
    }


def test_no_rows_is_a_known_error() -> None:
    with pytest.raises(RadarError, match=r"(?i)no route volumes"):
        Panel.from_route_volumes(volumes([]))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 90), st.sampled_from("ABC"), st.sampled_from("ABC"), st.integers(0, 9999)),
        min_size=1,
        max_size=60,
    )
)
def test_every_level_sums_to_the_table(rows: list[tuple[int, str, str, int]]) -> None:
    frame = volumes(rows)
    panel = Panel.from_route_volumes(frame)
    for level in ("network", "hub_out", "hub_in", "route"):
        sums = aggregate(panel.parcels, panel.membership(level))
        assert sums.sum() == pytest.approx(frame["parcels"].sum())
        np.testing.assert_allclose(sums.sum(axis=0), panel.parcels.sum(axis=0))
        told = dict(zip(panel.membership(level).labels, sums, strict=True))
        for day, start, end, _ in rows:
            of = {"network": "network", "hub_out": start, "hub_in": end, "route": f"c|{start}|{end}"}
            mine = sum(
                parcels
                for other, a, b, parcels in rows
                if other == day
                and (level == "network" or (level != "hub_in" and a == start) or (level != "hub_out" and b == end))
                and (level != "route" or (a, b) == (start, end))
            )
            assert told[of[level]][day - min(row[0] for row in rows)] == pytest.approx(mine)
