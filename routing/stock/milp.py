"""The location problem as one sparse matrix for OR-Tools: mixed-integer, or linear with its prices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data.arrays import Floats
from data.constants import constant
from routing.budget import Deadline
from routing.solvers import LinearModel, solve_linear
from routing.stock.model import LocationProblem

if TYPE_CHECKING:
    from scipy.sparse import spmatrix

_Entries = tuple[NDArray[np.int64], NDArray[np.int64], Floats]


@dataclass(frozen=True)
class MilpRules:
    """What the model of the location problem adds and ignores."""

    most_tight_rows: int = constant(
        20_000, "rows", "`sent <= demand x open` up to which they make the MILP faster", "judgement"
    )
    tight_sites: int = constant(
        8,
        "warehouses",
        "cheapest of a group that have such a row where warehouses are small: one further off seldom serves it, and the row of all it sends holds it shut",
        "fitted: `python -m benchmarks.stock.location small`",
    )
    small_part: float = constant(
        0.25,
        "1",
        "of the demand that a warehouse can send, below which it is small: of larger ones that row says little",
        "fitted: `python -m benchmarks.stock.location small`",
    )
    sizes: int = constant(3, "1", "of warehouses by which demand is rounded to how many must open", "judgement")
    least_part: float = constant(
        0.01, "1", "of a warehouse over whole ones, below which that says nothing", "judgement"
    )
    noise: float = constant(1e-7, "units", "fewer are the solver's rounding, and open no warehouse", "judgement")


MILP = MilpRules()


@dataclass(frozen=True, slots=True)
class PairSolution:
    """What a solver says about the problem over some group-warehouse pairs.

    Attributes
    ----------
    units
        Units of each group from each warehouse, shape (K, W).
    open_share
        How far each warehouse is open, shape (W,); whole unless relaxed.
    bound
        Proven lower bound over these pairs [CNY]; 0 when the time ran out before one.
    found
        Whether there is a plan at all; without one everything is short.
    group_price, dispatch_price, stock_price
        Prices of the linear problem: of a unit of demand (K,), a parcel of dispatch (W,), a unit at hand (F, W); None
        after a mixed-integer solve.
    """

    units: Floats
    open_share: Floats
    bound: float
    found: bool
    group_price: Floats | None = None
    dispatch_price: Floats | None = None
    stock_price: Floats | None = None


@dataclass(frozen=True, slots=True)
class _Columns:
    """What the columns stand for: units of each pair, brought in for each family, short of each group, and open warehouses.

    Attributes
    ----------
    groups, places
        Group and warehouse of each pair.
    bundle
        Of each pair: the place of its family at the warehouse among ``families`` and ``sites``.
    families, sites
        Family and warehouse of each column of what is brought in.
    first_open, count
        The first column of an open warehouse, and how many columns there are.
    """

    groups: NDArray[np.int64]
    places: NDArray[np.int64]
    bundle: NDArray[np.int64]
    families: NDArray[np.int64]
    sites: NDArray[np.int64]
    first_open: int
    count: int

    @classmethod
    def of(cls, problem: LocationProblem, allowed: NDArray[np.bool_]) -> _Columns:
        """List the columns of a problem over the allowed pairs."""
        groups, places = np.nonzero(allowed)
        n_groups, n_places = problem.cost.shape
        bundles, bundle = np.unique(problem.family[groups] * n_places + places, return_inverse=True)
        first_open = groups.size + bundles.size + n_groups
        return cls(groups, places, bundle, bundles // n_places, bundles % n_places, first_open, first_open + n_places)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of one kind: entries of the matrix and both sides."""

    entries: tuple[_Entries, ...]
    lower: Floats
    upper: Floats


