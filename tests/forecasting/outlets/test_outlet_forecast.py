from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

from data.contracts import contract
from data.errors import RadarError
from forecasting.inputs import ForecastInputs
from forecasting.intervals.spread import EventDays
from forecasting.outlets.outlet_forecast import forecast_outlets
from forecasting.outlets.staffing import staff_outlets
from forecasting.results import RouteForecast
from forecasting.series.panel import Panel, days_from
from forecasting.series.rounding import round_coherently

DAYS, HORIZON = 84, 10
FIRST = dt.date(2025, 8, 4)
AS_OF = FIRST + dt.timedelta(days=DAYS - 1)
QUIET = EventDays(np.zeros(HORIZON, dtype=bool), np.zeros(HORIZON))
ROUTES = pl.DataFrame({"courier_id": ["c", "c"], "origin_hub_id": ["A", "B"], "destination_hub_id": ["B", "A"]})


def outlets(*rows: tuple[str, str]) -> pl.DataFrame:
    ids, hubs = zip(*rows, strict=True)
    return pl.DataFrame({"outlet_id": ids, "courier_id": ["c"] * len(ids), "hub_id": hubs})


def handled(parts: dict[tuple[str, str], float], lag: int = 0) -> pl.DataFrame:
    """Outlets that handle a fixed part of 1,000 parcels a day, deliveries from day ``lag`` on."""
    rows = [
        {
            "date": FIRST + dt.timedelta(days=day),
            "outlet_id": outlet,
            "direction": direction,
            "parcels": round(1000 * part),
        }
        for (outlet, direction), part in parts.items()
        for day in range(lag if direction == "delivery" else 0, DAYS)
    ]
    return pl.DataFrame(rows, schema_overrides={"parcels": pl.Int64})


def forecast_of(
    mean: np.ndarray[Any, np.dtype[np.float64]], event: float = 1.0, override: float = 1.0
) -> RouteForecast:
    panel = Panel(
        ROUTES,
        days_from(FIRST, (AS_OF - FIRST).days + 1),
        np.full((2, DAYS), 1000.0, dtype=np.float32),
    )
    ahead = days_from(panel.dates[-1], 1 + HORIZON)[1:]
    return RouteForecast(panel, ahead, mean, np.full(mean.shape, event), np.full(mean.shape, override), {})


def run(inputs: ForecastInputs, matrices: RouteForecast, events: EventDays = QUIET) -> pl.DataFrame:
    table = forecast_outlets(inputs, AS_OF, matrices, round_coherently(matrices.mean), events)
    contract("outlet_forecasts").conform(table.with_columns(pl.lit("run").alias("run_id")))
    return table


def sums(table: pl.DataFrame, direction: str) -> list[int]:
    of = table.filter(direction=direction).group_by("date").agg(pl.col("mean").sum()).sort("date")
    return of["mean"].to_list()


NO_VOLUMES = pl.DataFrame(schema={"date": pl.Date, "courier_id": pl.String, "parcels": pl.Int64})
KNOWN = {("o1", "pickup"): 0.75, ("o2", "pickup"): 0.25, ("o1", "delivery"): 0.6, ("o2", "delivery"): 0.4}


def test_pick_ups_sum_to_the_hubs_outflow_to_the_parcel() -> None:
    mean = np.random.default_rng(1).gamma(9.0, 111.0, (2, HORIZON))
    inputs = ForecastInputs(NO_VOLUMES, outlets=outlets(("o1", "A"), ("o2", "A")), outlet_volumes=handled(KNOWN))
    table = run(inputs, forecast_of(mean))
    assert sums(table, "pickup") == round_coherently(mean)[0].tolist()
    first = sums(table.filter(outlet_id="o1"), "pickup")
    assert sum(first) / sum(sums(table, "pickup")) == pytest.approx(0.75, abs=0.02)


def test_deliveries_peak_two_days_after_the_sending() -> None:
    mean = np.full((2, HORIZON), 1000.0)
    mean[1, 3] = 5000.0
    lanes = pl.DataFrame({"origin_hub_id": ["B"], "destination_hub_id": ["A"], "transit_hours": [40.0]})
    inputs = ForecastInputs(
        NO_VOLUMES, outlets=outlets(("o1", "A"), ("o2", "A")), outlet_volumes=handled(KNOWN, 10), lanes=lanes
    )
    table = run(inputs, forecast_of(mean))
    delivered = sums(table, "delivery")
    assert int(np.argmax(delivered)) == 5
    assert delivered[:3] == [1000, 1000, 1000]
    # Nothing is lost: what the peak adds is delivered over the days after it.
    assert sum(delivered) == pytest.approx(1000 * HORIZON + 4000, abs=2)
    assert sums(table, "pickup") == [1000] * HORIZON


