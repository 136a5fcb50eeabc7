"""A table on disk: it outlives its contract's growth, lies in a folder of any name, and tells what is wrong with it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import polars as pl
import pytest

from data.contracts import contract
from data.errors import RadarError
from data.store import TableStore

ODD_NAMES = (
    "a b",
    "a%20b",
    "计划 2026",
    "é",
    "e\u0301",
    "a#b",
    "a?b",
    "a[1]",
    "100%",
    "a*{b}",
    "a|b^c`d",
    "~a",
    "a@b:c",
    "a\\b",
)


def hubs(*names: str) -> pl.DataFrame:
    return contract("hubs").arrange(pl.DataFrame({"hub_id": list(names), "name": list(names)}))


def loads(run_id: str, handled: int) -> pl.DataFrame:
    row = {"run_id": run_id, "date": "2025-11-11", "hub_id": "A", "handled": handled, "held": 0}
    frame = pl.DataFrame([row | {"capacity": 10, "utilisation": 0.5}]).with_columns(pl.col("date").str.to_date())
    return contract("hub_loads").arrange(frame)


def test_a_column_that_joined_the_contract_is_empty_in_older_rows(tmp_path: Path) -> None:
    table = contract("hubs")
    old = pl.DataFrame({"hub_id": ["A"], "name": ["Alpha"]})
    folder = _written_by_the_library(old, tmp_path / "hubs")
    store = TableStore(table, folder)
    assert store.read().rows(named=True) == table.arrange(old).rows(named=True)
    store.append(table.arrange(pl.DataFrame({"hub_id": ["B"], "name": ["Beta"], "sort_capacity": [5]})))
    assert store.read()["sort_capacity"].to_list() == [None, 5]
    assert store.read(version=0)["hub_id"].to_list() == ["A"]


def test_results_written_by_the_library_are_read_and_added_to(tmp_path: Path) -> None:
    written = loads("plan-trunk-0001", 1)
    store = TableStore(contract("hub_loads"), _written_by_the_library(written, tmp_path / "hub_loads", "run_id"))
    store.append(loads("plan-trunk-0002", 2))
    assert store.read()["handled"].to_list() == [1, 2]
    assert store.read(run_id="plan-trunk-0001")["handled"].to_list() == [1]
    assert store.read(run_id="plan-trunk-0002")["handled"].to_list() == [2]


def test_tables_lie_in_folders_of_any_name(tmp_path: Path) -> None:
    """All in one process, so that no two of them are taken for each other."""
    stores = {name: TableStore(contract("hubs"), tmp_path / name / "hubs") for name in ODD_NAMES}
    for name, store in stores.items():
        store.append(hubs(name, f"{name} first"))
        store.append(hubs(f"{name} second"))
    for name, store in stores.items():
        store.upsert(hubs(name))
        store.replace(hubs(f"{name} third"))
        assert store.read(1)["hub_id"].to_list() == sorted([name, f"{name} first", f"{name} second"]), name
        assert store.read()["hub_id"].to_list() == [f"{name} third"], name
        store.restore(0)
        assert store.read()["hub_id"].to_list() == sorted([name, f"{name} first"]), name
        assert store.version() == 4, name


def test_a_table_may_become_empty_and_hold_rows_again(tmp_path: Path) -> None:
    store = TableStore(contract("hubs"), tmp_path / "hubs")
    store.append(hubs())
    assert (store.version(), store.read().height) == (0, 0)
    store.append(hubs("A"))
    store.replace(hubs())
    assert (store.version(), store.read().height) == (2, 0)
    store.append(hubs("B"))
    assert store.read()["hub_id"].to_list() == ["B"]


def test_a_version_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    store = TableStore(contract("hubs"), tmp_path / "hubs")
    with pytest.raises(RadarError, match="table hubs has no version 0"):
        store.read(0)
    store.append(hubs("A"))
    with pytest.raises(RadarError, match="table hubs has no version 1, expected one of the versions 0;"):
        store.read(1)


def _written_by_the_library(frame: pl.DataFrame, folder: Path, partition: str | None = None) -> Path:
    """Write a table as earlier versions did, which only worked in a plain folder, and move it to where it is wanted."""
    with tempfile.TemporaryDirectory(dir="/tmp") as plain:
        options = {} if partition is None else {"partition_by": [partition]}
        frame.write_delta(f"{plain}/table", delta_write_options=options)
        shutil.move(f"{plain}/table", folder)
    return folder