def solve_pairs(
    problem: LocationProblem,
    allowed: NDArray[np.bool_],
    *,
    deadline: Deadline,
    nodes: int,
    relaxed: bool = False,
    opened: NDArray[np.bool_] | None = None,
    solver: str = "GSCIP",
) -> PairSolution:
    """Solve the problem over the allowed pairs.

    Columns are the units of each pair, the units brought in for each family at a warehouse, the units short of each group
    and whether each warehouse is open.

    Parameters
    ----------
    problem
        The location problem.
    allowed
        Pairs that may be used, shape (K, W).
    deadline
        Emergency brake of the solver.
    nodes
        Nodes of branch and bound after which the solver stops.
    relaxed
        Let warehouses open in part; the prices come with the answer.
    opened
        Open exactly these warehouses, shape (W,); the problem is then linear.
    solver
        That of a mixed-integer problem: ``HIGHS_ONCE`` proves small ones in a fraction of the time, ``GSCIP`` finds plans of large ones.

    Returns
    -------
    PairSolution
        Plan, bound and, of a linear problem, prices.
    """
    if opened is not None:
        allowed = allowed & opened
    columns = _Columns.of(problem, allowed)
    model = _write_model(problem, allowed, columns, relaxed=relaxed, opened=opened)
    mixed, unit = bool(model.whole.any()), np.ones(columns.count)
    if mixed:
        model, unit = _scale(model)
    solved = solve_linear(model, deadline=deadline, nodes=nodes, solver=solver if mixed else "GLOP")
    if solved.values is None:
        return PairSolution(np.zeros(problem.cost.shape), np.zeros(problem.cost.shape[1]), 0.0, found=False)
    values = solved.values * unit
    sent, open_share = values[: columns.groups.size], values[columns.first_open :]
    units = np.zeros(problem.cost.shape)
    units[columns.groups, columns.places] = np.where(sent > MILP.noise, sent, 0.0)
    if solved.duals is None:
        return PairSolution(units, open_share, max(solved.bound, 0.0), found=True)
    plan = PairSolution(units, open_share, solved.objective if solved.optimal else 0.0, found=True)
    return _with_prices(plan, problem, columns, solved.duals)


def _write_model(
    problem: LocationProblem,
    allowed: NDArray[np.bool_],
    columns: _Columns,
    *,
    relaxed: bool,
    opened: NDArray[np.bool_] | None,
) -> LinearModel:
    import scipy.sparse as sp

    first_open, families = columns.first_open, columns.families
    mixed = not relaxed and opened is None
    rows = _write_rows(problem, allowed, columns)
    if mixed:
        rows += _write_tight_rows(problem, columns.groups, columns.places, first_open)
        rows.append(_write_cover_rows(problem, allowed, first_open))
    open_low, open_high = (
        np.full(problem.opening.size, at) if opened is None else opened.astype(float) for at in (0.0, 1.0)
    )
    upper = [problem.demand[columns.groups], np.full(families.size, np.inf), problem.demand, open_high]
    whole = np.zeros(columns.count, dtype=bool)
    whole[first_open:] = (problem.opening > 0) & mixed
    sent = problem.cost[columns.groups, columns.places]
    return LinearModel(
        np.concatenate([sent, problem.inbound[families, columns.sites], problem.short_cost, problem.opening]),
        sp.vstack([_as_matrix(row, columns.count) for row in rows], format="csr"),
        np.concatenate([row.lower for row in rows]),
        np.concatenate([row.upper for row in rows]),
        np.concatenate([np.zeros(first_open), open_low]),
        np.concatenate(upper),
        integer=whole if whole.any() else None,
    )


def _with_prices(plan: PairSolution, problem: LocationProblem, columns: _Columns, duals: Floats) -> PairSolution:
    """Read the prices of a linear problem off its duals, in the order of the rows."""
    n_groups, n_places = problem.cost.shape
    bundles = columns.families.size
    stock_price = problem.inbound.copy()
    at_hand = columns.families, columns.sites
    stock_price[at_hand] = np.clip(-duals[n_groups : n_groups + bundles], 0.0, stock_price[at_hand])
    first_dispatch = n_groups + bundles + 2 * n_places
    return replace(
        plan,
        group_price=np.minimum(duals[:n_groups], problem.short_cost),
        dispatch_price=np.maximum(-duals[first_dispatch : first_dispatch + n_places], 0.0),
        stock_price=stock_price,
    )


def _write_rows(problem: LocationProblem, allowed: NDArray[np.bool_], columns: _Columns) -> list[_Rows]:
    groups, places, families, sites = columns.groups, columns.places, columns.families, columns.sites
    n_groups, n_places = problem.cost.shape
    pair_ids, bundle_ids = np.arange(len(groups)), np.arange(len(families))
    group_ids, place_ids = np.arange(n_groups), np.arange(n_places)
    first_in = len(groups)
    first_short, first_open = first_in + len(families), columns.first_open
    one, in_one = np.ones(len(groups)), np.ones(len(families))
    most = np.where(allowed, problem.demand[:, None], 0.0).sum(axis=0)
    room = np.minimum(problem.room, most)
    sends = np.minimum(most, problem.room + problem.there.sum(axis=0))
    power = np.minimum(problem.dispatch, problem.load @ np.where(allowed, problem.demand[:, None], 0.0))
    below, none = np.full(n_places, -np.inf), np.zeros(n_places)
    return [
        # each group: sent + short = demand
        _Rows(
            ((groups, pair_ids, one), (group_ids, first_short + group_ids, np.ones(n_groups))),
            problem.demand,
            problem.demand,
        ),
        # each family at a warehouse: sent - brought in <= there
        _Rows(
            ((columns.bundle, pair_ids, one), (bundle_ids, first_in + bundle_ids, -in_one)),
            np.full(len(families), -np.inf),
            problem.there[families, sites],
        ),
        # each warehouse: brought in <= room x open; sent <= all it can hold x open; parcels <= dispatch x open
        _Rows(((sites, first_in + bundle_ids, in_one), (place_ids, first_open + place_ids, -room)), below, none),
        _Rows(((places, pair_ids, one), (place_ids, first_open + place_ids, -sends)), below, none),
        _Rows(((places, pair_ids, problem.load[groups]), (place_ids, first_open + place_ids, -power)), below, none),
    ]


