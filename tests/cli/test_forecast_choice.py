"""`--forecast RUN` of every command that has it: the forecast named is the one stood on, and an unknown one is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer
from typer.testing import CliRunner, Result

from cli.app import app
from data.contracts import contract
from data.workspace import Workspace
from tests.routing.stock_cases import AS_OF
from tests.routing.test_joint_plan import make_inputs

LOADED = ("hubs", "lanes", "vehicle_types", "regions", "merchants", "warehouses", "sales", "events", "courier_rates")
LEVELS = ("q05", "q10", "q25", "q50", "q75", "q90", "q95")
WORDS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("plan", "trunk"): ("--effort", "0.05"),
    ("plan", "capacity"): ("--effort", "0.05", "--volumes", "2"),
    ("plan", "joint"): ("--effort", "0.05", "--as-of", str(AS_OF)),
    ("stress",): ("--draws", "50", "--policy", "rigid"),
    ("weather", "apply"): (),
}


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Give every command that has ``--forecast``."""
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            yield from commands(child, (*path, name))
    elif any("--forecast" in parameter.opts for parameter in command.params):
        yield path


def radar(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["-w", str(folder), *words])


@pytest.fixture(scope="module")
def days() -> list[date]:
    return make_inputs(sort_capacity=450).trunk["route_demand"]["date"].unique().sort().to_list()


def _forecast(workspace: Workspace, days: list[date], mean: int, as_of: date) -> str:
    def rows(keys: list[dict[str, Any]], size: int) -> pl.DataFrame:
        parts = {"baseline": float(size), "event": 1.0, "weather": 1.0, "override": 1.0}
        levels = {name: round(size * (0.7 + 0.1 * at)) for at, name in enumerate(LEVELS)}
        return pl.DataFrame(
            [{"as_of": as_of, "date": day, "mean": size, **key, **levels, **parts} for day in days for key in keys]
        )

    with workspace.run("forecast") as run:
        ends = [
            {"courier_id": "x", "origin_hub_id": one, "destination_hub_id": other}
            for one, other in ("NS", "SN", "NN", "SS")
        ]
        run.append("route_forecasts", rows(ends, mean))
        run.append(
            "hub_forecasts",
            rows([{"hub_id": hub, "direction": way} for hub in "NS" for way in ("out", "in")], mean),
        )
        run.append("network_forecasts", rows([{}], 2 * mean))
        sold = make_inputs(sort_capacity=450).stock["merchant_forecasts"]
        run.append("merchant_forecasts", sold.with_columns(pl.col("mean", "baseline") * mean / 400, as_of=as_of))
    return run.run_id


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, days: list[date]) -> Path:
    workspace = Workspace.create(tmp_path_factory.mktemp("choice") / "计划 2026")
    inputs = make_inputs(sort_capacity=450)
    hours = [
        datetime.fromisoformat(f"{day}T12:00+08:00") + timedelta(hours=at) for day in days for at in range(-30, 30)
    ]
    weather = (
        pl.DataFrame({"valid_at": hours})
        .unique()
        .with_columns(issued_at=pl.lit(hours[0] - timedelta(days=1)), latitude=40.0, longitude=116.0, snowfall_cm=3.0)
    )
    with workspace.run("load") as load:
        for name in LOADED:
            frame = inputs.stock[name]
            if name == "hubs":
                frame = frame.with_columns(latitude=40.0, longitude=116.0)
            load.upsert(name, frame)
        load.upsert("weather_forecasts", contract("weather_forecasts").arrange(weather))
    _forecast(workspace, days, 100, AS_OF)
    _forecast(workspace, days, 120, AS_OF)
    impact = radar(workspace.folder, "weather", "impact", "--from", str(days[0]), "--to", str(days[-1]))
    assert impact.exit_code == 0, impact.output
    planned = radar(workspace.folder, "plan", "trunk", "--effort", "0.05")
    assert planned.exit_code in (0, 3), planned.output
    return workspace.folder


def test_the_list_of_commands_is_whole() -> None:
    assert set(commands(typer.main.get_command(app))) == set(WORDS)


@pytest.mark.parametrize("path", WORDS, ids=" ".join)
def test_the_forecast_named_is_stood_on(folder: Path, path: tuple[str, ...]) -> None:
    older, newer = [name for name in Workspace.open(folder).writers("route_forecasts") if name.startswith("forecast-")]
    told = {}
    for chosen in (older, newer):
        result = radar(folder, *path, *WORDS[path], "--forecast", chosen, "--json")
        assert result.exit_code in (0, 3), result.output
        told[chosen] = json.loads(result.stdout)
        run = Workspace.open(folder).runs().row(-1, named=True)
        assert run["forecast_run"] == chosen
        assert json.loads(run["options"])["forecast"] == chosen
    assert told[older] != told[newer]


@pytest.mark.parametrize("path", WORDS, ids=" ".join)
def test_a_forecast_that_is_none_is_told_with_those_there_are(folder: Path, path: tuple[str, ...]) -> None:
    before = Workspace.open(folder).runs().filter(pl.col("outcome") != "failed").height
    result = radar(folder, *path, *WORDS[path], "--forecast", "forecast-0999")
    assert result.exit_code == 1, result.output
    assert "forecast-0999" in result.output
    assert Workspace.open(folder).runs().filter(pl.col("outcome") != "failed").height == before


@pytest.mark.parametrize("path", [("plan", "trunk"), ("weather", "apply")], ids=" ".join)
def test_a_withdrawn_forecast_counts_only_where_it_is_named(folder: Path, path: tuple[str, ...]) -> None:
    older, newer = [name for name in Workspace.open(folder).writers("route_forecasts") if name.startswith("forecast-")]
    assert radar(folder, "withdraw", older).exit_code == 0
    try:
        assert radar(folder, *path, *WORDS[path], "--forecast", older).exit_code in (0, 3)
        assert Workspace.open(folder).runs()["forecast_run"][-1] == older
        assert radar(folder, *path, *WORDS[path]).exit_code in (0, 3)
        assert Workspace.open(folder).runs()["forecast_run"][-1] != older
    finally:
        assert radar(folder, "withdraw", older, "--undo").exit_code == 0
    assert newer
