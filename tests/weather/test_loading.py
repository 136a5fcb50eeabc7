from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from data.contracts import contract
from data.errors import RadarError
from data.workspace import Workspace
from weather.loading import LoadedFile, Sources, read_weather

ANSWER = {
    "latitude": 45.7,
    "longitude": 126.6,
    "utc_offset_seconds": 28800,
    "hourly_units": {"time": "iso8601", "snowfall": "cm", "wind_speed_10m": "km/h"},
    "hourly": {
        "time": ["2025-11-11T00:00", "2025-11-11T01:00"],
        "snowfall": [1.0, 2.0],
        "wind_speed_10m": [36.0, 18.0],
    },
}
POINTS = "valid_at,latitude,longitude,temperature_c\n2025-11-11T00:00+08:00,45.7,126.6,-3\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "ws")


def load_weather(workspace: Workspace, files: list[Path], **options: Any) -> list[LoadedFile]:
    tables, loaded = read_weather(files, Sources(zone=workspace.settings.workspace.zone, **options))
    with workspace.run("weather load") as run:
        for name, frame in tables.items():
            run.upsert(name, contract(name).arrange(frame))
    return loaded


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


ISSUED = datetime(2025, 11, 10, 6, tzinfo=UTC)


def test_each_file_finds_its_feed_and_table(workspace: Workspace, tmp_path: Path) -> None:
    ahead = write(tmp_path / "ahead 天气.json", json.dumps(ANSWER))
    loaded = load_weather(workspace, [ahead], issued_at=ISSUED)
    seen = write(tmp_path / "seen.csv", POINTS)
    loaded += load_weather(workspace, [seen], kind="observations")
    assert [(file.provider, file.table, file.rows) for file in loaded] == [
        ("open-meteo", "weather_forecasts", 2),
        ("csv", "weather_observations", 1),
    ]
    forecasts = workspace.read("weather_forecasts")
    assert forecasts["wind_speed_ms"].to_list() == [10.0, 5.0]
    assert forecasts["issued_at"].unique().to_list() == [ISSUED]
    assert workspace.read("weather_observations")["temperature_c"].to_list() == [-3.0]


def test_what_an_answer_is_is_never_concluded_from_the_file(workspace: Workspace, tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", json.dumps(ANSWER))
    os.utime(path, (0, 0))
    with pytest.raises(RadarError, match=r"give --issued-at TIME for a forecast, or --as observations"):
        load_weather(workspace, [path])
    with pytest.raises(RadarError, match="give --issued-at TIME"):
        load_weather(workspace, [path], kind="forecasts")
    later = datetime(2025, 11, 12, tzinfo=UTC)
    assert load_weather(workspace, [path], issued_at=later)[0].table == "weather_observations"


def test_same_file_twice_is_one_vintage_and_a_later_one_another(workspace: Workspace, tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", json.dumps(ANSWER))
    load_weather(workspace, [path], issued_at=ISSUED)
    load_weather(workspace, [path], issued_at=ISSUED)
    assert workspace.read("weather_forecasts").height == 2
    load_weather(workspace, [path], issued_at=datetime(2025, 11, 10, 12, tzinfo=UTC))
    assert workspace.read("weather_forecasts").height == 4


def test_observation_is_replaced_by_place_and_hour(workspace: Workspace, tmp_path: Path) -> None:
    load_weather(workspace, [write(tmp_path / "a.csv", POINTS)], kind="observations")
    load_weather(workspace, [write(tmp_path / "b.csv", POINTS.replace("-3", "-4"))], kind="observations")
    assert workspace.read("weather_observations")["temperature_c"].to_list() == [-4.0]


def test_one_broken_file_leaves_the_workspace_as_it_was(workspace: Workspace, tmp_path: Path) -> None:
    good = write(tmp_path / "good.csv", POINTS)
    broken = write(tmp_path / "broken.json", '{"error": true, "reason": "Daily limit exceeded"}')
    with pytest.raises(RadarError, match=r"broken\.json: the provider's error answer: Daily limit exceeded"):
        load_weather(workspace, [good, broken])
    assert workspace.version("weather_observations") is None
    assert workspace.read("runs").is_empty()


@pytest.mark.parametrize(("name", "told"), [("gone.json", "cannot be read"), (".", "found a folder, expected a file")])
def test_no_file_is_told(workspace: Workspace, tmp_path: Path, name: str, told: str) -> None:
    with pytest.raises(RadarError, match=told):
        load_weather(workspace, [tmp_path / name])
