"""A command reads every table as it stood at one moment, whoever commits meanwhile: two processes."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import polars as pl
import pytest

from data.contracts import contract
from data.errors import RadarError
from data.whatif import make_whatif
from data.workspace import Workspace

RADAR = Path(sys.executable).with_name("radar")
WRITER = textwrap.dedent(
    """
    import sys
    import time
    from pathlib import Path
    import polars as pl
    from data.contracts import contract
    from data.workspace import Workspace

    workspace = Workspace.open(Path(sys.argv[1]))
    for number in range(int(sys.argv[2]), int(sys.argv[3])):
        with workspace.run("write both") as run:
            for table, key in (("hubs", "hub_id"), ("couriers", "courier_id")):
                run.replace(table, contract(table).arrange(pl.DataFrame({key: ["A"], "name": [str(number)]})))
        print(number, flush=True)
        time.sleep(0.1)
    """
)


def _write(workspace: Workspace, first: int, last: int) -> None:
    command = [sys.executable, "-c", WRITER, str(workspace.folder), str(first), str(last)]
    subprocess.run(command, check=True, timeout=300, capture_output=True)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace.create(tmp_path / "ws")
    _write(workspace, 0, 1)
    return workspace


def _name(workspace: Workspace, table: str) -> str:
    return str(workspace.read(table)["name"][0])


def test_a_pinned_reader_sees_one_moment_of_two_tables_and_of_the_runs(workspace: Workspace) -> None:
    workspace.pin()
    assert _name(workspace, "hubs") == "0"
    _write(workspace, 1, 3)
    assert _name(workspace, "couriers") == "0"
    assert workspace.runs().height == 1
    assert (workspace.version("hubs"), workspace.version("couriers")) == (0, 0)
    workspace.pin()
    assert (_name(workspace, "couriers"), _name(workspace, "hubs")) == ("2", "2")
    assert workspace.runs().height == 3


def test_unpinned_readers_follow(workspace: Workspace) -> None:
    assert _name(workspace, "hubs") == "0"
    _write(workspace, 1, 2)
    assert _name(workspace, "hubs") == "1"


def test_a_run_reads_what_stands_there_now_and_goes_on_from_what_it_wrote(workspace: Workspace) -> None:
    workspace.pin()
    assert _name(workspace, "hubs") == "0"
    with workspace.run("write") as run:
        frame = contract("couriers").arrange(pl.DataFrame({"courier_id": ["A"], "name": ["mine"]}))
        run.replace("couriers", frame)
    _write(workspace, 1, 2)
    assert _name(workspace, "couriers") == "mine"
    assert _name(workspace, "hubs") == "0"


def test_a_run_that_stands_on_a_table_changed_meanwhile_is_refused(workspace: Workspace) -> None:
    workspace.pin()
    workspace.read("hubs")
    _write(workspace, 1, 2)
    with pytest.raises(RadarError, match=r"hubs, changed by another command"), workspace.run("write"):
        raise AssertionError("never begun")
    workspace.pin()
    with workspace.run("write"):
        pass


def test_a_command_beside_a_writer_sees_whole_runs_of_one_moment(workspace: Workspace) -> None:
    command = [sys.executable, "-c", WRITER, str(workspace.folder), "1", "100000"]
    query = "SELECT (SELECT max(name) FROM hubs) AS a, (SELECT max(name) FROM couriers) AS b"
    seen = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        try:
            assert writer.stdout is not None
            writer.stdout.readline()
            for _ in range(2):
                asked = [str(RADAR), "-w", str(workspace.folder), "sql", query, "--json"]
                done = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=False)
                assert done.returncode == 0, done.stderr
                seen.append(pl.read_json(done.stdout.encode()).row(0))
            reader = Workspace.open(workspace.folder)
            for _ in range(8):
                reader.pin()
                seen.append((_name(reader, "hubs"), _name(reader, "couriers")))
        finally:
            writer.kill()
    assert all(a == b for a, b in seen), seen
    assert len(set(seen)) > 1


def test_what_this_process_wrote_itself_is_seen_by_its_other_readers(workspace: Workspace) -> None:
    workspace.pin()
    assert _name(workspace, "hubs") == "0"
    with Workspace.open(workspace.folder).run("write") as run:
        run.replace("hubs", contract("hubs").arrange(pl.DataFrame({"hub_id": ["A"], "name": ["mine"]})))
    assert _name(workspace, "hubs") == "mine"


def test_a_what_if_reads_the_workspace_below_at_one_moment(workspace: Workspace) -> None:
    made = make_whatif(workspace, "w", ["hubs sort_capacity=5"])
    made.pin()
    assert _name(made, "hubs") == "0"
    _write(workspace, 1, 2)
    with made.run("plan") as run:
        assert run.read("couriers")["name"][0] == "0"
    assert _name(made, "couriers") == "0"
    made.pin()
    assert _name(made, "couriers") == "1"
