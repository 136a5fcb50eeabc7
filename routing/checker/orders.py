"""The independent check of orders sourced: each once, none sold twice, from where their goods stand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from data.keys import ITEM
from routing.checker.stock_on_hand import count_on_hand
from routing.checker.violations import Violation, order, write_number

_ITEM = ITEM


def check_orders(tables: Mapping[str, pl.DataFrame], *, as_of: date, timezone: str = "UTC") -> list[Violation]:
    """Check where orders leave from.

    Parameters
    ----------
    tables
        ``open_orders``, ``order_sources``, ``stock``, ``stock_receipts``, ``merchants``, and ``sales``, ``warehouses`` and
        ``sourcing_today`` for what was sold since the counts.
    as_of
        Last day of counts, receipts, sales and orders.
    timezone
        Whose days orders fall on.
    """
    rows = tables["order_sources"]
    asked = tables["open_orders"].filter(pl.col("ordered_at").dt.convert_time_zone(timezone).dt.date() <= as_of)
    both = asked.select("order_id", due="units").join(
        rows.select("order_id", "units"), on="order_id", how="full", coalesce=True
    )
    found = [
        Violation(
            "orders.once", row["order_id"], None, write_number(row["units"] or 0), write_number(row["due"] or 0),
            f"Order {row['order_id']} asks for {row['due'] or 0} units, the plan sends {row['units'] or 0}.",
        )
        for row in both.filter(pl.col("due").ne_missing(pl.col("units"))).sort("order_id").iter_rows(named=True)
    ]  # fmt: skip
    key = (*_ITEM, "warehouse_id")
    there = count_on_hand(tables, as_of, as_of).select(*key, there="units")
    sent = rows.filter(pl.col("warehouse_id").is_not_null()).group_by(key).agg(pl.col("units").sum())
    over = sent.join(there, on=key, how="left").filter(pl.col("units") > pl.col("there").fill_null(0)).sort(key)
    for row in over.iter_rows(named=True):
        where = " / ".join(str(row[name]) for name in key)
        text = f"{row['units']} units of {where} are sent, {row['there'] or 0} are left there."
        found.append(
            Violation("orders.oversold", where, None, write_number(row["units"]), write_number(row["there"] or 0), text)
        )
    home = tables["merchants"].select("merchant_id", home="hub_id")
    from_home = (
        rows.filter(pl.col("status") == "home")
        .join(home, on="merchant_id", how="left")
        .filter(pl.col("home").is_null())
    )
    found += [
        Violation("id.unknown", row["order_id"], None, row["merchant_id"], "a row of merchants", f"Order {row['order_id']} is of no known merchant.")
        for row in from_home.sort("order_id").iter_rows(named=True)
    ]  # fmt: skip
    return order(found)
