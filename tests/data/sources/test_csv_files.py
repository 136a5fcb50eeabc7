"""CSV files: separators, encodings, gzip, quotes, lines, and what is no CSV file."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import RadarError
from data.sources import Batch, Source, open_file
from data.sources.csv_files import open_csv

PLAIN = "日期,场地1,货量\n2022-06-07,DC1,12\n2022-06-08,杭州,13\n"


def _write(folder: Path, content: bytes, name: str = "volumes.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _whole(source: Source) -> Batch:
    batches = list(source.read())
    frame = pl.concat([batch.frame for batch in batches])
    lines = pl.concat([batch.lines for batch in batches])
    return Batch(frame, lines, pl.concat([batch.broken for batch in batches]), batches[-1].done)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("packed", [False, True])
def test_encodings_are_found_by_themselves(tmp_path: Path, encoding: str, packed: bool) -> None:
    content = PLAIN.encode(encoding)
    path = _write(
        tmp_path, gzip.compress(content) if packed else content, "volumes.csv.gz" if packed else "volumes.csv"
    )
    source = open_file(path)
    assert source.columns == ("日期", "场地1", "货量")
    assert _whole(source).frame.rows() == [("2022-06-07", "DC1", "12"), ("2022-06-08", "杭州", "13")]


def test_traditional_script_in_gb18030_is_chinese(tmp_path: Path) -> None:
    names = "臺北轉運中心,廣州分撥,廈門營業點,龍巖倉庫,濟寧"
    text = "id,name\n" + "".join(f"{number},{name}\n" for number, name in enumerate(names.split(",")))
    batch = _whole(open_file(_write(tmp_path, text.encode("gb18030"))))
    assert batch.frame.to_series(1).to_list() == names.split(",")


def test_an_encoding_is_decided_late_where_the_first_megabytes_are_ascii(tmp_path: Path) -> None:
    head = "id,name\n" + "".join(f"{row},plain\n" for row in range(300_000))
    path = _write(tmp_path, (head + "x,杭州分拨\n").encode("gb18030"))
    assert _whole(open_file(path)).frame.row(-1) == ("x", "杭州分拨")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty file"),
        (b"\n\n", "empty file"),
        (b"\xef\xbb\xbf", "empty file"),
        (b",,\n1,2,3\n", "header without names"),
        (bytes(range(256)) * 10, "bytes that are no text"),
        (b"PK\x03\x04rest", "an Excel or zip file"),
        (b"PAR1rest", "a Parquet file"),
        (b"\x7fELF\x02\x01\x01\x00", "bytes that are no text"),
        ("date,name\n2022-01-01,São Paulo\n2022-01-01,Brasília\n".encode("latin-1"), "neither UTF-8 nor GB18030"),
        ("date,name\n2022-01-01,Conceição\n2022-01-01,Ribeirão\n".encode("latin-1"), "neither UTF-8 nor GB18030"),
        ("date,name\n2022-01-01,Zürich\n2022-01-01,Köln\n".encode("cp1252"), "neither UTF-8 nor GB18030"),
        ("date,name\n2022-01-01,杭州\n".encode() + b"2022-01-01,\xb0\xa1\n", "neither UTF-8 nor GB18030"),
        (gzip.compress(PLAIN.encode() * 1000, mtime=0)[:-40], "broken gzip"),
        (gzip.compress(PLAIN.encode(), mtime=0)[:-6] + b"broken", "broken gzip"),
        (b"\x1f\x8bno gzip at all", "broken gzip"),
    ],
)
def test_what_is_no_csv_file_is_told_in_one_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    path = _write(tmp_path, content)
    with pytest.raises(RadarError) as raised:
        _whole(open_csv(path, "volumes.csv"))
    assert says in str(raised.value)
    assert str(raised.value).startswith("volumes.csv")
    assert raised.value.action


def test_the_row_of_a_wrong_byte_is_told(tmp_path: Path) -> None:
    path = _write(tmp_path, "date,name\n2022-01-01,x\n2022-01-01,São Paulo\n".encode("latin-1"))
    with pytest.raises(RadarError) as raised:
        _whole(open_csv(path, "v.csv"))
    assert raised.value.row == 3


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators_are_found_by_themselves(tmp_path: Path, separator: str) -> None:
    lines = [["date", "hub, name; of it", "parcels"], ["2022-01-01", "a|b", "1"]]
    text = "\n".join(separator.join(f'"{cell}"' for cell in line) for line in lines)
    source = open_file(_write(tmp_path, text.encode()))
    assert source.columns == ("date", "hub, name; of it", "parcels")
    assert _whole(source).frame.rows() == [("2022-01-01", "a|b", "1")]
    assert source.decimal_comma == (separator == ";")


def test_lines_are_those_a_person_sees(tmp_path: Path) -> None:
    text = (
        "\n"  # line 1 is blank, the header stands on line 2
        "id,name\r\n"
        "a,one\r\n"
        "\r\n"
        'b,"two\nlines"\n'
        "c,three,too many\n"
        '"d\n\nd","four"\n'
        "e\n"
        "f,six"
    )
    batch = _whole(open_file(_write(tmp_path, text.encode())))
    assert dict(zip(batch.frame.to_series(0), batch.lines, strict=True)) == {"a": 3, "b": 5, "d\n\nd": 8, "f": 12}
    assert batch.broken.select("row", "rule").rows() == [
        (7, "has 3 cells where the header has 2"),
        (11, "has 1 cell where the header has 2"),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_known(tmp_path: Path, end: str) -> None:
    batch = _whole(open_file(_write(tmp_path, end.join(["", "id,name", "1,a", "2,b", "3", ""]).encode())))
    assert batch.frame.rows() == [("1", "a"), ("2", "b")]
    assert batch.lines.to_list() == [3, 4]
    assert batch.broken["row"].to_list() == [5]


def test_a_single_quotation_mark_in_the_header_is_a_character(tmp_path: Path) -> None:
    source = open_file(_write(tmp_path, b'disc 5",name\n1,a\n'))
    assert source.columns == ('disc 5"', "name")
    assert _whole(source).frame.rows() == [("1", "a")]


def test_lines_stay_right_over_many_blocks(tmp_path: Path) -> None:
    rows = 700_000

    def cut(row: int) -> str:
        return (
            "" if row % 1000 == 7 else f"{row + 2}\n" if row % 1000 == 77 else f"{row + 2},some name of a place {row}\n"
        )

    odd = [row + 2 for row in range(rows) if row % 1000 == 77]
    text = "id,name\n" + "".join(cut(row) or "\n" for row in range(rows))
    batches = list(open_file(_write(tmp_path, text.encode())).read())
    assert len([batch for batch in batches if batch.frame.height]) > 1
    for batch in batches:
        assert (batch.frame.to_series(0).cast(pl.Int64) == batch.lines).all()
    assert pl.concat([batch.broken for batch in batches])["row"].to_list() == odd
    assert sum(batch.frame.height for batch in batches) == rows - 2 * len(odd)


@pytest.mark.parametrize("rows", [1, 1_200_000])
@pytest.mark.parametrize("opening", [b'1,"open', b'"1,open'])
def test_a_quotation_mark_never_closed_is_told(tmp_path: Path, rows: int, opening: bytes) -> None:
    content = b"id,name\n7,good\n" + opening + b"\n" + b"2,rather long filling of a line\n" * rows
    with pytest.raises(RadarError, match="never closed"):
        _whole(open_file(_write(tmp_path, content)))


def test_a_single_quotation_mark_inside_a_cell_is_a_character(tmp_path: Path) -> None:
    batch = _whole(open_file(_write(tmp_path, b'id,name\n1,5" disc\n2,"x\ny"\n3,z\n')))
    assert batch.frame.rows() == [("1", '5" disc'), ("2", "x\ny"), ("3", "z")]


@given(
    st.lists(
        st.tuples(
            *[st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=6)] * 2
        ),
        min_size=1,
        max_size=8,
    )
)
def test_any_text_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    quoted = "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows)
    path = tmp_path_factory.mktemp("any") / "any.csv"
    path.write_bytes(("id,name\n" + quoted).encode())
    kept = [row for row in rows if any(cell.strip() for cell in row)]
    assert _whole(_open_any(path)).frame.rows() == kept


def _open_any(path: Path) -> Source:
    return open_csv(path, path.name)
