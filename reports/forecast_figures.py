"""The numbers of the forecast report: frames in, frames and a few scalars out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from data.hub_load import list_end_visits, sum_visits
from reports.forecast_inputs import RECENT_DAYS, ForecastInputs, RouteHistory

FACTORS = ("event", "weather", "override")
LIMITS = {"date": pl.Date(), "hub_id": pl.String(), "capacity": pl.Float64()}
# A route of less than this a day [parcels] is not news, however new it is.
_FEWEST = 0.5
ROUTE_KEY = ("courier_id", "origin_hub_id", "destination_hub_id")


@dataclass(frozen=True)
class Headline:
    """The network's peak day and what a normal day is.

    Parameters
    ----------
    peak
        Row of ``network_forecasts`` with the highest mean.
    normal
        Mean baseline of the horizon's days [parcels/day].
    total
        Sum of the means over the horizon [parcels].
    first, last
        First and last day of the horizon.
    days
        Number of days in the horizon.
    """

    peak: dict[str, object]
    peak_date: date
    peak_mean: int
    q10: int
    q90: int
    normal: float
    total: int
    first: date
    last: date
    days: int

    @property
    def multiple(self) -> float | None:
        """Peak day over a normal day; none when a normal day is empty."""
        return self.peak_mean / self.normal if self.normal > 0 else None


def headline(network: pl.DataFrame) -> Headline:
    """Find the peak day; of equal days the first counts."""
    days = network.sort("date")
    peak = days.sort("mean", descending=True, maintain_order=True).row(0, named=True)
    return Headline(
        peak=peak,
        peak_date=peak["date"],
        peak_mean=peak["mean"],
        q10=peak["q10"],
        q90=peak["q90"],
        normal=float(days.select(pl.col("baseline").mean()).item() or 0.0),
        total=int(days.select(pl.col("mean").sum()).item()),
        first=days["date"][0],
        last=days["date"][-1],
        days=days.height,
    )


@dataclass(frozen=True)
class LastYear:
    """The same days one edition ago.

    Parameters
    ----------
    days
        ``date`` (of the forecast), ``then`` (day compared with) and ``parcels``.
    shift
        Days between the two.
    event
        ``event_id`` whose peaks were laid over each other; none when only the weekday was kept.
    """

    days: pl.DataFrame
    shift: int
    event: str | None


def last_year(top: Headline, history: RouteHistory | None, events: pl.DataFrame) -> LastYear | None:
    """Find the days to compare with: peak over peak of the same event or holiday, else the same weekday 52 weeks ago.

    Returns
    -------
    LastYear or None
        None when the history does not reach back that far.
    """
    if history is None:
        return None
    shift, event = _shift_of_event(top, events)
    days = (
        pl.DataFrame({"date": [top.first + timedelta(days=i) for i in range((top.last - top.first).days + 1)]})
        .with_columns((pl.col("date") - pl.duration(days=shift)).alias("then"))
        .join(history.days.rename({"date": "then"}), on="then", how="inner")
        .sort("date")
    )
    return LastYear(days, shift, event) if not days.is_empty() else None


def _shift_of_event(top: Headline, events: pl.DataFrame) -> tuple[int, str | None]:
    anchored = events.filter(pl.col("kind").is_in(["shopping", "holiday"])).with_columns(
        pl.coalesce("peak_date", "date_from").alias("anchor")
    )
    now = anchored.filter(pl.col("anchor").is_between(top.first, top.last)).with_columns(
        (pl.col("anchor") - pl.lit(top.peak_date)).dt.total_days().abs().alias("away")
    )
    # Shopping decides where both stand in the horizon: it moves more parcels.
    for row in now.sort("kind", "away", "event_id", descending=[True, False, False]).iter_rows(named=True):
        before = anchored.filter((pl.col("name") == row["name"]) & (pl.col("edition") == row["edition"] - 1))
        if not before.is_empty():
            return (row["anchor"] - before.sort("anchor", "event_id")["anchor"][0]).days, row["event_id"]
    return 364, None


def waterfall(day: dict[str, object]) -> list[tuple[str, float, float]]:
    """Split a forecast into steps that add up: baseline, then each factor on top of those before it.

    Returns
    -------
    list of (name, from, to)
        ``baseline`` starts at 0, the last step ends at the mean [parcels]. A factor's part is what it multiplies in,
        given the factors before it, in the order event, weather, override.
    """
    level = _number(day["baseline"])
    steps = [("baseline", 0.0, level)]
    for name in FACTORS:
        after = level * _number(day[name])
        steps.append((name, level, after))
        level = after
    return steps


def hub_ranking(
    hub_forecasts: pl.DataFrame, hubs: pl.DataFrame, route_forecasts: pl.DataFrame, limits: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Rank hubs by their peak load: parcels that start there and parcels that end there, those that do both once.

    Parameters
    ----------
    hub_forecasts, route_forecasts
        Of one run; the routes say what starts and ends at one hub (none without rows).
    hubs
        ``hub_id``, ``name``, ``sort_capacity``.
    limits
        ``date``, ``hub_id``, ``capacity``: what each hub can sort on each day; none takes ``sort_capacity`` on all.

    Returns
    -------
    pl.DataFrame
        ``hub_id``, ``name``, ``peak_date``, ``out`` and ``in`` [parcels on the peak day], ``local`` (in both), ``load``
        (out + in - local), ``load_q50``, ``load_q90``, ``normal`` [parcels/day], ``multiple``, ``capacity``, ``share``,
        ``share_q90``, ``days_over``, ``days_over_q90``, ``path`` (load by day). Shares and days are empty without a sort
        capacity, which is that of the day on which most of it is taken. Transit is not in it: the plan decides that.

    Notes
    -----
    Quantiles of the two directions are added, which is on the safe side; what is in both is taken out of every quantile and of
    the baseline in the share in which it is in the mean: load_q = (out_q + in_q) x load / (out + in).
    """
    every_day = hubs.select("hub_id", "name", pl.col("sort_capacity").cast(pl.Float64).alias("capacity"))
    own_days = pl.DataFrame(schema=LIMITS) if limits is None else limits.select(*LIMITS)
    visits = sum_visits(list_end_visits(route_forecasts, "mean"))
    once = pl.when(pl.col("both") > 0).then(1 - pl.col("local") / pl.col("both")).otherwise(1.0)
    by_day = (
        hub_forecasts.group_by("hub_id", "date")
        .agg(
            pl.col("mean").filter(pl.col("direction") == "out").sum().alias("out"),
            pl.col("mean").filter(pl.col("direction") == "in").sum().alias("in"),
            pl.col("mean").sum().alias("both"),
            pl.col("q50").sum().alias("load_q50"),
            pl.col("q90").sum().alias("load_q90"),
            pl.col("baseline").sum().alias("normal"),
        )
        .join(visits.select("date", "hub_id", "local"), on=["date", "hub_id"], how="left")
        .with_columns(pl.col("local").fill_null(0))
        .with_columns((pl.col("both") - pl.col("local")).alias("load"), pl.col("load_q50", "load_q90", "normal") * once)
        .join(every_day, on="hub_id", how="left")
        .join(own_days.with_columns(listed=pl.lit(True)), on=["date", "hub_id"], how="left", suffix="_of_day")
        .with_columns(pl.when(pl.col("listed")).then("capacity_of_day").otherwise("capacity").alias("capacity"))
    )
    ranked = _rank(by_day, "hub_id", ["out", "in", "local"]).with_columns(pl.col("name").fill_null(pl.col("hub_id")))
    # A closed hub stays in the tables with nothing to do; it is no hub of the peak.
    return ranked.filter((pl.col("load") > 0) | (pl.col("load_q90") > 0))


