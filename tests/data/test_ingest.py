"""From sources to rows: columns mapped, duplicates, rules within and between tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from data.contracts import contract
from data.errors import RadarError
from data.ingest.columns import fold_name, map_columns, tell_ignored
from data.ingest.ingestion import Ingestion, Instructions, ingest
from data.ingest.rows import tell_rules
from data.sources import open_file

ZONE = ZoneInfo("Asia/Shanghai")
HUBS = pl.DataFrame({"hub_id": ["DC1", "DC2"], "name": ["one", "two"]})
COURIERS = pl.DataFrame({"courier_id": ["ours"], "name": ["ours"]})


def _take(
    folder: Path,
    table: str,
    text: str,
    tables: Mapping[str, pl.DataFrame] | None = None,
    *,
    constants: Mapping[str, str] | None = None,
    add_missing: tuple[str, ...] = (),
    replace: bool = False,
) -> Ingestion:
    path = folder / "in.csv"
    path.write_text(text, encoding="utf-8")
    known = {"hubs": HUBS, "couriers": COURIERS} if tables is None else tables

    def read(name: str) -> pl.DataFrame:
        return contract(name).arrange(known[name]) if name in known else contract(name).empty()

    sources = [open_file(path)]
    return ingest(
        contract(table),
        sources,
        Instructions(constants=constants or {}, add_missing=add_missing, replace=replace),
        read_table=read,
        zone=ZONE,
    )


def _rejected(ingestion: Ingestion) -> list[tuple[object, ...]]:
    return ingestion.rejected.select("row", "column", "value", "rule").rows()


VOLUMES = "日期,场地1,场地2,货量\n"


def test_a_clean_file_becomes_rows_of_the_contract(tmp_path: Path) -> None:
    taken = _take(tmp_path, "route_volumes", VOLUMES + "2022/6/7,DC1,DC2,12\n", constants={"courier_id": "ours"})
    assert taken.rows.rows() == contract("route_volumes").conform(taken.rows).rows()
    assert taken.rows.select("courier_id", "origin_hub_id", "parcels").rows() == [("ours", "DC1", 12)]
    assert (taken.read, taken.collapsed, taken.set_apart) == (1, 0, 0)
    assert not taken.rejected.height


def test_every_bad_value_is_set_apart_with_its_line_and_what_is_wrong(tmp_path: Path) -> None:
    lines = [
        "2022-06-07,DC1,DC2,12",
        "2022-02-30,DC1,DC2,1",
        "1900-01-01,DC1,DC2,1",
        "2999-01-01,DC1,DC2,1",
        "2022-06-08,DC1,DC2,-3",
        "2022-06-09,DC1,DC2,2.5",
        "2022-06-10,DC1,DC2,inf",
        "2022-06-11,DC1,DC2,99999999999999999999",
        "2022-06-12,DC1,DC2,",
        "2022-06-13,,DC2,1",
        "2022-06-14,DC9,DC2,1",
        f"2022-06-15,{'x' * 300},DC2,1",
        "2022-06-16,DC1,DC2,1,1",
        "soon,DC1,DC2,many",
        "2022-06-17,DC1,DC2,50000000000",
    ]
    taken = _take(tmp_path, "route_volumes", VOLUMES + "\n".join(lines), constants={"courier_id": "ours"})
    assert _rejected(taken) == [
        (3, "date", "2022-02-30", "is not a date"),
        (4, "date", "1900-01-01", "is below the smallest value allowed"),
        (5, "date", "2999-01-01", "is above the largest value allowed"),
        (6, "parcels", "-3", "is below the smallest value allowed"),
        (7, "parcels", "2.5", "is not a whole number"),
        (8, "parcels", "inf", "must be finite"),
        (9, "parcels", "99999999999999999999", "is above the largest value allowed"),
        (10, "parcels", None, "must not be empty"),
        (11, "origin_hub_id", None, "must not be empty"),
        (12, "origin_hub_id", "DC9", "is no id of table hubs"),
        (13, "origin_hub_id", "x" * 300, "is too long"),
        (14, None, "2022-06-16,DC1,DC2,1,1", "has 5 cells where the header has 4"),
        (15, "date", "soon", "is not a date"),
        (15, "parcels", "many", "is not a number"),
        (16, "parcels", "50000000000", "is above the largest value allowed"),
    ]
    assert (taken.read, taken.rows.height, taken.set_apart) == (15, 1, 14)


def test_odd_ids_live(tmp_path: Path) -> None:
    odd = ["=1+1", "../../etc", 'a "b"', "a b", "杭州分拨", "<script>", "x" * 128, "007"]
    text = "hub_id,name\n" + "".join('"{}",n\n'.format(name.replace('"', '""')) for name in odd)
    assert _take(tmp_path, "hubs", text).rows["hub_id"].to_list() == odd


def test_the_same_row_twice_is_taken_once_and_contradictions_are_set_apart(tmp_path: Path) -> None:
    lines = ["2022-06-07,DC1,DC2,12", "2022-6-7,DC1, DC2,12.0", "2022-06-08,DC1,DC2,1", "2022-06-08,DC1,DC2,2"] + [
        f"2022-07-0{day},DC2,DC1,5" for day in range(1, 7)
    ]
    taken = _take(tmp_path, "route_volumes", VOLUMES + "\n".join(lines), constants={"courier_id": "ours"})
    assert (taken.read, taken.rows.height, taken.collapsed, taken.set_apart) == (10, 7, 1, 2)
    key, rule = "2022-06-08, ours, DC1, DC2", "the same key stands with different values"
    assert _rejected(taken) == [(at, "date, courier_id, origin_hub_id, destination_hub_id", key, rule) for at in (4, 5)]


def test_empty_parts_of_a_key_count_as_equal(tmp_path: Path) -> None:
    text = "time,lat,lon,气温\n2022-06-07T00:00Z,30,120,20\n2022-06-07T00:00Z,30,120,20\n2022-06-07T00:00Z,30,121,20\n"
    taken = _take(tmp_path, "weather_observations", text)
    assert (taken.rows.height, taken.collapsed, taken.set_apart) == (2, 1, 0)
    text = "time,lat,lon,气温\n2022-06-07T00:00Z,30,120,20\n2022-06-07T00:00Z,30,120,21\n2022-06-07T00:00Z,30,121,20\n"
    taken = _take(tmp_path, "weather_observations", text)
    assert (taken.rows["longitude"].to_list(), taken.collapsed) == ([121.0], 0)
    assert taken.rejected["rule"].to_list() == ["the same key stands with different values"] * 2


def test_unknown_ids_become_reference_rows_where_asked(tmp_path: Path) -> None:
    text = VOLUMES + "2022-06-07,DC1,DC7,12\n2022-06-07,杭州,DC7,1\nbroken,DC99,DC98,1\n"
    taken = _take(tmp_path, "route_volumes", text, constants={"courier_id": "theirs"}, add_missing=("hubs", "couriers"))
    assert taken.rows.height == 2
    assert taken.added["hubs"].select("hub_id", "name").rows() == [("DC7", "DC7"), ("杭州", "杭州")]
    assert taken.added["couriers"]["courier_id"].to_list() == ["theirs"]
    without = _take(tmp_path, "route_volumes", text, constants={"courier_id": "theirs"}, add_missing=("hubs",))
    assert not without.rows.height
    assert not without.added


def test_an_outlet_that_is_new_learns_its_hub_from_the_waybills(tmp_path: Path) -> None:
    text = (
        "waybill_id,courier_id,merchant_id,origin_hub_id,destination_hub_id,destination_outlet_id,ordered_at,status\n"
        "1,ours,M1,DC1,DC2,O2,2022-06-07 10:00,created\n2,ours,M1,DC2,DC2,O2,2022-06-07 10:00,created\n"
        "3,ours,M1,DC1,DC1,O2,2022-06-07 10:00,created\n"
    )
    taken = _take(tmp_path, "waybills", text, add_missing=("outlets", "merchants"))
    assert taken.added["outlets"].select("outlet_id", "courier_id", "hub_id").rows() == [("O2", "ours", "DC2")]
    assert taken.added["merchants"].select("merchant_id", "hub_id").rows() == [("M1", "DC1")]
    with pytest.raises(RadarError, match=r"New id 'O9' for table outlets, which needs courier_id"):
        _take(
            tmp_path,
            "outlet_volumes",
            "date,outlet_id,direction,parcels\n2022-01-01,O9,pickup,1\n",
            add_missing=("outlets",),
        )


def test_a_region_may_name_a_parent_that_comes_in_the_same_file(tmp_path: Path) -> None:
    taken = _take(tmp_path, "regions", "region_id,name,parent_region_id\nR2,two,R1\nR1,one,\nR3,three,R9\n")
    assert taken.rows["region_id"].to_list() == ["R2", "R1"]
    assert _rejected(taken) == [(4, "parent_region_id", "R9", "is no id of table regions")]


def test_shares_of_a_merchant_sum_to_one_with_those_already_there(tmp_path: Path) -> None:
    tables = {
        "merchants": pl.DataFrame({"merchant_id": ["M1", "M2"], "name": ["a", "b"], "hub_id": ["DC1", "DC1"]}),
        "couriers": pl.DataFrame({"courier_id": ["a", "b", "c"], "name": ["a", "b", "c"]}),
        "courier_preferences": pl.DataFrame({"merchant_id": ["M1"], "courier_id": ["a"], "share": [0.25]}),
    }
    header = "merchant_id,courier_id,share\n"
    good = _take(tmp_path, "courier_preferences", header + "M1,b,0.75\nM2,a,0.1\nM2,b,0.2\nM2,c,0.7\n", tables)
    assert (good.rows.height, good.set_apart) == (4, 0)
    bad = _take(tmp_path, "courier_preferences", header + "M1,b,75 %\nM2,a,0.1\nM2,b,0.2\n", tables, replace=True)
    assert bad.rows.height == 0
    assert {rule for *_, rule in _rejected(bad)} == {"the shares of a merchant must sum to 1"}


def test_rules_over_a_row_are_told(tmp_path: Path) -> None:
    lanes = (
        "lane_id,始发,目的,运输方式,里程,时长\nL1,DC1,DC1,公路,100,5\nL2,DC1,DC2,公路,1,234,5\nL3,DC1,DC2,boat,100,5\n"
    )
    assert _rejected(_take(tmp_path, "lanes", lanes)) == [
        (2, None, None, "ends differ"),
        (3, None, "L2,DC1,DC2,公路,1,234,5", "has 7 cells where the header has 6"),
        (4, "mode", "boat", "is not one of the words allowed"),
    ]
    events = "event_id,name,kind,date_from,date_to,edition\nE1,x,other,2022-02-02,2022-02-01,2022\n"
    assert _rejected(_take(tmp_path, "events", events)) == [(2, None, None, "dates in order")]


def test_too_many_bad_rows_stop_the_load_and_say_why(tmp_path: Path) -> None:
    text = VOLUMES + "2022-06-07,DC1,DC2,12\n2022-06-08,DC8,DC2,12\n2022-06-09,DC9,DC2,12\n"
    taken = _take(tmp_path, "route_volumes", text, constants={"courier_id": "ours"})
    taken.require_share(0.7)
    with pytest.raises(RadarError) as raised:
        taken.require_share(0.05)
    sentence = str(raised.value)
    assert sentence.startswith(
        "Found 2 of 3 rows (66.7%) that break a rule: 2 x origin_hub_id is no id of table hubs (first: row 3 of"
    )
    assert "nothing was committed; load hubs first, or add --add-missing hubs." in sentence


@pytest.mark.parametrize(
    ("header", "constants", "says"),
    [
        ("日期,场地1,货量", {"courier_id": "x"}, "also destination_hub_id (or 目的"),
        ("日期,场地1,场地2,parcel", {"courier_id": "x"}, "rename column 'parcel' to parcels"),
        ("日期,场地1,场地2,货量", {}, "--set courier_id=VALUE"),
        (
            "日期,业务日期,场地1,场地2,货量",
            {"courier_id": "x"},
            "two columns for date: '日期' (column 1) and '业务日期' (column 2)",
        ),
        ("date,DATE,场地1,场地2,货量", {"courier_id": "x"}, "two columns for date"),
        ("日期,快递公司,场地1,场地2,货量", {"courier_id": "x"}, "column '快递公司' and --set courier_id=x"),
        ("日期,场地1,场地2,货量", {"courier_id": "x", "parcel": "1"}, "column parcel"),
        ("日期,场地1,场地2", {"courier_id": "x", "parcels": "many"}, "--set parcels=many, which is not a number"),
    ],
)
def test_columns_missing_doubled_or_given_twice_are_told(
    tmp_path: Path, header: str, constants: dict[str, str], says: str
) -> None:
    with pytest.raises(RadarError) as raised:
        _take(tmp_path, "route_volumes", f"{header}\n2022-01-01,a,b,c,d\n", constants=constants)
    assert says in str(raised.value)


def test_columns_no_one_asked_for_are_named(tmp_path: Path) -> None:
    taken = _take(tmp_path, "hubs", "hub_id,name,sort_capasity,remark\nDC1,one,3,x\n")
    assert len(taken.notes) == 1
    assert "no use for column(s) sort_capasity, remark ('sort_capasity' looks like sort_capacity)" in taken.notes[0]


def test_a_file_without_rows_is_told(tmp_path: Path) -> None:
    with pytest.raises(RadarError, match="a header and no rows"):
        _take(tmp_path, "hubs", "hub_id,name\n")


def test_the_own_name_of_a_column_beats_its_aliases() -> None:
    table = contract("hubs")
    found = map_columns(("hub", "Hub ID", "名称"), table, {}, "x.csv")
    assert found.positions == {"hub_id": 1, "name": 2}
    assert found.ignored == ("hub",)
    assert tell_ignored(("",), found.positions, table, "x.csv") is None


@pytest.mark.parametrize(
    "name",
    ["origin_hub_id", "Origin Hub ID", "ORIGIN-HUB-ID", " origin_hub_id ", "ｏｒｉｇｉｎ_hub_id", "origin_hub_id [id]"],
)
def test_names_of_columns_are_folded(name: str) -> None:
    assert fold_name(name) == "originhubid"


def test_the_commonest_rule_is_told_first_and_each_with_its_first_place() -> None:
    rows = [
        ("a.csv", 3, "date", "soon", "is not a date"),
        *(("b.csv", at, "parcels", "x", "is not a number") for at in (5, 7)),
    ]
    broken = pl.DataFrame(rows, schema=["file", "row", "column", "value", "rule"], orient="row")
    told = [
        "2 x parcels is not a number (first: row 5 of b.csv, value 'x')",
        "1 x date is not a date (first: row 3 of a.csv, value 'soon')",
    ]
    assert tell_rules(broken) == told
    assert tell_rules(broken, most=1) == told[:1]
