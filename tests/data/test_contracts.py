"""Contracts: which rows they take, which they set apart, and what they say."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from data.contracts import LINKS, TABLES, contract
from data.errors import RadarError

LANES = pl.DataFrame(
    {
        "lane_id": ["a", "a", "b", "c", "d"],
        "origin_hub_id": ["X", "X", "Y", None, "X"],
        "destination_hub_id": ["Y", "Y", "Y", "Z", "Z"],
        "mode": ["road", "sea", "rail", "road", "road"],
        "distance_km": [1.0, 2.0, -1.0, 4.0, 5.0],
        "transit_hours": [1.0] * 5,
    }
)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_an_empty_table_keeps_its_contract(table: object) -> None:
    name: str = table.name  # type: ignore[attr-defined]
    assert contract(name).conform(contract(name).empty()).columns == list(contract(name).polars_schema)
    assert contract(name).keys or name == "rejected_rows"  # a record: one row may break two rules


def test_results_lead_with_the_run() -> None:
    assert all(table.columns[0].name == "run_id" for table in TABLES.values() if table.group == "results")


def test_split_sets_each_bad_row_apart_with_its_rule() -> None:
    good, broken = contract("lanes").split(LANES)
    assert good["lane_id"].to_list() == ["d"]
    found = set(broken.select("row_index", "column", "value", "rule").iter_rows())
    assert found == {
        (0, "lane_id", None, "the key must be unique"),
        (1, "lane_id", None, "the key must be unique"),
        (1, "mode", "sea", "is not one of the words allowed"),
        (2, None, None, "ends differ"),
        (2, "distance_km", "-1.0", "is below the smallest value allowed"),
        (3, "origin_hub_id", None, "must not be empty"),
    }


def test_conform_names_the_first_bad_row() -> None:
    with pytest.raises(RadarError, match=r"4 row\(s\) of table lanes break a rule, the first is lane_id='a'"):
        contract("lanes").conform(LANES)


def test_conform_adds_optional_columns_and_refuses_others() -> None:
    hubs = contract("hubs").conform(pl.DataFrame({"hub_id": ["A"], "name": ["Alpha"]}))
    assert hubs["sort_capacity"].to_list() == [None]
    with pytest.raises(RadarError, match="without column name"):
        contract("hubs").conform(pl.DataFrame({"hub_id": ["A"]}))
    with pytest.raises(RadarError, match="unknown column colour"):
        contract("hubs").conform(pl.DataFrame({"hub_id": ["A"], "name": ["Alpha"], "colour": ["red"]}))


def test_a_key_with_an_empty_part_is_still_unique() -> None:
    point = {"valid_at": "2024-11-10T00:00:00Z", "latitude": 30.0, "longitude": 120.0}
    rows = pl.DataFrame([point, point]).with_columns(pl.col("valid_at").str.to_datetime("%+", time_unit="us"))
    _, broken = contract("weather_forecasts").split(rows)
    assert broken["rule"].unique().to_list() == ["the key must be unique"]


def test_forecast_factors_must_multiply_to_the_mean() -> None:
    row = {
        "run_id": "r",
        "as_of": date(2024, 11, 1),
        "date": date(2024, 11, 2),
        "mean": 10,
        **dict.fromkeys(("q05", "q10", "q25"), 5),
        **dict.fromkeys(("q50", "q75", "q90", "q95"), 12),
        "baseline": 5.0,
        "event": 2.0,
        "weather": 1.0,
        "override": 1.0,
    }
    table = contract("network_forecasts")
    assert table.split(pl.DataFrame([row]))[1].is_empty()
    _, broken = table.split(pl.DataFrame([row | {"event": 3.0}, row | {"date": date(2024, 11, 3), "q50": 4}]))
    assert broken["rule"].to_list() == ["factors multiply to the mean", "quantiles in order"]


def test_every_link_names_columns_that_exist() -> None:
    for link in LINKS:
        assert contract(link.table).column(link.column).dtype == contract(link.target).column(link.target_column).dtype


def test_an_unknown_table_is_told_with_the_known_ones() -> None:
    with pytest.raises(RadarError, match="Found table lane, expected one of regions, hubs"):
        contract("lane")
