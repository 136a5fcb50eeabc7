"""Whom to tell before they ask: parcels and merchants whose remaining path crosses lanes under bad weather."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from data.constants import constant
from data.departure_times import TimetableTables, list_departures
from data.errors import RadarError
from data.hub_hours import moment_at
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
    longest_days: int = constant(
        30, "days", "before the first day of the weather; what set out earlier has come through", "judgement"
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
    timetable
        When lanes are left; None is all of them at the usual hour.
    """

    waybills: pl.DataFrame
    lanes: pl.DataFrame
    flows: pl.DataFrame
    lane_weather: pl.DataFrame
    closures: pl.DataFrame
    timetable: TimetableTables | None = None


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
        Time zone of the workspace, and local hour at which lanes are left that have no hours.
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
    A waybill follows the path that most parcels of its route take in the plan, else the quickest lane between its hubs: from each hub it
    leaves with the first departure that takes it after its pick-up or arrival there, or, where a lane has no hours, on the day it was picked up and
    ``ceil(T / 24)`` days after the last. Parcels still planned follow their flows, at the hours of a plan by sorts. A leg of
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
    clock = _Clock(tables.timetable or TimetableTables(_hubs_of(tables.lanes)), zone, departure_hour)
    legs = pl.concat([_legs_under_way(tables, weather, as_of, clock), _legs_planned(tables, as_of, clock)])
    timed = legs.filter(pl.col("arrives") > as_of)
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


@dataclass(frozen=True)
class _Clock:
    """When lanes are left: what tells it, the time zone of the workspace and the usual hour."""

    timetable: TimetableTables
    zone: ZoneInfo
    usual_hour: int


def _hubs_of(lanes: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame({"hub_id": lanes["origin_hub_id"].unique().sort()})


def _legs_under_way(tables: CareTables, weather: pl.DataFrame, as_of: datetime, clock: _Clock) -> pl.DataFrame:
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
        date=begins.dt.convert_time_zone(str(clock.zone)).dt.date(),
        ready=begins.cast(pl.Datetime("us", "UTC")),
        merchant_id="merchant_id",
        courier_id="courier_id",
        origin_hub_id="origin_hub_id",
        destination_hub_id="destination_hub_id",
        parcels=pl.lit(1, dtype=pl.Int64),
    )
    met = weather["date"]
    first, last = met.min(), met.max()
    if not isinstance(first, date) or not isinstance(last, date):
        return rows.clear().join(_no_leg(), how="cross").select(_LEG)
    # what set out long before the weather has come through before it
    rows = rows.filter(pl.col("date").is_between(first - timedelta(days=CARE.longest_days), last))
    legs = rows.join(usual_paths(tables.flows, tables.lanes), on=_ROUTE)
    days = [first + timedelta(days=step) for step in range(-CARE.longest_days - 1, (last - first).days + 2)]
    used = tables.lanes.filter(pl.col("lane_id").is_in(legs["path"].explode().unique().to_list()))
    times = list_departures(used, clock.timetable, days, clock.zone, clock.usual_hour)
    driven = _drive(legs, times.join(used.select("lane_id", "transit_hours"), on="lane_id"))
    return driven.select(_LEG)


def _drive(legs: pl.DataFrame, times: pl.DataFrame) -> pl.DataFrame:
    """Drive waybills along their paths, from each hub with the first departure that takes them."""
    # where no hours are known, a day's parcels leave on that day, however late they were picked up
    usual = times.filter(pl.col("told") == "usual").select("lane_id", "date", usual="taken_until")
    times = times.select("lane_id", "transit_hours", "leaves_at", "taken_until", leaves="date").sort("taken_until")
    found = [legs.clear().join(_no_leg(), how="cross").select(_LEG)]
    position = 0
    going = legs
    while (going := going.filter(pl.col("path").list.len() > position)).height:
        here = going.with_columns(lane_id=pl.col("path").list.get(position))
        if position == 0:
            here = here.join(usual, on=["lane_id", "date"], how="left").with_columns(
                ready=pl.coalesce("usual", "ready")
            )
        left = here.sort("ready").join_asof(
            times,
            left_on="ready",
            right_on="taken_until",
            by="lane_id",
            strategy="forward",
            check_sortedness=False,
        )
        left = left.drop_nulls("leaves_at").with_columns(starts="leaves_at", arrives=_arrival("leaves_at"))
        found.append(left.select(_LEG))
        going = left.with_columns(ready="arrives").select(legs.columns)
        position += 1
    return pl.concat(found)


def _arrival(leaves: str) -> pl.Expr:
    return pl.col(leaves) + pl.duration(minutes=(pl.col("transit_hours") * 60.0).round(0).cast(pl.Int64))


