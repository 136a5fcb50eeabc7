"""Volumes counted from waybills: parcels by route and by outlet, on business dates."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import polars as pl

from data.contracts import contract


def business_date(moment: pl.Expr, zone: ZoneInfo, cutoff_hour: int) -> pl.Expr:
    """Return the business date of a moment.

    Parameters
    ----------
    moment
        Datetime with time zone.
    zone
        Zone of business dates.
    cutoff_hour
        Local hour at which the business date turns [0-23]; 0 is midnight. From noon on it turns ahead of midnight (with
        22, an order at 23:30 counts for the next day); before noon it turns behind (with 6, one at 05:30 counts for the
        day before).
    """
    local = moment.dt.convert_time_zone(zone.key).dt.replace_time_zone(None)
    hours = 24 - cutoff_hour if cutoff_hour >= 12 else -cutoff_hour
    return local.dt.offset_by(f"{hours}h").dt.date()


@dataclass(frozen=True)
class DerivedVolumes:
    """What waybills add up to; those without a courier count at their outlets alone."""

    route_volumes: pl.DataFrame
    outlet_volumes: pl.DataFrame


def derive_volumes(waybills: pl.DataFrame, zone: ZoneInfo, cutoff_hour: int) -> DerivedVolumes:
    """Count parcels by route and by outlet.

    A parcel counts on its route on the business date it was picked up, or ordered while it is not picked up yet. It
    counts at the outlet of origin on the date it was picked up, and at the outlet of destination on the date it left
    for the receiver, or was delivered where that is all that is known. A parcel that is merely ordered, or has come
    back, still counts on its route: it asked for the capacity.

    Parameters
    ----------
    waybills
        Table ``waybills``.
    zone, cutoff_hour
        See ``business_date``.
    """
    day = business_date(pl.coalesce("picked_up_at", "ordered_at"), zone, cutoff_hour)
    counted = waybills.filter(pl.col("courier_id").is_not_null())
    keys = ["date", "courier_id", "origin_hub_id", "destination_hub_id"]
    routes = (
        counted.with_columns(day.alias("date")).group_by(keys).agg(pl.len().cast(pl.Int64).alias("parcels")).sort(keys)
    )
    picked = _count_at_outlets(waybills, "origin_outlet_id", pl.col("picked_up_at"), "pickup", zone, cutoff_hour)
    left = pl.coalesce("out_for_delivery_at", "delivered_at")
    brought = _count_at_outlets(waybills, "destination_outlet_id", left, "delivery", zone, cutoff_hour)
    outlets = pl.concat([picked, brought]).sort("date", "outlet_id", "direction")
    return DerivedVolumes(contract("route_volumes").arrange(routes), contract("outlet_volumes").arrange(outlets))


def _count_at_outlets(
    waybills: pl.DataFrame, outlet: str, moment: pl.Expr, direction: str, zone: ZoneInfo, cutoff_hour: int
) -> pl.DataFrame:
    rows = waybills.select(business_date(moment, zone, cutoff_hour).alias("date"), pl.col(outlet).alias("outlet_id"))
    return (
        rows.drop_nulls()
        .group_by("date", "outlet_id")
        .agg(pl.len().cast(pl.Int64).alias("parcels"))
        .with_columns(pl.lit(direction).alias("direction"))
        .select("date", "outlet_id", "direction", "parcels")
    )


def renew_volumes(old: pl.DataFrame, derived: pl.DataFrame, touched: pl.DataFrame) -> pl.DataFrame:
    """Put what waybills add up to in place of the old volumes of the same key.

    Parameters
    ----------
    old
        ``route_volumes`` or ``outlet_volumes`` as it stands.
    derived
        The same, counted from all waybills.
    touched
        Volumes of the waybills that came or changed, as they were and as they are: only their keys are renewed, so
        volumes loaded from elsewhere stay.
    """
    keys = [name for name in old.columns if name != "parcels"]
    anew = touched.select(keys).unique()
    return pl.concat([old.join(anew, on=keys, how="anti"), derived.join(anew, on=keys, how="semi")]).sort(keys)
