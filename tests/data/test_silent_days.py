"""What a missing day means: unknown, a rest day, a suspected closure, or zero because somebody says so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import polars as pl
import pytest

from data.silent_days import Gap, Silence, find_gap, find_silences, tell_silences

START = dt.date(2024, 1, 1)  # a Monday


def day(at: int) -> dt.date:
    return START + dt.timedelta(days=at)


def volumes(silent: Callable[[int, str, str], bool], days: int = 200, parcels: int = 100) -> pl.DataFrame:
    """Rows of two couriers and three hubs on every day on which they are not silent."""
    rows = [
        {"date": day(at), "courier_id": courier, "origin_hub_id": hub, "destination_hub_id": "Z", "parcels": parcels}
        for at in range(days)
        for courier in ("a", "b")
        for hub in ("H1", "H2", "H3")
        if not silent(at, courier, hub)
    ]
    return pl.DataFrame(rows)


def test_a_month_of_the_whole_network_is_unknown_and_two_gaps_are_two() -> None:
    gaps = find_silences(volumes(lambda at, *_: 60 <= at < 91 or at == 150))
    assert gaps == (
        Silence("network", "", day(60), day(90), 31, "unknown"),
        Silence("network", "", day(150), day(150), 1, "unknown"),
    )
    told = tell_silences(gaps)
    assert len(told) == 1
    assert told[0].startswith("32 days without any row")
    assert f"{day(60)} to {day(90)}, {day(150)}" in told[0]


def test_days_told_as_closed_are_no_unknown_ones() -> None:
    frame = volumes(lambda at, *_: 60 <= at < 91)
    gaps = find_silences(frame, closed=[(day(70), day(72)), (day(100), day(101))])
    assert [(run.meaning, run.days) for run in gaps] == [("unknown", 10), ("unknown", 18), ("closed", 3)]


def test_every_sunday_is_a_rest_day_also_beside_a_gap() -> None:
    assert find_silences(volumes(lambda at, *_: at % 7 == 6)) == ()
    (gap,) = find_silences(volumes(lambda at, *_: at % 7 == 6 or 70 <= at < 84))
    assert gap.scope == "network"
    # The Sunday before belongs to the gap or to the habit: both are no parcels to learn from.
    assert day(69) <= gap.date_from <= day(70)
    assert day(82) <= gap.date_to <= day(83)


def test_a_courier_is_unknown_while_the_others_have_rows_until_it_has_left() -> None:
    frame = volumes(lambda at, courier, _: courier == "b" and 100 <= at < 120)
    assert find_silences(frame) == (Silence("courier", "b", day(100), day(119), 20, "unknown"),)
    assert find_silences(volumes(lambda at, courier, _: courier == "b" and at >= 150)) == ()
    assert [run.days for run in find_silences(volumes(lambda at, courier, _: courier == "b" and at >= 190))] == [10]


def test_a_hub_is_unknown_for_two_days_and_suspected_closed_for_more() -> None:
    frame = volumes(lambda at, _, hub: (hub == "H1" and at in (50, 51)) or (hub == "H2" and 90 <= at < 99))
    assert find_silences(frame) == (
        Silence("hub", "H1", day(50), day(51), 2, "unknown"),
        Silence("hub", "H2", day(90), day(98), 9, "suspected"),
    )


def test_a_row_of_no_parcels_is_a_known_day() -> None:
    frame = volumes(lambda at, *_: at == 60)
    zero = frame.head(1).with_columns(pl.lit(day(60)).alias("date"), pl.lit(0, dtype=pl.Int64).alias("parcels"))
    assert len(find_silences(frame)) == 1
    assert [run.scope for run in find_silences(pl.concat([frame, zero]))] == ["courier", "hub", "hub"]


@pytest.mark.parametrize("parcels", [3, 100])
def test_trickles_and_networks_of_many_empty_days_mean_zero(parcels: int) -> None:
    scattered = volumes(lambda at, *_: (at * 7919) % 10 < 3, parcels=parcels)
    assert find_silences(scattered) == ()
    assert find_silences(volumes(lambda at, *_: at == 60, parcels=parcels)) == () or parcels == 100


@pytest.mark.parametrize(
    ("as_of", "gap"),
    [
        (199, None),
        (204, None),  # up to so many days are bridged
        (209, (10, 199, 0)),
        (564, (365, 199, 0)),
        (150, None),
        (165, (15, 150, 0)),
        (170, (19, 150, 1)),
        (171, (19, 150, 2)),
        (175, (19, 150, 6)),
        (176, None),
    ],
)
def test_days_before_the_as_of_date_are_counted_also_before_days_that_stand_alone(
    as_of: int, gap: tuple[int, int, int] | None
) -> None:
    frame = volumes(lambda at, *_: 151 <= at < 170)
    assert find_gap(frame, day(as_of), 7) == (None if gap is None else Gap(gap[0], day(gap[1]), gap[2]))


def test_a_silence_as_long_as_one_before_leaves_nothing_alone() -> None:
    frame = volumes(lambda at, *_: 51 <= at < 70 or 151 <= at < 170)
    assert find_gap(frame, day(171), 7) is None
    assert find_gap(frame, day(170), 7) == Gap(19, day(150), 1)  # nothing at all is known of the days before


def test_days_the_network_rested_on_are_no_gap() -> None:
    frame = volumes(lambda at, *_: 151 <= at < 170)
    assert find_gap(frame, day(171), 7, [(day(151), day(160)), (day(161), day(169))]) is None
    assert find_gap(frame, day(171), 7, [(day(140), day(160))]) == Gap(9, day(150), 2)


@pytest.mark.parametrize("strays", [1, 2, 6])
def test_rows_of_a_far_year_leave_the_days_before_them_without_rows(strays: int) -> None:
    frame = volumes(lambda *_: False)
    far = [dt.date(2052, 1, 1) + dt.timedelta(days=at) for at in range(strays)]
    wrong = pl.concat(frame.head(1).with_columns(pl.lit(one).alias("date")) for one in far)
    gap = find_gap(pl.concat([frame, wrong]), far[-1], 7)
    assert gap is not None
    assert (gap.days > 9_000, gap.alone) == (True, strays)
