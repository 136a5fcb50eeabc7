"""Advice to merchants: every number with its reasons, in files no spreadsheet mistakes for formulas."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.contracts import contract
from data.reasons import StockReason
from reports.advice import FACTORS, MerchantAdvice, advise_merchant
from reports.advice_files import escape_cell, list_files, name_file, write_advice
from reports.formats import Language
from reports.surplus import find_moves

AS_OF = date(2025, 10, 20)
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
    warehouses = {"warehouse_id": ["W-BEI", "W-GUA"], "name": ["Beijing", "Guangzhou"], "hub_id": ["BEI", "GUA"]}
    found = {
        "stock_allocations": pl.DataFrame(rows, schema=names, orient="row"),
        "courier_allocations": pl.DataFrame(couriers, schema=couriers_names, orient="row"),
        "warehouses": pl.DataFrame(warehouses),
    }
    return found | changes


def advise(
    language: Language = "en", merchant: dict[str, Any] | None = None, **changes: pl.DataFrame
) -> MerchantAdvice:
    return advise_merchant(merchant or MERCHANT, tables(**changes), language, run_id="plan-stock-0001", as_of=AS_OF)


def rows_of(advice: MerchantAdvice) -> dict[str, dict[str, Any]]:
    return {row["what"]: row for row in advice.tables["advice"].iter_rows(named=True)}


def test_every_row_says_what_how_many_where_when_why_how_sure_and_what_delay_costs() -> None:
    advice = advise()
    asked = ["what", "how_many", "unit", "where", "by_when", "why", "confidence", "late_cost"]
    assert advice.tables["advice"].columns == asked
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
    # 12 % of 1,200 and chance: 1,200 -+ 1.2816 x sqrt(144^2 + 1,200), 180 for safety, less the 300 that stand there
    assert row["confidence"] == "high: 80 % likely between 890 and 1,270"


def test_parts_add_up_to_the_number() -> None:
    parts = advise().tables["parts"]
    assert (parts["expected"] + parts["safety"] == parts["units"]).all()
    assert ((parts["units"] - parts["there"]).clip(0) == parts["send"]).all()
    # The range is that of the quantity recommended: what is sent, or what stands there where nothing is.
    recommended = parts.select(pl.when(pl.col("send") > 0).then("send").otherwise("units")).to_series()
    assert ((parts["low"] <= recommended) & (recommended <= parts["high"])).all()
    assert (parts.filter(pl.col("units") > 0)["low"] < parts.filter(pl.col("units") > 0)["high"]).all()


def test_what_does_not_pay_ahead_is_no_safety_and_factors_multiply_to_what_is_expected() -> None:
    less = replace(OWN, basis="forecast", base=1000.0, growth=1.1234, venue=1.0258, price=1.0722, lift=1.3683)
    less = replace(less, expected=1691, safety=-91, units=1600, there=0, send=1600)
    allocations = tables()["stock_allocations"].with_columns(reason=pl.lit(less.write()))
    english = rows_of(advise(stock_allocations=allocations))["send to the warehouse: apparel"]["why"]
    factors = re.search(
        r"sell 1,000.00 x growth ([\d.]+) x venue ([\d.]+) x price ([\d.]+) x event ([\d.]+) x", english
    )
    assert factors is not None, english
    assert 1000 * math.prod(map(float, factors.groups())) == pytest.approx(1691, abs=1)
    assert "= 1,691 expected, less 91 that stay with you" in english
    chinese = [row["why"] for row in rows_of(advise("zh", stock_allocations=allocations)).values()]
    assert any("预计1,691，减去不值得提前备货、留在发货地的91，共1,600" in why for why in chinese)
    assert not any("for safety" in why or "安全库存" in why for why in [english, *chinese])


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


def test_nothing_is_shown_of_other_merchants_or_of_the_network() -> None:
    """Numbers of other merchants' rows are in no table, and the network's forecast is not asked for."""
    own = tables()
    told = json.dumps([frame.to_dicts() for frame in advise().tables.values()], default=str)
    other = own["stock_allocations"].with_columns(
        pl.when(pl.col("merchant_id") == "M2").then(pl.lit(424_242)).otherwise("units").cast(pl.Int64).alias("units")
    )
    assert json.dumps([f.to_dicts() for f in advise(stock_allocations=other).tables.values()], default=str) == told
    assert set(advise().tables) == {"advice", "parts", "totals", "couriers"}
    assert "hub_forecasts" not in own


def test_the_factors_multiply_out_to_the_number() -> None:
    grown = replace(OWN, base=714.29, growth=1.4, venue=1.2)
    borrowed = replace(BORROWED, base=31.25, growth=1.0, lift=3.2)
    reasons = {"apparel": grown.write(), "toys": borrowed.write(), "sports": NO_ROOM.write()}
    given = tables()["stock_allocations"].filter(pl.col("merchant_id") == "M1")
    given = given.with_columns(reason=pl.col("category").replace_strict(reasons))
    parts = advise(stock_allocations=given).tables["parts"].sort("category")
    product = parts.select(pl.fold(1.0, lambda a, b: a * b, [pl.col(name) for name in FACTORS]).round(0)).to_series()
    assert product.to_list() == parts["expected"].to_list() == [1200, 0, 100]
    row = rows_of(advise(stock_allocations=given))["send to the warehouse: apparel"]
    assert "714.29 x growth 1.4 x venue 1.2 = 1,200 expected" in row["why"]


def test_totals_tell_units_cost_and_saving() -> None:
    given = tables()["stock_allocations"].filter(pl.col("category") != "sports")
    costs = {
        "apparel": replace(OWN, cost=1000.0, home_cost=1500.0).write(),
        "toys": replace(BORROWED, cost=100.0, home_cost=90.0).write(),
    }
    reason = pl.col("category").replace_strict(costs, default=pl.col("reason"))
    totals = dict(advise(stock_allocations=given.with_columns(reason=reason)).tables["totals"].iter_rows())
    assert totals == {
        "units to stand ready": 1540.0,
        "units to send": 1080.0,
        "parcels to hand to couriers": 60.0,
        "cost of this stock (CNY)": 1100.0,
        "cost of sending the same from where you ship today (CNY)": 1590.0,
        "saving (CNY)": 490.0,
    }


def test_nothing_is_to_leave_before_the_plan_can_be_acted_on() -> None:
    late = tables()["stock_allocations"].with_columns(
        ship_by=pl.lit(date(2025, 10, 1)), reason=pl.lit(replace(OWN, missed="2025-10-01").write())
    )
    table = advise(stock_allocations=late).tables["advice"].filter(pl.col("unit") == "units")
    assert set(table["by_when"].drop_nulls()) == {date(2025, 10, 21)}
    assert all("send it now" in why for why in table["why"])


def test_surplus_is_advised_to_move_to_where_it_is_lacking() -> None:
    """Apparel lacks 1,080 in Beijing; 700 stand in Guangzhou, where none are needed. Of toys 340 stay over."""
    stock = pl.DataFrame(
        [
            ("M1", "apparel", "W-GUA", 900, date(2025, 9, 1)),
            ("M1", "apparel", "W-GUA", 700, date(2025, 10, 19)),
            ("M1", "apparel", "W-BEI", 300, date(2025, 10, 19)),
            ("M1", "toys", "W-GUA", 500, date(2025, 10, 19)),
            ("M1", "unplanned", "W-GUA", 5, date(2025, 10, 19)),
            ("M2", "apparel", "W-GUA", 99, date(2025, 10, 19)),
        ],
        schema=["merchant_id", "category", "warehouse_id", "units", "as_of"],
        orient="row",
    )
    rows = rows_of(advise(stock=stock))
    move = rows["move surplus: apparel"]
    assert (move["how_many"], move["where"]) == (700, "Guangzhou (W-GUA) to Beijing (W-BEI)")
    assert move["by_when"] == date(2025, 10, 28)
    assert (rows["surplus: toys"]["how_many"], rows["surplus: toys"]["by_when"]) == (340, None)
    assert not any("unplanned" in what for what in rows)
    totals = dict(advise(stock=stock).tables["totals"].iter_rows())
    assert totals["units to move between warehouses"] == 700
    # what is moved is not sent as well
    assert rows["send to the warehouse: apparel"]["how_many"] == 1080 - 700
    assert "700 of what is lacking come by moving surplus" in rows["send to the warehouse: apparel"]["why"]
    assert totals["units to send"] == 1080 - 700


def test_what_is_moved_and_what_is_sent_add_up_to_what_is_lacking() -> None:
    """Of apparel all that Beijing lacks is moved there, of food a part, from two warehouses."""
    food = replace(OWN, expected=500, safety=0, units=500, there=0, send=500)
    plan = pl.DataFrame(
        [
            ("M1", "apparel", "W-BEI", 1380, date(2025, 10, 28), OWN.write()),
            ("M1", "food", "W-SHA", 500, date(2025, 10, 27), food.write()),
        ],
        schema=["merchant_id", "category", "warehouse_id", "units", "ship_by", "reason"],
        orient="row",
    )
    stock = pl.DataFrame(
        [
            ("M1", "apparel", "W-BEI", 300, date(2025, 10, 19)),
            ("M1", "apparel", "W-GUA", 2000, date(2025, 10, 19)),
            ("M1", "food", "W-BEI", 120, date(2025, 10, 19)),
            ("M1", "food", "W-GUA", 80, date(2025, 10, 19)),
        ],
        schema=["merchant_id", "category", "warehouse_id", "units", "as_of"],
        orient="row",
    )
    advice = advise(stock_allocations=plan, stock=stock)
    parts = advice.tables["parts"].select("category", "units", "there", "moved", "send")
    assert parts.rows() == [("apparel", 1380, 300, 1080, 0), ("food", 500, 0, 200, 300)]
    rows = rows_of(advice)
    assert rows["enough there after the move: apparel"]["by_when"] is None
    assert rows["send to the warehouse: food"]["how_many"] == 300
    totals = dict(advice.tables["totals"].iter_rows())
    assert (totals["units to send"], totals["units to move between warehouses"]) == (300, 1280)


def test_chinese_files_name_events_categories_and_places(tmp_path: Path) -> None:
    names: dict[str, Any] = {
        "categories": pl.DataFrame({"category": ["apparel", "toys"], "name_zh": ["服装", "玩具"]}),
        "couriers": pl.DataFrame({"courier_id": ["C1"], "name_zh": ["甲快递"]}),
        "hubs": pl.DataFrame({"hub_id": ["BEI", "SHA", "GUA"], "name_zh": ["北京分拨", "上海分拨", None]}),
        "events": pl.DataFrame({"name": ["Double 11", "618"], "name_zh": ["双11", "618大促"]}),
    }
    advice = advise("zh", **names)
    assert "（双11）" in advice.readme[1]
    write_advice([advice], "csv", tmp_path)
    parts = (tmp_path / "advice_M1_parts_zh.csv").read_text(encoding="utf-8-sig")
    couriers = (tmp_path / "advice_M1_couriers_zh.csv").read_text(encoding="utf-8-sig")
    assert "服装,Beijing (W-BEI)," in parts
    assert "玩具,Guangzhou (W-GUA)," in parts
    assert ",甲快递,GUA,北京分拨," in couriers
    assert ",甲快递,GUA,上海分拨," in couriers
    write_advice([advice], "json", tmp_path)
    kept = json.loads((tmp_path / "advice_M1.json").read_text(encoding="utf-8"))
    assert {row["category"] for row in kept["parts"]} == {"apparel", "toys", "sports"}  # ids, to be joined


def test_english_advice_names_the_regions_of_the_buyers() -> None:
    regions = pl.DataFrame({"region_id": ["CN-BJ", "CN-HE"], "name": ["Beijing", "Hebei"], "name_zh": ["北京", "河北"]})
    why = rows_of(advise(regions=regions))["send to the warehouse: apparel"]["why"]
    assert "Buyers in Beijing 60 %, Hebei 40 %" in why


places = st.dictionaries(st.sampled_from("ABCD"), st.integers(0, 50), min_size=1)


@given(places, places)
def test_no_more_is_moved_than_is_over_or_lacking(needed: dict[str, int], there: dict[str, int]) -> None:
    allocations = pl.DataFrame(
        [("c", site, units, AS_OF) for site, units in needed.items()],
        schema=["category", "warehouse_id", "units", "ship_by"],
        orient="row",
    )
    # of a category the plan does not speak of nothing is known to be over
    stock = pl.DataFrame(
        [(category, *pair) for category in "cd" for pair in there.items()],
        schema=["category", "warehouse_id", "units"],
        orient="row",
    )
    moves = find_moves(allocations, stock)
    assert {move.category for move in moves} <= ({"c"} if needed else set())
    over = {site: max(there.get(site, 0) - needed.get(site, 0), 0) for site in "ABCD"}
    lack = {site: max(needed.get(site, 0) - there.get(site, 0), 0) for site in "ABCD"}
    for site in "ABCD":
        assert sum(move.units for move in moves if move.origin == site) == over[site]
        assert sum(move.units for move in moves if move.destination == site) <= lack[site]
    moved = sum(move.units for move in moves if move.destination is not None)
    assert moved == min(sum(over.values()), sum(lack.values()))


def test_works_without_couriers_and_forecasts() -> None:
    empty = {name: contract(name).empty() for name in ("courier_allocations", "stock")}
    advice = advise_merchant(MERCHANT, tables(**empty), "en", run_id="plan-stock-0001")
    assert set(advice.tables) == {"advice", "parts", "totals"}


def test_merchant_without_stock_is_told_so() -> None:
    advice = advise(merchant={"merchant_id": "M9", "name": "Nine", "hub_id": "GUA"})
    assert advice.tables["advice"].is_empty()
    assert "holds no stock of this merchant" in " ".join(advice.readme)


def test_chinese_and_english_advice_hold_the_same_digits() -> None:
    digits = re.compile(r"\d+(?:[.,]\d+)*")
    for zh, en in zip(advise("zh").tables["advice"]["why"], advise("en").tables["advice"]["why"], strict=True):
        # the circled numbers stand for (1), (2), (3)
        numbered = zh.translate(str.maketrans({"①": "1 ", "②": "2 ", "③": "3 "}))
        assert sorted(digits.findall(numbered)) == sorted(digits.findall(en))


def test_xlsx_has_a_sheet_a_table_and_a_readme_in_both_languages(tmp_path: Path) -> None:
    [path] = write_advice([advise("zh"), advise("en")], "xlsx", tmp_path)
    sheets = pl.read_excel(path, sheet_id=0)
    assert list(sheets) == [
        "说明", "README", "建议", "数量构成", "合计", "快递分配", "advice", "parts", "totals", "couriers",
    ]  # fmt: skip
    assert sheets["advice"]["how many"].to_list() == advise().tables["advice"]["how_many"].to_list()
    assert sheets["建议"].columns[0] == "事项"
    [again] = write_advice([advise("zh"), advise("en")], "xlsx", tmp_path / "again")
    assert path.read_bytes() == again.read_bytes()


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", '=HYPERLINK("http://x","y")'])
def test_ids_that_look_like_formulas_stay_text(tmp_path: Path, start: str) -> None:
    hostile = tables()["stock_allocations"].with_columns(
        category=pl.lit(start), warehouse_id=pl.lit(start), reason=pl.lit(start)
    )
    merchant = {"merchant_id": start, "name": start, "hub_id": start}
    mine = hostile.with_columns(merchant_id=pl.lit(start))
    advice = advise(merchant=merchant, stock_allocations=mine)
    [xlsx] = write_advice([advice], "xlsx", tmp_path)
    with zipfile.ZipFile(xlsx) as book:
        for name in book.namelist():
            if name.startswith("xl/worksheets/"):
                text = book.read(name).decode()
                assert "<f>" not in text
                assert "hyperlink" not in text
    contents = [path.read_bytes() for path in write_advice([advice], "csv", tmp_path)]
    for row in (row for content in contents for row in csv.reader(io.StringIO(content.decode("utf-8-sig")))):
        for cell in row:
            assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))


def test_csv_is_one_table_a_file(tmp_path: Path) -> None:
    paths = write_advice([advise("zh"), advise("en")], "csv", tmp_path)
    names = ("advice", "parts", "totals", "couriers")
    assert [path.name for path in paths] == [f"advice_M1_{name}_{lang}.csv" for lang in ("zh", "en") for name in names]
    for path in paths:
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
        rows = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"))))
        assert len({len(row) for row in rows}) == 1
        name, lang = path.stem.split("_")[2:]
        assert len(rows) == advise(cast("Language", lang)).tables[name].height + 1
    assert paths[0].read_text(encoding="utf-8-sig").startswith("事项")


def test_json_holds_parts_and_texts(tmp_path: Path) -> None:
    record = json.loads(write_advice([advise("zh"), advise("en")], "json", tmp_path)[0].read_text(encoding="utf-8"))
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


FORMULAS = st.builds("".join, st.tuples(st.text(" ", max_size=3), st.sampled_from("=+-@x'"), st.text()))


@given(st.one_of(FORMULAS, st.text(), st.integers(), st.none()))
def test_escaping_touches_only_what_looks_like_a_formula(value: object) -> None:
    escaped = escape_cell(value)
    if isinstance(value, str) and value.lstrip(" ")[:1] in ("=", "+", "-", "@", "\t", "\r", "\n"):
        assert escaped == f"'{value}"
    else:
        assert escaped == value


def test_list_of_files_counts_units_to_send(tmp_path: Path) -> None:
    row = list_files([[tmp_path / "a", tmp_path / "b"]], [advise()]).row(0, named=True)
    assert (row["merchant_id"], row["units_to_send"], row["files"]) == ("M1", 1080, 2)


def test_weather_that_delays_a_merchants_parcels_is_told_to_it_alone(tmp_path: Path) -> None:
    names = ["merchant_id", "care_id", "date", "origin_hub_id", "destination_hub_id", "parcels", "expected_hours"]
    rows = [
        ("M1", "w1", AS_OF, "GUA", "BEI", 1, 4.0),
        ("M2", "w2", AS_OF, "GUA", "BEI", 1, 9.0),
        (None, "w3", AS_OF, "GUA", "BEI", 1, 9.0),
        ("M1", "w4", AS_OF, "GUA", "SHA", 20, 7.0),
    ]
    care = pl.DataFrame(rows, schema=names, orient="row").with_columns(
        worst_hours=pl.col("expected_hours") * 2,
        text_en=pl.format("late {}", "care_id"),
        text_zh=pl.format("延误 {}", "care_id"),
    )
    told = advise(care_list=care)
    assert told.tables["care"]["text"].to_list() == ["late w4", "late w1"]
    assert "weather delays" in told.readme[-1]
    chinese = advise("zh", care_list=care)
    assert chinese.tables["care"]["text"].to_list() == ["延误 w4", "延误 w1"]
    written = write_advice([chinese], "json", tmp_path)
    assert "延误 w4" in written[0].read_text("utf-8")
    assert "w2" not in written[0].read_text("utf-8")
    assert "care" not in advise(care_list=care.filter(pl.col("merchant_id") == "M2")).tables


def test_the_days_on_which_stock_ahead_relieves_the_merchants_hub_are_told_and_no_others_hub(tmp_path: Path) -> None:
    days = [
        (date(2025, 11, 11), "GUA", 0.95, 0.90),
        (date(2025, 11, 12), "GUA", 1.0, 0.8961),
        (date(2025, 11, 12), "JIN", 1.0, 0.5),
    ]
    relieved = pl.DataFrame(days, schema=["date", "hub_id", "before", "after"], orient="row")
    told = advise(relieved=relieved)
    assert told.tables["relief"].rows() == [
        (date(2025, 11, 12), "GUA", 100.0, 90.0),
        (date(2025, 11, 11), "GUA", 95.0, 90.0),
    ]
    line = next(line for line in told.readme if "relieves" in line)
    assert "GUA on 2025-11-12 100 % -> 90 %" in line
    assert "2 days" in line
    named = pl.DataFrame({"hub_id": ["GUA"], "name": ["Guangzhou"], "name_zh": ["广州"]})
    chinese = advise("zh", relieved=relieved, hubs=named)
    assert any("广州 2025-11-12 占分拣能力由 100% 降至 90%" in line for line in chinese.readme)
    assert "JIN" not in write_advice([told], "json", tmp_path)[0].read_text("utf-8")
    # a merchant whose goods stand at its own hub takes nothing off it
    own = tables()["stock_allocations"].filter(pl.col("category") == "toys")
    assert "relief" not in advise(relieved=relieved, stock_allocations=own).tables
    assert "relief" not in advise(relieved=relieved.clear()).tables
