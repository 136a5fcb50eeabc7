"""The trunk plan: bound, start, improvement, feasibility, and the tables that tell it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from data.progress import SILENT, Progress
from routing.budget import Deadline, tell_end
from routing.trunk.bound.certificate import write_proofs
from routing.trunk.bound.dual_ascent import lift_bound
from routing.trunk.bound.forcing_prices import force_openings
from routing.trunk.bound.lagrangian import BoundCertificate, Prices, Relaxation, raise_bound, zero_prices
from routing.trunk.compiling import compile_carrying, compile_planner
from routing.trunk.explain.fix_tables import write_fix_tables
from routing.trunk.explain.fixes import GroupFix
from routing.trunk.explain.shortfalls import explain_shortfalls
from routing.trunk.hand_in_order import order_hand_ins
from routing.trunk.replan.plan_near import plan_near, rank_near, repeat_plan
from routing.trunk.replan.reference_plan import (
    Reference,
    ReferencePlan,
    list_changes,
    read_reference,
    summarise_changes,
)
from routing.trunk.search.column_plan import add_carrying, carry_columns
from routing.trunk.search.draft import Draft, empty_draft, refuse_paths
from routing.trunk.search.early_finish import finish_early
from routing.trunk.search.exact import (
    fits_exact_model,
    flow_columns,
    is_proven_first,
    most_columns,
    solve_exactly,
)
from routing.trunk.search.find_plan import find_bound, search_plan
from routing.trunk.search.fixed_charge import is_fixed_charge, plan_fixed_charge
from routing.trunk.search.insertion import ElasticPrices
from routing.trunk.search.locked_hours import settle_hours
from routing.trunk.search.making_way import carry_short
from routing.trunk.search.patch_search import improve_patches
from routing.trunk.search.placed_vehicles import forbid_unplaced, place_own
from routing.trunk.search.sort_order import order_plan
from routing.trunk.task.build_network import build_network
from routing.trunk.task.effort import SHARES, WORK
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from routing.trunk.task.network import TrunkNetwork, leaves_often, share_limits
from routing.trunk.to_tables import (
    GAP_CLOSED,
    last_day,
    write_certificate,
    write_demand,
    write_departures,
    write_flows,
    write_hub_loads,
    write_shortfalls,
    write_sort_plan,
)

if TYPE_CHECKING:
    import polars as pl


def _no_sort_plans() -> pl.DataFrame:
    from data.contracts import contract

    return contract("sort_plans").empty()


@dataclass(frozen=True, slots=True)
class TrunkPlan:
    """A plan as tables (by their contracts, without run_id), with its proof.

    Attributes
    ----------
    route_demand, trunk_departures, trunk_flows, hub_loads, shortfalls, plan_certificates
        The result tables.
    bound_prices
        The prices that prove the bound, or what of it prices prove; a result table too.
    hub_prices
        date, hub_id, price [CNY/parcel]: what one more parcel of sort capacity would save.
    cost, lower_bound
        [CNY]
    short
        Parcels not carried.
    late
        Parcels that arrive after their promise.
    last_day
        ISO date by which everything is done.
    sort_plans
        Which lanes each sort loads for each destination; no rows where nothing was ordered.
    order_cost
        What carrying costs more than in the plan found before lanes were ordered [CNY]; None where nothing was ordered.
    order_short
        Parcels short more than in that plan.
    changes
        date, lane_id, vehicle_type_id, from, to: departures that differ from the reference, None without one.
    change_summary
        Their number in a few words, and why there are more than allowed.
    fixes
        What carries parcels that are short, verified by planning them again.
    fix_tables
        The fullest of them as rows of the tables the plan was made from.
    fixes_left
        How many of them no row tells.
    """

    route_demand: pl.DataFrame
    trunk_departures: pl.DataFrame
    trunk_flows: pl.DataFrame
    hub_loads: pl.DataFrame
    shortfalls: pl.DataFrame
    plan_certificates: pl.DataFrame
    bound_prices: pl.DataFrame
    hub_prices: pl.DataFrame
    cost: float
    lower_bound: float
    short: int
    late: int
    last_day: str
    sort_plans: pl.DataFrame = field(default_factory=_no_sort_plans)
    order_cost: float | None = None
    order_short: int = 0
    changes: pl.DataFrame | None = None
    change_summary: str = ""
    fixes: list[GroupFix] = field(default_factory=list)
    fix_tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    fixes_left: int = 0

    def tables(self) -> Mapping[str, pl.DataFrame]:
        """Result tables by name."""
        names = ("route_demand", "trunk_departures", "trunk_flows", "hub_loads", "shortfalls", "plan_certificates")
        return {name: getattr(self, name) for name in (*names, "bound_prices", "sort_plans")}

    def with_violations(self, violations: int) -> TrunkPlan:
        """Return the plan with the checker's count in its certificate."""
        import polars as pl

        certificate = self.plan_certificates.with_columns(violations=pl.lit(violations, pl.Int64))
        return replace(self, plan_certificates=certificate)

    def tell(self) -> str:
        """Cost, proof, shortfall and what ended the search, in a few words."""
        gap = self.plan_certificates["gap"][0]
        text = f"cost {self.cost:,.0f} CNY, proven within {gap:.2%} of the best"
        text = f"{text}, {self.short:,} parcels short" if self.short else text
        text = f"{text}, {self.late:,} parcels late" if self.late else text
        text = f"{text}; {self.change_summary}" if self.change_summary else text
        return f"{text}; {tell_end(self.ended_by)}"

    @property
    def ended_by(self) -> str:
        """What ended the search: ``effort``, or the clock and what it left undone."""
        return str(self.plan_certificates["ended_by"][0])


