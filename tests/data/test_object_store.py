"""A workspace whose tables are at home in an object store: a real server, several folders, and everything that may go wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data.cleaning import find_removable, remove
from data.errors import RadarError
from data.integrity import list_damage, repair
from data.lease import LEASE, hold
from data.mirror import Mirror
from data.new_workspace import make_workspace
from data.object_store import Bucket, Patience
from data.workspace import Workspace
from tests.object_store_server import needs_store, serve

pytestmark = needs_store
BUCKET = "peak"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serve(BUCKET) as address:
        yield address


@pytest.fixture
def store(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in keys(server).items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/计划 2026/{tmp_path.name}"


def keys(server: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": server,
    }


def couriers(*names: str) -> pl.DataFrame:
    return pl.DataFrame({"courier_id": names, "name": names})


def volumes(parcels: int) -> pl.DataFrame:
    keys_ = {"date": [date(2025, 11, 11)], "courier_id": ["A"], "origin_hub_id": ["H"], "destination_hub_id": ["J"]}
    return pl.DataFrame({**keys_, "parcels": [parcels]})


def load(workspace: Workspace, table: str, rows: pl.DataFrame) -> None:
    with workspace.run("load") as run:
        run.upsert(table, rows)


def test_two_machines_see_each_others_tables(store: str, tmp_path: Path) -> None:
    here = make_workspace(tmp_path / "here 这里", "CN", store)
    there = make_workspace(tmp_path / "there", "CN", store)
    assert there.runs()["command"].to_list() == ["init"]  # joined, not made again
    load(here, "couriers", couriers("顺 丰", "B"))
    load(there, "couriers", couriers("B", "C"))
    load(there, "route_volumes", volumes(7))
    again = Workspace.open(here.folder)
    assert again.read("couriers")["courier_id"].to_list() == ["B", "C", "顺 丰"]
    assert again.read("route_volumes")["parcels"].to_list() == [7]
    assert again.runs()["run_id"].to_list() == ["init-0001", "load-0002", "load-0003", "load-0004"]
    for name in ("couriers", "events", "runs"):
        assert_frame_equal(again.read(name), Workspace.open(there.folder).read(name))
    assert again.read("couriers", 0).height == 2  # old versions are there as well
    assert list_damage(again) == []


def test_the_store_holds_tables_that_other_readers_of_delta_open(store: str, server: str, tmp_path: Path) -> None:
    from deltalake import DeltaTable

    here = make_workspace(tmp_path / "here", "CN", store)
    for parcels in range(1, 13):  # past a checkpoint
        load(here, "route_volumes", volumes(parcels))
    options = {**keys(server), "AWS_ALLOW_HTTP": "true"}
    table = DeltaTable(f"{store}/tables/route_volumes", storage_options=options)
    assert table.version() == 11
    assert pl.DataFrame(table.to_pyarrow_table())["parcels"].to_list() == [12]
    fresh = make_workspace(tmp_path / "fresh", "CN", store)
    assert fresh.read("route_volumes")["parcels"].to_list() == [12]


def test_reading_leaves_the_store_as_it_is_and_needs_no_lease(store: str, tmp_path: Path) -> None:
    here = make_workspace(tmp_path / "here", "CN", store)
    load(here, "couriers", couriers("A"))
    before = Bucket.open(store).list()
    reader = make_workspace(tmp_path / "reader", "CN", store)
    with here.writing("plan trunk"):
        assert reader.read("couriers").height == 1
    after = Bucket.open(store).list()
    assert {path: kept for path, kept in after.items() if path != LEASE} == {
        path: kept for path, kept in before.items() if path != LEASE
    }


def settings(workspace: Workspace, **values: object) -> Workspace:
    file = workspace.folder / "radar.toml"
    text = file.read_text(encoding="utf-8")
    for name, value in values.items():
        lines = [f"{name} = {value}" if line.startswith(f"# {name} =") else line for line in text.splitlines()]
        text = "\n".join(lines)
    file.write_text(text, encoding="utf-8")
    return Workspace.open(workspace.folder)


def test_a_second_writer_waits_and_is_told_who_writes(store: str, tmp_path: Path) -> None:
    here = settings(make_workspace(tmp_path / "here", "CN", store), lease_seconds=1)
    there = settings(make_workspace(tmp_path / "there", "CN", store), lock_wait_seconds=0.5, lease_seconds=1)
    with here.writing("plan trunk"), pytest.raises(RadarError, match=r"radar plan trunk.* is writing to s3://"):
        load(there, "couriers", couriers("A"))
    load(there, "couriers", couriers("A"))
    assert Workspace.open(here.folder).read("couriers").height == 1


_KILLED = """
import sys, time
from pathlib import Path
import polars as pl
from data.workspace import Workspace
workspace = Workspace.open(Path(sys.argv[1]))
with workspace.run("load") as run:
    run.upsert("couriers", pl.DataFrame({"courier_id": ["X"], "name": ["X"]}))
    run.record("running", written={"couriers": workspace.store("couriers").version()})
    run._write("couriers")
    print("written", flush=True)
    time.sleep(60)
