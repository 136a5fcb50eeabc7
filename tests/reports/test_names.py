"""Chinese names and causes where Chinese is written."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from reports.cause_words import CauseWords
from reports.forecast_report import write_forecast_report
from reports.messages import Messages
from reports.plan_report import write_plan_report
from tests.reports.frames import forecast_inputs
from tests.reports.plan_frames import plan_inputs

HUBS = {"HGH": "杭州分拨", "PEK": "北京分拨"}


def _named(hubs: pl.DataFrame) -> pl.DataFrame:
    return hubs.with_columns(name_zh=pl.col("hub_id").replace_strict(HUBS, default=None, return_dtype=pl.String))


def test_hubs_have_their_chinese_names_in_chinese_pages_alone() -> None:
    forecast = replace(forecast_inputs(), hubs=_named(forecast_inputs().hubs))
    plan = replace(plan_inputs(), hubs=_named(plan_inputs().hubs))
    for chinese, english in (
        (write_forecast_report(forecast, "zh"), write_forecast_report(forecast, "en")),
        (write_plan_report(plan, "zh"), write_plan_report(plan, "en")),
    ):
        assert "杭州分拨" in chinese
        assert "北京分拨" in chinese
        assert 'title="Hangzhou"' not in chinese
        # Without a Chinese name the other one stays.
        assert "Guangzhou" in chinese
        assert "杭州分拨" not in english
        assert "Hangzhou" in english


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        ("snow 2.1 mm/h, visibility 180 m near 26.42, 116.39 at 11-09 02:00", "降雪2.1毫米/小时、能见度180米，北纬26.42、东经116.39附近，11-09 02:00"),
        ("warning fog orange (Fog, all day); rain of the hours before", "大雾橙色预警（Fog, all day）；此前降雨"),
        ("warning meteor red (Stones), no effect known", "meteor红色预警（Stones），影响未知"),
        ("something else entirely", "something else entirely"),
        (None, ""),
    ],
)  # fmt: skip
def test_causes_in_chinese(cause: str | None, told: str) -> None:
    assert CauseWords(Messages("zh"))(cause) == told
    assert CauseWords(Messages("en"))(cause) == (cause or "")


def test_a_warning_that_its_service_names_in_chinese_has_an_english_name() -> None:
    cause = "ice; warning 暴雪 red (暴雪 1); warning 道路结冰 orange (W2); warning 冰雹 red (W3), no effect known"
    english = "ice; warning snow red (暴雪 1); warning ice orange (W2); warning 冰雹 red (W3), no effect known"
    assert CauseWords(Messages("en"))(cause) == english
    assert "暴雪红色预警（暴雪 1）" in CauseWords(Messages("zh"))(cause)