def _write_tight_rows(
    problem: LocationProblem, groups: NDArray[np.int64], places: NDArray[np.int64], first_open: int
) -> list[_Rows]:
    """Each group at warehouses that have an opening cost, of small ones its cheapest: sent <= demand x open, while these rows are few."""
    cost = problem.cost[groups, places] + problem.inbound[problem.family[groups], places]
    order = np.lexsort((places, cost, groups))
    ahead = np.arange(len(order)) - np.searchsorted(groups[order], groups[order])
    near = np.zeros(len(groups), dtype=np.bool_)
    near[order] = ahead < MILP.tight_sites
    holds = problem.room + problem.there.sum(axis=0)
    near |= holds[places] >= MILP.small_part * problem.demand.sum()
    tight = np.flatnonzero(near & (problem.opening[places] > 0))
    if not 0 < len(tight) <= MILP.most_tight_rows:
        return []
    own = np.arange(len(tight))
    entries = ((own, tight, np.ones(len(tight))), (own, first_open + places[tight], -problem.demand[groups[tight]]))
    return [_Rows(entries, np.full(len(tight), -np.inf), np.zeros(len(tight)))]


def _write_cover_rows(problem: LocationProblem, allowed: NDArray[np.bool_], first_open: int) -> _Rows:
    """What open warehouses hold, and what is short, cover all that is asked for; and how many must open for that.

    The first row is implied by the others. Rounded to whole warehouses of a size d it is stronger (mixed-integer rounding: Nemhauser and Wolsey,
    Mathematical Programming 46, 1990), with D = demand / d, its fraction f, and a = what a warehouse holds / d::

        sum over warehouses of (floor(a) + min(fraction of a, f) / f) x open + short / (d f) >= ceil(D)
    """
    n_groups, n_places = problem.cost.shape
    most = np.where(allowed, problem.demand[:, None], 0.0).sum(axis=0)
    sends = np.minimum(most, problem.room + problem.there.sum(axis=0))
    total, whole = float(problem.demand.sum()), problem.opening > 0
    lines, low = [np.concatenate([np.ones(n_groups), sends])], [total]
    for size in np.unique(sends[whole & (sends > 0)])[::-1][: MILP.sizes].tolist():
        part = total / size - np.floor(total / size)
        if part < MILP.least_part:
            continue
        share = sends / size
        opens = np.where(whole, np.floor(share) + np.minimum(share - np.floor(share), part) / part, share / part)
        lines.append(np.concatenate([np.full(n_groups, 1.0 / (size * part)), opens]))
        low.append(float(np.ceil(total / size)))
    columns = np.arange(first_open - n_groups, first_open + n_places)
    down = np.repeat(np.arange(len(lines)), len(columns))
    entries = (down, np.tile(columns, len(lines)), np.concatenate(lines))
    return _Rows((entries,), np.array(low), np.full(len(low), np.inf))


def _scale(model: LinearModel) -> tuple[LinearModel, Floats]:
    """Scale columns to shares of what they can be at most, and rows to coefficients of at most one: a solver's tolerances mean the same everywhere.

    Returns
    -------
    model
        Whole columns as they were.
    unit : (columns,)
        What one of each column of it stands for.
    """
    import scipy.sparse as sp

    bounded = np.isfinite(model.high) & (model.high > 0) & ~model.whole
    unit = np.where(bounded, model.high, 1.0)
    scaled = (model.matrix @ sp.diags(unit)).tocsr()
    largest = np.maximum(np.asarray(abs(scaled).max(axis=1).todense()).ravel(), MILP.noise)
    shrunk = LinearModel(
        model.cost * unit,
        (sp.diags(1.0 / largest) @ scaled).tocsr(),
        model.row_low / largest,
        model.row_high / largest,
        model.low / unit,
        model.high / unit,
        model.integer,
    )
    return shrunk, unit


def _as_matrix(rows: _Rows, columns: int) -> spmatrix:
    import scipy.sparse as sp

    down, across, values = (np.concatenate(parts) for parts in zip(*rows.entries, strict=True))
    return sp.coo_matrix((values, (down, across)), shape=(len(rows.upper), columns))
