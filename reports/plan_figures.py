"""The numbers of the plan report: frames in, frames and a few scalars out."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from data.hub_load import count_nights, names_hours, sum_sorts
from data.plan_outcome import list_waiting
from reports.plan_inputs import PlanInputs
from reports.weather_map import is_touched, lost_share

_PAIRS_PER_LANE = 3


@dataclass(frozen=True)
class Balance:
    """Where the demanded parcels are: ``demanded = direct + held + short``, all in parcels.

    Parameters
    ----------
    direct
        Carried without a night of waiting at a hub.
    held
        Carried after at least one night of waiting.
    short
        Not carried.
    difference
        What is missing for the sum to hold; anything but 0 is a defect of the plan.
    nights
        Parcel-nights spent waiting, over all hubs.
    """

    demanded: int
    direct: int
    held: int
    short: int
    difference: int
    nights: int


def balance(inputs: PlanInputs) -> Balance:
    """Split the demand by what becomes of it."""
    certificate = inputs.certificate
    waited = with_nights(inputs)
    direct = int(waited.filter(pl.col("nights") <= 0)["parcels"].sum())
    held = int(waited.filter(pl.col("nights") > 0)["parcels"].sum())
    demanded, short = certificate["parcels_demanded"], certificate["parcels_short"]
    nights = round(count_nights(inputs.hub_loads))
    return Balance(demanded, direct, held, short, demanded - direct - held - short, nights)


@dataclass(frozen=True)
class Costs:
    """What the certificate's cost is made of [CNY]; the parts add up to ``total``.

    Parameters
    ----------
    transport
        Departures and the parcels aboard: the sum of ``trunk_departures.cost``.
    sorting
        Parcels handled times the hub's handling cost.
    holding, late, short
        The prices put on a night of waiting, on a day after the promise and on a parcel not carried: what the planner weighs, not
        what is paid.
    other
        What the parts leave unexplained of ``total``.
    """

    transport: float
    sorting: float
    holding: float
    late: float
    short: float
    other: float
    total: float

    @property
    def paid(self) -> float:
        """Transport and sorting."""
        return self.transport + self.sorting

    @property
    def carrying(self) -> float:
        """All but the price put on parcels not carried."""
        return self.total - self.short


def costs(inputs: PlanInputs) -> Costs:
    """Split the certificate's cost by its parts, from the tables and the prices the run was made with."""
    options, certificate = inputs.run.options, inputs.certificate
    handled = _with_limits(inputs)
    transport = float(inputs.departures["cost"].sum())
    sorting = float(handled.select((pl.col("handled") * pl.col("handling_cost").fill_null(0.0)).sum()).item())
    holding = float(options.get("hold_cost") or 0.0) * count_nights(inputs.hub_loads)
    late = float(options.get("late_cost") or 0.0) * sum_late_days(inputs.flows)
    short = float(options.get("short_cost") or 0.0) * certificate["parcels_short"]
    total = float(certificate["cost"])
    rest = total - transport - sorting - holding - late - short
    other = 0.0 if abs(rest) < max(0.5, 1e-6 * total) else rest
    return Costs(transport, sorting, holding, late, short, other, total)


def _with_limits(inputs: PlanInputs) -> pl.DataFrame:
    """Rows of ``hub_loads`` with ``buffer_capacity`` and ``handling_cost``: of their sort and day, else of their hub."""
    keys, names = ["date", "hub_id", "sort_id"], ("buffer_capacity", "handling_cost")
    hubs = inputs.hubs.select("hub_id", *names)
    rows = inputs.hub_loads.join(hubs, on="hub_id", how="left")
    if inputs.limits is None:
        return rows
    own = inputs.limits.select(*keys, buffer_own="buffer", price_own="handling_cost", listed=pl.lit(True))
    own_first = pl.when(pl.col("listed"))
    return rows.join(own, on=keys, how="left").with_columns(
        own_first.then("buffer_own").otherwise("buffer_capacity").alias("buffer_capacity"),
        own_first.then("price_own").otherwise("handling_cost").alias("handling_cost"),
    )


def sum_late_days(flows: pl.DataFrame) -> float:
    """Parcels times the days they arrive after their promise [parcel-days]; in plans by sorts the hours / 24."""
    if names_hours(flows):
        late = pl.col("late_hours").fill_null(0.0) / 24.0
        return float(flows.select((pl.col("parcels") * late).sum()).item())
    return float(flows.select((pl.col("parcels") * pl.col("late_days").fill_null(0)).sum()).item())


