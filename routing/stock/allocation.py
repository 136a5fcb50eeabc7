"""From units of families back to merchants: who puts how many units where, by when, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Floats
from data.reasons import GIVEN_DAYS, StockReason
from routing.stock.costs import PathCosts, days_of
from routing.stock.demand import Window
from routing.stock.items import Items
from routing.stock.level import UnitCosts
from routing.stock.model import LocationProblem

_LATE_DAYS = 2  # the advice says what this delay costs
_NAMED_REGIONS = 3
ALLOCATION_SCHEMA = {
    "merchant_id": pl.String(),
    "category": pl.String(),
    "warehouse_id": pl.String(),
    "units": pl.Int64(),
    "ship_by": pl.Date(),
    "reason": pl.String(),
}
SHORTAGE_SCHEMA = {"merchant_id": pl.String(), "category": pl.String(), "units": pl.Int64(), "full": pl.String()}


def divide_units(items: Items, units: Floats) -> Floats:
    """Divide the families' units over their items, keeping both the items' targets and the warehouses' units.

    Parameters
    ----------
    items
        I items in F families.
    units
        Whole units of each family, zone and warehouse, shape (F, Z, W).

    Returns
    -------
    numpy.ndarray
        Whole units of each item, zone and warehouse, shape (I, Z, W).
    """
    divided = np.zeros((len(items.keys), *units.shape[1:]))
    for family in range(units.shape[0]):
        members = np.flatnonzero(items.family == family)
        for zone in np.flatnonzero(units[family].sum(axis=1) > 0):
            wanted = items.target[members, zone].copy()
            for site in np.flatnonzero(units[family, zone] > 0):
                # pour a warehouse's units over the items in order: each is filled before the next
                upto = np.minimum(np.cumsum(wanted), units[family, zone, site])
                poured = np.diff(upto, prepend=0.0)
                divided[members, zone, site] = poured
                wanted -= poured
    return divided


@dataclass(frozen=True, slots=True)
class Sending:
    """What sending goods ahead costs and when it must happen.

    Attributes
    ----------
    path_costs
        Costs over the hubs.
    window
        Days of the event.
    putaway_days
        Days from arrival until stock can be sold.
    as_of
        Last day known; no stock is sent before the day after.
    day_cost
        Worth of a day on which a buyer waits [CNY/unit/day].
    paid
        What a unit costs from each warehouse and from home, the relief of hubs left out.
    on_shelf
        Day by which goods can be sold.
    """

    path_costs: PathCosts
    window: Window
    putaway_days: int
    as_of: date
    day_cost: float
    paid: UnitCosts
    on_shelf: date


def list_allocations(
    items: Items,
    problem: LocationProblem,
    units: Floats,
    sending: Sending,
    *,
    from_home: bool = False,
    lost: NDArray[np.bool_] | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Write allocations and shortages with their reasons.

    Parameters
    ----------
    items, problem
        What was planned for.
    units
        Units of each item, zone and warehouse, shape (I, Z, W).
    sending
        What it costs, and when it must happen.
    from_home
        Whether what stands in no warehouse leaves from home as today: then an item without units has no row.
    lost
        Items and zones of which what stands in no warehouse is short, shape (I, Z); None takes all, or with `from_home` none.

    Returns
    -------
    allocations, shortages : polars.DataFrame
        Rows of ``ALLOCATION_SCHEMA`` (an item with no room at all has one row of 0 units) and ``SHORTAGE_SCHEMA``.
    """
    rows, lacks = [], []
    path_costs = sending.path_costs
    days, price = items.reach(path_costs.hours) / 24.0, items.reach(path_costs.parcel)
    counts = np.full(items.target.shape, not from_home) if lost is None else lost
    short = (np.maximum(items.target - units.sum(axis=2), 0.0) * counts).sum(axis=1)
    full = _name_full(items, problem, units)
    for i, (merchant, category) in enumerate(items.keys):
        if short[i] > 0:
            lacks.append((merchant, category, int(short[i]), full))
        sites = np.flatnonzero(units[i].sum(axis=0) > 0)
        for site in sites if len(sites) or from_home else [int(np.argmin(problem.inbound[items.family[i]]))]:
            reason = _explain(items, units, i, int(site), days, price, sending)
            costs = _tell_costs(items, units, i, int(site), sending.paid)
            reason = replace(reason, cost=costs[0], home_cost=costs[1])
            lead = days_of(path_costs.bulk_hours[items.home[i], items.site_hub[site]])
            due = sending.on_shelf - timedelta(days=sending.putaway_days + (int(lead) if np.isfinite(lead) else 0))
            ship_by = max(due, sending.as_of + timedelta(days=1))
            late = due.isoformat() if ship_by > due and reason.send else ""
            reason = replace(reason, missed=late, short=int(short[i]), full=full if short[i] else "")
            rows.append((merchant, category, items.sites[site], reason.units, ship_by, reason.write()))
    return (
        pl.DataFrame(rows, schema=ALLOCATION_SCHEMA, orient="row").sort("merchant_id", "category", "warehouse_id"),
        pl.DataFrame(lacks, schema=SHORTAGE_SCHEMA, orient="row").sort("merchant_id", "category"),
    )


