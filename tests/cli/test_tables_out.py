"""Tables out: export in every format, SQL, runs."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from cli.app import app
from data.workspace import Workspace

RUNNER = CliRunner()
HOSTILE = ["=1+1", 'a "quoted", id', "../up", "杭州", "<script>alert(1)</script>"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    workspace = Workspace.create(tmp_path / "peak")
    with workspace.run("load") as run:
        run.upsert("hubs", pl.DataFrame({"hub_id": HOSTILE, "name": HOSTILE, "sort_capacity": [1, 2, 3, 4, None]}))
        waybill = {
            "waybill_id": "1",
            "origin_hub_id": "杭州",
            "destination_hub_id": "=1+1",
            "ordered_at": datetime(2025, 11, 10, 16, 30, tzinfo=UTC),
            "status": "created",
        }
        run.upsert("waybills", pl.DataFrame([waybill]))
    with workspace.run("plan trunk") as run:
        flow = {
            "date": date(2025, 11, 11),
            "origin_hub_id": "杭州",
            "destination_hub_id": "=1+1",
            "path": ["l1", "l2"],
            "departure_dates": [date(2025, 11, 11), date(2025, 11, 12)],
            "completed_on": date(2025, 11, 13),
            "parcels": 5,
        }
        run.append("trunk_flows", pl.DataFrame([flow]))
    return workspace.folder


def run(folder: Path, *arguments: str) -> str:
    result = RUNNER.invoke(app, ["--workspace", str(folder), *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_csv_file_has_a_bom_and_holds_hostile_ids(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "hubs.csv"
    run(folder, "export", "hubs", "--out", str(out))
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")
    assert sorted(pl.read_csv(out, glob=False)["hub_id"]) == sorted(HOSTILE)


def test_lists_are_joined_and_times_carry_their_offset(folder: Path) -> None:
    flows = run(folder, "export", "trunk_flows").splitlines()
    row = dict(zip(flows[0].split(","), flows[1].split(","), strict=True))
    assert (row["path"], row["departure_dates"], row["completed_on"]) == (
        "l1|l2",
        "2025-11-11|2025-11-12",
        "2025-11-13",
    )
    assert "2025-11-11T00:30:00+08:00" in run(folder, "export", "waybills")
    flow = json.loads(run(folder, "export", "trunk_flows", "--format", "json"))[0]
    assert flow["path"] == ["l1", "l2"]


def test_parquet_keeps_lists(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "flows.parquet"
    run(folder, "export", "trunk_flows", "--format", "parquet", "--out", str(out))
    assert pl.read_parquet(out, glob=False)["path"].to_list() == [["l1", "l2"]]


def test_excel_keeps_ids_as_text(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "hubs.xlsx"
    run(folder, "export", "hubs", "--format", "xlsx", "--out", str(out))
    assert sorted(pl.read_excel(out)["hub_id"]) == sorted(HOSTILE)


@pytest.mark.parametrize(
    ("name", "begins"),
    [("hubs.xlsx", b"PK"), ("干 线.PARQUET", b"PAR1"), ("hubs.json", b"["), ("hubs.txt", b"\xef\xbb\xbf")],
)
def test_a_file_is_what_its_ending_says(folder: Path, tmp_path: Path, name: str, begins: bytes) -> None:
    out = tmp_path / name
    run(folder, "export", "hubs", "--out", str(out))
    assert out.read_bytes().startswith(begins)


@pytest.mark.parametrize(
    "arguments", [["hubs.xlsx", "--format", "csv"], ["hubs.xls"], ["hubs.ods", "--format", "xlsx"]]
)
def test_a_file_named_as_another_kind_is_refused(folder: Path, tmp_path: Path, arguments: list[str]) -> None:
    out = tmp_path / arguments[0]
    result = RUNNER.invoke(app, ["--workspace", str(folder), "export", "hubs", "--out", str(out), *arguments[1:]])
    assert result.exit_code == 1
    assert "as its --format" in result.output
    assert not out.exists()


def test_excel_without_a_file_is_told(folder: Path) -> None:
    result = RUNNER.invoke(app, ["--workspace", str(folder), "export", "hubs", "--format", "xlsx"])
    assert result.exit_code == 1
    assert "add --out hubs.xlsx" in result.stderr


def test_sql_reads_tables_and_changes_nothing(folder: Path) -> None:
    rows = json.loads(
        run(folder, "sql", "SELECT count(*) AS n FROM hubs JOIN waybills ON hub_id = origin_hub_id", "--json")
    )
    assert rows == [{"n": 1}]
    sums = run(
        folder,
        "sql",
        "SELECT sum(sort_capacity) AS n, 2.5::DECIMAL(9, 2) AS x, 3::DECIMAL(9, 2) AS y FROM hubs",
        "--json",
    )
    assert json.loads(sums) == [{"n": 10, "x": 2.5, "y": 3}]  # numbers, not texts
    for query in ("SELECT * FROM read_csv('/etc/passwd')", "DROP TABLE hubs", "SELECT nothing FROM hubs", ""):
        result = RUNNER.invoke(app, ["--workspace", str(folder), "sql", query])
        assert result.exit_code == 1, query
        assert "Traceback" not in result.output
    assert Workspace.open(folder).read("hubs").height == len(HOSTILE)


@pytest.mark.parametrize(
    "query", ["SELECT 1 AS n; SELECT 2 AS n", "SELECT 1 AS n; DROP TABLE hubs;", "; SELECT 1 AS n; SELECT 2 AS n"]
)
def test_of_two_statements_none_is_dropped_in_silence(folder: Path, query: str) -> None:
    result = RUNNER.invoke(app, ["--workspace", str(folder), "sql", query])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Found 2 statements, expected one SELECT" in result.stderr
    one = "/* first; second */ SELECT 'a;b' AS n; ;\n-- end;"
    assert json.loads(run(folder, "sql", one, "--json")) == [{"n": "a;b"}]


def test_runs_shows_options_and_versions(folder: Path) -> None:
    rows = json.loads(run(folder, "runs", "--json"))
    assert [row["run_id"] for row in rows] == ["load-0001", "plan-trunk-0002"]
    assert '"trunk_flows": 0' in run(folder, "runs", "plan-trunk-0002")
    assert RUNNER.invoke(app, ["--workspace", str(folder), "runs", "nope"]).exit_code == 1
