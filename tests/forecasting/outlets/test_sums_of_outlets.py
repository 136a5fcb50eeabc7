"""A network of outlets alone: hubs, regions and the network are their sums."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from data.contracts import contract
from data.errors import RadarError
from data.silent_days import Silence
from forecasting.forecast import forecast
from forecasting.inputs import ForecastInputs, ForecastSettings
from forecasting.outlets.calendar_model import OutletDays
from forecasting.outlets.sums_of_outlets import mark_unknown
from forecasting.results import Forecasts
from tests.forecasting.small_networks import table

FIRST, DAYS, AHEAD = dt.date(2024, 1, 1), 150, 14
AS_OF = FIRST + dt.timedelta(days=DAYS - 1)


def inputs(directions: tuple[str, ...] = ("pickup", "delivery")) -> ForecastInputs:
    """Six outlets of three hubs; the third hub has no region; deliveries rest on Sundays."""
    chance = np.random.default_rng(5)
    rows = [
        {
            "date": FIRST + dt.timedelta(days=day),
            "outlet_id": f"o{at}",
            "direction": direction,
            "parcels": 0 if direction == "delivery" and day % 7 == 6 else int(chance.poisson(200 + 50 * at)),
        }
        for day in range(DAYS)
        for at in range(6)
        for direction in directions
    ]
    names = pl.DataFrame(
        {
            "outlet_id": [f"o{at}" for at in range(6)],
            "courier_id": ["c"] * 6,
            "hub_id": [f"H{at % 3}" for at in range(6)],
        }
    )
    hubs = pl.DataFrame({"hub_id": ["H0", "H1", "H2"], "region_id": ["R", "R", None]})
    return ForecastInputs(table([]), hubs=hubs, outlets=names, outlet_volumes=pl.DataFrame(rows))


def sums(frame: pl.DataFrame, *by: str) -> list[int]:
    return frame.group_by(*by).agg(pl.col("mean").sum()).sort(*by)["mean"].to_list()


def test_every_level_is_the_sum_of_its_outlets_and_keeps_its_contract() -> None:
    found = forecast(inputs(), AS_OF, AHEAD)
    for level in ("network", "region", "hub", "route", "outlet"):
        frame = getattr(found, level).with_columns(run_id=pl.lit("run"))
        contract(f"{level}_forecasts").conform(frame)
    of_outlets = found.outlet.with_columns(
        hub_id=pl.col("outlet_id").replace_strict({f"o{at}": f"H{at % 3}" for at in range(6)}),
        side=pl.col("direction").replace_strict({"pickup": "out", "delivery": "in"}),
    )
    assert sums(found.hub, "date", "hub_id", "direction") == sums(of_outlets, "date", "hub_id", "side")
    picked_up = of_outlets.filter(pl.col("side") == "out")
    assert found.network["mean"].to_list() == sums(picked_up, "date")
    assert found.region["region_id"].unique().to_list() == ["R"]
    assert found.route.is_empty()
    assert any("No route volumes" in note for note in found.notes)
    rest = found.outlet.filter(pl.col("direction") == "delivery", pl.col("date").dt.weekday() == 7)
    assert rest.height == 12
    assert rest.select("mean", "q05", "q95").sum().row(0) == (0, 0, 0)


def test_deliveries_alone_are_the_networks_parcels() -> None:
    found = forecast(inputs(("delivery",)), AS_OF, AHEAD)
    assert found.hub["direction"].unique().to_list() == ["in"]
    assert found.network["mean"].to_list() == sums(found.outlet, "date")


def test_the_same_history_gives_the_same_bytes_and_knows_nothing_later() -> None:
    whole = inputs()
    earlier = AS_OF - dt.timedelta(days=20)
    hidden = replace(whole, outlet_volumes=whole.outlet_volumes.filter(pl.col("date") <= earlier))
    first, second = forecast(whole, earlier, AHEAD), forecast(hidden, earlier, AHEAD)
    assert first.outlet.equals(second.outlet)
    assert first.hub.equals(second.hub)


def test_outlets_without_volumes_before_the_date_are_one_clear_sentence() -> None:
    with pytest.raises(RadarError, match="neither route volumes nor volumes of outlets"):
        forecast(inputs(), FIRST - dt.timedelta(days=1), AHEAD)


def test_a_promotion_written_later_is_not_known() -> None:
    given = inputs()
    start = AS_OF + dt.timedelta(days=3)
    rows = [
        {
            "promotion_id": f"p{number}",
            "scope": "network",
            "date_from": first,
            "date_to": first + dt.timedelta(days=2),
            "written_at": dt.datetime(2024, 1, 1, tzinfo=dt.UTC) if known else dt.datetime(2030, 1, 1, tzinfo=dt.UTC),
        }
        for known in (True, False)
        for number, first in enumerate(
            [FIRST + dt.timedelta(days=40), start] if known else [start + dt.timedelta(days=5)]
        )
    ]
    rows[-1]["promotion_id"] = "later"
    schema = given.promotions.schema
    promotions = pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)
    volumes = given.outlet_volumes.with_columns(
        parcels=pl.when(pl.col("date").is_between(FIRST + dt.timedelta(days=40), FIRST + dt.timedelta(days=42)))
        .then(pl.col("parcels") * 2)
        .otherwise(pl.col("parcels"))
    )
    found = forecast(replace(given, promotions=promotions, outlet_volumes=volumes), AS_OF, AHEAD)
    event = dict(found.network.select("date", "event").iter_rows())
    assert event[start] > 1.3
    assert event[start + dt.timedelta(days=5)] < 1.1


def override(level: str, factor: float, **ends: str) -> pl.DataFrame:
    written = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    row = {"override_id": "x", "created_at": written, "level": level, "factor": factor, "author": "p", "reason": "r"}
    days = {"date_from": AS_OF, "date_to": AS_OF + dt.timedelta(days=99)}
    names = ("region_id", "hub_id", "outlet_id", "courier_id", "origin_hub_id", "destination_hub_id", "direction")
    return pl.DataFrame(
        [{**dict.fromkeys(names), **row, **days, **ends}], schema_overrides=dict.fromkeys(names, pl.String)
    )


@pytest.mark.parametrize(
    ("told", "doubled"),
    [
        (override("network", 2.0), {(f"H{at}", side) for at in range(3) for side in ("out", "in")}),
        (override("region", 2.0, region_id="R", direction="in"), {("H0", "in"), ("H1", "in")}),
        (override("hub", 2.0, hub_id="H2"), {("H2", "out")}),
        (override("outlet", 2.0, outlet_id="o0", direction="in"), set()),
    ],
    ids=["network", "region", "hub", "outlet of no such direction"],
)
def test_overrides_of_every_level_reach_the_outlets(told: pl.DataFrame, doubled: set[tuple[str, str]]) -> None:
    plain, found = forecast(inputs(), AS_OF, 7), forecast(replace(inputs(), overrides=told), AS_OF, 7)
    tomorrow = AS_OF + dt.timedelta(days=2)
    before, after = (
        {
            (hub, side): mean
            for hub, side, mean in each.hub.filter(date=tomorrow).select("hub_id", "direction", "mean").iter_rows()
        }
        for each in (plain, found)
    )
    for key, parcels in before.items():
        assert after[key] == pytest.approx(parcels * (2 if key in doubled else 1), abs=2)


def change(*rows: dict[str, object]) -> pl.DataFrame:
    names = ("hub_id", "successor_hub_id", "scope", "direction", "origin_hub_id", "destination_hub_id")
    kinds = {**dict.fromkeys(names, pl.String), "share": pl.Float64, "until": pl.Date}
    blank = {**dict.fromkeys(names), "share": None, "until": None, "scope": "hub"}
    return pl.DataFrame(
        [{**blank, "change_id": f"c{at}", **row} for at, row in enumerate(rows)], schema_overrides=kinds
    )


def test_a_hub_that_moves_hands_its_sums_over_and_outlets_keep_theirs() -> None:
    fourth = AS_OF + dt.timedelta(days=4)
    moves = change({"date": fourth, "hub_id": "H0", "change": "moves", "successor_hub_id": "H9"})
    plain, found = forecast(inputs(), AS_OF, 7), forecast(replace(inputs(), network_changes=moves), AS_OF, 7)
    assert found.outlet.equals(plain.outlet)
    assert found.network.equals(plain.network)
    for day in range(1, 8):
        date = AS_OF + dt.timedelta(days=day)
        before, after = (
            dict(each.hub.filter(date=date, direction="out").select("hub_id", "mean").iter_rows())
            for each in (plain, found)
        )
        assert after["H9" if day >= 4 else "H0"] == before["H0"]
        assert after["H0" if day >= 4 else "H9"] == 0
        assert after["H1"] == before["H1"]
    for level in ("hub", "region"):
        contract(f"{level}_forecasts").conform(getattr(found, level).with_columns(run_id=pl.lit("run")))


def test_a_hub_closed_for_some_days_is_spread_over_the_others() -> None:
    first = AS_OF + dt.timedelta(days=2)
    shut = change({"date": first, "until": first + dt.timedelta(days=1), "hub_id": "H1", "change": "closes"})
    found = forecast(replace(inputs(), network_changes=shut), AS_OF, 7)
    of_hub = found.hub.filter(hub_id="H1", direction="out").sort("date")["mean"].to_list()
    assert [parcels > 0 for parcels in of_hub] == [True, False, False, True, True, True, True]
    assert sums(found.hub.filter(direction="out"), "date") == found.network["mean"].to_list()
    assert any("Hub H1 is closed" in note for note in found.notes)


def test_every_hub_closed_and_changes_that_make_no_sense() -> None:
    tomorrow = AS_OF + dt.timedelta(days=1)
    all_shut = change(*({"date": tomorrow, "hub_id": f"H{at}", "change": "closes"} for at in range(3)))
    found = forecast(replace(inputs(), network_changes=all_shut), AS_OF, 7)
    assert found.hub["mean"].sum() == 0
    wrong = change(
        {"date": tomorrow, "until": AS_OF, "hub_id": "H0", "change": "closes"},
        {"date": tomorrow, "hub_id": "X", "change": "closes"},
    )
    left = forecast(replace(inputs(), network_changes=wrong), AS_OF, 7)
    assert left.hub.equals(forecast(inputs(), AS_OF, 7).hub)
    assert sum("left out" in note for note in left.notes) == 2


def test_days_without_any_row_are_unknown_unless_the_network_rested() -> None:
    whole = inputs(("pickup",))
    gone = [AS_OF - dt.timedelta(days=back) for back in (7, 14, 21, 28)]
    holed = replace(whole, outlet_volumes=whole.outlet_volumes.filter(~pl.col("date").is_in(gone)))
    same_weekday = AS_OF + dt.timedelta(days=7)

    def of_day(found: Forecasts) -> int:
        return int(found.network.filter(date=same_weekday)["mean"].item())

    plain, unknown = forecast(whole, AS_OF, 7), forecast(holed, AS_OF, 7)
    rested = forecast(holed, AS_OF, 7, settings=ForecastSettings(closed=tuple((day, day) for day in gone)))
    assert of_day(unknown) == pytest.approx(of_day(plain), rel=0.04)
    assert of_day(rested) < 0.9 * of_day(plain)
    assert any("without any row of outlet_volumes" in note for note in unknown.notes)


def test_a_gap_of_more_than_a_week_is_refused_unless_bridged() -> None:
    late = AS_OF + dt.timedelta(days=9)
    with pytest.raises(RadarError, match="no outlet volumes on the 9 days"):
        forecast(inputs(), late, 7)
    found = forecast(inputs(), late, 7, settings=ForecastSettings(bridge=True))
    assert any("bridges them" in note for note in found.notes)


def test_only_the_silence_of_the_whole_network_is_unknown_of_every_outlet() -> None:
    dates = np.arange("2024-01-01", "2024-01-08", dtype="datetime64[D]")
    empty = pl.DataFrame()
    days = OutletDays(np.ones((1, 5)), dates, empty, empty, empty)
    day = dt.date(2024, 1, 2)
    silences = [
        Silence("network", "", day, day + dt.timedelta(days=1), 2, "unknown"),
        Silence("network", "", dt.date(2024, 1, 5), dt.date(2024, 1, 5), 1, "closed"),
        Silence("hub", "H0", dt.date(2024, 1, 4), dt.date(2024, 1, 4), 1, "unknown"),
    ]
    assert mark_unknown(silences, days).tolist() == [False, True, True, False, False]


def test_outlets_and_hubs_that_opened_lately_widen_no_other_and_are_sure_enough_themselves() -> None:
    before = inputs()
    chance = np.random.default_rng(1)
    rows = [
        {
            "date": AS_OF - dt.timedelta(days=back),
            "outlet_id": outlet,
            "direction": direction,
            "parcels": int(chance.poisson(mean)),
        }
        for back in range(20, -1, -1)
        for outlet, mean in (("small", 40), ("big", 2_500))
        for direction in ("pickup", "delivery")
    ]
    opened = pl.DataFrame({"outlet_id": ["small", "big"], "courier_id": ["c", "c"], "hub_id": ["N1", "N2"]})
    hubs = pl.DataFrame({"hub_id": ["N1", "N2"], "region_id": ["R", "R"]})
    after = replace(
        before,
        outlet_volumes=pl.concat([before.outlet_volumes, pl.DataFrame(rows)]),
        outlets=pl.concat([before.outlets, opened]),
        hubs=pl.concat([before.hubs, hubs]),
    )

    def widths(of: ForecastInputs) -> dict[str, float]:
        found = forecast(of, AS_OF, AHEAD)
        of_hub = (pl.col("q95") - pl.col("q05")).sum() / pl.col("mean").sum()
        table = pl.concat(
            [
                found.hub.filter(direction="out").group_by("hub_id").agg(of_hub),
                found.outlet.filter(direction="pickup").group_by(hub_id="outlet_id").agg(of_hub),
            ]
        )
        return dict(table.iter_rows())

    usual, found = widths(before), widths(after)
    for name, width in usual.items():
        assert found[name] < 1.2 * width
    # Three weeks of history leave a share of one in 22 in the variance, whatever the size.
    assert max(found["big"], found["N2"]) < 1.0
    assert max(found["small"], found["N1"]) < 1.3
