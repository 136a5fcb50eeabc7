"""Outlets divide their hub's days by their own, and pull what it sends as far as they knew better before."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.forecast import forecast
from forecasting.inputs import ForecastInputs, ForecastSettings, no_promotions
from forecasting.outlets.beside_routes import carry_over, share_by_day

START = dt.date(2024, 1, 1)
DAYS = 140
QUICK = ForecastSettings(use_prophet=False, use_trees=False)
OUTLETS = {"o1": ("A", 6), "o2": ("A", 7), "o3": ("A", 7), "p1": ("B", 6), "p2": ("B", 6)}
"""Outlet -> its hub, and how many days of the week it works from Monday on."""


def day(at: int) -> dt.date:
    return START + dt.timedelta(days=at)


def network(factor: dict[int, float] | None = None) -> ForecastInputs:
    """Two hubs whose outlets pick up all that they send and deliver all that they get, a day later."""
    random = np.random.default_rng(5)
    handled = []
    for at in range(DAYS):
        for name, (_, works) in OUTLETS.items():
            if at % 7 < works:
                for direction in ("pickup", "delivery"):
                    parcels = int(random.poisson(300.0 * (factor or {}).get(at, 1.0)))
                    handled.append((day(at), name, direction, parcels))
    schema = {"date": pl.Date, "outlet_id": pl.String, "direction": pl.String, "parcels": pl.Int64}
    volumes = pl.DataFrame(handled, schema=schema, orient="row")
    hub = {name: hub_id for name, (hub_id, _) in OUTLETS.items()}
    picked = volumes.filter(pl.col("direction") == "pickup").with_columns(
        origin_hub_id=pl.col("outlet_id").replace_strict(hub)
    )
    sent = picked.group_by("date", "origin_hub_id").agg(pl.col("parcels").sum())
    halves = [
        sent.with_columns(pl.lit(to).alias("destination_hub_id"), (pl.col("parcels") + extra) // 2)
        for to, extra in (("A", 1), ("B", 0))
    ]
    routes = pl.concat(halves).with_columns(pl.lit("c").alias("courier_id"))
    return ForecastInputs(
        route_volumes=routes.select("date", "courier_id", "origin_hub_id", "destination_hub_id", "parcels"),
        outlets=pl.DataFrame(
            {"outlet_id": list(OUTLETS), "courier_id": ["c"] * len(OUTLETS), "hub_id": [hub[name] for name in OUTLETS]}
        ),
        outlet_volumes=volumes,
    )


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return forecast(network(), day(DAYS - 1), 14, settings=QUICK).outlet.with_columns(
        (pl.col("date").dt.weekday() == 7).alias("sunday")
    )


def mean(table: pl.DataFrame, outlet: str, direction: str, sunday: bool) -> float:
    of = table.filter(pl.col("outlet_id") == outlet, pl.col("direction") == direction, pl.col("sunday") == sunday)
    return float(of["mean"].to_numpy().mean())


@pytest.mark.parametrize("direction", ["pickup", "delivery"])
def test_outlets_that_rest_on_sundays_get_nothing_on_sundays(table: pl.DataFrame, direction: str) -> None:
    for outlet, (_, works) in OUTLETS.items():
        rest = mean(table, outlet, direction, sunday=True)
        if works == 7:
            assert rest > 100
        else:
            assert rest == 0
        assert mean(table, outlet, direction, sunday=False) == pytest.approx(300, rel=0.25)


def test_pick_ups_still_sum_to_what_the_hub_sends() -> None:
    found = forecast(network(), day(DAYS - 1), 14, settings=QUICK)
    hub = found.hub.filter(pl.col("direction") == "out").select("date", "hub_id", "mean")
    of_hub = {name: hub_id for name, (hub_id, _) in OUTLETS.items()}
    picked = found.outlet.filter(pl.col("direction") == "pickup").with_columns(
        hub_id=pl.col("outlet_id").replace_strict(of_hub)
    )
    sums = picked.group_by("date", "hub_id").agg(pl.col("mean").sum().alias("picked"))
    both = hub.join(sums, on=["date", "hub_id"]).filter(pl.col("picked") > 0)
    assert both.height >= 26
    assert np.abs((both["mean"] - both["picked"]).to_numpy()).max() <= 1


def test_a_promotion_only_outlets_know_moves_their_hub() -> None:
    on = {at: 1.6 for week in (3, 6, 9, 12, 15, 18) for at in range(7 * week, 7 * week + 5)} | dict.fromkeys(
        range(DAYS, DAYS + 5), 1.0
    )
    rows = [
        {"promotion_id": f"p{at}", "scope": "network", "date_from": day(7 * at), "date_to": day(7 * at + 4)}
        for at in (3, 6, 9, 12, 15, 18, 20)
    ]
    plain = network(on)
    columns = plain.promotions.schema
    told = replace(plain, promotions=pl.DataFrame(rows, schema={**columns}))
    totals = [float(forecast(each, day(DAYS - 1), 5, settings=QUICK).network["mean"].sum()) for each in (plain, told)]
    assert totals[1] > 1.1 * totals[0]


def test_an_outlet_of_three_days_and_one_that_no_hub_knows() -> None:
    inputs = network()
    young = pl.DataFrame(
        [(day(DAYS - back), "new", "pickup", 120) for back in (3, 2, 1)],
        schema=inputs.outlet_volumes.schema,
        orient="row",
    )
    more = pl.DataFrame({"outlet_id": ["new", "lost"], "courier_id": ["c", "c"], "hub_id": ["A", "Z"]})
    found = forecast(
        replace(
            inputs,
            outlets=pl.concat([inputs.outlets, more]),
            outlet_volumes=pl.concat([inputs.outlet_volumes, young]),
        ),
        day(DAYS - 1),
        7,
        settings=QUICK,
    ).outlet
    assert found.filter(pl.col("outlet_id") == "new", pl.col("direction") == "pickup")["mean"].sum() > 0
    assert found.filter(pl.col("outlet_id") == "lost")["mean"].null_count() == 0


@given(
    st.lists(st.tuples(st.floats(0, 100), st.booleans()), min_size=1, max_size=12),
)
def test_what_is_carried_over_is_lost_nowhere(days: list[tuple[float, bool]]) -> None:
    flow = np.array([[parcels for parcels, _ in days]])
    works = np.array([[open_ for _, open_ in days]])
    moved = carry_over(flow, works)
    if not works.any():
        np.testing.assert_allclose(moved, flow)
        return
    last = int(np.flatnonzero(works[0])[-1])
    assert moved[0, : last + 1].sum() == pytest.approx(flow[0, : last + 1].sum())
    assert moved[0][~works[0]].sum() == 0


def test_shares_of_a_day_sum_to_those_of_the_weeks() -> None:
    level = np.array([0.5, 0.4, 1.0])
    own = np.array([[10.0, 0.0, 30.0], [30.0, 0.0, 0.0], [5.0, 5.0, 0.0]])
    shares, works = share_by_day(level, own, np.array([0, 0, 1]), 3)
    np.testing.assert_allclose(shares, [[0.225, 0.5, 0.9], [0.675, 0.4, 0.0], [1.0, 1.0, 1.0]])
    assert works.tolist() == [[True, False, True], [True, True, False], [False, False, False]]


def test_bands_of_outlets_are_those_of_the_routes_forecast_and_not_of_a_mean_week() -> None:
    """Every other week sells half as much again, and is told: a mean week would err by a quarter, the forecast hardly."""
    on = [at for at in range(DAYS + 14) if at // 7 % 2]
    inputs = network(dict.fromkeys(on, 1.5))
    weeks = sorted({at // 7 for at in on})
    told = pl.DataFrame(
        {
            "promotion_id": [str(week) for week in weeks],
            "scope": ["network"] * len(weeks),
            "date_from": [day(7 * week) for week in weeks],
            "date_to": [day(7 * week + 6) for week in weeks],
        }
    )
    inputs = replace(inputs, promotions=pl.concat([no_promotions(), told], how="diagonal"))
    known = replace(
        inputs,
        route_volumes=inputs.route_volumes.filter(pl.col("date") < day(DAYS - 14)),
        outlet_volumes=inputs.outlet_volumes.filter(pl.col("date") < day(DAYS - 14)),
    )
    made = forecast(known, day(DAYS - 15), 14, settings=QUICK).outlet
    both = made.join(inputs.outlet_volumes, on=["date", "outlet_id", "direction"])
    for direction in ("pickup", "delivery"):
        mine = both.filter(pl.col("direction") == direction)
        low, high, mean, came = (mine[name].to_numpy() for name in ("q05", "q95", "mean", "parcels"))
        assert np.abs(mean - came).sum() / came.sum() < 0.12, direction
        assert ((came >= low) & (came <= high)).mean() > 0.8, direction
        assert (high - low).sum() / came.sum() < 0.45, direction