def test_event_and_override_factors_follow_the_hub_and_an_own_override_is_added() -> None:
    mean = np.full((2, HORIZON), 3000.0)
    override = pl.DataFrame(
        {
            "override_id": ["x"],
            "level": ["outlet"],
            "outlet_id": ["o2"],
            "direction": ["pickup"],
            "date_from": [AS_OF],
            "date_to": [AS_OF + dt.timedelta(days=99)],
            "factor": [0.0],
            "author": ["p"],
            "reason": ["closed"],
        }
    )
    inputs = ForecastInputs(
        NO_VOLUMES, outlets=outlets(("o1", "A"), ("o2", "A")), outlet_volumes=handled(KNOWN), overrides=override
    )
    table = run(inputs, forecast_of(mean, event=2.0, override=1.5)).filter(direction="pickup")
    first, second = table.filter(outlet_id="o1"), table.filter(outlet_id="o2")
    assert first["event"].to_list() == pytest.approx([2.0] * HORIZON)
    assert first["override"].to_list() == pytest.approx([1.5] * HORIZON)
    assert second["override"].to_list() == [0.0] * HORIZON
    assert second["mean"].sum() == 0
    assert second["q95"].sum() == 0


def test_a_new_outlet_starts_as_a_mean_one_of_its_hub() -> None:
    inputs = ForecastInputs(
        NO_VOLUMES, outlets=outlets(("o1", "A"), ("o2", "A"), ("new", "A")), outlet_volumes=handled(KNOWN)
    )
    table = run(inputs, forecast_of(np.full((2, HORIZON), 1000.0))).filter(direction="pickup")
    new = table.filter(outlet_id="new")
    assert new["mean"].mean() == pytest.approx(1000 / 3, rel=0.02)
    assert sums(table, "pickup") == [1000] * HORIZON
    old = table.filter(outlet_id="o2")
    relative = [((frame["q95"] - frame["q05"]) / frame["mean"]).to_numpy().mean() for frame in (new, old)]
    assert relative[0] > relative[1]


def test_without_any_history_a_hubs_outlets_share_evenly() -> None:
    inputs = ForecastInputs(NO_VOLUMES, outlets=outlets(("o1", "A"), ("o2", "A"), ("far", "Z")))
    table = run(inputs, forecast_of(np.full((2, HORIZON), 1001.0))).filter(direction="pickup")
    assert sums(table, "pickup") == [1001] * HORIZON
    first, second = (sum(sums(table.filter(outlet_id=name), "pickup")) for name in ("o1", "o2"))
    assert abs(first - second) <= 1
    assert table.filter(outlet_id="far")["mean"].sum() == 0


def test_an_outlet_that_was_served_by_another_hub_keeps_its_volume() -> None:
    inputs = ForecastInputs(NO_VOLUMES, outlets=outlets(("o1", "Z")), outlet_volumes=handled({("o1", "pickup"): 0.5}))
    table = run(inputs, forecast_of(np.full((2, HORIZON), 1000.0))).filter(direction="pickup")
    # Nothing passes Z: the outlet follows the network, of whose 2,000 parcels a day it had 500.
    assert table["mean"].to_list() == [500] * HORIZON


def test_no_outlets_give_an_empty_table() -> None:
    table = run(ForecastInputs(NO_VOLUMES), forecast_of(np.full((2, HORIZON), 9.0)))
    assert table.is_empty()


def test_staff_is_the_newsvendors_quantile() -> None:
    row = {"date": [AS_OF], "outlet_id": ["o"], "direction": ["pickup"], "mean": [100]}
    quantiles = dict(zip(("q05", "q10", "q25", "q50", "q75", "q90", "q95"), range(40, 180, 20), strict=True))
    table = pl.DataFrame({**row, **{name: [value] for name, value in quantiles.items()}})
    assert staff_outlets(table, 3.0, 1.0)["staffed_for"].to_list() == [120]
    assert staff_outlets(table, 1.0, 1.0)["staffed_for"].to_list() == [100]
    assert staff_outlets(table, 99.0, 1.0)["staffed_for"].to_list() == [160]
    between = staff_outlets(table, 4.0, 1.0)
    assert between["level"].to_list() == [0.8]
    assert between["staffed_for"].to_list() == [127]
    with pytest.raises(RadarError, match="not above 0"):
        staff_outlets(table, 0.0, 1.0)
