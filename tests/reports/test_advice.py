"""Advice to merchants: every number with its reasons, in files no spreadsheet mistakes for formulas."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from datetime import date
from pathlib import Path
from string import Formatter
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.contracts import contract
from data.reasons import StockReason
from reports.advice import ADVICE, MerchantAdvice, advise_merchant
from reports.advice_files import escape_cell, list_files, name_file, write_advice
from reports.advice_words import WORDS

MERCHANT = {"merchant_id": "M1", "name": "One", "hub_id": "GUA"}
OWN = StockReason(
    "Double 11", "2025-11-01", "2025-11-13", 1200, 180, 1380, 300, 1080, "own", 1.12, 12.0,
    "CN-BJ 60 %, CN-HE 40 %", 1.4, 2.9, "GUA", 900, 3456.0,
)  # fmt: skip
BORROWED = StockReason(
    "Double 11", "2025-11-01", "2025-11-13", 100, 60, 160, 500, 0, "category", 1.0, 45.0,
    "CN-GD 100 %", 1.0, 1.0, "GUA", 0, 0.0,
)  # fmt: skip
NO_ROOM = StockReason(
    "Double 11", "2025-11-01", "2025-11-13", 0, 0, 0, 0, 0, "own", 1.0, 12.0,
    "no region", 0.0, 0.0, "GUA", 0, 0.0, "", 77, "W-BEI, W-GUA",
)  # fmt: skip


def tables(**changes: pl.DataFrame) -> dict[str, pl.DataFrame]:
    rows = [
        ("M1", "apparel", "W-BEI", 1380, date(2025, 10, 28), OWN.write()),
        ("M1", "toys", "W-GUA", 160, date(2025, 10, 30), BORROWED.write()),
        ("M1", "sports", "W-GUA", 0, date(2025, 10, 30), NO_ROOM.write()),
        ("M2", "food", "W-BEI", 5, date(2025, 10, 28), "as the planner said"),
    ]
    names = ["merchant_id", "category", "warehouse_id", "units", "ship_by", "reason"]
    couriers = [
        (date(2025, 11, day), "M1", "C1", "GUA", hub, 10 * day, "cheapest on time")
        for day in (2, 1)
        for hub in ("BEI", "SHA")
    ]
    couriers_names = [
        "date", "merchant_id", "courier_id", "origin_hub_id", "destination_hub_id", "parcels", "reason",
    ]  # fmt: skip
    forecasts = [
        (date(2025, 11, day), hub, direction, 100 * day, 80 * day, 120 * day)
        for day in (1, 11, 30)
        for hub in ("GUA", "BEI", "SHA")
        for direction in ("out", "in")
    ]
    warehouses = {"warehouse_id": ["W-BEI", "W-GUA"], "name": ["Beijing", "Guangzhou"], "hub_id": ["BEI", "GUA"]}
    found = {
        "stock_allocations": pl.DataFrame(rows, schema=names, orient="row"),
        "courier_allocations": pl.DataFrame(couriers, schema=couriers_names, orient="row"),
        "hub_forecasts": pl.DataFrame(
            forecasts, schema=["date", "hub_id", "direction", "mean", "q10", "q90"], orient="row"
        ),
        "warehouses": pl.DataFrame(warehouses),
    }
    return found | changes


def advise(language: str = "en", merchant: dict[str, Any] | None = None, **changes: pl.DataFrame) -> MerchantAdvice:
    return advise_merchant(merchant or MERCHANT, tables(**changes), language, run_id="plan-stock-0001")


def rows_of(advice: MerchantAdvice) -> dict[str, dict[str, Any]]:
    return {row["what"]: row for row in advice.tables["advice"].iter_rows(named=True)}


def test_every_row_says_what_how_many_where_when_why_how_sure_and_what_delay_costs() -> None:
    advice = advise()
    assert tuple(advice.tables["advice"].columns) == ADVICE
    row = rows_of(advice)["send to the warehouse: apparel"]
    assert (row["how_many"], row["unit"], row["where"], row["by_when"], row["late_cost"]) == (
        1080,
        "units",
        "Beijing (W-BEI)",
        date(2025, 10, 28),
        3456.0,
    )
    for part in ("1,200", "180", "1,380", "300", "1,080", "1.12", "1.4 days", "2.9", "900 parcels off hub GUA"):
        assert part in row["why"]
    # 12 % of 1,200 and chance: 1,200 -+ 1.2816 x sqrt(144^2 + 1,200)
    assert row["confidence"] == "high: 80 % likely between 1,010 and 1,390"


def test_parts_add_up_to_the_number() -> None:
    parts = advise().tables["parts"]
    assert (parts["expected"] + parts["safety"] == parts["units"]).all()
    assert ((parts["units"] - parts["there"]).clip(0) == parts["send"]).all()
    assert ((parts["low"] <= parts["expected"]) & (parts["expected"] <= parts["high"])).all()


def test_merchant_without_history_gets_a_wider_range_and_is_told() -> None:
    row = rows_of(advise())["enough there: toys"]
    assert row["how_many"] == 160
    assert row["by_when"] is None
    assert row["confidence"].startswith("low: ")
    assert "The range is wider for it." in row["why"]


def test_shortage_is_told_with_the_full_warehouses() -> None:
    row = rows_of(advise())["no room: sports"]
    assert row["how_many"] == 0
    assert "77 more units" in row["why"]
    assert "W-BEI, W-GUA" in row["why"]


def test_stock_that_should_have_left_is_told() -> None:
    from dataclasses import replace

    late = replace(OWN, missed="2025-10-20").write()
    allocations = tables()["stock_allocations"].with_columns(reason=pl.lit(late))
    for row in rows_of(advise(stock_allocations=allocations)).values():
        if row["unit"] == "units":
            assert "should have left by 2025-10-20" in row["why"]


def test_reason_in_other_words_is_passed_on() -> None:
    advice = advise(merchant={"merchant_id": "M2", "name": "Two", "hub_id": "GUA"})
    row = rows_of(advice)["send to the warehouse: food"]
    assert (row["how_many"], row["why"], row["confidence"]) == (5, "as the planner said", None)


def test_couriers_are_added_up_over_days_and_hubs() -> None:
    row = rows_of(advise())["hand to courier C1"]
    assert (row["how_many"], row["unit"], row["by_when"]) == (60, "parcels", date(2025, 11, 1))
    assert row["why"] == "Over 2 days, to 2 hubs. cheapest on time"


def test_forecast_is_that_of_the_hubs_concerned_on_the_days_of_the_event() -> None:
    hubs = advise().tables["hubs"]
    assert hubs["hub_id"].unique().sort().to_list() == ["BEI", "GUA"]
    assert hubs["date"].unique().sort().to_list() == [date(2025, 11, 1), date(2025, 11, 11)]


def test_works_without_couriers_and_forecasts() -> None:
    empty = {name: contract(name).empty() for name in ("courier_allocations", "hub_forecasts")}
    advice = advise_merchant(MERCHANT, tables(**empty), "en", run_id="plan-stock-0001")
    assert set(advice.tables) == {"advice", "parts"}


def test_merchant_without_stock_is_told_so() -> None:
    advice = advise(merchant={"merchant_id": "M9", "name": "Nine", "hub_id": "GUA"})
    assert advice.tables["advice"].is_empty()
    assert "holds no stock of this merchant" in " ".join(advice.readme)


def test_languages_have_the_same_texts_with_the_same_placeholders() -> None:
    def placeholders(text: str) -> set[str]:
        return {field for _, field, _, _ in Formatter().parse(text) if field}

    assert WORDS["zh"].keys() == WORDS["en"].keys()
    for key, text in WORDS["zh"].items():
        assert placeholders(text) == placeholders(WORDS["en"][key]), key


def test_chinese_and_english_advice_hold_the_same_digits() -> None:
    digits = re.compile(r"\d+(?:[.,]\d+)*")
    for zh, en in zip(advise("zh").tables["advice"]["why"], advise("en").tables["advice"]["why"], strict=True):
        # the circled numbers stand for (1), (2), (3)
        numbered = zh.translate(str.maketrans({"①": "1 ", "②": "2 ", "③": "3 "}))
        assert sorted(digits.findall(numbered)) == sorted(digits.findall(en))


def test_xlsx_has_a_sheet_a_table_and_a_readme_in_both_languages(tmp_path: Path) -> None:
    path = write_advice([advise("zh"), advise("en")], "xlsx", tmp_path)
    sheets = pl.read_excel(path, sheet_id=0)
    assert list(sheets) == [
        "说明", "README", "建议", "数量构成", "快递分配", "分拨预测", "advice", "parts", "couriers", "hub forecast",
    ]  # fmt: skip
    assert sheets["advice"]["how many"].to_list() == advise().tables["advice"]["how_many"].to_list()
    assert sheets["建议"].columns[0] == "事项"
    again = write_advice([advise("zh"), advise("en")], "xlsx", tmp_path / "again")
    assert path.read_bytes() == again.read_bytes()


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", '=HYPERLINK("http://x","y")'])
def test_ids_that_look_like_formulas_stay_text(tmp_path: Path, start: str) -> None:
    hostile = tables()["stock_allocations"].with_columns(
        category=pl.lit(start), warehouse_id=pl.lit(start), reason=pl.lit(start)
    )
    merchant = {"merchant_id": start, "name": start, "hub_id": start}
    mine = hostile.with_columns(merchant_id=pl.lit(start))
    advice = advise(merchant=merchant, stock_allocations=mine)
    xlsx = write_advice([advice], "xlsx", tmp_path)
    with zipfile.ZipFile(xlsx) as book:
        for name in book.namelist():
            if name.startswith("xl/worksheets/"):
                text = book.read(name).decode()
                assert "<f>" not in text
                assert "hyperlink" not in text
    content = write_advice([advice], "csv", tmp_path).read_bytes()
    for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))):
        for cell in row:
            assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))


def test_csv_has_a_bom_and_one_table_a_language(tmp_path: Path) -> None:
    content = write_advice([advise("zh"), advise("en")], "csv", tmp_path).read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows[0][0] == "事项"
    blank = rows.index([])
    assert rows[blank + 1][0] == "what"
    assert len(rows) == 2 * (len(advise().tables["advice"]) + 1) + 1


def test_json_holds_parts_and_texts(tmp_path: Path) -> None:
    record = json.loads(write_advice([advise("zh"), advise("en")], "json", tmp_path).read_text(encoding="utf-8"))
    assert record["merchant_id"] == "M1"
    assert set(record["advice"]) == {"zh", "en"}
    assert record["parts"][0]["by_when"] == "2025-10-28"
    assert len(record["couriers"]) == 4


@pytest.mark.parametrize("merchant", ["M1", "../up", "a/b", "杭州", "=1+1", "x" * 300, "a b", "A:B"])
def test_file_name_stays_in_its_folder(tmp_path: Path, merchant: str) -> None:
    path = tmp_path / name_file(merchant, "csv")
    assert path.parent == tmp_path
    assert len(path.name.encode()) < 255
    path.touch()


@given(st.lists(st.text(min_size=1, max_size=120), min_size=2, max_size=5, unique=True))
def test_merchants_never_share_a_file(merchants: list[str]) -> None:
    assert len({name_file(merchant, "csv") for merchant in merchants}) == len(merchants)


@given(st.one_of(st.text(), st.integers(), st.none()))
def test_escaping_touches_only_what_looks_like_a_formula(value: object) -> None:
    escaped = escape_cell(value)
    assert escaped == value or escaped == f"'{value}"
    if isinstance(escaped, str):
        assert not escaped.lstrip(" ").startswith(("=", "+", "-", "@"))


def test_list_of_files_counts_units_to_send(tmp_path: Path) -> None:
    row = list_files([tmp_path / "a"], [advise()]).row(0, named=True)
    assert (row["merchant_id"], row["units_to_send"]) == ("M1", 1080)
