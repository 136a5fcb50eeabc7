"""What differs between the results of two runs: in all, by day, hub, lane, route and whatever else the kind of result has.

A comparison joins the rows of both runs on what they are of (a hub, a lane ...), adds up each measure on either side and keeps the
rows that differ. Days that only one of the two covers are named and left out, so that a longer plan is not told as a larger one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import polars as pl

from data.keys import ROUTE

Kind = Literal["forecast", "trunk", "stock", "couriers"]
SIDES = ("before", "after", "change")
_EQUAL = 1e-9


@dataclass(frozen=True)
class View:
    """One cut through the results of a kind.

    Attributes
    ----------
    name
        What its rows are: days, hubs, lanes ...
    table
        Result table it is added up from.
    keys
        Columns that name a row.
    measures
        Columns added up, by the name they are told under; of ``peak`` measures the largest counts.
    peak
        Names of measures whose largest value counts in place of their sum: a share is not added up.
    """

    name: str
    table: str
    keys: tuple[str, ...]
    measures: Mapping[str, str]
    peak: tuple[str, ...] = ()

    def tabulate(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add up one run's rows: the keys and a column for each measure."""
        sums = [
            (pl.col(column).max() if name in self.peak else pl.col(column).sum()).alias(name)
            for name, column in self.measures.items()
        ]
        return frame.group_by(self.keys).agg(sums)


_ROUTE = ROUTE
_FORECAST = {"parcels": "mean", "q90": "q90"}
_STOCK_KEYS = (("warehouses", ("warehouse_id",)), ("merchants", ("merchant_id",)), ("categories", ("category",)))
VIEWS: Mapping[Kind, tuple[View, ...]] = {
    "forecast": (
        View("days", "network_forecasts", ("date",), _FORECAST),
        View("hubs", "hub_forecasts", ("hub_id", "direction"), {"parcels": "mean"}),
        View("routes", "route_forecasts", _ROUTE, {"parcels": "mean"}),
        View("outlets", "outlet_forecasts", ("outlet_id", "direction"), {"parcels": "mean"}),
    ),
    "trunk": (
        View("days", "trunk_departures", ("date",), {"departures": "departures", "cost": "cost"}),
        View("demand_days", "route_demand", ("date",), {"parcels": "parcels"}),
        View(
            "hubs",
            "hub_loads",
            ("hub_id",),
            {"handled": "handled", "held": "held", "utilisation": "utilisation"},
            ("utilisation",),
        ),
        View(
            "lanes",
            "trunk_departures",
            ("lane_id",),
            {"departures": "departures", "parcels": "parcels", "cost": "cost"},
        ),
        View(
            "vehicles",
            "trunk_departures",
            ("vehicle_type_id",),
            {"departures": "departures", "parcels": "parcels", "cost": "cost"},
        ),
        View("routes", "route_demand", _ROUTE, {"parcels": "parcels"}),
        View("shortfalls", "shortfalls", _ROUTE, {"parcels": "parcels"}),
    ),
    "stock": tuple(View(name, "stock_allocations", keys, {"units": "units"}) for name, keys in _STOCK_KEYS),
    "couriers": (
        View("days", "courier_allocations", ("date",), {"parcels": "parcels"}),
        View("couriers", "courier_allocations", ("courier_id",), {"parcels": "parcels"}),
        View("merchants", "courier_allocations", ("merchant_id",), {"parcels": "parcels"}),
        View("routes", "courier_allocations", _ROUTE, {"parcels": "parcels"}),
    ),
}
# The table whose rows make a run one of the kind, and the one whose days it answers for.
MARKS: Mapping[Kind, str] = {
    "forecast": "route_forecasts",
    "trunk": "trunk_flows",
    "stock": "stock_allocations",
    "couriers": "courier_allocations",
}
_DAYS: Mapping[Kind, str] = {**MARKS, "trunk": "route_demand"}


@dataclass(frozen=True)
class RunResults:
    """What one run left: its rows of result tables by name (one that is missing counts as empty), and totals known beside them."""

    tables: Mapping[str, pl.DataFrame]
    facts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """What differs between two runs.

    Attributes
    ----------
    kind
        What was compared.
    totals
        Columns ``measure``, ``before``, ``after``, ``change``: each run whole, whatever days it covers.
    views
        By name, the rows that differ: their keys, and ``<measure>_before``, ``_after`` and ``_change`` for each measure; the largest
        changes first, days in order. A row that one side lacks counts 0 there.
    common_days, only_before, only_after
        Days both answer for, and those that only one does, which the views leave out.
    """

    kind: Kind
    totals: pl.DataFrame
    views: Mapping[str, pl.DataFrame]
    common_days: Sequence[date]
    only_before: Sequence[date]
    only_after: Sequence[date]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        days = not self.only_before and not self.only_after
        return (
            days
            and self.totals["change"].fill_null(1.0).abs().le(_EQUAL).all()
            and not any(frame.height for frame in self.views.values())
        )


