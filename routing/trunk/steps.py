"""The steps from a network to a plan: bound, start, improvement, order, places of own vehicles, patches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from data.progress import SILENT, Progress
from routing.budget import Deadline
from routing.trunk.bound.dual_ascent import lift_bound
from routing.trunk.bound.forcing_prices import force_openings
from routing.trunk.bound.lagrangian import BoundCertificate, Relaxation, raise_bound, zero_prices
from routing.trunk.compiling import compile_carrying
from routing.trunk.replan.plan_near import plan_near, rank_near, repeat_plan
from routing.trunk.replan.reference_plan import (
    Reference,
    ReferencePlan,
)
from routing.trunk.search.column_plan import carry_columns
from routing.trunk.search.draft import Draft, empty_draft, refuse_paths
from routing.trunk.search.exact import (
    fits_exact_model,
    flow_columns,
    is_proven_first,
    most_columns,
    solve_exactly,
)
from routing.trunk.search.find_plan import find_bound, search_plan
from routing.trunk.search.fixed_charge import is_fixed_charge, plan_fixed_charge
from routing.trunk.search.making_way import carry_short
from routing.trunk.search.patch_search import improve_patches
from routing.trunk.search.placed_vehicles import forbid_unplaced, place_own
from routing.trunk.search.sort_order import order_plan
from routing.trunk.search.unstaged import add_staging_to, drop_staging, order_alike
from routing.trunk.task.effort import SHARES, WORK
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import TrunkNetwork, leaves_often, share_limits
from routing.trunk.to_tables import (
    GAP_CLOSED,
)


@dataclass(frozen=True, slots=True)
class Made:
    """A plan before it is written, the network it keeps to, its bound, and what the order of its lanes costs and leaves short."""

    network: TrunkNetwork
    draft: Draft
    relaxed: Relaxation
    order_cost: float | None = None
    order_short: int = 0


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps from a network to a plan, and what all of them need."""

    options: TrunkOptions
    columns: int
    reference: Reference | None
    reference_plan: ReferencePlan | None
    deadline: Deadline
    closing: Deadline
    progress: Progress

    def plan(self, network: TrunkNetwork) -> Made:
        """Find a plan, carry what is short, order lanes, let own vehicles stand where they leave from, and improve it by patches."""
        options, deadline, reference, near = self.options, self.deadline, self.reference, self.reference_plan
        if reference is None or near is None:
            draft, relaxed = _find_plan(network, options, self.columns, deadline, self.progress)
        else:
            draft, relaxed = _find_near(
                network, options, self.columns, near, reference.max_changes, deadline, self.progress
            )

        def rank(found: Draft) -> tuple[float, int]:
            return self._rank(network, found)

        draft, relaxed = self._carry(network, refuse_paths(network, draft), relaxed)
        order_cost, order_short = None, 0
        if options.sort_plan != "free" and (reference is None or reference.max_changes is None):
            free = draft
            network, draft = order_plan(network, free, relaxed, options, self.closing)
            order_short = int(draft.flows.short(network).sum() - free.flows.short(network).sum())
            order_cost = draft.cost - free.cost - order_short * network.short_cost
        placed = _place_vehicles(network, draft, options, rank, self.closing)
        if near is not None and rank(placed) > rank(draft):
            # own vehicles that stand elsewhere made it dearer: those of the reference stand where they leave from
            repeated = repeat_plan(share_limits(network), near, self.closing)
            repeated = place_own(network, refuse_paths(network, repeated), self.closing)
            placed = min(placed, _carry_more(network, repeated, rank, self.closing), key=rank)
        draft = placed
        if near is None and not deadline.over():
            driven = share_limits(network)
            draft = improve_patches(driven, draft, options, 1.0 - SHARES.patches, deadline, self.progress)
        return Made(network, draft, relaxed, order_cost, order_short)

    def plan_with_staging(self, network: TrunkNetwork) -> Made:
        """Plan without staging, then patch by patch with it: no plan with it is dearer than the one without."""
        options, deadline = self.options, self.deadline
        unstaged = drop_staging(network)
        made = self.plan(unstaged)
        network = order_alike(network, made.network)
        relaxed = _bound(network, options, deadline, self.progress)
        draft = add_staging_to(network, made.network, made.draft)
        short = int(draft.flows.short(network).sum())
        draft, relaxed = self._carry(network, draft, relaxed)
        if short:
            draft = _place_vehicles(network, draft, options, lambda found: self._rank(network, found), self.closing)
        if not deadline.over():
            driven = share_limits(network)
            draft = improve_patches(driven, draft, options, 1.0 - SHARES.patches, deadline, self.progress)
        return replace(made, network=network, draft=draft, relaxed=relaxed)

    def _carry(self, network: TrunkNetwork, draft: Draft, relaxed: Relaxation) -> tuple[Draft, Relaxation]:
        """Carry what a plan leaves short where there is room, can be made, or a plan of columns finds some."""

        def rank(found: Draft) -> tuple[float, int]:
            return self._rank(network, found)

        draft = _carry_more(network, draft, rank, self.closing)
        limit = self.deadline.share("way made for what is short", self.deadline.left())
        rival, relaxed = carry_columns(network, draft, relaxed, self.options, limit)
        if rival is not None:
            draft = min(draft, _carry_more(network, refuse_paths(network, rival), rank, self.closing), key=rank)
        return draft, relaxed

    def _rank(self, network: TrunkNetwork, found: Draft) -> tuple[float, int]:
        """What makes one plan better than another: its cost, near a reference its changes too."""
        if self.reference is None or self.reference_plan is None:
            return found.cost, 0
        return rank_near(network, self.reference_plan, self.reference.max_changes, found)


