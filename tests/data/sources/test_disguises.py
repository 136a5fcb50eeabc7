"""Files under the name of a workbook that are something else: read for what they are, or refused by it."""

from __future__ import annotations

from pathlib import Path

import pytest
import xlsxwriter

from data.errors import RadarError
from data.sources.opening import open_file

TEXT = "日期\t始发\t货量\n2025-11-01\tA\t5\n2025-11-02\tB\t6\n"


def _book(path: Path) -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["a", "b"])
        sheet.write_row(1, 0, ["1", "2"])
    return path


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("name", ["报表.xls", "报表.xlsx"])
def test_text_under_the_name_of_a_workbook_is_read_as_text(tmp_path: Path, name: str, code: str) -> None:
    path = tmp_path / name
    path.write_bytes(TEXT.encode(code))
    source = open_file(path)
    assert source.columns == ("日期", "始发", "货量")
    assert [row for batch in source.read() for row in batch.frame.rows()] == [
        ("2025-11-01", "A", "5"),
        ("2025-11-02", "B", "6"),
    ]
    assert source.notes[-1] == f"{path}: read as text in columns, which it is in spite of its name"


def test_a_new_workbook_under_the_old_ending_is_read(tmp_path: Path) -> None:
    source = open_file(_book(tmp_path / "new.xlsx").rename(tmp_path / "old.xls"))
    assert source.columns == ("a", "b")
    assert [row for batch in source.read() for row in batch.frame.rows()] == [("1", "2")]


@pytest.mark.parametrize(
    "text", ["<html><table><tr><td>1</td></tr></table></html>", "\ufeff\n <?xml version='1.0'?><Workbook/>"]
)
def test_a_web_page_is_told_as_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "报表.xls"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RadarError, match="a web page under the name of a workbook"):
        open_file(path)


@pytest.mark.parametrize("ahead", [100, 3_000_000])
@pytest.mark.parametrize("name", ["locked.xls", "locked.xlsx"])
def test_a_locked_workbook_is_told_as_one(tmp_path: Path, name: str, ahead: int) -> None:
    path = tmp_path / name
    path.write_bytes(
        bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * ahead + "EncryptedPackage".encode("utf-16-le") + b"\0" * 99
    )
    with pytest.raises(RadarError, match="a workbook locked by a password"):
        open_file(path)


def test_an_archive_is_to_be_unpacked(tmp_path: Path) -> None:
    path = _book(tmp_path / "a.xlsx").rename(tmp_path / "a.zip")
    with pytest.raises(RadarError, match=r"a zip archive, .*unpack it, and load the files in it"):
        open_file(path)
