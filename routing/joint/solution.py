"""The joint programme of stock and trunk solved beside its rivals, with a bound, before anything is made whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from data.arrays import Floats
from data.constants import constant
from data.progress import SILENT, Progress
from routing.budget import Deadline
from routing.joint.answers import PROGRAMME, JointAnswer, solve_at_price, solve_joint
from routing.joint.arrivals import Arrivals, find_arrivals
from routing.joint.master import JointModel, write_joint
from routing.joint.movable import Movable, find_movable
from routing.joint.proof import JointProof, prove
from routing.joint.rounds import solve_by_rounds
from routing.joint.whole import WholePlan, make_whole
from routing.stock.options import StockOptions
from routing.stock.solver import solve_location
from routing.stock.task import StockTask
from routing.trunk.task.network import TrunkNetwork


@dataclass(frozen=True)
class JointRules:
    """What comes before cost, and what of a joint plan is told."""

    short_price: float = constant(
        10_000.0,
        "CNY/parcel",
        "for one that is short while deciding",
        "judgement: above any way a parcel could go, so that parcels short come before cost",
    )
    least_short: float = constant(0.5, "parcels", "fewer that are short are the solver's noise", "judgement")
    optimal: float = constant(1e-4, "1", "gap up to which a plan is told to be optimal", "judgement")


JOINT = JointRules()


@dataclass(frozen=True, slots=True)
class JointInputs:
    """Tables of a joint plan.

    Attributes
    ----------
    trunk
        Tables of the trunk by name, ``route_demand`` as it is before stock is placed ahead.
    stock
        Tables of the stock plan by name.
    sourcing
        How orders are sourced today.
    hub_forecasts
        Forecast of the hubs the demand stands on; None for demand as given.
    """

    trunk: Mapping[str, pl.DataFrame]
    stock: Mapping[str, pl.DataFrame]
    sourcing: pl.DataFrame
    hub_forecasts: pl.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class JointSolution:
    """The joint programme solved, before anything is made whole.

    Attributes
    ----------
    model, answers
        The programme, and its answers by name.
    bound
        No joint plan has a lower value, short parcels at ``JOINT.short_price`` [CNY].
    least_short
        Parcels that stay short whatever is moved.
    bound_at_own_price
        The same bound with short parcels at the trunk's own price [CNY].
    proof
        Prices that prove it but for what safety adds; None where the solver's time ended before it gave any.
    task, movable, arrivals, day_cost
        What the programme was written from.
    """

    model: JointModel
    answers: dict[str, JointAnswer]
    bound: float
    least_short: float
    bound_at_own_price: float
    proof: JointProof | None
    task: StockTask
    movable: Movable
    arrivals: Arrivals
    day_cost: float

    def make_whole(self, name: str) -> WholePlan:
        """Make an answer whole: units, parcels and the tables that tell them."""
        answer = self.answers[name]
        return make_whole(self.model, self.task, self.movable, self.arrivals, answer, day_cost=self.day_cost)

    @property
    def ranked(self) -> list[str]:
        """Names of the answers, least value first; of equals the simplest."""
        order = ("nothing ahead", "one pass", "joint")
        return sorted(self.answers, key=lambda name: (round(self.answers[name].value, 2), order.index(name)))


@dataclass(frozen=True, slots=True)
class SolveRules:
    """How the joint programme is solved.

    Attributes
    ----------
    most_columns
        Columns up to which one programme is solved; beyond, rounds of route prices.
    short_price
        The trunk's own price of a parcel not carried [CNY/parcel].
    meanwhile
        Called, while the last of the programmes is still being solved, with the answers there are by then: the joint one and nothing ahead.
        Not called of a task solved by rounds.
    """

    most_columns: int = PROGRAMME.most_columns
    short_price: float = JOINT.short_price
    meanwhile: Callable[[JointSolution], None] | None = None


def solve(
    network: TrunkNetwork,
    task: StockTask,
    inputs: JointInputs,
    options: StockOptions,
    deadline: Deadline,
    *,
    rules: SolveRules | None = None,
    arrivals: Arrivals | None = None,
    progress: Progress = SILENT,
) -> JointSolution:
    """Solve the joint programme beside its rivals.

    Parameters
    ----------
    network, task
        The trunk's task, its short cost as here priced, and the stock's.
    inputs
        The tables.
    options
        What the planner sets for the stock.
    deadline
        Emergency brake.
    rules
        How it is solved.
    arrivals
        When goods can be sold; None reckons with goods that leave on the day after the last known one.
    """
    rules = rules or SolveRules()
    agrees = _read_agrees(inputs.stock["merchants"])
    means = _read_means(inputs.hub_forecasts, task)
    movable = find_movable(network, task, sourcing=inputs.sourcing, agrees=agrees, hub_means=means)
    arrivals = arrivals or find_arrivals(task, options.putaway_days)
    model = write_joint(network, task, movable, arrivals, day_cost=options.day_cost)
    progress.step(1, 6, "one pass")
    given = {
        "nothing ahead": np.zeros(len(model.shares.item)),
        "one pass": share_as_planned_alone(model, task, deadline),
    }
    progress.step(2, 6, "nothing ahead, one pass, stock and trunk together")
    draft = JointSolution(model, {}, -np.inf, 0.0, -np.inf, None, task, movable, arrivals, options.day_cost)
    if model.columns > rules.most_columns:
        return _solve_by_rounds(draft, given, rules, deadline, progress)
    # the solver is compiled code: two of its models are solved at once, and the third beside what is done meanwhile
    with ThreadPoolExecutor(2) as pool:
        joint = pool.submit(solve_joint, model, deadline)
        rivals = {name: pool.submit(solve_joint, model, deadline, share=share) for name, share in given.items()}
        answers = {"nothing ahead": rivals["nothing ahead"].result(), "joint": joint.result()}
        if rules.meanwhile is not None:
            rules.meanwhile(replace(draft, answers=dict(answers)))
        answers["one pass"] = rivals["one pass"].result()
    best = answers["joint"]
    return _prove(replace(draft, answers=answers), best.bound, best.duals, rules, deadline, progress)


def _solve_by_rounds(
    draft: JointSolution, given: dict[str, Floats], rules: SolveRules, deadline: Deadline, progress: Progress
) -> JointSolution:
    """Solve a task too large for one programme: the trunk for each rival, then rounds of route prices from both."""
    with ThreadPoolExecutor(2) as pool:
        asked = {name: pool.submit(solve_joint, draft.model, deadline, share=share) for name, share in given.items()}
        answers = {name: answer.result() for name, answer in asked.items()}
    answers["joint"], bound, duals = solve_by_rounds(
        draft.model, deadline, starts=list(answers.values()), progress=progress
    )
    return _prove(replace(draft, answers=answers), bound, duals, rules, deadline, progress)


def _prove(
    found: JointSolution,
    bound: float,
    duals: Floats | None,
    rules: SolveRules,
    deadline: Deadline,
    progress: Progress,
) -> JointSolution:
    """Add what is proven: the bound, what must stay short, and the prices of the bound where there are any."""
    model, least, own = found.model, 0.0, bound
    if min(answer.short for answer in found.answers.values()) > JOINT.least_short:
        progress.step(5, 6, "what must stay short")
        least = solve_at_price(model, None, deadline)[0]
        if rules.short_price < model.network.short_cost:
            own, duals = solve_at_price(model, rules.short_price, deadline)
    proof = None if duals is None else prove(model, found.task, duals, rules.short_price)
    return replace(found, bound=bound, least_short=least, bound_at_own_price=own, proof=proof)


def share_as_planned_alone(model: JointModel, task: StockTask, deadline: Deadline) -> Floats:
    """Shares of the stock plan made without the trunk, as far as the days' dispatch lets them, shape (X,)."""
    items, shares = task.items, model.shares
    units = solve_location(task.problem, deadline=deadline).units.reshape(-1, len(items.zones), len(items.sites))
    wanted = np.zeros_like(units[:, :, 0])
    np.add.at(wanted, items.family, items.target)
    part = np.divide(units, wanted[:, :, None], out=np.zeros_like(units), where=wanted[:, :, None] > 0)
    share: Floats = np.where(shares.early, 0.0, part[items.family[shares.item], shares.zone, shares.site])
    height = model.trunk.matrix.shape[0]
    columns = slice(model.first_share, model.first_brought)
    rules, high = model.matrix[height:, columns], model.high[height:]
    only = np.asarray(model.matrix[height:, model.first_brought :].getnnz(axis=1)).ravel() == 0
    used = rules @ share
    for row in np.flatnonzero(only & (used > high * (1 + 1e-12))).tolist():
        own = rules[row].indices
        now = (rules[row] @ share).item()  # shares lowered for one rule count less in the next
        if now > high[row]:
            share[own] *= high[row] / now * (1 - 1e-9)
    return _fit_rooms(model, task, share)


def _fit_rooms(model: JointModel, task: StockTask, share: Floats) -> Floats:
    """Lower shares where what they bring in does not fit a warehouse."""
    shares, there = model.shares, task.items.there
    need = np.zeros(there.shape)
    np.add.at(need, (shares.item, shares.site), shares.units * share)
    send = np.maximum(need - there, 0.0).sum(axis=0)
    fits = np.divide(task.problem.room, send, out=np.ones_like(send), where=send > task.problem.room)
    return share * np.where(fits < 1.0, fits * (1 - 1e-9), 1.0)[shares.site]


def _read_agrees(merchants: pl.DataFrame) -> dict[str, float]:
    if "agrees" not in merchants.columns:
        return {}
    return dict(merchants.filter(pl.col("agrees").is_not_null()).select("merchant_id", "agrees").iter_rows())


def _read_means(hub_forecasts: pl.DataFrame | None, task: StockTask) -> dict[str, float] | None:
    if hub_forecasts is None:
        return None
    inside = (pl.col("direction") == "out") & pl.col("date").is_between(task.window.first, task.window.last)
    return dict(hub_forecasts.filter(inside).group_by("hub_id").agg(pl.col("mean").sum()).iter_rows())
