"""The trunk plan: its steps taken, and the tables that tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from data.progress import SILENT, Progress
from routing.budget import Deadline, tell_end
from routing.trunk.bound.certificate import write_proofs
from routing.trunk.bound.lagrangian import Prices, Relaxation
from routing.trunk.compiling import compile_planner
from routing.trunk.explain.fix_tables import write_fix_tables
from routing.trunk.explain.fixes import GroupFix
from routing.trunk.explain.shortfalls import explain_shortfalls
from routing.trunk.hand_in_order import order_hand_ins
from routing.trunk.replan.reference_plan import (
    Reference,
    list_changes,
    read_reference,
    summarise_changes,
)
from routing.trunk.search.column_plan import add_carrying
from routing.trunk.search.draft import Draft
from routing.trunk.search.early_finish import finish_early
from routing.trunk.search.exact import (
    flow_columns,
    is_proven_first,
)
from routing.trunk.search.insertion import ElasticPrices
from routing.trunk.search.locked_hours import settle_hours
from routing.trunk.steps import Steps
from routing.trunk.task.build_network import build_network
from routing.trunk.task.effort import SHARES
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.to_tables import (
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
    closing = deadline.share("fixes of shortfalls", max(deadline.left(), SHARES.closing * options.time_limit))
    steps = Steps(options, columns, reference, reference_plan, deadline, closing, progress)
    if network.node_staged.any() and reference_plan is None and not is_proven_first(columns, options):
        made = steps.plan_with_staging(network)
    else:
        made = steps.plan(network)
    network, draft = made.network, made.draft
    draft = order_hand_ins(network, finish_early(network, draft) if network.by_clock else draft)
    plan = write_plan(network, draft, add_carrying(network, draft, made.relaxed, closing), options, closing)
    kind = "free" if made.order_cost is None else options.sort_plan
    plan = replace(
        plan,
        route_demand=write_demand(network, inputs.route_demand),
        sort_plans=write_sort_plan(network, draft.flows, kind),
        order_cost=made.order_cost,
        order_short=made.order_short,
    )
    fix_tables, left = write_fix_tables(network, inputs, plan.fixes)
    plan = replace(plan, fix_tables=fix_tables, fixes_left=len(left))
    if reference is None or reference_plan is None:
        return plan
    changes = list_changes(network, reference, plan.trunk_departures)
    return replace(
        plan, changes=changes, change_summary=summarise_changes(changes, reference_plan, reference.max_changes)
    )


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
