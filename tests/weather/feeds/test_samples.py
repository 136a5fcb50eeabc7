"""Every real sample loads, or says in one sentence why not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from data.errors import RadarError
from weather.feeds.loading import Sources, read_bytes
from weather.feeds.reading import Reading

SOURCES = Sources(zone=ZoneInfo("Asia/Shanghai"), place=(39.9, 116.4), issued_at=datetime(2026, 7, 1, tzinfo=UTC))
REFUSED = ("Air", "StormList", "geocode", "alert-events")


@pytest.fixture(scope="module")
def samples(shared: Path) -> Path:
    folder = shared / "weather"
    if not folder.is_dir():
        pytest.skip(f"no weather samples: {folder} is absent")
    return folder


def read(path: Path) -> Reading:
    return read_bytes(path.read_bytes(), path.name, SOURCES)


def test_every_sample_loads_or_says_why_not(samples: Path) -> None:
    files = [path for path in samples.rglob("*") if path.suffix.lower() in (".json", ".csv")]
    assert len(files) > 30
    for path in files:
        if any(word in path.name for word in REFUSED):
            with pytest.raises(RadarError):
                read(path)
        else:
            reading = read(path)
            assert reading.frame.height or (reading.warnings is not None and reading.warnings.height), path.name


def test_conversions_on_the_samples(samples: Path) -> None:
    assert read(samples / "qweather/getWeatherNowV7-zh.json").frame["visibility_m"].to_list() == [16_000.0]
    assert read(samples / "openweather/onecall_london_2024.json").frame["temperature_c"].to_list()[
        1:2
    ] == pytest.approx([14.74])
    year = read(samples / "inmet/INMET_SE_SP_A701_SAO_PAULO_MIRANTE_2017.CSV").frame
    assert (year.height, year["precipitation_mm"].null_count()) == (8760, 73)
    assert year["precipitation_mm"].sum() == pytest.approx(1619.6)
    assert read(samples / "beijing-cma/PRSA_weather_OctDec_Shunyi.csv").frame.height == 8832
