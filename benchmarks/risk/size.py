"""Made networks larger than the sample: draws a CPU second and memory: bar 3."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import numpy as np

from benchmarks.risk.page import Bar, Section, Table
from routing.stress.layout import Prices, lay_out
from routing.stress.play import play_draws
from routing.stress.policies import DEFAULT, apply_policy
from tests.routing.stress.made import draw_plan, frames

DAYS = 7
KEYS = ["date", "origin_hub_id", "destination_hub_id"]
SIZES = ((40, 100.0, 60), (95, 20.0, 20))  # hubs, draws a CPU second asked for, draws played


def sizes(_folder: Path) -> Section:
    """Play made plans of a week; routes between all hubs, one or two paths each."""
    rows, bars = [], []
    for hubs, asked, draws in SIZES:
        plan = draw_plan(1, hubs=hubs, days=DAYS)
        tables = frames(plan)
        routes = tables["route_demand"].sort(KEYS)
        started = time.process_time()
        layout = lay_out(tables, routes.select(KEYS), Prices())
        laying = time.process_time() - started
        random = np.random.default_rng(1)
        shape = (draws, routes.height)
        demand = np.rint(routes["parcels"].to_numpy() * random.lognormal(0.0, 0.2, shape)).astype(np.int64)
        network = apply_policy(layout, DEFAULT)
        play_draws(network, demand[:1])
        started = time.process_time()
        play_draws(network, demand)
        pace = draws / (time.process_time() - started)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        rows.append(
            [
                *(f"{hubs} hubs, {DAYS} days", f"{tables['trunk_departures'].height:,}", f"{network.paths.hub.size:,}"),
                *(f"{laying:.1f}", f"{pace:,.0f}", f"{memory:.1f}"),
            ]
        )
        bars.append(
            Bar(f"{hubs} hubs, {DAYS} days: draws a CPU second", f">= {asked:g}", f"{pace:,.0f}", pace >= asked)
        )
        if hubs == SIZES[-1][0]:
            bars.append(Bar(f"{hubs} hubs: memory", "< 4 GB", f"{memory:.1f} GB", memory < 4.0))
    header = ("network", "departure rows", "rests of paths", "laid out, CPU s", "draws a CPU s", "GB")
    note = (
        "Made networks by days; demands of all routes are drawn around those of the plan, lognormal with a sigma of .2."
    )
    return Section("Larger networks", bars, [note], [Table(header, rows)])
