"""Rounds of route prices, for tasks too large for one programme: the stock answers the trunk's prices, the trunk prices the answer.

With T(x) the trunk's cost at shares x and g its gradient there (the duals of the balances, i.e. route prices), T is convex, so

    min_x T(x) + S(x)  >=  T(x_k) - g_k x_k + min_x (g_k x + S(x))

which is the bound of a round. What every round learnt stays (the first answers the prices alone, later ones the whole lower envelope of T);
the steps are whole: measured, damping only slows; the best answer is kept, and rounds end by the gap.
"""

from __future__ import annotations

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
    """What a round learnt of the trunk: ``T(x) >= value + gradient (x - share)``."""

    value: float
    gradient: Floats
    share: Floats


def read_cut(model: JointModel, answer: JointAnswer) -> Cut:
    """Read the trunk's cost and route prices at an answer."""
    height = model.trunk.matrix.shape[0]
    moved = model.matrix[:height, model.first_share : model.first_brought]
    return Cut(answer.value - answer.stock_cost, -(moved.T @ answer.trunk_price), answer.share)


def answer_cuts(model: JointModel, cuts: list[Cut], deadline: Deadline) -> tuple[Floats, float]:
    """Choose the shares that cost least by what is known of the trunk; with one cut, the answer to its route prices.

    Returns
    -------
    share : (X,)
    bound
        No joint plan has a lower value [CNY].

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
    return np.clip(found.values[: len(cuts[0].gradient)], 0.0, 1.0), found.bound - 1e-9 * abs(found.bound)


def solve_by_rounds(
    model: JointModel, deadline: Deadline, *, start: JointAnswer, progress: Progress = SILENT
) -> tuple[JointAnswer, float]:
    """Approach the joint optimum by rounds of route prices.

    Parameters
    ----------
    model
        The joint programme; only the trunk at given shares and the stock at given prices are solved.
    deadline
        Emergency brake.
    start
        An answer to begin from.

    Returns
    -------
    best : JointAnswer
    bound
        No joint plan has a lower value [CNY].
    """
    best, bound = start, -np.inf
    cuts = [read_cut(model, start)]
    for number in range(ROUNDS.most):
        progress.step(number, ROUNDS.most, "rounds of route prices")
        share, value = answer_cuts(model, cuts, deadline)
        bound = max(bound, value)
        if best.value - bound <= ROUNDS.close * abs(best.value) or deadline.over():
            break
        now = solve_joint(model, deadline, share=share)
        cuts.append(read_cut(model, now))
        best = now if now.value < best.value else best
    return best, bound
