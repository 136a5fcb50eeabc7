"""Sheets of hubs: each sort's lanes by destination, departures and arrivals by the hub's own clock, in both languages."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from data.contracts import contract
from reports.formats import Language
from reports.hub_sheets import SheetInputs, write_sheets
from tests.reports.plan_frames import RUN
from tests.reports.reading import words

D10, D11 = date(2024, 11, 10), date(2024, 11, 11)


def _table(name: str, *rows: dict[str, object]) -> pl.DataFrame:
    return contract(name).conform(pl.DataFrame(list(rows), infer_schema_length=None))


def _result(name: str, *rows: dict[str, object]) -> pl.DataFrame:
    return _table(name, *({"run_id": RUN.run_id, **row} for row in rows))


def sheet_inputs(hubs: tuple[str, ...] = ("A", "B"), *, ordered: bool = True) -> SheetInputs:
    lanes = [("A-B", "A", "B"), ("A-C", "A", "C"), ("C-B", "C", "B")]
    plan = [
        {"date_from": D10, "date_to": D11, "hub_id": "A", "sort_id": "evening", "destination_hub_id": "B", "lane_id": "A-B",
         "alternate_lane_id": "A-C", "share": 0.75},
        {"date_from": D10, "date_to": D10, "hub_id": "A", "sort_id": "night <1>", "destination_hub_id": "C", "lane_id": "A-C",
         "alternate_lane_id": None, "share": 1.0},
    ]  # fmt: skip
    leaves, arrives = datetime(2024, 11, 10, 16, tzinfo=UTC), datetime(2024, 11, 11, 6, tzinfo=UTC)
    departures = _result(
        "trunk_departures",
        {"date": D10, "lane_id": "A-B", "vehicle_type_id": "truck", "sort_id": "evening", "leaves_at": leaves,
         "arrives_at": arrives, "departures": 3, "parcels": 2100, "cost": 1.0},
    )  # fmt: skip
    sort_plans = _result("sort_plans", *plan)
    return SheetInputs(
        run=RUN,
        hubs=_table(
            "hubs",
            {"hub_id": "A", "name": "Wuhan", "name_zh": "武汉", "time_zone": None},
            {"hub_id": "B", "name": "Urumqi", "name_zh": "乌鲁木齐", "time_zone": "Asia/Urumqi"},
            {"hub_id": "C", "name": "Xi'an", "name_zh": "西安", "time_zone": None},
        ),
        lanes=_table(
            "lanes",
            *(
                {"lane_id": lane, "origin_hub_id": start, "destination_hub_id": end, "mode": "road", "distance_km": 1.0, "transit_hours": 14.0}
                for lane, start, end in lanes
            ),
        ),
        vehicle_types=_table(
            "vehicle_types",
            {"vehicle_type_id": "truck", "name": "17.5 m", "mode": "road", "ownership": "own", "capacity": 700, "fixed_cost": 1.0, "cost_per_km": 1.0},
        ),
        departures=departures,
        sort_plans=sort_plans if ordered else sort_plans.clear(),
        chosen=hubs,
        time_zone="Asia/Shanghai",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "en",
            [
                "Wuhan: sort evening",
                "Urumqi · A-B",
                "75%",
                "Xi'an · A-C",
                "Wuhan: departures",
                "Urumqi: arrivals",
                "2,100",
            ],
        ),
        ("zh", ["武汉：班次 evening", "乌鲁木齐 · A-B", "75%", "西安 · A-C", "武汉：发车", "乌鲁木齐：到车", "2,100"]),
    ],
)
def test_sheets_tell_lanes_and_hours_in_both_languages(language: Language, told: list[str]) -> None:
    page = write_sheets(sheet_inputs(), language)
    text = " ".join(words(page).split())
    for part in told:
        assert part in text
    assert "night <1>" in text
    assert "<1>" not in page.replace("&lt;1&gt;", "")
    # midnight in Shanghai, and 14:00 there is noon in Urumqi
    assert "00:00" in text
    assert "12:00" in text
    assert "14:00" not in text.replace("14:00:00", "")


def test_a_plan_without_order_has_departures_and_arrivals_only_and_says_where_there_are_none() -> None:
    text = words(write_sheets(sheet_inputs(("C",), ordered=False), "en"))
    assert "sort evening" not in text
    assert "Xi'an: departures" in text
    assert text.count("Nothing.") == 2
