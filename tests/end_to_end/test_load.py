"""`radar load` as a planner uses it: files in, tables and sentences out."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from data.ingest.geometry import read_geometry
from data.workspace import Workspace

RUNNER = CliRunner()
RADAR = Path(sys.executable).with_name("radar")
HUBS = "hub_id,name\nDC1,one\nDC2,two\n"
VOLUMES = '日期,场地1,场地2,货量\n2022/6/7,DC1,DC2,12\n2022年6月8日,DC2,DC1,"1,300"\n'
MAPPING = """
SELECT date::DATE AS date, origin AS origin_hub_id, destination AS destination_hub_id, sum(parcels)::BIGINT AS parcels
FROM input GROUP BY ALL
"""
Radar = Callable[..., Result]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "peak")


@pytest.fixture
def radar(workspace: Workspace) -> Radar:
    return lambda *arguments: RUNNER.invoke(app, ["-w", str(workspace.folder), *(str(part) for part in arguments)])


def _write(workspace: Workspace, name: str, text: str) -> Path:
    path = workspace.folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_one_command_loads_a_chinese_file_with_new_hubs(workspace: Workspace, radar: Radar) -> None:
    file = _write(workspace, "v.csv", VOLUMES)
    result = radar(
        "load", "route_volumes", file, "--set", "courier_id=ours", "--add-missing", "hubs,couriers", "--json"
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told.pop("settings")["columns"]["parcels"] == "货量"
    assert told | {"run_id": ""} == {
        "run_id": "",
        "table": "route_volumes",
        "rows_read": 2,
        "rows_taken": 2,
        "rows_repeated": 0,
        "rows_set_apart": 0,
        "rows_added_up": 0,
        "rows_left_out": 0,
        "also_written": {"hubs": 2, "couriers": 1},
    }
    assert workspace.read("route_volumes").select("date", "parcels").sort("date").rows() == [
        (date(2022, 6, 7), 12),
        (date(2022, 6, 8), 1300),
    ]
    assert workspace.read("hubs")["name"].to_list() == ["DC1", "DC2"]


def test_loading_again_updates_by_key_and_replace_starts_anew(workspace: Workspace, radar: Radar) -> None:
    assert radar("load", "hubs", _write(workspace, "a.csv", HUBS)).exit_code == 0
    assert radar("load", "hubs", _write(workspace, "b.csv", "hub_id,name\nDC2,new\nDC3,three\n")).exit_code == 0
    assert workspace.read("hubs").sort("hub_id").select("hub_id", "name").rows() == [
        ("DC1", "one"),
        ("DC2", "new"),
        ("DC3", "three"),
    ]
    assert radar("load", "hubs", _write(workspace, "c.csv", "hub_id,name\nDC9,nine\n"), "--replace").exit_code == 0
    assert workspace.read("hubs")["hub_id"].to_list() == ["DC9"]


def test_bad_rows_are_set_apart_counted_and_kept(workspace: Workspace, radar: Radar) -> None:
    rows = "".join(f"2022-01-{day:02d},DC1,DC2,5\n" for day in range(1, 30))
    file = _write(workspace, "v.csv", "date,origin,destination,parcels\n" + rows + "2022-02-30,DC1,DC2,5\n")
    result = radar("load", "route_volumes", file, "--set", "courier_id=ours", "--add-missing", "hubs,couriers")
    assert result.exit_code == 3
    assert "route_volumes: 30 rows read, 29 taken, 1 set apart." in result.stdout
    assert "1 x date is not a date (first: row 31 of" in result.stderr
    kept = workspace.read("rejected_rows").drop("run_id")
    assert kept.rows() == [("route_volumes", str(file), 31, "date", "2022-02-30", "is not a date")]
    assert workspace.read("runs").row(-1, named=True)["outcome"] == "rejected"


def test_above_the_limit_nothing_is_committed(workspace: Workspace, radar: Radar) -> None:
    file = _write(workspace, "v.csv", VOLUMES + "soon,DC1,DC2,5\n")
    arguments = ("load", "route_volumes", file, "--set", "courier_id=ours", "--add-missing", "hubs,couriers")
    result = radar(*arguments)
    assert result.exit_code == 1
    assert "1 of 3 rows (33.3%)" in result.stderr
    assert "at most 5.0% (max_rejected_share in radar.toml)" in result.stderr
    assert result.stdout == ""
    assert [workspace.version(name) for name in ("route_volumes", "hubs", "couriers", "rejected_rows")] == [None] * 4
    _write(workspace, "radar.toml", "[load]\nmax_rejected_share = 0.5\n")
    assert radar(*arguments).exit_code == 3


def test_unknown_ids_say_what_to_load_first(workspace: Workspace, radar: Radar) -> None:
    result = radar("load", "route_volumes", _write(workspace, "v.csv", VOLUMES), "--set", "courier_id=ours")
    assert result.exit_code == 1
    assert "add --add-missing couriers,hubs" in result.stderr or "add --add-missing hubs,couriers" in result.stderr


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.csv", b"", "an empty file"),
        ("header.csv", HUBS.encode()[:12], "a header and no rows"),
        ("binary.csv", bytes(range(256)), "bytes that are no text"),
        ("broken.csv.gz", b"\x1f\x8b\x08\x00broken", "a broken gzip file"),
        ("latin.csv", "hub_id,name\nSP,São Paulo\n".encode("latin-1"), "neither UTF-8 nor GB18030"),
        ("missing.csv", b"hub_id\nDC1\n", "expected also name"),
        ("doubled.csv", b"hub_id,name,Name\nDC1,a,b\n", "two columns for name"),
        ("ragged.csv", b"hub_id,name\nDC1\n", "has 1 cell where the header has 2"),
        ("book.xlsx", b"hub_id,name\n", "a header and no rows"),
        ("torn.xlsx", b"PK\x03\x04 torn", "no readable Excel file"),
        ("table.parquet", b"PAR1", "no whole Parquet file"),
        ("lines.jsonl", b"no json\n", "no JSON object"),
        ("shapes.geojson", b"{}", "JSON without features"),
        ("letter.docx", b"x", "a file ending in .docx"),
    ],
)
def test_each_broken_file_ends_in_one_sentence_and_leaves_no_trace(
    workspace: Workspace, radar: Radar, name: str, content: bytes, says: str
) -> None:
    path = workspace.folder / name
    path.write_bytes(content)
    result = radar("load", "hubs", path)
    assert result.exit_code == 1
    assert says in result.stderr
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert workspace.version("hubs") is None


def test_folders_and_files_that_are_not_there_are_told(workspace: Workspace, radar: Radar) -> None:
    for path, says in ((workspace.folder, "a folder with"), (workspace.folder / "none.csv", "no such file")):
        result = radar("load", "hubs", path)
        assert (result.exit_code, says in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        (("load", "hub", "x.csv"), "table hub", 1),
        (("load", "trunk_flows", "x.csv"), "which ParcelRadar writes itself", 1),
        (("load", "hubs"), "name at least one file", 2),
        (("load", "hubs", "--query", "SELECT 1"), "--query needs --database", 2),
        (("load", "hubs", "x.csv", "--query", "SELECT 1"), "not both", 2),
        (("load", "hubs", "{file}", "--set", "name"), "COLUMN=VALUE", 2),
        (("load", "hubs", "{file}", "--set", "colour=red"), "column colour", 1),
        (("load", "hubs", "{file}", "--add-missing", "outlets"), "--add-missing outlets", 1),
        (("load", "hubs", "{file}", "--sql", "none.sql"), "SQL that cannot be read", 1),
    ],
)
def test_wrong_usage_is_told(
    workspace: Workspace, radar: Radar, arguments: tuple[str, ...], says: str, code: int
) -> None:
    file = _write(workspace, "hubs.csv", HUBS)
    result = radar(*(part.format(file=file) for part in arguments))
    assert result.exit_code == code
    assert says in " ".join(result.stderr.replace("│", " ").split())


def test_several_files_of_several_kinds_come_in_together(workspace: Workspace, radar: Radar) -> None:
    pl.DataFrame({"hub_id": [7, 8], "名称": ["seven", "eight"]}).write_parquet(workspace.folder / "a.parquet")
    pl.DataFrame({"分拨中心": ["DC1"], "name": ["one"]}).write_excel(workspace.folder / "b.xlsx")
    (workspace.folder / "c.jsonl").write_text('{"Hub ID": "杭州", "name": "x", "sort_capacity": 5}\n', encoding="utf-8")
    (workspace.folder / "d.csv").write_bytes("分拨中心;名称;分拣能力\n北京;北京分拨;1.000\n".encode("gb18030"))
    result = radar("load", "hubs", *(workspace.folder / name for name in ("a.parquet", "b.xlsx", "c.jsonl", "d.csv")))
    assert result.exit_code == 0, result.output
    assert workspace.read("hubs").select("hub_id", "sort_capacity").sort("hub_id").rows() == [
        ("7", None),
        ("8", None),
        ("DC1", None),
        ("北京", 1000),
        ("杭州", 5),
    ]


def test_geojson_keeps_the_geometry_of_the_rows_taken(workspace: Workspace, radar: Radar) -> None:
    square = {"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]]}
    features = [
        {"type": "Feature", "properties": {"adcode": f"R{n}", "name": "n"}, "geometry": square} for n in range(20)
    ]
    features.append({"type": "Feature", "properties": {"adcode": "x" * 300, "name": "n"}, "geometry": square})
    file = _write(workspace, "in.geojson", json.dumps({"type": "FeatureCollection", "features": features}))
    result = radar("load", "regions", file)
    assert result.exit_code == 3, result.output
    assert workspace.read("regions").height == 20
    assert set(read_geometry(workspace.folder, "regions")) == {f"R{n}" for n in range(20)}
    assert set(workspace.read("regions")["latitude"]) == {1.0}
    assert "geometry" not in result.stderr


def test_sql_over_geojson_names_the_ids_and_keeps_the_geometry(
    workspace: Workspace, radar: Radar, shared: Path
) -> None:
    mapping = _write(
        workspace, "map.sql", "SELECT iso_3166_2 AS region_id, name, name_zh, latitude, longitude, geometry FROM input"
    )
    result = radar("load", "regions", shared / "geo" / "china_provinces.geojson", "--sql", mapping)
    assert result.exit_code == 0, result.output
    regions = workspace.read("regions")
    assert regions.height == 34
    assert set(read_geometry(workspace.folder, "regions")) == set(regions["region_id"])


SOUND = '{"type":"LineString","coordinates":[[120,30],[121,31]]}'


def test_a_geometry_that_is_none_sets_its_row_apart(workspace: Workspace, radar: Radar) -> None:
    rows = ["R1;one;", *(f'R{n};n;{{"type":"Point","coordinates":[120,30]}}' for n in range(2, 60)), "R60;six;here"]
    rows.append('R61;seven;{"type":"Point","coordinates":[30,120]}')
    result = radar("load", "regions", _write(workspace, "r.csv", "region_id;name;geometry\n" + "\n".join(rows) + "\n"))
    assert result.exit_code == 3, result.output
    assert "61 rows read, 59 taken, 2 set apart" in result.stdout
    apart = workspace.read("rejected_rows").sort("row")
    assert apart.select("row", "column").rows() == [(61, "geometry"), (62, "geometry")]
    assert "no GeoJSON" in apart["rule"][0]
    assert "swapped" in apart["rule"][1]
    assert set(read_geometry(workspace.folder, "regions")) == {f"R{n}" for n in range(2, 60)}


@pytest.mark.parametrize(
    ("geometry", "rule"),
    [
        ('{"type":"Point","coordinates":[120,30]}', "a Point, where a lane needs a LineString"),
        ('{"type":"LineString","coordinates":[[120,30]]}', "a line of 1 point"),
        ('{"type":"LineString","coordinates":[[30,120],[31,121]]}', "swapped"),
        ('{"type":"MultiLineString","coordinates":[]}', "empty"),
        ('{"type":"LineString","coordinates":[["a","b"],["c","d"]]}', "no GeoJSON"),
        ("[[[[", "no GeoJSON"),
    ],
)
def test_a_lane_without_a_line_is_set_apart_and_the_others_are_taken(
    workspace: Workspace, radar: Radar, geometry: str, rule: str
) -> None:
    head = "lane_id;origin_hub_id;destination_hub_id;mode;distance_km;transit_hours;geometry\n"
    lines = [f"L{n};A;B;road;10;1;{SOUND}" for n in range(40)] + [f"X{n};A;B;road;10;1;{geometry}" for n in range(2)]
    file = _write(workspace, "lanes.csv", head + "\n".join(lines) + "\n")
    result = radar("load", "lanes", file, "--add-missing", "hubs")
    assert result.exit_code == 3, result.output
    assert workspace.read("lanes").height == 40
    apart = workspace.read("rejected_rows")
    assert apart["row"].sort().to_list() == [42, 43]
    assert all(rule in told for told in apart["rule"]), apart["rule"].to_list()
    assert len(read_geometry(workspace.folder, "lanes")) == 40


def test_a_broken_feature_is_one_row_set_apart(workspace: Workspace, radar: Radar) -> None:
    square = {"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]]}
    features: list[object] = [{"properties": {"adcode": f"R{n}", "name": "n"}, "geometry": square} for n in range(60)]
    features[7] = {"properties": {"adcode": "R7", "name": "n"}, "geometry": {"type": "Polygon"}}
    features[9] = 5
    file = _write(workspace, "in.geojson", json.dumps({"type": "FeatureCollection", "features": features}))
    result = radar("load", "regions", file)
    assert result.exit_code == 3, result.output
    assert "60 rows read, 58 taken, 2 set apart" in result.stdout
    assert workspace.read("rejected_rows")["row"].sort().to_list() == [8, 10]


def _warnings(workspace: Workspace, areas: list[str]) -> Path:
    head = "warning_id;kind;severity;onset;expires;area;text\n"
    rows = [
        f"W{number};wind;red;2025-11-01T00:00+08:00;2025-11-02T00:00+08:00;{area};gale"
        for number, area in enumerate(areas)
    ]
    return _write(workspace, "warnings.csv", head + "\n".join(rows) + "\n")


GOOD_AREA = '{"type":"Polygon","coordinates":[[[119,29],[122,29],[122,32],[119,32],[119,29]]]}'
BAD_AREAS = [
    "",
    "{}",
    "somewhere",
    '{"type":"Polygon","coordinates":[]}',
    '{"type":"Point","coordinates":[120,30]}',
    '{"type":"Polygon","coordinates":[[[29,119],[29,122],[32,122],[32,119],[29,119]]]}',
    '{"type":"Polygon","coordinates":[[[119,29],[122,29]]]}',
]


def test_areas_of_warnings_are_parsed_when_loaded(workspace: Workspace, radar: Radar) -> None:
    areas = [GOOD_AREA] * 100 + BAD_AREAS[:3]
    result = radar("load", "weather_warnings", _warnings(workspace, areas))
    assert result.exit_code == 3, result.output
    assert "103 rows read, 100 taken, 3 set apart" in result.stdout
    assert workspace.read("rejected_rows")["row"].sort().to_list() == [102, 103, 104]


@pytest.mark.parametrize("area", BAD_AREAS)
def test_each_kind_of_bad_area_is_set_apart_twice(workspace: Workspace, radar: Radar, area: str) -> None:
    result = radar("load", "weather_warnings", _warnings(workspace, [area, *[GOOD_AREA] * 60, area]))
    assert result.exit_code == 3, result.output
    assert workspace.read("weather_warnings").height == 60
    assert set(workspace.read("rejected_rows")["column"]) == {"area"}


def test_an_area_swapped_within_ninety_degrees_is_known_by_the_hubs(workspace: Workspace, radar: Radar) -> None:
    hubs = "hub_id,name,latitude,longitude\nSP,Sao Paulo,-23.5,-46.6\nRIO,Rio,-22.9,-43.2\n"
    assert radar("load", "hubs", _write(workspace, "hubs.csv", hubs)).exit_code == 0

    def square(longitude: float, latitude: float) -> str:
        ring = [[longitude, latitude], [longitude + 1, latitude], [longitude + 1, latitude + 1], [longitude, latitude]]
        return json.dumps({"type": "Polygon", "coordinates": [ring]})

    areas = [square(-47, -24)] * 40 + [square(-24, -47), square(-60, -3)]
    result = radar("load", "weather_warnings", _warnings(workspace, areas))
    assert result.exit_code == 3, result.output
    apart = workspace.read("rejected_rows")
    assert apart["row"].to_list() == [42]
    assert "swapped" in apart["rule"][0]


WAYBILLS = (
    "waybill_id,courier_id,origin_hub_id,destination_hub_id,destination_outlet_id,ordered_at,picked_up_at,status,out_for_delivery_at\n"
    "1,ours,DC1,DC2,O2,2022-11-11 01:00,2022-11-11 20:00,picked_up,\n"
    "2,ours,DC1,DC2,O2,2022-11-11 01:00,2022-11-11 23:00,out_for_delivery,2022-11-13 09:00\n"
)


def test_waybills_renew_the_volumes_of_their_days(workspace: Workspace, radar: Radar) -> None:
    _write(workspace, "radar.toml", "[workspace]\ncutoff_hour = 22\n")
    old = "date,courier,origin,dest,parcels\n2022-11-10,ours,DC1,DC2,9\n2022-11-11,ours,DC1,DC2,9\n"
    assert (
        radar("load", "route_volumes", _write(workspace, "v.csv", old), "--add-missing", "hubs,couriers").exit_code == 0
    )
    file = _write(workspace, "w.csv", WAYBILLS)
    refused = radar("load", "waybills", file, "--add-missing", "outlets")
    assert refused.exit_code == 1
    assert "would cut route_volumes of their days from 9 to 2 parcels" in refused.stderr
    assert workspace.version("waybills") is None
    result = radar("load", "waybills", file, "--add-missing", "outlets", "--volumes")
    assert result.exit_code == 0, result.output

    def volumes() -> list[tuple[date, int]]:
        return workspace.read("route_volumes").sort("date").select("date", "parcels").rows()

    assert volumes() == [(date(2022, 11, 10), 9), (date(2022, 11, 11), 1), (date(2022, 11, 12), 1)]
    assert workspace.read("outlet_volumes").rows() == [(date(2022, 11, 13), "O2", "delivery", 1)]
    # Picked up before the cut-off after all: the parcel moves to the day before and leaves nothing behind.
    moved = WAYBILLS.splitlines()[0] + "\n2,ours,DC1,DC2,O2,2022-11-11 01:00,2022-11-11 21:59,picked_up,\n"
    assert radar("load", "waybills", _write(workspace, "m.csv", moved), "--volumes").exit_code == 0
    assert volumes() == [(date(2022, 11, 10), 9), (date(2022, 11, 11), 2)]
    assert workspace.read("outlet_volumes").height == 0
    assert radar("load", "waybills", file, "--no-volumes").exit_code == 0
    assert volumes() == [(date(2022, 11, 10), 9), (date(2022, 11, 11), 2)]


def test_a_given_demand_becomes_a_result_of_its_run(workspace: Workspace, radar: Radar) -> None:
    assert radar("load", "hubs", _write(workspace, "h.csv", HUBS)).exit_code == 0
    file = _write(workspace, "d.csv", "date,origin_hub_id,destination_hub_id,parcels\n2022-11-11,DC1,DC2,100\n")
    for _ in range(2):
        result = radar("load", "route_demand", file)
        assert result.exit_code == 0, result.output
    assert workspace.results("route_demand")["parcels"].to_list() == [100]
    assert workspace.read("route_demand").height == 2


def test_sql_maps_a_file_of_any_shape(workspace: Workspace, radar: Radar) -> None:
    frame = pl.DataFrame(
        {"date": ["2022-06-07"] * 2, "origin": ["A", "A"], "destination": ["B", "B"], "parcels": [1, 2]}
    )
    frame.write_parquet(workspace.folder / "items.parquet")
    mapping = _write(workspace, "map.sql", MAPPING)
    arguments = (
        "load",
        "route_volumes",
        workspace.folder / "items.parquet",
        "--sql",
        mapping,
        "--set",
        "courier_id=ours",
    )
    result = radar(*arguments, "--add-missing", "hubs,couriers")
    assert result.exit_code == 0, result.output
    assert workspace.read("route_volumes")["parcels"].to_list() == [3]


def test_the_installed_command_loads_real_volumes_in_one_go(workspace: Workspace, shared: Path) -> None:
    file = shared / "real" / "mathorcup-2023c" / "route_volumes_2021-01_2022-09.csv.gz"
    command: list[str | Path] = [
        RADAR,
        "-w",
        workspace.folder,
        "load",
        "route_volumes",
        file,
        "--set",
        "courier_id=ours",
    ]
    done = subprocess.run([*command, "--add-missing", "hubs,couriers"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    volumes = workspace.read("route_volumes")
    assert (volumes.height, volumes["parcels"].sum()) == (150_925, 832_420_000)
    assert (volumes["date"].min(), volumes["date"].max()) == (date(2021, 1, 1), date(2022, 9, 30))
    hubs = set(volumes["origin_hub_id"]) | set(volumes["destination_hub_id"])
    assert set(workspace.read("hubs")["hub_id"]) == hubs


def test_real_orders_of_another_shape_are_loaded_by_sql(workspace: Workspace, radar: Radar, shared: Path) -> None:
    mapping = _write(workspace, "map.sql", MAPPING)
    file = shared / "real" / "olist" / "route_daily.parquet"
    result = radar(
        "load", "route_volumes", file, "--sql", mapping, "--set", "courier_id=olist", "--add-missing", "hubs,couriers"
    )
    assert result.exit_code == 0, result.output
    volumes = workspace.read("route_volumes")
    assert volumes["parcels"].sum() == 99_891
    assert volumes.filter(pl.col("date") == date(2017, 11, 24))["parcels"].sum() == 1_174


def test_ctrl_c_leaves_the_workspace_as_it_was(workspace: Workspace, radar: Radar) -> None:
    first = _write(workspace, "first.csv", VOLUMES)
    loading = ("load", "route_volumes", first, "--set", "courier_id=ours", "--add-missing", "hubs,couriers")
    assert radar(*loading).exit_code == 0
    before = workspace.version("route_volumes")
    file = workspace.folder / "large.csv"
    with file.open("w", encoding="utf-8") as out:
        out.write("date,courier_id,origin_hub_id,destination_hub_id,parcels\n")
        out.write("2022-01-01,ours,DC1,DC2,1\n" * 3_000_000)
    command: list[str | Path] = [RADAR, "-w", workspace.folder, "load", "route_volumes", file]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while workspace.read("runs").height < 2:
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(0.5)  # into the reading, past the moment in which the run was put down
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=300)[1]
    assert process.returncode == 130, told
    assert "Interrupted: the workspace is as it was." in told
    assert workspace.version("route_volumes") == before
    assert workspace.read("runs").sort("started_at")["outcome"].to_list() == ["done", "interrupted"]


MEASURE = """
import resource, sys
from cli.app import app
try:
    app()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)
