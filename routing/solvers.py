"""Linear and mixed-integer models handed to OR-Tools whole, as sparse matrices."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from data.arrays import Flags, Floats
from routing.budget import Deadline

if TYPE_CHECKING:
    from ortools.math_opt.model_parameters_pb2 import ModelSolveParametersProto
    from ortools.math_opt.model_pb2 import ModelProto
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


_PART = 1 << 18  # entries of a matrix handed over at a time
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
    from ortools.math_opt.core.python import solver as core
    from ortools.math_opt.python import init_arguments, mathopt

    whole = linear.whole
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
    # MathOpt's own function wants its model of named columns and rows, many times the size of the message, and gives one back: large programmes are handed over as they are
    with results_alone():
        answer = core.solve(
            _write_message(linear),
            mathopt.SolverType[solver].value,
            init_arguments.StreamableSolverInitArguments().to_proto(),
            parameters.to_proto(),
            _write_start(hint if solver in ("GSCIP", "CP_SAT") else None),
            None,
            mathopt.CallbackRegistration().to_proto(),
            None,
            None,
        )
    termination = mathopt.parse_termination(answer.termination)
    bound = float(termination.objective_bounds.dual_bound)
    if deadline is not None and termination.limit == mathopt.Limit.TIME:
        deadline.cut_in()
    searched = int(answer.solve_stats.node_count)
    best = answer.solutions[0] if answer.solutions else None
    if best is None or not _is_feasible(best, "primal_solution"):
        return Solution(None, np.inf, bound, None, False, searched)
    found = best.primal_solution
    duals = None
    if not whole.any() and _is_feasible(best, "dual_solution"):
        duals = _spread(best.dual_solution.dual_values, len(linear.row_low))
    return Solution(
        _spread(found.variable_values, len(linear.cost)),
        float(found.objective_value),
        bound,
        duals,
        termination.reason == mathopt.TerminationReason.OPTIMAL,
        searched,
    )


def _is_feasible(solution: Any, name: str) -> bool:
    """Say whether a solution has a side of this name that keeps the limits."""
    from ortools.math_opt import solution_pb2

    side = getattr(solution, name) if solution.HasField(name) else None
    return side is not None and bool(side.feasibility_status == solution_pb2.SOLUTION_STATUS_FEASIBLE)


def _spread(sparse: Any, count: int) -> Floats:
    """Lay a sparse vector of the answer out."""
    values = np.zeros(count)
    values[np.fromiter(sparse.ids, np.int64, len(sparse.ids))] = np.fromiter(
        sparse.values, np.float64, len(sparse.values)
    )
    return values


def _write_start(hint: Floats | None) -> ModelSolveParametersProto:
    """Write where the solver is to start from."""
    from ortools.math_opt import model_parameters_pb2

    start = model_parameters_pb2.ModelSolveParametersProto()
    if hint is not None:
        values = start.solution_hints.add().variable_values
        values.ids.extend(range(len(hint)))
        values.values.extend(hint.tolist())
    return start


def _write_message(linear: LinearModel) -> ModelProto:
    """Write the arrays of a model as the message that solvers read."""
    from ortools.math_opt import model_pb2

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
    entries, target = compressed.tocoo(copy=False), proto.linear_constraint_matrix
    for first in range(0, entries.nnz, _PART):  # a list of all of them is several times as large as the message
        part = slice(first, first + _PART)
        target.row_ids.extend(entries.row[part].tolist())
        target.column_ids.extend(entries.col[part].tolist())
        target.coefficients.extend(entries.data[part].astype(np.float64).tolist())
    return proto
