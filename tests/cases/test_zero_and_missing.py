"""A category out of season, and a month that was never loaded: made twins run anywhere, the cases where they stand beside the repo."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from data.workspace import Workspace

Radar = Callable[..., Result]
STOCK_TABLES = ("regions", "hubs", "merchants", "warehouses", "lanes", "vehicle_types", "sales")
FIRST, LAST = date(2024, 12, 1), date(2025, 9, 10)
WEEK = (1.0, 1.1, 1.05, 1.0, 0.95, 0.7, 0.6)
RIGHT = (2500, 2375, 1750, 1500, 2500, 2750, 2625)
"""2025-09-11, a Thursday, to 17 [parcels]."""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "plan")


@pytest.fixture
def radar(workspace: Workspace) -> Radar:
    return lambda *arguments: CliRunner().invoke(app, ["-w", str(workspace.folder), *(str(part) for part in arguments)])


@pytest.fixture
def cases(shared: Path) -> Path:
    folder = shared / "cases"
    if not folder.is_dir():
        pytest.skip(f"no cases: {folder} is absent (set PARCELRADAR_SHARED)")
    return folder


def _made_stock(folder: Path) -> Path:
    """One merchant of N sells lamps everywhere, and two kinds of summer shoes that nobody bought in the last 60 days."""
    tables = {
        "regions": "region_id,name,latitude,longitude\nN,North,40,116\nS,South,23,113\n",
        "hubs": "hub_id,name,region_id,sort_capacity\nHN,North,N,10000\nHS,South,S,10000\n",
        "merchants": "merchant_id,name,hub_id\nM1,lights,HN\n",
        "warehouses": "warehouse_id,name,hub_id,storage_capacity\nWS,south,HS,10000\n",
        "lanes": "lane_id,origin_hub_id,destination_hub_id,mode,distance_km,transit_hours\nNS,HN,HS,road,2000,30\nSN,HS,HN,road,2000,30\n",
        "vehicle_types": "vehicle_type_id,name,mode,ownership,capacity,fixed_cost,cost_per_km\nT,truck,road,own,500,500,3\n",
    }
    days = [date(2025, 3, 1) + timedelta(days=at) for at in range(90)]
    sales = [
        f"{day},M1,{category},{region},{10 if category == 'lamps' or at < 30 else 0}"
        for at, day in enumerate(days)
        for category in ("lamps", "sandals", "flip-flops")
        for region in ("N", "S")
    ]
    tables["sales"] = "date,merchant_id,category,destination_region_id,units\n" + "\n".join(sales) + "\n"
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def _plan_stock(folder: Path, workspace: Workspace, radar: Radar) -> tuple[dict[str, int], Result]:
    """Units ahead by category when all are to stand ahead, and what the plan that leaves at home what pays there says."""
    for name in STOCK_TABLES:
        loaded = radar("load", name, folder / f"{name}.csv")
        assert loaded.exit_code == 0, loaded.output
    asked = ("plan", "stock", "--as-of", "2025-05-29", "--from", "2025-06-05", "--to", "2025-06-10")
    at_home, ahead = radar(*asked), radar(*asked, "--all-ahead")
    assert at_home.exit_code == 0, at_home.output
    assert ahead.exit_code == (3 if "without room" in ahead.output else 0), ahead.output
    units = workspace.results("stock_allocations").group_by("category").agg(pl.col("units").sum())
    return {category: number for category, number in units.rows() if number}, at_home


def _require_lamps_alone(units: dict[str, int], at_home: Result, ahead: int) -> None:
    """Of 120 units, 20 a day over both regions for 6 days, as many are to stand ahead when all are to."""
    assert units == {"lamps": pytest.approx(ahead, abs=2)}
    told = " ".join(at_home.output.split())
    sent = re.search(r"([\d,]+) units in \d warehouses? for 2025-06-05 to 2025-06-10", told)
    stay = re.search(r"([\d,]+) units leave from home as today", told)
    assert sent is not None, told
    assert int(sent[1]) + (int(stay[1]) if stay else 0) == pytest.approx(120, abs=8)


def test_categories_out_of_season_get_no_units_and_stop_no_other(
    tmp_path: Path, workspace: Workspace, radar: Radar
) -> None:
    (tmp_path / "in").mkdir()
    # the only warehouse lies in the south: over it to the north and back costs more than a unit lost
    _require_lamps_alone(*_plan_stock(_made_stock(tmp_path / "in"), workspace, radar), ahead=60)
    reasons = workspace.results("stock_allocations")["reason"].to_list()
    assert all(reason.startswith("For the days given 2025-06-05 to 2025-06-10: ") for reason in reasons), reasons


def test_the_case_of_a_category_out_of_season(cases: Path, workspace: Workspace, radar: Radar) -> None:
    _require_lamps_alone(*_plan_stock(cases / "02-stock-zero-category", workspace, radar), ahead=120)


def _made_volumes(missing: tuple[date, date] | None) -> str:
    lines = ["date,origin_hub_id,destination_hub_id,parcels"]
    for at in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=at)
        if missing is None or not missing[0] <= day <= missing[1]:
            parcels = round(625 * WEEK[day.weekday()])
            lines += [f"{day},{one},{other},{parcels}" for one, other in ("AB", "BA", "AC", "CA")]
    return "\n".join(lines) + "\n"


def _forecast(file: Path, workspace: Workspace, radar: Radar) -> tuple[list[float], Result]:
    (workspace.folder / "radar.toml").write_text("[forecast]\nprophet = false\n", encoding="utf-8")
    loaded = radar("load", "route_volumes", file, "--set", "courier_id=x", "--add-missing", "hubs,couriers")
    assert loaded.exit_code == 0, loaded.output
    result = radar("forecast", "--horizon", "7")
    assert result.exit_code == 0, result.output
    found = workspace.results("network_forecasts").sort("date")
    assert found["date"].to_list() == [LAST + timedelta(days=at) for at in range(1, 8)]
    assert ((found["q90"] - found["q10"]) < 0.4 * found["mean"]).all(), found
    return found["mean"].to_list(), result


def _require_right(means: list[float]) -> None:
    assert means == pytest.approx(RIGHT, rel=0.03)
    assert sum(means) == pytest.approx(16_000, rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("missing", "days"),
    [((date(2025, 8, 1), date(2025, 8, 31)), 31), ((date(2025, 6, 1), date(2025, 6, 30)), 30)],
    ids=["august", "june"],
)
def test_a_month_never_loaded_is_unknown_and_told(
    tmp_path: Path, workspace: Workspace, radar: Radar, missing: tuple[date, date], days: int
) -> None:
    file = tmp_path / "volumes.csv.gz"
    file.write_bytes(gzip.compress(_made_volumes(missing).encode()))
    means, result = _forecast(file, workspace, radar)
    _require_right(means)
    assert f"{days} days without any row of route_volumes are taken as unknown" in " ".join(result.stderr.split())
    told = json.loads(radar("check", "--json").stdout)
    assert any(f"{days} day(s) without a row" in str(finding) for finding in told["findings"])


@pytest.mark.slow
def test_the_case_of_a_month_never_loaded(cases: Path, workspace: Workspace, radar: Radar) -> None:
    means, result = _forecast(cases / "06-month-missing" / "volumes.csv.gz", workspace, radar)
    _require_right(means)
    assert "31 days without any row of route_volumes are taken as unknown" in " ".join(result.stderr.split())
    findings = json.loads(radar("check", "--json").stdout)["findings"]
    # of the network, and of each of the four routes
    assert sum("31 day(s) without a row" in str(finding) for finding in findings) == 5
