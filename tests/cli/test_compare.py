"""``radar compare`` over two forecasts, two trunk plans and two stock plans, through the command."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from cli.app import app
from data.workspace import Workspace

RUNNER = CliRunner()
DAYS = [date(2025, 11, 10) + timedelta(days=n) for n in range(3)]
LEVELS = ("q05", "q10", "q25", "q50", "q75", "q90", "q95")


def _forecast(workspace: Workspace, days: list[date], means: dict[str, int]) -> str:
    """Write a forecast of the routes from A, the same every day."""

    def rows(keys: list[tuple[dict[str, str], int]]) -> pl.DataFrame:
        parts = {"event": 1.0, "weather": 1.0, "override": 1.0}
        return pl.DataFrame(
            [
                {"as_of": date(2025, 11, 9), "date": day, "mean": mean, "baseline": float(mean), **key, **parts}
                | dict.fromkeys(LEVELS, mean)
                for day in days
                for key, mean in keys
            ]
        )

    with workspace.run("forecast") as run:
        route = {"courier_id": "X", "origin_hub_id": "A"}
        run.append("route_forecasts", rows([(route | {"destination_hub_id": d}, mean) for d, mean in means.items()]))
        ends = [({"hub_id": "A", "direction": "out"}, sum(means.values()))]
        run.append(
            "hub_forecasts", rows(ends + [({"hub_id": d, "direction": "in"}, mean) for d, mean in means.items()])
        )
        run.append("network_forecasts", rows([({}, sum(means.values()))]))
    return run.run_id


def _stock(workspace: Workspace, units: dict[str, int], cost: float) -> str:
    with workspace.run("plan stock") as run:
        rows = [{"merchant_id": "m", "category": "c", "warehouse_id": w, "units": n} for w, n in units.items()]
        more = {"ship_by": DAYS[0], "reason": "demand"}
        run.append("stock_allocations", pl.DataFrame([row | more for row in rows]))
        proof = {"cost": cost, "lower_bound": cost, "gap": 0.0, "violations": 0}
        parcels = {"parcels_demanded": 0, "parcels_planned": 0, "parcels_short": 0}
        run.append("plan_certificates", pl.DataFrame([{"plan": "stock", "status": "optimal", **proof, **parcels}]))
    return run.run_id


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = Workspace.create(tmp_path_factory.mktemp("compare") / "peak 中文")
    hubs = ["A", "B", "C"]
    lanes = [("A", "B", 100.0), ("A", "C", 200.0), ("B", "A", 100.0), ("C", "A", 200.0)]
    with workspace.run("load") as load:
        load.upsert("hubs", pl.DataFrame({"hub_id": hubs, "name": hubs}))
        columns = {"origin_hub_id": [o for o, _, _ in lanes], "destination_hub_id": [d for _, d, _ in lanes]}
        distances = {"distance_km": [km for _, _, km in lanes], "transit_hours": 5.0, "mode": "road"}
        load.upsert("lanes", pl.DataFrame({"lane_id": [f"{o}-{d}" for o, d, _ in lanes], **columns, **distances}))
        truck = {"vehicle_type_id": "truck", "name": "Truck", "mode": "road", "ownership": "contract"}
        load.upsert("vehicle_types", pl.DataFrame([truck | {"capacity": 10, "fixed_cost": 50.0, "cost_per_km": 1.0}]))
    return workspace.folder


def _ask(folder: Path, *words: str) -> Any:
    return RUNNER.invoke(app, ["--workspace", str(folder), *words])


def _compare(folder: Path, before: str, after: str) -> dict[str, Any]:
    result = _ask(folder, "compare", before, after, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_two_forecasts(folder: Path) -> None:
    workspace = Workspace.open(folder)
    first = _forecast(workspace, DAYS[:2], {"B": 10, "C": 20})
    second = _forecast(workspace, DAYS[1:], {"B": 10, "C": 23})
    found = _compare(folder, first, second)
    assert (found["kind"], found["same"]) == ("forecast", False)
    assert (found["common_days"], found["only_before"], found["only_after"]) == (
        [str(DAYS[1])],
        [str(DAYS[0])],
        [str(DAYS[2])],
    )
    route = {"origin_hub_id": "A", "destination_hub_id": "C"}
    assert found["views"]["routes"] == [route | {"parcels_before": 20, "parcels_after": 23, "parcels_change": 3}]
    assert [(row["hub_id"], row["parcels_change"]) for row in found["views"]["hubs"]] == [("A", 3), ("C", 3)]
    assert found["before"] == {"run_id": first, "forecast_run": None, "as_of": "2025-11-09"}
    told = _ask(folder, "compare", first, second)
    assert f"Only {first} covers 2025-11-10 (1 day)" in told.stderr
    assert "parcels change" in told.stdout


def test_two_trunk_plans_differ_by_what_they_carry(folder: Path) -> None:
    runs = []
    for parcels in (10, 25):
        with Workspace.open(folder).run("load route_demand") as load:
            asked = {"date": DAYS[0], "origin_hub_id": "A", "destination_hub_id": ["B", "C"], "parcels": [10, parcels]}
            load.append("route_demand", pl.DataFrame(asked))
        result = _ask(folder, "plan", "trunk", "--demand", "given", "--time-limit", "5", "--json")
        assert result.exit_code == 0, result.output
        runs.append(json.loads(result.stdout)["run_id"])
    found = _compare(folder, *runs)
    # 25 parcels to C fill three trucks of 10 at 50 + 200 CNY in place of one; B is as it was
    assert [(row["lane_id"], row["departures_change"], row["cost_change"]) for row in found["views"]["lanes"]] == [
        ("A-C", 2, 500.0)
    ]
    assert found["views"]["routes"][0]["parcels_change"] == 15
    totals = {row["measure"]: row["change"] for row in found["totals"]}
    assert (totals["carrying_cost"], totals["departures"], totals["parcels_short"]) == (500.0, 2.0, 0.0)
    chinese = _ask(folder, "--lang", "zh", "compare", *runs).stdout
    assert f"从 {runs[0]} 到 {runs[1]}" in chinese
    assert "车次（变化）" in chinese
    assert "before" not in chinese


def test_two_stock_plans(folder: Path) -> None:
    workspace = Workspace.open(folder)
    runs = _stock(workspace, {"east": 5, "west": 5}, 70.0), _stock(workspace, {"east": 9, "west": 5}, 90.0)
    found = _compare(folder, *runs)
    assert found["views"]["warehouses"] == [
        {"warehouse_id": "east", "units_before": 5, "units_after": 9, "units_change": 4}
    ]
    assert {row["measure"]: row["change"] for row in found["totals"]} == {
        "cost": 20.0,
        "lower_bound": 20.0,
        "units": 4.0,
    }


def test_what_cannot_be_compared_is_told(folder: Path) -> None:
    workspace = Workspace.open(folder)
    forecast, stock = _forecast(workspace, DAYS, {"B": 1}), _stock(workspace, {"east": 1}, 1.0)
    same = _forecast(workspace, DAYS, {"B": 1})
    assert _ask(folder, "compare", forecast, same).stdout == f"{forecast} and {same} do not differ.\n"
    for words, sentence in (
        ((forecast, stock), "expected two forecasts, or two plans of one kind"),
        ((forecast, forecast), "twice, expected two runs to compare"),
        ((forecast, "forecast-9999"), "no finished forecast or plan forecast-9999"),
        (("load-0001", forecast), "no finished forecast or plan load-0001"),
    ):
        result = _ask(folder, "compare", *words)
        assert result.exit_code == 1, words
        assert sentence in result.stderr
