"""Every table of the sample keeps its contract and fits the others; the same seed gives the same sample."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest

from data.contracts import TABLES, links_of
from data.errors import RadarError
from data.sample.make import build_sample
from data.sample.scale import AS_OF, FIRST_DAY, SCALES
from data.sample.truth import FOLDER, Truth
from data.sample.write import write_sample
from tests.data.sample_checks import SEED, small_sample

# what a planner adds of their own to a network
ADDED = (
    "forecast_overrides",
    "service_promises",
    "hub_days",
    "hub_closures",
    "lane_departures",
    "vehicle_stands",
    "departure_locks",
    "items",
    "sourcing_costs",
    "incidents",
    "stock_receipts",
    "open_orders",
    "stock_demand",
)
GIVEN = [name for name, table in TABLES.items() if table.group in ("reference", "history") and name not in ADDED]


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return small_sample().tables


def test_all_reference_and_history_tables_are_there(tables: dict[str, pl.DataFrame]) -> None:
    assert sorted(tables) == sorted([*GIVEN, "sourcing"])


@pytest.mark.parametrize("name", GIVEN)
def test_a_table_keeps_its_contract_and_holds_rows(tables: dict[str, pl.DataFrame], name: str) -> None:
    assert tables[name].height > 0
    TABLES[name].conform(tables[name])


@pytest.mark.parametrize("name", GIVEN)
def test_ids_lead_to_rows(tables: dict[str, pl.DataFrame], name: str) -> None:
    for link in links_of(name):
        if link.column not in tables[name].columns:
            continue
        used = tables[name][link.column].drop_nulls().unique()
        used = used.filter(used != "*")
        known = tables[link.target][link.target_column]
        assert used.is_in(known.implode()).all(), f"{link}"


def test_shares_of_a_merchant_sum_to_one(tables: dict[str, pl.DataFrame]) -> None:
    sums = tables["courier_preferences"].group_by("merchant_id").agg(pl.col("share").sum())["share"]
    assert ((sums - 1.0).abs() < 1e-6).all()
    assert sums.len() == SCALES["small"].merchants


def test_volumes_are_positive_and_end_on_the_as_of_date(tables: dict[str, pl.DataFrame]) -> None:
    for name in ("route_volumes", "outlet_volumes", "sales"):
        assert tables[name].select(pl.exclude("^.*id$").filter(pl.lit(True))).height == tables[name].height
        assert tables[name]["date"].max() == AS_OF
    assert tables["route_volumes"]["date"].min() == FIRST_DAY
    assert (tables["route_volumes"]["parcels"] > 0).all()
    assert (tables["outlet_volumes"]["parcels"] > 0).all()


@pytest.mark.parametrize("direction", ["pickup", "delivery"])
def test_outlets_carry_what_the_routes_carry(tables: dict[str, pl.DataFrame], direction: str) -> None:
    courier = tables["outlets"].select("outlet_id", "courier_id")
    by_outlet = (
        tables["outlet_volumes"]
        .filter(pl.col("direction") == direction)
        .join(courier, on="outlet_id")
        .group_by("date", "courier_id")
        .agg(pl.col("parcels").sum())
        .sort("date", "courier_id")
    )
    by_route = (
        tables["route_volumes"].group_by("date", "courier_id").agg(pl.col("parcels").sum()).sort("date", "courier_id")
    )
    assert by_outlet.equals(by_route)


def test_lanes_join_every_open_hub_with_every_other(tables: dict[str, pl.DataFrame]) -> None:
    open_hubs = set(tables["hubs"].filter(pl.col("sort_capacity") > 0)["hub_id"])
    road = tables["lanes"].filter(pl.col("mode") == "road")
    following: dict[str, set[str]] = {hub: set() for hub in open_hubs}
    for origin, destination in road.select("origin_hub_id", "destination_hub_id").iter_rows():
        following[origin].add(destination)
    for start in sorted(open_hubs):
        seen, front = {start}, {start}
        while front:
            front = set().union(*(following[hub] for hub in sorted(front))) - seen
            seen |= front
        assert seen == open_hubs


def test_lanes_only_touch_open_hubs_and_go_both_ways(tables: dict[str, pl.DataFrame]) -> None:
    lanes = tables["lanes"]
    closed = tables["hubs"].filter(pl.col("sort_capacity") == 0)["hub_id"]
    assert closed.len() == SCALES["small"].closings
    assert not lanes["origin_hub_id"].is_in(closed.implode()).any()
    pairs = set(lanes.select("origin_hub_id", "destination_hub_id", "mode").iter_rows())
    assert {(there, here, mode) for here, there, mode in pairs} == pairs
    assert set(lanes["mode"]) == {"road", "rail", "air"}


def test_rail_and_air_have_vehicles(tables: dict[str, pl.DataFrame]) -> None:
    types = tables["vehicle_types"]
    assert set(types["mode"]) == {"road", "rail", "air"}
    assert set(types["ownership"]) == {"own", "contract", "spot"}
    rail = tables["lanes"].filter(pl.col("mode") == "rail")["lane_id"]
    assert set(rail) == set(tables["lane_vehicles"]["lane_id"])
    modes = dict(types.select("vehicle_type_id", "mode").iter_rows())
    assert {modes[name] for name in tables["lane_vehicles"]["vehicle_type_id"]} == {"rail"}


def test_stock_fits_its_warehouse(tables: dict[str, pl.DataFrame]) -> None:
    held = tables["stock"].group_by("warehouse_id").agg(pl.col("units").sum())
    room = held.join(tables["warehouses"], on="warehouse_id")
    assert (room["units"] <= room["storage_capacity"]).all()


def test_coordinates_lie_in_the_province(tables: dict[str, pl.DataFrame]) -> None:
    from data.sample.write import OUTLINES
    from tests.data.regions import locate_regions, read_outlines

    hubs = tables["hubs"]
    found = locate_regions(read_outlines(OUTLINES), hubs["latitude"], hubs["longitude"])
    assert found == hubs["region_id"].to_list()


def _digest(tables: dict[str, pl.DataFrame]) -> dict[str, str]:
    digests = {}
    for name, table in tables.items():
        buffer = BytesIO()
        table.write_parquet(buffer)
        digests[name] = hashlib.sha256(buffer.getvalue()).hexdigest()
    return digests


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_sample(tables: dict[str, pl.DataFrame]) -> None:
    again = build_sample("small", SEED)
    assert _digest(again.tables) == _digest(tables)
    assert again.truth.future_volumes.equals(small_sample().truth.future_volumes)
    other = build_sample("small", SEED + 1).tables
    assert not other["route_volumes"].equals(tables["route_volumes"])


def test_an_unknown_scale_is_told() -> None:
    with pytest.raises(RadarError, match="small, national"):
        build_sample("huge")


def test_a_sample_is_written_as_a_workspace_with_its_run_and_truth(tmp_path: Path) -> None:
    workspace = write_sample(tmp_path / "peak", "small", SEED)
    runs = workspace.read("runs")
    assert runs["command"].to_list() == ["demo"]
    assert runs["seed"].to_list() == [SEED]
    assert '"small"' in runs["options"].item()
    assert workspace.read("route_volumes").height == small_sample().tables["route_volumes"].height
    assert workspace.results("sourcing")["run_id"].unique().to_list() == runs["run_id"].to_list()
    assert (workspace.folder / "regions.geojson").is_file()
    tables = {field.name: workspace.folder / FOLDER / f"{field.name}.parquet" for field in fields(Truth)}
    truth = Truth(**{name: pl.read_parquet(table, glob=False) for name, table in tables.items()})
    assert truth.future_volumes.equals(small_sample().truth.future_volumes)
    with pytest.raises(RadarError, match="is a workspace already"):
        write_sample(tmp_path / "peak", "small", SEED)


@pytest.mark.slow
def test_the_national_scale_is_as_large_as_it_says() -> None:
    tables = build_sample("national", SEED).tables
    assert tables["hubs"].filter(pl.col("sort_capacity") > 0).height == 100
    assert 3900 <= tables["lanes"].height <= 4500
    assert tables["outlets"].height == 3000
    cities = tables["regions"].filter(pl.col("parent_region_id").is_not_null())
    assert cities.height == 340
    routes = (
        tables["route_volumes"].group_by("courier_id").agg(pl.struct("origin_hub_id", "destination_hub_id").n_unique())
    )
    assert (routes["origin_hub_id"] >= 8000).all()
    for name in ("hubs", "outlets", "lanes", "network_changes", "stock"):
        TABLES[name].conform(tables[name])
