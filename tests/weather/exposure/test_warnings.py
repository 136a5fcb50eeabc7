"""Messages of one storm: issued, updated, cancelled, said twice, broken."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from weather.exposure.warnings import acting_warnings

START = datetime(2025, 11, 10, 12, tzinfo=UTC)


def area(west: float = 0.0) -> str:
    ring = [[west, 0.0], [west + 1.0, 0.0], [west + 1.0, 1.0], [west, 1.0], [west, 0.0]]
    return json.dumps({"type": "Polygon", "coordinates": [ring]})


def message(name: str, issued: float | None = -12.0, **changes: Any) -> dict[str, Any]:
    row = {
        "warning_id": name,
        "issued_at": None if issued is None else START + timedelta(hours=issued),
        "status": "actual",
        "message_type": "alert",
        "supersedes": None,
        "kind": "snow",
        "severity": "orange",
        "onset": START,
        "expires": START + timedelta(hours=24),
        "area": area(),
    }
    return row | changes


def table(*rows: dict[str, Any]) -> pl.DataFrame:
    times: dict[str, pl.DataType] = {name: pl.Datetime("us", "UTC") for name in ("issued_at", "onset", "expires")}
    words: dict[str, pl.DataType] = dict.fromkeys(("supersedes", "status", "message_type"), pl.String())
    return pl.DataFrame(rows, schema_overrides=times | words, infer_schema_length=None)


def acting(*rows: dict[str, Any], as_of: float | None = None) -> list[str]:
    moment = None if as_of is None else START + timedelta(hours=as_of)
    return acting_warnings(table(*rows), moment).frame["warning_id"].to_list()


def test_only_what_was_issued_by_then_is_known() -> None:
    early, late, always = message("A", -12), message("B", -2, area=area(5)), message("C", None, area=area(9))
    assert acting(early, late, always, as_of=-6) == ["A", "C"]
    assert acting(early, late, always) == ["A", "B", "C"]


def test_exercises_tests_drafts_and_system_messages_do_not_act() -> None:
    words = ("exercise", "system", "test", "draft")
    assert acting(*(message(word, status=word) for word in words), message("A", status=None)) == ["A"]


def test_update_replaces_what_it_names_and_is_unknown_before_it_is_issued() -> None:
    first = message("A", -12)
    update = message("B", -6, message_type="update", supersedes="A", severity="red")
    assert acting(first, update, as_of=-7) == ["A"]
    assert acting(first, update, as_of=-6) == ["B"]


def test_cancellation_ends_every_warning_it_names() -> None:
    both = [message("A", -12), message("B", -11, area=area(5)), message("C", -10, area=area(9))]
    cancel = message("D", -3, message_type="cancel", supersedes="A | B")
    assert acting(*both, cancel) == ["C"]


def test_warning_stood_until_it_was_cancelled() -> None:
    cancel = message("B", 6, message_type="cancel", supersedes="A")
    frame = acting_warnings(table(message("A"), cancel)).frame
    assert frame["expires"].to_list() == [START + timedelta(hours=6)]


def test_cancellation_that_is_only_a_test_cancels_nothing() -> None:
    cancel = message("B", -6, message_type="cancel", supersedes="A", status="test")
    assert acting(message("A"), cancel) == ["A"]


def test_message_of_several_warnings_is_cancelled_whole() -> None:
    parts = [message("M#1"), message("M#2", area=area(5))]
    assert acting(*parts, message("N", -3, message_type="cancel", supersedes="M")) == []
    assert acting(*parts, message("N", -3, message_type="cancel", supersedes="M#2")) == ["M#1"]


def test_chain_of_updates_leaves_the_last() -> None:
    chain = [
        message("A", -12),
        message("B", -8, message_type="update", supersedes="A"),
        message("C", -4, message_type="update", supersedes="B"),
    ]
    assert acting(*chain) == ["C"]
    assert acting(*reversed(chain), as_of=-5) == ["B"]


def test_update_that_names_itself_stands() -> None:
    assert acting(message("A", message_type="update", supersedes="A")) == ["A"]


def test_one_thing_said_twice_counts_once() -> None:
    turned = json.dumps({"type": "Polygon", "coordinates": [[[1, 1], [0, 1], [0, 0], [1, 0], [1, 1]]]})
    assert acting(message("A"), message("B", area=turned, kind="Snow "), message("C", severity="red")) == ["A", "C"]


def test_bad_warnings_are_named_and_the_others_stay() -> None:
    rows = [message("A"), message("B", area="no json"), message("C", area='{"type": "Point", "coordinates": [1, 2]}')]
    found = acting_warnings(table(*rows))
    assert found.frame["warning_id"].to_list() == ["A"]
    assert len(found.areas) == 1
    assert set(found.set_apart) == {"B", "C"}
    assert "Point" in found.set_apart["C"]


def test_mended_area_is_told() -> None:
    tie = json.dumps({"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]})
    assert acting_warnings(table(message("A", area=tie))).notes == {"A": "crosses itself and was mended"}


def test_old_tables_without_messages_are_read() -> None:
    old = table(message("A")).drop("issued_at", "status", "message_type", "supersedes")
    assert acting_warnings(old, START).frame.height == 1


@pytest.mark.parametrize("as_of", [None, START])
def test_no_warnings_at_all(as_of: datetime | None) -> None:
    found = acting_warnings(table(message("A")).clear(), as_of)
    assert found.frame.is_empty()
    assert found.areas.empty
