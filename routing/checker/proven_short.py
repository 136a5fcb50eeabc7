"""Parcels every plan leaves short, by the prices kept with the plan.

Let nothing cost but a parcel short, and that 1: the bound at prices / short cost is then one of the parcels short themselves,

    sum over demands of parcels x min(1, price of the cheapest way) - sum over limits of price x limit + what departures earn

Prices of rooms and openings are left out, since they are paid for departures that cost nothing here; without them the bound is lower, not wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date

import polars as pl

from routing.checker.bound import Costs, find_days, recompute_bound
from routing.checker.bound_by_clock import recompute_bound_by_clock
from routing.checker.by_clock import names_hours
from routing.checker.departure_locks import read_last_day
from routing.checker.playback.clock import ClockRules
from routing.checker.prices import check_prices

_OF_LIMITS = ("sort", "buffer", "staging", "fleet", "lane", "option", "potential")
_FREE = {
    "hubs": ("handling_cost",),
    "hub_sorts": ("handling_cost",),
    "lanes": ("parcel_cost",),
    "vehicle_types": ("fixed_cost", "cost_per_km"),
    "lane_vehicles": ("departure_cost",),
}
_NOISE = 1e-9  # of what is demanded


def count_short_by_prices(
    frames: Mapping[str, pl.DataFrame], certificates: pl.DataFrame | None, short_cost: float, rules: ClockRules
) -> int:
    """Count the parcels that the prices prove short in every plan done by the last day of the certificate.

    Parameters
    ----------
    frames
        Tables of the checker.
    certificates
        Rows of ``plan_certificates``.
    short_cost
        Of the plan's options [CNY/parcel].
    rules
        Time zone and hours where the tables are silent.

    Returns
    -------
    int
        0 where there is nothing to count from.
    """
    last_day, asked = read_last_day(certificates), frames["route_demand"]["date"].max()
    if last_day is None or short_cost <= 0 or not frames["bound_prices"].height:
        return 0
    if not isinstance(asked, date) or last_day < asked:  # told as a proof of nothing elsewhere
        return 0
    free = {
        name: frame.with_columns(pl.lit(0.0).alias(column) for column in _FREE.get(name, ()) if column in frame.columns)
        for name, frame in frames.items()
    }
    clock, days = names_hours(frames), find_days(frames, last_day)
    prices, _ = check_prices(free, days, by_clock=clock)
    prices = prices.filter(pl.col("kind").is_in(_OF_LIMITS)).with_columns(pl.col("price") / short_cost)
    costs = Costs(hold=0.0, short=1.0, late=0.0)
    proven = (
        recompute_bound_by_clock(free, prices, days, costs, rules)
        if clock
        else recompute_bound(free, prices, days, costs)
    )
    if not math.isfinite(proven):
        return 0
    return max(math.floor(proven + _NOISE * float(frames["route_demand"]["parcels"].sum())), 0)