def outlet_ranking(outlet_forecasts: pl.DataFrame, outlets: pl.DataFrame, direction: str = "delivery") -> pl.DataFrame:
    """Rank outlets by how much of their capacity the peak takes; those without a capacity follow by size.

    Returns
    -------
    pl.DataFrame
        As ``hub_ranking``, with ``outlet_id``, ``courier_id`` and ``hub_id``.
    """
    facts = outlets.select(
        "outlet_id", "name", "courier_id", "hub_id", pl.col(f"{direction}_capacity").cast(pl.Float64).alias("capacity")
    )
    by_day = (
        outlet_forecasts.filter(pl.col("direction") == direction)
        .select(
            "outlet_id",
            "date",
            pl.col("mean").alias("load"),
            pl.col("q50").alias("load_q50"),
            pl.col("q90").alias("load_q90"),
            pl.col("baseline").alias("normal"),
        )
        .join(facts, on="outlet_id", how="left")
    )
    ranked = _rank(by_day, "outlet_id", ["courier_id", "hub_id"])
    return ranked.with_columns(pl.col("name").fill_null(pl.col("outlet_id"))).sort(
        ["share", "load", "outlet_id"], descending=[True, True, False], nulls_last=True
    )


def _rank(by_day: pl.DataFrame, key: str, keep: list[str]) -> pl.DataFrame:
    """Reduce days to one row a place: its peak day, its path, and how often it is over capacity."""
    over, over_q90 = (pl.col(load) > pl.col("capacity") for load in ("load_q50", "load_q90"))
    at_peak = pl.col("load").arg_max()
    has_capacity = pl.col("capacity").is_not_null().any()
    # of its own day each, so that a share is over 1 exactly where a day is over
    used, used_q90 = (_ratio(load, "capacity") for load in ("load_q50", "load_q90"))
    tightest = pl.col("capacity").get(used.arg_max())
    return (
        by_day.sort(key, "date")
        .group_by(key, maintain_order=True)
        .agg(
            pl.col("name").first(),
            pl.col("date").get(at_peak).alias("peak_date"),
            *[pl.col(column).get(at_peak) for column in keep],
            pl.col("load").max(),
            pl.col("load_q50", "load_q90").max(),
            pl.col("normal").mean(),
            pl.coalesce(tightest, pl.col("capacity").drop_nulls().first()).alias("capacity"),
            used.max().alias("share"),
            used_q90.max().alias("share_q90"),
            pl.when(has_capacity).then(over.sum()).alias("days_over"),
            pl.when(has_capacity).then(over_q90.sum()).alias("days_over_q90"),
            pl.col("load").alias("path"),
        )
        .with_columns(_ratio("load", "normal").alias("multiple"))
        .sort(["load", key], descending=[True, False])
    )


