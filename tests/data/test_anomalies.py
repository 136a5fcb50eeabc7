"""Unusual days, routes and hubs that changed."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data.checks.anomalies import find_hub_changes, find_outliers, find_route_changes
from data.contracts import contract
from data.sources import open_file

START = date(2022, 1, 3)


def _volumes(cells: dict[tuple[str, str], dict[int, int]]) -> pl.DataFrame:
    rows = [
        {
            "date": START + timedelta(day),
            "courier_id": "c",
            "origin_hub_id": a,
            "destination_hub_id": b,
            "parcels": parcels,
        }
        for (a, b), days in cells.items()
        for day, parcels in days.items()
    ]
    return contract("route_volumes").conform(pl.DataFrame(rows))


def _usual(days: range, seed: int = 0) -> dict[int, int]:
    noise = np.random.default_rng(seed).normal(1.0, 0.03, 400)
    return {day: int((700 if (START + timedelta(day)).weekday() == 6 else 1000) * noise[day]) for day in days}


def _events(*rows: tuple[str, int, int]) -> pl.DataFrame:
    made = [
        {
            "event_id": name,
            "name": name,
            "kind": "shopping",
            "date_from": START + timedelta(a),
            "date_to": START + timedelta(b),
            "edition": 2022,
        }
        for name, a, b in rows
    ]
    return contract("events").conform(pl.DataFrame(made)) if made else contract("events").empty()


def test_a_clean_weekly_series_has_no_outlier() -> None:
    assert find_outliers(_volumes({("A", "B"): _usual(range(200))}), _events()).height == 0


def test_a_peak_near_an_event_and_an_outlier_elsewhere_are_told_apart() -> None:
    days = _usual(range(200))
    for day, factor in ((60, 4.0), (61, 3.0), (120, 0.2), (150, 2.0)):
        days[day] = int(days[day] * factor)
    found = find_outliers(_volumes({("A", "B"): days}), _events(("sale", 58, 59)))
    network = found.filter(pl.col("subject") == "network").select("kind", "date_from", "date_to").rows()
    assert network == [
        ("peak", START + timedelta(60), START + timedelta(61)),
        ("outlier", START + timedelta(120), START + timedelta(120)),
        ("outlier", START + timedelta(150), START + timedelta(150)),
    ]
    assert set(found["subject"]) == {"network", "hub A out", "hub B in"}
    assert found["detail"][found["kind"].to_list().index("peak")].endswith(", sale")


def test_small_hubs_make_no_noise() -> None:
    tiny = dict.fromkeys(range(200), 5) | {100: 60}
    found = find_outliers(_volumes({("A", "B"): _usual(range(200)), ("X", "Y"): tiny}), _events())
    assert not found["subject"].str.contains("X|Y").any()


def test_routes_that_opened_and_closed() -> None:
    volumes = _volumes(
        {
            ("A", "B"): dict.fromkeys(range(200), 5),
            ("A", "C"): dict.fromkeys(range(100, 200), 5),
            ("A", "D"): dict.fromkeys(range(100), 5) | {150: 0},
            ("A", "E"): dict.fromkeys(range(20, 190), 5),
        }
    )
    assert find_route_changes(volumes).select("kind", "subject", "date_from", "parcels").rows() == [
        ("route closed", "c: A > D", START + timedelta(99), 500),
        ("route opened", "c: A > C", START + timedelta(100), 500),
    ]


def _closing() -> pl.DataFrame:
    return _volumes(
        {
            ("A", "B"): dict.fromkeys(range(100), 500),
            ("A", "C"): dict.fromkeys(range(101), 500),
            ("A", "D"): dict.fromkeys(range(200), 100),
            ("E", "B"): dict.fromkeys(range(200), 5000),
            ("E", "C"): dict.fromkeys(range(200), 5000),
        }
    )


def _changes(day: int, hub: str, successor: str | None = None) -> pl.DataFrame:
    row = {
        "change_id": "1",
        "date": START + timedelta(day),
        "hub_id": hub,
        "change": "closes",
        "successor_hub_id": successor,
    }
    return contract("network_changes").conform(pl.DataFrame([row], schema_overrides={"successor_hub_id": pl.String}))


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        (contract("network_changes").empty(), "unannounced hub change"),
        (_changes(105, "A"), "hub change"),
        (_changes(105, "E", "A"), "hub change"),
        (_changes(105, "E"), "unannounced hub change"),
        (_changes(150, "A"), "unannounced hub change"),
    ],
)
def test_a_hub_that_loses_most_of_its_volume_at_once_is_told(changes: pl.DataFrame, kind: str) -> None:
    found = find_hub_changes(_closing(), changes)
    assert found.drop("table").rows() == [
        (
            kind,
            "hub A",
            START + timedelta(99),
            START + timedelta(100),
            27 * 500 + 28 * 500,
            "2 route(s) out closed, 91 % of its volume",
        )
    ]


def test_empty_volumes_have_nothing_to_find() -> None:
    empty, changes = contract("route_volumes").empty(), contract("network_changes").empty()
    for found in (find_outliers(empty, _events()), find_route_changes(empty), find_hub_changes(empty, changes)):
        assert found.height == 0


def test_the_real_network_shows_its_peaks_and_its_moves(shared: Path) -> None:
    source = open_file(shared / "real" / "mathorcup-2023c" / "route_volumes_2021-01_2022-09.csv.gz")
    raw = pl.concat([batch.frame for batch in source.read()])
    raw.columns = ["origin_hub_id", "destination_hub_id", "date", "parcels"]
    volumes = contract("route_volumes").arrange(raw.with_columns(pl.col("date").str.to_date(), courier_id=pl.lit("c")))
    outliers = find_outliers(volumes, _events()).filter(pl.col("subject") == "network")
    days = {
        day
        for row in outliers.iter_rows(named=True)
        for day in pl.date_range(row["date_from"], row["date_to"], eager=True)
    }
    assert {date(2021, 6, 18), date(2021, 11, 1), date(2021, 11, 11), date(2022, 6, 18)} <= days
    assert len(days) < 30
    moves = find_hub_changes(volumes, contract("network_changes").empty())
    closed = moves.filter((pl.col("subject") == "hub DC21") & (pl.col("date_to") == date(2022, 7, 31)))
    assert closed["detail"].to_list() == ["7 route(s) out closed, 100 % of its volume"]
