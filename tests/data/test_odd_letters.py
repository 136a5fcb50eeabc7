"""Letters that make another value of a number, a date or an id when they are folded or not seen."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from data.contracts import contract
from data.ingest.cell_units import read_own_units
from data.ingest.dates import parse_days, parse_months
from data.ingest.files import preview_files
from data.ingest.ids import LETTERS_LOST, find_damaged, fold_id
from data.ingest.loading import Loaded
from data.ingest.numbers import parse_fractions, parse_wholes
from data.ingest.profiles import Profile
from data.ingest.values import Style, read_values
from data.workspace import Workspace
from tests.data.test_ingest_values import SHANGHAI

RAISED = ["500¹", "²5", "500①", "5₂", "½", "1½", "⑤", "500❶", "㈤", "1㉑"]


@pytest.mark.parametrize("text", RAISED)
def test_a_mark_of_a_foot_note_is_no_digit(text: str) -> None:
    cells = pl.Series([text, "7", "１７"])
    values, rules = parse_wholes(cells, decimal_comma=False)
    assert (values.to_list(), rules.is_null().to_list()) == ([None, 7, 17], [False, True, True])
    fractions, _ = parse_fractions(cells, decimal_comma=True)
    assert fractions.to_list() == [None, 7.0, 17.0]


def test_a_mark_of_a_foot_note_beside_a_unit_is_no_digit_either() -> None:
    cells = pl.Series(["500①件", "5²万件", "500件", "5万件"])
    values, _, said = read_own_units(cells, contract("route_volumes").column("parcels"), decimal_comma=False)
    assert values.filter(said).to_list() == [500, 50_000]


@pytest.mark.parametrize(
    ("text", "day"), [("2025-11-1①", None), ("2025-11-1²", None), ("2025-11-1", 1), ("２０２５-11-1２", 12)]
)
def test_a_mark_of_a_foot_note_is_no_day(text: str, day: int | None) -> None:
    days, _ = parse_days(pl.Series([text, "2025-10-02"]), None, SHANGHAI)
    assert days.to_list() == [day and date(2025, 11, day), date(2025, 10, 2)]
    months, _ = parse_months(pl.Series(["2025-1①", "2025-1²", "2025-1"]), None, SHANGHAI)
    assert months.to_list() == [None, None, date(2025, 1, 1)]


@pytest.mark.parametrize("mark", ["\u200e", "\u200f", "\u202a", "\u202c", "\u2066", "\u2069", "\u061c"])
def test_marks_of_the_direction_of_writing_are_not_seen(mark: str) -> None:
    hub, parcels, day = (contract("route_volumes").column(name) for name in ("origin_hub_id", "parcels", "date"))

    def read(column: object, *cells: str) -> list[object]:
        return read_values(pl.Series(cells), column, Style(), SHANGHAI)[0].to_list()  # type: ignore[arg-type]

    assert read(hub, f"{mark}HS", f"SH{mark}") == ["HS", "SH"]
    assert read(parcels, f"{mark}5", f"1,234{mark}") == [5, 1234]
    assert read(day, f"{mark}2025-11-01", f"2025{mark}/11/{mark}2") == [date(2025, 11, 1), date(2025, 11, 2)]
    assert fold_id(f"S{mark}H") == "sh"


@pytest.mark.parametrize("text", ["2025–11–01", "2025‑11‑01", "2025−11−01", "Nov 1 2025", "November 1 2025"])
def test_dates_with_other_dashes_and_without_a_comma(text: str) -> None:
    days, rules = parse_days(pl.Series([text, "2025-11-02"]), None, SHANGHAI)
    assert (days.to_list(), rules.null_count()) == ([date(2025, 11, 1), date(2025, 11, 2)], 2)


@pytest.mark.parametrize("lost", ["济南\ufffd", "\ufffd", "籓\ue665", "臺北".encode("big5").decode("gb18030")])
def test_ids_whose_letters_were_lost_are_no_ids(lost: str) -> None:
    assert find_damaged(pl.Series([lost, "济南", "臺北", None])).to_list() == [LETTERS_LOST, None, None, None]


def _load(folder: Path, text: str) -> Loaded:
    path = folder / "v.csv"
    path.write_text(text, encoding="utf-8")
    how = Profile("route_volumes", (str(path),), constants={"courier_id": "x"}, add_missing=("hubs", "couriers"))
    return preview_files(Workspace.create(folder / "plan"), how)


def test_words_for_nothing_are_told_where_an_id_is_made_of_them(tmp_path: Path) -> None:
    notes = _load(tmp_path, "日期,始发,目的,货量\n2025-11-01,NULL,BJ,5\n2025-11-01,SH,-,6\n2025-11-02,SH,BJ,7\n").notes
    assert [note for note in notes if "leave the cell empty" in note] == [
        "hubs: '-', 'NULL' taken as an id: if it says that there is none, leave the cell empty"
    ]


def test_columns_without_a_name_are_told_where_they_hold_values(tmp_path: Path) -> None:
    loaded = _load(tmp_path, "始发,目的,2025-11-01,,2025-11-02,,\nSH,BJ,1,9,2,9,\nBJ,SH,3,,4,,\n")
    assert loaded.ingestion.rows["parcels"].sum() == 10
    assert any(note.endswith("no use for columns without a name that hold values (2)") for note in loaded.notes)


def test_an_id_with_a_quotation_mark_left_over_is_told(tmp_path: Path) -> None:
    text = '日期,始发,目的,货量\n2025-11-01,"S"H",\'110,5\n2025-11-01,"G"Z",BJ,6\n2025-11-02,X,BJ,7\n'
    assert _load(tmp_path, text).notes[-1:] == (
        """hubs: "'110", 'GZ"', 'SH"' taken as an id with a quotation mark in it: check how the file quotes that cell""",
    )


def test_numbers_written_as_fractions_and_marks_around_an_id_make_no_second_id(tmp_path: Path) -> None:
    rows = '2025-11-01,123,BJ,5\n2025-11-01,123.0,GZ,6\n2025-11-02,7,\'0007,7\n2025-11-02,1.5,"B"J",1\n'
    loaded = _load(tmp_path, "日期,始发,目的,货量\n" + rows + '2025-11-03,GZ,BJ",1\n')
    ids = set(loaded.ingestion.rows["origin_hub_id"]) | set(loaded.ingestion.rows["destination_hub_id"])
    assert ids == {"123", "7", "1.5", "BJ", "GZ"}
    assert loaded.notes[-1].startswith("hubs: ")
    assert loaded.notes[-1].count(" taken as ") == 3
