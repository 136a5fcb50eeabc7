"""``radar load`` and ``radar forecast`` on what nobody should have written down: a sentence, or a forecast that says what it left out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from data.workspace import Workspace

RUNNER = CliRunner()
START, DAYS = dt.date(2025, 3, 1), 75
AS_OF = START + dt.timedelta(days=DAYS - 1)
HUBS = "ABC"


def day(ahead: int) -> dt.date:
    return AS_OF + dt.timedelta(days=ahead)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Three hubs, two merchants, three outlets of which one opened three days ago."""
    random = np.random.default_rng(1)
    days = [START + dt.timedelta(days=at) for at in range(DAYS)]
    outlets = [("P", "A", 0), ("Q", "A", DAYS - 3), ("S", "B", 0)]
    tables = {
        "regions": ["region_id,name", "R1,R1", "R2,R2"],
        "hubs": ["hub_id,name,region_id", "A,A,R1", "B,B,R1", "C,C,R2"],
        "couriers": ["courier_id,name", "x,x"],
        "outlets": ["outlet_id,name,courier_id,hub_id", *(f"{name},{name},x,{hub}" for name, hub, _ in outlets)],
        "merchants": ["merchant_id,name,hub_id", "M1,M1,A", "M2,M2,B"],
        "categories": ["category,name", "toys,toys"],
        "route_volumes": [
            "date,courier_id,origin_hub_id,destination_hub_id,parcels",
            *(f"{at},x,{a},{b},{random.integers(80, 120)}" for at in days for a in HUBS for b in HUBS),
        ],
        "outlet_volumes": [
            "date,outlet_id,direction,parcels",
            *(
                f"{at},{name},pickup,{random.integers(100, 160)}"
                for number, at in enumerate(days)
                for name, _, first in outlets
                if number >= first
            ),
        ],
        "sales": [
            "date,merchant_id,category,destination_region_id,units,parcels",
            *(f"{at},{name},toys,R1,{random.integers(20, 30)},25" for at in days for name in ("M1", "M2")),
        ],
    }
    workspace = Workspace.create(tmp_path / "计划 peak")
    (tmp_path / "radar.toml").touch()
    for name, lines in tables.items():
        assert put(workspace, name, lines).exit_code == 0, name
    return workspace


def put(workspace: Workspace, table: str, lines: list[str]) -> Result:
    file = workspace.folder.parent / f"{table} 1.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return radar(workspace, "load", table, str(file))


def radar(workspace: Workspace, *arguments: str) -> Result:
    result = RUNNER.invoke(app, ["-w", str(workspace.folder), *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def forecast(workspace: Workspace) -> tuple[Result, pl.DataFrame]:
    made = radar(workspace, "forecast", "--as-of", str(AS_OF), "--horizon", "14")
    assert made.exit_code in (0, 3), made.output
    return made, workspace.results("network_forecasts", workspace.writers("network_forecasts")[-1]).sort("date")


def test_promotions_of_unknown_scopes_and_members_do_no_harm(workspace: Workspace) -> None:
    _, before = forecast(workspace)
    head = "promotion_id,scope,region_id,hub_id,outlet_id,merchant_id,date_from,date_to"
    bad = [
        f"1,planet,,,,,{day(3)},{day(5)}",
        f"2,hub,,Z,,,{day(3)},{day(5)}",
        f"3,outlet,,,nobody,,{day(3)},{day(5)}",
        f"4,network,,,,,{day(5)},{day(3)}",
    ]
    good = f"5,network,,,,,{day(2)},{day(4)}"
    refused = put(workspace, "promotions", [head, *bad, good])
    assert refused.exit_code == 1
    for told in ("4 of 5 rows", "planet", "'Z'", "nobody"):
        assert told in refused.output, refused.output
    assert put(workspace, "promotions", [head, good]).exit_code == 0
    _, after = forecast(workspace)
    # One of the network nobody has seen before adds nothing yet.
    assert after["mean"].to_numpy() == pytest.approx(before["mean"].to_numpy(), rel=0.02)


def test_overlapping_closures_one_that_ends_before_it_begins_and_every_hub_closed(workspace: Workspace) -> None:
    head = "change_id,date,until,hub_id,change"
    overlapping = [f"a,{day(2)},{day(6)},B,closes", f"b,{day(4)},{day(9)},B,closes"]
    refused = put(workspace, "network_changes", [head, *overlapping, f"c,{day(6)},{day(2)},C,closes"])
    assert (refused.exit_code, "dates in order" in refused.output) == (1, True), refused.output
    assert put(workspace, "network_changes", [head, *overlapping]).exit_code == 0
    made, table = forecast(workspace)
    hub = workspace.results("hub_forecasts", workspace.writers("hub_forecasts")[-1])
    out = hub.filter(pl.col("hub_id") == "B", pl.col("direction") == "in").sort("date")["mean"].to_list()
    assert [parcels == 0 for parcels in out] == [2 <= ahead <= 9 for ahead in range(1, 15)], made.output
    assert table["mean"].min() == pytest.approx(table["mean"].max(), rel=0.4)
    every = [f"{name},{day(1)},{day(3)},{name},closes" for name in HUBS]
    put(workspace, "network_changes", [head, *every])
    made, table = forecast(workspace)
    assert table["mean"].head(3).to_list() == [0, 0, 0]
    assert table["q95"].head(3).to_list() == [0, 0, 0]
    assert table["mean"][3] > 0
    assert "all routes that could take them are closed" in made.output


def test_a_plan_of_a_billion_and_two_that_contradict_move_little(workspace: Workspace) -> None:
    _, before = forecast(workspace)
    put(
        workspace,
        "merchant_plans",
        [
            "merchant_id,date_from,date_to,units,growth,written_at",
            f"M1,{day(2)},{day(6)},1000000000,,{day(-9)}T00:00:00Z",
            f"M2,{day(2)},{day(6)},,2.0,{day(-9)}T00:00:00Z",
            f"M2,{day(2)},{day(6)},,0.1,{day(-8)}T00:00:00Z",
        ],
    )
    made, after = forecast(workspace)
    assert after["mean"].sum() == pytest.approx(before["mean"].sum(), rel=0.1)
    assert "M1" in made.output


def test_an_outlet_of_three_days_is_forecast_and_unsure(workspace: Workspace) -> None:
    forecast(workspace)
    table = workspace.results("outlet_forecasts", workspace.writers("outlet_forecasts")[-1])
    picked = table.filter(pl.col("direction") == "pickup").group_by("outlet_id").agg(pl.col("mean", "q05", "q95").sum())
    new, old = (picked.row(by_predicate=pl.col("outlet_id") == name, named=True) for name in ("Q", "P"))
    assert 0.2 * old["mean"] < new["mean"] < 1.5 * old["mean"]
    assert (new["q95"] - new["q05"]) / new["mean"] > (old["q95"] - old["q05"]) / old["mean"]
