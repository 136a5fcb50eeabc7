from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from data.contracts import contract
from data.errors import RadarError
from data.workspace import Workspace
from weather.feeds.loading import LoadedFile, Sources, read_weather, require_good

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


def _hours(first: str, *others: str) -> str:
    rows = [f"2025-11-{1 + hour // 24:02}T{hour % 24:02}:00+08:00,45.7,126.6,-3" for hour in range(60)]
    return "\n".join(["valid_at,latitude,longitude,temperature_c", first, *rows, *others]) + "\n"


def test_observations_of_the_future_are_set_apart_and_forecasts_are_not(tmp_path: Path) -> None:
    late = ["2052-11-11T00:00+08:00,45.7,126.6,-3", "2026-11-29T00:30+08:00,45.7,126.6,-3"]
    path = write(tmp_path / "seen.csv", _hours(late[0], late[1]))
    zone = ZoneInfo("Asia/Shanghai")
    tables, loaded = read_weather([path], Sources(zone, kind="observations", latest=date(2026, 11, 28)))
    assert tables["weather_observations"].height == 60
    assert loaded[0].bad_rows.select("row", "column").rows() == [(2, "valid_at"), (63, "valid_at")]
    assert all("--allow-future" in rule for rule in loaded[0].bad_rows["rule"])
    assert "entry" not in tables["weather_observations"].columns
    assert read_weather([path], Sources(zone, kind="observations"))[0]["weather_observations"].height == 62
    ahead = Sources(zone, kind="forecasts", issued_at=ISSUED, latest=date(2026, 11, 28))
    assert read_weather([path], ahead)[0]["weather_forecasts"].height == 62


def test_too_many_bad_rows_of_all_files_together_refuse_them(tmp_path: Path) -> None:
    bad = write(tmp_path / "bad.csv", _hours("soon,45.7,126.6,-3", "soon,45.7,126.6,-3", "2025-11-01T00:00,1,2,x"))
    good = write(tmp_path / "good.csv", _hours("2025-11-09T00:00,45.7,126.6,-3"))
    _, loaded = read_weather([bad, good], Sources(ZoneInfo("Asia/Shanghai"), kind="observations"))
    require_good(loaded, 3 / 124)
    with pytest.raises(
        RadarError, match=r"3 of 124 rows .2\.4%. that break a rule: 2 x valid_at is no time.*nothing was committed"
    ):
        require_good(loaded, 0.02)


def test_packed_files_are_unpacked_and_broken_ones_told(tmp_path: Path) -> None:
    path = tmp_path / "seen.csv.gz"
    path.write_bytes(gzip.compress(POINTS.encode()))
    sources = Sources(ZoneInfo("Asia/Shanghai"), kind="observations")
    assert read_weather([path], sources)[0]["weather_observations"].height == 1
    path.write_bytes(gzip.compress(POINTS.encode())[:-5])
    with pytest.raises(RadarError, match="a broken gzip file"):
        read_weather([path], sources)
