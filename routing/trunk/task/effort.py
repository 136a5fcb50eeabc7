"""What a trunk plan's time and effort are spent on: every share of the time limit, and what is done at effort 1, in one place.

Work is counted, so that a plan repeats; the time limit is an emergency brake, of which each part may take its share.
"""

from __future__ import annotations

from dataclasses import dataclass

from data.constants import constant


@dataclass(frozen=True)
class TimeShares:
    """Parts of the time limit that a step may take at most, and parts of the effort that it gets."""

    bound: float = constant(
        0.3, "1", "of the limit: the Lagrangian bound, and of limit and effort the exact model before it", "judgement"
    )
    dual_ascent: float = constant(0.3, "1", "of the limit: the dual ascent, whose rounds are counted", "judgement")
    openings: float = constant(0.1, "1", "of the limit: prices of openings, whose steps are counted", "judgement")
    search: float = constant(0.8, "1", "of the effort: annealing", "judgement")
    search_openings: float = constant(
        0.15, "1", "of the effort: annealing, where opening arcs is the question", "judgement"
    )
    patches: float = constant(
        0.6,
        "1",
        "of time left and effort: patches before lanes are ordered and own vehicles placed; the rest after",
        "judgement",
    )
    fresh: float = constant(
        0.6, "1", "of limit and effort: a plan without the reference, where changes have no limit", "judgement"
    )
    closing: float = constant(0.05, "1", "of the limit: left at least for fixes of shortfalls", "judgement")
    strong_bound: float = constant(0.4, "1", "of what is left: the path formulation", "judgement")
    scaling: float = constant(0.6, "1", "of what is left then: capacity scaling", "judgement")
    neighbourhood: float = constant(0.15, "1", "of the limit: one neighbourhood", "judgement")


@dataclass(frozen=True)
class Work:
    """What is done at effort 1; other efforts scale it."""

    cached_arcs: int = constant(
        2500,
        "arcs",
        "up to which a network stays in the processor's cache; larger ones are slower",
        "judgement",
    )
    moves_a_second: int = constant(
        4_000_000,
        "moves/s",
        "of the annealing that a second of effort buys on a cached network",
        "judgement",
    )
    moves_an_entry: int = constant(
        100_000, "moves", "of the annealing at most, for each commodity's entry", "judgement"
    )
    tries_a_second: int = constant(
        5500, "tries/s", "of the local search that a second of effort buys on a cached network", "judgement"
    )
    tries_an_arc: int = constant(400, "tries", "of the local search at most, for each arc", "judgement")
    tries_a_path: int = constant(500, "tries", "of the local search at most, for each path of a reference", "judgement")
    node_columns: int = constant(12_000_000, "nodes x columns", "of branch and bound for the exact model", "judgement")
    fewest_nodes: int = constant(200, "nodes", "of branch and bound at least, whatever the effort", "judgement")
    fleet_nodes: int = constant(
        2000, "nodes", "of branch and bound for a block of vehicles, from effort 0.5 on", "judgement"
    )
    place_nodes: int = constant(500, "nodes", "of branch and bound for the places of a vehicle type", "judgement")
    near_nodes: int = constant(
        20_000, "nodes", "of branch and bound for the departures nearest to a reference", "judgement"
    )
    neighbourhoods: int = constant(120, "neighbourhoods", "solved where opening arcs is the question", "judgement")
    neighbourhood_nodes: int = constant(
        100,
        "nodes",
        "of branch and bound for one of them",
        "fitted: cost at equal seconds with 60, 100 and 300; c40 and c50 of the fixed-charge instances, two seeds",
    )
    patches_a_second: int = constant(
        8, "patches/s", "planned anew that a second of effort buys on a cached network", "judgement"
    )
    patches_an_arc: int = constant(5, "patches", "planned anew at most, for each arc", "judgement")
    placings: int = constant(
        3,
        "searches",
        "at most around own vehicles as they can stand, where placing them leaves parcels short",
        "judgement",
    )
    carried: int = constant(
        100_000, "demands", "carried again to verify fixes; later ones are told unverified", "judgement"
    )


SHARES = TimeShares()
WORK = Work()
