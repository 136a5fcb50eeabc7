"""The commands on a workspace of two hubs: a snowstorm over one of them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from data.contracts import contract
from data.workspace import Workspace
from weather.adjustment.forecasts import QUANTILES

AS_OF = date(2025, 11, 7)
DAYS = [AS_OF + timedelta(days=step) for step in range(1, 6)]
STORM = date(2025, 11, 9)


def run(workspace: Workspace, *words: str) -> Result:
    return CliRunner().invoke(app, ["--workspace", str(workspace.folder), *words])


def answer(place: tuple[float, float], snow: date | None) -> dict[str, Any]:
    """Open-Meteo's hourly answer for five days: fair, but for 1.5 cm of snow an hour on one day."""
    start = datetime(2025, 11, 8)  # noqa: DTZ001 (wall time, as the provider writes it)
    times = [start + timedelta(hours=hour) for hour in range(6 * 24)]
    falls = [1.5 if moment.date() == snow else 0.0 for moment in times]
    return {
        "latitude": place[0],
        "longitude": place[1],
        "utc_offset_seconds": 28800,
        "hourly_units": {"time": "iso8601", "temperature_2m": "°C", "precipitation": "mm", "snowfall": "cm"},
        "hourly": {
            "time": [moment.isoformat(timespec="minutes") for moment in times],
            "temperature_2m": [-4.0] * len(times),
            "precipitation": falls,
            "snowfall": falls,
        },
    }


def forecast_rows(keys: list[dict[str, Any]], parcels: int) -> pl.DataFrame:
    fixed = {"as_of": AS_OF, "mean": parcels, "event": 2.0, "weather": 1.0, "override": 1.0, "baseline": parcels / 2}
    quantiles = dict(
        zip(
            QUANTILES,
            (parcels - 50, parcels - 40, parcels - 20, parcels, parcels + 20, parcels + 40, parcels + 50),
            strict=True,
        )
    )
    return pl.DataFrame([{"date": day} | key | fixed | quantiles for day in DAYS for key in keys])


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace.create(tmp_path / "ws")
    regions = pl.DataFrame(
        {
            "region_id": ["CN", "N", "S"],
            "name": ["China", "North", "South"],
            "parent_region_id": [None, "CN", "CN"],
            "latitude": [35.0, 40.0, 30.0],
            "longitude": [115.0] * 3,
        }
    )
    hubs = pl.DataFrame(
        {
            "hub_id": ["NORTH", "SOUTH"],
            "name": ["North", "South"],
            "region_id": ["N", "S"],
            "latitude": [40.0, 30.0],
            "longitude": [115.0, 115.0],
        }
    )
    outlets = pl.DataFrame(
        {
            "outlet_id": ["n1", "n2", "s1"],
            "name": ["n1", "n2", "s1"],
            "courier_id": ["c"] * 3,
            "hub_id": ["NORTH", "NORTH", "SOUTH"],
            "latitude": [40.1, 39.9, 30.0],
            "longitude": [115.0] * 3,
        }
    )
    lanes = pl.DataFrame(
        {
            "lane_id": ["N-S", "S-N"],
            "origin_hub_id": ["NORTH", "SOUTH"],
            "destination_hub_id": ["SOUTH", "NORTH"],
            "mode": ["road", "road"],
            "distance_km": [1400.0] * 2,
            "transit_hours": [22.0] * 2,
        }
    )
    pairs = [
        {"courier_id": "c", "origin_hub_id": one, "destination_hub_id": other}
        for one in ("NORTH", "SOUTH")
        for other in ("NORTH", "SOUTH")
    ]
    ways = [("out", "pickup"), ("in", "delivery")]
    with made.run("load") as setup:
        for name, frame in {
            "regions": regions,
            "hubs": hubs,
            "outlets": outlets,
            "lanes": lanes,
            "couriers": pl.DataFrame({"courier_id": ["c"], "name": ["c"]}),
        }.items():
            setup.upsert(name, contract(name).arrange(frame))
    with made.run("forecast") as setup:
        setup.append("route_forecasts", forecast_rows(pairs, 1000))
        setup.append("network_forecasts", forecast_rows([{}], 4000))
        setup.append(
            "region_forecasts",
            pl.concat(
                [
                    forecast_rows([{"region_id": "CN", "direction": way} for way, _ in ways], 4000),
                    forecast_rows([{"region_id": one, "direction": way} for one in "NS" for way, _ in ways], 2000),
                ]
            ),
        )
        setup.append(
            "hub_forecasts",
            forecast_rows([{"hub_id": one, "direction": way} for one in ("NORTH", "SOUTH") for way, _ in ways], 2000),
        )
        setup.append(
            "outlet_forecasts",
            pl.concat(
                [
                    forecast_rows(
                        [{"outlet_id": one, "direction": way} for one in ("n1", "n2") for _, way in ways], 1000
                    ),
                    forecast_rows([{"outlet_id": "s1", "direction": way} for _, way in ways], 2000),
                ]
            ),
        )
    return made


