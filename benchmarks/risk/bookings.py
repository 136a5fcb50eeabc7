"""Contracts booked over draws against those booked for a single demand, in whole vehicles, played on draws that none of them saw: bar 7."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.risk.commands import PEAK
from benchmarks.risk.page import Bar, Section, Table
from benchmarks.risk.sample import STRATA
from cli.demand_draws import LEVELS, DemandSource
from cli.plan_contracts import TABLES
from data.arrays import Floats
from data.workspace import Workspace
from routing.capacity.contract_task import RULES, Kinds, Prices, lay_booking
from routing.capacity.two_stage import Booking, Value, book, round_up
from routing.stress.layout import Prices as PlayPrices
from routing.stress.layout import lay_out
from routing.stress.play import Outcomes, play_draws
from routing.stress.policies import DEFAULT, apply_policy
from routing.stress.probability import estimate
from routing.stress.stress import hit
from routing.trunk.task.inputs import TrunkOptions

FIT, FRESH, SEED = (20, 50), 1000, 20251111
LEVELS_OF_ONE = (0.5, 0.7, 0.9, 0.95)
MANY = 1000  # draws that the quantiles of a single demand are read from


@dataclass(frozen=True)
class _Case:
    """What is booked from, and what it is played with."""

    booking: Booking
    kinds: Kinds
    tables: dict[str, pl.DataFrame]
    routes: pl.DataFrame
    fresh: np.ndarray[tuple[int, int], np.dtype[np.int64]]
    prices: PlayPrices


def bookings(folder: Path) -> Section:
    """Book for draws and for single demands; play each on the same fresh draws."""
    case, source = _open(folder)
    fit = source.draw(0, MANY).astype(np.float64)
    asked: dict[str, Floats] = {"mean": fit.mean(axis=0, keepdims=True)}
    asked |= {f"q{level * 100:.0f}": np.quantile(fit, [level], axis=0) for level in LEVELS_OF_ONE}
    singles = list(asked)
    asked |= {f"{draws} draws": replace(source, most=draws).draw(0, draws).astype(np.float64) for draws in FIT}
    played, rows = {}, []
    for name, futures in asked.items():
        whole = round_up(book(case.booking, futures).x, RULES.round_share)
        played[name] = outcomes = _play(case, whole, futures)
        over = outcomes.over.max(axis=2).sum(axis=1).mean()
        cost = outcomes.costs.sum(axis=1).mean()
        rows.append([name, f"{whole.sum():,.0f}", f"{_chance(outcomes):.1%}", f"{over:,.0f}", f"{cost:,.0f}"])
    cheapest = min(singles, key=lambda name: float(played[name].costs.sum(axis=1).mean()))
    safest = min(_chance(played[name]) for name in singles)
    chosen = played[f"{FIT[-1]} draws"]
    before = played[cheapest].costs.sum(axis=1)
    saved = Value.of((before - chosen.costs.sum(axis=1)) / before.mean())
    chance = _chance(chosen)
    bars = [
        Bar(
            f"contracts over {FIT[-1]} draws against the cheapest for one demand ({cheapest}), {FRESH:,} fresh draws",
            ">= 3 % cheaper",
            f"{saved.mean:.1%} ({saved.low:.1%} to {saved.high:.1%})",
            saved.mean >= 0.03,
        ),
        Bar(
            "the same: P(any hub over) against the lowest of theirs",
            "no higher",
            f"{chance:.1%}, {safest:.1%}",
            chance <= safest,
        ),
    ]
    header = ("booked for", "vehicles", "P(any hub over)", "parcels over, mean", "cost, mean")
    note = (
        f"Vehicles of {PEAK[0]} to {PEAK[1]} by lane and day, whole ones, ways by what each future of the booking takes; {DEFAULT.name}, by days, hubs empty at "
        "the start. The same fresh draws for all."
    )
    return Section("Contracts played", bars, [note], [Table(header, rows)])


def _open(folder: Path) -> tuple[_Case, DemandSource]:
    workspace = Workspace.open(folder)
    made = workspace.writers("route_forecasts")[-1]
    levels = {level: workspace.results(f"{level}_forecasts", made) for level in LEVELS}
    first, last = (date.fromisoformat(day) for day in PEAK)
    source = DemandSource.open(levels, first, last, MANY, SEED)
    by_days = [name for name in TABLES if name != "hub_sorts"]
    tables = {name: workspace.read(name) for name in by_days}
    settings, options = workspace.settings.plan, TrunkOptions()
    prices = Prices(settings.idle_cost_share, settings.spot_peak_factor, settings.late_cost)
    booking, kinds = lay_booking(tables, source.routes, options, prices)
    play = PlayPrices(settings.hold_cost, settings.late_cost, settings.idle_cost_share, options)
    return _Case(booking, kinds, tables, source.routes, source.draw_fresh(FRESH), play), source


def _play(case: _Case, whole: Floats, futures: Floats) -> Outcomes:
    """Play what is booked, parcels over the ways that its own futures take with it."""
    carried = np.mean([case.booking.carry_best(whole, one) for one in futures], axis=0)
    tables = case.tables | _write_plan(case, whole, carried, futures.mean(axis=0))
    layout = lay_out(tables, case.routes, case.prices)
    return play_draws(apply_policy(layout, DEFAULT), np.where(layout.stranded, 0, case.fresh))


def _write_plan(case: _Case, whole: Floats, carried: Floats, parcels: Floats) -> dict[str, pl.DataFrame]:
    """Write a booking as the tables of a plan."""
    routes = case.routes.with_columns(parcels=pl.Series(np.rint(parcels).astype(np.int64)))
    days = {
        lane: timedelta(days=int(np.ceil(hours / 24.0 - 1e-9)))
        for lane, hours in case.tables["lanes"].select("lane_id", "transit_hours").iter_rows()
    }
    ways: dict[int, list[tuple[float, list[str], list[date]]]] = {}
    for column, row, lanes, leaves in case.kinds.paths:
        ways.setdefault(row, []).append((float(carried[column]), lanes, leaves))
    flows: list[dict[str, Any]] = []
    for row, (day, origin, end, count) in enumerate(routes.iter_rows()):
        found = ways.get(row, [])
        total = sum(share for share, _, _ in found)
        if not found or count == 0:
            continue
        shares = [share / total if total > 0 else float(at == 0) for at, (share, _, _) in enumerate(found)]
        ends = np.rint(count * np.cumsum(shares)).astype(np.int64)
        for parts, (_, lanes, leaves) in zip(np.diff(ends, prepend=0), found, strict=True):
            done = leaves[-1] + days[lanes[-1]] if lanes else day
            key = {"date": day, "origin_hub_id": origin, "destination_hub_id": end}
            way = {"path": lanes, "departure_dates": leaves, "completed_on": done, "parcels": int(parts)}
            flows += [key | way] if parts else []
    departures = pl.DataFrame(
        {
            "date": case.kinds.day,
            "lane_id": case.kinds.lane,
            "vehicle_type_id": case.kinds.vehicle_type,
            "departures": whole.astype(np.int64),
        }
    )
    kinds = {"path": pl.List(pl.String), "departure_dates": pl.List(pl.Date)}
    return {
        "route_demand": routes,
        "trunk_departures": departures.filter(pl.col("departures") > 0),
        "trunk_flows": pl.DataFrame(flows, schema_overrides=kinds),
    }


def _chance(outcomes: Outcomes) -> float:
    return float(estimate(hit(outcomes), STRATA).value)
