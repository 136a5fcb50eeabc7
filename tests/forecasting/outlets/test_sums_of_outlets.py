"""A network of outlets alone: hubs, regions and the network are their sums."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from data.contracts import contract
from data.errors import RadarError
from forecasting.forecast import forecast
from forecasting.inputs import ForecastInputs
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
