"""The checker's own play of many futures tells of each whether a hub overflows as the stress test's player does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from routing.checker.playback.clock import ClockRules
from routing.checker.playback.futures import FREE, RIGID, Freedom, Futures
from routing.checker.playback.ground import Ground
from routing.checker.tables import read_tables
from routing.stress.layout import Prices, lay_out
from routing.stress.play import play_draws
from routing.stress.policies import Policy, apply_policy
from tests.routing.stress.made import draw_plan, frames
from tests.routing.stress.sort_plans import draw_sort_plan, sort_frames

ROUTE = ["date", "origin_hub_id", "destination_hub_id"]
FREEDOMS = {"rigid": RIGID, "spot": Freedom(others=True, called=0.1), "unlimited": FREE}


def both(tables: dict[str, pl.DataFrame], policy: str, seed: int, before: int = 0) -> tuple[Any, Any]:
    """Overflows of draws by both players, the first days being before the plan's."""
    routes = tables["route_demand"].sort(ROUTE).select(*ROUTE, "parcels")
    if before:
        early = routes.filter(pl.col("date") == routes["date"].min())
        ahead = [early.with_columns(pl.col("date") - timedelta(days=day + 1)) for day in range(before)]
        routes = pl.concat([*ahead, routes]).sort(ROUTE)
    random = np.random.default_rng([seed, 3])
    factors = random.lognormal(0.1, 0.3, (25, routes.height)) * random.lognormal(0.0, 0.5, (25, 1))
    demand = np.rint(routes["parcels"].to_numpy() * factors).astype(np.int64)
    layout = lay_out(tables, routes.select(ROUTE), Prices())
    played = play_draws(apply_policy(layout, Policy.parse(policy)), demand)
    ground = Ground(read_tables(tables)[0], routes.select(ROUTE), ClockRules())
    return (played.over > 0).any(axis=(1, 2)), Futures(ground, FREEDOMS[policy], demand).play()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("policy", FREEDOMS)
def test_the_same_futures_overflow_by_sorts(seed: int, policy: str) -> None:
    tables = sort_frames(draw_sort_plan(seed, hubs=2 + seed % 3))
    stress, checker = both(tables, policy, seed, before=seed % 3)
    assert stress.tolist() == checker.tolist()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("policy", FREEDOMS)
def test_the_same_futures_overflow_by_days(seed: int, policy: str) -> None:
    tables = frames(draw_plan(seed, hubs=2 + seed % 3))
    stress, checker = both(tables, policy, seed, before=seed % 3)
    assert stress.tolist() == checker.tolist()