def days_taken(flows: pl.DataFrame) -> pl.DataFrame:
    """Count parcels by the days from hand-in until they are sorted at their destination, from where they are delivered.

    Returns
    -------
    pl.DataFrame
        ``days`` (completed_on less the date of the demand; from 0 to the longest, none left out), ``in_time`` (or without a
        promise), ``late`` and ``parcels``, their sum.
    """
    late = pl.col("late_hours" if names_hours(flows) else "late_days").fill_null(0) > 0
    counted = (
        flows.with_columns((pl.col("completed_on") - pl.col("date")).dt.total_days().cast(pl.Int64).alias("days"))
        .group_by("days")
        .agg(
            pl.col("parcels").filter(~late).sum().alias("in_time"),
            pl.col("parcels").filter(late).sum().alias("late"),
            pl.col("parcels").sum(),
        )
    )
    longest = counted["days"].max()
    every = pl.DataFrame(
        {"days": list(range(int(longest) + 1 if isinstance(longest, int) else 0))}, schema={"days": pl.Int64}
    )
    return every.join(counted, on="days", how="left").with_columns(pl.col("in_time", "late", "parcels").fill_null(0))


def with_nights(inputs: PlanInputs) -> pl.DataFrame:
    """Add to each flow the nights it waits.

    Returns
    -------
    pl.DataFrame
        ``trunk_flows`` with ``nights``: days from demand to completion less the days under way, a lane taking
        ceil(transit_hours / speed_factor / 24) days with the weather of its day of departure. In a plan by sorts: whole days from
        the end of the day of demand to the sort it is done in, less the time under way.
    """
    if names_hours(inputs.flows):
        return _with_nights_by_clock(inputs)
    flows = inputs.flows.with_row_index("flow")
    legs = (
        flows.select("flow", pl.col("path").alias("lane_id"), pl.col("departure_dates").alias("date"))
        .filter(pl.col("lane_id").list.len() > 0)
        .explode("lane_id", "date")
        .join(inputs.lanes.select("lane_id", "transit_hours"), on="lane_id", how="left")
        .join(inputs.lane_weather.select("lane_id", "date", "speed_factor"), on=["lane_id", "date"], how="left")
        .with_columns(
            # A hair less, so that 24 hours divided by 1 stay one day in binary numbers.
            (pl.col("transit_hours") / pl.col("speed_factor").fill_null(1.0) / 24 - 1e-9).ceil().alias("days")
        )
        .group_by("flow")
        .agg(pl.col("days").sum())
    )
    elapsed = (pl.col("completed_on") - pl.col("date")).dt.total_days()
    return (
        flows.join(legs, on="flow", how="left")
        .with_columns((elapsed - pl.col("days").fill_null(0)).cast(pl.Int64).alias("nights"))
        .drop("flow", "days")
    )


def _with_nights_by_clock(inputs: PlanInputs) -> pl.DataFrame:
    flows = inputs.flows.with_row_index("flow")
    ways = inputs.departures.select("lane_id", "leaves_at", hours=pl.col("arrives_at") - pl.col("leaves_at"))
    under_way = (
        flows.select("flow", lane_id="path", leaves_at="departs_at")
        .filter(pl.col("lane_id").list.len() > 0)
        .explode("lane_id", "leaves_at")
        .join(ways.unique(["lane_id", "leaves_at"]), on=["lane_id", "leaves_at"], how="left")
        .group_by("flow")
        .agg(pl.col("hours").sum())
    )
    begins = pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone(inputs.time_zone).dt.offset_by("1d")
    waited = pl.col("completed_at") - begins.dt.convert_time_zone("UTC") - pl.col("hours").fill_null(pl.duration())
    return (
        flows.join(under_way, on="flow", how="left")
        .with_columns(nights=waited.dt.total_days().clip(lower_bound=0).cast(pl.Int64))
        .drop("flow", "hours")
    )


def busiest_sorts(inputs: PlanInputs) -> pl.DataFrame:
    """List the sorts of a plan by sorts, fullest first; none of a plan by days.

    Returns
    -------
    pl.DataFrame
        ``date``, ``hub_id``, ``sort_id``, ``handled``, ``capacity``, ``utilisation``, ``held`` (for the following sort).
    """
    columns = ["date", "hub_id", "sort_id", "handled", "capacity", "utilisation", "held"]
    loads = inputs.hub_loads
    if "closes_at" not in loads.columns or loads["closes_at"].is_null().all():
        return pl.DataFrame(schema=columns)
    order = ["utilisation", "handled", "date", "hub_id", "sort_id"]
    return loads.sort(order, descending=[True, True, False, False, False], nulls_last=True).select(columns)


