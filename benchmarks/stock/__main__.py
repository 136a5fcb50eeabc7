"""`python -m benchmarks.stock WORKSPACE [AS_OF ...]`: how often a forced service level holds, on fortnights and events already past.

WORKSPACE holds sales of the days after each AS_OF; it is not written to. By default the last day before the events of the next to last edition, and three
ordinary fortnights after it. For each the demand cube is made from what was known on AS_OF (with the latest forecast of hubs of that date, if the
workspace keeps one; else from sales alone), the stock of the next 13 days is set at level .9, and held against what was sold.

Two shares are told: of items x regions whose units sufficed (a region's part of its item's stock), and of items whose units in all sufficed: the level is
asked of an item's stock at the warehouse that serves it, which its regions share.
"""

from __future__ import annotations

import sys
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
from routing.stock.plan import CUBE, TABLES, StockOptions, read_task

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
        "| known up to | items x regions | sufficed | items | sufficed | of units sold, served | units over units sold |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|")
    for as_of in dates:
        regions, items, served, over = measure(workspace, as_of)
        print(
            f"| {as_of} | {len(regions):,} | {100 * regions.mean():.1f} % | {len(items):,} | {100 * items.mean():.1f} % | {100 * served:.1f} % | {over:.3f} |",
            flush=True,
        )


def choose_dates(workspace: Workspace) -> list[date]:
    """Choose the day before the shopping events of November of the edition before the last, and three ordinary fortnights."""
    known = workspace.read("sales").select(pl.col("date").max()).item()
    events = workspace.read("events").filter(
        (pl.col("kind") == "shopping") & (pl.col("date_to") <= known) & (pl.col("date_from").dt.month() == 11)
    )
    first = events.filter(pl.col("edition") == pl.col("edition").max()).select(pl.col("date_from").min()).item()
    return [first - timedelta(days=1), *(known - timedelta(days=n) for n in (DAYS + 14, DAYS + 7, DAYS))]


def measure(workspace: Workspace, as_of: date) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], float, float]:
    """Hold the stock set on a date against what was sold.

    Returns
    -------
    regions, items
        Whether the units of each item and region, and of each item, sufficed.
    served
        Share of the units sold that the stock of their region serves.
    over
        Units of stock over units sold.
    """
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
    target = task.items.target
    sold = np.zeros(target.shape)
    number = {key: i for i, key in enumerate(task.items.keys)}
    zone = dict(task.zones.select("region_id", "zone").iter_rows())
    inside = inputs.sales.filter(pl.col("date").is_between(first, last))
    columns = ("merchant_id", "category", "destination_region_id", "units")
    for merchant, category, region, units in inside.select(columns).iter_rows():
        if (merchant, category) in number and region in zone:
            sold[number[merchant, category], task.items.zones.index(zone[region])] += units
    some = (sold > 0) | (task.items.expected > 0)
    any_region = some.any(axis=1)
    enough = (sold <= target)[some]
    in_all = (sold.sum(axis=1) <= target.sum(axis=1))[any_region]
    return enough, in_all, float(np.minimum(sold, target).sum() / sold.sum()), float(target.sum() / sold.sum())


def _find_hubs(workspace: Workspace, as_of: date) -> pl.DataFrame | None:
    """Forecast of the hubs made on a date, if the workspace keeps one."""
    for run in reversed(workspace.writers("hub_forecasts")):
        found = workspace.results("hub_forecasts", run)
        if found["as_of"][0] == as_of:
            return found
    return None


if __name__ == "__main__":
    main()
