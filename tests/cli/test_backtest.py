"""``radar backtest`` and ``radar revisions`` on a small workspace, from the command to the tables."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from data.workspace import Workspace

FIRST = dt.date(2025, 1, 6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a workspace of three hubs and two outlets, without the slow members."""
    random = np.random.default_rng(0)
    place = tmp_path_factory.mktemp("peak") / "ws"
    Workspace.create(place)
    (place / "radar.toml").write_text("[forecast]\nprophet = false\n", "utf-8")
    workspace = Workspace.open(place)
    days = [FIRST + dt.timedelta(days=at) for at in range(130)]
    week = np.resize([1.0, 1.1, 1.0, 1.0, 0.9, 0.7, 0.6], 130)
    routes = [
        pl.DataFrame({"date": days, "parcels": random.poisson(level * week)}).with_columns(
            courier_id=pl.lit("c"), origin_hub_id=pl.lit(origin), destination_hub_id=pl.lit(destination)
        )
        for origin, destination, level in (("A", "B", 300.0), ("B", "A", 90.0), ("A", "C", 6.0))
    ]
    handled = [
        pl.DataFrame({"date": days, "parcels": random.poisson(part * week)}).with_columns(
            outlet_id=pl.lit(outlet), direction=pl.lit("pickup")
        )
        for outlet, part in (("o1", 200.0), ("o2", 106.0))
    ]
    hubs = pl.DataFrame({"hub_id": ["A", "B", "C"], "name": ["A", "B", "C"], "region_id": ["east", "west", None]})
    with workspace.run("load") as run:
        run.replace("regions", _places(["east", "west"]))
        run.replace("couriers", pl.DataFrame({"courier_id": ["c"], "name": ["C"]}))
        run.replace("hubs", hubs)
        run.replace(
            "outlets",
            pl.DataFrame(
                {"outlet_id": ["o1", "o2"], "name": ["1", "2"], "courier_id": ["c", "c"], "hub_id": ["A", "A"]}
            ),
        )
        run.replace("route_volumes", pl.concat(routes))
        run.replace("outlet_volumes", pl.concat(handled))
    return place


def _places(ids: list[str]) -> pl.DataFrame:
    count = len(ids)
    return pl.DataFrame({"region_id": ids, "name": ids, "latitude": [30.0] * count, "longitude": [110.0] * count})


def radar(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--workspace", str(folder), *words], catch_exceptions=False)


def test_backtest_prints_scores_and_keeps_them(folder: Path) -> None:
    result = radar(
        folder, "backtest", "--as-of", "2025-04-14,2025-04-28", "--horizon", "14", "--models", "radar", "--json"
    )
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    levels = {row["level"] for row in told["scores"]}
    assert {"network", "hub/out", "route", "route_weekly", "outlet/pickup"} <= levels
    network = {row["model"]: row for row in told["scores"] if row["level"] == "network"}
    assert set(network) == {"radar", "seasonal_naive", "day_of_week_mean"}
    assert network["radar"]["accuracy"] > 0.9
    assert network["radar"]["cutoffs"] == 2
    kept = Workspace.open(folder).results("backtest_scores", told["run_id"])
    of_radar = kept.filter(pl.col("level") == "route", pl.col("model") == "radar", pl.col("window") == "all")
    assert set(of_radar["as_of"]) == {dt.date(2025, 4, 14), dt.date(2025, 4, 28)}
    assert of_radar["width_90"].null_count() == 0
    assert {row["known"] for row in told["causes"]} >= {"nothing", "hub outflow"}


def test_backtest_for_the_eye(folder: Path) -> None:
    result = radar(folder, "backtest", "--as-of", "2025-04-28", "--horizon", "7", "--models", "radar")
    assert result.exit_code == 0
    assert "seasonal_naive" in result.stdout
    assert "network total" in result.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--as-of", "2025-05-14"], 1, "so that history stands before it"),
        (["--as-of", "2025-04-14", "--models", "oracle"], 1, "model oracle"),
        (["--as-of", "soon"], 2, "soon"),
    ],
)
def test_backtest_refuses(folder: Path, words: list[str], code: int, said: str) -> None:
    result = radar(folder, "backtest", *words)
    assert result.exit_code == code
    assert said in result.stderr


def test_revisions_split_the_change_between_two_forecasts(folder: Path) -> None:
    for as_of in ("2025-04-14", "2025-04-21"):
        assert radar(folder, "forecast", "--as-of", as_of, "--horizon", "21").exit_code == 0
    result = radar(folder, "revisions", "--from", "2025-04-14", "--to", "2025-04-21", "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert len(told["days"]) == 14
    for row in (*told["days"], told["total"]):
        parts = sum(row[name] for name in ("level", "calendar", "event", "growth", "weather", "override"))
        assert parts == pytest.approx(row["change"], abs=1e-6)
    hubs = radar(folder, "revisions", "--from", "2025-04-14", "--to", "2025-04-21", "--level", "hub")
    assert hubs.exit_code == 0
    assert "direction" in hubs.stdout
    missing = radar(folder, "revisions", "--from", "2025-04-14", "--to", "2025-04-20")
    assert missing.exit_code == 1
    assert "one of the vintages kept: 2025-04-14, 2025-04-21" in missing.stderr


def test_capacity_and_staffing_are_shown(folder: Path) -> None:
    nothing = radar(folder, "forecast", "capacity")
    assert nothing.exit_code == 1
    assert "load courier_capacity first" in nothing.stderr
    months = [dt.date(2024, month, 1) for month in range(1, 13)]
    with Workspace.open(folder).run("load") as run:
        run.replace(
            "courier_capacity", pl.DataFrame({"courier_id": "c", "month": months, "parcels_per_day": [900] * 12})
        )
    shown = radar(folder, "forecast", "capacity", "--months", "2", "--json")
    assert [row["parcels_per_day"] for row in json.loads(shown.stdout) if row["kind"] == "forecast"] == [900, 900]
    assert radar(folder, "forecast", "--as-of", "2025-05-05", "--horizon", "7").exit_code == 0
    staffed = radar(folder, "forecast", "staffing", "--from", "2025-05-06", "--to", "2025-05-07", "--json")
    rows = [row for row in json.loads(staffed.stdout) if row["direction"] == "pickup"]
    assert len(rows) == 4
    assert all(row["level"] == 0.75 and row["staffed_for"] >= row["mean"] for row in rows)
    assert radar(folder, "forecast", "staffing", "--outlet", "o9").exit_code == 1


def test_draws_go_to_a_file_and_repeat_by_seed(folder: Path, tmp_path: Path) -> None:
    assert radar(folder, "forecast", "--as-of", "2025-05-05", "--horizon", "7").exit_code == 0
    files = [tmp_path / name for name in ("one.parquet", "two.parquet")]
    for file in files:
        result = radar(folder, "forecast", "draws", "--draws", "30", "--seed", "4", "--out", str(file))
        assert result.exit_code == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    drawn = pl.read_parquet(files[0], glob=False)
    assert drawn["draw"].n_unique() == 30
    forecast = Workspace.open(folder).results("network_forecasts")["mean"].sum()
    assert drawn["parcels"].sum() / 30 == pytest.approx(forecast, rel=0.1)
    nowhere = radar(folder, "forecast", "draws", "--out", str(tmp_path / "absent" / "draws.parquet"))
    assert nowhere.exit_code == 1
    assert "choose another --out" in nowhere.stderr
    assert not list(tmp_path.glob("*.part"))
