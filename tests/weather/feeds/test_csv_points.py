from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from data.errors import RadarError
from weather.feeds.csv_points import parse
from weather.feeds.reading import Place, Reading

SHANGHAI = ZoneInfo("Asia/Shanghai")


def read_file(path: Path, zone: ZoneInfo, place: Place | None = None) -> Reading:
    return parse(path.read_bytes(), zone, place, file=path.name)


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "points.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_contract_names_are_read_as_they_are(tmp_path: Path) -> None:
    text = "valid_at,latitude,longitude,temperature_c,snowfall_cm\n2025-11-11T06:00:00+08:00,45.7,126.6,-3.5,1.2\n"
    row = read_file(write(tmp_path, text), SHANGHAI).frame.row(0, named=True)
    assert row["valid_at"] == datetime(2025, 11, 10, 22, tzinfo=UTC)
    assert (row["temperature_c"], row["snowfall_cm"], row["wind_speed_ms"]) == (-3.5, 1.2, None)


def test_unit_in_the_header_is_converted(tmp_path: Path) -> None:
    text = "time,lat,lon,wind [km/h],visibility_km,temp_f,rain (inch)\n2025-11-11 06:00,45.7,126.6,36,1.5,32,0.1\n"
    row = read_file(write(tmp_path, text), SHANGHAI).frame.row(0, named=True)
    assert row["valid_at"] == datetime(2025, 11, 10, 22, tzinfo=UTC)
    assert row["wind_speed_ms"] == pytest.approx(10.0)
    assert row["visibility_m"] == pytest.approx(1500.0)
    assert row["temperature_c"] == pytest.approx(0.0)
    assert row["precipitation_mm"] == pytest.approx(2.54)


def test_a_row_of_units_below_the_header_counts(tmp_path: Path) -> None:
    text = "time,lat,lon,wind,气温,vis_km\n,,,km/h,（°F）,km\n2025-11-11 06:00,45.7,126.6,36,32,2\n2025-11-11 07:00,45.7,126.6,18,50,3\n"
    reading = read_file(write(tmp_path, text), SHANGHAI)
    assert reading.frame["wind_speed_ms"].to_list() == pytest.approx([10.0, 5.0])
    assert reading.frame["temperature_c"].to_list() == pytest.approx([0.0, 10.0])
    assert (reading.frame["visibility_m"].to_list(), reading.bad_rows.height) == ([2000.0, 3000.0], 0)


@pytest.mark.parametrize(
    ("column", "unit"), [("temperature_c", "°F"), ("wind_speed [m/s]", "km/h"), ("wind_kmh", "m/s")]
)
def test_a_row_of_other_units_than_the_headers_is_refused(tmp_path: Path, column: str, unit: str) -> None:
    text = f"time,lat,lon,{column}\n,,,{unit}\n2025-11-11 06:00,45.7,126.6,36\n"
    with pytest.raises(RadarError, match=r"in the header and .* below it, expected one unit"):
        read_file(write(tmp_path, text), SHANGHAI)


def test_a_first_row_of_values_is_no_row_of_units(tmp_path: Path) -> None:
    text = "time,lat,lon,wind_kmh,temp_c\n2025-11-11 06:00,45.7,126.6,,\n2025-11-11 07:00,45.7,126.6,36,m\n"
    assert read_file(write(tmp_path, text), SHANGHAI).entries == 2
    assert read_file(write(tmp_path, "time,lat,lon,temp_c\n1,2\n"), SHANGHAI).frame.is_empty()
    assert read_file(write(tmp_path, "time,lat,lon,wind\n,,,m/s\n"), SHANGHAI).frame.is_empty()
    with pytest.raises(RadarError, match="'wind' without a unit"):
        read_file(write(tmp_path, "time,lat,lon,wind,wind [kmh]\n,,,km/h,\n1,2,3,4,5\n"), SHANGHAI)


def test_chinese_headers_in_gb18030(tmp_path: Path) -> None:
    text = "时间;纬度;经度;气温（℃）;能见度(公里);风速(米/秒)\n2025/11/11 06:00;45.7;126.6;-3;0.2;5\n"
    row = read_file(write(tmp_path, text, "gb18030"), SHANGHAI).frame.row(0, named=True)
    assert (row["temperature_c"], row["visibility_m"], row["wind_speed_ms"]) == (-3.0, 200.0, 5.0)


