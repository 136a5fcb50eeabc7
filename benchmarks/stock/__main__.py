"""`python -m benchmarks.stock WORKSPACE [AS_OF ...]`: how often a forced service level holds, on fortnights and events already past.

WORKSPACE holds sales of the days after each AS_OF; it is not written to. By default the last day before the events of the next to last edition, and three
ordinary fortnights after it. For each the demand cube is made from what was known on AS_OF (with the latest forecast of hubs of that date, if the
workspace keeps one; else from sales alone), the stock of the next 13 days is set at level .9, and held against what was sold.

A region is covered when the stock of the item at the warehouse that serves it suffices for all regions it serves: they share it, and the level is asked of it. Beside
it is told how often a region's own part of that stock would have sufficed, what share of the units sold is served, and how far off the expectation of
items was (root mean square, and the error it was told with).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from data.contracts import contract
from data.workspace import Workspace
from forecasting.history.as_of_view import restrict
from forecasting.inputs import ForecastInputs
from forecasting.merchants.cube import forecast_merchants, merchant_inputs
from routing.stock.level import pay_off
from routing.stock.options import StockOptions
from routing.stock.task import CUBE, TABLES, read_task

DAYS = 13
LEVEL = 0.9
_INPUTS = ("route_volumes", "sales", "merchants", "events", "promotions", "network_changes", "merchant_plans")


def main() -> None:
    """Measure and print a row a date."""
    if len(sys.argv) < 2:
        sys.exit("one workspace: python -m benchmarks.stock demo [2024-10-31 ...]")
    workspace = Workspace.open(Path(sys.argv[1]))
    dates = [date.fromisoformat(word) for word in sys.argv[2:]] or choose_dates(workspace)
    print(
        "| known up to | items x regions | covered | by their own part | of units sold, served | stock over sold | items off by | told |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for as_of in dates:
        found = measure(workspace, as_of)
        shares = " | ".join(f"{100 * part:.1f} %" for part in (found.covered, found.alone, found.served))
        errors = " | ".join(f"{part:.3f}" for part in (found.over, found.off, found.told))
        print(f"| {as_of} | {found.count:,} | {shares} | {errors} |", flush=True)


def choose_dates(workspace: Workspace) -> list[date]:
    """Choose the day before the shopping events of November of the edition before the last, and three ordinary fortnights."""
    known = workspace.read("sales").select(pl.col("date").max()).item()
    events = workspace.read("events").filter(
        (pl.col("kind") == "shopping") & (pl.col("date_to") <= known) & (pl.col("date_from").dt.month() == 11)
    )
    first = events.filter(pl.col("edition") == pl.col("edition").max()).select(pl.col("date_from").min()).item()
    return [first - timedelta(days=1), *(known - timedelta(days=n) for n in (DAYS + 14, DAYS + 7, DAYS))]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How the stock of a date held: shares of items x regions and of units, and relative errors of items' expectations."""

    count: int
    covered: float
    alone: float
    served: float
    over: float
    off: float
    told: float


def measure(workspace: Workspace, as_of: date) -> Coverage:
    """Hold the stock set on a date against what was sold."""
    first, last = as_of + timedelta(days=1), as_of + timedelta(days=DAYS)
    read: dict[str, Any] = {name: workspace.read(name) for name in _INPUTS}
    inputs = ForecastInputs(**read)
    hubs = _find_hubs(workspace, as_of)
    tables: dict[str, Any] = {
        name: workspace.read(name) if name in workspace.present() else contract(name).empty() for name in TABLES
    }
    tables["stock"] = tables["stock"].clear()
    tables[CUBE] = forecast_merchants(merchant_inputs(restrict(inputs, as_of), hubs), as_of, DAYS).table
    options = StockOptions(first=first, last=last, as_of=as_of, service_level=LEVEL, from_home=False)
    task = read_task(tables, options)
    items, target = task.items, task.items.target
    sold = np.zeros(target.shape)
    number = {key: i for i, key in enumerate(items.keys)}
    zone = dict(task.zones.select("region_id", "zone").iter_rows())
    inside = inputs.sales.filter(pl.col("date").is_between(first, last))
    columns = ("merchant_id", "category", "destination_region_id", "units")
    for merchant, category, region, units in inside.select(columns).iter_rows():
        if (merchant, category) in number and region in zone:
            sold[number[merchant, category], items.zones.index(zone[region])] += units
    some = (sold > 0) | (items.expected > 0)
    site = pay_off(task.costs, items.left_over, options.short_cost)[1]
    place = np.arange(len(items.keys))[:, None] * len(items.sites) + site
    short = np.bincount(place.ravel(), (sold - target).ravel()) > 0
    there, wanted = (np.bincount(place.ravel(), part.ravel()) for part in (target, sold))
    mean, whole = items.mean.sum(axis=1), sold.sum(axis=1)
    known = mean > 0
    return Coverage(
        count=int(some.sum()),
        covered=float((~short[place])[some].mean()),
        alone=float((sold <= target)[some].mean()),
        served=float(np.minimum(there, wanted).sum() / sold.sum()),
        over=float(target.sum() / sold.sum()),
        off=float(np.sqrt(np.mean((whole[known] / mean[known] - 1.0) ** 2))),
        told=float(np.sqrt(np.mean(items.cv[known] ** 2))),
    )


def _find_hubs(workspace: Workspace, as_of: date) -> pl.DataFrame | None:
    """Forecast of the hubs made on a date, if the workspace keeps one."""
    for run in reversed(workspace.writers("hub_forecasts")):
        found = workspace.results("hub_forecasts", run)
        if found["as_of"][0] == as_of:
            return found
    return None


if __name__ == "__main__":
    main()
