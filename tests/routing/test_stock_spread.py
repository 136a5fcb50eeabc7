"""How far units stray: found again where it is planted, none where orders come one by one, silent without a history."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from data.contracts import contract
from routing.stock.spread import Spread, measure_spread

LAST = date(2025, 10, 31)
DAYS = [LAST - timedelta(days=n) for n in range(112)][::-1]
QUIET = pl.Series("date", DAYS)
REGIONS = 12


def sell(*, chance: int = 1, common: float = 0.0, region: float = 0.0, seed: int = 1) -> pl.DataFrame:
    """Sales of 60 items at two hubs: orders of `chance` units, each hub's trade and each region's share drawn anew a fortnight."""
    random = np.random.default_rng(seed)
    rows = []
    trade = np.repeat(1 + common * random.standard_normal((8, 2)), 14, axis=0)
    for item in range(60):
        size = random.lognormal(4.0, 1.0)
        share = random.dirichlet(np.full(REGIONS, 3.0))
        drift = np.repeat(np.maximum(1 + region * random.standard_normal((8, REGIONS)), 0.0), 14, axis=0)
        units = random.poisson(size * trade[:, [item % 2]] * share * drift / chance) * chance
        rows += [
            (day, f"M{item}", "lamps", f"R{r}", int(units[d, r])) for d, day in enumerate(DAYS) for r in range(REGIONS)
        ]
    names = ["date", "merchant_id", "category", "destination_region_id", "units"]
    return contract("sales").conform(pl.DataFrame(rows, schema=names, orient="row"))


def homes() -> pl.DataFrame:
    return pl.DataFrame(
        [(f"M{n}", "lamps", f"H{n % 2}") for n in range(60)], schema=["merchant_id", "category", "hub_id"], orient="row"
    )


def test_orders_one_by_one_stray_by_chance_alone() -> None:
    found = measure_spread(sell(), QUIET, homes())
    # half again: what was expected rests on four weeks of the same chance
    assert found.chance == pytest.approx(1.5, abs=0.15)
    assert found.region < 0.03
    assert found.common < 0.03


def test_large_orders_are_found() -> None:
    found = measure_spread(sell(chance=10), QUIET, homes())
    assert found.chance == pytest.approx(15.0, rel=0.15)


def test_the_drift_of_regions_and_of_hubs_trade_is_found() -> None:
    found = measure_spread(sell(region=0.2, common=0.15), QUIET, homes())
    assert found.region == pytest.approx(0.2 * np.sqrt(1.5), rel=0.25)
    assert 0.08 < found.common < 0.3


def test_without_four_weeks_and_a_fortnight_it_is_chance_alone() -> None:
    short = QUIET.tail(41)
    assert measure_spread(sell().filter(pl.col("date").is_in(short.implode())), short, homes()) == Spread()
    assert measure_spread(sell().clear(), QUIET, homes()) == Spread()
