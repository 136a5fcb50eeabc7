"""``radar plan trunk`` on networks nobody can plan well: a sentence, or a plan whose shortfalls say why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from data.contracts import contract
from data.workspace import Workspace
from tests.routing.networks import DAY, make_inputs

RUNNER = CliRunner()
TRUCK = {"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 10.0}
TABLES = ("hubs", "lanes", "vehicle_types", "lane_vehicles", "network_changes")


def _hubs(names: str, **values: Any) -> list[dict[str, Any]]:
    return [{"hub_id": name} | values for name in names]


def _lanes(pairs: str, **values: Any) -> list[dict[str, Any]]:
    return [{"origin_hub_id": a, "destination_hub_id": b} | values for a, b in (tuple(pair) for pair in pairs.split())]


def _plan(folder: Path, *parts: Any, **more: Any) -> Result:
    inputs = make_inputs(*parts, **more)
    workspace = Workspace.create(folder / "peak")
    with workspace.run("load") as run:
        for name in TABLES:
            run.replace(name, contract(name).conform(getattr(inputs, name)))
    with workspace.run("load route_demand") as run:
        run.append("route_demand", inputs.route_demand)
    options = ["--demand", "given", "--time-limit", "3", "--json"]
    return RUNNER.invoke(app, ["--workspace", str(workspace.folder), "plan", "trunk", *options])


ASKED = [(0, "A", "C", 150)]
SHORT: dict[str, tuple[Any, ...]] = {
    "disconnected": (_hubs("ABC"), _lanes("AB"), [TRUCK], ASKED),
    "hubs without lanes": (_hubs("AC"), [], [TRUCK], ASKED),
    "hubs that sort nothing": (_hubs("AC", sort_capacity=0), _lanes("AC"), [TRUCK], ASKED),
    "a fleet of none": (_hubs("AC"), _lanes("AC"), [TRUCK | {"fleet_size": 0}], ASKED),
    "own vehicles that cannot return": (
        _hubs("AC"),
        _lanes("AC"),
        [TRUCK | {"ownership": "own", "fleet_size": 5}],
        ASKED,
    ),
    "no vehicle of the lane's mode": (_hubs("AC"), _lanes("AC", mode="rail"), [TRUCK], ASKED),
    "a lane of months": (_hubs("AC"), _lanes("AC", transit_hours=9000.0), [TRUCK], ASKED),
}


@pytest.mark.parametrize("case", sorted(SHORT))
def test_what_cannot_be_carried_is_short(case: str, tmp_path: Path) -> None:
    result = _plan(tmp_path, *SHORT[case])
    assert result.exit_code == 3, result.output
    assert isinstance(result.exception, SystemExit)
    assert "150 parcels short" in result.stderr or '"parcels_short": 150' in result.stdout


def test_a_hub_that_closed_is_named(tmp_path: Path) -> None:
    result = _plan(
        tmp_path, _hubs("AC"), _lanes("AC"), [TRUCK], ASKED, changes=[{"date": DAY, "hub_id": "C", "change": "closes"}]
    )
    assert result.exit_code == 3, result.output
    workspace = Workspace.open(tmp_path / "peak")
    row = workspace.read("shortfalls").row(0, named=True)
    assert (row["binding"], row["parcels"]) == ("hub:C", 150)
    assert "closed" in row["reason"]


@pytest.mark.parametrize(
    ("case", "parts"),
    [
        ("zero length", (_hubs("AC"), _lanes("AC", distance_km=0.0), [TRUCK | {"fixed_cost": 0.0}], ASKED)),
        ("a billion parcels", (_hubs("AC"), _lanes("AC"), [TRUCK], [(0, "A", "C", 10**9)])),
        ("no parcels", (_hubs("AC"), _lanes("AC"), [TRUCK], [(0, "A", "C", 0)])),
    ],
)
def test_odd_networks_are_planned(case: str, parts: tuple[Any, ...], tmp_path: Path) -> None:
    result = _plan(tmp_path, *parts)
    assert result.exit_code == 0, f"{case}: {result.output}"


@pytest.mark.parametrize(
    ("demand", "sentence"),
    [([(0, "A", "Q", 5)], "Hub Q"), ([], "demand")],
)
def test_what_no_plan_can_be_made_for_is_a_sentence(
    demand: list[tuple[int, str, str, int]], sentence: str, tmp_path: Path
) -> None:
    result = _plan(tmp_path, _hubs("AC"), _lanes("AC"), [TRUCK], demand)
    assert result.exit_code == 1, result.output
    assert sentence.lower() in result.stderr.lower()
    assert "Traceback" not in result.output
