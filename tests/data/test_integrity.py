"""Damage of a store is found, told in one sentence with what is still whole, and repaired; versions go only when asked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from cli.app import app
from data.cleaning import find_removable, remove
from data.contracts import contract
from data.delta import faults_told, list_files, note_removed
from data.errors import RadarError
from data.integrity import find_damage, list_damage, repair
from data.runs import withdraw
from data.workspace import Workspace
from tests.conftest import lacks

RUNNER = CliRunner()
RADAR = Path(sys.executable).parent / "radar"
TABLES = {"hubs": "hub_id", "couriers": "courier_id"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Two tables in three versions of 10, 20 and 30 rows."""
    workspace = Workspace.create(tmp_path / "peak")
    for count in (10, 20, 30):
        with workspace.run("load") as run:
            for table, key in TABLES.items():
                run.replace(table, pl.DataFrame({key: [f"{n:02}" for n in range(count)], "name": f"v{count}"}))
    return workspace


def newest_file(workspace: Workspace, table: str) -> Path:
    files = workspace.store(table).folder.glob("*.parquet")
    return max(files, key=lambda path: path.stat().st_mtime_ns)


def newest_commit(workspace: Workspace, table: str) -> Path:
    return max((workspace.store(table).folder / "_delta_log").glob("*.json"))


