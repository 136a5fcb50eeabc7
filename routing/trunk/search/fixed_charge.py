"""Plans of networks where opening an arc is the question: few vehicles on a lane, or one that runs or does not.

The path formulation gives the bound; capacity scaling leads it to a plan; neighbourhoods improve the plan.
"""

from __future__ import annotations

from dataclasses import dataclass

from data.constants import constant
from data.progress import SILENT, Progress
from routing.budget import Deadline
from routing.trunk.bound.certificate import mark_payers
from routing.trunk.bound.lagrangian import BoundCertificate, Relaxation, count_departures, price_arcs, price_departures
from routing.trunk.bound.path_formulation import ColumnRowModel
from routing.trunk.search.capacity_scaling import scale_capacities
from routing.trunk.search.draft import Draft
from routing.trunk.search.fix_and_optimise import search_neighbourhoods
from routing.trunk.task.effort import SHARES
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import Floats, TrunkNetwork


@dataclass(frozen=True)
class FixedChargeRules:
    """When opening arcs is the question, and how far capacity scaling goes."""

    most_uses: int = constant(
        150_000, "demands x arcs", "up to which the path formulation is solved in seconds", "judgement"
    )
    few_vehicles: float = constant(
        3.0, "vehicles", "large ones on an arc in use, on average, up to which opening it is the question", "judgement"
    )
    weight: float = constant(0.2, "1", "of the newest plan in the capacities that scaling aims at", "judgement")
    rounds: int = constant(40, "rounds", "of capacity scaling at most", "judgement")


FIXED_CHARGE = FixedChargeRules()


def is_fixed_charge(network: TrunkNetwork, relaxed: Relaxation) -> bool:
    """Tell whether a network is one of few vehicles an arc and small enough for the path formulation."""
    if not network.arcs or len(network.demand_parcels) * network.arcs > FIXED_CHARGE.most_uses:
        return False
    # the prices that prove its bound are kept by demand
    return bool(mark_payers(network).all()) and 0.0 < count_departures(network, relaxed) <= FIXED_CHARGE.few_vehicles


def plan_fixed_charge(
    network: TrunkNetwork,
    relaxed: Relaxation,
    options: TrunkOptions,
    deadline: Deadline,
    draft: Draft,
    progress: Progress = SILENT,
) -> tuple[Draft, BoundCertificate]:
    """Plan by path formulation, capacity scaling and neighbourhoods.

    Parameters
    ----------
    relaxed
        Prices and bound of the plain relaxation.
    draft
        A plan to start from besides.

    Returns
    -------
    Draft
    certificate
        The highest bound that prices prove.
    """
    certificate, best = relaxed.certificate, draft
    try:
        model = ColumnRowModel(network)
        model.start(price_arcs(network, price_departures(network, relaxed.prices))[0])
        model.add_paths(draft.flows.pool)
        certificate, reduced = _scale_up(
            model, certificate, _part(deadline, "strong bound", SHARES.strong_bound), progress
        )
        scaled = scale_capacities(
            model,
            weight=FIXED_CHARGE.weight,
            rounds=FIXED_CHARGE.rounds,
            effort=options.effort,
            deadline=_part(deadline, "capacity scaling", SHARES.scaling),
        )
        best = min(draft, scaled, key=lambda each: each.cost)
    except KeyboardInterrupt:
        deadline.stop()
        return best, certificate
    best = search_neighbourhoods(
        model, best, reduced, options=options, deadline=_part(deadline, "neighbourhoods", 1.0), progress=progress
    )
    return best, certificate


def _part(deadline: Deadline, name: str, share: float) -> Deadline:
    return deadline.share(name, share * deadline.left())


def _scale_up(
    model: ColumnRowModel, certificate: BoundCertificate, deadline: Deadline, progress: Progress
) -> tuple[BoundCertificate, Floats]:
    """Solve the strong relaxation; return what proves the best bound and the last reduced costs."""
    reduced = model.price
    while not deadline.over():
        answer = model.advance(deadline)
        if answer is None:
            break
        if answer.certificate is not None and answer.certificate.bound > certificate.bound:
            certificate = answer.certificate
        reduced = answer.reduced
        progress.step(int(100 * (1 - deadline.left() / deadline.seconds)), 100, "strong bound")
        if answer.settled:
            break
    return certificate, reduced
