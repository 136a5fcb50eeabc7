"""Promotions and what they do: venues and discounts of merchants in the waves, and promotions of regions, outlets and merchants.

These are truths to be found: a venue and a discount multiply what a merchant sells in a wave, a promotion of its own what its
member sends on its days; one chain of outlets promotes without any effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from data.arrays import Floats, Ints
from data.calendar import build_calendar
from data.constants import constant
from data.sample.network import Network
from data.sample.outlets import OutletPlan
from data.sample.scale import AS_OF, FIRST_DAY, FUTURE_DAYS, all_days, stream


@dataclass(frozen=True)
class PlantedPromotions:
    """What promotions do in the sample: the truth that is kept."""

    venues: Mapping[str, float] = constant(
        {"main": 1.35, "branch": 1.15, "none": 1.0}, "1", "factor of a merchant's place in a wave", "judgement"
    )
    venue_chances: tuple[float, ...] = constant((0.2, 0.5, 0.3), "1", "chances of these places", "judgement")
    discount_slope: float = constant(1.0, "log units", "at a discount of 1", "judgement")
    least_discount: float = constant(0.05, "1", "discount at least", "judgement")
    most_discount: float = constant(0.35, "1", "discount at most", "judgement")
    fading: tuple[float, ...] = constant(
        (0.5, 0.25, 0.1), "1", "of a wave's log lift on the days after its days", "judgement"
    )
    category_deviation: float = constant(0.08, "log units", "by which categories differ in a wave", "judgement")
    item_deviation: float = constant(0.05, "log units", "by which items differ in a wave", "judgement")
    least_lift: float = constant(1.3, "1", "factor of a promotion apart from waves, at least", "judgement")
    most_lift: float = constant(1.6, "1", "factor of it at most", "judgement")
    member_deviation: float = constant(0.1, "log units", "by which those who take part differ", "judgement")


LIFTS = PlantedPromotions()
# First days and lengths of the promotions apart from waves; the last of each lies in the horizon, between the waves.
_REGION_DAYS = ((date(2024, 4, 8), 5), (date(2024, 8, 12), 5), (date(2025, 3, 10), 5), (date(2025, 11, 5), 4))
_CHAIN_DAYS = (
    (date(2024, 3, 11), 7),
    (date(2024, 7, 22), 7),
    (date(2025, 4, 14), 7),
    (date(2025, 8, 11), 7),
    (date(2025, 11, 4), 6),
)
_MERCHANT_DAYS = ((date(2024, 5, 13), 6), (date(2024, 9, 9), 6), (date(2025, 7, 14), 6), (date(2025, 11, 5), 5))
_REGIONS, _CHAINS, _MERCHANTS, _OUTLETS_A_CHAIN = 3, 6, 2, 4
_NULL_CHAIN = "chain-f"


@dataclass(frozen=True)
class Promoted:
    """Promotions and what they do to each day.

    Parameters
    ----------
    table
        Table ``promotions``.
    effects
        ``promotion_id``, ``scope``, ``member``, ``date_from``, ``date_to``, ``log_effect``: the truth.
    items
        Factor on what each item sells, shape (items, days).
    catchments
        Factor on what each catchment sends by promotions of its region, shape (catchments, days).
    outlets
        Factor on what each outlet picks up, shape (outlets, days).
    """

    table: pl.DataFrame
    effects: pl.DataFrame
    items: Floats
    catchments: Floats
    outlets: Floats


@dataclass(frozen=True)
class _Row:
    promotion_id: str
    scope: str
    member: str
    first: date
    last: date
    log_effect: float
    category: str | None = None
    event_id: str | None = None
    venue: str | None = None
    discount: float | None = None


def plan_promotions(
    network: Network, plan: OutletPlan, items: pl.DataFrame, chosen: tuple[str, ...], seed: int
) -> Promoted:
    """Draw all promotions and what they do.

    Parameters
    ----------
    network, plan, seed
        The network and its outlets.
    items
        ``merchant_id``, ``category``, one row an item.
    chosen
        Ids of merchants that are large enough for a promotion of their own.
    """
    days = len(all_days())
    rows: list[_Row] = []
    lifts = np.zeros((items.height, days))
    rows += _in_waves(items, lifts, stream(seed, "promotions"))
    random = stream(seed, "scoped-promotions")
    catchments = np.zeros((len(network.home), days))
    outlets = np.zeros((plan.outlets.height, days))
    regions = network.hubs["region_id"].gather(network.home)
    busiest = np.argsort(-np.bincount(network.home, network.send, minlength=network.hubs.height), kind="stable")
    for hub in busiest[2 : 2 + _REGIONS].tolist():
        region = str(network.hubs["region_id"][hub])
        effect = _draw_lift(random)
        rows += _on_days(f"region-{region}", "region", region, effect, _REGION_DAYS)
        _add(catchments, np.nonzero((regions == region).to_numpy())[0], effect, _REGION_DAYS)
    ids = plan.outlets["outlet_id"].to_list()
    free = random.permutation(len(ids))
    for number in range(_CHAINS):
        chain = f"chain-{chr(ord('a') + number)}"
        effect = 0.0 if chain == _NULL_CHAIN else _draw_lift(random)
        for outlet in free[number * _OUTLETS_A_CHAIN : (number + 1) * _OUTLETS_A_CHAIN].tolist():
            own = effect + (random.normal(0.0, LIFTS.member_deviation) if effect else 0.0)
            rows += _on_days(f"{chain}-{ids[outlet]}", "outlet", ids[outlet], own, _CHAIN_DAYS)
            _add(outlets, np.array([outlet]), own, _CHAIN_DAYS)
    for merchant in chosen[:_MERCHANTS]:
        effect = _draw_lift(random)
        rows += _on_days(f"own-{merchant}", "merchant", merchant, effect, _MERCHANT_DAYS)
        _add(lifts, np.nonzero((items["merchant_id"] == merchant).to_numpy())[0], effect, _MERCHANT_DAYS)
    return Promoted(_table(rows), _effects(rows), np.exp(lifts), np.exp(catchments), np.exp(outlets))


def _draw_lift(random: np.random.Generator) -> float:
    return float(np.log(random.uniform(LIFTS.least_lift, LIFTS.most_lift)) + random.normal(0.0, LIFTS.member_deviation))


def list_waves() -> pl.DataFrame:
    """List the shopping waves within the sample's days and those ahead: rows of ``events``."""
    last = AS_OF + timedelta(days=FUTURE_DAYS)
    events = build_calendar("CN", FIRST_DAY.year, last.year)
    inside = (pl.col("date_from") >= FIRST_DAY) & (pl.col("date_to") <= last)
    return events.filter((pl.col("kind") == "shopping") & inside)


