"""Seeded runs of planning whose tables must not change unless a change is meant: sample, linehaul, Canad, shortfalls, replan, stock, advice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from typing import Any

import polars as pl

from benchmarks.house.hashes import hash_table

Tables = Mapping[str, pl.DataFrame]

_WEEK = (date(2025, 11, 8), date(2025, 11, 14))
_SEED = 7


def plan_sample() -> Tables:
    """Peak week of the small sample network."""
    return _plan(_sample_task(1.0), effort=0.02, short_cost=10_000.0)


def plan_shortfalls() -> Tables:
    """The same week with two and a half times the parcels: hubs are full, fixes are verified."""
    return _plan(_sample_task(2.5), effort=0.02, short_cost=10_000.0)


def replan_sample() -> Tables:
    """Plan two days again near their plan, a twentieth more parcels, at most ten departures changed."""
    from routing.trunk.plan import plan_trunk
    from routing.trunk.replan.reference_plan import Reference

    days = (date(2025, 11, 8), date(2025, 11, 9))
    options = _options(effort=0.01, short_cost=10_000.0)
    before = plan_trunk(_sample_task(1.0, days), options)
    reference = Reference(before.trunk_departures, before.trunk_flows, *days, 10)
    plan = plan_trunk(_sample_task(1.05, days), options, reference=reference)
    return {**plan.tables(), "changes": plan.changes if plan.changes is not None else pl.DataFrame()}


def plan_linehaul() -> Tables:
    """Made linehaul network of 60 hubs, 7.5 trucks a lane."""
    from benchmarks.trunk.linehaul import make_linehaul

    return _plan(make_linehaul(60, 7.5, 1), effort=0.02, short_cost=100.0)


def plan_canad() -> Tables | None:
    """Fixed-charge instance c33; None where the shared data are absent."""
    from benchmarks.machine import shared_folder
    from benchmarks.trunk.canad import read_canad

    shared = shared_folder()
    if shared is None:
        return None
    inputs = read_canad(shared / "real" / "mcnd-canad" / "c33.dow")
    return _plan(inputs, effort=0.02, short_cost=5000.0, hold_cost=0.0)


def plan_small() -> Tables:
    """Random network with one of everything: own fleets, rail, limits, closings, promises; the exact model decides."""
    from tests.routing.random_networks import random_network

    return _plan(random_network(3, hubs=6, days=3, scale=1.5, promised=0.3), effort=0.02, short_cost=500.0)


def plan_stock() -> Tables:
    """Stock of the small sample network before its sale."""
    found = _stock()
    return {"stock_allocations": found.allocations, "plan_certificates": found.certificate}


def advise() -> Tables:
    """Advice to the first forty merchants of that plan, in English."""
    from data.contracts import contract
    from reports.advice import advise_merchant

    tables = {
        "stock_allocations": _stock().allocations,
        "courier_allocations": contract("courier_allocations").empty(),
        "hub_forecasts": contract("hub_forecasts").empty(),
        "warehouses": _sample().tables["warehouses"],
    }
    merchants = _sample().tables["merchants"].sort("merchant_id").head(40).iter_rows(named=True)
    advice = [advise_merchant(row, tables, "en", run_id="stock").tables for row in merchants]
    return {name: pl.concat([each[name] for each in advice]) for name in ("advice", "parts")}


CASES: dict[str, Callable[[], Tables | None]] = {
    "trunk, sample week": plan_sample,
    "trunk, week with shortfalls": plan_shortfalls,
    "trunk, replanned": replan_sample,
    "trunk, linehaul 60/7.5": plan_linehaul,
    "trunk, Canad c33": plan_canad,
    "trunk, small with everything": plan_small,
    "stock, sample": plan_stock,
    "advice, sample": advise,
}


@cache
def _sample() -> Any:
    from data.sample.make import build_sample

    return build_sample("small")


@cache
def _stock() -> Any:
    from data.contracts import contract
    from forecasting.merchants.cube import MerchantInputs, forecast_merchants
    from routing.stock.options import StockOptions
    from routing.stock.plan import plan_stock as plan

    first, last, as_of = date(2025, 11, 1), date(2025, 11, 13), date(2025, 10, 31)
    tables = _sample().tables
    names = ("sales", "merchants", "events", "promotions")
    cube = forecast_merchants(MerchantInputs(**{name: tables[name] for name in names}), as_of, 13).table
    options = StockOptions(first=first, last=last, as_of=as_of)
    # with the columns that a workspace would give it
    sourcing = pl.concat([contract("sourcing").empty(), tables["sourcing"]], how="diagonal_relaxed")
    return plan({**tables, "sourcing": sourcing, "merchant_forecasts": cube}, options)


def _sample_task(factor: float, days: tuple[date, date] = _WEEK) -> Any:
    from routing.trunk.task.inputs import TrunkInputs

    sample = _sample()
    keys = ["date", "origin_hub_id", "destination_hub_id"]
    volumes = sample.truth.future_volumes.filter(pl.col("date").is_between(*days))
    demand = volumes.group_by(keys).agg((pl.col("parcels").sum() * factor).round().cast(pl.Int64)).sort(keys)
    return TrunkInputs.gather(sample.tables | {"route_demand": demand.filter(pl.col("parcels") > 0)})


def _options(**values: Any) -> Any:
    from routing.trunk.task.inputs import TrunkOptions

    return TrunkOptions(**({"seed": _SEED, "time_limit": 3600.0} | values))


def _plan(inputs: Any, **values: Any) -> Tables:
    from routing.trunk.plan import plan_trunk

    plan = plan_trunk(inputs, _options(**values))
    return {**plan.tables(), "hub_prices": plan.hub_prices}


def hash_demand() -> str:
    """Hash of the sample's demand: whether the cases start from the same parcels."""
    return hash_table(_sample_task(1.0).route_demand)
