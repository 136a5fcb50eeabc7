"""What it is worth that the largest sellers say what they will sell: Olist, 50 sellers, an error of 50 %."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.forecast.cases import OLIST_MONTHS, olist
from data.contracts import contract
from forecasting.forecast import forecast
from forecasting.inputs import ForecastInputs

SELLERS, ERROR, SEED, HORIZON = 50, 0.5, 1, 28
_ROUTE = ["origin_hub_id", "destination_hub_id"]


def read_olist(shared: Path) -> ForecastInputs:
    """Read Olist with its sellers: states are hubs and regions, a parcel is a unit."""
    rows = pl.read_parquet(shared / "real" / "olist" / "order_items.parquet")
    parcels = rows.select("purchase_ts", "customer_state", "seller_id", "seller_state").unique()
    sold = parcels.group_by(
        date=pl.col("purchase_ts").dt.date(),
        merchant_id=pl.col("seller_id").cast(pl.String),
        destination_region_id="customer_state",
    ).agg(units=pl.len().cast(pl.Int64))
    sales = contract("sales").conform(sold.with_columns(category=pl.lit("all"), parcels="units"))
    sellers = parcels.group_by(merchant_id=pl.col("seller_id").cast(pl.String)).agg(
        hub_id=pl.col("seller_state").mode().sort().first()
    )
    states = pl.concat([parcels["seller_state"], parcels["customer_state"].rename("seller_state")]).unique().sort()
    hubs = pl.DataFrame({"hub_id": states, "region_id": states})
    return replace(olist(shared), sales=sales, merchants=sellers.with_columns(name="merchant_id"), hubs=hubs)


def announce(inputs: ForecastInputs, as_of: dt.date, random: np.random.Generator) -> pl.DataFrame:
    """Let the largest sellers of the last weeks say their true units of the days ahead, with the error."""
    recent = inputs.sales.filter(pl.col("date").is_between(as_of - dt.timedelta(days=27), as_of))
    largest = recent.group_by("merchant_id").agg(pl.col("units").sum()).sort("units", "merchant_id", descending=True)
    ids = largest.head(SELLERS).select("merchant_id")
    first, last = as_of + dt.timedelta(days=1), as_of + dt.timedelta(days=HORIZON)
    ahead = (
        inputs.sales.filter(pl.col("date").is_between(first, last)).group_by("merchant_id").agg(pl.col("units").sum())
    )
    true = ids.join(ahead, on="merchant_id", how="left", maintain_order="left").with_columns(
        pl.col("units").fill_null(0)
    )
    announced = np.rint(true["units"].to_numpy() * np.exp(random.normal(0.0, ERROR, true.height))).astype(int)
    rows = true.select("merchant_id").with_columns(
        date_from=pl.lit(first), date_to=pl.lit(last), units=pl.Series(announced.tolist(), dtype=pl.Int64), sd=pl.lit(ERROR),
        written_at=pl.lit(dt.datetime.combine(as_of, dt.time(8), dt.UTC)),
    )  # fmt: skip
    return contract("merchant_plans").conform(rows)


def score(found: pl.DataFrame, inputs: ForecastInputs) -> dict[str, float]:
    """Accuracy (1 - WAPE) of the network's days and sum, routes by week, and their sums."""
    first, last = found["date"].min(), found["date"].max()
    came = (
        inputs.route_volumes.filter(pl.col("date").is_between(first, last))
        .group_by("date", *_ROUTE)
        .agg(pl.col("parcels").sum())
    )
    both = (
        found.group_by("date", *_ROUTE).agg(pl.col("mean").sum())
        .join(came, on=["date", *_ROUTE], how="full", coalesce=True).fill_null(0)
        .with_columns(week=(pl.col("date") - pl.lit(first)).dt.total_days() // 7)
    )  # fmt: skip

    def accuracy(*keys: str) -> float:
        sums = both.group_by(keys).agg(pl.col("mean", "parcels").sum().cast(pl.Float64))
        return 1.0 - float((sums["mean"] - sums["parcels"]).abs().sum()) / float(sums["parcels"].sum())

    return {"total": accuracy("date"), "route week": accuracy("week", *_ROUTE), "route sum": accuracy(*_ROUTE)}


def measure(shared: Path, cutoffs: int | None = None) -> None:
    """Print accuracy untold and told, by cut-off and in the mean; only the first `cutoffs` if given."""
    inputs, random = read_olist(shared), np.random.default_rng(SEED)
    print("| as of | total | told | route week | told | route sum | told |\n|---|---:|---:|---:|---:|---:|---:|")
    means = []
    for case in OLIST_MONTHS[:cutoffs]:
        plans = announce(inputs, case.as_of, random)
        plain = score(forecast(inputs, case.as_of, HORIZON).route, inputs)
        scored = score(forecast(replace(inputs, merchant_plans=plans), case.as_of, HORIZON).route, inputs)
        row = [value for name in plain for value in (plain[name], scored[name])]
        means.append(row)
        print(f"| {case.as_of} | {' | '.join(f'{value:.4f}' for value in row)} |", flush=True)
    print(f"| mean | {' | '.join(f'{value:.4f}' for value in np.mean(means, axis=0))} |")
