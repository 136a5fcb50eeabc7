"""Merchants: who they are, what they sell and from where, how they grow, join, leave and move, and what they announce."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import polars as pl

from data.arrays import Floats, Ints
from data.constants import constant
from data.sample.network import Network
from data.sample.scale import AS_OF, FIRST_DAY, FUTURE_DAYS, Scale, all_days, stream
from data.sample.seasons import GROWTH

PolarsType = pl.DataType | type[pl.DataType]

CATEGORIES = ("apparel", "beauty", "books", "electronics", "food", "home", "sports", "toys")
_CATEGORY_NAMES_ZH = ("服装", "美妆", "图书", "数码", "食品", "家居", "运动", "玩具")
UNITS_A_PARCEL = np.array([1.3, 1.5, 1.8, 1.05, 1.6, 1.2, 1.1, 1.3])
_PLACES_A_UNIT = np.array([0.7, 0.4, 0.4, 0.9, 0.6, 1.1, 0.9, 0.7])


@dataclass(frozen=True)
class TradeSize:
    """How much merchants send, and what is told of it."""

    share: float = constant(
        1.0 / 6.0, "1", "of all parcels that the listed merchants send together on a normal day", "judgement"
    )
    most_of_a_catchment: float = constant(0.30, "1", "of a hub's parcels that they send at most", "judgement")
    least_split: float = constant(
        0.15, "1", "of an item that leaves from the warehouse where some of its stock stands, at least", "judgement"
    )
    most_split: float = constant(0.35, "1", "of it at most", "judgement")
    taste: float = constant(0.25, "log units", "standard deviation of a region's liking of an item", "judgement")
    growth_deviation: float = constant(
        0.15, "log units a year", "standard deviation of a merchant's own growth", "judgement"
    )
    wrongly_told: float = constant(2.0, "1", "growth announced by the merchant who tells it wrong", "judgement")
    telling_deviation: float = constant(0.10, "log units", "standard deviation of growth announced right", "judgement")
    told_before: int = constant(10, "days", "ahead of which plans are told", "judgement")


TRADE = TradeSize()
# Ranks by size of the merchants of whom something is told or happens.
_JOINED_BEFORE, _LEFT_BEFORE = 8, 10
_JOINS, _MOVES, _LEAVES = 3, 4, 5
_TOLD_RIGHT, _TOLD_WRONG = (7, 9), 6
_OWN_PROMOTION = (2, 11)
_JOINED_ON, _LEFT_ON = date(2024, 6, 3), date(2025, 3, 17)
JOINS_ON, MOVES_ON, LEAVES_ON = date(2025, 11, 5), date(2025, 11, 4), date(2025, 11, 7)
_PLANNED = ((date(2025, 2, 24), 28, 1.35), (date(2025, 8, 18), 28, 1.25), (date(2025, 11, 1), FUTURE_DAYS, 1.30))


@dataclass(frozen=True)
class Trade:
    """Merchants with what each of their items sends from where on which day.

    Parameters
    ----------
    merchants
        Table ``merchants``.
    items
        ``merchant_id``, ``category``, one row an item.
    kind
        Number of the category of each item, shape (items,).
    item, catchment, share
        Of each place an item leaves from: the item, the catchment, and its part of the catchment's normal parcels, shape (places,).
    taste
        How buyers of each catchment like an item against others, shape (places, catchments).
    life
        Factor of each place by growth, joins, leaves, moves and announced growth, shape (places, days).
    split_hub
        Hub of the warehouse where a part of each item stands, shape (items,).
    plans
        Table ``merchant_plans``.
    effects
        ``merchant_id``, ``growth`` [log units a year above the network's], ``joins_on``, ``leaves_on``, ``moves_on``, ``moves_to``.
    plan_effects
        ``merchant_id``, ``date_from``, ``date_to``, ``told``, ``true`` [ratio]: announced growth against what came of it.
    promoting
        Merchants with promotions of their own.
    """

    merchants: pl.DataFrame
    items: pl.DataFrame
    kind: Ints
    item: Ints
    catchment: Ints
    share: Floats
    taste: Floats
    life: Floats
    split_hub: Ints
    plans: pl.DataFrame
    effects: pl.DataFrame
    plan_effects: pl.DataFrame
    promoting: tuple[str, ...]


def plan_trade(network: Network, scale: Scale, warehouse_hubs: Ints, seed: int) -> Trade:
    """Draw the merchants and all that is true of them.

    Parameters
    ----------
    network, scale, seed
        The network.
    warehouse_hubs
        Hubs with a warehouse.
    """
    random = stream(seed, "merchants")
    count, serving = scale.merchants, network.hubs_on(AS_OF)
    home = random.choice(len(network.home), size=count, p=network.send)
    growth = random.normal(0.0, TRADE.growth_deviation, count)
    ids = [f"M{number:04d}" for number in range(1, count + 1)]
    merchant, kind, weight = _assort(count, stream(seed, "assortment"))
    size: Floats = np.bincount(merchant, weight, minlength=count).astype(np.float64)
    rank = np.argsort(-size, kind="stable")
    # Whoever moves does so to the busiest other hub with a warehouse.
    split_hub = _choose_split(random, serving[home[merchant]], warehouse_hubs)
    moves_to = int(next(hub for hub in warehouse_hubs.tolist() if hub != serving[home[rank[_MOVES]]]))
    split = random.uniform(TRADE.least_split, TRADE.most_split, len(merchant))
    moving = np.nonzero(merchant == rank[_MOVES])[0]
    item = np.concatenate([np.arange(len(merchant)), np.arange(len(merchant)), moving])
    catchment = np.concatenate([home[merchant], split_hub, np.full(len(moving), moves_to)])
    part = np.concatenate([1.0 - split, split, 1.0 - split[moving]])
    share = _fit_share(network, weight[item] * part, catchment, len(item) - len(moving))
    days = all_days()
    years = (np.arange(len(days)) - days.index(AS_OF)) / 365.25
    life = np.exp(growth[merchant[item]][:, None] * years[None, :])
    _live(life, merchant[item], rank, len(merchant))
    plans, plan_effects = _announce(network, ids, rank, serving[home], moves_to, scale, size, random)
    for row in plan_effects.iter_rows(named=True):
        first, last = ((row[name] - FIRST_DAY).days for name in ("date_from", "date_to"))
        life[merchant[item] == ids.index(row["merchant_id"]), first : last + 1] *= row["true"]
    none: list[date | None] = [None] * count
    on = {"joins_on": none.copy(), "leaves_on": none.copy(), "moves_on": none.copy()}
    on["joins_on"][rank[_JOINED_BEFORE]], on["joins_on"][rank[_JOINS]] = _JOINED_ON, JOINS_ON
    on["leaves_on"][rank[_LEFT_BEFORE]], on["leaves_on"][rank[_LEAVES]] = _LEFT_ON, LEAVES_ON
    on["moves_on"][rank[_MOVES]] = MOVES_ON
    to: list[str | None] = [None] * count
    to[rank[_MOVES]] = network.hub_ids[moves_to]
    names = {"merchant_id": ids, "name": [f"Merchant {number}" for number in range(1, count + 1)]}
    taste = random.lognormal(0.0, TRADE.taste, (len(item), len(network.home)))
    return Trade(
        merchants=pl.DataFrame(
            {
                **names,
                "name_zh": [f"商家{number}" for number in range(1, count + 1)],
                "hub_id": [network.hub_ids[hub] for hub in serving[home].tolist()],
                "growth": ((1.0 + GROWTH[AS_OF.year]) * np.exp(growth)).round(3),
            }
        ),
        items=pl.DataFrame(
            {"merchant_id": [ids[m] for m in merchant.tolist()], "category": [CATEGORIES[k] for k in kind.tolist()]}
        ),
        kind=kind,
        item=item,
        catchment=catchment,
        share=share,
        taste=taste / (taste @ network.receive)[:, None],
        life=life,
        split_hub=split_hub,
        plans=plans,
        effects=pl.DataFrame(
            {"merchant_id": ids, "growth": growth, **on, "moves_to": to},
            schema_overrides={**dict.fromkeys(on, pl.Date), "moves_to": pl.String},
        ),
        plan_effects=plan_effects,
        promoting=tuple(ids[rank[number]] for number in _OWN_PROMOTION),
    )


def list_categories() -> pl.DataFrame:
    """List the categories of goods: table ``categories``."""
    return pl.DataFrame(
        {
            "category": CATEGORIES,
            "name": [name.capitalize() for name in CATEGORIES],
            "name_zh": _CATEGORY_NAMES_ZH,
            "units_per_parcel": UNITS_A_PARCEL,
            "places_per_unit": _PLACES_A_UNIT,
            "left_over": ["return", "sell", "return", "return", "sell", "return", "return", "sell"],
            "minimum_lot": [50, 50, 100, 20, 100, 20, 20, 50],
        }
    )


def _assort(merchants: int, random: np.random.Generator) -> tuple[Ints, Ints, Floats]:
    """Draw the categories each merchant sells and their weight: merchant, category and weight by item."""
    size = random.pareto(1.3, merchants) + 0.3
    merchant, kind, weight = [], [], []
    for number in range(merchants):
        count = int(random.integers(1, 4))
        picked = np.sort(random.choice(len(CATEGORIES), size=count, replace=False))
        merchant += [number] * count
        kind += picked.tolist()
        weight += (size[number] * random.dirichlet(np.full(count, 2.0))).tolist()
    return np.asarray(merchant), np.asarray(kind), np.asarray(weight) / np.sum(weight)


def _choose_split(random: np.random.Generator, home: Ints, warehouse_hubs: Ints) -> Ints:
    drawn = random.integers(0, len(warehouse_hubs), len(home))
    second = warehouse_hubs[drawn]
    return np.where(second == home, warehouse_hubs[(drawn + 1) % len(warehouse_hubs)], second)


def _fit_share(network: Network, weight: Floats, catchment: Ints, today: int) -> Floats:
    """Part of its catchment's parcels that each place sends: in proportion to its weight, a sixth of the network in all.

    No catchment has more than three tenths of its parcels from listed merchants; the first ``today`` places count.
    """
    raw = np.bincount(catchment[:today], weight[:today], minlength=len(network.send)) / network.send
    low, high = 0.0, 1e3
    for _ in range(60):
        middle = 0.5 * (low + high)
        sent = float((network.send * np.minimum(middle * raw, TRADE.most_of_a_catchment)).sum())
        low, high = (middle, high) if sent < TRADE.share else (low, middle)
    fitted = low * raw
    cut = np.minimum(1.0, TRADE.most_of_a_catchment / np.maximum(fitted, 1e-12))
    # What moves keeps its parcels; it takes the cut of the hub it leaves.
    shares: Floats = low * weight * cut[catchment] / network.send[catchment]
    return np.minimum(shares, TRADE.most_of_a_catchment)


def _live(life: Floats, merchant: Ints, rank: Ints, items: int) -> None:
    """Put joins, leaves and the move into the lives of the places; the places after twice ``items`` are those moved to."""
    for number, day in ((_JOINED_BEFORE, _JOINED_ON), (_JOINS, JOINS_ON)):
        life[merchant == rank[number], : (day - FIRST_DAY).days] = 0.0
    for number, day in ((_LEFT_BEFORE, _LEFT_ON), (_LEAVES, LEAVES_ON)):
        life[merchant == rank[number], (day - FIRST_DAY).days :] = 0.0
    moved = (MOVES_ON - FIRST_DAY).days
    place = np.arange(len(merchant))
    life[(merchant == rank[_MOVES]) & (place < items), moved:] = 0.0
    life[place >= 2 * items, :moved] = 0.0


def _announce(
    network: Network,
    ids: list[str],
    rank: Ints,
    hub: Ints,
    moves_to: int,
    scale: Scale,
    size: Floats,
    random: np.random.Generator,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Write what merchants announced: table ``merchant_plans``, and of announced growth what came of it."""
    last = AS_OF + timedelta(days=FUTURE_DAYS)
    written = datetime.combine(AS_OF - timedelta(days=TRADE.told_before), time(2), UTC)
    rows: list[dict[str, object]] = []
    effects: list[tuple[str, date, date, float, float]] = []
    changes = (("joins", _JOINS, JOINS_ON), ("moves", _MOVES, MOVES_ON), ("leaves", _LEAVES, LEAVES_ON))
    for change, number, day in changes:
        row: dict[str, object] = {"merchant_id": ids[rank[number]], "date_from": day, "date_to": last}
        row |= {"change": change, "sd": 0.3, "written_at": written}
        if change == "joins":
            parcels = scale.parcels_per_day * TRADE.share * size[rank[number]]
            row["units"] = int(round(parcels * float(np.mean(UNITS_A_PARCEL)) * ((last - day).days + 1), -2))
        if change != "leaves":
            row["hub_id"] = network.hub_ids[moves_to if change == "moves" else int(hub[rank[number]])]
        rows.append(row)
    for number in (*_TOLD_RIGHT, _TOLD_WRONG):
        for first, length, growth in _PLANNED:
            right = number != _TOLD_WRONG
            announced = (
                growth * float(np.exp(random.normal(0.0, TRADE.telling_deviation))) if right else TRADE.wrongly_told
            )
            end = first + timedelta(days=length - 1)
            at = datetime.combine(first - timedelta(days=TRADE.told_before + 1), time(2), UTC)
            plan = {"merchant_id": ids[rank[number]], "date_from": first, "date_to": end, "growth": round(announced, 2)}
            rows.append({**plan, "sd": 0.3, "written_at": at})
            effects.append((ids[rank[number]], first, end, round(announced, 2), growth if right else 1.0))
    schema: dict[str, PolarsType] = {
        "merchant_id": pl.String,
        "category": pl.String,
        "date_from": pl.Date,
        "date_to": pl.Date,
        "units": pl.Int64,
        "growth": pl.Float64,
        "change": pl.String,
        "hub_id": pl.String,
        "sd": pl.Float64,
        "written_at": pl.Datetime("us", "UTC"),
    }
    plans = pl.DataFrame([{"category": "*", **row} for row in rows], schema=schema)
    told_of = {
        "merchant_id": pl.String,
        "date_from": pl.Date,
        "date_to": pl.Date,
        "told": pl.Float64,
        "true": pl.Float64,
    }
    return plans.sort("merchant_id", "date_from"), pl.DataFrame(effects, schema=told_of, orient="row")
