"""Reports in a real Chromium: nothing is loaded, nothing complains, charts stand, tables sort, narrow screens work."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from benchmarks.reliability.pages import A4, OVERFLOWS, OVERPRINTS, WIDEN_HAN
from reports.forecast_report import write_forecast_report
from reports.hub_sheets import write_sheets
from reports.plan_report import write_plan_report
from reports.playbook_card import write_cards
from tests.conftest import lacks
from tests.reports.odd_frames import LONG, empty_plan, odd_forecast, odd_plan
from tests.reports.plan_frames import RUN
from tests.reports.test_hub_sheets import sheet_inputs
from tests.reports.test_playbook_card import HUBS, SHANGHAI, cards

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAGES = ("forecast-zh", "forecast-en", "plan-zh", "plan-en")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Words of the figures at the head of a page that stand on two lines.
BROKEN = r"""[...document.querySelectorAll('.figures .value')].flatMap(box => {
  const found = [], texts = document.createTreeWalker(box, NodeFilter.SHOW_TEXT), range = document.createRange();
  while (texts.nextNode()) for (const word of texts.currentNode.data.matchAll(/\S+/g)) {
    range.setStart(texts.currentNode, word.index);
    range.setEnd(texts.currentNode, word.index + word[0].length);
    if (range.getClientRects().length > 1) found.push(word[0]);
  }
  return found;
})"""
HEADS = {
    "forecast-zh": "迎来高峰",
    "forecast-en": "Peak on Wed 12 Nov 2025",
    "plan-zh": "无法运出",
    "plan-en": "parcels cannot travel",
}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium."""
    found = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    if found is None:
        lacks("Chromium", "install it (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


class _Watched:
    """A page with all it tried to load and all it complained about."""

    def __init__(self, browser: Browser, file: Path, width: int = 1280, scheme: str = "light") -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        dark = scheme == "dark"
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        self.page: Page = self.context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.route(
            "**/*", lambda route: route.continue_() if route.request.url == file.as_uri() else route.abort()
        )
        self.page.goto(file.as_uri())


@pytest.fixture(scope="module")
def files(pages: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The pages as files."""
    folder = tmp_path_factory.mktemp("pages")
    for name, page in pages.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in pages}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_nothing_and_does_not_complain(chromium: Browser, files: Mapping[str, Path], name: str) -> None:
    watched = _Watched(chromium, files[name])
    watched.page.mouse.wheel(0, 4000)
    watched.page.wait_for_load_state("networkidle")
    requests = [url for url in watched.requests if not url.startswith("data:")]
    assert requests == [files[name].as_uri()]
    assert watched.complaints == []
    assert HEADS[name] in watched.page.locator("h1").inner_text()
    assert watched.page.evaluate("document.documentElement.lang") == {"zh": "zh-CN", "en": "en"}[name[-2:]]
    watched.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_charts_and_map_are_drawn_in_the_pages_colours(chromium: Browser, files: Mapping[str, Path], name: str) -> None:
    colours = {}
    for scheme in ("light", "dark"):
        watched = _Watched(chromium, files[name], scheme=scheme)
        charts = watched.page.locator("svg.chart, svg.map")
        assert charts.count() == {"forecast": 4, "plan": 3}[name.split("-")[0]]
        for number in range(charts.count()):
            box = charts.nth(number).bounding_box()
            assert box is not None
            assert box["width"] > 400
            assert box["height"] > 150
        kind = "path[fill='var(--accent)'], path[stroke='var(--accent)'], path[fill='var(--own)']"
        colours[scheme] = watched.page.locator(kind).first.evaluate(
            "mark => { const s = getComputedStyle(mark); return s.stroke === 'none' ? s.fill : s.stroke; }"
        )
        watched.context.close()
    assert colours["light"].startswith("rgb")
    assert colours["light"] != colours["dark"]


def _column(page: Page, table: str, place: int) -> list[float]:
    values: list[float] = page.evaluate(
        "([id, place]) => [...document.getElementById(id).tBodies[0].rows]"
        ".map(row => row.cells[place].querySelector('data')).filter(Boolean).map(data => Number(data.value))",
        [table, place],
    )
    return values


def test_tables_sort_both_ways_and_keep_the_empty_last(chromium: Browser, files: Mapping[str, Path]) -> None:
    watched = _Watched(chromium, files["forecast-en"])
    page = watched.page
    before = _column(page, "hub-table", 2)
    head = page.locator("#hub-table thead th").nth(2)
    button = head.locator("button")
    button.click()
    assert head.get_attribute("aria-sort") == "descending"
    assert _column(page, "hub-table", 2) == sorted(before, reverse=True)
    button.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert _column(page, "hub-table", 2) == sorted(before)
    share = page.locator("#hub-table thead th").nth(8).locator("button")
    share.click()
    share.click()
    last = page.locator("#hub-table tbody tr").last.locator("td").nth(8)
    assert last.inner_text().strip() == "–"
    names = page.locator("#hub-table thead th").nth(0).locator("button")
    names.click()
    shown = page.locator("#hub-table tbody tr td:first-child .name").all_inner_texts()
    assert shown == sorted(shown)
    watched.context.close()


def test_a_day_of_the_chart_tells_its_numbers(chromium: Browser, files: Mapping[str, Path]) -> None:
    watched = _Watched(chromium, files["forecast-zh"])
    day = watched.page.locator("svg.chart [fill='var(--hover)'][aria-label^='11月12日']").first
    day.hover()
    tip = watched.page.locator("#tip")
    assert tip.evaluate("tip => tip.classList.contains('on')")
    assert "151,556,909" in tip.inner_text()
    assert "上一届" in tip.inner_text()
    watched.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_narrow_screen_scrolls_tables_and_not_the_page(
    chromium: Browser, files: Mapping[str, Path], name: str
) -> None:
    watched = _Watched(chromium, files[name], width=390)
    page = watched.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    wide = page.evaluate(
        "[...document.querySelectorAll('.scroll')].filter(box => box.scrollWidth > box.clientWidth + 1).length"
    )
    assert wide >= 3
    moved = page.evaluate(
        "(() => { const box = [...document.querySelectorAll('.scroll')].find(b => b.scrollWidth > b.clientWidth + 1);"
        "box.scrollLeft = 50; return box.scrollLeft; })()"
    )
    assert moved == 50
    figures = page.locator(".figures > div").all()
    assert all((box := figure.bounding_box()) is not None and box["width"] >= 150 for figure in figures)
    assert page.evaluate(BROKEN) == []
    watched.context.close()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [390, 768, 1440, A4])
def test_nothing_is_cut_and_no_words_are_printed_over_each_other(
    chromium: Browser, files: Mapping[str, Path], name: str, width: int
) -> None:
    watched = _Watched(chromium, files[name], width=width)
    page = watched.page
    page.evaluate(WIDEN_HAN)
    if width == A4:
        page.emulate_media(media="print")
    if width in (1440, A4):
        assert page.evaluate(
            "[...document.querySelectorAll('.scroll')].every(box => box.scrollWidth <= box.clientWidth + 1)"
        )
    assert page.evaluate(OVERFLOWS) == []
    assert page.evaluate(OVERPRINTS) == []
    watched.context.close()


ODD = {
    "forecast": lambda: write_forecast_report(odd_forecast(), "zh"),
    "plan": lambda: write_plan_report(odd_plan(), "zh"),
    "empty plan": lambda: write_plan_report(empty_plan(), "zh"),
    "sheets of hubs": lambda: write_sheets(replace(sheet_inputs(), hubs=_at_length(sheet_inputs().hubs)), "zh"),
    "playbook": lambda: write_cards(cards(LONG), _at_length(HUBS), RUN, "zh", SHANGHAI),
}


def _at_length(hubs: pl.DataFrame) -> pl.DataFrame:
    return hubs.with_columns(name_zh=pl.format("{}{}", "name_zh", pl.lit(LONG)))


@pytest.mark.parametrize("name", ODD)
def test_nothing_is_cut_of_long_names_many_outlets_and_empty_plans(
    chromium: Browser, tmp_path: Path, name: str
) -> None:
    file = tmp_path / f"{name}.html"
    file.write_text(ODD[name](), encoding="utf-8")
    for width in (390, 768, 1440, A4):
        watched = _Watched(chromium, file, width=width)
        if width == A4:
            watched.page.emulate_media(media="print")
        watched.page.evaluate(WIDEN_HAN)
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
        assert watched.page.evaluate(OVERFLOWS) == [], width
        assert watched.page.evaluate(OVERPRINTS) == [], width
        assert watched.complaints == []
        watched.context.close()


def test_what_measures_overflow_finds_it(chromium: Browser, files: Mapping[str, Path]) -> None:
    watched = _Watched(chromium, files["plan-en"], width=390)
    page = watched.page
    page.evaluate("document.querySelector('h1').style.width = '500px'")
    page.evaluate("document.querySelector('.value').style.cssText = 'white-space: nowrap; width: 20px'")
    assert page.evaluate(BROKEN) == []
    found = page.evaluate(OVERFLOWS)
    assert any(line.startswith("beyond the page: H1") for line in found)
    assert any(line.startswith("too wide: DD.value") for line in found)
    page.evaluate("document.querySelector('.value').style.cssText = 'overflow-wrap: anywhere; width: 20px'")
    assert page.evaluate(BROKEN) != []
    page.evaluate("document.querySelectorAll('svg.chart text').forEach(word => word.setAttribute('transform', ''))")
    assert page.evaluate(OVERPRINTS) != []
    watched.context.close()


def test_chinese_is_measured_as_wide_as_a_reader_sees_it(chromium: Browser, tmp_path: Path) -> None:
    """Two boxes and a chart that fit where no font has the signs, and not where each is as wide as it is high."""
    file = tmp_path / "页.html"
    box = '<div class="value" style="width: 7.5em; white-space: nowrap; overflow: hidden">分拨中心件量预测</div>'
    words = "".join(f'<text x="{x}" y="20" font-size="20">分拨中心</text>' for x in (0, 75))
    chart = f'<svg class="chart" width="300" height="40">{words}</svg>'
    file.write_text(f'<meta charset="utf-8"><p>a</p>{box}{box.replace("分", "a分")}{chart}', encoding="utf-8")
    watched = _Watched(chromium, file, width=390)
    page = watched.page
    before = page.evaluate("document.querySelector('.value').scrollWidth / 16")
    wide = page.evaluate(WIDEN_HAN)
    after = page.evaluate("document.querySelector('.value').scrollWidth / 16")
    assert after == pytest.approx(8.0, abs=0.3)
    assert before == pytest.approx(max(8.0 * wide, 7.5), abs=0.3)
    assert sum(line.startswith(("cut: DIV.value", "too wide: DIV.value")) for line in page.evaluate(OVERFLOWS)) >= 2
    assert page.evaluate(OVERPRINTS) == ["分拨中心 | 分拨中心"]
    watched.context.close()


@pytest.mark.parametrize("name", ["forecast-zh", "forecast-en"])
def test_a_phone_shows_the_days_ahead_first(chromium: Browser, files: Mapping[str, Path], name: str) -> None:
    watched = _Watched(chromium, files[name], width=390)
    box = watched.page.locator("#path figure .scroll")
    edges = box.evaluate("box => [box.scrollLeft, box.scrollWidth - box.clientWidth]")
    assert abs(edges[0] - edges[1]) <= 1
    assert edges[1] > 50
    # The peak's day lies within what is seen of the chart.
    day = watched.page.locator("svg.chart [fill='var(--hover)']").nth(-9)
    seen, place = box.bounding_box(), day.bounding_box()
    assert seen is not None
    assert place is not None
    assert seen["x"] <= place["x"] <= seen["x"] + seen["width"]
    watched.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_reader_who_cannot_see_is_served(chromium: Browser, files: Mapping[str, Path], name: str) -> None:
    watched = _Watched(chromium, files[name])
    page = watched.page
    assert page.locator("main").count() == page.locator("h1").count() == 1
    assert page.evaluate("[...document.querySelectorAll('svg[role=img]')].every(s => s.getAttribute('aria-label'))")
    assert page.evaluate("[...document.querySelectorAll('table.sortable thead th')].every(h => h.scope === 'col')")
    assert page.evaluate("[...document.querySelectorAll('nav a')].every(a => document.querySelector(a.hash))")
    assert page.evaluate(
        "(() => { const ids = [...document.querySelectorAll('[id]')].map(e => e.id);"
        "return ids.length === new Set(ids).size; })()"
    )
    watched.context.close()


@pytest.mark.parametrize("name", ["forecast-en", "plan-zh"])
def test_a_page_prints(chromium: Browser, files: Mapping[str, Path], name: str) -> None:
    # 703 pixels are the 186 mm between the margins of an A4 sheet.
    watched = _Watched(chromium, files[name], width=703)
    watched.page.emulate_media(media="print", color_scheme="dark")
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= 703
    assert watched.page.locator("nav").first.is_hidden()
    assert watched.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    pdf = watched.page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    assert 3 <= pdf.count(b"/Type /Page\n") <= 20
    watched.context.close()
