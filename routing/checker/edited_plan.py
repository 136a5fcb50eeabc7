"""A trunk plan whose departures were edited by hand, judged: what its parcels lack on the vehicles left, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from routing.checker.playback.clock import ClockRules
from routing.checker.tables import read_tables
from routing.checker.trunk import check_trunk
from routing.checker.violations import Violation

# what a certificate says is of the plan before; parcels aboard and the cost of a row follow from vehicles and flows
_NOT_JUDGED = ("certificate.", "cost.", "bound_prices.", "lane.parcels", "vehicle.capacity")
_KEY = ["date", "lane_id", "leaves_at"]
_ROW = [*_KEY, "vehicle_type_id"]


@dataclass(frozen=True, slots=True)
class EditedCheck:
    """What an edited plan comes to.

    Attributes
    ----------
    violations
        What does not hold, parcels that find no vehicle among it.
    cost, cost_before
        Recomputed cost of the edited plan and of the plan as made [CNY].
    added, taken_out
        Departures that the plan has not, and that it has and the file has not.
    """

    violations: list[Violation]
    cost: float
    cost_before: float
    added: int
    taken_out: int


def check_edited(
    tables: Mapping[str, pl.DataFrame], edited: pl.DataFrame, prices: Mapping[str, float], rules: ClockRules | None
) -> EditedCheck:
    """Judge a plan whose departures are those of a file: its parcels keep their paths and board what leaves then.

    Parameters
    ----------
    tables
        Tables of the plan, as ``check_trunk`` takes them.
    edited
        Rows of ``trunk_departures``; parcels and cost in it are not read.
    prices
        Of waiting, shortage, lateness and carbon, by the names ``check_trunk`` has for them.
    rules
        Time zone and hours where the tables are silent.
    """
    loaded = load_departures(tables, edited)
    checked = check_trunk({**tables, "trunk_departures": loaded}, **prices, rules=rules)
    before = check_trunk(tables, **prices, rules=rules)
    found = [one for one in checked.violations if not one.rule.startswith(_NOT_JUDGED)]
    counts = _count(tables["trunk_departures"]).join(
        _count(loaded), on=_ROW, how="full", nulls_equal=True, coalesce=True
    )
    change = counts["departures_right"].fill_null(0) - counts["departures"].fill_null(0)
    return EditedCheck(found, checked.cost, before.cost, int(change.clip(0).sum()), int(-change.clip(None, 0).sum()))


def _with_hours(departures: pl.DataFrame) -> pl.DataFrame:
    """Add the hours a plan by days may leave out, empty."""
    if "leaves_at" in departures.columns:
        return departures
    return departures.with_columns(leaves_at=pl.lit(None, pl.Datetime("us", "UTC")))


def _count(departures: pl.DataFrame) -> pl.DataFrame:
    return _with_hours(departures).group_by(_ROW).agg(pl.col("departures").cast(pl.Int64).sum())


def load_departures(tables: Mapping[str, pl.DataFrame], edited: pl.DataFrame) -> pl.DataFrame:
    """Put the parcels of a plan's flows aboard edited departures, row by row as far as there is room."""
    edited = _with_hours(edited)
    frames, _ = read_tables({**tables, "trunk_departures": edited})
    flows = frames["trunk_flows"].with_columns(
        departs_at=pl.when(pl.col("departs_at").list.len() == pl.col("path").list.len())
        .then(pl.col("departs_at"))
        .otherwise(pl.col("path").list.eval(pl.lit(None, pl.Datetime("us", "UTC"))))
    )
    legs = flows.filter(pl.col("path").list.len() > 0).explode("path", "departure_dates", "departs_at")
    carried = legs.group_by(date="departure_dates", lane_id="path", leaves_at="departs_at").agg(
        flow=pl.col("parcels").sum()
    )
    types = frames["vehicle_types"].select("vehicle_type_id", "capacity")
    special = frames["lane_vehicles"].select("lane_id", "vehicle_type_id", own="capacity")
    rows = (
        edited.join(types, on="vehicle_type_id", how="left", maintain_order="left")
        .join(special, on=["lane_id", "vehicle_type_id"], how="left", maintain_order="left")
        .join(carried, on=_KEY, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(room=(pl.coalesce("own", "capacity") * pl.col("departures")).fill_null(0.0))
    )
    before = pl.col("room").cum_sum().over(_KEY) - pl.col("room")
    aboard = (pl.col("flow").fill_null(0.0) - before).clip(lower_bound=0.0)
    return rows.with_columns(parcels=pl.min_horizontal(aboard, "room").floor().cast(pl.Int64)).select(edited.columns)