def flip_bit(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= 1
    path.write_bytes(content)


FAULTS: dict[str, Callable[[Workspace, str], object]] = {
    "file gone": lambda w, t: newest_file(w, t).unlink(),
    "file cut": lambda w, t: os.truncate(newest_file(w, t), newest_file(w, t).stat().st_size // 2),
    "file empty": lambda w, t: os.truncate(newest_file(w, t), 0),
    "commit cut": lambda w, t: os.truncate(newest_commit(w, t), newest_commit(w, t).stat().st_size // 2),
    "commit empty": lambda w, t: os.truncate(newest_commit(w, t), 0),
    "commit of other bytes": lambda w, t: newest_commit(w, t).write_bytes(b"\x00" * 300),
    "commit without its files": lambda w, t: newest_commit(w, t).write_text(
        newest_commit(w, t).read_text().splitlines()[0] + "\n"
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("table", TABLES)
def test_a_damaged_table_is_told_and_goes_back_to_what_is_whole(workspace: Workspace, fault: str, table: str) -> None:
    FAULTS[fault](workspace, table)
    with pytest.raises(RadarError, match=rf"[Tt]able {table} is damaged: .*version 1 is whole; `radar repair {table}`"):
        workspace.read(table)
    told = RUNNER.invoke(app, ["-w", str(workspace.folder), "export", table])
    assert (told.exit_code, "Traceback" in told.stderr) == (1, False)
    assert [damage.table for damage in list_damage(workspace)] == [table]
    repaired = repair(workspace, table)
    assert repaired is not None
    assert repaired.version == 1
    assert repaired.lost == ("load-0003",)
    with pytest.raises(RadarError, match="lost in `radar repair`"):
        workspace.read(table, 2)  # what was made on it is not recomputed on other rows
    assert workspace.read(table)["name"].to_list() == ["v20"] * 20
    assert list_damage(workspace) == []
    with workspace.run("load") as run:
        run.upsert(table, pl.DataFrame({TABLES[table]: ["new"], "name": ["new"]}))
    assert workspace.read(table).height == 21


@pytest.mark.parametrize("at", [5, 100, 200, 333, -30])
def test_a_flipped_bit_is_found_wherever_it_is(workspace: Workspace, at: int) -> None:
    for table in TABLES:
        assert workspace.read(table).height == 30
        flip_bit(newest_file(workspace, table), at)
        with pytest.raises(RadarError, match=r"has other bytes than were written; version 1 is whole"):
            workspace.read(table)
    found = list_damage(workspace)
    assert sorted(damage.table for damage in found) == sorted(TABLES)
    assert {damage.found for damage in found} == {"has other bytes than were written"}
    assert {damage.whole_version for damage in found} == {1}
    told = RUNNER.invoke(app, ["-w", str(workspace.folder), "check"])
    assert told.exit_code == 1
    assert all(f"{table}: file part-" in told.stdout for table in TABLES)
    assert "2 tables are damaged: hubs, couriers" in told.stderr
    listed = json.loads(RUNNER.invoke(app, ["-w", str(workspace.folder), "check", "--json"]).stdout)
    assert [row["table"] for row in listed["damaged"]] == ["hubs", "couriers"]
    mended = RUNNER.invoke(app, ["-w", str(workspace.folder), "repair"])
    assert mended.exit_code == 0, mended.output
    assert {workspace.read(table).height for table in TABLES} == {20}


def test_a_table_without_a_whole_version_is_set_aside(workspace: Workspace) -> None:
    for file in workspace.store("hubs").folder.glob("*.parquet"):
        file.unlink()
    with pytest.raises(RadarError, match="no version of it is whole"):
        workspace.read("hubs")
    repaired = repair(workspace, "hubs")
    assert repaired is not None
    assert repaired.moved_to == workspace.folder / "tables" / "hubs.damaged"
    assert workspace.read("hubs").is_empty()
    assert workspace.read("couriers").height == 30


def test_a_run_that_lost_results_is_not_read_in_part(workspace: Workspace) -> None:
    row = {"date": [date(2025, 11, 1)], "origin_hub_id": ["v10"], "destination_hub_id": ["v11"], "parcels": [1]}
    runs = []
    for tables in (("route_demand", "shortfalls"), ("route_demand", "shortfalls"), ("route_demand",)):
        with workspace.run("plan trunk") as run:
            for name in tables:
                run.append(name, pl.DataFrame(row | ({"reason": ["hub"]} if name == "shortfalls" else {})))
        runs.append(run.run_id)
    newest_commit(workspace, "shortfalls").write_text("")
    repaired = RUNNER.invoke(app, ["-w", str(workspace.folder), "repair"])
    assert repaired.exit_code == 0, repaired.output
    assert f"What {runs[1]} wrote to shortfalls is lost" in repaired.stderr
    assert workspace.writers("route_demand") == [runs[0], runs[2]]
    assert workspace.writers("shortfalls") == runs[:1]
    with pytest.raises(RadarError, match=f"no finished run {runs[1]}"):
        workspace.results("route_demand", runs[1])
    told = workspace.runs().row(by_predicate=pl.col("run_id") == runs[1], named=True)
    assert (told["outcome"], told["message"]) == ("failed", "its rows of shortfalls were lost: run it again")


def test_the_table_of_runs_can_be_damaged_too(workspace: Workspace) -> None:
    flip_bit(newest_file(workspace, "runs"), 70)
    assert [damage.table for damage in list_damage(workspace)] == ["runs"]
    newest_file(workspace, "runs").unlink()
    told = RUNNER.invoke(app, ["-w", str(workspace.folder), "runs"])
    assert told.exit_code == 1
    assert "Table runs is damaged" in told.stderr
    assert RUNNER.invoke(app, ["-w", str(workspace.folder), "repair", "runs"]).exit_code == 0
    assert workspace.read("runs").height == 3


def test_nothing_is_damaged_where_nothing_is(workspace: Workspace) -> None:
    assert list_damage(workspace) == []
    assert find_damage(workspace, "lanes") is None
    assert repair(workspace, "hubs") is None
    assert "Nothing is damaged." in RUNNER.invoke(app, ["-w", str(workspace.folder), "repair"]).stdout


def test_versions_older_than_the_log_is_kept_for_stay(workspace: Workspace) -> None:
    """Delta's library deletes the log of old versions when it writes a checkpoint, which it does every 100 versions."""
    store = workspace.store("hubs")
    rows = store.read()
    for number in range(3, 206):
        store.replace(rows)
        if number in (97, 196):
            for file in (store.folder / "_delta_log").iterdir():
                os.utime(file, (time.time() - 60 * 86_400,) * 2)
    assert store.read(0).height == 10
    assert store.read(1).height == 20


def test_a_version_whose_log_was_lost_is_an_error(workspace: Workspace) -> None:
    log = workspace.store("hubs").folder / "_delta_log"
    (log / f"{0:020}.json").unlink()
    with pytest.raises(RadarError, match="has no version 0, expected a table that was written"):
        workspace.read("hubs", 0)  # without the first commit the later ones cannot be followed


def test_the_versions_told_are_those_that_can_be_read(tmp_path: Path) -> None:
    log = tmp_path / "hubs" / "_delta_log"
    log.mkdir(parents=True)
    for number in (*range(1, 50), *range(51, 102)):
        (log / f"{number:020}.json").touch()
    (log / f"{99:020}.checkpoint.parquet").touch()
    note_removed(tmp_path / "hubs", [100])
    with pytest.raises(RadarError, match="has no version 50, expected one of the versions 99, 101;"):
        list_files(tmp_path / "hubs", 50)


@pytest.mark.parametrize("what", ["tables/hubs", "tables/hubs/_delta_log", "tables/runs", "tables/runs/_delta_log"])
def test_a_store_that_cannot_be_written_is_told(workspace: Workspace, what: str) -> None:
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        lacks("setpriv", "install util-linux, or run the tests as an ordinary user")
    # root may write anywhere unless this right is taken from the command
    as_user = [] if os.getuid() else ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    file = workspace.folder.parent / "hubs.csv"
    file.write_text("hub_id,name\nX,X\n")
    (workspace.folder / what).chmod(0o555)
    done = subprocess.run(
        [*as_user, RADAR, "-w", workspace.folder, "load", "hubs", file], capture_output=True, text=True
    )
    (workspace.folder / what).chmod(0o777)
    assert done.returncode == 1, done.stderr
    assert "cannot be written (Permission denied" in done.stderr
    assert "Traceback" not in done.stderr
    assert workspace.read("hubs").height == 30


def test_a_full_disk_is_told(workspace: Workspace) -> None:
    """A limit on the size of a file stands for a disk without room."""
    code = (
        "import resource, signal, sys\nfrom pathlib import Path\nimport polars as pl\nfrom data.workspace import Workspace\n"
        "workspace = Workspace.open(Path(sys.argv[1]))\n"
        "rows = pl.DataFrame({'hub_id': [str(n * 7919 % 1000003) for n in range(50000)], 'name': 'new'})\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "try:\n"
        "    with workspace.run('load') as run:\n"
        "        run.upsert('hubs', rows)\n"
        "        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, resource.RLIM_INFINITY))\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(workspace.folder)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("RadarError Table hubs cannot be written (File too large"), done.stdout + done.stderr
    assert "version 2 stands; make room" in done.stdout
    assert workspace.read("hubs").height == 30
    assert workspace.runs()["outcome"].to_list()[-1] == "failed"


def test_clean_removes_only_what_nothing_needs(workspace: Workspace) -> None:
    with workspace.run("plan trunk") as run:
        run.read("hubs")
        run.append("hub_prices", pl.DataFrame({"date": [date(2025, 11, 1)], "hub_id": ["00"], "price": [1.0]}))
    for count in (40, 50):
        with workspace.run("load") as run:
            run.replace("hubs", pl.DataFrame({"hub_id": [f"{n}" for n in range(count)], "name": "x"}))
    later = datetime.now(UTC) + timedelta(days=100)
    assert {c.table: c.versions for c in find_removable(workspace, 200, later) if c.table == "hubs"} == {}
    args = ["-w", str(workspace.folder), "clean", "--keep-days", "0"]
    dry = json.loads(RUNNER.invoke(app, [*args, "--dry-run", "--json"]).stdout)
    assert dry["bytes"] > 0
    assert workspace.read("hubs", 0).height == 10
    told = json.loads(RUNNER.invoke(app, [*args, "--json"]).stdout)
    assert told["bytes_freed"] == dry["bytes"]
    assert workspace.read("hubs").height == 50
    assert workspace.read("hubs", 2).height == 30  # the plan was made on it
    for version in (0, 1, 3):
        with pytest.raises(RadarError, match=rf"Version {version} of table hubs was removed by `radar clean`"):
            workspace.read("hubs", version)
    assert list_damage(workspace) == []
    assert workspace.results("hub_prices").height == 1
    with workspace.run("withdraw") as run:
        withdraw(run, "plan-trunk-0004")
    with workspace.writing("clean"):
        remove(workspace, find_removable(workspace, 0, later))
    with pytest.raises(RadarError, match="Version 2 of table hubs was removed"):
        workspace.read("hubs", 2)


def test_clean_keeps_what_a_standing_plans_forecast_was_made_from(workspace: Workspace) -> None:
    day = date(2025, 11, 1)
    columns = contract("network_forecasts").polars_schema.items()
    forecast = {name: day if dtype == pl.Date else 1 for name, dtype in columns if name != "run_id"}

    def replace_hubs(count: int) -> None:
        with workspace.run("load") as run:
            run.replace("hubs", pl.DataFrame({"hub_id": [f"{n}" for n in range(count)], "name": "x"}))

    with workspace.run("forecast") as run:
        run.read("hubs")
        run.append("network_forecasts", pl.DataFrame([forecast]))
    replace_hubs(40)
    with workspace.run("plan trunk") as plan:
        plan.results("network_forecasts")
        plan.read("hubs")
        plan.append("hub_prices", pl.DataFrame({"date": [day], "hub_id": ["00"], "price": [1.0]}))
    replace_hubs(50)
    with workspace.run("withdraw") as last:
        withdraw(last, run.run_id)
    later = datetime.now(UTC) + timedelta(days=100)
    gone = {one.table: one.versions for one in find_removable(workspace, 0, later)}
    soon = datetime.now(UTC) + timedelta(days=3)
    assert "hubs" not in {one.table for one in find_removable(workspace, 4, soon) if one.versions}
    assert "hubs" in {one.table for one in find_removable(workspace, 2, soon) if one.versions}
    assert gone["hubs"] == (0, 1)  # 2 is the forecast's, 3 the plan's, 4 the newest


def test_a_damaged_log_is_told_without_the_calls_of_the_library(tmp_path: Path) -> None:
    """deltalake lists its own calls behind what it says; a reader is told what was found."""
    for told in (
        "Kernel error: Json error: Encountered unexpected 'g' whilst parsing value 0: <unknown> 1: <unknown> 12: start_thread",
        "Kernel error: Json error: Encountered unexpected 'g' whilst parsing value\n   0: std::backtrace::create\n   1: main",
    ):
        with pytest.raises(RadarError) as raised, faults_told(tmp_path / "events"):
            raise ValueError(told)
        assert "unexpected 'g' whilst parsing value; no version of it is whole" in str(raised.value)
