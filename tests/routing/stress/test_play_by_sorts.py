"""The player by the clock of the sorts: against a plain one that shares no code, and against the checker's playback."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from routing.stress.incidents import Incident, Surroundings, strike
from routing.stress.layout import Layout, Prices, lay_out
from routing.stress.play import play_draws
from routing.stress.policies import Policy, apply_policy
from tests.routing.stress.made import FIRST
from tests.routing.stress.sort_oracle import Sky, SortOracle
from tests.routing.stress.sort_plans import ZONE, draw_sort_plan, moment, sort_frames

ROUTE = ["date", "origin_hub_id", "destination_hub_id"]


SHARES = {"rigid": None, "alternates": 0.0, "spot": 0.1, "spot:0.5": 0.5}


def lay(plan: dict[str, Any]) -> tuple[Layout, Any]:
    tables = sort_frames(plan)
    routes = tables["route_demand"].sort(ROUTE)
    return lay_out(tables, routes.select(ROUTE), Prices()), routes


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("policy", ["rigid", "alternates", "spot", "spot:0.5"])
def test_every_sort_is_the_plain_players(seed: int, policy: str) -> None:
    judge(draw_sort_plan(seed, hubs=2 + seed % 4), policy, seed, Sky())


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("policy", ["rigid", "alternates", "spot:0.5"])
def test_shut_and_slow_lanes_are_the_plain_players(seed: int, policy: str) -> None:
    """A plan made for fair weather in weather: hours shut for certain and by an incident, days slow and days without departures."""
    plan = draw_sort_plan(seed, hubs=2 + seed % 4)
    certain, incidents, sky = draw_sky(seed, plan)
    judge(plan | certain, policy, seed, sky, incidents)


def draw_sky(seed: int, plan: dict[str, Any]) -> tuple[dict[str, Any], list[Incident], Sky]:
    """Draw lanes' weather: tables, incidents that shut more hours, and all of it together as the plain player knows it."""
    random = np.random.default_rng([seed, 11])
    names = [row["lane_id"] for row in plan["lanes"]]
    closures, weather, incidents = [], [], []
    shut: dict[str, list[tuple[float, float]]] = {}
    speed: dict[tuple[str, int], float] = {}
    for name in names:
        cause = {"lane_id": name, "cause": "暴雪"}
        start, hours = float(random.integers(0, 60)), float(random.integers(1, 30))
        if random.random() < 0.5:
            closures.append(cause | {"starts_at": moment(start), "ends_at": moment(start + hours), "probability": 1.0})
            shut[name] = [(start, start + hours)]
        if random.random() < 0.5:  # may overlap what is shut already
            more = float(start + random.integers(-12, 40))
            incidents.append(Incident("lane_shut", moment(more), moment(more + 9), lane_id=name))
            shut[name] = unite([*shut.get(name, []), (more, more + 9.0)])
        for number in range(4):
            factor = float(random.choice([1.0, 0.6, 0.0], p=[0.6, 0.3, 0.1]))
            if factor < 1:
                speed[name, number] = factor
                when = FIRST + timedelta(days=number)
                weather.append({"date": when, "lane_id": name, "speed_factor": max(factor, 0.1)})
                weather[-1] |= {"capacity_factor": float(factor > 0), "severity": "red", "cause": "暴雪"}
    certain = {"lane_closures": closures, "lane_weather": weather}
    return {name: rows for name, rows in certain.items() if rows}, incidents, Sky(shut, speed)


def unite(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Hours of any of some spans, counted out by whole hours."""
    hours = sorted({hour for start, end in spans for hour in range(int(start), int(end))})
    starts = [hour for hour in hours if hour - 1 not in hours]
    ends = [hour + 1 for hour in hours if hour + 1 not in hours]
    return [(float(start), float(end)) for start, end in zip(starts, ends, strict=True)]


def judge(plan: dict[str, Any], policy: str, seed: int, sky: Sky, incidents: Sequence[Incident] = ()) -> None:
    """Play two draws of a plan and compare every sort with the plain player's."""
    layout, routes = lay(plan)
    random = np.random.default_rng([seed, 7])
    factors = random.lognormal(0.1, 0.3, (2, routes.height)) * random.lognormal(0, 0.4, (2, 1))
    demand = np.rint(routes["parcels"].to_numpy() * factors).astype(np.int64)
    network = strike(layout, apply_policy(layout, Policy.parse(policy)), incidents, Surroundings(ZONE))
    for draw in demand:
        played = play_draws(network, draw[None, :])
        wanted = {
            ((when - FIRST).days, origin, end): int(count)
            for (when, origin, end), count in zip(routes.select(ROUTE).iter_rows(), draw, strict=True)
        }
        oracle = SortOracle(plan, SHARES[policy], sky).play(wanted)
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