@pytest.fixture
def snowed_in(workspace: Workspace, tmp_path: Path) -> Workspace:
    file = tmp_path / "forecast.json"
    file.write_text(json.dumps([answer((40.0, 115.0), STORM), answer((30.0, 115.0), None)]))
    loaded = run(workspace, "weather", "load", str(file), "--issued-at", "2025-11-07T20:00+08:00", "--json")
    assert loaded.exit_code == 0, loaded.stderr
    row = json.loads(loaded.stdout)[0]
    assert (row["rows"], row["places"], row["table"]) == (288, 2, "weather_forecasts")
    return workspace


def test_impact_finds_the_storm(snowed_in: Workspace) -> None:
    result = run(snowed_in, "weather", "impact", "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["from"], told["to"]) == ("2025-11-08", "2025-11-13")
    lanes = snowed_in.results("lane_weather")
    assert lanes.height == 12
    slowed = lanes.filter(pl.col("speed_factor") < 1.0).select("date", "lane_id").rows()
    # 20:00 on the 9th out of NORTH; from SOUTH on the 8th the north is reached on the 9th
    assert (STORM, "N-S") in slowed
    assert (STORM - timedelta(days=1), "S-N") in slowed
    assert (STORM, "S-N") not in slowed
    assert lanes.filter(date=STORM, lane_id="N-S")["speed_factor"].item() == pytest.approx(0.80)
    outlets = snowed_in.results("outlet_weather")
    assert outlets.filter(date=STORM, outlet_id="n1")["capacity_factor"].item() < 1.0
    assert outlets.filter(outlet_id="s1")["capacity_factor"].unique().to_list() == [1.0]


def test_every_table_adds_up_after_apply(snowed_in: Workspace) -> None:
    assert run(snowed_in, "weather", "impact").exit_code == 0
    result = run(snowed_in, "weather", "apply", "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["basis"] == {"out": "published", "in": "published"}
    assert told["moved"] > 0
    tables = {
        level: snowed_in.results(f"{level}_forecasts") for level in ("network", "region", "hub", "route", "outlet")
    }
    assert {frame["run_id"][0] for frame in tables.values()} == {told["run_id"]}
    network = dict(tables["network"].select("date", "mean").iter_rows())
    assert network[STORM] < 4000 < network[STORM + timedelta(days=1)]
    assert sum(network.values()) + told["waiting"] == 5 * 4000
    for direction in ("out", "in"):
        by_hub = tables["hub"].filter(direction=direction)
        column = "origin_hub_id" if direction == "out" else "destination_hub_id"
        sums = tables["route"].group_by("date", hub_id=column).agg(pl.col("mean").sum()).sort("date", "hub_id")
        assert by_hub.select("date", "hub_id", "mean").sort("date", "hub_id").equals(sums)
        top = tables["region"].filter(direction=direction, region_id="CN")
        assert dict(top.select("date", "mean").iter_rows()) == network
    picked = tables["outlet"].filter(direction="pickup")
    sent = tables["hub"].filter(direction="out")
    for hub, ids in (("NORTH", ["n1", "n2"]), ("SOUTH", ["s1"])):
        whole = picked.filter(pl.col("outlet_id").is_in(ids)).group_by("date").agg(pl.col("mean").sum()).sort("date")
        assert whole.equals(sent.filter(hub_id=hub).select("date", "mean").sort("date"))
    brought = tables["outlet"].filter(direction="delivery")
    held = {
        outlet: dict(brought.filter(outlet_id=outlet).select("date", "weather").iter_rows()) for outlet in ("n1", "s1")
    }
    # couriers in the snow bring less that day; in the south parcels from the north are missing the day after
    # productivity 0.80 under yellow snow, with 15 % spare
    assert held["n1"][STORM] == pytest.approx(0.80 * 1.15)
    assert held["s1"][STORM] == 1.0
    assert held["s1"][STORM + timedelta(days=1)] < 1.0
    assert held["s1"][STORM + timedelta(days=2)] > 1.0
    for frame in tables.values():
        product = frame["baseline"] * frame["event"] * frame["weather"] * frame["override"]
        assert (product - frame["mean"]).abs().max() < 1e-6  # type: ignore[operator]
    assert tables["network"].filter(pl.col("weather") < 1.0)["date"].to_list() == [STORM]


def test_apply_again_gives_the_same(snowed_in: Workspace) -> None:
    assert run(snowed_in, "weather", "impact").exit_code == 0
    frames = []
    for _ in range(2):
        assert run(snowed_in, "weather", "apply").exit_code == 0
        frames.append(snowed_in.results("route_forecasts").drop("run_id"))
    assert frames[0].equals(frames[1])


def test_closure_is_played_through_only_when_asked(snowed_in: Workspace) -> None:
    assert run(snowed_in, "weather", "impact").exit_code == 0
    before = snowed_in.results("lane_weather")
    assert run(snowed_in, "weather", "apply").exit_code == 0
    assert snowed_in.results("lane_weather").equals(before)
    assert run(snowed_in, "weather", "apply", "--close", f"S-N@{STORM}").exit_code == 0
    shut = snowed_in.results("lane_weather").filter(pl.col("capacity_factor") == 0.0)
    assert shut.select("date", "lane_id", "closure_probability").rows() == [(STORM, "S-N", 1.0)]
    assert shut["cause"].item().startswith("closed in this scenario")
    assert snowed_in.results("lane_weather").height == before.height


def test_run_keeps_what_it_read(snowed_in: Workspace) -> None:
    assert run(snowed_in, "weather", "impact").exit_code == 0
    assert run(snowed_in, "weather", "apply").exit_code == 0
    last = snowed_in.read("runs").sort("started_at").row(-1, named=True)
    assert {"route_forecasts", "outlet_weather", "hubs", "weather_forecasts"} <= set(json.loads(last["tables_read"]))
    assert last["message"].endswith("past the last day")


def test_effects_can_be_replaced(workspace: Workspace) -> None:
    settings = workspace.folder / "radar.toml"
    settings.write_text('[weather.effects."snow.heavy"]\nspeed = 0.5\n')
    rows = {row["id"]: row for row in json.loads(run(workspace, "weather", "effects", "--json").stdout)}
    assert (rows["snow.heavy"]["speed"], rows["snow.heavy"]["source"]) == (0.5, "radar.toml")
    assert rows["snow.extreme"]["high"] is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("impact",), "no weather forecast to take the days from"),
        (("impact", "--from", "2025-11-08", "--to", "2025-11-09"), "No weather from 2025-11-08 to 2025-11-09"),
        (("impact", "--from", "2025-01-01", "--to", "2025-12-31"), "at most 92"),
        (("apply",), "o run of weather impact in this workspace"),
        (("load", "missing.json"), "missing.json: cannot be read"),
    ],
)
def test_known_errors_are_one_sentence(workspace: Workspace, words: tuple[str, ...], told: str) -> None:
    result = run(workspace, "weather", *words)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert told.lower() in result.stderr.lower()
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("load", "x.json", "--issued-at", "soon"), "'soon' is no time"),
        (("load", "x.csv", "--place", "here"), "'here' is no place"),
        (("impact", "--from", "soon"), "no date"),
        (("impact", "--from", "2025-11-09", "--to", "2025-11-08"), "lies before --from 2025-11-09"),
    ],
)
def test_wrong_usage_is_exit_2(workspace: Workspace, words: tuple[str, ...], told: str) -> None:
    result = run(workspace, "weather", *words)
    assert result.exit_code == 2
    assert told in result.stderr


