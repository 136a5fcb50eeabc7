"""Printed tables: numbers of a column, or of a row that is a measure of its own, as a reader expects them."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from cli.console import out_rows, out_text, say, tell_known
from data.errors import RadarError

Print = Callable[..., list[list[str]]]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Print:
    def cells(frame: pl.DataFrame, *, by_row: bool = False) -> list[list[str]]:
        out_rows(frame, json=False, by_row=by_row)
        lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
        return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]

    return cells


def test_counts_kept_as_decimals_are_printed_as_counts(printed: Print) -> None:
    frame = pl.DataFrame({"mean": [5.0, 1200.0, -0.0], "share": [1.0, 0.25, 0.0]})
    assert printed(frame) == [["5", "1.000"], ["1,200", "0.250"], ["0", "0.000"]]


def test_a_row_that_is_a_measure_of_its_own_has_its_own_decimals(printed: Print) -> None:
    frame = pl.DataFrame({"measure": ["short", "gap", "late"], "before": [0.0, 0.084, None], "after": [3.0, 1.0, 7.0]})
    assert printed(frame, by_row=True) == [["short", "0", "3"], ["gap", "0.084", "1.000"], ["late", "", "7"]]


def test_seeds_years_and_degrees_are_printed_as_they_are(printed: Print) -> None:
    frame = pl.DataFrame(
        {"seed": [20251111, 7], "edition": [2025, 2024], "longitude": [117.234, 99.5], "cost": [1e6, 0.5]}
    )
    assert printed(frame) == [
        ["20251111", "2025", "117.234", "1,000,000"],
        ["7", "2024", "99.500", "0.500"],
    ]


@pytest.mark.parametrize(
    ("many", "one"),
    [
        ("hubs: 1 rows read, 1 taken.", "hubs: 1 row read, 1 taken."),
        ("1 more rows; 21 rows; 1,001 rows; 0.1 hours", "1 more row; 21 rows; 1,001 rows; 0.1 hours"),
        ("1 parcels wait, 1 vehicles are away, 1 hubs overflow", "1 parcel waits, 1 vehicle is away, 1 hub overflows"),
        ("1 of 20 rows that break a rule", "1 of 20 rows that break a rule"),
        ("2025-11-1 days, A1 rows", "2025-11-1 days, A1 rows"),
    ],
)
def test_one_of_a_thing_is_told_as_one(many: str, one: str, capsys: pytest.CaptureFixture[str]) -> None:
    say(many)
    out_text(many)
    tell_known(RadarError(many, "none", "look"))
    told = capsys.readouterr()
    assert told.out == f"{one}\n"
    assert told.err.splitlines()[0] == one
    assert one.rstrip(".")[1:] in told.err.splitlines()[1]