def departures_named(inputs: PlanInputs) -> pl.DataFrame:
    """Add to each row of departures who runs it and how much room it has.

    Returns
    -------
    pl.DataFrame
        ``trunk_departures`` with ``vehicle``, ``mode``, ``ownership``, ``room`` [parcels] and ``series`` (the
        ownership on the road, else the mode).
    """
    types = inputs.vehicle_types.select(
        "vehicle_type_id", pl.col("name").alias("vehicle"), "mode", "ownership", pl.col("capacity").alias("type_room")
    )
    own = inputs.lane_vehicles.select("lane_id", "vehicle_type_id", pl.col("capacity").alias("lane_room"))
    return (
        inputs.departures.join(types, on="vehicle_type_id", how="left")
        .join(own, on=["lane_id", "vehicle_type_id"], how="left")
        .with_columns(
            (pl.coalesce("lane_room", "type_room") * pl.col("departures")).alias("room"),
            pl.when(pl.col("mode") == "road").then("ownership").otherwise("mode").alias("series"),
        )
        .drop("type_room", "lane_room")
    )


def fleet(named: pl.DataFrame) -> pl.DataFrame:
    """Sum departures up by mode, ownership and vehicle type.

    Returns
    -------
    pl.DataFrame
        ``mode``, ``ownership``, ``vehicle_type_id``, ``vehicle``, ``departures``, ``parcels``, ``fill``, ``cost`` [CNY]
        and ``cost_per_parcel``; most departures first.
    """
    return (
        named.group_by("mode", "ownership", "vehicle_type_id", "vehicle")
        .agg(pl.col("departures", "parcels", "room", "cost").sum())
        .with_columns(
            (pl.col("parcels") / pl.when(pl.col("room") > 0).then("room")).alias("fill"),
            (pl.col("cost") / pl.when(pl.col("parcels") > 0).then("parcels")).alias("cost_per_parcel"),
        )
        .sort(["departures", "vehicle_type_id"], descending=[True, False])
    )


def hub_days(inputs: PlanInputs) -> pl.DataFrame:
    """Mark the hub-days on which parcels find no place.

    Returns
    -------
    pl.DataFrame
        ``hub_loads`` by day with ``short`` (handed in that day and never carried), ``waiting`` (all such parcels so far, in front of the
        hub) and ``overflow``: what is held and what waits exceed the buffer together.
    """
    over = (pl.col("held") + pl.col("waiting") > pl.col("buffer_capacity")).fill_null(False)
    standing = list_waiting(inputs.shortfalls)
    waiting = standing.select("date", "hub_id", "waiting").sort("date")
    sorts = (
        _with_limits(inputs)
        .sort("date")
        .join_asof(waiting, on="date", by="hub_id", check_sortedness=False)
        .with_columns(pl.col("waiting").fill_null(0))
    )
    days = sorts.group_by("date", "hub_id").agg(pl.col("waiting").first(), over.any().alias("overflow"))
    return (
        sum_sorts(inputs.hub_loads)
        .join(days, on=["date", "hub_id"], how="left")
        .join(standing.select("date", "hub_id", "short"), on=["date", "hub_id"], how="left")
        .with_columns(pl.col("short").fill_null(0))
        .sort("date", "hub_id")
    )


def hub_summary(days: pl.DataFrame, hubs: pl.DataFrame) -> pl.DataFrame:
    """Bring hub-days to one row a hub.

    Returns
    -------
    pl.DataFrame
        ``hub_id``, ``name``, ``handled`` (highest day), ``utilisation`` (highest), ``mean_use``, ``held`` (sum of the
        nights), ``overflows`` (days), ``short`` (parcels never carried); those with parcels short and the tightest first, hubs without a capacity last. Idle hubs are left out.
    """
    return (
        days.group_by("hub_id")
        .agg(
            pl.col("handled").max(),
            pl.col("utilisation").max(),
            pl.col("utilisation").mean().alias("mean_use"),
            pl.col("held").sum(),
            pl.col("overflow").sum().alias("overflows"),
            pl.col("short").sum(),
        )
        .filter((pl.col("handled") > 0) | (pl.col("held") > 0) | (pl.col("short") > 0))
        .join(hubs.select("hub_id", "name"), on="hub_id", how="left")
        .with_columns(pl.col("name").fill_null(pl.col("hub_id")))
        .sort(
            ["overflows", "short", "utilisation", "mean_use", "handled", "hub_id"],
            descending=[True, True, True, True, True, False],
            nulls_last=True,
        )
    )


