"""Linear and mixed-integer models handed to OR-Tools whole, as sparse matrices."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from data.arrays import Flags, Floats
from routing.budget import Deadline

if TYPE_CHECKING:
    from ortools.math_opt.python import mathopt
    from scipy.sparse import spmatrix


@dataclass(frozen=True, slots=True)
class Solution:
    """Answer of a solver.

    Attributes
    ----------
    values : (columns,) or None when none was found.
    objective
        Cost of ``values``; ``inf`` without them.
    bound
        Proven lower bound of the model; ``-inf`` when nothing is proven.
    duals : (rows,) or None
        Prices of the rows, linear models only.
    optimal
        Whether the values are proven optimal.
    nodes
        Nodes of branch and bound searched.
    """

    values: Floats | None
    objective: float
    bound: float
    duals: Floats | None
    optimal: bool
    nodes: int = 0


class _Redirection:
    """Stdout of the process closed to compiled code while at least one thread wants it so."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.wanted = 0
        self.kept = -1

    def begin(self) -> None:
        with self.lock:
            if self.wanted == 0:
                self._flush()
                self.kept = os.dup(1)
                nothing = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nothing, 1)
                os.close(nothing)
            self.wanted += 1

    def end(self) -> None:
        with self.lock:
            self.wanted -= 1
            if self.wanted == 0:
                self._flush()
                os.dup2(self.kept, 1)
                os.close(self.kept)

    def _flush(self) -> None:
        import ctypes

        sys.stdout.flush()
        ctypes.CDLL(None).fflush(None)


_REDIRECTION = _Redirection()


@contextmanager
def results_alone() -> Iterator[None]:
    """Leave out what compiled code prints: stdout is for results, stderr for progress, and HiGHS now and then prints a line. Threads may overlap."""
    if os.name != "posix":
        yield
        return
    _REDIRECTION.begin()
    try:
        yield
    finally:
        _REDIRECTION.end()


HIGHS_ONCE = "HIGHS_ONCE"  # on small location problems twice as fast as with restarts


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Minimise ``cost @ x`` with ``row_low <= matrix @ x <= row_high`` and ``low <= x <= high``.

    Attributes
    ----------
    cost : (n,)
    matrix : (m, n) sparse
    row_low, row_high : (m,)
    low, high : (n,)
    integer : (n,), optional
        Columns that must be whole.
    """

    cost: Floats
    matrix: spmatrix
    row_low: Floats
    row_high: Floats
    low: Floats
    high: Floats
    integer: Flags | None = None

    @property
    def whole(self) -> Flags:
        """Columns that must be whole, (n,)."""
        return np.zeros(len(self.cost), dtype=np.bool_) if self.integer is None else self.integer


def solve_linear(
    linear: LinearModel,
    *,
    deadline: Deadline | None = None,
    nodes: int | None = None,
    hint: Floats | None = None,
    gap: float = 0.0,
    solver: str = "HIGHS",
    threads: int | None = None,
    interior: bool = False,
) -> Solution:
    """Solve a linear or mixed-integer model.

    Parameters
    ----------
    linear
        The model.
    deadline
        Emergency brake; told when it stops the solver.
    nodes
        Nodes of branch and bound after which the solver stops: a limit that, unlike time, repeats.
    hint : (n,), optional
        A solution to start from (used by solvers that take one).
    gap
        Relative gap at which a mixed-integer solve may stop.
    solver
        Name of a MathOpt solver: HIGHS, GLOP, PDLP, GSCIP or CP_SAT; ``HIGHS_ONCE`` is HiGHS whose branch and bound never begins anew.
    threads
        Threads of the solver; its own choice if None.
    interior
        Solve a linear model by HiGHS's interior-point method without a crossover: values and duals are of the middle of the optimal face.

    Returns
    -------
    Solution
    """
    from ortools.math_opt.python import mathopt

    whole = linear.whole
    model = _hand_over(linear)
    brake = None if deadline is None else timedelta(seconds=max(deadline.left(), 0.05))
    parameters = mathopt.SolveParameters(time_limit=brake)
    parameters.threads = threads
    if interior:
        solver, parameters.lp_algorithm = "HIGHS", mathopt.LPAlgorithm.BARRIER
        parameters.highs.string_options["run_crossover"] = "off"
    if solver == HIGHS_ONCE:
        solver, parameters.highs.bool_options["mip_allow_restart"] = "HIGHS", False
    if whole.any():
        parameters.relative_gap_tolerance = gap
        parameters.node_limit = nodes
    start = mathopt.ModelSolveParameters()
    variables = list(model.variables())
    if hint is not None and solver in ("GSCIP", "CP_SAT"):
        values = {variables[i]: float(hint[i]) for i in range(len(variables))}
        start.solution_hints.append(mathopt.SolutionHint(variable_values=values))
    with results_alone():
        answer = mathopt.solve(model, mathopt.SolverType[solver], params=parameters, model_params=start)
    bound = float(answer.termination.objective_bounds.dual_bound)
    optimal = answer.termination.reason == mathopt.TerminationReason.OPTIMAL
    if deadline is not None and answer.termination.limit == mathopt.Limit.TIME:
        deadline.cut_in()
    searched = int(answer.solve_stats.node_count)
    if not answer.has_primal_feasible_solution():
        return Solution(None, np.inf, bound, None, False, searched)
    found = answer.variable_values(variables)
    duals = None
    if not whole.any() and answer.has_dual_feasible_solution():
        duals = np.array(answer.dual_values(list(model.linear_constraints())), dtype=np.float64)
    return Solution(np.array(found, dtype=np.float64), float(answer.objective_value()), bound, duals, optimal, searched)


def _hand_over(linear: LinearModel) -> mathopt.Model:
    """Hand the arrays of a model over to MathOpt."""
    from ortools.math_opt import model_pb2
    from ortools.math_opt.python import mathopt

    proto = model_pb2.ModelProto()
    proto.variables.ids.extend(range(len(linear.cost)))
    proto.variables.lower_bounds.extend(linear.low.tolist())
    proto.variables.upper_bounds.extend(linear.high.tolist())
    proto.variables.integers.extend(linear.whole.tolist())
    priced = np.flatnonzero(linear.cost)
    proto.objective.linear_coefficients.ids.extend(priced.tolist())
    proto.objective.linear_coefficients.values.extend(linear.cost[priced].tolist())
    proto.linear_constraints.ids.extend(range(len(linear.row_low)))
    proto.linear_constraints.lower_bounds.extend(linear.row_low.tolist())
    proto.linear_constraints.upper_bounds.extend(linear.row_high.tolist())
    # of its own: threads may solve models of one matrix side by side, and what follows sorts it in place
    compressed = linear.matrix.tocsr(copy=True)
    compressed.sum_duplicates()
    compressed.eliminate_zeros()
    compressed.sort_indices()
    entries = compressed.tocoo()
    proto.linear_constraint_matrix.row_ids.extend(entries.row.tolist())
    proto.linear_constraint_matrix.column_ids.extend(entries.col.tolist())
    proto.linear_constraint_matrix.coefficients.extend(entries.data.astype(float).tolist())
    return mathopt.Model.from_model_proto(proto)
