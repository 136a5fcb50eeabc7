"""Cards of a playbook: hours are those of the clock on the wall, whatever offset an incident was written with."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from data.contracts import contract
from reports.formats import Language
from reports.playbook_card import Card, write_cards
from tests.reports.plan_frames import RUN
from tests.reports.reading import words

SHANGHAI = ZoneInfo("Asia/Shanghai")
HUBS = contract("hubs").conform(
    pl.DataFrame(
        [
            {"hub_id": "SHA", "name": "Shanghai", "name_zh": "上海"},
            {"hub_id": "PEK", "name": "Beijing", "name_zh": "北京"},
        ]
    )
)


def answer(kind: str, rank: int, **more: Any) -> dict[str, Any]:
    row = {"answer": kind, "rank": rank, "place": "SHA|PEK", "amount": 0.25, "date_from": date(2025, 11, 11), "date_to": date(2025, 11, 12),
           "notice_hours": 12.0, "overflow_probability": 0.031, "overflow_low": 0.02, "overflow_high": 0.045,
           "expected_overflow": 1234.5, "late": 0.012, "price": 52_000.0, "cost_change": -13_500.0}  # fmt: skip
    return row | more


def incident(kind: str, starts: datetime, ends: datetime, **more: Any) -> dict[str, Any]:
    names = ("hub_id", "lane_id", "vehicle_type_id", "region_id", "merchant_id", "courier_id", "amount")
    return dict.fromkeys(names) | {"kind": kind, "starts_at": starts, "ends_at": ends} | more


def cards(name: str = "华东暴雪") -> list[Card]:
    """Two scenarios: one of a table, in UTC, one of a file, by the clock."""
    utc = datetime(2025, 11, 11, 22, tzinfo=UTC)
    local = datetime(2025, 11, 11, 6)  # noqa: DTZ001 (as a file writes it)
    two = [
        incident("hub_shut", utc, datetime(2025, 11, 12, 16, tzinfo=UTC), hub_id="SHA"),
        incident(
            "volume", utc.astimezone(timezone(timedelta(hours=9))), utc + timedelta(hours=3), hub_id="PEK", amount=1.3
        ),
    ]
    answers = [answer("extra_sort", 1), answer("spot", 2, place=None), answer("nothing", 3, overflow_probability=0.0)]
    return [
        Card(name, two, answers),
        Card("晚到", [incident("late_inbound", local, local + timedelta(hours=18), amount=3.0)], answers),
    ]


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "zh",
            [
                "上海 停止分拣，11-12 06:00 至 11-12 23:59",
                "件量为预测的 1.3 倍（北京），11-12 06:00 至 11-12 09:00",
                "到件晚 3 小时（全网），11-11 06:00 至 11-11 23:59",
            ],
        ),
        (
            "en",
            [
                "Shanghai is shut from 11-12 06:00 to 11-12 23:59",
                "11-12 06:00 to 11-12 09:00",
                "11-11 06:00 to 11-11 23:59",
            ],
        ),
    ],
)
def test_hours_of_a_card_are_those_of_the_plan(language: Language, told: list[str]) -> None:
    page = words(write_cards(cards(), HUBS, RUN, language, SHANGHAI))
    for sentence in told:
        assert sentence in page
    assert "22:00" not in page


def test_days_are_told_from_to_and_no_chance_is_told_as_none() -> None:
    page = words(write_cards(cards(), HUBS, RUN, "en", SHANGHAI))
    assert "25% more sorting at Shanghai, Beijing, 11 Nov – 12 Nov" in page
    assert "a hub overflows in below 4.5% of futures" in page
    one_day = [answer("extra_sort", 1, date_to=date(2025, 11, 11)), answer("nothing", 2)]
    page = words(write_cards([Card("x", [], one_day)], HUBS, RUN, "en", SHANGHAI))
    assert "at Shanghai, Beijing, 11 Nov |" in page
    assert "a hub overflows in 3.1% of futures" in page