def test_issue_times_make_it_a_forecast(tmp_path: Path) -> None:
    text = (
        "issued_at,valid_at,latitude,longitude,wind_speed_ms\n"
        "2025-11-10T00:00Z,2025-11-11T00:00Z,1,2,3\n2025-11-10T06:00Z,2025-11-11T00:00Z,1,2,4\n"
    )
    reading = read_file(write(tmp_path, text), SHANGHAI)
    assert reading.kind == "forecasts"
    assert reading.frame["wind_speed_ms"].to_list() == [3.0, 4.0]


def test_one_station_takes_its_place_from_the_caller(tmp_path: Path) -> None:
    path = write(tmp_path, "time,temp_c\n2025-11-11 06:00,3\n")
    assert read_file(path, SHANGHAI, (39.9, 116.4)).frame["latitude"].to_list() == [39.9]
    with pytest.raises(RadarError, match="no column latitude"):
        read_file(path, SHANGHAI)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("time,lat,lon,wind\n2025-11-11 06:00,1,2,3\n", "column wind: found column 'wind' without a unit"),
        ("time,lat,lon,wind_furlong\n2025-11-11 06:00,1,2,3\n", "no measure with a unit"),
        ("time,lat,lon,wind [furlong]\n2025-11-11 06:00,1,2,3\n", r"column wind \[furlong\]: found unit 'furlong' for wind"),
        ("time,lat,lon,temp_c,temperature_c\n2025-11-11 06:00,1,2,3,4\n", "columns 'temp_c' and 'temperature_c'"),
        ("lat,lon,temp_c\n1,2,3\n", "no time column"),
        ("hour,lat,lon,wind\n1,2,3,4\n", "column 'wind' without a unit"),
        ("type,name_zh,name_en\n1001,台风,Typhoon\n", r"other than weather \(type, name_zh, name_en\)"),
        ("code;name\n1;blue\n", r"other than weather \(code, name\)"),
        ("---\ntitle: warnings\n---\n", "text without columns, beginning '---'"),
        ("# 预警信息\n\n说明\n", "text without columns, beginning '# 预警信息'"),
        ("time,lat,lon,temp_c\n", "a header without rows"),
        ("time,lat,lon,temp_c,temp_c\n2025-11-11 06:00,1,2,3,4\n", "column 'temp_c' twice"),
        ("", "an empty file"),
        ("\x00\x01\x02", "bytes that are no text"),
    ],
)  # fmt: skip
def test_broken_file_is_told_in_one_sentence(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(RadarError, match=told):
        read_file(write(tmp_path, text), SHANGHAI)


@pytest.mark.parametrize(
    ("row", "column", "rule"),
    [
        ("2025-11-11 06:00,1,2,x", "temp_c", "is no number"),
        ("2025-11-11 06:00,1,2,\"3,5\"", "temp_c", "is no number with a decimal point"),
        ("soon,1,2,3", "time", "is no time"),
        (",1,2,3", "time", "is no time"),
        ("2025-11-11 06:00,-98,2,3", "lat", "is no latitude"),
        ("2025-11-11 06:00,1,200,3", "lon", "is no longitude"),
        ("2025-11-11 06:00,,2,3", "lat", "is no number"),
        ("2025-11-11 06:00,1,2,-9999", "temp_c", "is temperature_c outside -90 to 65"),
        ("2025-11-11 06:00,1,2,inf", "temp_c", "is no number"),
        ("2025-11-11 06:00,1,2,3,4", None, "has 5 cells where the header has 4"),
        ("2025-11-11 06:00", None, "has 1 cell where the header has 4"),
    ],
)  # fmt: skip
def test_bad_rows_are_told_and_the_others_are_read(tmp_path: Path, row: str, column: str | None, rule: str) -> None:
    good = [f"2025-11-11 {hour:02}:00,1,2,{hour}" for hour in range(3)]
    text = "\n".join(["time,lat,lon,temp_c", good[0], row, good[1], row, good[2]]) + "\n"
    reading = read_file(write(tmp_path, text), SHANGHAI)
    assert reading.frame["temperature_c"].to_list() == [0.0, 1.0, 2.0]
    assert reading.frame["entry"].to_list() == [2, 4, 6]
    assert reading.bad_rows["row"].to_list() == [3, 5]
    assert reading.bad_rows["column"].to_list() == [column, column]
    assert all(told.startswith(rule) for told in reading.bad_rows["rule"])
    assert reading.entries == 5


def test_absent_values_are_missing_not_zero(tmp_path: Path) -> None:
    text = "time,lat,lon,temp_c,rain_mm\n2025-11-11 06:00,1,2,3,NA\n2025-11-11 07:00,1,2,,0\n"
    frame = read_file(write(tmp_path, text), SHANGHAI).frame
    assert frame["precipitation_mm"].to_list() == [None, 0.0]
    assert frame["temperature_c"].to_list() == [3.0, None]