def plan_trunk(
    inputs: TrunkInputs, options: TrunkOptions, progress: Progress = SILENT, reference: Reference | None = None
) -> TrunkPlan:
    """Plan paths and whole vehicles of least cost, with a proven lower bound.

    Parameters
    ----------
    inputs
        Tables of the task.
    options
        Costs, time limit, seed.
    progress
        Told the phase, the incumbent and the bound.
    reference
        A plan to stay near to: its departures may change as often as it says, or it only breaks ties.

    Returns
    -------
    TrunkPlan
        Always: what cannot be carried stands in ``shortfalls`` with its reason.

    Raises
    ------
    RadarError
        For tables that contradict each other.
    """
    network = build_network(inputs, options)
    columns = flow_columns(network)
    if not is_proven_first(columns, options):
        compile_planner()
    deadline = Deadline(options.time_limit, options.clock)
    network = settle_hours(network, options, deadline)
    reference_plan = None if reference is None else read_reference(network, reference)
    if reference is None or reference_plan is None:
        draft, relaxed = _find_plan(network, options, columns, deadline, progress)
    else:
        draft, relaxed = _find_near(
            network, options, columns, reference_plan, reference.max_changes, deadline, progress
        )
    draft = refuse_paths(network, draft)
    closing = deadline.share("fixes of shortfalls", max(deadline.left(), SHARES.closing * options.time_limit))

    def rank(found: Draft) -> tuple[float, int]:
        if reference is None or reference_plan is None:
            return found.cost, 0
        return rank_near(network, reference_plan, reference.max_changes, found)

    draft = _carry_more(network, draft, rank, closing)
    rival, relaxed = carry_columns(
        network, draft, relaxed, options, deadline.share("way made for what is short", deadline.left())
    )
    if rival is not None:
        draft = min(draft, _carry_more(network, refuse_paths(network, rival), rank, closing), key=rank)
    order_cost, order_short = None, 0
    if options.sort_plan != "free" and (reference is None or reference.max_changes is None):
        free = draft
        network, draft = order_plan(network, free, relaxed, options, closing)
        order_short = int(draft.flows.short(network).sum() - free.flows.short(network).sum())
        order_cost = draft.cost - free.cost - order_short * network.short_cost
    placed = _place_vehicles(network, draft, options, rank, closing)
    if reference_plan is not None and rank(placed) > rank(draft):
        # own vehicles that stand elsewhere made it dearer: those of the reference stand where they leave from
        repeated = repeat_plan(share_limits(network), reference_plan, closing)
        repeated = _carry_more(network, place_own(network, refuse_paths(network, repeated), closing), rank, closing)
        placed = min(placed, repeated, key=rank)
    draft = placed
    if reference_plan is None and not deadline.over():
        driven = share_limits(network)
        draft = improve_patches(driven, draft, options, 1.0 - SHARES.patches, deadline, progress)
    draft = order_hand_ins(network, finish_early(network, draft) if network.by_clock else draft)
    plan = write_plan(network, draft, add_carrying(network, draft, relaxed, closing), options, closing)
    kind = "free" if order_cost is None else options.sort_plan
    sort_plans = write_sort_plan(network, draft.flows, kind)
    demand = write_demand(network, inputs.route_demand)
    plan = replace(plan, route_demand=demand, sort_plans=sort_plans, order_cost=order_cost, order_short=order_short)
    fix_tables, left = write_fix_tables(network, inputs, plan.fixes)
    plan = replace(plan, fix_tables=fix_tables, fixes_left=len(left))
    if reference is None or reference_plan is None:
        return plan
    changes = list_changes(network, reference, plan.trunk_departures)
    return replace(
        plan, changes=changes, change_summary=summarise_changes(changes, reference_plan, reference.max_changes)
    )


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
        lifted = lift_bound(network, relaxed, deadline.share("dual ascent", SHARES.dual_ascent * options.time_limit))
        relaxed = raise_bound(relaxed, lifted.bound, lifted)
        forced = force_openings(
            network, relaxed, options.effort, deadline.share("openings", SHARES.openings * options.time_limit)
        )
        relaxed = raise_bound(relaxed, forced.bound, forced)
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


