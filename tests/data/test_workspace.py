"""The workspace: one writer, many readers, runs whose writes appear together, and recovery from a kill."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from data.errors import RadarError
from data.workspace import Workspace

HUBS = pl.DataFrame({"hub_id": ["A", "B"], "name": ["Alpha", "Beta"]})


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "peak")


def write_hubs(workspace: Workspace, names: dict[str, str]) -> None:
    with workspace.run("load", {"table": "hubs"}) as run:
        run.upsert("hubs", pl.DataFrame({"hub_id": list(names), "name": list(names.values())}))


def test_upsert_replaces_by_key_and_keeps_versions(workspace: Workspace) -> None:
    write_hubs(workspace, {"A": "Alpha", "B": "Beta"})
    write_hubs(workspace, {"B": "Bravo", "C": "Charlie"})
    assert dict(workspace.read("hubs").select("hub_id", "name").iter_rows()) == {
        "A": "Alpha",
        "B": "Bravo",
        "C": "Charlie",
    }
    assert workspace.read("hubs", version=0)["name"].to_list() == ["Alpha", "Beta"]


def test_a_run_keeps_what_it_read_and_wrote(workspace: Workspace) -> None:
    write_hubs(workspace, {"A": "Alpha"})
    with workspace.run("plan trunk", {"service_level": 0.9}, seed=7) as run:
        run.read("hubs")
        run.append("hub_loads", _one_load())
    row = workspace.read("runs").filter(pl.col("run_id") == "plan-trunk-0002").row(0, named=True)
    assert (row["outcome"], row["seed"], json.loads(row["options"])) == ("done", 7, {"service_level": 0.9})
    assert json.loads(row["tables_read"]) == {"hubs": 0}
    assert json.loads(row["tables_written"]) == {"hub_loads": 0}
    assert workspace.results("hub_loads")["run_id"].to_list() == ["plan-trunk-0002"]


def test_a_failed_run_writes_nothing_and_is_kept(workspace: Workspace) -> None:
    with pytest.raises(RadarError, match="Too late"), workspace.run("load") as run:
        run.upsert("hubs", HUBS)
        raise RadarError("too late")
    assert workspace.read("hubs").is_empty()
    row = workspace.read("runs").row(0, named=True)
    assert (row["outcome"], row["message"]) == ("failed", "Too late.")


def test_an_interrupted_commit_is_taken_back(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    write_hubs(workspace, {"A": "Alpha"})
    from data.store import TableStore

    plain_upsert = TableStore.upsert

    def interrupted(store: TableStore, frame: pl.DataFrame) -> None:
        plain_upsert(store, frame)
        if store.contract.name == "hubs":
            raise KeyboardInterrupt

    monkeypatch.setattr(TableStore, "upsert", interrupted)
    with pytest.raises(KeyboardInterrupt), workspace.run("load") as run:
        run.upsert("hubs", HUBS)
    monkeypatch.undo()
    assert workspace.read("hubs")["name"].to_list() == ["Alpha"]
    assert workspace.read("runs").sort("run_id")["outcome"].to_list() == ["done", "interrupted"]


def test_results_of_another_run_are_found_by_id(workspace: Workspace) -> None:
    for _ in range(2):
        with workspace.run("plan trunk") as run:
            run.append("hub_loads", _one_load())
    assert workspace.results("hub_loads", "plan-trunk-0001").height == 1
    assert workspace.results("hub_loads")["run_id"].unique().to_list() == ["plan-trunk-0002"]
    with pytest.raises(RadarError, match="no finished run nope that wrote hub_loads"):
        workspace.results("hub_loads", "nope")


def test_a_second_writer_waits_and_is_told(workspace: Workspace) -> None:
    (workspace.folder / "radar.toml").write_text("[workspace]\nlock_wait_seconds = 0.2\n")
    second = Workspace.open(workspace.folder)
    with workspace.run("forecast"):
        with pytest.raises(RadarError, match=r"`radar forecast` \(process \d+\) is writing"), second.run("load"):
            pass
        assert second.read("hubs").is_empty()
    write_hubs(second, {"A": "Alpha"})


def _read_until(folder: Path, stop: str, seen: multiprocessing.Queue[object]) -> None:
    workspace = Workspace.open(folder)
    sizes = set()
    while not Path(stop).exists():
        frame = workspace.read("hubs")
        sizes.add(frame.height)
        if frame["name"].n_unique() > 1:
            seen.put(f"a mixture: {frame}")
            return
    seen.put(sizes)


def test_two_readers_see_whole_versions_while_a_writer_writes(workspace: Workspace, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    context = multiprocessing.get_context("spawn")
    seen: multiprocessing.Queue[object] = context.Queue()
    readers = [context.Process(target=_read_until, args=(workspace.folder, str(stop), seen)) for _ in range(2)]
    for reader in readers:
        reader.start()
    for version in range(1, 25):
        with workspace.run("load") as run:
            run.replace("hubs", pl.DataFrame({"hub_id": [f"{n}" for n in range(version * 10)], "name": f"v{version}"}))
    stop.touch()
    found = [seen.get(timeout=300) for _ in readers]
    for reader in readers:
        reader.join(timeout=300)
    for sizes in found:
        assert isinstance(sizes, set), sizes
        assert all(size % 10 == 0 for size in sizes)


WRITER = """
import sys
from pathlib import Path
import polars as pl
from data.workspace import Workspace
workspace = Workspace.open(Path(sys.argv[1]))
print("ready", flush=True)
with workspace.run("load") as run:
    run.upsert("hubs", pl.DataFrame({"hub_id": [f"H{n}" for n in range(40)], "name": "new"}))
    run.upsert("couriers", pl.DataFrame({"courier_id": [f"C{n}" for n in range(40)], "name": "new"}))
    run.upsert("regions", pl.DataFrame({"region_id": [f"R{n}" for n in range(40)], "name": "new"}))
