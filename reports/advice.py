"""Advice to a merchant: what, how many, where, by when, why, how sure, and what two days' delay costs.

It is drawn from the result tables alone: ``stock_allocations``, ``courier_allocations`` and ``hub_forecasts``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from data.reasons import StockReason, read_reason
from reports.advice_words import word

_HIGH_ERROR, _MIDDLE_ERROR = 15.0, 30.0  # error of the expectation up to which confidence is high, middle [%]
_EIGHTY = 1.2816  # standard normal quantile of 90 %: 80 % of cases lie within as many deviations of the mean
ADVICE = ("what", "how_many", "unit", "where", "by_when", "why", "confidence", "late_cost")
PARTS = ("category", "warehouse_id", "expected", "safety", "units", "there", "send", "low", "high", "by_when", "short")


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
        ``advice`` and ``parts`` always; ``couriers`` and ``hubs`` when there are rows.
    """

    merchant_id: str
    language: str
    readme: list[str]
    tables: dict[str, pl.DataFrame]


def advise_merchant(
    merchant: Mapping[str, Any],
    tables: Mapping[str, pl.DataFrame],
    language: str,
    *,
    run_id: str,
) -> MerchantAdvice:
    """Write the advice to one merchant.

    Parameters
    ----------
    merchant
        Row of ``merchants``: merchant_id, name, hub_id.
    tables
        ``stock_allocations``, ``courier_allocations``, ``hub_forecasts``, ``warehouses``; each may be empty.
    language
        ``zh`` or ``en``.
    run_id
        Stock plan the allocations are of.

    Returns
    -------
    MerchantAdvice
        Its tables, ordered by category and warehouse.
    """
    mine = pl.col("merchant_id") == merchant["merchant_id"]
    stock = tables["stock_allocations"].filter(mine).sort("category", "warehouse_id")
    couriers = tables["courier_allocations"].filter(mine)
    sites = dict(tables["warehouses"].select("warehouse_id", "name").iter_rows())
    read = [(row, read_reason(row["reason"])) for row in stock.iter_rows(named=True)]
    rows = [_advise_stock(row, reason, sites, language) for row, reason in read]
    rows += _advise_couriers(couriers, language)
    parts = [_list_parts(row, reason) for row, reason in read]
    found = {
        "advice": pl.DataFrame(rows, schema=_ADVICE_SCHEMA, orient="row"),
        "parts": pl.DataFrame(parts, schema=_PARTS_SCHEMA, orient="row"),
        "couriers": couriers.select(
            "date", "courier_id", "origin_hub_id", "destination_hub_id", "parcels", "reason"
        ).sort("date", "courier_id", "origin_hub_id", "destination_hub_id"),
        "hubs": _list_hubs(merchant, stock, tables, [reason for _, reason in read if reason is not None]),
    }
    kept = {name: frame for name, frame in found.items() if frame.height or name in ("advice", "parts")}
    first = next((reason for _, reason in read if reason is not None), None)
    readme = _write_readme(str(merchant["merchant_id"]), str(merchant["name"]), first, run_id, list(kept), language)
    return MerchantAdvice(str(merchant["merchant_id"]), language, readme, kept)


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
    **dict.fromkeys(("expected", "safety", "units", "there", "send", "low", "high"), pl.Int64()),
    "by_when": pl.Date(),
    "short": pl.Int64(),
}


def _range_of(reason: StockReason) -> tuple[int, int]:
    """Units within which 80 % of cases lie: expected -+ 1.28 x (error x expected, and chance)."""
    deviation = ((reason.error / 100.0 * reason.expected) ** 2 + reason.expected) ** 0.5
    return max(round(reason.expected - _EIGHTY * deviation), 0), round(reason.expected + _EIGHTY * deviation)


def _advise_stock(
    row: Mapping[str, Any], reason: StockReason | None, sites: Mapping[str, str], language: str
) -> tuple[object, ...]:
    site = sites.get(row["warehouse_id"])
    where = f"{site} ({row['warehouse_id']})" if site else row["warehouse_id"]
    unit = word(language, "unit.units")
    if reason is None:
        what = word(language, "what.send", category=row["category"])
        return what, row["units"], unit, where, row["ship_by"], row["reason"], None, None
    kind = "send" if reason.send else "hold" if reason.units else "none"
    low, high = _range_of(reason)
    level = "high" if reason.error <= _HIGH_ERROR else "middle" if reason.error <= _MIDDLE_ERROR else "low"
    confidence = word(
        language,
        "confidence.text",
        level=word(language, f"confidence.{level}"),
        low=f"{low:,}",
        high=f"{high:,}",
    )
    return (
        word(language, f"what.{kind}", category=row["category"]),
        reason.send if kind == "send" else reason.units,
        unit,
        where,
        row["ship_by"] if reason.send else None,
        _tell_why(reason, language),
        confidence if reason.units else None,
        reason.late,
    )


