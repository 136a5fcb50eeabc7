"""Playbooks: each scenario's answers played on the same draws, priced and ranked; and drills, which tell whether the best one holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from data.constants import constant
from data.engines import LOCAL, Engine
from data.progress import SILENT, Progress
from routing.stress.answers import (
    NOTICE,
    Answer,
    Struck,
    Tables,
    days_of,
    list_answers,
    place_ahead,
    struck_places,
    with_capacity,
)
from routing.stress.incidents import BASE, Scenario, Surroundings
from routing.stress.layout import Layout, Prices, lay_out
from routing.stress.play import Outcomes
from routing.stress.policies import DEFAULT, Policy
from routing.stress.probability import Probability, estimate, is_no_likelier
from routing.stress.records import Whole
from routing.stress.stress import StressOptions, hit, play_scenario

Replan = Callable[[Scenario], "tuple[Tables, int] | None"]


@dataclass(frozen=True)
class RankRules:
    """How answers are ranked."""

    overflow_price: float = constant(
        5.0, "CNY/parcel", "over a buffer, to rank what leaves fewer over against what is cheaper", "judgement"
    )


RANKING = RankRules()


@dataclass(frozen=True)
class Room:
    """What a control room plays on.

    Attributes
    ----------
    tables, layout, demand
        The plan, laid out, and its draws.
    prices
        The plan was made at.
    around
        What incidents need.
    options
        Seed and strata.
    policy
        What dispatchers may do anyway.
    sort_price
        CNY a parcel of sorting capacity and day.
    """

    tables: Tables
    layout: Layout
    demand: Whole
    prices: Prices
    around: Surroundings
    options: StressOptions
    sort_price: float
    policy: Policy = DEFAULT

    def play(self, scenario: Scenario, layout: Layout | None = None, demand: Whole | None = None) -> Outcomes:
        """Play a scenario under the ordinary policy."""
        return play_scenario(
            self.layout if layout is None else layout,
            self.demand if demand is None else demand,
            scenario,
            self.policy,
            self.options,
            self.around,
        )

    def judge(self, outcomes: Outcomes) -> tuple[Probability, float, float]:
        """Return the probability of an overflow, mean parcels over, and mean cost [CNY]."""
        over = float(outcomes.over.max(axis=2).sum(axis=1).mean())
        return estimate(hit(outcomes), self.options.strata), over, float(outcomes.costs.sum(axis=1).mean())


@dataclass(frozen=True)
class Played:
    """An answer and what it came to."""

    answer: Answer
    probability: Probability
    over: float
    cost: float
    late: float
    hits: np.ndarray[tuple[int], np.dtype[np.bool_]]

    @property
    def score(self) -> float:
        """What it leaves [CNY]: cost, price, and parcels over priced."""
        return self.cost + self.answer.price + self.over * RANKING.overflow_price


def write_playbook(room: Room, scenario: Scenario, replan: Replan | None = None) -> list[Played]:
    """Play every answer to a scenario and rank them, the best first.

    Parameters
    ----------
    room
        Plan, draws, prices.
    scenario
        What happens.
    replan
        Plans anew near the plan for a scenario; gives the tables and the departures changed, None where it cannot.
    """
    nothing = room.play(scenario)
    first, last = days_of(scenario, room.layout, room.around.zone)
    struck = Struck(room.tables, room.layout, scenario, first, last, nothing)
    answers = list_answers(struck, room.sort_price, _carrying_price(room))
    anew = replan(scenario) if replan is not None else None
    if anew is not None:
        tables, changes = anew
        answers.append(Answer("re_plan", (), first, last, float(changes), tables=tables))
    found = [_play_answer(room, scenario, answer, nothing) for answer in answers]
    return sorted(found, key=lambda one: (one.score, one.answer.kind))


def tabulate_playbook(scenario: Scenario, ranked: Sequence[Played]) -> pl.DataFrame:
    """Give rows of ``playbooks`` but ``run_id``."""
    nothing = next(one for one in ranked if one.answer.kind == "nothing")
    rows = [
        {
            "scenario": scenario.name,
            "rank": rank,
            "answer": one.answer.kind,
            "place": "|".join(one.answer.place) or None,
            "date_from": one.answer.first,
            "date_to": one.answer.last,
            "amount": one.answer.amount,
            "notice_hours": NOTICE[one.answer.kind],
            "price": one.answer.price,
            "overflow_probability": one.probability.value,
            "overflow_low": one.probability.low,
            "overflow_high": one.probability.high,
            "expected_overflow": one.over,
            "late": one.late,
            "cost_mean": one.cost,
            "cost_change": one.cost + one.answer.price - nothing.cost,
        }
        for rank, one in enumerate(ranked, start=1)
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


@dataclass(frozen=True)
class Risked:
    """A scenario, how likely it is, and what it adds when nothing is done [CNY]."""

    scenario: Scenario
    likelihood: float
    harm: float

    @property
    def weight(self) -> float:
        """Likelihood x harm."""
        return self.likelihood * self.harm


def write_playbooks(
    room: Room,
    scenarios: Sequence[Scenario],
    replan: Replan | None = None,
    engine: Engine = LOCAL,
    bar: Progress = SILENT,
) -> dict[str, list[Played]]:
    """Rank the answers to each scenario, one task a scenario."""
    found = engine.map(_playbook_task, (room, replan), scenarios, bar)
    return {scenario.name: ranked for scenario, ranked in zip(scenarios, found, strict=True)}


def _playbook_task(shared: tuple[Room, Replan | None], scenario: Scenario) -> list[Played]:
    return write_playbook(shared[0], scenario, shared[1])


def _harm_task(room: Room, scenario: Scenario) -> tuple[float, float]:
    _, over, cost = room.judge(room.play(scenario))
    return over, cost


def weigh(
    room: Room, scenarios: Sequence[tuple[Scenario, float]], engine: Engine = LOCAL, bar: Progress = SILENT
) -> list[Risked]:
    """Play scenarios with nothing done and order them by likelihood x harm, the heaviest first.

    Parameters
    ----------
    room
        Plan, draws, prices.
    scenarios
        With the probability that each happens.
    engine, bar
        Where it is played; told how far it is.
    """
    (over, cost), *played = engine.map(_harm_task, room, [BASE, *(scenario for scenario, _ in scenarios)], bar)
    found = []
    for (scenario, likelihood), (more, dearer) in zip(scenarios, played, strict=True):
        harm = max(dearer - cost + RANKING.overflow_price * (more - over), 0.0)
        found.append(Risked(scenario, likelihood, harm))
    return sorted(found, key=lambda one: (-one.weight, one.scenario.name))


def choose(risked: Sequence[Risked], tables: Tables, most: int, coverage: float) -> list[Risked]:
    """Choose scenarios to rehearse: the heaviest first, then those that cover most of what is not yet covered.

    Parameters
    ----------
    risked
        The heaviest first.
    tables
        Of the plan.
    most
        Scenarios rehearsed for their weight.
    coverage
        Share of the parcels whose hubs and lanes must be struck by a scenario that is rehearsed; more are added until it is met.
    """
    chosen = list(risked[:most])
    left = list(risked[most:])
    reached = Reach(tables)
    reached.add(chosen)
    while left and reached.share < coverage:
        gains = [reached.gain(one) for one in left]
        best = max(range(len(left)), key=lambda at: (gains[at], left[at].weight))
        if gains[best] <= 0:
            break
        reached.add([left[best]])
        chosen.append(left.pop(best))
    return chosen


class Reach:
    """Which share of a plan's parcels has all its hubs and lanes struck by some scenario that is rehearsed."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        ends = {
            lane: (origin, destination)
            for lane, origin, destination in tables["lanes"]
            .select("lane_id", "origin_hub_id", "destination_hub_id")
            .iter_rows()
        }
        places: dict[frozenset[tuple[str, str]], int] = {}
        for origin, path, parcels in tables["trunk_flows"].select("origin_hub_id", "path", "parcels").iter_rows():
            met = {("hub", origin)} | {("lane", lane) for lane in path} | {("hub", ends[lane][1]) for lane in path}
            places[frozenset(met)] = places.get(frozenset(met), 0) + int(parcels)
        self.places = places
        self.total = sum(places.values())
        self.struck: set[tuple[str, str]] = set()

    @property
    def share(self) -> float:
        """Share covered."""
        done = sum(parcels for met, parcels in self.places.items() if met <= self.struck)
        return done / self.total if self.total else 1.0

    def add(self, risked: Sequence[Risked]) -> None:
        """Count scenarios as rehearsed."""
        for one in risked:
            self.struck |= self._of(one)

    def gain(self, one: Risked) -> float:
        """Parcels x places that a scenario would strike for the first time."""
        new = self._of(one) - self.struck
        return float(sum(parcels * len(met & new) for met, parcels in self.places.items()))

    def _of(self, one: Risked) -> set[tuple[str, str]]:
        hubs, lanes = struck_places(one.scenario.incidents, self.tables)
        return {("hub", hub) for hub in hubs} | {("lane", lane) for lane in lanes}


