"""What a trunk plan comes to, told apart: what is short and where it waits, what carrying costs, how far from the best that is.

The certificate's cost and bound hold the price put on parcels not carried, which nobody is paid and which is far above any cost of
carrying. Whoever tells a plan (console, page, `radar verify`) tells it from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

_CLOSED = 1e-9


@dataclass(frozen=True)
class PlanOutcome:
    """A plan's result without the price of shortage.

    Attributes
    ----------
    demanded, carried, short, late
        Parcels.
    unavoidable
        Parcels proven short in every plan; at most ``short``.
    cost, short_price
        What carrying costs (vehicles, sorting, and the prices put on waiting and lateness) and the price put on ``short`` [CNY].
    bound
        No plan that carries as many parcels costs less [CNY].
    waiting
        Columns ``date``, ``hub_id``, ``short`` (of that day's parcels) and ``waiting`` (all not carried so far): where parcels stand
        in front of a hub, by date and hub.
    """

    demanded: int
    carried: int
    short: int
    late: int
    unavoidable: int
    cost: float
    short_price: float
    bound: float
    waiting: pl.DataFrame

    @property
    def gap(self) -> float:
        """Gap of what is carried: the share of ``cost`` that could at most be saved."""
        return (self.cost - self.bound) / self.cost if self.cost > _CLOSED else 0.0


def read_outcome(tables: Mapping[str, pl.DataFrame], short_cost: float) -> PlanOutcome:
    """Tell a plan's outcome from its tables.

    Parameters
    ----------
    tables
        ``plan_certificates``, ``shortfalls`` and ``hub_loads`` of one plan; ``route_demand`` and ``hubs`` as it read them, and
        ``lanes`` (without ``route_demand`` nothing is proven unavoidable).
    short_cost
        Price of a parcel not carried [CNY].

    Notes
    -----
    With C and L the certificate's cost and bound, S the parcels short, p their price: every plan that leaves S parcels short has
    carrying cost c with c + p S >= L, so c >= max(0, L - p S). Where the prices of the bound prove more of it, the certificate tells so
    (``carrying_bound``).
    """
    row: dict[str, Any] = tables["plan_certificates"].filter(pl.col("plan") == "trunk").row(0, named=True)
    short = int(row["parcels_short"])
    price = short_cost * short
    cost = max(float(row["cost"]) - price, 0.0)
    bound = min(max(float(row["lower_bound"]) - price, float(row.get("carrying_bound") or 0.0)), cost)
    return PlanOutcome(
        demanded=int(row["parcels_demanded"]),
        carried=int(row["parcels_planned"]),
        short=short,
        late=int(row.get("parcels_late") or 0),
        unavoidable=min(
            short, _count_unavoidable(tables) if row.get("parcels_forced") is None else row["parcels_forced"]
        ),
        cost=cost,
        short_price=price,
        bound=bound,
        waiting=list_waiting(tables["shortfalls"]),
    )


def list_waiting(shortfalls: pl.DataFrame) -> pl.DataFrame:
    """List the hubs in front of which parcels wait that are never carried.

    Parameters
    ----------
    shortfalls
        ``shortfalls`` of one plan.

    Returns
    -------
    polars.DataFrame
        ``date``, ``hub_id`` (where they start), ``short`` (handed in that day and not carried), ``waiting`` (all so far) [parcels];
        by date and hub, a row for each hub and day with a shortfall of its own.
    """
    return (
        shortfalls.group_by("date", pl.col("origin_hub_id").alias("hub_id"))
        .agg(pl.col("parcels").sum().alias("short"))
        .sort("date", "hub_id")
        .with_columns(pl.col("short").cum_sum().over("hub_id").alias("waiting"))
    )


def count_forced_short(handed: list[int], capacity: list[float], buffer: list[float]) -> int:
    """Count what no plan can take on at a hub, whatever happens elsewhere.

    Parameters
    ----------
    handed
        Parcels that start there, by day.
    capacity, buffer
        What it can sort that day and hold over the night after [parcels].

    Returns
    -------
    int
        sum_t max(0, w_t - buffer_t) with w_t = min(w_{t-1}, buffer_{t-1}) + handed_t - capacity_t, at least 0.

    Examples
    --------
    >>> count_forced_short([100, 100, 0], [60, 60, 60], [30, 30, 30])
    50
    """
    waiting = forced = 0.0
    for parcels, limit, room in zip(handed, capacity, buffer, strict=True):
        waiting = max(0.0, waiting + parcels - limit)
        forced += max(0.0, waiting - room)
        waiting = min(waiting, room)
    return int(forced + _CLOSED)


def _count_unavoidable(tables: Mapping[str, pl.DataFrame]) -> int:
    """Parcels without any chain of lanes, and of the others those their hub of origin can neither sort nor hold; of plans that do not tell."""
    demand = tables.get("route_demand")
    if demand is None or demand.is_empty():
        return 0
    reached = _mark_reached(demand, tables["lanes"])
    cut_off = int(demand.filter(~reached)["parcels"].sum())
    handed = (
        demand.filter(reached)
        .group_by("date", pl.col("origin_hub_id").alias("hub_id"))
        .agg(pl.col("parcels").sum().alias("handed"))
    )
    if "closes_at" in tables["hub_loads"].columns and tables["hub_loads"]["closes_at"].is_not_null().any():
        return cut_off  # when parcels come to hand within a day is not known here
    last = demand["date"].max()
    buffers = tables["hubs"].select("hub_id", pl.col("buffer_capacity").alias("buffer"))
    unbounded = pl.col("capacity", "buffer").cast(pl.Float64).fill_null(float("inf"))
    days = (
        tables["hub_loads"]
        .filter(pl.col("date") <= last)  # every hub has a row on each of these days
        .select("date", "hub_id", "capacity")
        .join(handed, on=["date", "hub_id"], how="left")
        .join(buffers, on="hub_id", how="left")
        .with_columns(unbounded, pl.col("handed").fill_null(0))
        .sort("hub_id", "date")
    )
    columns = [
        [rows[name].to_list() for name in ("handed", "capacity", "buffer")] for rows in days.partition_by("hub_id")
    ]
    forced = sum(count_forced_short(*hub) for hub in columns)
    return cut_off + forced


def _mark_reached(demand: pl.DataFrame, lanes: pl.DataFrame) -> pl.Series:
    """Say of each row of demand whether any chain of lanes leads from its origin to its destination."""
    onward: dict[str, set[str]] = {}
    for start, end in lanes.select("origin_hub_id", "destination_hub_id").iter_rows():
        onward.setdefault(start, set()).add(end)
    reach: dict[str, set[str]] = {}
    for hub in demand["origin_hub_id"].unique().to_list():
        seen, fresh = {hub}, [hub]
        while fresh:
            more = onward.get(fresh.pop(), set()) - seen
            seen |= more
            fresh.extend(more)
        reach[hub] = seen
    pairs = demand.select("origin_hub_id", "destination_hub_id").iter_rows()
    return pl.Series([end in reach[start] for start, end in pairs], dtype=pl.Boolean)


def group_by_fix(shortfalls: pl.DataFrame) -> pl.DataFrame:
    """Group shortfalls by the fix they share: what a fix carries and costs is told of these rows alone.

    Parameters
    ----------
    shortfalls
        Rows of ``shortfalls`` of one plan.

    Returns
    -------
    pl.DataFrame
        ``binding``, ``parcels``, ``routes``, ``days``, ``reason``, ``cheapest_fix``: one row a fix, the most parcels first; what
        binds and why as for most of their parcels.
    """
    total = pl.col("parcels").sum()
    order = ["parcels", "binding", "reason"]
    causes = shortfalls.group_by("cheapest_fix", "binding", "reason").agg(total)
    mainly = causes.sort(order, descending=[True, False, False]).unique(
        "cheapest_fix", keep="first", maintain_order=True
    )
    routes = pl.struct("origin_hub_id", "destination_hub_id").n_unique()
    groups = shortfalls.group_by("cheapest_fix").agg(total, routes=routes, days=pl.col("date").n_unique())
    causes_of_fix = groups.join(mainly.drop("parcels"), on="cheapest_fix", how="left", nulls_equal=True)
    ordered = causes_of_fix.sort([*order, "cheapest_fix"], descending=[True, False, False, False], nulls_last=True)
    return ordered.select("binding", "parcels", "routes", "days", "reason", "cheapest_fix")