def test_unknown_lane_to_close_is_told(snowed_in: Workspace) -> None:
    assert run(snowed_in, "weather", "impact").exit_code == 0
    result = run(snowed_in, "weather", "apply", "--close", "X-Y")
    assert result.exit_code == 1
    assert "'X-Y' to close" in result.stderr


def test_closures_are_played_from_a_least_probability_on(snowed_in: Workspace) -> None:
    assert run(snowed_in, "weather", "impact").exit_code == 0
    likely = snowed_in.results("lane_weather").filter(pl.col("closure_probability") > 0.0)
    most = likely["closure_probability"].max()
    assert isinstance(most, float)
    answered = json.loads(run(snowed_in, "weather", "apply", "--close", f"{most:g}", "--json").stdout)
    assert {(row["date"], row["lane_id"]) for row in answered["closed"]} == {
        (str(day), lane)
        for day, lane in likely.filter(pl.col("closure_probability") == most).select("date", "lane_id").iter_rows()
    }
    assert run(snowed_in, "weather", "impact").exit_code == 0
    answered = json.loads(run(snowed_in, "weather", "apply", "--close", "0.01", "--json").stdout)
    assert len(answered["closed"]) == likely.height > 0
    for words in ("0", "1.5", "nan"):
        result = run(snowed_in, "weather", "apply", "--close", words)
        assert result.exit_code == 1
        assert f"--close {words}" in result.stderr


