"""The shops of a real chain as outlets: what they sold, when they were open, and the calendar known ahead."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.inputs import ForecastInputs, no_promotions

Matrix = NDArray[np.float64]
HUBS = 12
SALES_A_PARCEL = 50
CUTOFFS = (dt.date(2014, 6, 20), dt.date(2014, 11, 20), dt.date(2015, 2, 15))
FURTHER = (dt.date(2014, 4, 20), dt.date(2015, 1, 15))
"""Two more, on which nothing was chosen."""
HORIZON = 42
WEEK_OF_CHRISTMAS = (dt.date(2014, 12, 15), dt.date(2014, 12, 24))


@dataclass(frozen=True)
class Shops:
    """The chain.

    Attributes
    ----------
    inputs
        Its tables: outlets, their deliveries, holidays and promotions; no route volumes.
    dates
        [days].
    parcels
        [outlets x days] outlets in the order of their ids.
    known
        [outlets x days] whether the source has a row: only such days are scored.
    hub
        [outlets] number of the hub.
    promotion, holiday
        [days] whether a promotion, and a holiday, stands on the day.
    """

    inputs: ForecastInputs
    dates: NDArray[np.datetime64]
    parcels: Matrix
    known: NDArray[np.bool_]
    hub: NDArray[np.int64]
    promotion: NDArray[np.bool_]
    holiday: NDArray[np.bool_]


def read_shops(shared: Path) -> Shops:
    """Read the shops; parcels are their sales divided by 50, hubs their number modulo 12."""
    rows = pl.read_parquet(shared / "real" / "rossmann" / "store_days.parquet").select(
        pl.col("date").cast(pl.Date),
        pl.format("S{}", pl.col("store").cast(pl.String).str.zfill(4)).alias("outlet_id"),
        (pl.col("store") % HUBS).alias("hub"),
        (pl.col("sales") / SALES_A_PARCEL).round().cast(pl.Int64).alias("parcels"),
        pl.col("promo"),
    )
    outlets = rows.select("outlet_id", "hub").unique().sort("outlet_id").with_row_index("row")
    first, last = rows["date"].min(), rows["date"].max()
    dates = np.arange(np.datetime64(str(first)), np.datetime64(str(last)) + np.timedelta64(1, "D"))
    placed = rows.join(outlets.select("outlet_id", "row"), on="outlet_id")
    at = placed["row"].to_numpy(), (placed["date"].to_numpy().astype("datetime64[D]") - dates[0]).astype(int)
    parcels, known = np.zeros((outlets.height, dates.size)), np.zeros((outlets.height, dates.size), dtype=bool)
    parcels[at], known[at] = placed["parcels"].to_numpy(), True
    promotion = np.zeros(dates.size, dtype=bool)
    promotion[at[1][placed["promo"].to_numpy() > 0]] = True
    events = _holidays(dates)
    holiday = np.isin(dates, events["date_from"].to_numpy().astype("datetime64[D]"))
    hub = outlets["hub"].to_numpy().astype(np.int64)
    names = pl.format("H{}", pl.col("hub")).alias("hub_id")
    inputs = ForecastInputs(
        route_volumes=pl.DataFrame(
            schema={"date": pl.Date, "courier_id": pl.String, "origin_hub_id": pl.String}
            | {"destination_hub_id": pl.String, "parcels": pl.Int64}
        ),
        hubs=outlets.select(names, pl.lit("DE").alias("region_id")).unique().sort("hub_id"),
        events=events,
        outlets=outlets.select("outlet_id", pl.lit("own").alias("courier_id"), names),
        outlet_volumes=rows.select("date", "outlet_id", pl.lit("delivery").alias("direction"), "parcels"),
        promotions=_promotions(dates, promotion),
    )
    return Shops(inputs, dates, parcels, known, hub, promotion, holiday)


def _holidays(dates: NDArray[np.datetime64]) -> pl.DataFrame:
    """National holidays only: those of single states have no rows in the table ``events``."""
    import holidays

    first, last = int(str(dates[0])[:4]), int(str(dates[-1])[:4])
    named = holidays.country_holidays("DE", years=range(first, last + 1), language="en_US")
    rows = [
        {
            "event_id": f"{name} {day}",
            "name": name,
            "name_zh": None,
            "kind": "holiday",
            "date_from": day,
            "date_to": day,
            "peak_date": day,
            "edition": str(day.year),
        }
        for day, name in sorted(named.items())
    ]
    return pl.DataFrame(rows, schema_overrides={"name_zh": pl.String})


def _promotions(dates: NDArray[np.datetime64], on: NDArray[np.bool_]) -> pl.DataFrame:
    """One promotion of the whole network for each run of days."""
    starts = np.flatnonzero(on & ~np.r_[False, on[:-1]])
    ends = np.flatnonzero(on & ~np.r_[on[1:], False])
    runs = pl.DataFrame(
        {
            "promotion_id": [f"week {number}" for number in range(starts.size)],
            "scope": ["network"] * starts.size,
            "date_from": dates[starts],
            "date_to": dates[ends],
        }
    )
    return pl.concat([no_promotions(), runs.cast({"date_from": pl.Date, "date_to": pl.Date})], how="diagonal")
