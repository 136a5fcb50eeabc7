"""Ids that look alike and hubs that are sums of others."""

from __future__ import annotations

from datetime import date

import polars as pl

from data.checks.ids import find_alike_ids, find_sum_hubs
from data.contracts import contract


def _volumes(total: str, days: int, *, off: int = 0) -> pl.DataFrame:
    rows = [
        (date(2025, 11, day), "x", hub, "Z", parcels)
        for day in range(1, days + 1)
        for hub, parcels in (("A", 10), ("B", 20 + day), (total, 30 + day + (off if day == 1 else 0)))
    ]
    return pl.DataFrame(rows, schema=contract("route_volumes").polars_schema, orient="row")


def test_a_hub_that_carries_the_sum_of_the_others_is_named() -> None:
    found = find_sum_hubs(_volumes("T", 3))
    assert found.select("kind", "subject", "parcels").rows() == [("sum of the others", "origin_hub_id T", 96)]
    assert not find_sum_hubs(_volumes("T", 3, off=1)).height
    assert not find_sum_hubs(_volumes("T", 2)).height


def test_ids_that_look_alike_are_named() -> None:
    hubs = pl.DataFrame({"hub_id": ["SH1", "sh1", "ＳＨ１", "B"], "name": ["a", "b", "c", "d"]})
    lanes = contract("lanes").empty()
    found = find_alike_ids({"hubs": contract("hubs").arrange(hubs), "lanes": lanes})
    assert found["detail"].to_list() == ["'SH1' and 'sh1' and 'ＳＨ１' look like one id"]
