"""A level that is forced holds on fortnights like those it was calibrated on, however wide the spread was measured."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from data.arrays import Floats, Ints
from routing.stock.calibration import CALIBRATION, calibrate, scale_of
from routing.stock.level import set_targets
from routing.stock.spread import Spread

ITEMS, REGIONS = 60, 3
BEST: Ints = np.zeros((ITEMS, REGIONS), dtype=np.int64)
KEYS = {(f"M{n}", "toys"): n for n in range(ITEMS)}
ZONES = {f"R{n}": n for n in range(REGIONS)}


def draw_units(draw: np.random.Generator, mean: Floats) -> Floats:
    """Nineteen of twenty regions sell within 5 % of what is expected, one half or twice as much."""
    usual = draw.normal(1.0, 0.05, mean.shape)
    far = draw.choice([0.5, 2.0], mean.shape)
    return np.round(mean * np.where(draw.random(mean.shape) < 0.05, far, usual))


def past(seed: int, items: int = ITEMS) -> tuple[pl.DataFrame, Floats]:
    draw = np.random.default_rng(seed)
    mean = draw.uniform(200, 2_000, (ITEMS, REGIONS))
    rows = []
    for block in range(4):
        units = draw_units(draw, mean)
        rows += [
            (f"M{i}", "toys", f"R{z}", block, units[i, z], mean[i, z]) for i in range(items) for z in range(REGIONS)
        ]
    names = ["merchant_id", "category", "destination_region_id", "block", "units", "due"]
    return pl.DataFrame(rows, schema=names, orient="row"), mean


@pytest.mark.parametrize("level", [0.2, 0.75, 0.9])
def test_a_level_holds_on_fortnights_to_come(level: float) -> None:
    rows, mean = past(1)
    wide = Spread(chance=5.0, region=0.35, common=0.0, past=rows)
    fitted = calibrate(wide, level, BEST, np.zeros(ITEMS), KEYS, ZONES)
    assert fitted.region < 0.7 * wide.region
    draw, held = np.random.default_rng(2), {}
    sold = [draw_units(draw, mean).sum(axis=1) for _ in range(20)]
    for name, spread in (("measured", wide), ("fitted", fitted)):
        target = set_targets(mean, np.ones_like(mean), BEST, np.zeros(ITEMS), spread, forced=level).units.sum(axis=1)
        held[name] = float(np.mean([units <= target for units in sold]))
    assert abs(held["fitted"] - level) < 0.05 < abs(held["measured"] - level)


def test_what_is_known_too_little_of_stays_as_measured() -> None:
    few = Spread(chance=5.0, region=0.35, past=past(1, items=CALIBRATION.fewest // 4 - 1)[0])
    assert calibrate(few, 0.9, BEST, np.zeros(ITEMS), KEYS, ZONES) is few
    none = Spread(chance=5.0, region=0.35)
    assert calibrate(none, 0.9, BEST, np.zeros(ITEMS), KEYS, ZONES) is none
    half = Spread(chance=5.0, region=0.35, past=past(1)[0])
    assert calibrate(half, 0.5, BEST, np.zeros(ITEMS), KEYS, ZONES) is half


def test_regions_and_items_no_plan_is_for_are_left_out() -> None:
    rows, _ = past(3)
    other = rows.with_columns(merchant_id=pl.lit("gone"), units=pl.col("units") * 9)
    elsewhere = rows.with_columns(destination_region_id=pl.lit("sea"), units=pl.col("units") * 9)
    both = [
        calibrate(Spread(5.0, 0.35, 0.0, frame), 0.9, BEST, np.zeros(ITEMS), KEYS, ZONES)
        for frame in (rows, pl.concat([rows, other, elsewhere]))
    ]
    assert both[0] == both[1]


def test_orders_come_one_by_one_at_least() -> None:
    assert scale_of(Spread(chance=4.0, region=0.2, common=0.1), 0.25) == Spread(1.0, 0.05, 0.025)
