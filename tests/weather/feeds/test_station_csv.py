from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from data.errors import RadarError
from weather.feeds import station_csv
from weather.feeds.loading import Sources, read_bytes

PREAMBLE = "REGIÃO:;SE\nUF:;SP\nESTAÇÃO:;MIRANTE\nCODIGO (WMO):;A701\nLATITUDE:;-23,5\nLONGITUDE:;-46,6\nALTITUDE:;792,06\nDATA DE FUNDAÇÃO (YYYY-MM-DD):;2006-07-25\n"
HEADER = "DATA (YYYY-MM-DD);HORA (UTC);PRECIPITAÇÃO TOTAL, HORÁRIO (mm);TEMPERATURA DO AR - BULBO SECO, HORARIA (°C);VENTO, VELOCIDADE HORARIA (m/s);\n"
ROWS = "2017-01-01;00:00;0;26,1;1;\n2017-01-01;01:00;-9999;24,2;-9999;\n2017-01-01;02:00;1,6;;2,5;\n"
INMET = PREAMBLE + HEADER + ROWS
BEIJING = "year,month,day,hour,TEMP,PRES,DEWP,RAIN,wd,WSPM,station\n2013,10,1,0,18.8,1013.5,16.4,0,NNE,1.2,Shunyi\n2013,10,1,1,NA,1,1,0.5,NE,0.5,Shunyi\n"
SOURCES = Sources(zone=ZoneInfo("America/Sao_Paulo"))


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "latin-1"])
def test_inmet_has_utc_hours_decimal_commas_and_missing_values(coding: str) -> None:
    reading = read_bytes(INMET.encode(coding), "a.csv", SOURCES)
    assert (reading.provider, reading.kind) == ("inmet", "observations")
    frame = reading.frame
    assert frame["valid_at"].to_list() == [datetime(2017, 1, 1, hour, tzinfo=UTC) for hour in range(3)]
    assert frame["precipitation_mm"].to_list() == [0.0, None, 1.6]
    assert frame["temperature_c"].to_list() == [26.1, 24.2, None]
    assert frame["wind_speed_ms"].to_list() == [1.0, None, 2.5]
    assert (frame["latitude"][0], frame["longitude"][0]) == (-23.5, -46.6)


def test_latin_letters_read_twice_are_still_the_column() -> None:
    twice = INMET.encode("utf-8").decode("latin-1").encode("utf-8")
    assert read_bytes(twice, "a.csv", SOURCES).frame["precipitation_mm"].null_count() == 1


def test_beijing_has_its_date_in_four_columns_and_its_own_zone() -> None:
    reading = read_bytes(BEIJING.encode(), "PRSA.csv", Sources(zone=ZoneInfo("UTC"), places={"Shunyi": (40.1, 116.6)}))
    assert (reading.provider, reading.kind) == ("beijing", "observations")
    assert reading.frame["valid_at"][0] == datetime(2013, 9, 30, 16, tzinfo=UTC)
    assert reading.frame["temperature_c"].to_list() == [18.8, None]
    assert reading.frame["precipitation_mm"].to_list() == [0.0, 0.5]
    assert reading.frame["latitude"][0] == 40.1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (INMET.replace("-23,5", "south"), "row 5: found 'south'"),
        (INMET.replace("-23,5", "-230,5"), "latitude -230.5"),
        (PREAMBLE, "no line of column names"),
        (PREAMBLE + HEADER, "a header without rows"),
    ],
)
def test_broken_inmet_is_told(text: str, told: str) -> None:
    with pytest.raises(RadarError, match=told):
        station_csv.parse_inmet(text)


@pytest.mark.parametrize(
    ("old", "new", "row", "rule"),
    [
        ("26,1", "hot", 10, "is no number"),
        ("26,1", "261", 10, "is temperature_c outside"),
        ("2017-01-01;02:00", "soon;02:00", 12, "is no day and hour"),
        ("2017-01-01;01:00;-9999;24,2;-9999;", "2017-01-01;01:00", 11, "has 2 cells"),
    ],
)
@pytest.mark.parametrize("ending", [True, False])
def test_bad_rows_of_inmet_are_told_and_the_others_are_read(
    old: str, new: str, row: int, rule: str, ending: bool
) -> None:
    text = INMET.replace(old, new)
    if not ending:  # some years end the rows with a separator, and the header without
        text = text.replace(HEADER, HEADER.replace(";\n", "\n"))
    reading = station_csv.parse_inmet(text)
    assert (reading.frame.height, reading.entries) == (2, 3)
    assert reading.bad_rows["row"].to_list() == [row]
    assert reading.bad_rows["rule"][0].startswith(rule)


def test_beijing_without_a_place_is_told_and_bad_dates_are_set_apart() -> None:
    with pytest.raises(RadarError, match="give --place"):
        station_csv.parse_beijing(BEIJING, None)
    for wrong in ("2013,ten,1,1", "2013,2,31,1", "2013,10,1,25", "0,10,1,1", "2013,10,,1"):
        reading = station_csv.parse_beijing(BEIJING.replace("2013,10,1,1", wrong), (40.0, 116.0))
        assert reading.bad_rows["row"].to_list() == [3]
        assert (reading.frame.height, reading.entries) == (1, 2)
