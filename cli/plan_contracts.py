"""``radar plan capacity --draws``: departures to book ahead, chosen over draws of the forecast and judged on others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from data.errors import RadarError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from data.engines import Engine
    from data.progress import Progress
    from data.runs import Run
    from data.settings import PlanSettings
    from routing.capacity.contract_task import Kinds
    from routing.trunk.task.inputs import TrunkOptions

# half a CPU second each on the sample, to know it ahead
FRESH_DRAWS = 50  # futures a booking is judged on (judgement)
MOST_DRAWS = 200  # futures in one model (judgement: its memory)
TABLES = ("hubs", "lanes", "vehicle_types", "lane_vehicles", "network_changes", "hub_sorts", "hub_days", "hub_closures")


@dataclass(frozen=True)
class Contracts:
    """Rows of ``contract_departures`` and ``contract_certificates`` without run_id."""

    departures: pl.DataFrame
    certificate: pl.DataFrame


@dataclass(frozen=True)
class Asked:
    """How many futures, of which seed, where they are carried, and at what prices."""

    draws: int
    seed: int
    engine: Engine
    settings: PlanSettings
    options: TrunkOptions


def check_draws(draws: int) -> None:
    """Refuse no draws, and more than one model holds.

    Raises
    ------
    RadarError
        For fewer than 1 or more than ``MOST_DRAWS``.
    """
    if not 1 <= draws <= MOST_DRAWS:
        raise RadarError(f"{draws:,} draws to book for", f"1 to {MOST_DRAWS}", "20 to 50 are enough")


def book_contracts(run: Run, forecasts: Mapping[str, pl.DataFrame], asked: Asked, bar: Progress) -> Contracts:
    """Book departures over draws of a forecast.

    Parameters
    ----------
    run
        That reads the tables.
    forecasts
        ``network_forecasts`` and ``route_forecasts`` of one run, cut to the days to book for.
    asked
        What was asked for.
    bar
        Told each future judged.

    Raises
    ------
    RadarError
        Without a forecast of these days, or without vehicles.
    """
    import numpy as np

    from cli.demand_draws import DemandSource
    from routing.capacity.contract_task import RULES, Prices, lay_booking
    from routing.capacity.two_stage import book, judge, round_up

    days = forecasts["network_forecasts"]["date"]
    made = forecasts["route_forecasts"]["run_id"][0]
    levels = {level: run.results(f"{level}_forecasts", made) for level in ("network", "hub", "route")}
    source = DemandSource.open(levels, days.min(), days.max(), asked.draws, asked.seed)  # type: ignore[arg-type]
    fit = source.draw(0, asked.draws).astype(np.float64)
    tables = {name: run.read(name) for name in TABLES}
    settings = asked.settings
    prices = Prices(settings.idle_cost_share, settings.spot_peak_factor, settings.late_cost)
    booking, kinds = lay_booking(tables, source.routes, asked.options, prices)
    found = book(booking, fit)
    mean = book(booking, fit.mean(axis=0, keepdims=True))
    whole, instead = (round_up(one.x, RULES.round_share) for one in (found, mean))
    fresh = source.draw_fresh(FRESH_DRAWS).astype(np.float64)
    judged = judge(booking, whole, instead, fresh, asked.engine, bar)
    facts: dict[str, Any] = {
        "date_from": days.min(),
        "date_to": days.max(),
        "draws": asked.draws,
        "fresh_draws": FRESH_DRAWS,
        "cost_on_draws": found.cost,
    }
    for name, value in (("expected_cost", judged.cost), ("vss", judged.vss), ("evpi", judged.evpi)):
        short = name.removeprefix("expected_")
        facts |= {name: value.mean, f"{short}_low": value.low, f"{short}_high": value.high}
    return Contracts(_list_departures(kinds, whole, instead), _conform("contract_certificates", [facts]))


def _list_departures(kinds: Kinds, booked: Any, for_the_mean: Any) -> pl.DataFrame:
    rows = [
        {
            "date": day,
            "lane_id": lane,
            "vehicle_type_id": kind,
            "departures": int(booked[at]),
            "for_the_mean": int(for_the_mean[at]),
        }
        for at, (day, lane, kind) in enumerate(zip(kinds.day, kinds.lane, kinds.vehicle_type, strict=True))
        if booked[at] or for_the_mean[at]
    ]
    return _conform("contract_departures", rows).sort("date", "lane_id", "vehicle_type_id")


def _conform(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    import polars as pl

    from data.contracts import contract

    schema = {column: kind for column, kind in contract(name).polars_schema.items() if column != "run_id"}
    return pl.DataFrame(rows, schema=schema)


def print_contracts(run_id: str, found: Contracts) -> None:
    """Print what to book by vehicle type and day, and what the certificate says."""
    import polars as pl

    from cli.console import out_rows, say

    rows = found.departures.group_by("date", "vehicle_type_id").agg(pl.col("departures", "for_the_mean").sum())
    out_rows(rows.sort("date", "vehicle_type_id"), json=False, title=run_id)
    row = found.certificate.row(0, named=True)
    ends = {name: f"{row[name]:,.0f}" for name in row if name not in ("date_from", "date_to")}
    say(
        f"On {row['fresh_draws']} futures it was not made on it costs {ends['expected_cost']} CNY "
        f"({ends['cost_low']} to {ends['cost_high']})."
    )
    say(f"Booking for the mean future would cost {ends['vss']} CNY more ({ends['vss_low']} to {ends['vss_high']}).")
    say(f"To know each future ahead would be worth {ends['evpi']} CNY ({ends['evpi_low']} to {ends['evpi_high']}).")


def sum_up_contracts(found: Contracts) -> str:
    """Say what was booked in a sentence for the run."""
    row = found.certificate.row(0, named=True)
    total = int(found.departures["departures"].sum())
    return f"{total:,} departures over {row['draws']} draws, {row['expected_cost']:,.0f} CNY expected"
