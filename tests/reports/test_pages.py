"""Whole pages: what they say, that both languages say the same, and that nothing from the data becomes markup."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from data.contracts import contract
from data.errors import RadarError
from reports.forecast_inputs import ForecastInputs
from reports.forecast_report import write_forecast_report
from reports.formats import LANGUAGES, Language
from reports.page import languages
from reports.plan_report import write_plan_report
from tests.reports.conftest import OUTLINES
from tests.reports.frames import forecast_inputs, network_forecasts
from tests.reports.plan_frames import plan_inputs
from tests.reports.reading import drawings, numbers, shown_values, value_of, words

GOLDEN = Path(__file__).parent / "golden"
PAGES = ("forecast-zh", "forecast-en", "plan-zh", "plan-en")
NASTY = (
    "<script>alert(1)</script>",
    "=1+1",
    "义乌分拨中心",
    '"><img src=x onerror=alert(1)>',
    "长" * 300,
    "a" * 300,
    "{{ 7*7 }} {% raw %}",
    "&amp; ' `",
    "../../etc",
    "javascript:alert(1)",
    "\u202eevil",
)


@pytest.mark.parametrize("name", PAGES)
def test_the_page_says_what_it_said(pages: Mapping[str, str], name: str) -> None:
    file = GOLDEN / f"{name}.txt"
    said = words(pages[name])
    if os.environ.get("WRITE_GOLDEN"):
        file.write_text(said, encoding="utf-8")
    assert said == file.read_text(encoding="utf-8"), "meant? then WRITE_GOLDEN=1 pytest tests/reports/test_pages.py"


@pytest.mark.parametrize("kind", ["forecast", "plan"])
def test_both_languages_give_the_same_numbers(pages: Mapping[str, str], kind: str) -> None:
    chinese, english = numbers(pages[f"{kind}-zh"]), numbers(pages[f"{kind}-en"])
    assert len(chinese) > 200
    assert chinese == english


@pytest.mark.parametrize("kind", ["forecast", "plan"])
def test_both_languages_draw_the_same(pages: Mapping[str, str], kind: str) -> None:
    chinese, english = drawings(pages[f"{kind}-zh"]), drawings(pages[f"{kind}-en"])
    assert len(chinese) > 50
    assert chinese == english


@pytest.mark.parametrize("name", PAGES)
def test_what_is_shown_rounds_what_is_kept(pages: Mapping[str, str], name: str) -> None:
    for value, text in shown_values(pages[name]):
        shown, half = value_of(text)
        assert abs(shown - value) <= half * (1 + 1e-6), text


@pytest.mark.parametrize("name", PAGES)
def test_the_page_loads_nothing(pages: Mapping[str, str], name: str) -> None:
    page = pages[name]
    addresses = set(re.findall(r"""(?:https?:)?//[\w.-]+\.[a-z]+[^\s"'<>]*""", page))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert re.findall(r"<(?:link|img|iframe|object|embed|script)\b[^>]*\b(?:href|src)=\"(?!data:)", page) == []
    assert "default-src 'none'" in page
    assert len(page.encode()) < 1_000_000


def test_the_plans_weather_is_drawn_worst_on_top(pages: Mapping[str, str]) -> None:
    # the red area lies over the yellow one, both below the lanes that the snow slows
    section = pages["plan-en"].partition('<section id="weather">')[2]
    assert (
        section.index('class="area warn"') < section.index('class="area bad"') < section.index('class="lane road warn"')
    )
    assert section.count('class="lane road warn"') == 3
    assert "snow-red" in section[section.index("area bad") :]


def test_the_same_frames_give_the_same_bytes(pages: Mapping[str, str]) -> None:
    assert write_forecast_report(forecast_inputs(), "zh") == pages["forecast-zh"]
    assert write_plan_report(plan_inputs(), "en") == pages["plan-en"]


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, tuple(sorted(name for name, _ in attrs))))


def _tags(page: str) -> set[tuple[str, tuple[str, ...]]]:
    reader = _Tags()
    reader.feed(page)
    # How many labels find room on a map, and how a binding splits into words, depends on the names.
    return {entry for entry in reader.seen if entry[0] != "text"}