def _carry_more(
    network: TrunkNetwork, draft: Draft, rank: Callable[[Draft], tuple[float, int]], deadline: Deadline
) -> Draft:
    """Carry what is short as far as there is room, or others can make it, where that ranks better.

    Vehicles are hired for it: near a reference they are changes.
    """
    if not draft.flows.short(network).any():
        return draft
    compile_carrying()
    return carry_short(share_limits(network), draft, deadline, rank)


def _place_vehicles(
    network: TrunkNetwork,
    draft: Draft,
    options: TrunkOptions,
    rank: Callable[[Draft], tuple[float, int]],
    deadline: Deadline,
) -> Draft:
    """Let own vehicles stand where they leave from; where that leaves parcels short, search again around those that can."""
    placed = place_own(network, draft, deadline)
    best = _carry_more(network, placed, rank, deadline)
    most_short = draft.flows.short(network).sum()
    part = replace(options, effort=SHARES.fresh * options.effort)
    around = network
    for _ in range(WORK.placings):
        if best.flows.short(network).sum() <= most_short or deadline.over():
            break
        around = forbid_unplaced(around, draft, placed)
        draft, _ = _find_plan(around, part, flow_columns(around), deadline, SILENT)
        draft = refuse_paths(network, draft)
        placed = place_own(network, draft, deadline)
        best = min(best, _carry_more(network, placed, rank, deadline), key=rank)
    return best


def _find_near(
    network: TrunkNetwork,
    options: TrunkOptions,
    columns: int,
    reference_plan: ReferencePlan,
    most_changes: int | None,
    deadline: Deadline,
    progress: Progress,
) -> tuple[Draft, Relaxation]:
    """Find a plan near a reference; without a limit on changes the plan made without it is a rival."""
    rival = None
    part = replace(options, time_limit=SHARES.fresh * options.time_limit, effort=SHARES.fresh * options.effort)
    if most_changes is None or not len(network.demand_parcels):
        limit = deadline.share("plan without the reference", part.time_limit)
        rival, relaxed = _find_plan(network, part, columns, limit, progress)
    else:
        relaxed = find_bound(network, options, deadline.share("bound", SHARES.bound * options.time_limit), progress)
        if fits_exact_model(network, options):
            limit = deadline.share("exact model", SHARES.bound * options.time_limit)
            proof = solve_exactly(share_limits(network), effort=SHARES.bound * options.effort, deadline=limit)
            rival = proof.draft
            relaxed = relaxed if leaves_often(network) else raise_bound(relaxed, proof.bound)
    driven = share_limits(network)
    first = deadline.share("plan near the reference", deadline.left() * (0.5 if rival is None else 1.0))
    draft = plan_near(driven, reference_plan, most_changes, rival, relaxed, options, first, progress)
    if rival is not None or deadline.over() or not draft.flows.short(network).any():
        return draft, relaxed
    # near the reference not all finds room: a plan without it tells what can be carried, and is brought near from there
    limit = deadline.share("plan without the reference", SHARES.fresh * deadline.left())
    fresh, relaxed = _find_plan(network, part, columns, limit, progress)
    other = plan_near(driven, reference_plan, most_changes, fresh, relaxed, options, deadline, progress)
    return min(draft, other, key=lambda found: rank_near(network, reference_plan, most_changes, found)), relaxed


