"""Whom to tell before they ask: parcels and merchants whose remaining path crosses lanes under bad weather."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from data.constants import constant
from data.errors import RadarError
from operations.tracking import place_waybills

_ROUTE = ["origin_hub_id", "destination_hub_id"]
_HOURS_A_DAY = 24.0
_SEVERITIES = ("none", "blue", "yellow", "orange", "red")


@dataclass(frozen=True)
class CareRules:
    """Whom a care list names, and how late it says they are."""

    shut_hours: float = constant(
        24.0, "h", "a parcel waits for a lane that is shut all day and of whose hours nothing is known", "judgement"
    )
    slowest: float = constant(0.1, "1", "of its speed, with which a lane is counted at least", "judgement")
    share_days: int = constant(
        28, "days", "of waybills from which the merchants of parcels still planned are told", "judgement"
    )
    least_hours: float = constant(1.0, "h", "of delay; what is expected to be less is not worth a call", "judgement")


CARE = CareRules()


@dataclass(frozen=True)
class CareTables:
    """What a care list is drawn from.

    Parameters
    ----------
    waybills, lanes
        Tables of these names.
    flows
        ``trunk_flows`` of a plan; empty without one.
    lane_weather, closures
        ``lane_weather`` and ``lane_closures`` of an impact run.
    """

    waybills: pl.DataFrame
    lanes: pl.DataFrame
    flows: pl.DataFrame
    lane_weather: pl.DataFrame
    closures: pl.DataFrame


def list_care(
    tables: CareTables,
    as_of: datetime,
    zone: ZoneInfo,
    departure_hour: int,
    warning: str | None = None,
    least_hours: float = CARE.least_hours,
) -> pl.DataFrame:
    """List parcels whose remaining path crosses lanes that the weather slows or may close.

    Parameters
    ----------
    tables
        Waybills, lanes, a plan's flows and the weather of lanes.
    as_of
        Now: what lies behind is not looked at.
    zone, departure_hour
        Time zone of the workspace and local hour at which linehaul leaves.
    warning
        Only what this warning causes; None takes all.
    least_hours
        Delays that may be at most this long are left out [h].

    Returns
    -------
    polars.DataFrame
        Columns of ``care_list`` without run_id and texts, the longest expected delay first.

    Raises
    ------
    RadarError
        When no lane-day's weather names the warning.

    Notes
    -----
    A waybill follows the path that most parcels of its route take in the plan, else the quickest lane between its hubs: it leaves on the
    day it was picked up, from each hub of the path ``ceil(T / 24)`` days after the last. Parcels still planned follow their flows. A leg of
    ``T`` hours with speed factor ``v`` that leaves while its lane may be closed with probability ``p`` for ``w`` hours more is expected
    ``T (1 / v - 1) + p w`` hours late, and at worst ``T (1 / v - 1) + w``; a path's delay is the sum of its legs'.
    """
    weather = tables.lane_weather
    if warning is not None:
        # a cause names each warning in brackets: "warning snow red (W1)"
        weather = weather.filter(pl.col("cause").str.contains(f"({warning})", literal=True))
        if weather.is_empty():
            raise RadarError(
                f"no lane under warning {warning}", "a warning that touches lanes", "see `radar weather impact`"
            )
    legs = pl.concat([_legs_under_way(tables, as_of, zone), _legs_planned(tables, as_of, zone)])
    timed = _time_legs(legs, tables.lanes, zone, departure_hour).filter(pl.col("arrives") > as_of)
    delayed = _delay_legs(timed, weather, tables.closures, warning)
    return _by_parcel(delayed, least_hours).with_columns(as_of=pl.lit(as_of).cast(pl.Datetime("us", "UTC")))


def usual_paths(flows: pl.DataFrame, lanes: pl.DataFrame) -> pl.DataFrame:
    """Return one path for each route: the one that carries most parcels, else the quickest lane between the hubs.

    Returns
    -------
    polars.DataFrame
        ``origin_hub_id``, ``destination_hub_id``, ``path`` (list of lane_id), sorted.
    """
    known = (
        flows.filter(pl.col("path").list.len() > 0)
        .group_by(*_ROUTE, "path")
        .agg(pl.col("parcels").sum())
        .sort(*_ROUTE, "parcels", pl.col("path").list.join("|"), descending=[False, False, True, False])
        .unique(_ROUTE, keep="first", maintain_order=True)
        .select(*_ROUTE, "path")
    )
    direct = (
        lanes.sort(*_ROUTE, "transit_hours", "lane_id")
        .unique(_ROUTE, keep="first", maintain_order=True)
        .select(*_ROUTE, path=pl.concat_list("lane_id"))
        .join(known, on=_ROUTE, how="anti")
    )
    return pl.concat([known, direct]).sort(_ROUTE)


def _legs_under_way(tables: CareTables, as_of: datetime, zone: ZoneInfo) -> pl.DataFrame:
    """Legs of waybills that have not reached their hub of destination; one that stays at its hub has no path."""
    placed = place_waybills(tables.waybills, as_of).filter(
        pl.col("place").is_in(["not_picked", "in_transit"]),
        pl.col("arrived_at").is_null() | (pl.col("arrived_at") > as_of),
        pl.col("out_for_delivery_at").is_null() | (pl.col("out_for_delivery_at") > as_of),
    )
    begins = pl.when(pl.col("picked_up_at") <= as_of).then("picked_up_at").otherwise(pl.lit(as_of))
    rows = placed.select(
        care_id="waybill_id",
        kind=pl.lit("under_way"),
        date=begins.dt.convert_time_zone(str(zone)).dt.date(),
        merchant_id="merchant_id",
        courier_id="courier_id",
        origin_hub_id="origin_hub_id",
        destination_hub_id="destination_hub_id",
        parcels=pl.lit(1, dtype=pl.Int64),
    )
    with_path = rows.join(usual_paths(tables.flows, tables.lanes), on=_ROUTE)
    legs = with_path.with_columns(position=pl.int_ranges(pl.col("path").list.len())).explode("path", "position")
    hours = tables.lanes.select("lane_id", lag=(pl.col("transit_hours") / _HOURS_A_DAY - 1e-9).ceil().clip(0))
    legs = legs.rename({"path": "lane_id"}).join(hours, on="lane_id").sort("care_id", "position")
    before = pl.col("lag").cum_sum().over("care_id") - pl.col("lag")
    return legs.with_columns(leaves=pl.col("date").dt.offset_by(pl.format("{}d", before.cast(pl.Int64)))).select(_LEG)


_LEG = ["care_id", "kind", "date", "merchant_id", "courier_id", *_ROUTE, "parcels", "lane_id", "leaves"]


def _legs_planned(tables: CareTables, as_of: datetime, zone: ZoneInfo) -> pl.DataFrame:
    """Legs of flows that start after now, parted among the merchants that sent on their route of late."""
    today = as_of.astimezone(zone).date()
    flows = tables.flows.filter((pl.col("date") > today) & (pl.col("path").list.len() > 0))
    since = as_of - timedelta(days=CARE.share_days)
    lately = tables.waybills.filter(pl.col("ordered_at").is_between(since, as_of), pl.col("merchant_id").is_not_null())
    counted = lately.group_by(*_ROUTE, "merchant_id").agg(waybills=pl.len())
    everyone = tables.waybills.filter(pl.col("ordered_at").is_between(since, as_of)).group_by(_ROUTE).agg(all=pl.len())
    shares = counted.join(everyone, on=_ROUTE).select(*_ROUTE, "merchant_id", share=pl.col("waybills") / pl.col("all"))
    numbered = flows.with_row_index("flow")
    named = numbered.join(shares, on=_ROUTE).with_columns(
        part=(pl.col("parcels") * pl.col("share")).floor().cast(pl.Int64)
    )
    rest = numbered.join(named.group_by("flow").agg(told=pl.col("part").sum()), on="flow", how="left").with_columns(
        merchant_id=pl.lit(None, dtype=pl.String), part=pl.col("parcels") - pl.col("told").fill_null(0)
    )
    columns = ["flow", "date", *_ROUTE, "path", "departure_dates", "merchant_id", "part"]
    both = pl.concat([named.select(columns), rest.select(columns)]).filter(pl.col("part") > 0)
    who = pl.concat_str(
        pl.col("merchant_id").fill_null("*"), pl.col("date").cast(pl.String), *_ROUTE, "flow", separator="|"
    )
    legs = both.with_columns(care_id=who).explode("path", "departure_dates")
    return legs.select(
        "care_id",
        pl.lit("planned").alias("kind"),
        "date",
        "merchant_id",
        pl.lit(None, dtype=pl.String).alias("courier_id"),
        *_ROUTE,
        parcels="part",
        lane_id="path",
        leaves="departure_dates",
    )


def _time_legs(legs: pl.DataFrame, lanes: pl.DataFrame, zone: ZoneInfo, departure_hour: int) -> pl.DataFrame:
    """Add the hours of each leg: ``transit_hours``, ``starts`` and ``arrives`` [UTC]."""
    days = legs["leaves"].unique().sort().to_list()
    clock = pl.DataFrame(
        {
            "leaves": days,
            "starts": [datetime.combine(day, time(departure_hour), tzinfo=zone).astimezone(UTC) for day in days],
        },
        schema={"leaves": pl.Date, "starts": pl.Datetime("us", "UTC")},
    )
    timed = legs.join(clock, on="leaves").join(lanes.select("lane_id", "transit_hours"), on="lane_id")
    lasts = pl.duration(minutes=(pl.col("transit_hours") * 60.0).round(0).cast(pl.Int64))
    return timed.with_columns(arrives=pl.col("starts") + lasts)


def _delay_legs(legs: pl.DataFrame, weather: pl.DataFrame, closures: pl.DataFrame, warning: str | None) -> pl.DataFrame:
    """Legs that the weather touches, with ``expected`` and ``worst`` hours."""
    met = legs.join(
        weather.select("lane_id", "speed_factor", "capacity_factor", "severity", "cause", leaves="date"),
        on=["lane_id", "leaves"],
    )
    if warning is not None:
        closures = closures.filter(pl.col("cause").str.contains(f"({warning})", literal=True))
    keys = ["lane_id", "leaves"]
    waits = (
        met.select(*keys, "starts", "arrives")
        .unique()
        .join(closures.select("lane_id", "starts_at", "ends_at", "probability"), on="lane_id")
        .filter((pl.col("starts_at") < pl.col("arrives")) & (pl.col("ends_at") > pl.col("starts")))
        .with_columns(wait=(pl.col("ends_at") - pl.max_horizontal("starts", "starts_at")).dt.total_minutes() / 60.0)
        .group_by(keys)
        .agg(may=(pl.col("probability") * pl.col("wait")).max(), wait=pl.col("wait").max())
    )
    slow = pl.col("transit_hours") * (1.0 / pl.col("speed_factor").clip(lower_bound=CARE.slowest) - 1.0)
    shut = (pl.col("capacity_factor") <= 0.0) | (pl.col("speed_factor") <= 0.0)
    wait = pl.col("wait").fill_null(pl.when(shut).then(CARE.shut_hours).otherwise(0.0))
    may = pl.when(shut).then(wait).otherwise(pl.col("may").fill_null(0.0))
    return met.join(waits, on=keys, how="left").with_columns(expected=slow + may, worst=slow + wait)


def _by_parcel(legs: pl.DataFrame, least_hours: float) -> pl.DataFrame:
    """One row a waybill or planned parcel of a merchant: delays added up over its legs."""
    rank = pl.col("severity").replace_strict({name: n for n, name in enumerate(_SEVERITIES)}, return_dtype=pl.Int64)
    found = (
        legs.filter(pl.col("worst") > 0.0)
        .sort("care_id", "leaves", "lane_id")
        .with_columns(rank=rank)
        .group_by("care_id", maintain_order=True)
        .agg(
            *(pl.col(name).first() for name in ("kind", "date", "merchant_id", "courier_id", *_ROUTE, "parcels")),
            lanes=pl.col("lane_id").str.join("|"),
            expected_hours=pl.col("expected").sum(),
            worst_hours=pl.col("worst").sum(),
            rank=pl.col("rank").max(),
            cause=pl.col("cause").sort_by("expected", descending=True).first().str.slice(0, 400),
        )
        .filter(pl.col("worst_hours") >= least_hours)
    )
    names = dict(enumerate(_SEVERITIES))
    return (
        found.with_columns(severity=pl.col("rank").replace_strict(names, return_dtype=pl.String))
        .drop("rank")
        .sort("expected_hours", "care_id", descending=[True, False])
    )


def sum_by_merchant(care: pl.DataFrame) -> pl.DataFrame:
    """Sum a care list by merchant: ``merchant_id``, ``under_way``, ``planned`` [parcels], ``expected_hours`` (mean), ``worst_hours``."""
    of = {kind: pl.col("parcels").filter(pl.col("kind") == kind).sum().alias(kind) for kind in ("under_way", "planned")}
    mean = (pl.col("expected_hours") * pl.col("parcels")).sum() / pl.col("parcels").sum()
    grouped = care.group_by("merchant_id").agg(
        *of.values(), expected_hours=mean, worst_hours=pl.col("worst_hours").max()
    )
    both = pl.col("under_way") + pl.col("planned")
    return grouped.sort(both * pl.col("expected_hours"), "merchant_id", descending=[True, False], nulls_last=True)