"""


def test_a_killed_writer_leaves_nothing_half_and_its_lease_falls_to_the_next(store: str, tmp_path: Path) -> None:
    here = settings(make_workspace(tmp_path / "here", "CN", store), lease_seconds=1)
    there = settings(make_workspace(tmp_path / "there", "CN", store), lock_wait_seconds=0, lease_seconds=1)
    load(there, "couriers", couriers("A"))
    rooms = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    begun = subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(here.folder)], env=rooms, stdout=subprocess.PIPE, text=True
    )
    assert begun.stdout is not None
    assert begun.stdout.readline() == "written\n"
    assert Workspace.open(there.folder).read("couriers")["courier_id"].to_list() == ["A"]  # as before it began
    begun.send_signal(signal.SIGKILL)
    begun.wait()
    load(there, "couriers", couriers("B"))
    assert Workspace.open(there.folder).read("couriers")["courier_id"].to_list() == ["A", "B"]
    assert Workspace.open(there.folder).runs()["outcome"].to_list()[-2:] == ["killed", "done"]
    assert Workspace.open(here.folder).read("couriers")["courier_id"].to_list() == ["A", "B"]


def test_who_has_lost_the_lease_writes_nothing(store: str, tmp_path: Path) -> None:
    here = settings(make_workspace(tmp_path / "here", "CN", store), lease_seconds=2)
    before = Bucket.open(store).list("tables")
    with pytest.raises(RadarError, match=r"lease .* is lost .*another command has taken it"), here.run("load") as run:
        run.upsert("couriers", couriers("A"))
        Bucket.open(store).put(LEASE, json.dumps({"holder": "another", "token": "x", "seconds": 2}).encode())
        time.sleep(1.5)  # until it is renewed
    gone = {path for path in Bucket.open(store).list("tables") if "/couriers/" in path} - before.keys()
    assert gone == set()
    load(here, "couriers", couriers("B"))  # the other gives no sign, so its lease falls to the next
    assert Workspace.open(here.folder).read("couriers")["courier_id"].to_list() == ["B"]


def test_a_commit_that_another_made_first_is_not_written_over(store: str, tmp_path: Path) -> None:
    here = make_workspace(tmp_path / "here", "CN", store)
    load(here, "couriers", couriers("A"))
    first = "tables/couriers/_delta_log/00000000000000000001.json"
    bucket = Bucket.open(store)
    with pytest.raises(RadarError, match="written to by another"), here.writing("load"):
        mirror = here.mirror
        assert mirror is not None
        here.store("couriers").bring(0)
        bucket.put(first, b"{}")
        here.store("couriers").append(couriers("B"))
    found = bucket.get(first)
    assert found is not None
    assert found[0] == b"{}"
    assert not (here.folder / first).exists()


def test_a_damaged_copy_is_brought_again_and_a_damaged_object_is_told(store: str, tmp_path: Path) -> None:
    here = make_workspace(tmp_path / "here", "CN", store)
    load(here, "couriers", couriers("A"))
    copy = next((here.folder / "tables" / "couriers").glob("*.parquet"))
    whole = copy.read_bytes()
    copy.write_bytes(whole[:-3])
    assert Workspace.open(here.folder).read("couriers").height == 1
    copy.write_bytes(whole[:-3] + b"xyz")
    assert Workspace.open(here.folder).read("couriers").height == 1
    Bucket.open(store).put(copy.relative_to(here.folder).as_posix(), whole[:-3])
    copy.unlink()
    with pytest.raises(RadarError, match="couriers is damaged"):
        Workspace.open(here.folder).read("couriers")
    assert [one.table for one in list_damage(Workspace.open(here.folder))] == ["couriers"]
    with pytest.raises(RadarError, match=r"`radar repair` on s3://"):
        repair(Workspace.open(here.folder), "couriers")


def test_what_a_store_refuses_is_done_in_a_folder_and_brought_to_a_new_address(store: str, tmp_path: Path) -> None:
    """The way out that the refusal and the how-to page name: tables into a folder, clean and repair there, and to a store again."""
    here = make_workspace(tmp_path / "here", "CN", store)
    for turn in range(3):
        load(here, "couriers", couriers(f"A{turn}"))
        load(here, "route_volumes", volumes(turn))
    with pytest.raises(RadarError, match=r"`radar clean` on s3://.*put them on a store again"):
        find_removable(Workspace.open(here.folder), 0, datetime.now(UTC))
    tidy = make_workspace(tmp_path / "tidy 整理", "CN").folder
    shutil.rmtree(tidy / "tables")
    bucket = Bucket.open(store)
    for path in bucket.list("tables"):
        found = bucket.get(path)
        assert found is not None
        (tidy / path).parent.mkdir(parents=True, exist_ok=True)
        (tidy / path).write_bytes(found[0])
    newest = max((tidy / "tables" / "route_volumes" / "_delta_log").glob("*.json"))
    newest.write_text("{")
    assert [one.table for one in list_damage(Workspace.open(tidy))] == ["route_volumes"]
    assert repair(Workspace.open(tidy), "route_volumes") is not None
    removable = find_removable(Workspace.open(tidy), 0, datetime.now(UTC))
    assert removable
    remove(Workspace.open(tidy), removable)
    there = Bucket.open(f"{store}-tidy")
    for file in (tidy / "tables").rglob("*"):
        if file.is_file() and file.suffix != ".damaged":
            there.put(file.relative_to(tidy).as_posix(), file.read_bytes())
    joined = make_workspace(tmp_path / "joined", "CN", f"{store}-tidy")
    assert joined.read("couriers")["courier_id"].to_list() == ["A0", "A1", "A2"]
    assert joined.read("route_volumes")["parcels"].to_list() == [1]  # the commit before the damaged one
    load(joined, "couriers", couriers("A3"))
    assert Workspace.open(joined.folder).read("couriers").height == 4


def test_many_writers_at_once_lose_nothing(store: str, tmp_path: Path) -> None:
    make_workspace(tmp_path / "0", "CN", store)
    folders = [make_workspace(tmp_path / str(number), "CN", store) for number in range(1, 4)]
    folders = [settings(one, lock_wait_seconds=60, lease_seconds=2) for one in folders]
    told: list[RadarError] = []

    def write(workspace: Workspace, name: str) -> None:
        try:
            for turn in range(2):
                load(Workspace.open(workspace.folder), "couriers", couriers(f"{name}{turn}"))
        except RadarError as error:
            told.append(error)

    threads = [threading.Thread(target=write, args=(one, str(at))) for at, one in enumerate(folders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == []
    assert Workspace.open(folders[0].folder).read("couriers")["courier_id"].to_list() == [
        f"{name}{turn}" for name in range(3) for turn in range(2)
    ]


def test_a_folder_with_tables_of_its_own_is_not_taken_for_a_copy(store: str, tmp_path: Path) -> None:
    local = make_workspace(tmp_path / "local", "CN")
    load(local, "couriers", couriers("A"))
    moved = settings(local, store=f'"{store}"')
    with pytest.raises(RadarError, match="holds tables of its own"):
        moved.read("couriers")
    assert settings(local, store='""').folder.is_dir()
    copies = make_workspace(tmp_path / "copies", "CN", store)
    file = copies.folder / "radar.toml"
    file.write_text(file.read_text("utf-8").replace(store, f"{store}2"), encoding="utf-8")
    with pytest.raises(RadarError, match="holds copies of s3://"):
        Workspace.open(copies.folder).read("couriers")


def test_a_table_taken_away_and_made_again_is_read_anew(store: str, tmp_path: Path) -> None:
    here, there = (make_workspace(tmp_path / name, "CN", store) for name in ("here", "there"))
    load(here, "couriers", couriers("A"))
    assert Workspace.open(there.folder).read("couriers")["courier_id"].to_list() == ["A"]
    with here.writing("undo"):
        here.store("couriers").restore(None)
    assert Workspace.open(there.folder).read("couriers").is_empty()
    load(here, "couriers", couriers("B"))
    assert Workspace.open(there.folder).read("couriers")["courier_id"].to_list() == ["B"]


@pytest.mark.parametrize("address", ["s3:/peak/x", "s3://peak", "s3:///x", "http://peak/x"])
def test_an_address_that_is_none_is_told(address: str) -> None:
    with pytest.raises(RadarError, match="s3://BUCKET/PREFIX"):
        Bucket.open(address)


def test_a_store_that_is_not_there_or_refuses_is_told_and_makes_nothing(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RadarError, match=r"bject store s3://nothing/x does not do what was asked"):
        make_workspace(tmp_path / "none", "CN", "s3://nothing/x")
    assert not (tmp_path / "none").exists()
    here = make_workspace(tmp_path / "here", "CN", store)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    began = time.monotonic()
    with pytest.raises(RadarError, match="does not do what was asked"):
        load(Workspace.open(here.folder), "couriers", couriers("A"))
    assert time.monotonic() - began < 60


def test_a_slow_store_is_told(tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.socket() as silent:  # takes the connection and says nothing
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        bucket = Bucket.open(store, Patience(1.0, 1.0, 1, 2.0))
        with pytest.raises(RadarError, match="does not do what was asked"):
            bucket.list()


def test_a_lease_that_cannot_be_renewed_is_lost(store: str) -> None:
    bucket = Bucket.open(store)
    with pytest.raises(RadarError, match="was not renewed for 1 s"), hold(bucket, "one", 1, 0) as lease:
        lease._end.set()  # as if every renewal failed
        time.sleep(1.2)
        lease.require()


def test_a_mirror_writes_only_with_a_lease(store: str, tmp_path: Path) -> None:
    here = make_workspace(tmp_path / "here", "CN", store)
    mirror = Mirror.open(store, here.folder)
    with pytest.raises(RadarError, match="without its lease"):
        mirror.drop("events")
