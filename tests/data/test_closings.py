"""Closings and openings are found in shares: past, present, of hubs and of routes, and told with the row to add."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from data import closings
from data.checks.hub_closings import find_unannounced_closings
from data.closings import Closing, find_closings, leave_out_announced
from data.contracts import contract
from data.silent_days import find_silences

START = dt.date(2024, 1, 1)
HUBS = ("A", "B", "C", "D")
DAYS = 150


def day(at: int) -> dt.date:
    return START + dt.timedelta(days=at)


def volumes(closed: Callable[[int, str, str], bool], factor: Callable[[int], float] = lambda _: 1.0) -> pl.DataFrame:
    """All routes among four hubs, 100 parcels a day each with some noise, but those that are closed."""
    draws = np.random.default_rng(1).poisson(100, size=(DAYS, len(HUBS), len(HUBS)))
    rows = [
        (day(at), "c", origin, destination, int(draws[at, i, j] * factor(at)))
        for at in range(DAYS)
        for i, origin in enumerate(HUBS)
        for j, destination in enumerate(HUBS)
        if not closed(at, origin, destination)
    ]
    names = ["date", "courier_id", "origin_hub_id", "destination_hub_id", "parcels"]
    return pl.DataFrame(rows, schema=names, orient="row")


def test_a_hub_that_was_shut_for_weeks_before_is_known_for_it() -> None:
    """Shut for five weeks, open for a fortnight as for a sale, and shut again."""
    found = find_closings(volumes(lambda at, _, to: to == "B" and (90 <= at < 127 or at >= 141)))
    assert told(found) == [("closes", "hub B", "in", day(90), day(126)), ("closes", "hub B", "in", day(141), None)]
    assert [one.days_before for one in found] == [0, 37]


@pytest.mark.parametrize(
    ("closed_days", "kinds"), [(40, ["closes"]), (70, ["opens"])], ids=["a closing", "too long for one"]
)
def test_what_comes_back_after_a_closing_has_not_opened(closed_days: int, kinds: list[str]) -> None:
    """Both were silent for four weeks and more; what closed for longer than a closing lasts is new."""
    back = DAYS - 10
    found = find_closings(volumes(lambda at, origin, _: back - closed_days <= at < back and origin == "B"))
    assert [one.change for one in found] == kinds


@pytest.mark.parametrize("lasts", [True, False])
@pytest.mark.parametrize(("week_before", "kept"), [(2, 0.5 / 0.875), (1, 1.0)])
def test_a_hub_that_faded_before_it_closed_is_told_from_one_that_fell_silent_at_once(
    lasts: bool, week_before: int, kept: float
) -> None:
    first = DAYS - 10
    until = DAYS if lasts else first + 5
    known = volumes(lambda at, origin, _: first <= at < until and origin == "B")
    week = (pl.col("origin_hub_id") == "B") & pl.col("date").is_between(day(first - 7), day(first - 1))
    parcels = pl.when(week).then(pl.col("parcels") // week_before).otherwise("parcels").alias("parcels")
    (one,) = find_closings(known.with_columns(parcels))
    # Half of what it sent, in a network that sends an eighth less for it.
    assert one.kept == pytest.approx(kept, abs=0.04)
    assert (one.until is None) == lasts


def told(found: tuple[Closing, ...]) -> list[tuple[str, str, str | None, dt.date, dt.date | None]]:
    return [(one.change, one.name, one.direction, one.date, one.until) for one in found]


def test_two_hubs_that_closed_and_one_that_is_closed_are_three_closings() -> None:
    def closed(at: int, origin: str, destination: str) -> bool:
        return (
            (60 <= at < 70 and "B" in (origin, destination))
            or (100 <= at < 105 and destination == "C")
            or (at >= 143 and origin == "D")
        )

    found = find_closings(volumes(closed))
    assert told(found) == [
        ("closes", "hub B", None, day(60), day(69)),
        ("closes", "hub C", "in", day(100), day(104)),
        ("closes", "hub D", "out", day(143), None),
    ]
    assert found[2].share == pytest.approx(0.25, rel=0.05)
    assert found[2].days == 7
    assert "closed until …?" in found[2].tell()
    assert found[2].row_to_add() == f"date={day(143)}, until=?, hub_id=D, direction=out, change=closes"


def test_a_route_is_found_where_its_hubs_went_on() -> None:
    found = find_closings(
        volumes(lambda at, origin, destination: 80 <= at < 90 and (origin, destination) == ("A", "B"))
    )
    assert told(found) == [("closes", "route A > B", None, day(80), day(89))]
    assert "scope=route, origin_hub_id=A, destination_hub_id=B" in found[0].row_to_add()


def test_a_hub_of_ten_days_is_an_opening_and_an_old_one_is_none() -> None:
    assert told(find_closings(volumes(lambda at, origin, destination: at < 140 and "D" in (origin, destination)))) == [
        ("opens", "hub D", None, day(140), None)
    ]
    assert find_closings(volumes(lambda at, origin, destination: at < 90 and "D" in (origin, destination))) == ()


@pytest.mark.parametrize(
    "closed",
    [
        lambda at, origin, _: at % 7 == 6 and origin == "B",
        lambda at, origin, _: at % 7 >= 4 and origin == "B",
        lambda at, origin, _: 60 <= at < 62 and origin == "B",
        lambda at, origin, _: at >= 100 and origin == "B",
        lambda *_: False,
    ],
    ids=["rests on Sundays", "works four days a week", "two days", "gone for good", "always there"],
)
def test_habits_short_silences_and_ends_are_no_closings(closed: Callable[[int, str, str], bool]) -> None:
    assert find_closings(volumes(closed)) == ()


def test_days_on_which_the_whole_network_slumps_tell_nothing_of_a_hub() -> None:
    frame = volumes(
        lambda at, origin, destination: 60 <= at < 70 and "B" in (origin, destination),
        factor=lambda at: 0.1 if 58 <= at < 72 else 1.0,
    )
    assert find_closings(frame) == ()


def test_a_suspected_silence_of_a_small_hub_is_a_closing() -> None:
    large = volumes(lambda *_: False).with_columns(pl.col("parcels") * 1000)
    small = large.filter(pl.col("origin_hub_id") == "A", ~pl.col("date").is_between(day(60), day(66)))
    small = small.with_columns(pl.lit("tiny").alias("origin_hub_id"), (pl.col("parcels") // 2000).alias("parcels"))
    frame = pl.concat([large, small])
    assert told(find_closings(frame, find_silences(frame))) == [("closes", "hub tiny", "out", day(60), day(66))]


def test_a_change_that_is_told_announces_its_closing_only() -> None:
    frame = volumes(
        lambda at, origin, destination: (
            (60 <= at < 70 and "B" in (origin, destination)) or (at >= 143 and origin == "D")
        )
    )
    row = {"change_id": "x", "date": day(58), "until": day(69), "hub_id": "B", "change": "closes", "scope": "hub"}
    changes = pl.concat([contract("network_changes").empty(), pl.DataFrame([row])], how="diagonal_relaxed")
    assert [one.name for one in leave_out_announced(find_closings(frame), changes)] == ["hub D"]
    findings = find_unannounced_closings(frame, changes)
    assert findings.select("kind", "subject", "date_from", "date_to").rows() == [
        ("unannounced closing", "hub D", day(143), None)
    ]
    assert "network_changes: date=" in findings["detail"][0]


def test_no_volumes_have_no_closings() -> None:
    assert find_closings(contract("route_volumes").empty()) == ()


def test_routes_are_summed_over_couriers_before_they_count_as_small() -> None:
    random = np.random.default_rng(1)
    keys = ["origin_hub_id", "destination_hub_id"]
    rows = [
        (dt.date(2025, 1, 1) + dt.timedelta(days=day), courier, origin, destination, int(random.lognormal(2.0, 2.0)))
        for day in range(6)
        for courier in ("A", "B", "C")
        for origin in "UVWXYZ"
        for destination in "UVWXYZ"
    ]
    columns = ["date", "courier_id", *keys, "parcels"]
    volumes = pl.DataFrame(rows, schema=columns, orient="row")
    first = dt.date(2025, 1, 1)
    everyone, sums = closings._sum_by(volumes, keys, first)
    large = (sums >= 0.05 * sums.sum(axis=0)).any(axis=1)
    assert 3 < large.sum() < 30
    names, found = closings._sum_by(volumes, keys, first, 0.05)
    assert names == [name for name, one in zip(everyone, large, strict=True) if one]
    np.testing.assert_array_equal(found, sums[large])
