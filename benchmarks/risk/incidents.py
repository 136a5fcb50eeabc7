"""Named incidents on the sample: the table of the command and what it costs, and that a worse incident is never better on any draw."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.risk.commands import run_radar
from benchmarks.risk.page import Bar, Section, Table
from benchmarks.risk.sample import draw, open_plan
from routing.stress.incidents import BASE, Incident, Scenario, Surroundings
from routing.stress.policies import DEFAULT, RIGID
from routing.stress.records import LATE
from routing.stress.stress import StressOptions, play_scenario

SCENARIOS = Path(__file__).with_name("incidents.toml")
DRAWS = 250
SECONDS = 15.0
_DAY = timedelta(days=1)
_BY_HOURS = ("hub_shut", "lane_shut")

# an incident at four strengths, from none on: hours of a closure, share of the vehicles, times the volume, ms a parcel, hours late
LADDERS: dict[str, tuple[float, ...]] = {
    "hub_shut": (6, 12, 24),
    "lane_shut": (12, 24, 48),
    "fleet_gone": (0.1, 0.2, 0.4),
    "volume": (1.1, 1.3, 1.6),
    "slower_sort": (1, 5, 20),
    "late_inbound": (6, 12, 24),
}


def table(folder: Path) -> Section:
    """Play the incidents by the command: bar 8."""
    command = [
        "stress",
        "--scenarios",
        str(SCENARIOS),
        "--draws",
        str(DRAWS),
        "--policy",
        "spot",
        "--policy",
        "rigid",
        "--json",
    ]
    output, seconds = run_radar(folder, command)
    rows = [
        [
            str(one["scenario"]),
            str(one["policy"]),
            f"{one['overflow_probability']:.1%} ({one['overflow_low']:.1%} to {one['overflow_high']:.1%})",
            f"{one['expected_overflow']:,.0f}",
            f"{one['cost_mean']:,.0f}",
        ]
        for one in output["summaries"]
    ]
    bars = [
        Bar(
            "incident table of the sample, two policies",
            f"<= {SECONDS:g} CPU s",
            f"{seconds:.1f} CPU s",
            seconds <= SECONDS,
        )
    ]
    header = ("incident", "policy", "P(any hub over)", "parcels over, mean", "cost, mean")
    return Section(
        "Incidents",
        bars,
        ["`radar stress --scenarios benchmarks/risk/incidents.toml --draws 250 --policy spot --policy rigid`"],
        [Table(header, rows)],
    )


def monotone(folder: Path) -> Section:
    """Play each kind of incident at rising strengths on the same draws: nowhere may a worse one leave less over or short."""
    plan, _ = open_plan(folder, DRAWS)
    layout, demand = plan.layout, draw(plan, 0, DRAWS)
    around = Surroundings()
    fullest = int(
        np.argmax(play_scenario(layout, demand, BASE, DEFAULT, StressOptions(), around).over.max(axis=2).sum(axis=0))
    )
    lanes = layout.network.lanes
    into = [lane for lane in range(lanes.origin.size) if lanes.destination[lane] == fullest]
    lane = max(into, key=lambda one: int(np.minimum(lanes.room[one], 1 << 40).sum()))
    start = datetime.combine(layout.first_day, datetime.min.time()) + 4 * _DAY
    where: dict[str, dict[str, Any]] = {
        "hub_shut": {"hub_id": layout.hub_ids[fullest]},
        "slower_sort": {"hub_id": layout.hub_ids[fullest]},
        "late_inbound": {"hub_id": layout.hub_ids[fullest]},
        "lane_shut": {"lane_id": layout.lane_ids[lane]},
    }
    rows, of_hub, both, ahead, gained = [], 0, 0, 0, 0.0
    earlier = layout.steps.close < layout.steps.to_hours(start)
    for kind, ladder in LADDERS.items():
        mild = Incident(kind, start, start + _DAY, **where.get(kind, {}))
        for policy in (RIGID, DEFAULT):
            calm = before = play_scenario(layout, demand, BASE, policy, StressOptions(), around)
            fewer, better, most = 0, 0, 0
            for strength in ladder:
                ends = start + timedelta(hours=strength)
                one = replace(mild, ends_at=ends) if kind in _BY_HOURS else replace(mild, amount=strength)
                found = play_scenario(
                    layout, demand, Scenario(f"{kind} {strength:g}", (one,)), policy, StressOptions(), around
                )
                less = _add_over(before) - _add_over(found)
                odd = (less > 0) & (found.costs[:, LATE] < before.costs[:, LATE])
                late = found.costs[odd, LATE] / before.costs[odd, LATE]
                gained = max(gained, float((1.0 - late).max(initial=0.0)))
                fewer, better, most = fewer + int((less > 0).sum()), better + int(odd.sum()), max(most, int(less.max()))
                ahead += int((found.over[:, earlier] != calm.over[:, earlier]).any(axis=1).sum())
                before = found
            of_hub += fewer if kind in ("hub_shut", "volume") else 0
            both += better
            strengths, draws = ", ".join(f"{one:g}" for one in ladder), DRAWS * len(ladder)
            rows.append(
                [kind, policy.name, strengths, f"{fewer} of {draws}", f"{max(most, 0):,}", f"{better} of {draws}"]
            )
    header = (
        "incident",
        "policy",
        "strengths",
        "draws with fewer over than a milder one",
        "by at most",
        "and less late as well",
    )
    notes = [
        (
            f"At {layout.hub_ids[fullest]}, the lane {layout.lane_ids[lane]} and over all, from {start:%d %B} on, {DRAWS} draws; parcels over: each hub's worst "
            "sort, all hubs. What keeps parcels from the fullest hub, a lane shut, vehicles gone, late arrivals, spares its yard and lets them come late."
        ),
        (
            "What must hold on every draw stands above: a hub that sorts less or is sent more never leaves fewer over, and nothing changes before an incident begins. Over and lateness of all "
            f"hubs together need not rise: vehicles are filled and sorts given in turn, so that what comes later leaves room that others take, and a longer queue fills half a vehicle and has it "
            f"called. On {both} draws both fall, lateness by at most {gained:.1%}: the order of a queue, as in any list of jobs on several machines (Graham, SIAM Journal on Applied Mathematics 17, 1969)."
        ),
    ]
    all_draws = sum(len(one) for one in LADDERS.values()) * 2 * DRAWS
    bars = [
        Bar(
            "the fullest hub shut longer, or more volume, leaves fewer over",
            "on no draw",
            f"on {of_hub} of {2 * 2 * 3 * DRAWS:,}",
            of_hub == 0,
        ),
        Bar(
            "anything is over or not before an incident begins that is otherwise without it",
            "on no draw",
            f"on {ahead} of {all_draws:,}",
            ahead == 0,
        ),
        Bar(
            "a worse incident of any kind leaves fewer over and less late",
            "on no draw",
            f"on {both} of {all_draws:,}, lateness less by {gained:.1%} at most",
            both == 0,
        ),
    ]
    return Section("A worse incident is never better", bars, notes, [Table(header, rows)])


def _add_over(outcomes: Any) -> Any:
    """[draws] parcels over at each hub's worst sort, all hubs together."""
    return outcomes.over.max(axis=2).sum(axis=1)
