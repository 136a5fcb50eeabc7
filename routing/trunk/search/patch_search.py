"""A plan made better patch by patch: departures near each other are planned anew, exactly, while the rest stays.

What local search cannot do in one move, several vehicles that save only together, a small mixed-integer model finds (large
neighbourhood search: Shaw, "Using constraint programming and local search methods to solve vehicle routing problems", CP 1998).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.constants import constant
from data.progress import SILENT, Progress
from routing.budget import SECONDS_OF_EFFORT, Deadline
from routing.trunk.search.draft import Draft
from routing.trunk.search.incumbent_log import IncumbentLog
from routing.trunk.search.patch_model import Choices, Patch, Replanned, list_choices, replan
from routing.trunk.search.patches import PATCH, Places, draw_patch, locate_arcs
from routing.trunk.task.effort import WORK
from routing.trunk.task.flows import Flows, keep_used, load_network
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import Flags, Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import PathPool, merge_paths, take_paths, use_paths
from routing.trunk.task.records import NodeArcLoads
from routing.trunk.vehicles.vehicle_model import count_on_pairs, list_pairs, tally


@dataclass(frozen=True)
class PatchSearchRules:
    """When the search ends, and how patches grow."""

    vain: float = constant(
        3.0,
        "1",
        "times as many patches as departures run, in vain one after the other, after which the search ends",
        "judgement",
    )
    short_demands: int = constant(20, "demands", "that are short, drawn to be carried in a patch", "judgement")
    worth_while: float = constant(1e-7, "1", "of a plan's cost that a patch must save", "judgement")
    grow: float = constant(1.003, "1", "factor on the paths of a patch after one settled in vain", "judgement")
    shrink: float = constant(0.97, "1", "factor on them after one that was not settled", "judgement")
    most_paths: float = constant(600.0, "paths", "in use on a patch at most", "judgement")


RULES = PatchSearchRules()


def improve_patches(
    network: TrunkNetwork,
    draft: Draft,
    options: TrunkOptions,
    share: float,
    deadline: Deadline,
    progress: Progress = SILENT,
) -> Draft:
    """Plan patches of a plan anew until all due are done, or many in vain; own vehicles run as they do, and stand where they stand.

    Parameters
    ----------
    network
        With the limits of lanes shared out over their departures.
    share
        Of the patches that the effort pays for, and of the time left.
    """
    due = count_patches(network, share * options.effort)
    if not due or not network.arcs or not len(network.demand_parcels):
        return draft
    deadline = deadline.share("patches", share * deadline.left())
    plan = _PatchedPlan(network, draft)
    generator = np.random.default_rng([options.seed, 404])
    paths, vain, made = float(PATCH.paths), 0, 0
    patience = RULES.vain * max(int((plan.departures > 0).sum()), 10)
    while made < due and vain < patience and not deadline.over():
        try:
            saved, settled = plan.improve(int(paths), generator, deadline)
        except KeyboardInterrupt:
            deadline.stop()
            break
        made += 1
        vain = 0 if saved > 0.0 else vain + 1
        if not settled:
            paths *= RULES.shrink
        elif saved <= 0.0:
            paths = min(paths * RULES.grow, RULES.most_paths)
        if isinstance(progress, IncumbentLog):
            progress.lower(-saved)
        progress.step(made, due, "patches")
    deadline.work.count("patches", made, made if vain >= patience else due)
    found = plan.draft()
    return found if found.cost < draft.cost else draft


def count_patches(network: TrunkNetwork, effort: float) -> int:
    """Patches due at an effort; fewer on networks that leave the processor's cache."""
    pace = WORK.patches_a_second * min(1.0, WORK.cached_arcs / max(network.arcs, 1))
    return int(effort * min(pace * SECONDS_OF_EFFORT, WORK.patches_an_arc * network.arcs))