def _tell_why(reason: StockReason, language: str) -> str:
    """Tell the three reasons of an allocation, and what went wrong."""
    counts = {name: f"{getattr(reason, name):,}" for name in ("expected", "safety", "units", "there", "send", "relief")}
    facts = counts | {
        "growth": f"{reason.growth:.2f}",
        "regions": reason.regions,
        "days": f"{reason.days:.1f}",
        "home_days": f"{reason.home_days:.1f}",
        "home": reason.home,
    }
    keys = (
        [] if not reason.units else [f"why.{reason.basis}", "why.near", "why.relief" if reason.relief else "why.home"]
    )
    told = [word(language, key, **facts) for key in keys]
    if reason.missed:
        told.append(word(language, "why.missed", missed=reason.missed))
    if reason.short:
        key = "why.short" if reason.full else "why.far"
        told.append(word(language, key, short=f"{reason.short:,}", full=reason.full))
    return (" " if language == "en" else "").join(told)


def _list_parts(row: Mapping[str, Any], reason: StockReason | None) -> tuple[object, ...]:
    if reason is None:
        return row["category"], row["warehouse_id"], None, None, row["units"], *[None] * 4, row["ship_by"], None
    numbers = (reason.expected, reason.safety, reason.units, reason.there, reason.send, *_range_of(reason))
    return row["category"], row["warehouse_id"], *numbers, row["ship_by"], reason.short


def _advise_couriers(couriers: pl.DataFrame, language: str) -> list[tuple[object, ...]]:
    groups = couriers.group_by("courier_id", "origin_hub_id").agg(
        parcels=pl.col("parcels").sum(),
        first=pl.col("date").min(),
        days=pl.col("date").n_unique(),
        destinations=pl.col("destination_hub_id").n_unique(),
        reason=pl.col("reason").mode().sort().first(),
    )
    return [
        (
            word(language, "what.parcels", courier=row["courier_id"]),
            row["parcels"],
            word(language, "unit.parcels"),
            word(language, "where.routes", origin=row["origin_hub_id"]),
            row["first"],
            word(
                language, "why.couriers", days=row["days"], destinations=row["destinations"], reason=row["reason"] or ""
            ).strip(),
            None,
            None,
        )
        for row in groups.sort("courier_id", "origin_hub_id").iter_rows(named=True)
    ]


def _list_hubs(
    merchant: Mapping[str, Any],
    stock: pl.DataFrame,
    tables: Mapping[str, pl.DataFrame],
    reasons: list[StockReason],
) -> pl.DataFrame:
    """Forecast of what goes out of the merchant's hub and of its warehouses' hubs, on the days of the event."""
    sites = tables["warehouses"].filter(pl.col("warehouse_id").is_in(stock["warehouse_id"].implode()))
    hubs = {merchant["hub_id"], *sites["hub_id"].to_list()}
    forecasts = tables["hub_forecasts"].filter((pl.col("direction") == "out") & pl.col("hub_id").is_in(sorted(hubs)))
    if reasons:
        first = min(date.fromisoformat(reason.first) for reason in reasons)
        last = max(date.fromisoformat(reason.last) for reason in reasons)
        forecasts = forecasts.filter(pl.col("date").is_between(first, last))
    return forecasts.select("date", "hub_id", "mean", "q10", "q90").sort("hub_id", "date")


def _write_readme(
    merchant_id: str, name: str, reason: StockReason | None, run_id: str, sheets: list[str], language: str
) -> list[str]:
    title = merchant_id if name == merchant_id else f"{merchant_id} {name}"
    lines = [word(language, "readme.title", merchant=title)]
    if reason is None:
        lines.append(word(language, "readme.none"))
    else:
        lines.append(
            word(language, "readme.made", run_id=run_id, first=reason.first, last=reason.last, event=reason.event)
        )
    lines += [word(language, f"readme.{key}") for key in ("units", "sum", "confidence", "late")]
    names = ", ".join(word(language, f"sheet.{sheet}") for sheet in sheets)
    return [*lines, f"{word(language, 'readme.sheets')} {names}"]