def _renamed(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    names = [NASTY[number % len(NASTY)] for number in range(frame.height)]
    return frame.with_columns(pl.Series(column, names))


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_from_the_forecasts_data_stay_text(language: Language) -> None:
    plain = forecast_inputs()
    nasty = replace(
        plain,
        hubs=_renamed(plain.hubs, "name"),
        outlets=_renamed(plain.outlets, "name"),
        couriers=_renamed(plain.couriers, "name"),
        events=_renamed(_renamed(plain.events, "name_zh"), "name"),
        outlines=OUTLINES,
    )
    page = write_forecast_report(nasty, language)
    _assert_tame(page, write_forecast_report(replace(plain, outlines=OUTLINES), language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_from_the_plans_data_stay_text(language: Language) -> None:
    plain = plan_inputs()
    shortfalls = plain.shortfalls
    for column in ("reason", "binding", "cheapest_fix"):
        shortfalls = _renamed(shortfalls, column)
    nasty = replace(
        plain,
        hubs=_renamed(plain.hubs, "name"),
        vehicle_types=_renamed(plain.vehicle_types, "name"),
        shortfalls=shortfalls,
        lane_weather=_renamed(plain.lane_weather, "cause"),
    )
    _assert_tame(write_plan_report(nasty, language), write_plan_report(plain, language))


def _assert_tame(page: str, plain: str) -> None:
    """The page has the elements and attributes that tame names give; the nasty ones are there as text."""
    assert _tags(page) == _tags(plain)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{ 7*7 }}" in page
    assert "长" * 300 in page


def test_a_bare_forecast_is_a_report_too() -> None:
    bare = ForecastInputs(run=forecast_inputs().run, network=network_forecasts())
    text = words(write_forecast_report(bare, "en"))
    assert "No backtest has been run" in text
    assert "No hub has a known sort capacity" in text
    assert "Newly opened" not in text


def test_a_plan_in_which_everything_travels_says_so() -> None:
    inputs = plan_inputs()
    done = inputs.certificates.with_columns(
        parcels_short=pl.lit(0, pl.Int64), parcels_demanded=pl.col("parcels_planned"), status=pl.lit("optimal")
    )
    calm = replace(
        inputs,
        certificates=done,
        shortfalls=contract("shortfalls").empty(),
        lane_weather=contract("lane_weather").empty(),
        weather_basis=replace(inputs.weather_basis, touched=0),
        hub_prices=None,
    )
    text = words(write_plan_report(calm, "en"))
    assert "Every parcel travels" in text
    assert "What cannot travel" not in text
    assert "It slows, narrows or shuts no lane on the plan's days." in text


def test_a_plan_the_checker_refuses_is_not_praised() -> None:
    inputs = plan_inputs()
    broken = replace(inputs, certificates=inputs.certificates.with_columns(violations=pl.lit(3, pl.Int64)))
    text = words(write_plan_report(broken, "en"))
    assert "found 3 rules broken" in text
    assert "found no rule broken" not in text


def test_a_plan_without_vehicles_or_capacities_is_a_report_too() -> None:
    inputs = plan_inputs()
    still = replace(
        inputs,
        departures=inputs.departures.clear(),
        flows=inputs.flows.filter(pl.col("path").list.len() == 0),
        hub_loads=inputs.hub_loads.with_columns(capacity=pl.lit(None, pl.Int64), utilisation=pl.lit(None, pl.Float64)),
    )
    text = words(write_plan_report(still, "zh"))
    assert "没有车辆出发" in text
    assert "没有分拨中心给出分拣能力" in text
    assert "流量与证书相差" in text


def test_tables_are_cut_and_tell_how_to_get_the_rest(pages: Mapping[str, str]) -> None:
    text = words(pages["forecast-en"])
    assert "Showing 15 of 240; 225 more with radar export route_forecasts --format xlsx." in text


@pytest.mark.parametrize(
    ("text", "expected"), [("zh,en", ("zh", "en")), ("en", ("en",)), (" EN , zh ", ("zh", "en")), ("en,en", ("en",))]
)
def test_languages_as_typed(text: str, expected: tuple[str, ...]) -> None:
    assert languages(text) == expected


@pytest.mark.parametrize("text", ["", ",", "de", "zh,xx"])
def test_an_unknown_language_is_told(text: str) -> None:
    with pytest.raises(RadarError, match="any of zh, en"):
        languages(text)


def test_a_joint_plan_tells_what_stock_ahead_saves_and_which_hub_days_it_relieves() -> None:
    plain = plan_inputs()
    told = {
        "rivals": [
            {"plan": "joint", "cost": 900_000.0, "parcels_short": 0.0},
            {"plan": "nothing ahead", "cost": 1_000_000.0, "parcels_short": 0.0},
        ],
        "relieved": [
            {"date": "2025-11-12", "hub_id": "CAN", "before": 1.0, "after": 0.9},
            {"date": "2025-11-11", "hub_id": "<b>", "before": 0.95, "after": 0.871},
        ],
    }
    joint = replace(plain, run=replace(plain.run, options={**plain.run.options, **told}))
    words: dict[Language, str] = {"en": "saves", "zh": "节省"}
    for language, saves in words.items():
        page = write_plan_report(joint, language)
        part = page[page.index('<section id="ahead">') :]
        part = part[: part.index("</section>")]
        assert saves in part
        assert [value for value in ("10.0%", "100%", "90%", "95%", "87%") if value not in part] == []
        assert "<b>" not in part
        assert 'id="ahead"' not in write_plan_report(plain, language)
    costs = {"trunk": 880_000.0, "stock": 15_000.0, "joint": 895_000.0}
    rows = [
        joint.certificates.head(1).with_columns(
            plan=pl.lit(name), cost=pl.lit(cost), parcels_short=pl.lit(0), parcels_late=pl.lit(40)
        )
        for name, cost in costs.items()
    ]
    against = {"run_id": "plan-trunk-0007", "cost": 1_000_000.0, "parcels_short": 0, "parcels_late": 1_240}
    fuller = [{"date": "2025-11-13", "hub_id": "CAN", "before": 0.7, "after": 0.83}]
    held = replace(
        joint,
        certificates=pl.concat(rows),
        run=replace(joint.run, options={**joint.run.options, "against": against, "burdened": fuller}),
    )
    page = write_plan_report(held, "en")
    part = page[page.index('<section id="ahead">') :]
    part = " ".join(part[: part.index("</section>")].split())
    for text in ("895", "10.5%", "plan-trunk-0007", "1,200</data> parcels fewer are late", "83%"):
        assert text in part
    assert "&#39;before&#39;" not in page  # what a run keeps of its results is no option
    short = [{**told["rivals"][0], "cost": 1_100_000.0}, {**told["rivals"][1], "parcels_short": 5_000.0}]
    inputs = replace(plain, run=replace(plain.run, options={**plain.run.options, "rivals": short}))
    page = write_plan_report(inputs, "en")
    assert "5,000" in page[page.index('<section id="ahead">') :]