class _PatchedPlan:
    """A plan that changes: paths in use with their parcels, what they load, and departures by the pairs that can be used."""

    def __init__(self, network: TrunkNetwork, draft: Draft) -> None:
        self.network = network
        self.pool, self.parcels = draft.flows.pool, draft.flows.parcels
        self.short = draft.flows.short(network)
        loads = draft.loads
        self.loads = NodeArcLoads(loads.arcs.copy(), loads.sorts.copy(), loads.nights.copy())
        self.departures = count_on_pairs(network, draft.vehicles, *list_pairs(network))
        self.choices: Choices = list_choices(network, self.departures)
        # staging takes what sorts do, whatever led there before
        self.departures[~network.vehicle_drives[self.choices.vehicle]] = 1
        self.places: Places = locate_arcs(network, self.choices.arc)
        self.cost = draft.cost

    def improve(self, paths: int, generator: np.random.Generator, deadline: Deadline) -> tuple[float, bool]:
        """Plan one patch anew; return what that saves [CNY] and whether it was settled."""
        free = draw_patch(self.places, self._waste(), self.pool, paths, generator)
        patch, mine = self._take_out(free, self._draw_short(generator))
        if not patch.asked.any():
            return 0.0, True
        found, settled = replan(self.network, self.choices, patch, self.departures, generator, deadline)
        if found is None:
            return 0.0, settled
        before = self._price(patch, Replanned(patch.flows, self.departures[patch.pairs]))
        saved = before - self._price(patch, found)
        if saved <= RULES.worth_while * self.cost:
            return 0.0, settled
        self._put_back(patch, mine, found)
        self.cost -= saved
        return saved, settled

    def draft(self) -> Draft:
        """The plan as it is now."""
        pool, place = merge_paths(self.network, [self.pool])
        parcels = np.rint(np.bincount(place, self.parcels, len(pool))).astype(np.int64)
        flows = keep_used(pool, parcels)
        loads = load_network(self.network, flows)
        vehicles = tally(self.network, self.choices.arc, self.choices.vehicle, self.departures, loads.arcs)
        return Draft(flows, loads, vehicles)

    def _waste(self) -> Floats:
        """Price of the room that vehicles leave unused, (R,) [CNY]."""
        room = np.bincount(self.choices.arc, self.departures * self.choices.capacity, self.network.arcs)
        wasted: Floats = np.maximum(room - self.loads.arcs, 0.0) * self.choices.room_price
        return wasted

    def _draw_short(self, generator: np.random.Generator) -> Ints:
        """Some of the demands that are short: a patch may have room for them, wherever they come from."""
        short = np.flatnonzero(self.short > 0)
        return generator.permutation(short)[: RULES.short_demands]

    def _take_out(self, free: Flags, short: Ints) -> tuple[Patch, Flags]:
        """Take a patch out of the plan, with demands that are short; also which paths pass it, (P,)."""
        network, pool = self.network, self.pool
        owner = np.repeat(np.arange(len(pool)), np.diff(pool.pointers))
        on_arc = pool.legs < network.arcs
        mine = np.zeros(len(pool), dtype=np.bool_)
        mine[owner[on_arc][free[pool.legs[on_arc]]]] = True
        flows = Flows(take_paths(pool, mine), self.parcels[mine])
        passing = np.rint(np.bincount(flows.pool.demand, flows.parcels, len(self.short))).astype(np.int64)
        use, parcels = use_paths(network, flows.pool), flows.parcels.astype(np.float64)
        room = np.bincount(self.choices.arc, self.departures * self.choices.capacity, network.arcs)
        left = NodeArcLoads(
            np.where(free, 0.0, np.maximum(room - (self.loads.arcs - use.arcs @ parcels), 0.0)),
            network.sort_capacity - (self.loads.sorts - use.sorts @ parcels),
            network.buffer_capacity - (self.loads.nights - use.nights @ parcels),
        )
        joins = passing > 0
        joins[short] = True
        asked = np.where(joins, passing + self.short, 0)
        return Patch(free, np.flatnonzero(free[self.choices.arc]), flows, asked, left), mine

    def _price(self, patch: Patch, found: Replanned) -> float:
        """Cost of a patch as it is planned [CNY]."""
        parcels = found.flows.parcels.astype(np.float64)
        short = float(patch.asked.sum() - parcels.sum()) * self.network.short_cost
        carried = float(use_paths(self.network, found.flows.pool).cost @ parcels)
        return carried + short + float(found.departures @ self.choices.price[patch.pairs])

    def _put_back(self, patch: Patch, mine: Flags, found: Replanned) -> None:
        network, old, new = self.network, patch.flows, found.flows
        for flows, sign in ((old, -1.0), (new, 1.0)):
            use, parcels = use_paths(network, flows.pool), sign * flows.parcels
            for kind, matrix in enumerate((use.arcs, use.sorts, use.nights)):
                self.loads[kind][:] += matrix @ parcels
        kept = take_paths(self.pool, ~mine)
        self.pool = _join(kept, new.pool)
        self.parcels = np.concatenate([self.parcels[~mine], new.parcels])
        carried = np.rint(np.bincount(new.pool.demand, new.parcels, len(self.short))).astype(np.int64)
        self.short = np.where(patch.asked > 0, patch.asked - carried, self.short)
        self.departures[patch.pairs] = found.departures


def _join(pool: PathPool, other: PathPool) -> PathPool:
    """Put one pool behind another, doubles and all."""
    pointers = np.concatenate([pool.pointers, pool.pointers[-1] + other.pointers[1:]])
    return PathPool(np.concatenate([pool.demand, other.demand]), pointers, np.concatenate([pool.legs, other.legs]))
