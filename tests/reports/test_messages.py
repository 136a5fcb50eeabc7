"""The catalogues say the same things with the same placeholders."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import reports
from reports.formats import LANGUAGES, Formats, Language
from reports.messages import Messages, catalogue
from tests.reports.reading import placeholders

FOLDER = Path(reports.__file__).parent


def test_both_catalogues_have_the_same_keys_and_placeholders() -> None:
    chinese, english = catalogue("zh"), catalogue("en")
    assert list(chinese)
    assert set(chinese) == set(english)
    differing = [key for key in english if placeholders(chinese[key]) != placeholders(english[key])]
    assert differing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty(language: Language) -> None:
    assert [key for key, text in catalogue(language).items() if not text.strip()] == []


def test_chinese_texts_are_chinese() -> None:
    plain = {"provenance.version", "column.coverage_80", "column.coverage_90", "risk.hub_day"}
    latin = [
        key
        for key, text in catalogue("zh").items()
        if not re.search(r"[\u4e00-\u9fff。；、]", text) and key not in plain
    ]
    assert [key for key in latin if key != "lanes.pair"] == []


def test_every_text_is_used() -> None:
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for kind in ("*.py", "templates/*")
        for path in FOLDER.glob(kind)
        if path.is_file()
    )
    # Looked up by a group and a value: t.term("mode", ...), t(f"contents.{name}").
    groups = set(re.findall(r'term\(\s*"(\w+)"', code)) | set(re.findall(r'f"(\w+)\.\{', code))
    groups |= set(re.findall(r'f"(\w+)\.the_\{', code))
    unused = [
        key
        for key in catalogue("en")
        if f'"{key}"' not in code
        and f"'{key}'" not in code
        and key.split(".")[0] not in groups
        and key.rpartition("_")[0] != "legend.lane"
    ]
    assert unused == []


def test_values_are_escaped_and_texts_pick_their_number() -> None:
    t = Messages("en")
    assert "&lt;b&gt;" in t("provenance.table_version", version="<b>")
    assert t("hubs.title_over", n="1") == "1 hub goes over its sort capacity"
    assert t("hubs.title_over", n="3") == "3 hubs go over their sort capacity"
    assert t("weather.map_caption", lanes="1", warnings="2").startswith("1 lane touched, ")
    assert "; 1 warning, dashed." in t("weather.map_caption", lanes="12", warnings="1")
    assert "for 1 cause." not in t("shortfalls.lead", parcels="2", routes="2", causes=Formats("en").count(2))
    assert re.sub("<[^>]*>", "", t("shortfalls.lead", parcels="2", routes="2", causes=Formats("en").count(1))).endswith(
        "for 1 cause."
    )
    assert Messages("zh")("hubs.title_over", n="1") == "1 个分拨中心将超出分拣能力"
    assert t.term("mode", "rail") == "Rail"
    assert t.term("mode", "barge") == "barge"


def test_no_count_stands_before_a_plural_alone() -> None:
    """Where a number is filled in before a plural of its own, the text says what one of them is called."""
    counted = re.compile(
        r"\{(?:n|lanes|hubs|routes|outlets|parcels|warnings|days|units|departures|amount)\} [a-z-]+s\b"
    )
    others = {  # never one there (millions, tenths of days, factors), or no noun behind it
        "forecast.headline", "forecast.headline_plain", "waterfall.base", "advice.why.near", "incident.volume",
        "incident.slower_sort",
    }  # fmt: skip
    assert {key: text for key, text in catalogue("en").items() if counted.search(text)}.keys() - others == set()


def test_an_unknown_key_is_a_defect() -> None:
    with pytest.raises(KeyError):
        Messages("zh")("no.such")


def test_every_part_of_a_search_has_a_word() -> None:
    routing = "\n".join(path.read_text(encoding="utf-8") for path in sorted((FOLDER.parent / "routing").rglob("*.py")))
    parts = set(re.findall(r"(?:\.share\(|\.count\(|_part\(deadline, )\s*\"([a-z ]+)\"", routing)) | {"search"}
    assert {"annealing", "way made for what is short", "moves"} <= parts
    told = {key.removeprefix("search.") for key in catalogue("en") if key.startswith("search.")}
    assert parts == told
