"""Linear and mixed-integer models handed to OR-Tools whole, as sparse matrices."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from routing.budget import Deadline

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

if TYPE_CHECKING:
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


@contextmanager
def results_alone() -> Iterator[None]:
    """Send what compiled code prints to stderr: stdout is for results, and HiGHS now and then prints a line there."""
    if os.name != "posix":
        yield
        return
    import ctypes

    library = ctypes.CDLL(None)
    sys.stdout.flush()
    library.fflush(None)
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        library.fflush(None)
        os.dup2(kept, 1)
        os.close(kept)


def solve_linear(
    cost: Floats,
    matrix: spmatrix,
    row_low: Floats,
    row_high: Floats,
    low: Floats,
    high: Floats,
    *,
    integer: Flags | None = None,
    deadline: Deadline | None = None,
    nodes: int | None = None,
    hint: Floats | None = None,
    gap: float = 0.0,
    solver: str = "HIGHS",
    threads: int | None = None,
) -> Solution:
    """Minimise ``cost @ x`` with ``row_low <= matrix @ x <= row_high`` and ``low <= x <= high``.

    Parameters
    ----------
    cost, low, high : (n,)
    matrix : (m, n) sparse
    row_low, row_high : (m,)
    integer : (n,), optional
        Columns that must be whole.
    deadline
        Emergency brake; told when it stops the solver.
    nodes
        Nodes of branch and bound after which the solver stops: a limit that, unlike time, repeats.
    hint : (n,), optional
        A solution to start from (used by solvers that take one).
    gap
        Relative gap at which a mixed-integer solve may stop.
    solver
        Name of a MathOpt solver: HIGHS, GLOP, PDLP, GSCIP or CP_SAT.
    threads
        Threads of the solver; its own choice if None.

    Returns
    -------
    Solution
    """
    from ortools.math_opt import model_pb2
    from ortools.math_opt.python import mathopt

    columns, rows = len(cost), len(row_low)
    whole = np.zeros(columns, dtype=np.bool_) if integer is None else integer
    proto = model_pb2.ModelProto()
    proto.variables.ids.extend(range(columns))
    proto.variables.lower_bounds.extend(low.tolist())
    proto.variables.upper_bounds.extend(high.tolist())
    proto.variables.integers.extend(whole.tolist())
    priced = np.flatnonzero(cost)
    proto.objective.linear_coefficients.ids.extend(priced.tolist())
    proto.objective.linear_coefficients.values.extend(cost[priced].tolist())
    proto.linear_constraints.ids.extend(range(rows))
    proto.linear_constraints.lower_bounds.extend(row_low.tolist())
    proto.linear_constraints.upper_bounds.extend(row_high.tolist())
    compressed = matrix.tocsr()
    compressed.sum_duplicates()
    compressed.eliminate_zeros()
    compressed.sort_indices()
    entries = compressed.tocoo()
    proto.linear_constraint_matrix.row_ids.extend(entries.row.tolist())
    proto.linear_constraint_matrix.column_ids.extend(entries.col.tolist())
    proto.linear_constraint_matrix.coefficients.extend(entries.data.astype(float).tolist())
    model = mathopt.Model.from_model_proto(proto)
    brake = None if deadline is None else timedelta(seconds=max(deadline.left(), 0.05))
    parameters = mathopt.SolveParameters(time_limit=brake)
    parameters.threads = threads
    if whole.any():
        parameters.relative_gap_tolerance = gap
        parameters.node_limit = nodes
    start = mathopt.ModelSolveParameters()
    variables = list(model.variables())
    if hint is not None and solver in ("GSCIP", "CP_SAT"):
        values = {variables[i]: float(hint[i]) for i in range(columns)}
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