"""


@pytest.mark.parametrize("kills", [10, pytest.param(20, marks=pytest.mark.slow)])
def test_kills_leave_the_old_or_the_new(workspace: Workspace, kills: int) -> None:
    """SIGKILL at a random moment of each part of a run that writes three tables: after recovery all are old or all are new."""
    with workspace.run("load") as run:
        for table, key in (("hubs", "hub_id"), ("couriers", "courier_id"), ("regions", "region_id")):
            run.upsert(table, pl.DataFrame({key: [f"{key[0].upper()}{n}" for n in range(40)], "name": "old"}))
    chance = random.Random(5)
    killed_midway = 0
    for part in range(kills):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(workspace.folder)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.25 * (part + chance.random()) / kills)
        os.kill(writer.pid, signal.SIGKILL)
        killed_midway += writer.wait() == -signal.SIGKILL
        writer.stdout.close()
        with workspace.run("check"):
            pass  # the next writer takes back what the killed one had begun
        states = {tuple(workspace.read(table)["name"].unique()) for table in ("hubs", "couriers", "regions")}
        assert len(states) == 1, states
        assert states <= {("old",), ("new",)}
        with workspace.run("load") as run:
            for table in ("hubs", "couriers", "regions"):
                run.replace(table, workspace.read(table).with_columns(pl.lit("old").alias("name")))
    assert killed_midway > 0
    outcomes = set(workspace.read("runs")["outcome"])
    assert "running" not in outcomes
    subprocess.run([sys.executable, "-c", WRITER, str(workspace.folder)], check=True, stdout=subprocess.DEVNULL)
    assert workspace.read("hubs")["name"].unique().to_list() == ["new"]


def test_find_walks_up_and_says_what_to_do(workspace: Workspace, tmp_path: Path) -> None:
    below = workspace.folder / "a" / "b"
    below.mkdir(parents=True)
    assert Workspace.find(below).folder == workspace.folder
    with pytest.raises(RadarError, match="radar init"):
        Workspace.find(tmp_path)
    with pytest.raises(RadarError, match="is a workspace already"):
        Workspace.create(workspace.folder)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[plan]\nspeed = 3\n", "unknown setting plan.speed"),
        ("[plan]\nservice_level = 2\n", "setting plan.service_level = 2"),
        ("[workspace]\ntimezone = 'Mars/Base'\n", "Mars/Base is no known time zone"),
        ("[plan]\neffort = 1e400\n", "setting plan.effort = inf: Input should be a finite number"),
        ("[plan]\nhold_cost = nan\n", "setting plan.hold_cost = nan: Input should be a finite number"),
        ("[plan", "no valid TOML"),
    ],
)
def test_broken_settings_are_told(workspace: Workspace, text: str, sentence: str) -> None:
    (workspace.folder / "radar.toml").write_text(text)
    with pytest.raises(RadarError, match=sentence.replace(".", r"\.")):
        _ = Workspace.open(workspace.folder).settings


def test_settings_that_an_editor_of_windows_saved_are_read_or_told(workspace: Workspace) -> None:
    file = workspace.folder / "radar.toml"
    text = "# 计划\n[plan]\neffort = 2.0\n"
    file.write_text(text, encoding="utf-8-sig")
    assert Workspace.open(workspace.folder).settings.plan.effort == 2.0
    for encoding in ("gb18030", "utf-16"):
        file.write_text(text, encoding=encoding)
        with pytest.raises(RadarError, match="text in another encoding, expected UTF-8; save it as UTF-8"):
            _ = Workspace.open(workspace.folder).settings


def test_a_workspace_to_be_made_is_named_as_a_shell_takes_it(tmp_path: Path) -> None:
    folder = tmp_path / "计划 2026 [1]#%20"
    folder.mkdir()
    with pytest.raises(RadarError, match=re.escape(f"`radar init '{folder}'`")):
        Workspace.open(folder)
    (folder / "hubs.csv").write_text("hub_id,name\n")
    with pytest.raises(RadarError, match=r"hubs\.csv is a file, expected a workspace's folder"):
        Workspace.open(folder / "hubs.csv")


def _one_load() -> pl.DataFrame:
    from datetime import date

    return pl.DataFrame(
        {
            "date": [date(2025, 11, 11)],
            "hub_id": ["A"],
            "handled": [5],
            "held": [0],
            "capacity": [10],
            "utilisation": [0.5],
        }
    )