def _no_leg() -> pl.DataFrame:
    moment = pl.Datetime("us", "UTC")
    return pl.DataFrame(
        schema={
            "lane_id": pl.String,
            "leaves": pl.Date,
            "transit_hours": pl.Float64,
            "starts": moment,
            "arrives": moment,
        }
    )


_LEG = [
    *("care_id", "kind", "date", "merchant_id", "courier_id", *_ROUTE, "parcels"),
    *("lane_id", "leaves", "transit_hours", "starts", "arrives"),
]


def _legs_planned(tables: CareTables, as_of: datetime, clock: _Clock) -> pl.DataFrame:
    """Legs of flows that start after now, parted among the merchants that sent on their route of late."""
    today = as_of.astimezone(clock.zone).date()
    flows = tables.flows.filter((pl.col("date") > today) & (pl.col("path").list.len() > 0))
    since = as_of - timedelta(days=CARE.share_days)
    lately = tables.waybills.filter(pl.col("ordered_at").is_between(since, as_of), pl.col("merchant_id").is_not_null())
    counted = lately.group_by(*_ROUTE, "merchant_id").agg(waybills=pl.len())
    everyone = tables.waybills.filter(pl.col("ordered_at").is_between(since, as_of)).group_by(_ROUTE).agg(all=pl.len())
    shares = counted.join(everyone, on=_ROUTE).select(*_ROUTE, "merchant_id", share=pl.col("waybills") / pl.col("all"))
    numbered = flows.with_columns(departs_at=_moments_of(flows)).with_row_index("flow")
    named = numbered.join(shares, on=_ROUTE).with_columns(
        part=(pl.col("parcels") * pl.col("share")).floor().cast(pl.Int64)
    )
    rest = numbered.join(named.group_by("flow").agg(told=pl.col("part").sum()), on="flow", how="left").with_columns(
        merchant_id=pl.lit(None, dtype=pl.String), part=pl.col("parcels") - pl.col("told").fill_null(0)
    )
    columns = ["flow", "date", *_ROUTE, "path", "departure_dates", "departs_at", "merchant_id", "part"]
    both = pl.concat([named.select(columns), rest.select(columns)]).filter(pl.col("part") > 0)
    who = pl.concat_str(
        pl.col("merchant_id").fill_null("*"), pl.col("date").cast(pl.String), *_ROUTE, "flow", separator="|"
    )
    legs = both.with_columns(care_id=who).explode("path", "departure_dates", "departs_at")
    days = legs["departure_dates"].unique().drop_nulls().sort().to_list()
    usual = pl.DataFrame(
        {"departure_dates": days, "usual": [moment_at(day, clock.usual_hour, clock.zone) for day in days]},
        schema={"departure_dates": pl.Date, "usual": pl.Datetime("us", "UTC")},
    )
    legs = legs.join(usual, on="departure_dates")
    timed = legs.join(tables.lanes.select("lane_id", "transit_hours"), left_on="path", right_on="lane_id").with_columns(
        starts=pl.coalesce("departs_at", "usual")
    )
    return timed.with_columns(
        kind=pl.lit("planned"),
        courier_id=pl.lit(None, dtype=pl.String),
        parcels="part",
        lane_id="path",
        leaves="departure_dates",
        arrives=_arrival("starts"),
    ).select(_LEG)


def _moments_of(flows: pl.DataFrame) -> pl.Expr:
    """Hours of departure of each leg, as a plan by sorts has them; else as many empty ones."""
    kind = pl.List(pl.Datetime("us", "UTC"))
    empty = pl.lit(None, dtype=pl.Datetime("us", "UTC")).repeat_by(pl.col("path").list.len())
    if "departs_at" not in flows.columns:
        return empty
    scheduled = pl.col("departs_at").cast(kind)
    return pl.when(scheduled.list.len() == pl.col("path").list.len()).then(scheduled).otherwise(empty)


def _delay_legs(legs: pl.DataFrame, weather: pl.DataFrame, closures: pl.DataFrame, warning: str | None) -> pl.DataFrame:
    """Legs that the weather touches, with ``expected`` and ``worst`` hours."""
    met = legs.join(
        weather.select("lane_id", "speed_factor", "capacity_factor", "severity", "cause", leaves="date"),
        on=["lane_id", "leaves"],
    )
    if warning is not None:
        closures = closures.filter(pl.col("cause").str.contains(f"({warning})", literal=True))
    keys = ["lane_id", "leaves", "starts"]
    waits = (
        met.select(*keys, "arrives")
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