def test_what_was_not_known_yet_is_not_used(snowed_in: Workspace, tmp_path: Path) -> None:
    later = tmp_path / "later.json"
    later.write_text(json.dumps([answer((40.0, 115.0), None), answer((30.0, 115.0), None)]))
    assert run(snowed_in, "weather", "load", str(later), "--issued-at", "2025-11-08T20:00+08:00").exit_code == 0
    window = ("--from", "2025-11-08", "--to", "2025-11-12")
    assert run(snowed_in, "weather", "impact", *window, "--as-of", "2025-11-07").exit_code == 0
    assert snowed_in.results("lane_weather")["speed_factor"].min() == pytest.approx(0.80)
    assert run(snowed_in, "weather", "impact", *window).exit_code == 0
    assert snowed_in.results("lane_weather")["speed_factor"].min() == 1.0
    assert datetime(2025, 11, 8, 12, tzinfo=UTC) in snowed_in.read("weather_forecasts")["issued_at"].to_list()
    for as_of, old in (("2025-11-08", False), ("2025-11-09", True)):  # 4 and 28 hours after it was issued
        assert ("That is old" in run(snowed_in, "weather", "impact", *window, "--as-of", as_of).stderr) is old


def test_days_without_weather_are_told(workspace: Workspace, tmp_path: Path) -> None:
    hours = [
        f"2025-11-{day:02}T{hour:02}:00+08:00,{place},115,0"
        for day in (8, 9)
        for hour in range(24)
        for place in (30, 40)
    ]
    file = tmp_path / "points.csv"
    file.write_text("\n".join(["valid_at,latitude,longitude,snowfall_cm", *hours]))
    words = ("weather", "load", str(file), "--as", "forecasts", "--issued-at", "2025-11-07T20:00")
    assert run(workspace, *words).exit_code == 0
    assert run(workspace, "weather", "impact", "--from", "2025-11-08", "--to", "2025-11-09").exit_code == 0
    result = run(workspace, "weather", "apply")
    assert result.exit_code == 0, result.stderr
    assert "No weather is known for 3 days of the forecast (2025-11-10 to 2025-11-12)" in result.stderr


def test_network_without_places_gives_no_rows_and_says_so(tmp_path: Path) -> None:
    made = Workspace.create(tmp_path / "bare")
    hubs = pl.DataFrame({"hub_id": ["X", "Y"], "name": ["X", "Y"]})
    lanes = pl.DataFrame(
        {
            "lane_id": ["X-Y"],
            "origin_hub_id": ["X"],
            "destination_hub_id": ["Y"],
            "mode": ["road"],
            "distance_km": [1.0],
            "transit_hours": [1.0],
        }
    )
    with made.run("load") as setup:
        for name, frame in (("hubs", hubs), ("lanes", lanes)):
            setup.upsert(name, contract(name).arrange(frame))
    file = tmp_path / "forecast.json"
    file.write_text(json.dumps(answer((40.0, 115.0), STORM)))
    assert run(made, "weather", "load", str(file), "--issued-at", "2025-11-07T20:00+08:00").exit_code == 0
    result = run(made, "weather", "impact", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["lane_weather"] == []
    assert "Without coordinates and left out: 1 lane (X-Y)." in result.stderr


def test_calibrate_without_history_tells_presets(workspace: Workspace) -> None:
    result = run(workspace, "weather", "calibrate", "--json")
    assert result.exit_code == 0, result.output
    rows = {row["id"]: row for row in json.loads(result.stdout)}
    assert rows["warning.snow.red"]["used"] == pytest.approx(0.55 * 1.15)
    assert rows["warning.snow.red"]["history"] == 0.0
    assert rows["snow.out"]["preset"] == 0.02


def test_effects_tell_presets_what_was_learnt_and_what_holds(workspace: Workspace) -> None:
    rows = {row["id"]: row for row in json.loads(run(workspace, "weather", "effects", "--json").stdout)}
    red = rows["warning.snow.red"]
    assert (red["productivity"], red["effect"], red["history"], red["gain"]) == (
        0.55,
        "share of parcels sent",
        0.0,
        None,
    )
    assert red["from"] < red["preset"] == red["used"] < red["to"]
    assert rows["snow.out"]["trigger"] == "rate"
    assert "cold.deep" in rows
    assert "What history shows" in run(workspace, "weather", "effects").stdout
    plain = json.loads(run(workspace, "weather", "effects", "--no-learn", "--json").stdout)
    assert "preset" not in plain[0]
