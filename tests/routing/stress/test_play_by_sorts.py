"""The player by the clock of the sorts: against a plain one that shares no code, and against the checker's playback."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from routing.stress.layout import Layout, Prices, lay_out
from routing.stress.play import play_draws
from routing.stress.policies import Policy, apply_policy
from tests.routing.stress.made import FIRST
from tests.routing.stress.sort_oracle import SortOracle
from tests.routing.stress.sort_plans import draw_sort_plan, sort_frames

ROUTE = ["date", "origin_hub_id", "destination_hub_id"]


def lay(plan: dict[str, Any]) -> tuple[Layout, Any]:
    tables = sort_frames(plan)
    routes = tables["route_demand"].sort(ROUTE)
    return lay_out(tables, routes.select(ROUTE), Prices()), routes


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("policy", ["rigid", "alternates", "spot", "spot:0.5"])
def test_every_sort_is_the_plain_players(seed: int, policy: str) -> None:
    plan = draw_sort_plan(seed, hubs=2 + seed % 4)
    layout, routes = lay(plan)
    random = np.random.default_rng([seed, 7])
    factors = random.lognormal(0.1, 0.3, (2, routes.height)) * random.lognormal(0, 0.4, (2, 1))
    demand = np.rint(routes["parcels"].to_numpy() * factors).astype(np.int64)
    network = apply_policy(layout, Policy.parse(policy))
    share = {"rigid": None, "alternates": 0.0, "spot": 0.1, "spot:0.5": 0.5}[policy]
    for draw in demand:
        played = play_draws(network, draw[None, :])
        wanted = {
            ((when - FIRST).days, origin, end): int(count)
            for (when, origin, end), count in zip(routes.select(ROUTE).iter_rows(), draw, strict=True)
        }
        oracle = SortOracle(plan, share).play(wanted)
        for at, name in enumerate(layout.hub_ids):
            assert len(oracle.sorts[name]) == layout.steps.count[at]
            for step in range(int(layout.steps.count[at])):
                assert played.handled[at, step] == oracle.handled[name, step], (name, step, "handled")
                assert played.held[at, step] == oracle.held[name, step], (name, step, "held")
                assert played.over[0, at, step] == oracle.over[name, step], (name, step, "over")
        assert played.spot[0] == oracle.called
        assert played.done[0] == oracle.done
        assert {day: count for day, count in enumerate(played.late) if count} == {
            day: count for day, count in oracle.late.items() if count
        }
