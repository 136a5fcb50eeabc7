"""Rounds of route prices, for tasks too large for one programme: the stock answers the trunk's prices, the trunk prices the answer.

With T(x) the trunk's cost at shares x and g its gradient there (the duals of the balances, i.e. route prices), T is convex, so

    min_x T(x) + S(x)  >=  T(x_k) - g_k x_k + min_x (g_k x + S(x))

which is the bound of a round. What every round learnt stays (the first answers the prices alone, later ones the whole lower envelope of T);
the steps are whole: measured, damping only slows; the best answer is kept, and rounds end by the gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from data.arrays import Floats
from data.constants import constant
from data.errors import RadarError
from data.progress import SILENT, Progress
from routing.budget import Deadline
from routing.joint.answers import JointAnswer, solve_joint
from routing.joint.master import JointModel
from routing.solvers import LinearModel, solve_linear


@dataclass(frozen=True)
class RoundRules:
    """When rounds of route prices end."""

    most: int = constant(6, "rounds", "at most", "judgement")
    close: float = constant(1e-3, "1", "gap at which they end", "judgement")


ROUNDS = RoundRules()


@dataclass(frozen=True, slots=True)
class Cut:
    """What a round learnt of the trunk: ``T(x) >= value + gradient (x - share)``, by the prices of the trunk's rows."""

    value: float
    gradient: Floats
    share: Floats
    price: Floats


def read_cut(model: JointModel, answer: JointAnswer) -> Cut:
    """Read the trunk's cost and route prices at an answer."""
    height = model.trunk.matrix.shape[0]
    moved = model.matrix[:height, model.first_share : model.first_brought]
    return Cut(answer.value - answer.stock_cost, -(moved.T @ answer.trunk_price), answer.share, answer.trunk_price)


@dataclass(frozen=True, slots=True)
class StockAnswer:
    """Answer of the stock to what is known of the trunk.

    Attributes
    ----------
    share : (X,)
    bound
        No joint plan has a lower value [CNY].
    duals : (rows) or None
        Prices of all rows of the programme that prove it: of the trunk's the cuts' own, each weighed by its dual; None where the solver gave none.
    """

    share: Floats
    bound: float
    duals: Floats | None


def answer_cuts(model: JointModel, cuts: list[Cut], deadline: Deadline) -> StockAnswer:
    """Choose the shares that cost least by what is known of the trunk; with one cut, the answer to its route prices.

    Raises
    ------
    RadarError
        When the linear programme is not solved within its time.
    """
    height = model.trunk.matrix.shape[0]
    columns = slice(model.first_share, model.columns)
    rules = model.matrix[height:, columns]
    blank = sparse.csr_matrix((rules.shape[0], 1))
    brought = rules.shape[1] - len(cuts[0].gradient)
    # the trunk's cost, the last column, lies above every cut
    learnt = sparse.csr_matrix([np.concatenate([-cut.gradient, np.zeros(brought), [1.0]]) for cut in cuts])
    floor = np.array([cut.value - float(cut.gradient @ cut.share) for cut in cuts])
    found = solve_linear(
        LinearModel(
            np.concatenate([model.cost[columns], [1.0]]),
            sparse.vstack([sparse.hstack([rules, blank]), learnt], format="csr"),
            np.concatenate([model.low[height:], floor]),
            np.concatenate([model.high[height:], np.full(len(cuts), np.inf)]),
            np.concatenate([model.lower[columns], [0.0]]),
            np.concatenate([model.upper[columns], [np.inf]]),
        ),
        deadline=deadline,
    )
    if found.values is None:
        raise RadarError(
            "the stock's answer to route prices is not solved within its time", action="give more --time-limit"
        )
    duals = None
    if found.duals is not None:
        of_stock, weights = np.split(found.duals, [rules.shape[0]])
        duals = np.concatenate([sum(w * cut.price for w, cut in zip(weights, cuts, strict=True)), of_stock])
    share = np.clip(found.values[: len(cuts[0].gradient)], 0.0, 1.0)
    return StockAnswer(share, found.bound - 1e-9 * abs(found.bound), duals)


def solve_by_rounds(
    model: JointModel,
    deadline: Deadline,
    *,
    starts: Sequence[JointAnswer],
    rules: RoundRules = ROUNDS,
    progress: Progress = SILENT,
) -> tuple[JointAnswer, float, Floats | None]:
    """Approach the joint optimum by rounds of route prices.

    Parameters
    ----------
    model
        The joint programme; only the trunk at given shares and the stock at given prices are solved.
    deadline
        Emergency brake.
    starts
        Answers to begin from.
    rules
        When they end.

    Returns
    -------
    best : JointAnswer
    bound
        No joint plan has a lower value [CNY].
    duals : (rows) or None
        Prices of the programme's rows that prove the bound.
    """
    best, bound, duals = min(starts, key=lambda answer: answer.value), -np.inf, None
    cuts = [read_cut(model, answer) for answer in starts]
    for number in range(rules.most):
        progress.step(number, rules.most, "rounds of route prices")
        asked = answer_cuts(model, cuts, deadline)
        if asked.bound > bound:
            bound, duals = asked.bound, asked.duals
        if best.value - bound <= rules.close * abs(best.value) or deadline.over():
            break
        now = solve_joint(model, deadline, share=asked.share)
        cuts.append(read_cut(model, now))
        best = now if now.value < best.value else best
    return best, bound, duals
