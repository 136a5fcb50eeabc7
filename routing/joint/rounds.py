"""Rounds of route prices, for tasks too large for one programme: the stock answers the trunk's prices, the trunk prices the answer.

With T(x) the trunk's cost at shares x and g its gradient there (the duals of the balances, i.e. route prices), T is convex, so

    min_x T(x) + S(x)  >=  T(x_k) - g_k x_k + min_x (g_k x + S(x))

which is the bound of a round. The steps are whole: measured, damping only slows; the best answer is kept, and rounds end by the gap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data.errors import RadarError
from data.progress import SILENT, Progress
from routing.budget import Deadline
from routing.joint.master import JointAnswer, JointModel, solve_joint
from routing.solvers import solve_linear

Floats = NDArray[np.float64]

MOST_ROUNDS = 6
CLOSE = 1e-3  # relative gap at which rounds end


def answer_prices(model: JointModel, trunk_price: Floats, deadline: Deadline) -> tuple[Floats, float]:
    """Choose the shares that cost least at the trunk's prices.

    Returns
    -------
    share : (X,)
    value
        Least of ``g x + S(x)`` [CNY].
    """
    height = model.trunk.matrix.shape[0]
    columns = slice(model.first_share, model.columns)
    gradient = -(model.matrix[:height, columns].T @ trunk_price)
    cost = model.cost[columns] + gradient
    found = solve_linear(
        cost,
        model.matrix[height:, columns],
        model.low[height:],
        model.high[height:],
        model.lower[columns],
        model.upper[columns],
        deadline=deadline,
    )
    if found.values is None:
        raise RadarError(
            "the stock's answer to route prices is not solved within its time", action="give more --time-limit"
        )
    return np.clip(found.values[: model.first_brought - model.first_share], 0.0, 1.0), found.objective


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
    best, bound, now = start, -np.inf, start
    height = model.trunk.matrix.shape[0]
    columns = slice(model.first_share, model.first_brought)
    for number in range(MOST_ROUNDS):
        progress.step(number, MOST_ROUNDS, "rounds of route prices")
        share, value = answer_prices(model, now.trunk_price, deadline)
        gradient = -(model.matrix[:height, columns].T @ now.trunk_price)
        trunk_value = now.value - now.stock_cost
        bound = max(bound, trunk_value - float(gradient @ now.share) + value)
        if best.value - bound <= CLOSE * abs(best.value) or deadline.over():
            break
        now = solve_joint(model, deadline, share=share)
        best = now if now.value < best.value else best
    return best, bound