def _in_waves(items: pl.DataFrame, lifts: Floats, random: np.random.Generator) -> list[_Row]:
    """Draw venue and discount of every item anew for every wave, and add their lift to its days."""
    categories = items["category"].unique().sort().to_list()
    by_category = dict(zip(categories, random.normal(0.0, LIFTS.category_deviation, len(categories)), strict=True))
    by_item = random.normal(0.0, LIFTS.item_deviation, items.height)
    rows = []
    for wave in list_waves().iter_rows(named=True):
        first = (wave["date_from"] - FIRST_DAY).days
        last = (wave["date_to"] - FIRST_DAY).days
        for number, (merchant, category) in enumerate(items.iter_rows()):
            venue = list(LIFTS.venues)[int(random.choice(len(LIFTS.venues), p=LIFTS.venue_chances))]
            discount = (
                round(float(random.uniform(LIFTS.least_discount, LIFTS.most_discount)), 2) if venue != "none" else None
            )
            effect = float(np.log(LIFTS.venues[venue])) + LIFTS.discount_slope * (discount or 0.0)
            lift = effect + by_category[category] + by_item[number]
            lifts[number, first : last + 1] += lift
            for later, part in enumerate(LIFTS.fading, start=1):
                if last + later < lifts.shape[1]:
                    lifts[number, last + later] += part * lift
            key = f"{merchant}|{category}|{wave['event_id']}"
            facts = (category, wave["event_id"], venue, discount)
            rows.append(_Row(key, "merchant", merchant, wave["date_from"], wave["date_to"], effect, *facts))
    return rows


def _on_days(name: str, scope: str, member: str, effect: float, windows: tuple[tuple[date, int], ...]) -> list[_Row]:
    return [
        _Row(f"{name}-{first:%Y-%m}", scope, member, first, first + timedelta(days=length - 1), effect)
        for first, length in windows
    ]


def _add(lifts: Floats, rows: Ints, effect: float, windows: tuple[tuple[date, int], ...]) -> None:
    for first, length in windows:
        start = (first - FIRST_DAY).days
        lifts[rows, start : start + length] += effect


def _table(rows: list[_Row]) -> pl.DataFrame:
    member = {"region": "region_id", "outlet": "outlet_id", "merchant": "merchant_id"}
    records = [
        {
            "promotion_id": row.promotion_id,
            "scope": row.scope,
            member[row.scope]: row.member,
            "category": row.category,
            "event_id": row.event_id,
            "date_from": None if row.event_id else row.first,
            "date_to": None if row.event_id else row.last,
            "venue": row.venue,
            "discount": row.discount,
        }
        for row in rows
    ]
    text = ("promotion_id", "scope", "region_id", "outlet_id", "merchant_id", "category", "event_id", "venue")
    schema = dict.fromkeys(text, pl.String) | {"date_from": pl.Date, "date_to": pl.Date, "discount": pl.Float64}
    return pl.DataFrame(records, schema=schema).sort("promotion_id")


def _effects(rows: list[_Row]) -> pl.DataFrame:
    columns = {
        "promotion_id": pl.String,
        "scope": pl.String,
        "member": pl.String,
        "date_from": pl.Date,
        "date_to": pl.Date,
        "log_effect": pl.Float64,
    }
    records = [(row.promotion_id, row.scope, row.member, row.first, row.last, row.log_effect) for row in rows]
    return pl.DataFrame(records, schema=columns, orient="row").sort("promotion_id")
