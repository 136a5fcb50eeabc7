"""Readers see whole runs only, the latest run has the highest number, and a withdrawn run no longer counts as the latest."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from data.errors import RadarError
from data.runs import withdraw
from data.store import TableStore
from data.workspace import Workspace


def price(workspace: Workspace, amount: float, clock: datetime | None = None) -> str:
    with workspace.run("plan trunk") as run:
        run.started_at = clock or run.started_at
        run.append("hub_prices", pl.DataFrame({"date": [date(2025, 11, 1)], "hub_id": ["A"], "price": [amount]}))
    return run.run_id


def test_the_latest_is_the_highest_number_whatever_the_clock_says(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "peak")
    price(workspace, 1.0, datetime(2099, 1, 1, tzinfo=UTC))
    price(workspace, 2.0, datetime(2001, 1, 1, tzinfo=UTC))
    assert workspace.results("hub_prices")["price"].to_list() == [2.0]
    assert workspace.writers("hub_prices") == ["plan-trunk-0001", "plan-trunk-0002"]


def test_a_withdrawn_run_can_be_named_and_put_back(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "peak")
    _, second = price(workspace, 1.0), price(workspace, 2.0)
    with workspace.run("withdraw") as run:
        withdraw(run, second)
    assert workspace.results("hub_prices")["price"].to_list() == [1.0]
    assert workspace.results("hub_prices", second)["price"].to_list() == [2.0]
    with pytest.raises(RadarError, match="is withdrawn already"), workspace.run("withdraw") as run:
        withdraw(run, second)
    with workspace.run("withdraw") as run:
        withdraw(run, second, undo=True)
    assert workspace.results("hub_prices")["price"].to_list() == [2.0]
    with pytest.raises(RadarError, match="did you mean plan-trunk-0001"), workspace.run("withdraw") as run:
        withdraw(run, "plan-trunk-001")


def test_a_run_whose_rows_count_anyway_is_not_withdrawn(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "peak")
    with workspace.run("load hubs") as loaded:
        loaded.replace("hubs", pl.DataFrame({"hub_id": ["A"], "name": ["a"]}))
    with workspace.run("check") as checked:
        pass
    with workspace.run("load waybills") as both:  # reference rows beside a result
        both.upsert("hubs", pl.DataFrame({"hub_id": ["B"], "name": ["b"]}))
        both.append("hub_prices", pl.DataFrame({"date": [date(2025, 11, 1)], "hub_id": ["A"], "price": [1.0]}))
    words = r"load-hubs-0001 wrote rows of hubs, and they stay .*; take it back with `radar undo` .*`radar remove hubs"
    for run_id, told in ((loaded.run_id, words), (checked.run_id, "wrote no results that could be withdrawn")):
        with pytest.raises(RadarError, match=told), workspace.run("withdraw") as run:
            withdraw(run, run_id)
    with workspace.run("withdraw") as run:
        withdraw(run, both.run_id)
    withdrawn = workspace.runs().filter(pl.col("withdrawn_at").is_not_null())["run_id"].to_list()
    assert withdrawn == [both.run_id]
    assert workspace.results("hub_prices").is_empty()


def test_a_reader_sees_nothing_of_a_run_between_its_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace.create(tmp_path / "peak")
    tables = {"hubs": "hub_id", "couriers": "courier_id", "regions": "region_id"}
    with workspace.run("load") as run:
        for table in ("hubs", "couriers"):  # the third does not exist before the second run
            run.replace(table, pl.DataFrame({tables[table]: ["A"], "name": ["old"]}))
    seen: list[list[list[str]]] = []
    write = TableStore.replace

    def written_and_read(store: TableStore, frame: pl.DataFrame) -> None:
        write(store, frame)
        if store.contract.name in tables:
            reader = Workspace.open(workspace.folder)
            seen.append([reader.read(table)["name"].to_list() for table in tables])

    monkeypatch.setattr(TableStore, "replace", written_and_read)
    with workspace.run("load") as run:
        for table, key in tables.items():
            run.replace(table, pl.DataFrame({key: ["A"], "name": ["new"]}))
    assert seen == [[["old"], ["old"], []]] * 3
    assert [workspace.read(table)["name"].to_list() for table in tables] == [["new"]] * 3