"""


@pytest.mark.slow
def test_ten_million_rows_come_in_within_four_gigabytes(workspace: Workspace) -> None:
    rows, routes = 10_000_000, 16_000
    at = pl.int_range(rows, eager=True)
    frame = pl.DataFrame({"day": at // routes, "route": at % routes}).select(
        pl.date(2022, 1, 1).dt.offset_by(pl.format("{}d", pl.col("day"))).alias("日期"),
        pl.format("C{}", pl.col("route") % 4).alias("快递公司"),
        pl.format("HUB-CITY-{}", pl.col("route") // 4 // 65).alias("场地1"),
        pl.format("HUB-CITY-{}", pl.col("route") // 4 % 65).alias("场地2"),
        (pl.col("route") % 977).alias("货量"),
    )
    file = workspace.folder / "large.csv"
    frame.write_csv(file)
    command: list[str | Path] = [sys.executable, "-c", MEASURE, "-w", workspace.folder, "load", "route_volumes", file]
    for arguments in (["--add-missing", "hubs,couriers"], []):
        done = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
        )
        assert "10,000,000 rows read, 10,000,000 taken." in done.stdout
        assert int(done.stderr.split()[-1]) < 3_500


def test_a_folder_loads_table_by_table_and_one_bad_file_stops_no_other(workspace: Workspace, radar: Radar) -> None:
    folder = workspace.folder / "in 2026"
    folder.mkdir()
    for name, text in (
        ("Route Volumes-2025.csv", VOLUMES),
        ("route_volumes 11月.csv", VOLUMES),
        ("hubs.csv", HUBS),
        ("couriers.csv", "courier_id,name\nours,ours\n"),
        ("lanes.csv", "lane_id\nL\n"),
        ("README.md", "x"),
        ("runs.csv", "run_id\n1\n"),
        ("hub_loads-2025.csv", "run_id\n1\n"),
    ):
        (folder / name).write_text(text, encoding="utf-8")
    seen = radar("load", "--folder", folder, "--set", "courier_id=ours", "--dry-run")
    assert (seen.exit_code, workspace.present()) == (1, [])
    result = radar("load", "--folder", folder, "--set", "courier_id=ours", "--json")
    assert result.exit_code == 1
    assert "for table lanes" in result.stderr
    assert workspace.read("hubs").height == 2
    assert workspace.read("route_volumes").height == 2
    assert "README.md: no table is named so" in result.stderr
    assert "runs.csv: table runs is written by radar itself; it is left out." in result.stderr
    assert "hub_loads-2025.csv: table hub_loads is written by radar itself" in result.stderr


def test_a_dry_run_of_a_folder_knows_the_ids_it_has_read_before(workspace: Workspace, radar: Radar) -> None:
    folder = workspace.folder / "in"
    folder.mkdir()
    (folder / "hubs.csv").write_text(HUBS, encoding="utf-8")
    (folder / "couriers.csv").write_text("courier_id,name\nours,ours\n", encoding="utf-8")
    (folder / "route_volumes.csv").write_text(VOLUMES, encoding="utf-8")
    seen = radar("load", "--folder", folder, "--set", "courier_id=ours", "--dry-run")
    assert seen.exit_code == 0, seen.output
    assert "set apart" not in seen.output
    assert workspace.present() == []


def test_a_dry_run_ends_as_the_load_would(workspace: Workspace, radar: Radar) -> None:
    """Two bad rows of two are refused, of forty they are set apart; neither dry run leaves rows to look up."""
    (workspace.folder / "hubs.csv").write_text(HUBS, encoding="utf-8")
    assert radar("load", "hubs", workspace.folder / "hubs.csv").exit_code == 0
    bad = "hub_id,name,sort_capacity\nX1,a,many\nX2,b,-5\n"
    good = "".join(f"G{n},good {n},5\n" for n in range(38))
    (workspace.folder / "two.csv").write_text(bad, encoding="utf-8")
    (workspace.folder / "forty.csv").write_text(bad + good, encoding="utf-8")
    for file, code in (("two.csv", 1), ("forty.csv", 3)):
        seen = radar("load", "hubs", workspace.folder / file, "--dry-run")
        loaded = radar("load", "hubs", workspace.folder / file)
        assert (seen.exit_code, loaded.exit_code) == (code, code)
        assert "radar export rejected_rows" not in seen.stderr
        assert ("2 of 2 rows (100.0%) that break a rule" in seen.stderr) == (code == 1)
    assert "radar export rejected_rows" in loaded.stderr


def test_all_that_was_exported_loads_again(workspace: Workspace, radar: Radar) -> None:
    """Also the tables that a plan writes beside what was given: rows of another run become this load's own."""
    files = workspace.folder / "in 2026"
    files.mkdir()
    (files / "hubs.csv").write_text(HUBS, encoding="utf-8")
    ids = pl.read_csv(files / "hubs.csv", infer_schema=False, glob=False).to_series(0).to_list()
    demand = f"date,origin_hub_id,destination_hub_id,parcels\n2025-11-01,{ids[0]},{ids[1]},7\n"
    (files / "route_demand.csv").write_text(demand, encoding="utf-8")
    assert radar("load", "--folder", files).exit_code == 0
    out = workspace.folder / "out"
    assert radar("export", "--all", "--out", out).exit_code == 0
    again = Workspace.create(workspace.folder.parent / "again 再")
    result = radar("--workspace", again.folder, "load", "--folder", out)
    assert result.exit_code == 0, result.output
    assert again.read("route_demand")["parcels"].to_list() == [7]
    assert set(again.read("route_demand")["run_id"]) == set(again.writers("route_demand"))


def test_a_profile_loads_the_same_file_with_one_word(workspace: Workspace, radar: Radar) -> None:
    file = _write(workspace, "v.csv", "标题\n" + VOLUMES)
    options = ("--set", "courier_id=ours", "--add-missing", "hubs,couriers", "--profile", "daily")
    assert radar("load", "route_volumes", file, *options).exit_code == 0
    _write(workspace, "v.csv", "标题\n" + VOLUMES.replace(",12", ",15"))
    result = radar("load", "daily")
    assert result.exit_code == 0, result.output
    assert "header row 2" in result.stderr
    assert workspace.read("route_volumes")["parcels"].sum() == 1315
    assert radar("load", "route_volumes", "--dry-run").exit_code == 0  # as the table was loaded last


@pytest.mark.parametrize(("word", "near"), [("hub", "hubs"), ("route_volume", "route_volumes"), ("Lanes", "lanes")])
def test_a_table_misspelt_is_met_with_the_one_meant(radar: Radar, word: str, near: str) -> None:
    result = radar("load", word, "x.csv")
    assert (result.exit_code, f"did you mean {near}?" in result.stderr) == (1, True)