def lane_totals(inputs: PlanInputs, named: pl.DataFrame) -> pl.DataFrame:
    """Sum departures up by lane, busiest first.

    Returns
    -------
    pl.DataFrame
        ``lane_id``, ``origin_hub_id``, ``destination_hub_id``, ``mode``, ``distance_km``, ``departures``, ``parcels``,
        ``fill``, ``cost``.
    """
    lanes = inputs.lanes.select("lane_id", "origin_hub_id", "destination_hub_id", "mode", "distance_km")
    return (
        named.group_by("lane_id")
        .agg(pl.col("departures", "parcels", "room", "cost").sum())
        .join(lanes, on="lane_id", how="left")
        .with_columns((pl.col("parcels") / pl.when(pl.col("room") > 0).then("room")).alias("fill"))
        .sort(["parcels", "lane_id"], descending=[True, False])
    )


def lanes_with_half(totals: pl.DataFrame) -> int:
    """Return how many of the busiest lanes carry half of all parcels aboard."""
    half = totals["parcels"].sum() / 2
    before = totals["parcels"].cum_sum() - totals["parcels"]
    return int((before < half).sum()) if half > 0 else 0


def riders(inputs: PlanInputs, lane_ids: list[str]) -> pl.DataFrame:
    """Say whose parcels ride on lanes.

    Returns
    -------
    pl.DataFrame
        One row a lane of ``lane_ids``: ``transit_share`` (parcels that do not both start and end at the lane's ends) and
        ``pairs``, a list of the three largest (origin, destination, share).
    """
    lanes = inputs.lanes.select(
        "lane_id", pl.col("origin_hub_id").alias("from"), pl.col("destination_hub_id").alias("to")
    )
    rides = (
        inputs.flows.select("origin_hub_id", "destination_hub_id", "parcels", pl.col("path").alias("lane_id"))
        .filter(pl.col("lane_id").list.len() > 0)
        .explode("lane_id")
        .filter(pl.col("lane_id").is_in(lane_ids))
        .group_by("lane_id", "origin_hub_id", "destination_hub_id")
        .agg(pl.col("parcels").sum())
        .join(lanes, on="lane_id", how="left")
        .with_columns((pl.col("parcels") / pl.col("parcels").sum().over("lane_id")).alias("share"))
        .sort(["lane_id", "parcels", "origin_hub_id", "destination_hub_id"], descending=[False, True, False, False])
    )
    own = (pl.col("origin_hub_id") == pl.col("from")) & (pl.col("destination_hub_id") == pl.col("to"))
    return rides.group_by("lane_id", maintain_order=True).agg(
        (1 - pl.col("share").filter(own).sum()).clip(0, 1).alias("transit_share"),
        pl.struct("origin_hub_id", "destination_hub_id", "share").head(_PAIRS_PER_LANE).alias("pairs"),
    )


def weather_rows(inputs: PlanInputs, named: pl.DataFrame) -> pl.DataFrame:
    """Return the lane-days of the plan on which weather matters, with what the plan does there.

    Returns
    -------
    pl.DataFrame
        ``lane_weather`` of the plan's days where a closure is possible, a warning stands, or speed or capacity is more
        than 2 % below a fair day's, with ``origin_hub_id``, ``destination_hub_id``, ``mode``, ``departures`` and
        ``parcels`` (0 where the plan sends nothing). First where most is at stake: parcels times what of speed times
        capacity is lost, or times the risk of a closure.
    """
    touched, loss = is_touched(), lost_share()
    used = named.group_by("lane_id", "date").agg(pl.col("departures", "parcels").sum())
    lanes = inputs.lanes.select("lane_id", "origin_hub_id", "destination_hub_id", "mode")
    return (
        inputs.lane_weather.filter(touched & pl.col("date").is_in(inputs.days))
        .join(lanes, on="lane_id", how="inner")
        .join(used, on=["lane_id", "date"], how="left")
        .with_columns(pl.col("departures", "parcels").fill_null(0), loss.alias("loss"))
        .with_columns((pl.col("parcels") * pl.col("loss")).alias("stake"))
        .sort(["stake", "loss", "date", "lane_id"], descending=[True, True, False, False])
        .drop("stake", "loss")
    )