def _name_full(items: Items, problem: LocationProblem, units: Floats) -> str:
    """Name the warehouses without room or sending capacity."""
    placed = units.sum(axis=1)
    stands = np.maximum(placed, items.there).sum(axis=0) + items.others
    sent = (placed * (items.peak_share / items.units_per_parcel)[:, None]).sum(axis=0)
    room = stands >= problem.storage + items.others - 1
    power = sent >= problem.dispatch - 1
    return ", ".join(np.array(items.sites)[room | power])


def _explain(
    items: Items,
    units: Floats,
    item: int,
    site: int,
    days: Floats,
    price: Floats,
    sending: Sending,
) -> StockReason:
    window, day_cost = sending.window, sending.day_cost
    here = units[item, :, site]
    total = float(here.sum())
    share = np.divide(items.expected[item], items.target[item], out=np.zeros_like(here), where=items.target[item] > 0)
    expected = round(float((here * share).sum()))
    there = int(items.there[item, site])
    send = max(int(total) - there, 0)
    weights = here / total if total else items.target[item] / max(items.target[item].sum(), 1.0)
    hub, home = int(items.site_hub[site]), int(items.home[item])
    wait, home_wait = (float(_mean(weights, days[at])) for at in (hub, home))
    # no way from either leaves nothing to compare, which the mean passes over
    with np.errstate(invalid="ignore"):
        gap = price[home] - price[hub]
    dearer = _mean(weights, gap) / items.units_per_parcel[item]
    early = min(total * items.early_share[item], send)
    # buyers of the first days are served from home, or wait a day and a half on average, whichever is cheaper
    loss = min(max(dearer + day_cost * (home_wait - wait), 0.0), day_cost * (_LATE_DAYS + 1) / 2)
    top = np.argsort(-weights, kind="stable")[:_NAMED_REGIONS]
    named = ", ".join(f"{items.zones[z]} {100 * weights[z]:.0f} %" for z in top if weights[z] > 0)
    factors = {name: round(float(factor[item]), 4) for name, factor in items.factors.items()}
    product = float(np.prod(list(factors.values())))
    return StockReason(
        event=GIVEN_DAYS if window.name == window.span else window.name,
        first=window.first.isoformat(),
        last=window.last.isoformat(),
        expected=expected,
        safety=int(total) - expected,
        units=int(total),
        there=there,
        send=send,
        basis=items.basis,
        base=round(expected / product, 2) if product > 0 else None,
        growth=factors["growth"],
        venue=factors["venue"],
        price=factors["price"],
        lift=factors["lift"],
        weather=factors["weather"],
        error=100.0 * float(items.cv[item]),
        level=round(float(items.level[item]), 2),
        regions=named or "no region",
        days=wait,
        home_days=home_wait,
        home=items.hub_ids[home],
        relief=round(total / items.units_per_parcel[item]) if hub != home else 0,
        late=early * loss,
    )


def _tell_costs(
    items: Items, units: Floats, item: int, site: int, paid: UnitCosts
) -> tuple[float | None, float | None]:
    """Tell what the units of an item in a warehouse cost from there and from the merchant's hub today; None where that cannot be."""
    here = units[item, :, site]
    served = here > 0
    send = max(float(here.sum()) - float(items.there[item, site]), 0.0)
    cost = float((here * paid.ahead[item, :, site])[served].sum()) + send * float(paid.inbound[item, site])
    home_cost = float((here * paid.home[item])[served].sum())
    return (cost, home_cost) if np.isfinite(cost) and np.isfinite(home_cost) else (None, None)


def _mean(weights: Floats, values: Floats) -> float:
    """Weighted mean over the zones served; 0 where there is no finite value."""
    use = (weights > 0) & np.isfinite(values)
    return float((weights[use] * values[use]).sum() / weights[use].sum()) if use.any() else 0.0
