"""Advice to a merchant: what, how many, where, by when, why, how sure, and what two days' delay costs.

It is drawn from tables of the merchant's own alone: ``stock_allocations``, ``stock`` and ``courier_allocations``. No other
merchant's volumes and none of the network's are in it; of the network it tells how full the hub the merchant ships from is on the
days that stock placed ahead relieves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import polars as pl

from data.reasons import GIVEN_DAYS, StockReason, read_reason
from reports.advice_around import advise_couriers, list_care, list_relief, tell_relief
from reports.advice_words import word
from reports.formats import Language
from reports.surplus import Move, find_moves
from reports.tables import in_language

_HIGH_ERROR, _MIDDLE_ERROR = (
    15.0,
    30.0,
)  # judgement: error of the expectation up to which confidence is high, middle [%]
_EIGHTY = 1.2816  # standard normal quantile of 90 %: 80 % of cases lie within as many deviations of the mean
FACTORS = ("last_edition", "growth", "venue", "lift", "price", "weather")
"""Columns of ``parts`` whose product is ``expected``."""


@dataclass(frozen=True, slots=True)
class MerchantAdvice:
    """Advice to one merchant in one language.

    Attributes
    ----------
    merchant_id, language
        Whom it is for, and ``zh`` or ``en``.
    readme
        Lines that say what the tables are.
    tables
        ``advice``, ``parts`` and ``totals`` always; ``couriers``, ``relief`` and ``care`` when there are rows. Ids stand in them as they are.
    names
        By column of such an id, what a reader calls each.
    """

    merchant_id: str
    language: Language
    readme: list[str]
    tables: dict[str, pl.DataFrame]
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the stock plan with its reason read, the day it is to leave, and the units that come from the merchant's own surplus."""

    category: str
    warehouse_id: str
    units: int
    ship_by: date
    text: str
    reason: StockReason | None
    moved: int = 0


def advise_merchant(
    merchant: Mapping[str, Any],
    tables: Mapping[str, pl.DataFrame],
    language: Language,
    *,
    run_id: str,
    as_of: date | None = None,
) -> MerchantAdvice:
    """Write the advice to one merchant.

    Parameters
    ----------
    merchant
        Row of ``merchants``: merchant_id, name, hub_id.
    tables
        ``stock_allocations``, ``courier_allocations``, ``warehouses`` and, if any, ``stock``; each may be empty. ``categories``,
        ``couriers``, ``hubs``, ``regions`` and ``events`` give Chinese names; ``care_list``, if any, the parcels that the weather delays; ``relieved``, of
        a joint plan, the hub-days that all stock ahead relieves: date, hub_id, before, after [share of sorting capacity].
    language
        ``zh`` or ``en``.
    run_id
        Stock plan the allocations are of.
    as_of
        Last day that plan knew: nothing is to leave before the day after. None where it is not known.

    Returns
    -------
    MerchantAdvice
        Its tables, ordered by category and warehouse.
    """
    mine = pl.col("merchant_id") == merchant["merchant_id"]
    stock = tables["stock_allocations"].filter(mine).sort("category", "warehouse_id")
    couriers = tables["courier_allocations"].filter(mine)
    named = in_language(tables["warehouses"], language).select("warehouse_id", "name")
    sites = {ident: f"{name} ({ident})" for ident, name in named.iter_rows() if name}
    words = {name: _name_of(tables.get(name), key, language) for name, key in _NAMED.items()}
    read = [_read_row(row, as_of) for row in stock.iter_rows(named=True)]
    held = tables["stock"].filter(mine) if "stock" in tables else pl.DataFrame()
    moves = find_moves(stock, _latest_stock(held, as_of))
    read = _take_from_surplus(read, moves)
    named_rows = [_put_names(row, words) for row in read]
    rows = [_advise_stock(row, sites, language) for row in named_rows]
    for move in moves:
        category = words["categories"].get(move.category, move.category)
        rows.append(_advise_move(replace(move, category=category), sites, language))
    rows += advise_couriers(couriers, words, language)
    parts = [_list_parts(row, language) for row in read]
    homes = {row.reason.home for row in read if row.reason is not None and row.reason.relief}
    found = {
        "advice": pl.DataFrame(rows, schema=_ADVICE_SCHEMA, orient="row"),
        "parts": pl.DataFrame(parts, schema=_PARTS_SCHEMA, orient="row"),
        "totals": _add_up(read, moves, couriers, language),
        "couriers": couriers.select(
            "date", "courier_id", "origin_hub_id", "destination_hub_id", "parcels", "reason"
        ).sort("date", "courier_id", "origin_hub_id", "destination_hub_id"),
        "relief": list_relief(tables.get("relieved"), homes, words),
        "care": list_care(tables.get("care_list"), str(merchant["merchant_id"]), language),
    }
    filled = {name: frame for name, frame in found.items() if frame.height or name in ("advice", "parts")}
    first = next((row.reason for row in named_rows if row.reason is not None), None)
    name = str((merchant.get("name_zh") if language == "zh" else None) or merchant["name"])
    readme = _write_readme(str(merchant["merchant_id"]), name, first, run_id, as_of, list(filled), language)
    readme[-1:-1] = tell_relief(filled.get("relief"), language)
    return MerchantAdvice(str(merchant["merchant_id"]), language, readme, filled, _name_columns(words, sites))


