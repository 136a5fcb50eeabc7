"""The independent check of a stock plan: room, known ids, reasons that add up, and the certificate, from the tables alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from data.keys import STOCKED_ITEM
from data.reasons import read_reason
from routing.checker.certificate import Totals, check_certificate
from routing.checker.stock_on_hand import count_on_hand
from routing.checker.violations import Violation, order, write_number

_KEY = STOCKED_ITEM


def check_stock(tables: Mapping[str, pl.DataFrame], *, as_of: date | None = None) -> list[Violation]:
    """Check a stock plan.

    Parameters
    ----------
    tables
        ``merchants``, ``warehouses``, ``stock``, ``stock_allocations``, ``plan_certificates``; ``sales`` and ``stock_receipts`` for what
        is sold and received until the first day.
    as_of
        Last day the plan knew: later counts of stock are left out. None takes all.

    Returns
    -------
    list of Violation
        Ordered by rule; empty for a valid plan.
    """
    rows = tables["stock_allocations"].sort(*_KEY)
    latest = count_on_hand(tables, as_of, _first_day(rows))
    found = _check_rows(rows) + _check_ids(rows, tables) + _check_storage(rows, latest, tables["warehouses"])
    there = {(row[0], row[1], row[2]): int(row[3]) for row in latest.select(*_KEY, "units").iter_rows()}
    for row in rows.iter_rows(named=True):
        found += _check_reason(row, there.get((row["merchant_id"], row["category"], row["warehouse_id"]), 0))
    certificates = tables.get("plan_certificates", pl.DataFrame())
    own = certificates.filter(pl.col("plan") == "stock") if "plan" in certificates.columns else certificates
    planned = float(rows["units"].sum())
    short = float(own["parcels_short"][0]) if own.height else 0.0
    # the cost hangs on forecasts that the tables of the plan do not hold, so the certificate is held to its own
    cost = float(own["cost"][0]) if own.height else 0.0
    found += check_certificate(certificates, "stock", Totals(cost, planned + short, planned, short), len(found))
    return order(found)


def _first_day(rows: pl.DataFrame) -> date | None:
    """First day the stock is for, as its reasons say."""
    reasons = [read_reason(text) for text in rows["reason"].head(1).to_list()]
    return date.fromisoformat(reasons[0].first) if reasons and reasons[0] is not None else None


def _name(row: Mapping[str, object]) -> str:
    return " / ".join(str(row[column]) for column in _KEY)


def _check_rows(rows: pl.DataFrame) -> list[Violation]:
    found = [
        Violation(
            "table.value",
            _name(row),
            None,
            write_number(row["units"]),
            "0 or more",
            f"{_name(row)} has {row['units']} units.",
        )
        for row in rows.filter(pl.col("units").is_null() | (pl.col("units") < 0)).iter_rows(named=True)
    ]
    doubled = rows.group_by(*_KEY, maintain_order=True).len().filter(pl.col("len") > 1)
    return found + [
        Violation(
            "table.duplicate", _name(row), None, str(row["len"]), "1", f"{_name(row)} stands in {row['len']} rows."
        )
        for row in doubled.iter_rows(named=True)
    ]


def _check_ids(rows: pl.DataFrame, tables: Mapping[str, pl.DataFrame]) -> list[Violation]:
    found = []
    for column, table in (("merchant_id", "merchants"), ("warehouse_id", "warehouses")):
        known = tables[table][column].implode()
        for row in rows.filter(~pl.col(column).is_in(known)).iter_rows(named=True):
            text = f"{_name(row)} names {row[column]}, which is not in {table}."
            found.append(Violation("id.unknown", _name(row), None, str(row[column]), f"a row of {table}", text))
    return found


def _check_storage(rows: pl.DataFrame, latest: pl.DataFrame, warehouses: pl.DataFrame) -> list[Violation]:
    """Units that will stand in a warehouse: those planned, or those there where they are more; sending adds to none over its room."""
    both = rows.select(*_KEY, "units").join(latest.rename({"units": "there"}), on=_KEY, how="full", coalesce=True)
    both = both.with_columns(pl.col("units", "there").fill_null(0))
    sums = (
        both.group_by("warehouse_id")
        .agg(stands=pl.max_horizontal("units", "there").sum(), before=pl.col("there").sum())
        .join(warehouses.select("warehouse_id", "storage_capacity"), on="warehouse_id")
        .filter(pl.col("stands") > pl.max_horizontal("storage_capacity", "before"))
        .sort("warehouse_id")
    )
    return [
        Violation(
            "stock.storage",
            row["warehouse_id"],
            None,
            write_number(row["stands"]),
            write_number(row["storage_capacity"]),
            f"Warehouse {row['warehouse_id']} is to hold {row['stands']} units, it has room for {row['storage_capacity']}.",
        )
        for row in sums.iter_rows(named=True)
    ]


def _check_reason(row: Mapping[str, object], there: int) -> list[Violation]:
    reason = read_reason(str(row["reason"]))
    units, where = row["units"], _name(row)
    if reason is None:
        text = f"The reason of {where} has not the parts of a stock plan's reason."
        return [Violation("stock.reason", where, None, "other words", "the parts of the number", text)]
    found = []
    parts = (
        ("expected + safety", reason.expected + reason.safety, units),
        ("units", reason.units, units),
        ("units there", reason.there, there),
        ("units to send", reason.send, max(reason.units - reason.there, 0)),
    )
    for name, claimed, due in parts:
        if claimed != due:
            text = f"The reason of {where} says {name} {claimed}, the tables say {due}."
            found.append(Violation("stock.reason", where, None, write_number(claimed), write_number(due), text))
    ship_by, first = row["ship_by"], date.fromisoformat(reason.first)
    if isinstance(ship_by, date) and ship_by > first and not reason.missed:
        text = f"{where} is to be sent by {ship_by}, after {first}, the first day it is for."
        found.append(Violation("stock.ship_by", where, ship_by, str(ship_by), str(first), text))
    return found
