"""Tables and columns that joined the contracts: which rows they take, what old rows stand for, and old workspaces."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from data.contracts import TABLES, contract
from data.contracts.fields import FIRST_DATE, clock_hours
from data.errors import RadarError
from data.ingest.loading import load_table
from data.sources import open_file
from data.store import TableStore
from data.templates import write_templates
from data.workspace import Workspace

MORNING = datetime(2025, 11, 11, 8, tzinfo=UTC)
EVENING = datetime(2025, 11, 11, 20, tzinfo=UTC)
DAY, NEXT = date(2025, 11, 11), date(2025, 11, 12)
HOURS = {"starts_at": MORNING, "ends_at": EVENING}
BACKWARDS = {"starts_at": EVENING, "ends_at": MORNING}
ROUTE = {"origin_hub_id": "A", "destination_hub_id": "B"}
SORT = {"hub_id": "A", "sort_id": "night", "opens": "18:00", "cut_off": "22:00", "closes": "24:00"}
RUN = {"run_id": "r"}
DEMAND = {**RUN, "date": DAY, **ROUTE, "parcels": 10}
PLAYED = {
    **RUN, "scenario": "s", "rank": 1, "answer": "spot", "notice_hours": 12.0, "price": 0.0, "overflow_probability": 0.1,
    "expected_overflow": 3.0, "cost_mean": 9.0, "cost_change": -1.0,
}  # fmt: skip
DRILLED = {
    **RUN, "scenario": "s", "plan": "plan-trunk-0001", "likelihood": 0.1, "harm": 5.0, "answer": "hold", "overflow_before": 0.1,
    "overflow_probability": 0.5, "overflow_answered": 0.1, "held": True, "covered": 0.9,
}  # fmt: skip
STRESS = {**RUN, "scenario": "s", "date": DAY, "hub_id": "A", "overflow_probability": 0.1, "expected_overflow": 2.0}
ITEM = {"merchant_id": "M", "category": "food"}
SOURCE = {**RUN, **ITEM, "region_id": "R", "origin_hub_id": "A", "share": 0.6}
PLAN = {"merchant_id": "M", "date_from": DAY, "date_to": NEXT, "written_at": MORNING}
WARNING = {
    "warning_id": "w", "kind": "snow", "severity": "red", "onset": MORNING, "expires": EVENING, "area": "{}",
}  # fmt: skip
ALLOCATION = {**RUN, **ITEM, "warehouse_id": "W", "units": 5, "ship_by": DAY, "reason": "why"}
STAND = {"vehicle_type_id": "v", "hub_id": "A"}
LOCK = {"lane_id": "l", "date": DAY, "leaves": "any", "vehicle_type_id": "v", "at_least": 1}

# table, a row it takes, and rows it does not take with the rule each breaks
CASES: list[tuple[str, dict[str, Any], list[tuple[dict[str, Any], str]]]] = [
    ("hub_sorts", SORT, [({"cut_off": "25:00"}, "opens before cut off before closes"), ({"opens": "6:00"}, "is not an hour")]),
    ("hub_sorts", SORT, [({"weekdays": "71"}, "is not a set of weekdays"), ({"date_to": date(1999, 1, 1)}, "smallest value")]),
    ("hub_sorts", {**SORT, "date_from": NEXT}, [({"date_to": DAY}, "dates in order"), ({"closes": "72:00"}, "is not an hour")]),
    ("hub_days", {"date": DAY, "hub_id": "A", "sort_capacity": 5}, [({"sort_capacity": None}, "says a capacity"), ({"sort_capacity": -1}, "smallest value")]),
    ("hub_closures", {"closure_id": "c", "hub_id": "A", **HOURS, "open_share": 0.5}, [({"open_share": 1.5}, "largest value"), (BACKWARDS, "times in order")]),
    ("hand_in_profile", {"until_hour": "22:00", "share": 1.0}, [({"share": 0.9}, "shares sum to 1"), ({"day_kind": "odd"}, "words allowed")]),
    ("delivery_waves", {"hub_id": "A", "leaves": "07:30"}, [({"leaves": "7.30"}, "is not an hour"), ({"leaves": None}, "must not be empty")]),
    ("lane_departures", {"lane_id": "l", "leaves": "26:30"}, [({"weekdays": "8"}, "is not a set of weekdays"), ({"load_hours": -1.0}, "smallest value")]),
    ("lane_closures", {**RUN, "lane_id": "l", **HOURS, "probability": 0.3, "cause": "snow"}, [({"probability": 2.0}, "largest value"), (BACKWARDS, "times in order")]),
    ("vehicle_stands", {**STAND, "vehicles_at_start": 3}, [({"vehicles_at_start": -3}, "smallest value"), ({"vehicles_at_start": None}, "must not be empty")]),
    ("departure_locks", LOCK, [({"leaves": "soon"}, "is not an hour"), ({"at_most": 0}, "bounds in order")]),
    ("service_promises", {**ROUTE, "by_day": 1, "by_hour": "12:00"}, [({"latest_hours": 36.0}, "promises hours or a day"), ({"by_hour": None}, "promises hours or a day")]),
    ("service_promises", {**ROUTE, "latest_hours": 36.0}, [({"latest_hours": None}, "promises hours or a day"), ({"by_hour": "12:00"}, "promises hours or a day")]),
    ("network_changes", {"change_id": "c", "date": DAY, "hub_id": "A", "change": "closes"}, [({"until": date(2025, 1, 1)}, "dates in order"), ({"hub_id": None}, "scope names its hubs")]),
    ("network_changes", {"change_id": "c", "date": DAY, "change": "closes", "scope": "route", **ROUTE}, [({"destination_hub_id": None}, "scope names its hubs"), ({"direction": "out"}, "scope names its hubs")]),
    ("promotions", {"promotion_id": "p", "scope": "region", "region_id": "R", "event_id": "e"}, [({"merchant_id": "M"}, "scope names its member"), ({"region_id": None}, "scope names its member")]),
    ("promotions", {"promotion_id": "p", "scope": "network", "date_from": DAY, "date_to": NEXT}, [({"date_to": None}, "has an event or dates"), ({"date_to": date(2025, 1, 1)}, "dates in order")]),
    ("merchant_plans", {**PLAN, "units": 10}, [({"growth": 1.2}, "says units or growth"), ({"units": None}, "says units or growth")]),
    ("merchant_plans", {**PLAN, "change": "moves", "hub_id": "A"}, [({"hub_id": None}, "names a hub where it moves"), ({"date_to": date(2025, 1, 1)}, "dates in order")]),
    ("categories", {"category": "food", "name": "Food"}, [({"units_per_parcel": 0.0}, "smallest value"), ({"left_over": "burn"}, "words allowed")]),
    ("items", ITEM, [({"minimum_lot": -1}, "smallest value"), ({"merchant_id": None}, "must not be empty")]),
    ("sourcing", SOURCE, [({"share": 1.2}, "largest value"), ({"date_from": NEXT, "date_to": DAY}, "dates in order")]),
    ("stock_receipts", {**ITEM, "warehouse_id": "W", "sellable_on": DAY, "units": 4}, [({"units": -4}, "smallest value"), ({"sellable_on": None}, "must not be empty")]),
    ("open_orders", {"order_id": "o", **ITEM, "region_id": "R", "units": 1, "ordered_at": EVENING}, [({"promised_at": MORNING}, "times in order"), ({"units": None}, "must not be empty")]),
    ("stock_demand", {**ITEM, "region_id": "R", "units": 9}, [({"units": -9}, "smallest value"), ({"region_id": None}, "must not be empty")]),
    ("sourcing_costs", {"warehouse_id": "W", "region_id": "R", "cost": 1.5}, [({"cost": -1.5}, "smallest value"), ({"days": -1.0}, "smallest value")]),
    ("incidents", {"incident_id": "i", "kind": "hub_shut", "hub_id": "A", **HOURS}, [({"hub_id": None}, "names what it strikes"), (BACKWARDS, "times in order")]),
    ("weather_warnings", WARNING, [({"message_type": "cancel"}, "an update names what it supersedes"), ({"status": "maybe"}, "words allowed")]),
    ("route_demand", {**DEMAND, "base": 12, "moved_out": 4, "moved_in": 2}, [({"moved_in": 3}, "parcels are base less out plus in"), ({"replenishment": -1.0}, "smallest value")]),
    ("stock_levels", {**RUN, "date": DAY, "date_to": NEXT, **ITEM, **dict.fromkeys(("opening", "under_way", "moved_in", "moved_out", "order_up_to", "sold", "closing", "short"), 0), "cost": 0.0}, [({"date_to": date(2025, 1, 1)}, "dates in order"), ({"closing": -1}, "smallest value")]),
    ("stock_transfers", {**RUN, "sellable_on": NEXT, **ITEM, "origin_hub_id": "A", "warehouse_id": "W", "units": 4, "ship_on": DAY, "arrives_on": DAY, "cost": 1.0}, [({"ship_on": NEXT}, "days in order"), ({"units": -4}, "smallest value")]),
    ("route_prices", {**RUN, "date": DAY, **ROUTE, "price": 1.0}, [({"price": None}, "must not be empty"), ({"price": float("nan")}, "must be a number")]),
    ("sort_plans", {**RUN, "date_from": DAY, "date_to": NEXT, "hub_id": "A", "destination_hub_id": "B", "lane_id": "l", "share": 1.0}, [({"alternate_lane_id": "l"}, "alternate is another lane"), ({"date_to": date(2025, 1, 1)}, "dates in order")]),
    ("demand_draws", {**DEMAND, "draw": 0}, [({"draw": -1}, "smallest value"), ({"parcels": None}, "must not be empty")]),
    ("stress_results", STRESS, [({"overflow_low": 1.5}, "largest value"), ({"overflow_if_over": -1.0}, "smallest value")]),
    ("stress_summaries", {**RUN, "scenario": "s", "policy": "rigid", "draws": 9, "overflow_probability": 0.1}, [({"fill": 2.0}, "largest value"), ({"draws": None}, "must not be empty")]),
    ("playbooks", PLAYED, [({"answer": "pray"}, "words allowed"), ({"price": -1.0}, "smallest value")]),
    ("drills", DRILLED, [({"likelihood": 1.5}, "largest value"), ({"held": None}, "must not be empty")]),
    ("stock_allocations", ALLOCATION, [({"ship_on": NEXT, "arrives_on": DAY}, "days in order"), ({"share": 2.0}, "largest value")]),
]  # fmt: skip


@pytest.mark.parametrize(("table", "good", "bad"), CASES, ids=[f"{case[0]}-{n}" for n, case in enumerate(CASES)])
def test_a_good_row_is_taken_and_two_bad_ones_are_told(
    table: str, good: dict[str, Any], bad: list[tuple[dict[str, Any], str]]
) -> None:
    held = contract(table)
    assert held.split(held.arrange(pl.DataFrame([good])))[1].is_empty()
    assert len(bad) == 2
    for change, rule in bad:
        row = dict((good | change).items())
        _, broken = held.split(held.arrange(pl.DataFrame([row])))
        assert any(rule in told for told in broken["rule"]), (change, broken["rule"].to_list())


def _sorts(*rows: Mapping[str, object]) -> list[bool]:
    held = contract("hub_sorts")
    frame = pl.DataFrame([SORT | dict(row) for row in rows], infer_schema_length=None)
    _, broken = held.split(held.arrange(frame))
    apart = set(broken.filter(pl.col("rule") == "sorts of a hub do not overlap")["row_index"])
    return [number not in apart for number in range(len(rows))]


def test_sorts_that_overlap_are_set_apart_both() -> None:
    early = {"sort_id": "early", "opens": "16:00", "cut_off": "17:00", "closes": "18:30"}
    assert _sorts({}, early) == [False, False]
    assert _sorts({}, early | {"closes": "18:00"}) == [True, True]
    assert _sorts({}, early | {"hub_id": "B"}) == [True, True]


def test_a_sort_that_reaches_into_the_next_day_meets_its_morning() -> None:
    night = {"opens": "20:00", "cut_off": "28:00", "closes": "30:00"}
    morning = {"sort_id": "morning", "opens": "05:00", "cut_off": "08:00", "closes": "09:00"}
    assert _sorts(night, morning) == [False, False]
    # Saturday's night meets no Saturday morning, only a Sunday's.
    assert _sorts(night | {"weekdays": "6"}, morning | {"weekdays": "6"}) == [True, True]
    assert _sorts(night | {"weekdays": "6"}, morning | {"weekdays": "7"}) == [False, False]
    # A season that ends the day before the other begins still reaches into its first morning.
    ended = night | {"date_to": DAY}
    assert _sorts(ended, morning | {"date_from": NEXT}) == [False, False]
    assert _sorts(ended, morning | {"date_from": date(2025, 11, 13)}) == [True, True]


def test_hours_pass_midnight() -> None:
    assert pl.Series(["00:00", "26:30"]).to_frame("at").select(clock_hours(pl.col("at")))["at"].to_list() == [0.0, 26.5]


def test_shares_are_summed_by_hub_and_kind_of_day() -> None:
    held = contract("hand_in_profile")
    rows = [("A", "normal", "22:00", 0.7), ("A", "normal", "30:00", 0.3), ("A", "peak", "22:00", 0.7)]
    frame = pl.DataFrame(rows, schema=["hub_id", "day_kind", "until_hour", "share"], orient="row")
    _, broken = held.split(frame)
    assert broken["row_index"].to_list() == [2]


def test_shares_of_a_source_may_leave_a_rest_but_pass_no_whole() -> None:
    held = contract("sourcing")
    two = [SOURCE, SOURCE | {"origin_hub_id": "B", "share": 0.3}]
    assert held.split(held.arrange(pl.DataFrame(two)))[1].is_empty()
    over = [SOURCE, SOURCE | {"origin_hub_id": "B", "share": 0.5}]
    _, broken = held.split(held.arrange(pl.DataFrame(over)))
    assert broken["rule"].unique().to_list() == ["shares sum to at most 1"]


def test_a_flow_is_told_from_another_by_its_hours() -> None:
    held = contract("trunk_flows")
    flow = {**DEMAND, "path": ["a"], "departure_dates": [DAY], "completed_on": DAY}
    by_hour = [flow | {"departs_at": [MORNING]}, flow | {"departs_at": [EVENING]}]
    assert held.split(held.arrange(pl.DataFrame(by_hour)))[1].is_empty()
    for twice in ([flow, flow], [by_hour[0], by_hour[0]]):
        _, broken = held.split(held.arrange(pl.DataFrame(twice)))
        assert broken["rule"].to_list() == ["the key must be unique"] * 2


def test_departures_of_a_day_are_told_apart_by_their_hour() -> None:
    held = contract("trunk_departures")
    row = {
        **RUN, "date": DAY, "lane_id": "l", "vehicle_type_id": "v", "departures": 1, "parcels": 5, "cost": 1.0,
    }  # fmt: skip
    assert held.split(held.arrange(pl.DataFrame([row | {"leaves_at": at} for at in (MORNING, EVENING)])))[1].is_empty()
    _, broken = held.split(held.arrange(pl.DataFrame([row, row])))
    assert broken["rule"].to_list() == ["the key must be unique"] * 2


def test_old_promotions_get_an_id_from_their_key() -> None:
    held = contract("promotions")
    old = pl.DataFrame(
        {"merchant_id": ["M1", "M2"], "category": ["food", "toys"], "event_id": ["e1", "e1"], "venue": ["main", "none"]}
    )
    new = held.conform(old)
    assert new["promotion_id"].to_list() == ["M1|food|e1", "M2|toys|e1"]
    assert new["scope"].to_list() == ["merchant"] * 2
    assert new["date_from"].null_count() == 2


def _write_as_before(frame: pl.DataFrame, folder: Path, *, by_run: bool = False) -> None:
    """Write a table as earlier versions did, by the library and in a plain folder."""
    with tempfile.TemporaryDirectory(dir="/tmp") as plain:
        frame.write_delta(f"{plain}/table", delta_write_options={"partition_by": ["run_id"]} if by_run else {})
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(f"{plain}/table", folder)


@pytest.mark.parametrize(
    ("table", "column", "stands_for"),
    [("hub_loads", "sort_id", "day"), ("hub_prices", "sort_id", "day"), ("trunk_departures", "sort_id", "day"), ("stress_results", "policy", "rigid"), ("network_changes", "scope", "hub"), ("weather_warnings", "status", "actual")],
)  # fmt: skip
def test_what_joined_a_key_gets_its_default_in_older_rows(
    tmp_path: Path, table: str, column: str, stands_for: str
) -> None:
    held = contract(table)
    row = {
        "run_id": "r", "date": DAY, "hub_id": "A", "handled": 1, "held": 0, "price": 1.0, "lane_id": "l",
        "vehicle_type_id": "v", "departures": 1, "parcels": 5, "cost": 1.0, "change_id": "c", "change": "closes",
        **STRESS, **WARNING,
    }  # fmt: skip
    frame = held.arrange(pl.DataFrame([{name: value for name, value in row.items() if name in held.polars_schema}]))
    # as an older version wrote it: without the column, then one commit with it, which leaves the first rows empty
    _write_as_before(frame.drop(column), tmp_path / table, by_run=held.group == "results")
    store = TableStore(held, tmp_path / table)
    assert store.read()[column].to_list() == [stands_for]
    key = next(name for name in held.keys if held.polars_schema[name] == pl.String and name != column)
    store.append(frame.with_columns(pl.lit("other").alias(key), pl.lit("late").alias(column)))
    assert sorted(store.read()[column]) == sorted([stands_for, "late"])
    store.upsert(frame)
    assert store.read().height == 2


def test_a_season_without_a_first_day_began_long_ago() -> None:
    assert contract("hub_sorts").conform(pl.DataFrame([SORT]))["date_from"].to_list() == [FIRST_DATE]


def test_a_file_may_leave_out_what_has_a_default_and_every_hub_needs_no_row(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "net")
    profile = tmp_path / "入场 profile.csv"
    profile.write_text("分拨中心,截至时间,占比\n*,22:00,0.7\n*,30:00,0.3\n", encoding="utf-8")
    loaded = load_table(workspace, "hand_in_profile", [open_file(profile)])
    assert loaded.ingestion.set_apart == 0
    assert workspace.read("hand_in_profile")["day_kind"].unique().to_list() == ["normal"]


def test_lanes_that_may_close_can_be_given(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "net")
    with workspace.run("test") as run:
        run.upsert("hubs", contract("hubs").arrange(pl.DataFrame({"hub_id": ["A", "B"], "name": ["A", "B"]})))
        lanes = {"lane_id": ["l"], "origin_hub_id": "A", "destination_hub_id": "B", "mode": "road"}
        run.upsert(
            "lanes", contract("lanes").arrange(pl.DataFrame({**lanes, "distance_km": 9.0, "transit_hours": 1.0}))
        )
    file = tmp_path / "closures.csv"
    lines = [f"l,2025-11-{day}T08:00:00+08:00,2025-11-{day}T14:00:00+08:00,0.5,snow" for day in range(10, 30)]
    lines.append(lines[0].replace("l,", "nowhere,", 1))
    file.write_text("lane_id,starts_at,ends_at,probability,cause\n" + "\n".join(lines), encoding="utf-8")
    loaded = load_table(workspace, "lane_closures", [open_file(file)])
    assert loaded.ingestion.rejected["rule"].to_list() == ["is no id of table lanes"]
    assert workspace.results("lane_closures")["run_id"].to_list() == [loaded.run_id] * 20


def test_every_table_that_is_given_has_a_template(tmp_path: Path) -> None:
    written = {path.name for path in write_templates(tmp_path)}
    assert {"hub_sorts.csv", "sourcing.csv", "lane_closures.csv", "merchant_plans.csv"} <= written
    header = (tmp_path / "sourcing.csv").read_text(encoding="utf-8-sig")
    assert "run_id" not in header
    assert "share" in header


def test_new_tables_stand_empty_in_a_new_workspace(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "new")
    assert workspace.present() == []
    assert all(workspace.read(name).is_empty() for name in TABLES)


def test_aliases_of_a_table_name_one_column_each() -> None:
    for table in TABLES.values():
        aliases = [alias for column in table.columns for alias in column.aliases]
        assert len(aliases) == len(set(aliases)), table.name


def test_an_older_workspace_is_read_and_written_to(tmp_path: Path) -> None:
    """A workspace whose tables lack every column that joined since: read whole, and one more row beside the old."""
    folder = tmp_path / "older"
    workspace = Workspace.create(folder)
    old = pl.DataFrame({"merchant_id": ["M"], "category": ["food"], "event_id": ["e"], "venue": ["main"]})
    old = old.with_columns(discount=pl.lit(0.2))
    _write_as_before(old, folder / "tables" / "promotions")
    assert workspace.read("promotions")["promotion_id"].to_list() == ["M|food|e"]
    with workspace.run("test") as run:
        run.upsert("promotions", contract("promotions").arrange(old.with_columns(discount=pl.lit(0.3))))
    rows = workspace.read("promotions")
    assert rows.select("promotion_id", "discount").rows() == [("M|food|e", 0.3)]


def test_a_bad_row_is_named_by_its_key() -> None:
    with pytest.raises(RadarError, match="hub_closures break a rule, the first is closure_id='c'"):
        contract("hub_closures").conform(
            pl.DataFrame([{"closure_id": "c", "hub_id": "A", **BACKWARDS, "open_share": 0.0}])
        )
