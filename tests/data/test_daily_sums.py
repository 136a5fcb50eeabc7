from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import daily_sums
from data.daily_sums import sum_parcels

ROWS = st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from("XYZ"), st.integers(0, 10**9)), max_size=30)


@given(rows=ROWS, block=st.integers(1, 7))
def test_blocks_add_up_to_the_whole(rows: list[tuple[str, str, int]], block: int) -> None:
    schema = {"origin_hub_id": pl.String, "destination_hub_id": pl.String, "parcels": pl.Int64}
    volumes = pl.DataFrame(rows, schema=schema, orient="row")
    keys = ["origin_hub_id", "destination_hub_id"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(daily_sums, "ROWS_AT_A_TIME", block)
        summed = sum_parcels(volumes, keys)
    expected: dict[tuple[str, str], int] = {}
    for origin, destination, parcels in rows:
        expected[origin, destination] = expected.get((origin, destination), 0) + parcels
    assert {(a, b): n for a, b, n in summed.iter_rows()} == expected
    assert summed.height == len(expected)
