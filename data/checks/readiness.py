"""What each later command would lack in a workspace, told before it is tried."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from data.constants import constant
from data.contracts import contract

_SHOWN = 3


@dataclass(frozen=True)
class HistoryNeeds:
    """How much history a command needs, or does better with."""

    week: int = constant(56, "days", "of volumes that show the shape of a week", "judgement: each weekday eight times")
    year: int = constant(396, "days", "with which most events have an earlier edition", "judgement: thirteen months")
    backtest: int = constant(
        112, "days", "that a backtest needs", "judgement: as many as the week needs before its first cut-off"
    )
    recent: int = constant(28, "days", "of volumes in which a hub without a lane is told", "judgement")


HISTORY = HistoryNeeds()


@dataclass
class _Wants:
    """Collects what a command cannot do without, and what it would do better with."""

    tables: Mapping[str, pl.DataFrame]
    results: Collection[str]
    needed: list[str] = field(default_factory=list)
    helpful: list[str] = field(default_factory=list)

    def table(self, name: str) -> pl.DataFrame:
        """Return a table, empty where it was never written."""
        return self.tables.get(name, contract(name).empty())

    def need(self, *names: str) -> None:
        """Ask for rows in tables."""
        for name in names:
            if not self.table(name).height:
                self.needed.append(f"{name} is empty (`radar load {name} FILE`)")

    def need_result(self, name: str, command: str) -> None:
        """Ask for a result of an earlier command."""
        if name not in self.results:
            self.needed.append(f"no {name} yet (`{command}`)")

    def like(self, name: str, purpose: str) -> None:
        """Say what a table that is empty would be good for."""
        if not self.table(name).height:
            self.helpful.append(f"{name} is empty: {purpose}")

    def like_filled(self, name: str, column: str, purpose: str) -> None:
        """Say how many rows of a table lack a column."""
        frame = self.table(name)
        empty = frame[column].null_count()
        if empty:
            self.helpful.append(f"{empty:,} of {frame.height:,} {name} without {column}: {purpose}")


def find_lacks(tables: Mapping[str, pl.DataFrame], results: Collection[str]) -> pl.DataFrame:
    """Say for each command whether it can run, and what it lacks.

    Parameters
    ----------
    tables
        Reference and history tables by name.
    results
        Names of the result tables that a finished run has written.

    Returns
    -------
    pl.DataFrame
        Columns ``command``, ``state`` (ready; limited: runs, but something is left out; not yet) and ``lacks`` (list of
        sentences), in the order of the work.
    """
    rows = []
    for command, ask in _COMMANDS.items():
        wants = _Wants(tables, results)
        ask(wants)
        state = "not yet" if wants.needed else "limited" if wants.helpful else "ready"
        rows.append({"command": f"radar {command}", "state": state, "lacks": [*wants.needed, *wants.helpful]})
    return pl.DataFrame(rows, schema={"command": pl.String, "state": pl.String, "lacks": pl.List(pl.String)})


def _ask_forecast(wants: _Wants) -> None:
    wants.need("route_volumes", "hubs")
    volumes = wants.table("route_volumes")
    days, last = _span(volumes)
    if volumes.height and days < HISTORY.week:
        wants.helpful.append(f"{days} days of route_volumes: {HISTORY.week} show the shape of a week")
    elif volumes.height and days < HISTORY.year:
        wants.helpful.append(f"{days} days of route_volumes: with {HISTORY.year} most events have an earlier edition")
    events = wants.table("events")
    if not events.height:
        wants.helpful.append("events is empty: peaks are not known (`radar init` fills it, or load your own)")
    elif last is not None and not (events["date_from"] > last).any():
        wants.helpful.append(f"events has none after {last}: the coming peaks are not known")
    wants.like("regions", "no forecasts by region")
    wants.like_filled("hubs", "region_id", "they count for no region")
    wants.like("outlets", "no forecasts by outlet")
    if wants.table("outlets").height:
        wants.like("outlet_volumes", "outlets can only share their hub's forecast evenly")


def _ask_backtest(wants: _Wants) -> None:
    wants.need("route_volumes")
    days, _ = _span(wants.table("route_volumes"))
    if 0 < days < HISTORY.backtest:
        wants.needed.append(f"{days} days of route_volumes: a backtest needs {HISTORY.backtest}")


def _ask_impact(wants: _Wants) -> None:
    if not wants.table("weather_forecasts").height and not wants.table("weather_warnings").height:
        wants.needed.append("weather_forecasts and weather_warnings are empty (`radar weather load FILE`)")
    if not wants.table("lanes").height and not wants.table("outlets").height:
        wants.needed.append("lanes and outlets are empty: nothing the weather could touch")
    wants.like_filled("hubs", "latitude", "weather on their lanes cannot be told")
    wants.like_filled("outlets", "latitude", "weather over them cannot be told")


def _ask_apply(wants: _Wants) -> None:
    wants.need_result("route_forecasts", "radar forecast --as-of DATE --horizon N")
    wants.need_result("lane_weather", "radar weather impact")


def _ask_trunk(wants: _Wants) -> None:
    wants.need("hubs", "lanes", "vehicle_types")
    if not {"route_forecasts", "route_demand"} & set(wants.results):
        wants.needed.append(
            "no demand yet (`radar forecast --as-of DATE --horizon N`, or `radar load route_demand FILE`)"
        )
    lanes, types = wants.table("lanes"), wants.table("vehicle_types")
    unserved = sorted(set(lanes["mode"]) - set(types["mode"]))
    if lanes.height and types.height and unserved:
        wants.helpful.append(f"no vehicle type of mode {', '.join(unserved)}: lanes of that mode stay empty")
    cut_off = find_cut_off_hubs(wants.table("route_volumes"), lanes)
    if lanes.height and cut_off:
        more = f" and {len(cut_off) - _SHOWN} more" if len(cut_off) > _SHOWN else ""
        wants.helpful.append(f"no lane at hub {', '.join(cut_off[:_SHOWN])}{more}, which has volumes: they stay short")
    wants.like_filled("hubs", "sort_capacity", "their sorting is taken as boundless")


def find_cut_off_hubs(volumes: pl.DataFrame, lanes: pl.DataFrame) -> list[str]:
    """Return hubs that sent (received) parcels to (from) others in the last four weeks and that no lane leaves (reaches).

    Sorted by id; hubs that have closed need no lane.
    """
    recent = pl.col("date") > pl.col("date").max().dt.offset_by(f"-{HISTORY.recent}d")
    between = volumes.filter(recent & (pl.col("origin_hub_id") != pl.col("destination_hub_id")))
    cut: set[str] = set()
    for column in ("origin_hub_id", "destination_hub_id"):
        cut |= set(between[column].unique()) - set(lanes[column])
    return sorted(cut)


def _ask_stock(wants: _Wants) -> None:
    wants.need("sales", "merchants", "warehouses", "hubs", "regions", "lanes", "vehicle_types")
    wants.like("stock", "all units count as still to be placed")
    wants.like("promotions", "merchants' part in the events is not known")


def _ask_report_forecast(wants: _Wants) -> None:
    wants.need_result("network_forecasts", "radar forecast --as-of DATE --horizon N")
    wants.like_filled("hubs", "latitude", "they are not on the map")


def _ask_report_plan(wants: _Wants) -> None:
    wants.need_result("trunk_departures", "radar plan trunk")
    wants.like_filled("hubs", "latitude", "they are not on the map")


def _ask_verify(wants: _Wants) -> None:
    wants.need_result("trunk_departures", "radar plan trunk")


def _ask_advise(wants: _Wants) -> None:
    wants.need("merchants")
    wants.need_result("stock_allocations", "radar plan stock")


def _span(volumes: pl.DataFrame) -> tuple[int, date | None]:
    first, last = volumes["date"].min(), volumes["date"].max()
    if not isinstance(first, date) or not isinstance(last, date):
        return 0, None
    return (last - first).days + 1, last


_COMMANDS: Mapping[str, Callable[[_Wants], None]] = {
    "forecast": _ask_forecast,
    "backtest": _ask_backtest,
    "weather impact": _ask_impact,
    "weather apply": _ask_apply,
    "plan trunk": _ask_trunk,
    "plan stock": _ask_stock,
    "verify": _ask_verify,
    "report forecast": _ask_report_forecast,
    "report plan": _ask_report_plan,
    "advise": _ask_advise,
}
