"""A table on disk outlives its contract's growth: columns that joined later are empty in what was written before."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from data.contracts import contract
from data.store import TableStore


def test_a_column_that_joined_the_contract_is_empty_in_older_rows(tmp_path: Path) -> None:
    table = contract("hubs")
    old = pl.DataFrame({"hub_id": ["A"], "name": ["Alpha"]})
    old.write_delta(str(tmp_path / "hubs"))
    store = TableStore(table, tmp_path / "hubs")
    assert store.read().rows(named=True) == table.arrange(old).rows(named=True)
    store.append(table.arrange(pl.DataFrame({"hub_id": ["B"], "name": ["Beta"], "sort_capacity": [5]})))
    assert store.read()["sort_capacity"].to_list() == [None, 5]
    assert store.read(version=0)["hub_id"].to_list() == ["A"]