def compare_results(kind: Kind, before: RunResults, after: RunResults) -> Comparison:
    """Compare the result tables of two runs of one kind.

    Parameters
    ----------
    kind
        What both are.
    before, after
        What either left.

    Returns
    -------
    Comparison
        Shares (``utilisation``) are compared at their largest, everything else added up over the common days.

    Examples
    --------
    >>> row = {"merchant_id": "m", "category": "c", "warehouse_id": "w", "units": 5}
    >>> less, more = ({"stock_allocations": pl.DataFrame([row | {"units": units}])} for units in (5, 7))
    >>> compare_results("stock", RunResults(less), RunResults(more)).views["warehouses"].rows()
    [('w', 5, 7, 2)]
    """
    days = [_days_of(kind, side.tables) for side in (before, after)]
    common = sorted(days[0] & days[1])
    apart = days[0] != days[1]
    first, second = (
        {name: _of_days(frame, common) if apart else frame for name, frame in side.tables.items()}
        for side in (before, after)
    )
    views = {
        view.name: _differences(view, first[view.table], second[view.table])
        for view in VIEWS[kind]
        if view.table in first and view.table in second
    }
    only_before, only_after = sorted(days[0] - days[1]), sorted(days[1] - days[0])
    return Comparison(kind, _totals(kind, before, after), views, common, only_before, only_after)


def _days_of(kind: Kind, tables: Mapping[str, pl.DataFrame]) -> set[date]:
    frame = tables.get(_DAYS[kind])
    return set() if frame is None or "date" not in frame.columns else set(frame["date"].to_list())


def _of_days(frame: pl.DataFrame, days: Sequence[date]) -> pl.DataFrame:
    return frame.filter(pl.col("date").is_in(list(days))) if "date" in frame.columns else frame


def _differences(view: View, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    both = view.tabulate(before).join(
        view.tabulate(after), on=view.keys, how="full", coalesce=True, nulls_equal=True, suffix="_after"
    )
    both = both.rename({name: f"{name}_before" for name in view.measures}).with_columns(
        pl.col(f"{name}_{side}").fill_null(0) for name in view.measures for side in SIDES[:2]
    )
    changes = [
        (_number(f"{name}_after", both) - _number(f"{name}_before", both)).alias(f"{name}_change")
        for name in view.measures
    ]
    columns = [f"{name}_{side}" for name in view.measures for side in SIDES]
    both = both.with_columns(changes).select(*view.keys, *columns)
    differs = pl.any_horizontal(pl.col(f"{name}_change").abs() > _EQUAL for name in view.measures)
    both = both.filter(differs)
    if view.keys[0] == "date":
        return both.sort("date")
    largest = pl.col(f"{next(iter(view.measures))}_change").abs()
    return both.sort(largest, *view.keys, descending=[True, *(False for _ in view.keys)])


def _number(column: str, frame: pl.DataFrame) -> pl.Expr:
    """A count as a signed number: polars keeps some counts without sign."""
    return pl.col(column).cast(pl.Int64) if frame.schema[column].is_integer() else pl.col(column)


def _totals(kind: Kind, before: RunResults, after: RunResults) -> pl.DataFrame:
    first, second = _total_of(kind, before), _total_of(kind, after)
    rows = [
        {
            "measure": name,
            "before": first.get(name),
            "after": second.get(name),
            "change": None if first.get(name) is None or second.get(name) is None else second[name] - first[name],
        }
        for name in dict.fromkeys([*first, *second])
    ]
    return pl.DataFrame(rows, schema={"measure": pl.String, **dict.fromkeys(SIDES, pl.Float64)})


def _total_of(kind: Kind, side: RunResults) -> dict[str, float]:
    """Return a run's totals by measure: the facts given, and what its own tables add up to."""
    if kind == "forecast":
        network = side.tables.get("network_forecasts", side.tables["route_forecasts"])
        return {**side.facts, "parcels": float(network["mean"].sum()), "days": float(network["date"].n_unique())}
    if kind == "trunk":
        departures = side.tables["trunk_departures"]
        return {
            **side.facts,
            "departures": float(departures["departures"].sum()),
            "departure_cost": float(departures["cost"].sum()),
        }
    measure = "units" if kind == "stock" else "parcels"
    return {**side.facts, measure: float(side.tables[MARKS[kind]][measure].sum())}
