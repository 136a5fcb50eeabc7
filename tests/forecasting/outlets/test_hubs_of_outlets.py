"""What planners tell of hubs, where hubs are sums of outlets: corrections, handovers, closings."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from data.contracts import contract
from forecasting.inputs import ForecastInputs
from forecasting.outlets.hubs_of_outlets import as_routes, outlet_overrides, read_hub_changes
from tests.forecasting.outlets.test_sums_of_outlets import inputs

AS_OF = dt.date(2024, 6, 1)


def _changed(*rows: dict[str, Any]) -> ForecastInputs:
    base = {"change_id": "c", "successor_hub_id": None, "share": None, "reason": None}
    frame = pl.DataFrame([base | row for row in rows], infer_schema_length=None)
    return replace(inputs(), network_changes=contract("network_changes").conform(frame))


def test_a_hub_is_a_route_with_one_end() -> None:
    ends = ["origin_hub_id", "destination_hub_id"]
    assert as_routes(["H0", "H1"], "pickup").select(ends).rows() == [("H0", ""), ("H1", "")]
    assert as_routes(["H0"], "delivery").select(ends).rows() == [("", "H0")]


def test_outlets_are_corrected_by_rows_of_their_hub_and_of_the_network() -> None:
    places = ("region_id", "hub_id", "outlet_id", "origin_hub_id", "destination_hub_id", "courier_id", "direction")
    rows = [
        {"override_id": "1", "level": "hub", "factor": 2.0, "hub_id": "H0", "direction": "out"},
        {"override_id": "2", "level": "network", "factor": 1.5},
        {"override_id": "3", "level": "outlet", "factor": 3.0, "outlet_id": "o1", "direction": "pickup"},
    ]
    frame = pl.DataFrame(
        [dict.fromkeys(places) | row for row in rows], schema_overrides=dict.fromkeys(places, pl.String)
    ).with_columns(
        date_from=AS_OF + dt.timedelta(days=1),
        date_to=AS_OF + dt.timedelta(days=1),
        author=pl.lit("planner"),
        reason=pl.lit("a case"),
        created_at=pl.lit(dt.datetime(2024, 1, 1, tzinfo=dt.UTC)),
    )
    units = pl.DataFrame(
        {"outlet_id": ["o0", "o1"], "courier_id": ["c", "c"], "hub_id": ["H0", "H1"], "region_id": ["R", "R"]}
    )
    dates = np.arange("2024-06-02", "2024-06-04", dtype="datetime64[D]")
    told = replace(inputs(), overrides=frame)
    assert outlet_overrides(told, units, dates, "pickup").tolist() == [[3.0, 1.0], [4.5, 1.0]]
    assert outlet_overrides(replace(told, overrides=None), units, dates, "pickup").tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_a_hub_that_moves_hands_its_outlets_over() -> None:
    day = AS_OF + dt.timedelta(days=2)
    changes = read_hub_changes(
        _changed({"date": day, "hub_id": "H1", "change": "moves", "successor_hub_id": "NEW", "share": 1.0}),
        ["H0", "H1"],
        "pickup",
        AS_OF,
        3,
    )
    assert (changes.empty, changes.labels("pickup")) == (False, ["H0", "H1", "NEW"])
    moved = changes.apply(np.array([[10.0, 10.0, 10.0], [4.0, 4.0, 4.0]]), AS_OF)
    assert moved.tolist() == [[10.0, 10.0, 10.0], [4.0, 0.0, 0.0], [0.0, 4.0, 4.0]]


def test_nothing_told_changes_nothing() -> None:
    changes = read_hub_changes(inputs(), ["H0", "H1"], "delivery", AS_OF, 2)
    assert changes.empty
    assert changes.apply(np.array([[1.0, 2.0], [3.0, 4.0]]), AS_OF).tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_a_hub_that_closes_without_successor_spreads_over_the_others() -> None:
    closes = {"date": AS_OF + dt.timedelta(days=1), "hub_id": "H1", "change": "closes"}
    changes = read_hub_changes(_changed(closes), ["H0", "H1", "H2"], "pickup", AS_OF, 2)
    moved = changes.apply(np.array([[10.0, 10.0], [4.0, 4.0], [10.0, 10.0]]), AS_OF)
    assert moved[1].tolist() == [0.0, 0.0]
    assert moved.sum() == pytest.approx(48.0)
