"""Tables too wide for a screen: blocks of whole columns, no id and no number broken."""

from __future__ import annotations

import pytest

from cli.column_blocks import least_width, split_columns

HEADS = ["run_id", "command", "forecast_run", "parcels", "message"]
ROWS = [
    ["plan-trunk-0010", "plan trunk", "weather-apply-0009", "1,234,567", "11,005,202 parcels carried"],
    ["plan-trunk-0011", "plan trunk", "weather-apply-0009", "7", ""],
]


@pytest.mark.parametrize("width", [34, 40, 60, 80, 100, 160])
def test_every_column_stands_in_a_block_wide_enough_for_its_ids_and_numbers(width: int) -> None:
    blocks = split_columns(HEADS, ROWS, width)
    assert sorted({n for block in blocks for n in block.columns}) == list(range(len(HEADS)))
    for block in blocks:
        assert block.columns[0] == 0  # the id stands in each
        assert sum(block.widths) + 3 * len(block.columns) + 1 <= max(width, 15 + 18 + 7)
        for n, wide in zip(block.columns, block.widths, strict=True):
            assert all(len(piece) <= wide for row in ROWS for piece in row[n].split())


def test_what_fits_stays_one_table_with_its_full_widths() -> None:
    (block,) = split_columns(HEADS, ROWS, 160)
    assert block.widths == (15, 10, 18, 9, 26)
    assert len(split_columns(["only"], [["x" * 90]], 40)) == 1


def test_columns_that_tell_rows_apart_together_stand_in_each_block() -> None:
    rows = [["2025-11-01", "A", *["1,234,567"] * 5], ["2025-11-01", "B", *["1,234,567"] * 5]]
    blocks = split_columns(["date", "hub_id", *"abcde"], rows, 50)
    assert len(blocks) > 1
    assert all(block.columns[:2] == (0, 1) for block in blocks)


def test_chinese_is_broken_anywhere_but_not_into_slivers() -> None:
    assert least_width("说明", ["十一月八日至十四日共运送一千一百万件"]) == 8
    assert least_width("as_of", ["2025-10-31"]) == 10
    assert least_width("path", ["A-B|" * 40]) == 26