def rehearse(
    room: Room, plan: str, chosen: Sequence[Risked], playbooks: Mapping[str, Sequence[Played]]
) -> pl.DataFrame:
    """Tell of each scenario whether its best answer holds on a plan.

    Returns
    -------
    pl.DataFrame
        Rows of ``drills`` but ``run_id``, in the order rehearsed. An answer held when on the same draws a hub is no
        likelier over than without the incident.
    """
    calm = room.play(BASE)
    before, _, _ = room.judge(calm)
    reached = Reach(room.tables)
    rows: list[dict[str, Any]] = []
    for one in chosen:
        ranked = playbooks[one.scenario.name]
        best = ranked[0]
        nothing = next(played for played in ranked if played.answer.kind == "nothing")
        reached.add([one])
        hubs, lanes = struck_places(one.scenario.incidents, room.tables)
        everywhere = len(lanes) == room.tables["lanes"].height
        rows.append(
            {
                "scenario": one.scenario.name,
                "plan": plan,
                "place": None if everywhere else "|".join([*sorted(hubs), *sorted(lanes)]) or None,
                "likelihood": one.likelihood,
                "harm": one.harm,
                "answer": best.answer.kind,
                "overflow_before": before.value,
                "overflow_probability": nothing.probability.value,
                "overflow_answered": best.probability.value,
                "held": is_no_likelier(best.hits, hit(calm)),
                "covered": reached.share,
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def _play_answer(room: Room, scenario: Scenario, answer: Answer, nothing: Outcomes) -> Played:
    if answer.kind == "nothing":
        outcomes = nothing
    else:
        layout = room.layout
        if answer.tables is not None:
            layout = lay_out(answer.tables, room.layout.routes, room.prices)
        if answer.capacity is not None:
            layout = with_capacity(layout, answer.capacity)
        demand = room.demand if answer.ahead is None else place_ahead(layout, room.demand, answer.ahead)
        playing = room if answer.policy is None else replace(room, policy=answer.policy)
        outcomes = playing.play(scenario, layout, demand)
    probability, over, cost = room.judge(outcomes)
    done = int(outcomes.late.sum())
    late = float(outcomes.late[1:].sum() / done) if done else 0.0
    return Played(answer, probability, over, cost, late, hit(outcomes))


def _carrying_price(room: Room) -> float:
    """What carrying a parcel costs by the plan's own certificate [CNY]."""
    rows = room.tables["trunk_departures"]
    parcels = float(room.tables["route_demand"]["parcels"].sum())
    return float(rows["cost"].sum()) / parcels if parcels else 0.0
