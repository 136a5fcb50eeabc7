"""`python -m benchmarks.merchants WORKSPACE TRUTH`: units of merchants and categories expected against those sold; `... olist FOLDER`: plans told.

WORKSPACE holds a forecast whose days the sales of the workspace or of TRUTH (`future_sales.parquet`, as `radar demo --no-storm` keeps it) cover. Prints bias and
accuracy (1 - WAPE) of items and of item-regions, with the forecast of parcels and from sales alone.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import polars as pl

from benchmarks.merchants import told
from data.workspace import Workspace
from forecasting.history.as_of_view import restrict
from forecasting.inputs import ForecastInputs
from forecasting.merchants.cube import forecast_merchants, merchant_inputs

_TABLES = ("route_volumes", "sales", "merchants", "events", "promotions", "network_changes", "merchant_plans")
_ITEM = ["merchant_id", "category"]


def main() -> None:
    """Measure the latest forecast of a workspace over the days that were sold since."""
    if sys.argv[1:2] == ["olist"] and len(sys.argv) in (3, 4):
        told.measure(Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) == 4 else None)
        return
    if len(sys.argv) != 3:
        sys.exit(
            "a workspace and its truth: python -m benchmarks.merchants demo demo/truth; or olist and the folder it is in"
        )
    workspace = Workspace.open(Path(sys.argv[1]))
    hubs = workspace.results("hub_forecasts")
    as_of, end = hubs["as_of"][0], hubs["date"].max()
    tables = {name: workspace.read(name) for name in _TABLES}
    later = pl.read_parquet(Path(sys.argv[2]) / "future_sales.parquet").select(tables["sales"].columns)
    sold = pl.concat([tables["sales"], later]).unique(["date", *_ITEM, "destination_region_id"])
    known = restrict(ForecastInputs(**tables, timezone=workspace.settings.workspace.timezone), as_of)
    shopping = tables["events"].filter((pl.col("kind") == "shopping") & (pl.col("date_from") > as_of))
    last = shopping.filter(pl.col("date_from") <= end).select(pl.col("date_to").max()).item() or end
    print("| course | days | level | bias | accuracy |\n|---|---|---|---:|---:|")
    for name, course in (("forecast of parcels", hubs), ("sales alone", None)):
        cube = forecast_merchants(merchant_inputs(known, course), as_of, (end - as_of).days).table
        _tell(name, cube.filter(pl.col("date") <= last), sold.filter(pl.col("date").is_between(as_of, last, "right")))


def _tell(name: str, cube: pl.DataFrame, sold: pl.DataFrame) -> None:
    first, last = cube["date"].min(), cube["date"].max()
    assert isinstance(first, date) and isinstance(last, date)  # noqa: PT018  the cube has rows
    found = cube.rename({"region_id": "destination_region_id"})
    for level, key in (("items", _ITEM), ("item-regions", [*_ITEM, "destination_region_id"])):
        both = (
            sold.group_by(key)
            .agg(pl.col("units").sum().cast(pl.Float64))
            .join(found.group_by(key).agg(pl.col("mean").sum()), on=key, how="full", coalesce=True)
            .fill_null(0.0)
        )
        total = float(both["units"].sum())
        bias = float(both["mean"].sum()) / total - 1.0
        wape = float((both["mean"] - both["units"]).abs().sum()) / total
        print(f"| {name} | {first} to {last} | {level} | {100 * bias:+.1f} % | {1 - wape:.3f} |", flush=True)


if __name__ == "__main__":
    main()
