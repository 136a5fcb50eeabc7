"""What a plan's certificate claims to have proven against what the prices kept with the plan prove."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from routing.checker.bound import Costs, find_days, recompute_bound
from routing.checker.bound_by_clock import recompute_bound_by_clock
from routing.checker.by_clock import names_hours
from routing.checker.limits import LIMITS
from routing.checker.playback.clock import ClockRules
from routing.checker.prices import check_prices
from routing.checker.violations import Violation, collect, write_number

PROOFS = ("prices", "openings", "search")
_RELATIVE, _CENT = 1e-6, 0.01


@dataclass(frozen=True, slots=True)
class BoundCheck:
    """What is known of a plan's lower bound.

    Attributes
    ----------
    proof
        ``prices``, ``openings`` or ``search`` as the certificate says; None for plans made before prices were kept.
    lower_bound
        The bound claimed [CNY]; None when the certificate has none.
    recomputed
        What the prices prove [CNY]; None when there is nothing to recompute from.
    told
        All this in a sentence.
    """

    proof: str | None
    lower_bound: float | None
    recomputed: float | None
    told: str


def check_bound(
    frames: Mapping[str, pl.DataFrame],
    certificates: pl.DataFrame | None,
    costs: Costs,
    rules: ClockRules,
    carried: pl.DataFrame | None = None,
) -> tuple[BoundCheck, list[Violation]]:
    """Recompute a trunk plan's lower bound from its prices and check the certificate's claims.

    A bound proven by prices must not be above the bound recomputed; of one proven by search (branch and bound, which leaves
    no prices) the part that prices prove, ``priced_bound``, must not.

    Parameters
    ----------
    frames
        Tables of the checker.
    certificates
        Rows of ``plan_certificates``.
    costs
        Costs of the plan's options.
    rules
        Time zone and hours where the tables are silent.
    carried
        Rows of ``bound_prices`` that prove what carrying costs, where others than those of the bound do.

    Returns
    -------
    check : BoundCheck
    violations : list of Violation
        Rules ``certificate.bound``, ``certificate.proof`` and ``bound_prices.row``.
    """
    row = _row_of(certificates)
    claimed, proof = _number(row.get("lower_bound")), row.get("proof")
    if proof is None and not frames["bound_prices"].height:
        verdict = f"lower bound {_write(claimed)} not recomputed: plan made before prices were kept"
        return BoundCheck(None, claimed, None, verdict), []
    clock = names_hours(frames)
    last_day, priced = row.get("last_day"), _number(row.get("priced_bound"))
    if not _is_sound(frames, row) or priced is None or not isinstance(last_day, date):
        due = f"{' or '.join(PROOFS)}, a priced_bound and a last_day not before the demand"
        found = f"{proof}, {write_number(priced)}, {last_day}"
        text = f"The trunk plan's certificate tells its proof as {found}; expected {due}."
        verdict = f"lower bound {_write(claimed)} not recomputed: the certificate does not tell its proof"
        return BoundCheck(proof, claimed, None, verdict), [_violation("certificate.proof", "proof", found, due, text)]
    violations = _check_last_day(frames, last_day)
    days = find_days(frames, last_day)
    prices, broken = check_prices(frames, days, by_clock=clock)
    violations += broken

    def recompute(costs: Costs, prices: pl.DataFrame) -> float:
        if clock:
            return recompute_bound_by_clock(frames, prices, days, costs, rules)
        return recompute_bound(frames, prices, days, costs)

    proven = max(recompute(costs, prices), 0.0 if _nothing_pays(frames) else -math.inf)
    carrying = _number(row.get("carrying_bound"))
    if carrying is not None:
        if carried is not None and carried.height:
            prices, broken = check_prices({**frames, "bound_prices": carried}, days, by_clock=clock)
            violations += broken
        without = replace(costs, left_out=_number(row.get("parcels_short")) or 0.0)
        unproven = _check_carrying(carrying, max(recompute(without, prices), 0.0))
        # prices of carrying that are all 0 leave no row, and prove what ways cost where nothing is scarce
        if unproven:
            unproven = _check_carrying(carrying, max(recompute(without, prices.clear()), 0.0))
        violations += unproven
    for column, value in (("lower_bound", None if proof == "search" else claimed), ("priced_bound", priced)):
        if value is not None and value > proven + _CENT + _RELATIVE * abs(proven):
            there, due = write_number(value), write_number(proven)
            text = f"The trunk plan's certificate says {column} {there}; the prices kept with the plan prove {due}."
            violations.append(_violation("certificate.bound", column, there, due, text))
    return BoundCheck(str(proof), claimed, proven, _tell(str(proof), claimed, proven, bool(violations))), violations


def _check_carrying(claimed: float, proven: float) -> list[Violation]:
    if claimed <= proven + _CENT + _RELATIVE * abs(proven):
        return []
    there, due = write_number(claimed), write_number(proven)
    text = f"The trunk plan's certificate says carrying_bound {there}; the prices kept with the plan prove {due}."
    return [_violation("certificate.bound", "carrying_bound", there, due, text)]


def _row_of(certificates: pl.DataFrame | None) -> dict[str, Any]:
    if certificates is None or "plan" not in certificates.columns:
        return {}
    rows = certificates.filter(pl.col("plan") == "trunk").to_dicts()
    return rows[0] if len(rows) == 1 else {}


def _is_sound(frames: Mapping[str, pl.DataFrame], row: Mapping[str, Any]) -> bool:
    """Whether the proof has a name and a last day that every demand comes before."""
    demand, last_day = frames["route_demand"]["date"], row.get("last_day")
    if row.get("proof") not in PROOFS or not isinstance(last_day, date):
        return False
    ends = [day for day in (demand.min(), demand.max()) if isinstance(day, date)]
    return all(0 <= (last_day - day).days < LIMITS.most_days for day in ends)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _violation(rule: str, column: str, found: str, allowed: str, text: str) -> Violation:
    return Violation(rule, f"trunk.{column}", None, found, allowed, text)


def _check_last_day(frames: Mapping[str, pl.DataFrame], last_day: date) -> list[Violation]:
    """Check that the plan itself is done by the day up to which the bound holds."""
    after = frames["trunk_flows"].filter(pl.col("completed_on") > last_day)
    rows = after.select(
        where=pl.format("trunk_flows row {}", "row"), date="date", found="completed_on", allowed=pl.lit(last_day)
    )
    return collect(
        "certificate.proof", rows, "{where} is done on {found}; the bound holds for plans done by {allowed}."
    )


def _nothing_pays(frames: Mapping[str, pl.DataFrame]) -> bool:
    """Whether no cost in the tables is below 0, so that no plan costs less than 0."""
    columns = (
        ("hubs", "handling_cost"), ("lanes", "parcel_cost"), ("vehicle_types", "fixed_cost"),
        ("vehicle_types", "cost_per_km"), ("lane_vehicles", "departure_cost"),
    )  # fmt: skip
    return not any((frames[table][column] < 0).any() for table, column in columns)


def _write(value: float | None) -> str:
    return "nothing" if value is None else f"{value:,.2f}"


def _tell(proof: str, claimed: float | None, proven: float, wrong: bool) -> str:
    if wrong:
        return f"lower bound {_write(claimed)} does not hold: the prices kept with the plan prove {_write(proven)}"
    if proof == "search":
        held = min(proven, proven if claimed is None else claimed)
        return f"lower bound {_write(claimed)} proven by search; {_write(held)} of it recomputed from prices"
    return f"lower bound {_write(claimed)} recomputed from its prices"
