"""Charts and maps as drawings that stand in a page."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from xml.etree import ElementTree

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.charts import EventMark, path_chart, waterfall_chart
from reports.drawing import sparkline, ticks
from reports.formats import Formats
from reports.maps import AreaMark, HubMark, LaneMark, draw_map
from reports.messages import Messages
from tests.reports.conftest import OUTLINES

EN, WORDS = Formats("en"), Messages("en")
FIRST = date(2025, 11, 1)
NOBODY = pl.DataFrame(schema={"date": pl.Date, "parcels": pl.Int64})


@given(st.floats(min_value=1e-3, max_value=1e12))
def test_ticks_are_even_start_at_zero_and_reach_the_top(top: float) -> None:
    marks = ticks(top)
    step = marks[1]
    assert marks == pytest.approx([step * number for number in range(len(marks))])
    assert marks[-1] >= top * (1 - 1e-6)
    assert 2 <= len(marks) <= 7
    assert marks[-2] < top


def test_ticks_of_nothing() -> None:
    assert ticks(0) == [0.0, 1.0]


def _ahead(days: int, label: str = "Singles' Day") -> str:
    means = [1_000_000 + 1000 * number for number in range(days)]
    ahead = pl.DataFrame(
        {
            "date": [FIRST + timedelta(days=number) for number in range(days)],
            "mean": means,
            **{name: [round(mean * factor) for mean in means] for name, factor in _BANDS.items()},
        }
    )
    event = EventMark(label, FIRST, FIRST + timedelta(days=2), FIRST + timedelta(days=1))
    return path_chart(ahead, NOBODY, NOBODY, [event], EN, WORDS)


_BANDS = {"q10": 0.8, "q25": 0.9, "q75": 1.1, "q90": 1.2}


@pytest.mark.parametrize("days", [1, 2, 16, 120])
def test_the_path_is_drawn_for_any_horizon(days: int) -> None:
    svg = _ahead(days)
    root = ElementTree.fromstring(svg)
    tips = [node.get("aria-label") for node in root.iter() if node.get("fill") == "var(--hover)"]
    assert len(tips) == days
    assert tips[0] == "Sat 1 Nov: 1,000,000 (800,000–1,200,000)"
    assert root.get("viewBox")


def test_names_are_escaped_in_drawings() -> None:
    root = ElementTree.fromstring(_ahead(5, label='<script>alert("1")</script> & 双11'))
    assert [node for node in root.iter() if node.tag.endswith("script")] == []
    assert any(node.text == '<script>alert("1")</script> & 双11' for node in root.iter())


def test_colours_are_the_pages() -> None:
    svg = _ahead(5)
    assert "var(--accent)" in svg
    assert re.findall(r"#fe\w{2}a7", svg) == []
    assert "font-family" not in svg


def test_ids_do_not_clash_in_one_page() -> None:
    waterfall = waterfall_chart([("baseline", 0.0, 10.0), ("event", 10.0, 30.0), ("weather", 30.0, 25.0)], EN, WORDS)
    ids = re.findall(r'id="([^"]+)"', _ahead(5) + waterfall)
    assert len(ids) == len(set(ids))
    assert all(name.startswith(("path-", "waterfall-")) for name in ids)


def test_a_waterfall_of_nothing_is_drawn() -> None:
    steps = [("baseline", 0.0, 0.0), ("event", 0.0, 0.0), ("weather", 0.0, 0.0), ("override", 0.0, 0.0)]
    assert ElementTree.fromstring(waterfall_chart(steps, EN, WORDS)) is not None


def test_a_sparkline_marks_its_highest_day() -> None:
    root = ElementTree.fromstring(sparkline([0, 10, 5], "path"))
    circle = next(node for node in root.iter() if node.tag == "circle")
    assert (circle.get("cx"), circle.get("cy")) == ("48.0", "3.0")
    assert sparkline([4], "path") == ""
    assert ElementTree.fromstring(sparkline([0, 0], "path")) is not None


def _hub(ident: str, latitude: float, longitude: float, load: float = 1.0, name: str = "") -> HubMark:
    return HubMark(ident, name or ident, latitude, longitude, load, "good", overloaded=False, tip=f"{ident} tip")


def test_a_map_has_north_up_and_east_right() -> None:
    root = ElementTree.fromstring(
        draw_map([_hub("N", 40, 110), _hub("S", 30, 110), _hub("E", 35, 120)], [], None, "map")
    )
    place = {
        node.get("data-tip"): (float(node.get("cx", 0)), float(node.get("cy", 0)))
        for node in root.iter()
        if node.get("data-tip")
    }
    assert place["N tip"][1] < place["S tip"][1]
    assert place["E tip"][0] > place["N tip"][0]


def test_hubs_grow_with_the_root_of_their_load() -> None:
    root = ElementTree.fromstring(draw_map([_hub("A", 30, 110, 400), _hub("B", 31, 111, 100)], [], None, "map"))
    radii = {node.get("data-tip"): float(node.get("r", 0)) for node in root.iter() if node.get("data-tip")}
    assert radii["A tip"] - 3 == pytest.approx(2 * (radii["B tip"] - 3), abs=0.11)


def test_lanes_are_as_wide_as_their_parcels_and_lie_behind_the_hubs() -> None:
    lanes = [
        LaneMark("A", "B", "road", 100, "ab"),
        LaneMark("B", "A", "rail", 50, "ba"),
        LaneMark("A", "X", "road", 9, "?"),
    ]
    svg = draw_map([_hub("A", 30, 110), _hub("B", 35, 115)], lanes, None, "map")
    root = ElementTree.fromstring(svg)
    widths = {node.get("data-tip"): float(node.get("stroke-width", 0)) for node in root.iter() if node.tag == "path"}
    assert set(widths) == {"ab", "ba"}
    assert widths["ab"] > widths["ba"]
    assert svg.rindex("<path") < svg.index("<circle")


def test_outlines_are_drawn_and_cut_to_the_map() -> None:
    hubs = [_hub("A", 30, 110), _hub("B", 35, 115)]
    svg = draw_map(hubs, [], OUTLINES, "map")
    land = re.search(r'class="land"[^>]* d="([^"]*)"', svg)
    assert land is not None
    corners = [float(number) for number in re.findall(r"-?[\d.]+", land[1])]
    assert max(corners) <= 1004.1
    assert min(corners) >= -4.1
    assert 'class="land"' not in draw_map(hubs, [], None, "map")


def test_a_map_without_places_is_none_and_one_hub_is_enough() -> None:
    assert draw_map([], [], OUTLINES, "map") == ""
    assert ElementTree.fromstring(draw_map([_hub("A", 30, 110, 0.0)], [], OUTLINES, "map")) is not None


def test_labels_never_overlap() -> None:
    crowd = [_hub(f"H{number}", 30 + number / 200, 110 + number / 200, 5.0, f"Name {number}") for number in range(40)]
    root = ElementTree.fromstring(draw_map([*crowd, _hub("far", 35, 116)], [], None, "map"))
    rows = [(float(node.get("x", 0)), float(node.get("y", 0))) for node in root.iter() if node.tag == "text"]
    assert 1 <= len(rows) < 41
    assert all(abs(a[1] - b[1]) > 10 or abs(a[0] - b[0]) > 10 for n, a in enumerate(rows) for b in rows[n + 1 :])


def test_names_on_the_map_are_escaped() -> None:
    svg = draw_map([_hub("A", 30, 110, name='<script>"&')], [], None, "<map>")
    root = ElementTree.fromstring(svg)
    assert any(node.text == '<script>"&' for node in root.iter())
    assert root.get("aria-label") == "<map>"


def _area(*corners: tuple[float, float]) -> AreaMark:
    return AreaMark(json.dumps({"type": "Polygon", "coordinates": [[*corners, corners[0]]]}), "bad", "snow")


def test_the_map_widens_to_an_area_beside_the_hubs_and_not_to_one_far_away() -> None:
    hubs = [_hub("S", 30, 110), _hub("N", 40, 120)]
    near = _area((112.0, 41.0), (118.0, 41.0), (118.0, 42.0), (112.0, 42.0))
    far = _area((-60.0, -10.0), (-50.0, -10.0), (-50.0, 0.0))
    plain, widened, distant = (draw_map(hubs, [], None, "map", areas) for areas in ([], [near], [near, far][1:]))
    assert _tops(widened)["area"] >= 0.0
    assert _tops(widened)["hub"] > _tops(plain)["hub"]
    assert _tops(distant)["hub"] == _tops(plain)["hub"]


def _tops(svg: str) -> dict[str, float]:
    """Highest place of hubs and of areas on a drawing."""
    drawn = {"hub": min(float(y) for y in re.findall(r'class="hub[^"]*" cx="[-\d.]+" cy="([-\d.]+)"', svg))}
    area = re.search(r'class="area[^"]*" d="([^"]+)"', svg)
    if area is not None:
        drawn["area"] = min(float(y) for y in re.findall(r"[-\d.]+ ([-\d.]+)", area[1]))
    return drawn
