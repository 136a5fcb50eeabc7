"""``radar stress`` and the risk in a trunk plan's certificate, through the command."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from cli.app import app
from data.workspace import Workspace

RUNNER = CliRunner()
DAYS = [date(2025, 11, 10) + timedelta(days=n) for n in range(3)]
HUBS = ["A", "B", "C"]
WIDTHS = {"q05": -1.645, "q10": -1.2816, "q25": -0.6745, "q50": 0.0, "q75": 0.6745, "q90": 1.2816, "q95": 1.645}


def forecast_rows(keys: list[dict[str, Any]], mean: int, spread: float) -> pl.DataFrame:
    rows = []
    for day in DAYS:
        for key in keys:
            levels = {name: round(mean * (1 + spread * score)) for name, score in WIDTHS.items()}
            parts = {"baseline": float(mean), "event": 1.0, "weather": 1.0, "override": 1.0}
            rows.append({"as_of": date(2025, 11, 9), "date": day, "mean": mean, **key, **levels, **parts})
    return pl.DataFrame(rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = Workspace.create(tmp_path_factory.mktemp("stress") / "peak 中文")
    pairs = [(o, d) for o in HUBS for d in HUBS if o != d]
    hubs = {"hub_id": HUBS, "name": HUBS, "sort_capacity": [900, 2000, 2000], "buffer_capacity": [150, 500, 500]}
    truck = {"vehicle_type_id": "truck", "name": "Truck", "mode": "road", "ownership": "contract"}
    with workspace.run("load") as load:
        load.upsert("hubs", pl.DataFrame(hubs))
        lanes = {
            "lane_id": [f"{o}-{d}" for o, d in pairs],
            "origin_hub_id": [o for o, _ in pairs],
            "destination_hub_id": [d for _, d in pairs],
        }
        load.upsert(
            "lanes", pl.DataFrame(lanes).with_columns(mode=pl.lit("road"), distance_km=100.0, transit_hours=10.0)
        )
        load.upsert("vehicle_types", pl.DataFrame([truck | {"capacity": 100, "fixed_cost": 50.0, "cost_per_km": 1.0}]))
    with workspace.run("forecast") as run:
        routes = [{"courier_id": "X", "origin_hub_id": o, "destination_hub_id": d} for o, d in pairs]
        run.append("route_forecasts", forecast_rows(routes, 200, 0.2))
        ends = [{"hub_id": hub, "direction": way} for hub in HUBS for way in ("out", "in")]
        run.append("hub_forecasts", forecast_rows(ends, 400, 0.2))
        run.append("network_forecasts", forecast_rows([{}], 1200, 0.2))
    return workspace.folder


def radar(folder: Path, *arguments: str) -> Any:
    return RUNNER.invoke(app, ["--workspace", str(folder), *arguments])


@pytest.fixture(scope="module")
def planned(folder: Path) -> dict[str, Any]:
    result = radar(folder, "plan", "trunk", "--time-limit", "5", "--json")
    assert result.exit_code in (0, 3), result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_the_certificate_tells_what_the_plan_risks(folder: Path, planned: dict[str, Any]) -> None:
    assert planned["overflow_low"] <= planned["overflow_probability"] <= planned["overflow_high"]
    assert 250 <= planned["draws"] <= 1000
    assert planned["draws_run"] == Workspace.open(folder).writers("route_forecasts")[-1]
    assert planned["policy"] == "spot 10 %"
    assert planned["overflow_reason"] is None
    assert planned["overflow_floor"] <= min(planned["overflow_probability"], planned["overflow_rigid"])
    assert planned["expected_cost"] > 0


def test_the_same_seed_gives_the_certificates_probability(folder: Path, planned: dict[str, Any]) -> None:
    found = json.loads(radar(folder, "stress", planned["run_id"], "--draws", "1000", "--json").stdout)
    base = {row["policy"]: row for row in found["summaries"] if row["scenario"] == "none"}
    assert found["draws"] == planned["draws"]
    assert base["spot 10 %"]["overflow_probability"] == planned["overflow_probability"]
    assert base["rigid"]["overflow_probability"] == planned["overflow_rigid"]
    # what is over whatever vehicles there are is no more than what is over with any of them
    assert planned["overflow_floor"] <= min(
        base[policy]["overflow_probability"] for policy in ("unlimited", "rigid", "spot 10 %")
    )
    kept = Workspace.open(folder).results("demand_draws")
    assert kept["draw"].n_unique() == planned["draws"]
    assert kept["date"].unique().sort().to_list() == DAYS


def test_a_longer_closure_is_never_better(folder: Path, planned: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "场景 1.toml"
    parts = [
        f'[[scenario]]\nname = "shut {hours} h"\n[[scenario.incident]]\nkind = "hub_shut"\nhub_id = "A"\n'
        f"starts_at = 2025-11-11T00:00:00\nends_at = {end}\n"
        for hours, end in ((12, "2025-11-11T12:00:00"), (24, "2025-11-12"))
    ]
    file.write_text("\n".join(parts), "utf-8")
    arguments = ("--draws", "250", "--policy", "rigid", "--scenarios", str(file), "--json")
    found = json.loads(radar(folder, "stress", planned["run_id"], *arguments).stdout)
    by_name = {row["scenario"]: row["overflow_probability"] for row in found["summaries"]}
    assert by_name["none"] <= by_name["shut 12 h"] <= by_name["shut 24 h"]
    assert by_name["none"] < by_name["shut 24 h"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[scenario]]\nname = "x"\n[[scenario.incident]]\nkind = "hub_shut"\nhub_id = "Z"\n', "hub Z"),
        ('[[scenario]]\nname = "x"\n[[scenario.incident]]\nkind = "volume"\namount = -1\n', "amount of -1"),
        ('[[scenario]]\nname = "x"\n[[scenario.incident]]\nkind = "flood"\n', "'flood'"),
        ('[[scenario]]\nname = "x"\n[[scenario.incident]]\nkind = "lane_shut"\n', "its lane_id"),
        ('[[scenario]]\nname = "x"\nincidents = ["I1"]\n', "'I1'"),
        ('[[scenario]]\nname = "x"\nwhat = 1\n', "'what'"),
        ("name = 3\n", "'name'"),
        ("[[scenario]\n", "no TOML"),
    ],
)
def test_bad_scenarios_are_told_in_a_sentence(
    folder: Path, planned: dict[str, Any], tmp_path: Path, text: str, told: str
) -> None:
    times = "starts_at = 2025-11-11\nends_at = 2025-11-12\n" if "incident]]" in text else ""
    file = tmp_path / "bad.toml"
    file.write_text(text + times, "utf-8")
    result = radar(folder, "stress", planned["run_id"], "--draws", "250", "--scenarios", str(file))
    assert result.exit_code == 1
    assert told in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--draws", "0"), "0 draws"),
        (("--draws", "1000000"), "1,000,000 draws"),
        (("--policy", "brave"), "'brave'"),
        (("--policy", "rigid:0.3"), "rigid:0.3"),
        (("--forecast", "forecast-9999"), "forecast-9999"),
        (("--scenarios", "nowhere.toml"), "nowhere.toml"),
    ],
)
def test_bad_options_are_told_in_a_sentence(
    folder: Path, planned: dict[str, Any], arguments: tuple[str, ...], told: str
) -> None:
    result = radar(folder, "stress", planned["run_id"], *arguments)
    assert result.exit_code == 1
    assert told in result.output
    assert "Traceback" not in result.output


def test_days_no_forecast_covers_leave_the_risk_empty_with_the_reason(tmp_path: Path, folder: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    workspace = Workspace.open(copy)
    with workspace.run("load") as load:
        demand = {"date": [date(2026, 1, 5)], "origin_hub_id": ["A"], "destination_hub_id": ["B"], "parcels": [100]}
        load.append("route_demand", pl.DataFrame(demand))
    found = json.loads(radar(copy, "plan", "trunk", "--demand", "given", "--time-limit", "3", "--json").stdout)
    assert found["overflow_probability"] is None
    assert "2026-01-05" in found["overflow_reason"]
    certificate = workspace.results("plan_certificates", found["run_id"]).row(0, named=True)
    assert certificate["forecast_run"] is None


def test_what_one_storm_may_close_is_closed_together(folder: Path, planned: dict[str, Any]) -> None:
    def row(lane: str, probability: float, cause: str, day: int) -> dict[str, Any]:
        starts = datetime(2025, 11, day, tzinfo=UTC)
        return {
            "lane_id": lane,
            "starts_at": starts,
            "ends_at": starts + timedelta(hours=30),
            "probability": probability,
            "cause": cause,
        }

    rows = [
        row("A-B", 0.6, "snow", 10),
        row("A-C", 0.4, "snow", 10),
        row("B-C", 0.2, "fog", 10),
        row("C-B", 0.9, "ice", 25),
    ]
    with Workspace.open(folder).run("weather impact") as impact:
        impact.append("lane_closures", pl.DataFrame(rows))
    arguments = ("stress", planned["run_id"], "--draws", "250", "--policy", "rigid", "--json", "--closures")
    answered = radar(folder, *arguments, "0.1")
    assert answered.exit_code == 0, answered.output
    found = json.loads(answered.stdout)
    assert {summary["scenario"] for summary in found["summaries"]} == {
        "none",
        "weather by chance",
        "snow, 60%",
        "fog, 20%",
    }
    few = json.loads(radar(folder, *arguments, "0.5").stdout)
    assert {summary["scenario"] for summary in few["summaries"]} == {"none", "weather by chance", "snow, 60%"}
    short = {summary["scenario"]: summary["overflow_probability"] for summary in found["summaries"]}
    assert short["snow, 60%"] >= short["none"]
    # by chance the storm comes in three of five futures
    late = {summary["scenario"]: summary["late"] for summary in few["summaries"]}
    assert late["none"] < late["weather by chance"] < late["snow, 60%"]
    refused = radar(folder, *arguments, "0.95")
    assert refused.exit_code == 1
    assert "may be closed" in refused.output


def test_two_incidents_of_the_table_are_played_by_their_ids(
    folder: Path, planned: dict[str, Any], tmp_path: Path
) -> None:
    hours = {"starts_at": datetime(2025, 11, 10, 0, tzinfo=UTC), "ends_at": datetime(2025, 11, 11, 0, tzinfo=UTC)}
    rows = [
        {"incident_id": "flood", "kind": "hub_shut", "hub_id": "A", **hours},
        {"incident_id": "slide", "kind": "lane_shut", "lane_id": "B-C", **hours},
    ]
    with Workspace.open(folder).run("load") as load:
        load.upsert("incidents", pl.DataFrame(rows))
    file = tmp_path / "情景.toml"
    file.write_text('[[scenario]]\nname = "both"\nincidents = ["flood", "slide"]\n', encoding="utf-8")
    result = radar(folder, "stress", planned["run_id"], "--scenarios", str(file), "--draws", "50", "--json")
    assert result.exit_code == 0, result.output
    told = {row["scenario"] for row in json.loads(result.stdout)["summaries"]}
    assert "both" in told
