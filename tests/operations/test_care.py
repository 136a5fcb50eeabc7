"""Whom to tell: two waybills and a plan's parcels over a lane under snow, solved by hand."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from typer.testing import CliRunner

from cli.app import app
from data.contracts import contract
from data.departure_times import TimetableTables
from data.errors import RadarError
from data.workspace import Workspace
from operations.care import CareTables, list_care, sum_by_merchant, usual_paths

ZONE = ZoneInfo("UTC")
DAY = date(2025, 11, 10)
NOW = datetime(2025, 11, 10, 18, tzinfo=UTC)
LANES = pl.DataFrame(
    {
        "lane_id": ["A-B", "B-C", "A-C", "C-A"],
        "origin_hub_id": ["A", "B", "A", "C"],
        "destination_hub_id": ["B", "C", "C", "A"],
        "transit_hours": [10.0, 12.0, 40.0, 40.0],
    }
)


def waybill(name: str, origin: str, destination: str, picked: datetime | None, **rest: object) -> dict[str, object]:
    fixed = {"waybill_id": name, "origin_hub_id": origin, "destination_hub_id": destination, "merchant_id": "M"}
    ordered = (picked or NOW) - timedelta(hours=2)
    return fixed | {"ordered_at": ordered, "picked_up_at": picked, "status": "in_transit"} | rest


def waybills(*rows: dict[str, object]) -> pl.DataFrame:
    moments = ("ordered_at", "picked_up_at", "arrived_at", "out_for_delivery_at", "delivered_at")
    types = dict.fromkeys(moments, pl.Datetime("us", "UTC"))
    return contract("waybills").arrange(pl.DataFrame(list(rows), schema_overrides=types, infer_schema_length=None))


def flow(day: date, origin: str, destination: str, path: list[str], parcels: int) -> dict[str, object]:
    dates = [day + timedelta(days=step) for step in range(len(path))]
    return {
        "date": day,
        "origin_hub_id": origin,
        "destination_hub_id": destination,
        "path": path,
        "departure_dates": dates,
        "parcels": parcels,
    }


def weather(*rows: tuple[date, str, float, float, str, str]) -> pl.DataFrame:
    names = ["date", "lane_id", "speed_factor", "capacity_factor", "severity", "cause"]
    return pl.DataFrame(list(rows), schema=names, orient="row")


def closures(*rows: tuple[str, int, int, float, str]) -> pl.DataFrame:
    """Lane, hours from now on in which it may be closed, probability, cause."""
    made = [
        (lane, NOW + timedelta(hours=start), NOW + timedelta(hours=end), probability, cause)
        for lane, start, end, probability, cause in rows
    ]
    names = ["lane_id", "starts_at", "ends_at", "probability", "cause"]
    frame = pl.DataFrame(made, schema=names, orient="row")
    moment = pl.Datetime("us", "UTC")
    return frame.cast(
        {"lane_id": pl.String, "starts_at": moment, "ends_at": moment, "probability": pl.Float64, "cause": pl.String}
    )


SNOW = "warning snow red (W1)"
FLOWS = pl.DataFrame([flow(DAY, "A", "C", ["A-B", "B-C"], 80), flow(DAY, "A", "C", ["A-C"], 20)])


def care(
    rows: list[dict[str, object]],
    met: pl.DataFrame,
    shut: pl.DataFrame,
    flows: pl.DataFrame = FLOWS,
    warning: str | None = None,
) -> pl.DataFrame:
    tables = CareTables(waybills(*rows), LANES, flows, met, shut)
    return list_care(tables, NOW, ZONE, 20, warning)


def test_path_is_that_of_most_parcels_else_the_quickest_lane() -> None:
    paths = {(o, d): path for o, d, path in usual_paths(FLOWS, LANES).iter_rows()}
    assert paths["A", "C"] == ["A-B", "B-C"]
    assert paths["C", "A"] == ["C-A"]
    assert paths["A", "B"] == ["A-B"]  # a flow from A to C says nothing of A to B
    train = pl.DataFrame(
        {"lane_id": ["C-A train"], "origin_hub_id": ["C"], "destination_hub_id": ["A"], "transit_hours": [9.0]}
    )
    quick = {(o, d): path for o, d, path in usual_paths(FLOWS, pl.concat([LANES, train])).iter_rows()}
    assert quick["C", "A"] == ["C-A train"]
    assert quick["A", "C"] == ["A-B", "B-C"]


def test_delay_of_a_waybill_is_that_of_the_lanes_ahead() -> None:
    picked = NOW - timedelta(hours=3)
    # A-B leaves at 20:00 today, B-C at 20:00 tomorrow: 26 hours from now
    met = weather((DAY, "A-B", 0.8, 1.0, "blue", "snow"), (DAY + timedelta(days=1), "B-C", 0.5, 0.9, "red", SNOW))
    found = care([waybill("w", "A", "C", picked)], met, closures(("B-C", 20, 36, 0.25, SNOW)))
    row = found.row(0, named=True)
    # 10 (1 / .8 - 1) = 2.5; 12 (1 / .5 - 1) = 12 and a quarter of the 10 hours still shut
    assert row["expected_hours"] == pytest.approx(2.5 + 12.0 + 2.5)
    assert row["worst_hours"] == pytest.approx(2.5 + 12.0 + 10.0)
    assert (row["kind"], row["lanes"], row["severity"], row["cause"]) == ("under_way", "A-B|B-C", "red", SNOW)


def test_closures_of_another_warning_add_no_wait() -> None:
    """Of two warnings over one lane the wait under the one asked for is told: a quarter of 10 hours, not half of 20."""
    met = weather((DAY, "A-B", 1.0, 1.0, "red", f"{SNOW}; warning ice orange (W2)"))
    shut = closures(("A-B", 0, 12, 0.25, SNOW), ("A-B", 0, 22, 0.5, "warning ice orange (W2)"))
    rows = [waybill("w", "A", "C", NOW), waybill("x", "A", "B", NOW)]
    told = {
        name: care(rows, met, shut, warning=name).select("expected_hours", "worst_hours").unique().row(0)
        for name in ("W1", "W2")
    }
    assert told == {"W1": (2.5, 10.0), "W2": (10.0, 20.0)}


def test_what_lies_behind_and_what_has_arrived_is_not_told() -> None:
    old = NOW - timedelta(days=1, hours=3)
    met = weather((DAY - timedelta(days=1), "A-B", 0.5, 1.0, "red", SNOW), (DAY, "B-C", 0.5, 1.0, "red", SNOW))
    rows = [
        waybill("on the second lane", "A", "C", old),
        waybill("arrived", "A", "C", old, arrived_at=NOW - timedelta(hours=1)),
        waybill("out for delivery", "A", "C", old, out_for_delivery_at=NOW - timedelta(hours=1)),
        waybill("within the hub", "A", "A", old),
        waybill("later known", "A", "C", old, arrived_at=NOW + timedelta(hours=9)),
    ]
    found = care(rows, met, closures())
    assert found["care_id"].to_list() == ["later known", "on the second lane"]
    assert found["lanes"].unique().to_list() == ["B-C"]


def test_planned_parcels_are_parted_among_merchants_to_the_parcel() -> None:
    later = DAY + timedelta(days=2)
    lately = [waybill(f"w{n}", "A", "C", NOW - timedelta(days=9), merchant_id=who, delivered_at=NOW - timedelta(days=8), status="delivered") for n, who in enumerate(["M", "M", "N", None])]  # fmt: skip
    flows = pl.concat([FLOWS, pl.DataFrame([flow(later, "A", "C", ["A-C"], 101)])])
    met = weather((later, "A-C", 0.8, 1.0, "orange", SNOW))
    found = care(lately, met, closures(), flows)
    assert found["kind"].unique().to_list() == ["planned"]
    assert dict(found.select("merchant_id", "parcels").iter_rows()) == {"M": 50, "N": 25, None: 26}
    summed = sum_by_merchant(found)
    assert summed["planned"].sum() == 101
    assert summed["under_way"].sum() == 0


def test_a_lane_shut_all_day_of_which_no_hours_are_known_waits_a_day() -> None:
    met = weather((DAY, "A-B", 1.0, 0.0, "none", "closed in this scenario"))
    row = care([waybill("w", "A", "C", NOW)], met, closures()).row(0, named=True)
    assert (row["expected_hours"], row["worst_hours"]) == (24.0, 24.0)


def test_one_warning_alone_can_be_asked_for() -> None:
    met = weather((DAY, "A-B", 0.5, 1.0, "red", SNOW), (DAY, "C-A", 0.5, 1.0, "red", "warning fog red (W10)"))
    rows = [waybill("w", "A", "C", NOW), waybill("v", "C", "A", NOW)]
    shut = closures(("A-B", 0, 9, 0.5, SNOW), ("C-A", 0, 9, 0.5, "warning fog red (W10)"))
    assert care(rows, met, shut, warning="W1")["care_id"].to_list() == ["w"]
    assert care(rows, met, shut).height == 2
    with pytest.raises(RadarError, match="no lane under warning W9"):
        care(rows, met, shut, warning="W9")


def test_nothing_under_way_and_no_plan_is_an_empty_list() -> None:
    met = weather((DAY, "A-B", 0.5, 1.0, "red", SNOW))
    done = waybill("w", "A", "C", NOW - timedelta(days=9), delivered_at=NOW - timedelta(days=8), status="delivered")
    assert care([done], met, closures(), FLOWS.clear()).is_empty()


def test_the_command_writes_the_list_and_says_what_to_tell(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "关怀 care")
    hubs = pl.DataFrame({"hub_id": ["A", "B", "C"], "name": ["Alpha", "Beta", "Gamma"], "name_zh": ["甲", None, "丙"]})
    lanes = LANES.with_columns(mode=pl.lit("road"), distance_km=pl.lit(500.0))
    with workspace.run("load") as load:
        load.upsert("hubs", hubs)
        load.upsert("lanes", lanes)
        load.upsert("waybills", waybills(waybill("w", "A", "C", NOW), waybill("v", "C", "A", NOW)))
    words = ["--workspace", str(workspace.folder), "track", "care", "--as-of", NOW.isoformat(), "--json"]
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == 1
    assert "o run of weather impact" in refused.output
    with workspace.run("weather impact") as impact:
        local = DAY + timedelta(days=1)  # in Shanghai it is past midnight
        met = weather((local, "A-C", 0.5, 1.0, "red", SNOW), (local, "C-A", 1.0, 1.0, "none", "")).with_columns(
            closure_probability=pl.lit(0.5)
        )
        impact.append("lane_weather", met)
        impact.append("lane_closures", closures(("A-C", 0, 28, 0.5, SNOW)))
    answered = CliRunner().invoke(app, words)
    assert answered.exit_code == 0, answered.output
    told = json.loads(answered.stdout)
    row = told["care"][0]
    assert [each["care_id"] for each in told["care"]] == ["w"]
    # 40 hours twice as long, and half of the 10 hours still shut when it leaves at 20:00
    assert row["text_en"] == (
        "Waybill w from Alpha to Gamma is expected about 45 hours late, up to 50 hours if the road is closed: warning snow red (W1)."
    )
    assert "甲 至 丙" in row["text_zh"]
    assert "W1" in row["text_zh"]
    assert told["merchants"] == [
        {"merchant_id": "M", "under_way": 1, "planned": 0, "expected_hours": 45.0, "worst_hours": 50.0}
    ]
    kept = workspace.results("care_list")
    assert kept["care_id"].to_list() == ["w"]
    assert CliRunner().invoke(app, [*words[:-1], "--warning", "W9"]).exit_code == 1
    assert "w" in CliRunner().invoke(app, words[:-1]).stdout


@pytest.mark.parametrize(
    ("start", "end", "worst"),
    [
        (4, 8, 4.0),  # shut while it is on the road
        (-5, 1, None),  # open again before it leaves
        (12, 20, None),  # shut as it arrives
        (-5, 3, 1.0),  # still shut when it leaves
    ],
)
def test_a_closure_counts_from_departure_to_arrival_and_no_longer(start: int, end: int, worst: float | None) -> None:
    """The waybill leaves in two hours and drives ten; the lane may be shut with probability one half."""
    met = weather((DAY, "A-B", 1.0, 1.0, "red", SNOW))
    found = care([waybill("w", "A", "B", NOW - timedelta(hours=3))], met, closures(("A-B", start, end, 0.5, SNOW)))
    expected = [] if worst is None else [(worst / 2, worst)]
    assert found.select("expected_hours", "worst_hours").rows() == expected


def test_what_nobody_has_picked_up_leaves_today_however_long_ago_it_was_ordered() -> None:
    met = weather((DAY, "A-B", 0.5, 1.0, "red", SNOW), (DAY, "C-A", 0.5, 1.0, "red", SNOW))
    rows = [
        waybill("old", "A", "B", None, ordered_at=NOW - timedelta(days=3), status="created"),
        waybill("new", "C", "A", None, status="created"),
    ]
    assert care(rows, met, closures()).select("care_id", "expected_hours").rows() == [("new", 40.0), ("old", 10.0)]


def test_the_longest_delay_comes_first() -> None:
    met = weather((DAY, "A-B", 0.8, 1.0, "blue", "snow"), (DAY, "C-A", 0.5, 1.0, "red", SNOW))
    rows = [
        waybill("a little", "A", "B", NOW - timedelta(hours=3)),
        waybill("much", "C", "A", NOW - timedelta(hours=3)),
    ]
    found = care(rows, met, closures())
    assert found.select("care_id", "expected_hours").rows() == [("much", 40.0), ("a little", 2.5)]


@pytest.mark.parametrize(
    ("speed", "shut", "expected", "worst"),
    [
        (0.8, [(-5, 1, 0.5)], 2.5, 2.5),  # open again before it leaves: nothing is taken off the slow road
        (1.0, [(0, 12, 0.25), (0, 22, 0.5)], 10.0, 20.0),  # two closures of one lane are waited for once
        (0.05, [], 90.0, 90.0),  # slower than a tenth counts as a tenth
        (0.0, [], 114.0, 114.0),  # nothing moves and nobody says until when: a day more
    ],
)
def test_what_a_lane_costs_is_counted_once(
    speed: float, shut: list[tuple[int, int, float]], expected: float, worst: float
) -> None:
    met = weather((DAY, "A-B", speed, 1.0, "red", SNOW))
    times = closures(*(("A-B", start, end, probability, SNOW) for start, end, probability in shut))
    found = care([waybill("w", "A", "B", NOW - timedelta(hours=3))], met, times)
    assert found.select("expected_hours", "worst_hours").rows() == [pytest.approx((expected, worst))]


def test_merchants_are_summed_by_parcels_and_the_most_parcel_hours_come_first() -> None:
    rows = [("M", "planned", 3, 2.0, 5.0), ("M", "under_way", 1, 10.0, 12.0), ("N", "planned", 2, 9.0, 9.0)]
    names = ["merchant_id", "kind", "parcels", "expected_hours", "worst_hours"]
    summed = sum_by_merchant(pl.DataFrame(rows, schema=names, orient="row"))
    # N: 2 x 9 = 18 parcel-hours; M: 3 x 2 + 1 x 10 = 16, a mean of 4
    assert summed.rows() == [("N", 0, 2, 9.0, 9.0), ("M", 1, 3, 4.0, 12.0)]


SORTS = pl.DataFrame(
    [
        (hub, name, *hours)
        for hub in ("A", "B")
        for name, *hours in (("day", "14:00", "16:00"), ("night", "30:00", "32:00"))
    ],
    schema=["hub_id", "sort_id", "cut_off", "closes"],
    orient="row",
)


@pytest.mark.parametrize(
    ("picked", "day", "start", "end", "worst"),
    [
        # picked up at 13:00 it leaves A at 16:00, comes to B at 02:00 and leaves B with the night at 08:00
        (NOW - timedelta(hours=5), DAY, 15, 17, 2.0),
        (NOW - timedelta(hours=5), DAY, 1, 4, None),
        # picked up at 15:00 it misses that sort: A at 08:00, B at 18:00 and from there at 08:00 a day later
        (NOW - timedelta(hours=3), DAY + timedelta(days=1), 39, 41, 2.0),
        (NOW - timedelta(hours=3), DAY + timedelta(days=1), 15, 17, None),
    ],
)
def test_a_waybill_leaves_with_the_first_sort_that_takes_it(
    picked: datetime, day: date, start: int, end: int, worst: float | None
) -> None:
    met = weather((day, "B-C", 1.0, 1.0, "red", SNOW))
    shut = closures(("B-C", start, end, 1.0, SNOW))
    timetable = TimetableTables(pl.DataFrame({"hub_id": ["A", "B", "C"]}), SORTS)
    tables = CareTables(waybills(waybill("w", "A", "C", picked)), LANES, FLOWS, met, shut, timetable)
    found = list_care(tables, NOW, ZONE, 20)
    assert found["worst_hours"].to_list() == ([] if worst is None else [worst])


def test_parcels_of_a_plan_by_sorts_leave_at_its_hours() -> None:
    later = DAY + timedelta(days=1)
    # the night's departure of the day leaves at eight in the morning of the next, and drives ten hours
    at = datetime(2025, 11, 12, 8, tzinfo=UTC)
    flows = pl.DataFrame([flow(later, "A", "B", ["A-B"], 50) | {"departs_at": [at]}])
    flows = flows.cast({"departs_at": pl.List(pl.Datetime("us", "UTC"))})
    done = waybill("w", "A", "C", NOW - timedelta(days=9), delivered_at=NOW - timedelta(days=8), status="delivered")
    met = weather((later, "A-B", 1.0, 1.0, "red", SNOW))
    for start, worst in ((39, [2.0]), (27, [])):  # at 09:00 of the 12th, at 21:00 of the 11th
        found = care([done], met, closures(("A-B", start, start + 2, 1.0, SNOW)), flows)
        assert found["worst_hours"].to_list() == worst
