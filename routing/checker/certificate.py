"""A plan's certificate against what its tables add up to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import polars as pl

from routing.checker.limits import LIMITS
from routing.checker.violations import Violation, write_number

_RELATIVE, _CENT = 1e-6, 0.01
_STATUSES = ("optimal", "feasible", "shortfalls")


@dataclass(frozen=True, slots=True)
class Totals:
    """What the tables add up to: cost [CNY] and parcels demanded, planned, short; late is None for plans that promise nothing."""

    cost: float
    demanded: float
    planned: float
    short: float
    late: float | None = None


def check_certificate(certificates: pl.DataFrame | None, plan: str, totals: Totals, violations: int) -> list[Violation]:
    """Check the row of `plan` in ``plan_certificates``.

    Parameters
    ----------
    certificates
        Rows of ``plan_certificates``, None when there are none.
    plan
        Kind of plan: ``trunk`` or ``stock``.
    totals
        What the tables add up to.
    violations
        Number of violations found outside the certificate.

    Returns
    -------
    list of Violation
        Rules ``certificate.*`` and ``cost.total``.
    """
    rows = [] if certificates is None or "plan" not in certificates.columns else _rows_of(certificates, plan)
    if len(rows) != 1:
        text = f"The {plan} plan has {len(rows)} rows in plan_certificates; it must have 1."
        return [Violation("certificate.missing", plan, None, str(len(rows)), "1", text)]
    row = rows[0]
    found = _check_cost(row, plan, totals.cost) + _check_gap(row, plan)
    for column, value in (
        ("parcels_demanded", totals.demanded),
        ("parcels_planned", totals.planned),
        ("parcels_short", totals.short),
    ):
        if row.get(column) != value:
            found.append(_differs("certificate.totals", plan, column, row.get(column), value))
    late = row.get("parcels_late")
    # plans of before there were promises say nothing of them
    if totals.late is not None and late != totals.late and not (late is None and totals.late == 0):
        found.append(_differs("certificate.totals", plan, "parcels_late", late, totals.late))
    found += _check_status(row, plan, totals.short)
    claimed = row.get("violations")
    true_count = violations + len(found)
    if claimed is not None and claimed != true_count:
        found.append(_differs("certificate.violations", plan, "violations", claimed, true_count))
    return found


def _rows_of(certificates: pl.DataFrame, plan: str) -> list[dict[str, Any]]:
    return certificates.filter(pl.col("plan") == plan).to_dicts()


def _differs(rule: str, plan: str, column: str, found: object, allowed: object) -> Violation:
    there, due = write_number(found), write_number(allowed)
    text = f"The {plan} plan's certificate says {column} {there}, the tables say {due}."
    return Violation(rule, f"{plan}.{column}", None, there, due, text)


def _finite(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _check_cost(row: dict[str, Any], plan: str, cost: float) -> list[Violation]:
    stated = _finite(row.get("cost"))
    if stated is None or abs(stated - cost) > _CENT + _RELATIVE * abs(cost):
        return [_differs("cost.total", plan, "cost", row.get("cost"), cost)]
    return []


def _check_gap(row: dict[str, Any], plan: str) -> list[Violation]:
    bound, cost, gap = _finite(row.get("lower_bound")), _finite(row.get("cost")), _finite(row.get("gap"))
    if bound is None or (cost is not None and bound > cost + _CENT + _RELATIVE * abs(cost)):
        there, due = write_number(row.get("lower_bound")), write_number(row.get("cost"))
        text = f"The {plan} plan's lower bound {there} is no number up to its cost {due}."
        return [Violation("certificate.bound", f"{plan}.lower_bound", None, there, due, text)]
    if cost is None:
        return []
    due_gap = 0.0 if cost == 0 else (cost - bound) / cost
    if gap is None or abs(gap - due_gap) > _RELATIVE:
        return [_differs("certificate.gap", plan, "gap", row.get("gap"), due_gap)]
    return []


def _check_status(row: dict[str, Any], plan: str, short: float) -> list[Violation]:
    status, gap = row.get("status"), _finite(row.get("gap"))
    if status not in _STATUSES:
        due = ", ".join(_STATUSES)
    elif (status == "shortfalls") != (short > 0):
        due = "shortfalls" if short > 0 else "optimal or feasible, since nothing is short"
    elif status == "optimal" and gap is not None and gap > LIMITS.optimal_gap:
        due = f"feasible, since the gap is {write_number(gap)}"
    else:
        return []
    text = f"The {plan} plan's status is {status}; its figures say {due}."
    return [Violation("certificate.status", f"{plan}.status", None, str(status), due, text)]