def _bound(network: TrunkNetwork, options: TrunkOptions, deadline: Deadline, progress: Progress) -> Relaxation:
    """Bound the cost of every plan by all prices there are."""
    relaxed = find_bound(network, options, deadline.share("bound", SHARES.bound * options.time_limit), progress)
    return _lift(network, relaxed, options, deadline)


def _lift(network: TrunkNetwork, relaxed: Relaxation, options: TrunkOptions, deadline: Deadline) -> Relaxation:
    """Raise a bound by what those pay who need a departure."""
    lifted = lift_bound(network, relaxed, deadline.share("dual ascent", SHARES.dual_ascent * options.time_limit))
    relaxed = raise_bound(relaxed, lifted.bound, lifted)
    forced = force_openings(
        network, relaxed, options.effort, deadline.share("openings", SHARES.openings * options.time_limit)
    )
    return raise_bound(relaxed, forced.bound, forced)


def _find_plan(
    network: TrunkNetwork, options: TrunkOptions, columns: int, deadline: Deadline, progress: Progress
) -> tuple[Draft, Relaxation]:
    relaxed = find_bound(network, options, deadline.share("bound", SHARES.bound * options.time_limit), progress)
    if not len(network.demand_parcels):
        return empty_draft(network), replace(
            relaxed, bound=0.0, certificate=BoundCertificate(0.0, zero_prices(network))
        )
    driven = share_limits(network)
    seconds = options.proof_share * options.time_limit
    effort = options.proof_share * options.effort
    proven: Draft | None = None
    if is_proven_first(columns, options):
        # a task of this size is proven at once, or in vain
        proof = solve_exactly(driven, effort=effort, deadline=deadline.share("exact model", seconds))
        # what is best within shares of limits bounds nothing but itself
        relaxed = relaxed if leaves_often(network) else raise_bound(relaxed, proof.bound)
        proven = proof.draft
        if proven is not None and proven.cost <= relaxed.bound * (1 + GAP_CLOSED) + GAP_CLOSED:
            return proven, relaxed
    else:
        relaxed = _lift(network, relaxed, options, deadline)
    # who wants no proof wants no formulation that is strong for one either
    forcing_price = options.proof_columns is None and effort > 0 and is_fixed_charge(network, relaxed)
    small = effort > 0 and not is_proven_first(columns, options) and columns <= most_columns(options)
    share = SHARES.search_openings if forcing_price else 1.0 - options.proof_share if small else SHARES.search
    draft = search_plan(driven, relaxed, options, deadline, share, progress)
    draft = _better(network, draft, proven, deadline)
    if forcing_price and driven is network and not deadline.over():
        opened, certificate = plan_fixed_charge(network, relaxed, options, deadline, draft, progress)
        draft = _better(network, opened, draft, deadline)
        relaxed = raise_bound(relaxed, certificate.bound, certificate)
    if small and draft.cost > relaxed.bound * (1 + GAP_CLOSED) and not deadline.over():
        limit = deadline.share("exact model", min(deadline.left(), seconds))
        proof = solve_exactly(driven, effort=effort, deadline=limit)
        relaxed = relaxed if leaves_often(network) else raise_bound(relaxed, proof.bound)
        draft = _better(network, draft, proof.draft, deadline)
    return draft, relaxed


def _better(network: TrunkNetwork, draft: Draft, other: Draft | None, deadline: Deadline) -> Draft:
    """Return the cheaper one once own vehicles stand where they leave from, as they do in the exact model alone."""
    if other is None:
        return draft
    return min(draft, other, key=lambda found: place_own(network, found, deadline).cost)
