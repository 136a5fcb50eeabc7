"""The stress test: a plan on draws of the demand, under policies and scenarios, until its probability is known well enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from data.constants import constant
from data.engines import LOCAL, Engine
from data.errors import RadarError
from data.progress import SILENT, Progress
from routing.stress.incidents import (
    BASE,
    Incident,
    Scenario,
    Surroundings,
    change_demand,
    check_incident,
    draw_happening,
    strike,
)
from routing.stress.layout import Layout
from routing.stress.play import Outcomes, join_outcomes, play_draws
from routing.stress.policies import DEFAULT, RIGID, UNLIMITED, Policy, apply_policy
from routing.stress.probability import Probability, estimate
from routing.stress.records import Whole
from routing.stress.to_tables import summarise_hub_days, summarise_plan


@dataclass(frozen=True)
class DrawRules:
    """How many draws are played."""

    looks: tuple[int, ...] = constant(
        (250, 500, 1000, 2000), "draws", "after which the interval is looked at", "judgement"
    )
    half_width: float = constant(0.01, "1", "of the interval at which drawing stops", "judgement: a point")
    most: int = constant(100_000, "draws", "at most", "judgement")
    block: int = constant(
        250,
        "draws",
        "of one task, the same on every engine, so that sums are added in the same order",
        "judgement",
    )


DRAWS = DrawRules()


@dataclass(frozen=True)
class StressOptions:
    """What a stress test is to do.

    Attributes
    ----------
    draws
        Most draws; fewer when the interval of the first policy is narrow before.
    policies
        The first decides when drawing stops.
    scenarios
        Beside the plan on its draws alone, which is always played.
    strata
        Strata of the draws.
    seed
        Of incidents that may happen or not.
    early
        Whether drawing may stop before ``draws``.
    """

    draws: int = 2000
    policies: tuple[Policy, ...] = (DEFAULT, RIGID, UNLIMITED)
    scenarios: tuple[Scenario, ...] = ()
    strata: int = 25
    seed: int = 0
    early: bool = True


@dataclass(frozen=True)
class Stressed:
    """What a stress test found.

    Attributes
    ----------
    results, summaries
        Rows of ``stress_results`` and ``stress_summaries``.
    demand
        [draws x routes] parcels.
    outcomes
        By scenario and policy name.
    probabilities
        Of an overflow anywhere, by scenario and policy name.
    stranded
        Parcels a draw, on average, that no lanes lead for; they are set apart.
    """

    results: pl.DataFrame
    summaries: pl.DataFrame
    demand: Whole
    outcomes: dict[tuple[str, str], Outcomes]
    probabilities: dict[tuple[str, str], Probability]
    stranded: float

    @property
    def draws(self) -> int:
        """Draws played."""
        return int(self.demand.shape[0])


def stress_plan(
    layout: Layout,
    draw: Callable[[int, int], Whole],
    options: StressOptions,
    around: Surroundings,
    bar: Progress = SILENT,
    engine: Engine = LOCAL,
) -> Stressed:
    """Play a plan on draws.

    Parameters
    ----------
    layout
        The plan.
    draw
        Gives draws from a number up to another as [draws x routes] parcels, in the layout's order of routes.
    options
        How many, under what, on what.
    around
        What incidents need.
    bar
        Told how far it is.
    engine
        Where it is played; the results are the same to the byte.

    Raises
    ------
    RadarError
        For no draws or too many, or scenarios that name what is not there.

    Notes
    -----
    All scenarios and policies are played on the same draws, so their differences are much surer than each of them. Looks are at
    250, 500, 1,000 and 2,000 draws.
    """
    if not 1 <= options.draws <= DRAWS.most:
        raise RadarError(f"{options.draws} draws", f"1 to {DRAWS.most:,}", "1,000 to 2,000 are enough for a point")
    check_scenarios(options.scenarios, layout, around)
    looks = [look for look in DRAWS.looks if look < options.draws] + [options.draws]
    first = options.policies[0]
    demand = np.zeros((0, layout.routes.height), dtype=np.int64)
    parts: list[Outcomes] = []
    stranded = 0
    for look in looks:
        drawn = draw(demand.shape[0], look)
        more = np.where(layout.stranded, 0, drawn)
        stranded += int(drawn.sum() - more.sum())
        demand = np.concatenate([demand, more])
        parts.append(_play_on(engine, Ground(layout, more, options, around), [(BASE, first)])[0])
        bar.step(look, options.draws, f"{look:,} draws")
        found = estimate(hit(join_outcomes(parts)), options.strata)
        if options.early and found.half_width <= DRAWS.half_width:
            break
    outcomes = {(BASE.name, first.name): join_outcomes(parts)}
    todo = [
        (scenario, policy)
        for scenario in (BASE, *options.scenarios)
        for policy in options.policies
        if (scenario.name, policy.name) not in outcomes
    ]
    played = _play_on(engine, Ground(layout, demand, options, around), todo, bar)
    outcomes |= {(scenario.name, policy.name): found for (scenario, policy), found in zip(todo, played, strict=True)}
    probabilities = {key: estimate(hit(found), options.strata) for key, found in outcomes.items()}
    results = [summarise_hub_days(layout, *key, found, options.strata) for key, found in outcomes.items()]
    summaries = [summarise_plan(*key, found, probabilities[key]) for key, found in outcomes.items()]
    return Stressed(
        pl.concat(results),
        pl.DataFrame(summaries, infer_schema_length=None),
        demand,
        outcomes,
        probabilities,
        stranded / demand.shape[0],
    )


@dataclass(frozen=True)
class Ground:
    """What every play of a stress test shares: the plan, its draws, the seed of incidents, and what they need."""

    layout: Layout
    demand: Whole
    options: StressOptions
    around: Surroundings


def _play_on(
    engine: Engine, ground: Ground, todo: Sequence[tuple[Scenario, Policy]], bar: Progress = SILENT
) -> list[Outcomes]:
    """Play scenarios under policies, each in blocks of draws that are the same on every engine."""
    draws = ground.demand.shape[0]
    blocks = [(start, min(start + DRAWS.block, draws)) for start in range(0, draws, DRAWS.block)] or [(0, 0)]
    parts = [(scenario, policy, start, end) for scenario, policy in todo for start, end in blocks]
    found = engine.map(play_part, ground, parts, bar)
    return [join_outcomes(found[at : at + len(blocks)]) for at in range(0, len(found), len(blocks))]


def play_part(ground: Ground, part: tuple[Scenario, Policy, int, int]) -> Outcomes:
    """Play one scenario under one policy on some of the draws: the task of an engine."""
    scenario, policy, start, end = part
    happening = draw_happening(scenario.incidents, ground.demand.shape[0], ground.options.seed)[start:end]
    return _play_happening(ground.layout, ground.demand[start:end], scenario, policy, ground.around, happening)


def play_scenario(
    layout: Layout, demand: Whole, scenario: Scenario, policy: Policy, options: StressOptions, around: Surroundings
) -> Outcomes:
    """Play one scenario under one policy: each draw with the incidents that happen in it."""
    happening = draw_happening(scenario.incidents, demand.shape[0], options.seed)
    return _play_happening(layout, demand, scenario, policy, around, happening)


def _play_happening(
    layout: Layout,
    demand: Whole,
    scenario: Scenario,
    policy: Policy,
    around: Surroundings,
    happening: np.ndarray[tuple[int, int], np.dtype[np.bool_]],
) -> Outcomes:
    kinds, kind_of = np.unique(happening, axis=0, return_inverse=True)
    kind_of = kind_of.reshape(-1)
    parts, order = [], []
    network = apply_policy(layout, policy)
    for kind, happens in enumerate(kinds):
        here: list[Incident] = [one for one, yes in zip(scenario.incidents, happens, strict=True) if yes]
        draws = np.flatnonzero(kind_of == kind)
        struck = strike(layout, network, here, around)
        parts.append(play_draws(struck, change_demand(layout, demand[draws], here, around)))
        order.append(draws)
    return join_outcomes(parts, np.argsort(np.concatenate(order), kind="stable"))


def hit(outcomes: Outcomes) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return [draws] whether any hub overflows."""
    return np.asarray((outcomes.over > 0).any(axis=(1, 2)))


def check_scenarios(scenarios: Sequence[Scenario], layout: Layout, around: Surroundings) -> None:
    """Refuse scenarios of one name, and incidents that name what the plan does not have.

    Raises
    ------
    RadarError
        In one sentence, before anything is played.
    """
    _check_names(scenarios)
    for scenario in scenarios:
        for incident in scenario.incidents:
            try:
                check_incident(incident, layout, around)
            except RadarError as error:
                raise RadarError(f"{error.found} (scenario {scenario.name})", error.expected, error.action) from error


def _check_names(scenarios: Sequence[Scenario]) -> None:
    seen = {BASE.name}
    for scenario in scenarios:
        if scenario.name in seen:
            raise RadarError(
                f"two scenarios {scenario.name}", "a name for each", f"{BASE.name} is the plan on its draws alone"
            )
        seen.add(scenario.name)
