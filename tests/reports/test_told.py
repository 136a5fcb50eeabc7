"""Pages tell what was found and what ended a search: closings nobody announced, moves made of moves due."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from reports.forecast_report import write_forecast_report
from reports.plan_report import write_plan_report
from reports.weather_basis import ShutLanes, WeatherBasis
from tests.reports.odd_frames import empty_plan, odd_forecast, odd_plan
from tests.reports.plan_frames import plan_inputs, weather_basis


def _text(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", page))


def test_closings_that_were_found_are_told_with_the_row_that_says_so() -> None:
    page = _text(write_forecast_report(odd_forecast(), "en"))
    assert "has sent and received next to nothing since Mon 20 Oct 2025 (10 days; 21.3% of the network before)" in page
    assert "date=2025-10-20, until=?, hub_id=SHA, change=closes" in page
    assert "had received next to nothing from Mon 1 Sep 2025 to Mon 8 Sep 2025" in page
    assert "scope=route, origin_hub_id=SHA, destination_hub_id=PEK" in page
    assert "date=2025-10-15, hub_id=KMG, direction=out, change=opens" in page
    chinese = _text(write_forecast_report(odd_forecast(), "zh"))
    assert "几乎没有收发" in chinese
    assert "until=2025-09-08" in chinese


def test_a_plan_says_what_ended_it_and_what_was_left_undone() -> None:
    page = _text(write_plan_report(odd_plan(), "en"))
    assert "1,204,311 of 9,000,000 moves made, 3 of 40 neighbourhoods made" in page
    assert "does not repeat to the byte" in page
    chinese = _text(write_plan_report(odd_plan(), "zh"))
    assert "应做改动 9,000,000 次，已做 1,204,311 次" in chinese
    assert "all the moves its effort asks for" in _text(write_plan_report(empty_plan(), "en"))


def test_an_empty_plan_is_a_page_of_zeros_and_no_claim() -> None:
    page = _text(write_plan_report(empty_plan(), "en"))
    assert "nan" not in page.lower().split()
    assert "cannot travel" not in page
    assert "Nothing to carry: no parcel is demanded" in page
    assert "Every parcel travels" not in page
    assert "starts and ends at one hub" not in page
    assert "– days" not in page


def test_a_plan_tells_which_weather_it_stands_on() -> None:
    page = _text(write_plan_report(plan_inputs(), "en"))
    assert "It stands on the lane weather of weather-impact-0004." in page
    assert "issued 2025-11-06 20:00, 52 hours before what was known: it is old." in page
    assert "Within Thu 13 Nov 2025 no weather is known of 1 day; it counts as fair." in page
    chinese = _text(write_plan_report(plan_inputs(), "zh"))
    assert "依据 weather-impact-0004 的干线天气。" in chinese
    assert "已陈旧" in chinese


def test_a_plan_tells_lanes_that_are_shut_and_what_it_was_made_near_to() -> None:
    shut = ShutLanes(18, datetime(2025, 11, 10, 12, tzinfo=UTC), datetime(2025, 11, 12, 12, tzinfo=UTC))
    basis = replace(weather_basis(), shut=shut, touched=0)
    inputs = replace(plan_inputs(), weather_basis=basis, reference=("plan-trunk-0006", 99))
    page = _text(write_plan_report(inputs, "en").partition('<section id="weather">')[2].partition("</section>")[0])
    assert "18 lanes are shut for hours between 2025-11-10 20:00 and 2025-11-12 20:00" in page
    assert "It is planned near plan-trunk-0006: 99 departures differ from it." in page
    assert "slows, narrows or shuts no lane" not in page
    one = replace(shut, lanes=1)
    page = _text(write_plan_report(replace(inputs, weather_basis=replace(basis, shut=one), reference=("p", 1)), "en"))
    assert "1 lane is shut" in page
    assert "1 departure differs" in page
    chinese = _text(write_plan_report(inputs, "zh"))
    assert re.search(r"有 ?18 ?条干线关闭若干小时", chinese)
    assert re.search(r"99 ?个车次与其不同", chinese)


@pytest.mark.parametrize(
    ("left_out", "told"),
    [(False, ("No weather was read", "未读入天气")), (True, ("leaves the weather on lanes out", "不计干线天气"))],
)
def test_a_plan_without_weather_says_so(left_out: bool, told: tuple[str, str]) -> None:
    inputs = replace(empty_plan(), weather_basis=WeatherBasis(None, left_out, None, (), 0))
    for language, words in zip(("en", "zh"), told, strict=True):
        page = write_plan_report(inputs, language)  # type: ignore[arg-type]
        assert words in page.partition('<section id="weather">')[2].partition("</section>")[0]
        assert 'href="#weather"' in page