# Reference tables whose names stand for their ids in the advice, each with its id.
_NAMED = {
    "categories": "category",
    "couriers": "courier_id",
    "hubs": "hub_id",
    "regions": "region_id",
    "events": "name",
}


def _name_of(frame: pl.DataFrame | None, key: str, language: Language) -> dict[str, str]:
    """Return the Chinese names by id, in English those of regions; other ids, and all without the table, stand for themselves."""
    column = "name_zh" if language == "zh" else "name"
    if frame is None or column not in frame.columns or (language != "zh" and key != "region_id"):
        return {}
    return dict(frame.select(key, column).drop_nulls().iter_rows())


def _name_columns(words: Mapping[str, Mapping[str, str]], sites: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
    """Return the names by column of the tables that hold ids."""
    hubs = words["hubs"]
    return {
        "category": words["categories"],
        "warehouse_id": sites,
        "courier_id": words["couriers"],
        **dict.fromkeys(("origin_hub_id", "destination_hub_id"), hubs),
    }


def _take_from_surplus(rows: Sequence[_Row], moves: Sequence[Move]) -> list[_Row]:
    """Send that much less to a warehouse as is moved there."""
    arriving: dict[tuple[str, str | None], int] = {}
    for move in moves:
        key = (move.category, move.destination)
        arriving[key] = arriving.get(key, 0) + move.units
    taken = []
    for row in rows:
        moved = 0 if row.reason is None else min(arriving.get((row.category, row.warehouse_id), 0), row.reason.send)
        reason = row.reason if row.reason is None else replace(row.reason, send=row.reason.send - moved)
        taken.append(replace(row, reason=reason, moved=moved))
    return taken


def _put_names(row: _Row, words: Mapping[str, Mapping[str, str]]) -> _Row:
    """Put names for the ids of a row's category, buyers' regions and hub, and for its events."""
    reason = row.reason
    if reason is not None:
        event = ", ".join(words["events"].get(one, one) for one in reason.event.split(", "))
        regions = [part.rpartition(" ")[0].rpartition(" ") for part in reason.regions.split(", ")]
        named = reason.regions
        for head, _, _ in regions:
            named = named.replace(f"{head} ", f"{words['regions'].get(head, head)} ", 1) if head else named
        reason = replace(reason, event=event, regions=named, home=words["hubs"].get(reason.home, reason.home))
    return replace(row, category=words["categories"].get(row.category, row.category), reason=reason)


_ADVICE_SCHEMA = {
    "what": pl.String(),
    "how_many": pl.Int64(),
    "unit": pl.String(),
    "where": pl.String(),
    "by_when": pl.Date(),
    "why": pl.String(),
    "confidence": pl.String(),
    "late_cost": pl.Float64(),
}
_PARTS_SCHEMA = {
    "category": pl.String(),
    "warehouse_id": pl.String(),
    "basis": pl.String(),
    **dict.fromkeys(FACTORS, pl.Float64()),
    **dict.fromkeys(("expected", "safety", "units", "there", "moved", "send", "low", "high"), pl.Int64()),
    "by_when": pl.Date(),
    "short": pl.Int64(),
    **dict.fromkeys(("cost", "home_cost", "saving"), pl.Float64()),
}


def _read_row(row: Mapping[str, Any], as_of: date | None) -> _Row:
    """Read a row of the plan; what should have left already leaves on the first day after the last one known."""
    ship_by = row["ship_by"]
    if as_of is not None and ship_by is not None:
        ship_by = max(ship_by, as_of + timedelta(days=1))
    return _Row(
        row["category"], row["warehouse_id"], row["units"], ship_by, row["reason"], read_reason(row["reason"] or "")
    )


def _latest_stock(stock: pl.DataFrame, as_of: date | None) -> pl.DataFrame:
    """Return the latest count of each category and warehouse that the plan knew: category, warehouse_id, units."""
    if stock.is_empty():
        return pl.DataFrame(schema={"category": pl.String, "warehouse_id": pl.String, "units": pl.Int64})
    known = stock if as_of is None else stock.filter(pl.col("as_of") <= as_of)
    return known.sort("as_of").group_by("category", "warehouse_id").agg(pl.col("units").last()).sort(pl.all())


def _range_of(reason: StockReason, moved: int) -> tuple[int, int]:
    """Units to send, or to stand there where none are sent, at the low and the high end of demand in 8 cases of 10.

    Demand lies within expected -+ 1.28 x sqrt((error x expected)^2 + expected); the same safety is kept on top, and what stands there
    already or is moved there is taken off what is sent. So the quantity recommended lies within.
    """
    deviation = _EIGHTY * ((reason.error / 100.0 * reason.expected) ** 2 + reason.expected) ** 0.5
    rest = reason.safety - (reason.there + moved if reason.send else 0)
    low, high = max(reason.expected - deviation, 0.0) + rest, reason.expected + deviation + rest
    return max(round(low), 0), max(round(high), 0)


def _advise_stock(row: _Row, sites: Mapping[str, str], language: Language) -> tuple[object, ...]:
    where, reason = sites.get(row.warehouse_id, row.warehouse_id), row.reason
    unit = word(language, "unit.units")
    if reason is None:
        what = word(language, "what.send", category=row.category)
        return what, row.units, unit, where, row.ship_by, row.text, None, None
    kind = "send" if reason.send else "moved" if row.moved else "hold" if reason.units else "none"
    low, high = _range_of(reason, row.moved)
    level = "high" if reason.error <= _HIGH_ERROR else "middle" if reason.error <= _MIDDLE_ERROR else "low"
    confidence = word(
        language,
        "confidence.text",
        level=word(language, f"confidence.{level}"),
        low=f"{low:,}",
        high=f"{high:,}",
    )
    return (
        word(language, f"what.{kind}", category=row.category),
        reason.send if kind == "send" else reason.units,
        unit,
        where,
        row.ship_by if reason.send else None,
        _tell_why(reason, row.moved, language),
        confidence if reason.units else None,
        reason.late,
    )


def _advise_move(move: Move, sites: Mapping[str, str], language: Language) -> tuple[object, ...]:
    origin = sites.get(move.origin, move.origin)
    counts = {"there": f"{move.there:,}", "surplus": f"{move.surplus:,}"}
    if move.destination is None:
        what, where = word(language, "what.surplus", category=move.category), origin
        why = word(language, "why.surplus", **counts)
    else:
        destination = sites.get(move.destination, move.destination)
        what = word(language, "what.move", category=move.category)
        where = word(language, "where.move", origin=origin, destination=destination)
        facts = counts | {"origin": origin, "destination": destination}
        why = word(language, "why.move", **facts, lack=f"{move.lack:,}", moved=f"{move.units:,}")
    return what, move.units, word(language, "unit.units"), where, move.by_when, why, None, None


def _tell_why(reason: StockReason, moved: int, language: Language) -> str:
    """Tell the three reasons of an allocation, and what went wrong."""
    counts = {name: f"{getattr(reason, name):,}" for name in ("expected", "units", "there", "send", "relief")}
    facts = counts | {
        "safety": word(language, "why.less" if reason.safety < 0 else "why.more", n=f"{abs(reason.safety):,}"),
        **{name: f"{getattr(reason, name):.5g}" for name in ("growth", "venue", "price", "lift", "weather")},
        "base": f"{_base_of(reason):,.2f}",
        "regions": reason.regions,
        "days": f"{reason.days:.1f}",
        "home_days": f"{reason.home_days:.1f}",
        "home": reason.home,
    }
    keys = (
        [] if not reason.units else [f"why.{reason.basis}", "why.near", "why.relief" if reason.relief else "why.home"]
    )
    sentences = [word(language, key, **facts) for key in keys]
    if moved:
        sentences.insert(1, word(language, "why.moved", moved=f"{moved:,}"))
    if reason.missed and reason.send:
        sentences.append(word(language, "why.missed", missed=reason.missed))
    if reason.short:
        key = "why.short" if reason.full else "why.far"
        sentences.append(word(language, key, short=f"{reason.short:,}", full=reason.full))
    return (" " if language == "en" else "").join(sentences)


def _event_of(reason: StockReason, language: Language) -> str:
    return word(language, "readme.given") if reason.event == GIVEN_DAYS else reason.event


def _base_of(reason: StockReason) -> float:
    """Units sold before; of a plan that did not keep them what the expectation comes from."""
    if reason.base is not None:
        return reason.base
    product = reason.growth * reason.venue * reason.price * reason.lift * reason.weather
    return reason.expected / product if product > 0 else 0.0


def _list_parts(row: _Row, language: Language) -> tuple[object, ...]:
    reason = row.reason
    if reason is None:
        return row.category, row.warehouse_id, *[None] * 12, row.units, None, None, row.ship_by, *[None] * 4
    factors = (_base_of(reason), reason.growth, reason.venue, reason.lift, reason.price, reason.weather)
    stock = (reason.expected, reason.safety, reason.units, reason.there, row.moved, reason.send)
    numbers = (*stock, *_range_of(reason, row.moved))
    costs = (reason.cost, reason.home_cost, _saving(reason.cost, reason.home_cost))
    basis = word(language, f"basis.{reason.basis}")
    return row.category, row.warehouse_id, basis, *factors, *numbers, row.ship_by, reason.short, *costs


def _saving(cost: float | None, home_cost: float | None) -> float | None:
    return None if cost is None or home_cost is None else round(home_cost - cost, 2)


def _add_up(read: Sequence[_Row], moves: Sequence[Move], couriers: pl.DataFrame, language: Language) -> pl.DataFrame:
    """Add the advice up: a row a total; those nothing is known of are left out."""
    known = [row.reason for row in read if row.reason is not None]
    # Each row of a category tells the same shortage.
    short = {row.category: row.reason.short for row in read if row.reason is not None}
    priced = [(r.cost, r.home_cost) for r in known if r.cost is not None and r.home_cost is not None]
    totals: dict[str, float | None] = {
        "units": sum(reason.units for reason in known) if known else None,
        "send": sum(reason.send for reason in known) if known else None,
        "move": sum(move.units for move in moves if move.destination is not None) or None,
        "short": sum(short.values()) or None,
        "parcels": int(couriers["parcels"].sum()) or None,
    }
    if priced:
        cost, home_cost = sum(pair[0] for pair in priced), sum(pair[1] for pair in priced)
        totals |= {"cost": round(cost, 2), "home_cost": round(home_cost, 2), "saving": round(home_cost - cost, 2)}
    rows = [(word(language, f"total.{name}"), float(value)) for name, value in totals.items() if value is not None]
    return pl.DataFrame(rows, schema={"total": pl.String(), "number": pl.Float64()}, orient="row")


def _write_readme(
    merchant_id: str,
    name: str,
    reason: StockReason | None,
    run_id: str,
    as_of: date | None,
    sheets: list[str],
    language: Language,
) -> list[str]:
    title = merchant_id if name == merchant_id else f"{merchant_id} {name}"
    lines = [word(language, "readme.title", merchant=title)]
    if reason is None:
        lines.append(word(language, "readme.none"))
    else:
        key = "readme.made_undated" if as_of is None else "readme.made"
        facts = {
            "run_id": run_id,
            "first": reason.first,
            "last": reason.last,
            "event": _event_of(reason, language),
            "as_of": as_of,
        }
        lines.append(word(language, key, **facts))
    lines += [word(language, f"readme.{key}") for key in ("units", "factors", "sum", "confidence", "cost", "late")]
    names = ", ".join(word(language, f"sheet.{sheet}") for sheet in sheets)
    return [*lines, f"{word(language, 'readme.sheets')} {names}"]
