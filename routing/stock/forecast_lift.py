"""How much more a hub sends on the days of a window than on its ordinary days, as the forecast of the parcels says.

The stock plan has no forecast of events of its own where a merchant has not sold at the event before: it takes the merchant's
level of the last weeks and what the one forecast says of the same days at the same hub::

    lift[h] = sum over the window of mean[h, d] / (days of the window x ordinary[h])

with ``ordinary`` the hub's baseline, averaged over the days forecast in whole weeks, so that weekdays count once each.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

_WEEK = 7


def lift_hubs(hub_forecasts: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """Say what each hub will send over a window against its ordinary days.

    Parameters
    ----------
    hub_forecasts
        date, hub_id, direction, mean, baseline of one forecast.
    first, last
        Days of the window.

    Returns
    -------
    polars.DataFrame
        home_hub_id, forecast_lift [ratio]; a hub without a forecast of every day of the window is left out, and so is one whose
        ordinary days send nothing.
    """
    out = hub_forecasts.filter(pl.col("direction") == "out")
    if out.is_empty():
        return pl.DataFrame(schema={"home_hub_id": pl.String, "forecast_lift": pl.Float64})
    days = (last - first).days + 1
    begin = out.select(pl.col("date").min()).item()
    span = (out.select(pl.col("date").max()).item() - begin).days + 1
    weeks = begin + timedelta(days=span - span % _WEEK if span >= _WEEK else span)
    ordinary = pl.col("baseline").filter(pl.col("date") < weeks).mean()
    inside = pl.col("date").is_between(first, last)
    return (
        out.group_by("hub_id")
        .agg(
            known=pl.col("date").filter(inside).n_unique(),
            sent=pl.col("mean").filter(inside).sum(),
            ordinary=ordinary,
        )
        .filter((pl.col("known") == days) & (pl.col("ordinary") > 0))
        .select(home_hub_id="hub_id", forecast_lift=pl.col("sent") / (days * pl.col("ordinary")))
        .sort("home_hub_id")
    )