def write_plan(
    network: TrunkNetwork, draft: Draft, relaxed: Relaxation, options: TrunkOptions, deadline: Deadline
) -> TrunkPlan:
    """Write the tables of a draft; fixes of shortfalls are verified until the deadline."""
    extra = ElasticPrices(options.extra_sort_cost, options.extra_buffer_cost, options.most_extra_share)
    short = draft.flows.short(network)
    total = int(short.sum())
    flows = write_flows(network, draft.flows)
    late = int(flows.filter(flows["late_hours" if network.by_clock else "late_days"] > 0)["parcels"].sum())
    explained = explain_shortfalls(network, short, draft.loads, draft.vehicles, deadline, extra, effort=options.effort)
    return TrunkPlan(
        route_demand=write_demand(network),
        trunk_departures=write_departures(network, draft.vehicles, draft.loads.arcs),
        trunk_flows=flows,
        hub_loads=write_hub_loads(network, draft.loads, flows),
        shortfalls=write_shortfalls(network, short, explained.reasons),
        plan_certificates=write_certificate(network, draft, relaxed, total, late, deadline.work.tell()),
        bound_prices=write_proofs(network, relaxed),
        # where parcels are short what proves it is what one more sorted is worth
        hub_prices=_list_prices(network, relaxed.certificate.prices if total else relaxed.prices),
        cost=draft.cost,
        lower_bound=relaxed.bound,
        short=total,
        late=late,
        last_day=last_day(network),
        fixes=explained.fixes,
    )


def _list_prices(network: TrunkNetwork, prices: Prices) -> pl.DataFrame:
    import polars as pl

    node = np.flatnonzero(prices.sort > 1e-9)
    hubs, sorts = network.node_hub[node].tolist(), network.node_sort[node].tolist()
    frame = pl.DataFrame(
        {
            "date": pl.Series([network.day(day) for day in network.node_day[node].tolist()], dtype=pl.Date),
            "hub_id": pl.Series([network.hub_ids[hub] for hub in hubs], dtype=pl.String),
            "sort_id": pl.Series([network.sort_ids[sort] for sort in sorts], dtype=pl.String),
            "price": prices.sort[node],
        }
    )
    return frame if network.by_clock else frame.drop("sort_id")
