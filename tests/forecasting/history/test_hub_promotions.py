"""Promotions of network, region and hub: planted effects are found on what hubs send, and none where none was planted."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from forecasting.forecast import forecast
from forecasting.history.cleaning import clean_history
from forecasting.history.hub_promotions import free_of_promotions
from forecasting.inputs import ForecastInputs, ForecastSettings, no_events, no_promotions
from forecasting.series.panel import Panel
from tests.forecasting.small_networks import START, table

DAYS, AHEAD = 420, 14
HUBS = ("A", "B", "C", "D", "E", "F")
REGIONS = {"A": "north", "B": "north", "C": "south", "D": "south", "E": "west", "F": None}
SPANS = ((60, 6), (150, 5), (250, 6), (340, 5), (DAYS + 4, 5))
SETTINGS = ForecastSettings(use_prophet=False, use_trees=False)


def promotions(*chosen: dict[str, str | None]) -> pl.DataFrame:
    """Give each member its promotion on every span of days."""
    schema = no_promotions().schema
    rows = [
        {"promotion_id": f"{at}-{first}", "date_from": day(first), "date_to": day(first + length - 1), **one}
        for at, one in enumerate(chosen)
        for first, length in SPANS
    ]
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def day(number: int) -> dt.date:
    return START + dt.timedelta(days=number)


def world(log_effect: dict[str, float], days: int = DAYS + AHEAD) -> ForecastInputs:
    """Six hubs that send to each other; on the days of promotion some send more."""
    generator = np.random.default_rng(5)
    size = dict(zip(HUBS, (400, 250, 300, 150, 500, 200), strict=True))
    rows = []
    for number in range(days):
        noise = np.exp(generator.normal(0.0, 0.1))
        on = any(first <= number < first + length for first, length in SPANS)
        for origin in HUBS:
            lift = np.exp(log_effect.get(origin, 0.0)) if on else 1.0
            own = noise * lift * np.exp(generator.normal(0.0, 0.05))
            rows += [
                (day(number), "c", origin, to, int(generator.poisson(size[origin] * own)))
                for to in HUBS
                if to != origin
            ]
    hubs = pl.DataFrame({"hub_id": list(REGIONS), "region_id": list(REGIONS.values())})
    return ForecastInputs(route_volumes=table(rows), hubs=hubs)


def effects(inputs: ForecastInputs, told: pl.DataFrame) -> dict[str, float]:
    """Log effect found of each hub on the promotion ahead."""
    panel = Panel.from_route_volumes(inputs.route_volumes.filter(pl.col("date") < day(DAYS)))
    out, into = panel.membership("hub_out"), panel.membership("hub_in")
    clean = clean_history(panel.parcels, panel.dates, AHEAD, no_events(), {}, (out, into))
    found = free_of_promotions(clean, out, REGIONS, told, no_events(), panel.dates)
    assert found.promoted is not None
    return dict(zip(out.labels, np.log(found.promoted.factor[:, DAYS + 5]).tolist(), strict=True))


def test_planted_effects_of_regions_and_hubs_are_found_and_others_stay() -> None:
    told = promotions({"scope": "region", "region_id": "north"}, {"scope": "hub", "hub_id": "E"})
    found = effects(world({"A": 0.4, "B": 0.35, "E": -0.2}), told)
    assert found["A"] == pytest.approx(0.4, abs=0.05)
    assert found["B"] == pytest.approx(0.35, abs=0.05)
    assert found["E"] == pytest.approx(-0.2, abs=0.05)
    assert [found[hub] for hub in "CDF"] == [0.0, 0.0, 0.0]


def test_one_of_the_whole_network_is_found_and_one_without_effect_is_none() -> None:
    told = promotions({"scope": "network"})
    risen = effects(world(dict.fromkeys(HUBS, 0.3)), told)
    assert np.mean(list(risen.values())) == pytest.approx(0.3, abs=0.06)
    region = promotions({"scope": "region", "region_id": "north"}, {"scope": "region", "region_id": "south"})
    assert max(abs(value) for value in effects(world({}), region).values()) <= 0.02


def test_a_promotion_told_ahead_pays_and_moves_no_other_hub() -> None:
    whole = world({"A": 0.4, "B": 0.35})
    known = replace(whole, route_volumes=whole.route_volumes.filter(pl.col("date") < day(DAYS)))
    told = replace(known, promotions=promotions({"scope": "region", "region_id": "north"}))
    on = pl.col("date").is_between(day(DAYS + 4), day(DAYS + 8))
    came = whole.route_volumes.filter(on).group_by("origin_hub_id").agg(pl.col("parcels").sum())
    came = came.rename({"origin_hub_id": "hub_id"})
    made = {
        name: forecast(each, day(DAYS - 1), AHEAD, settings=SETTINGS)
        for name, each in (("untold", known), ("told", told))
    }

    def error(name: str, hubs: str) -> float:
        sums = made[name].hub.filter(on, pl.col("direction") == "out", pl.col("hub_id").is_in(list(hubs)))
        both = sums.group_by("hub_id").agg(pl.col("mean").sum()).join(came, on="hub_id")
        mean, parcels = both["mean"].to_numpy(), both["parcels"].to_numpy()
        return float(np.abs(mean - parcels).sum() / parcels.sum())

    assert error("told", "AB") < error("untold", "AB") - 0.15
    assert error("told", "CDEF") == pytest.approx(error("untold", "CDEF"), abs=0.02)
    route = made["told"].route.filter(on, pl.col("origin_hub_id") == "A")
    assert (route["event"] > 1.3).all()
    sums = made["told"].route.group_by("date").agg(pl.col("mean").sum()).sort("date")
    assert sums["mean"].to_list() == made["told"].network.sort("date")["mean"].to_list()


def test_no_promotions_and_those_of_outlets_change_nothing() -> None:
    panel = Panel.from_route_volumes(world({}, 60).route_volumes)
    out, into = panel.membership("hub_out"), panel.membership("hub_in")
    clean = clean_history(panel.parcels, panel.dates, AHEAD, no_events(), {}, (out, into))
    for none in (no_promotions(), promotions({"scope": "outlet", "outlet_id": "A"})):
        assert free_of_promotions(clean, out, REGIONS, none, no_events(), panel.dates) is clean