def route_ranking(inputs: ForecastInputs) -> pl.DataFrame:
    """Bring every route to one row.

    Returns
    -------
    pl.DataFrame
        ``courier_id``, ``origin_hub_id``, ``destination_hub_id``, ``peak_date``, ``peak`` [parcels on it], ``q90``,
        ``daily`` [mean parcels/day of the horizon], ``normal``, ``multiple``, ``path``, and from the history
        ``first_date``, ``recent`` [parcels/day of the last 28 days], ``growth`` (daily over recent, less 1) and
        ``opened`` (``new`` no parcel more than 28 days before the as-of date, ``opening`` a hub of it opens in the
        horizon, else empty). Largest total first.
    """
    at_peak = pl.col("mean").arg_max()
    routes = (
        inputs.routes_ahead.sort(*ROUTE_KEY, "date")
        .group_by(ROUTE_KEY, maintain_order=True)
        .agg(
            pl.col("date").get(at_peak).alias("peak_date"),
            pl.col("mean").max().alias("peak"),
            pl.col("q90").get(at_peak),
            pl.col("mean").mean().alias("daily"),
            pl.col("baseline").mean().alias("normal"),
            pl.col("mean").alias("path"),
        )
        .with_columns(_ratio("peak", "normal").alias("multiple"))
    )
    if inputs.history is None:
        routes = routes.with_columns(
            pl.lit(None, pl.Date).alias("first_date"),
            pl.lit(None, pl.Float64).alias("recent"),
            pl.lit(None, pl.Float64).alias("growth"),
        )
        young = pl.lit(False)
    else:
        routes = routes.join(inputs.history.routes, on=ROUTE_KEY, how="left").with_columns(
            (_ratio("daily", "recent") - 1).alias("growth")
        )
        since = inputs.as_of - timedelta(days=RECENT_DAYS)
        # A history shorter than that cannot tell a new route from an old one.
        reaches_back = inputs.history.days["date"][0] <= since
        young = (pl.col("first_date").is_null() | (pl.col("first_date") > since)) & pl.lit(reaches_back)
    opening = _opening_hubs(inputs)
    touches = pl.col("origin_hub_id").is_in(opening) | pl.col("destination_hub_id").is_in(opening)
    opened = pl.when(touches).then(pl.lit("opening")).when(young).then(pl.lit("new"))
    return routes.with_columns(opened.alias("opened")).sort(
        ["daily", *ROUTE_KEY], descending=[True, False, False, False]
    )


def fastest_growing(routes: pl.DataFrame) -> pl.DataFrame:
    """Return routes with a history by growth, leaving out the smaller half, where a few parcels make a large ratio."""
    known = routes.filter(pl.col("growth").is_not_null() & pl.col("opened").is_null())
    middle = known["recent"].median()
    if not isinstance(middle, float | int):
        return known
    return known.filter((pl.col("recent") >= middle) & (pl.col("growth") > 0)).sort(
        ["growth", *ROUTE_KEY], descending=[True, False, False, False]
    )


def newly_opened(routes: pl.DataFrame) -> pl.DataFrame:
    """Return routes that opened lately or open in the horizon and are expected to carry something."""
    return routes.filter(pl.col("opened").is_not_null() & (pl.col("daily") >= _FEWEST))


def chart_events(events: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """Return the events that touch a span of days, in order of time."""
    return events.filter((pl.col("date_to") >= first) & (pl.col("date_from") <= last)).sort("date_from", "event_id")


def _opening_hubs(inputs: ForecastInputs) -> list[str]:
    opening = inputs.network_changes.filter(
        (pl.col("change") == "opens")
        & (pl.col("date") > inputs.as_of)
        & (pl.col("date") <= pl.lit(inputs.network["date"].max()))
    )
    return opening["hub_id"].unique().sort().to_list()


def _ratio(over: str, under: str) -> pl.Expr:
    return pl.when(pl.col(under) > 0).then(pl.col(over) / pl.col(under))


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    return float(value)
