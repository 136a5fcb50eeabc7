"""The independent check of a joint plan: what moves between hubs, stock sold only once it is there, dispatch, storage, cost and bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from data.keys import DAY_ROUTE, ITEM
from routing.checker.certificate import Totals, check_certificate
from routing.checker.stock_cost import StockTerms, recompute_cost
from routing.checker.stock_on_hand import count_on_hand
from routing.checker.violations import Violation, order, write_number

_ROUTE = DAY_ROUTE
_ITEM = ITEM
_CNY, _RELATIVE, _SHARE = 1.0, 1e-5, 1e-6


def check_joint(
    tables: Mapping[str, pl.DataFrame],
    *,
    as_of: date | None = None,
    terms: StockTerms | None = None,
    of_bound: Sequence[Violation] = (),
) -> list[Violation]:
    """Check what a joint plan says beyond its trunk's plan, which has a check of its own.

    Parameters
    ----------
    tables
        ``route_demand`` (split), ``stock_allocations``, ``sourcing``, ``warehouses``, ``merchants``, ``stock`` and
        ``plan_certificates`` of the plan; ``sales``, ``stock_receipts`` and ``sourcing_today`` for what is sold and received until the first
        day; with `terms` those of ``stock_cost.NEEDED``.
    as_of
        Last day the plan knew; None takes the counts of stock as they are.
    terms
        What the plan was told besides; None leaves the stock's cost as the certificate says it.
    of_bound
        What ``joint_bound`` found, which counts with the rest.

    Returns
    -------
    list of Violation
        Ordered by rule; empty for a valid plan.
    """
    begins = tables["sourcing"]["date_from"].min()
    stands = count_on_hand(tables, as_of, begins if isinstance(begins, date) else None)
    tables = {**tables, "stands": stands}
    found = (
        _check_split(tables["route_demand"])
        + _check_moves(tables["route_demand"])
        + _check_dispatch(tables["route_demand"], tables["warehouses"])
        + _check_dates(tables["stock_allocations"])
        + _check_sourcing(tables)
        + _check_storage(tables)
        + list(of_bound)
    )
    if terms is not None:
        found += _check_cost(tables, terms)
    return order(found + _check_certificates(tables["plan_certificates"], len(found)))


def _name(row: Mapping[str, object]) -> str:
    return f"{row['origin_hub_id']} -> {row['destination_hub_id']}"


def _check_split(demand: pl.DataFrame) -> list[Violation]:
    due = pl.col("base") - pl.col("moved_out") + pl.col("moved_in")
    parts = pl.min_horizontal("base", "moved_out", "moved_in")
    wrong = demand.with_columns(due=due).filter(
        (pl.col("parcels") != pl.col("due")).fill_null(True) | (pl.col("moved_out") > pl.col("base")) | (parts < 0)
    )
    return [
        Violation(
            "joint.split", _name(row), row["date"], write_number(row["parcels"]), write_number(row["due"]),
            f"{_name(row)} on {row['date']} carries {row['parcels']} parcels; {row['base']} less {row['moved_out']} out and "
            f"{row['moved_in']} in are {row['due']}.",
        )
        for row in wrong.sort(_ROUTE).iter_rows(named=True)
    ]  # fmt: skip


def _check_moves(demand: pl.DataFrame) -> list[Violation]:
    sums = demand.group_by("date", "destination_hub_id").agg(pl.col("moved_out", "moved_in").sum())
    wrong = sums.filter(pl.col("moved_out") != pl.col("moved_in")).sort("date", "destination_hub_id")
    return [
        Violation(
            "joint.moved", row["destination_hub_id"], row["date"], write_number(row["moved_in"]), write_number(row["moved_out"]),
            f"For {row['destination_hub_id']} on {row['date']} {row['moved_out']} parcels move out of hubs and {row['moved_in']} into hubs.",
        )
        for row in wrong.iter_rows(named=True)
    ]  # fmt: skip


def _check_dispatch(demand: pl.DataFrame, warehouses: pl.DataFrame) -> list[Violation]:
    """What moves into a hub leaves from its warehouses: no more on a day than they send, and half a parcel a route for rounding."""
    sent = (
        demand.filter(pl.col("moved_in") > 0)
        .group_by("date", hub_id="origin_hub_id")
        .agg(pl.col("moved_in").sum(), rows=pl.len())
    )
    limits = warehouses.group_by("hub_id").agg(
        limit=pl.when(pl.col("dispatch_capacity").is_null().any())
        .then(None)
        .otherwise(pl.col("dispatch_capacity").sum())
    )
    both = sent.join(limits, on="hub_id", how="left").sort("date", "hub_id")
    absent = pl.col("hub_id").is_in(warehouses["hub_id"].implode()).not_()
    # a route's parcels are the sum of what several hubs gave, each rounded by half a parcel at most
    givers = demand.filter(pl.col("moved_out") > 0)["origin_hub_id"].n_unique()
    over = (pl.col("moved_in") > pl.col("limit") + 1 + pl.col("rows") * givers / 2).fill_null(False)
    return [
        Violation(
            "joint.dispatch", row["hub_id"], row["date"], write_number(row["moved_in"]), write_number(row["limit"] or 0),
            f"{row['moved_in']} parcels move into {row['hub_id']} on {row['date']}; its warehouses send {row['limit'] or 0}.",
        )
        for row in both.filter(absent | over).iter_rows(named=True)
    ]  # fmt: skip


def _check_dates(rows: pl.DataFrame) -> list[Violation]:
    given = pl.col("ship_on").is_not_null() & pl.col("arrives_on").is_not_null() & pl.col("sellable_on").is_not_null()
    ordered = (pl.col("ship_on") <= pl.col("arrives_on")) & (pl.col("arrives_on") <= pl.col("sellable_on"))
    wrong = rows.filter(~given | ~ordered).sort(*_ITEM, "warehouse_id")
    found = []
    for row in wrong.iter_rows(named=True):
        where = " / ".join(str(row[name]) for name in (*_ITEM, "warehouse_id"))
        text = (
            f"{where} leaves on {row['ship_on']}, arrives on {row['arrives_on']} and is sold from {row['sellable_on']}."
        )
        found.append(
            Violation("joint.dates", where, row["ship_on"], str(row["sellable_on"]), str(row["arrives_on"]), text)
        )
    return found


def _check_sourcing(tables: Mapping[str, pl.DataFrame]) -> list[Violation]:
    """Orders leave from a warehouse's hub only where stock of them stands there or has become sellable; from home always."""
    sites = tables["warehouses"].select("warehouse_id", "hub_id")
    stands = tables["stock_allocations"].filter(pl.col("units") > 0).join(sites, on="warehouse_id")
    ready = stands.group_by(*_ITEM, origin_hub_id="hub_id").agg(pl.col("sellable_on").min())
    counted = tables["stands"].filter(pl.col("units") > 0).join(sites, on="warehouse_id")
    there = counted.select(*_ITEM, origin_hub_id="hub_id").unique().with_columns(there=pl.lit(True))
    today = tables["sourcing_today"].select(*_ITEM, "origin_hub_id").unique().with_columns(today=pl.lit(True))
    home = tables["merchants"].select("merchant_id", home="hub_id")
    rows = (
        tables["sourcing"]
        .filter(pl.col("share") > _SHARE)
        .join(home, on="merchant_id", how="left")
        .join(ready, on=[*_ITEM, "origin_hub_id"], how="left")
        .join(there, on=[*_ITEM, "origin_hub_id"], how="left")
        .join(today, on=[*_ITEM, "origin_hub_id"], how="left")
    )
    early = (pl.col("sellable_on") > pl.col("date_from")).fill_null(True)
    elsewhere = (pl.col("origin_hub_id") != pl.col("home")) & pl.col("there").is_null() & pl.col("today").is_null()
    found = []
    for row in rows.filter(early & elsewhere).sort(*_ITEM, "region_id", "date_from").iter_rows(named=True):
        where = " / ".join(str(row[name]) for name in (*_ITEM, "region_id"))
        text = f"Orders of {where} leave from {row['origin_hub_id']} from {row['date_from']} on; stock there is sold from {row['sellable_on']}."
        found.append(
            Violation("joint.sourcing", where, row["date_from"], str(row["date_from"]), str(row["sellable_on"]), text)
        )
    sums = tables["sourcing"].group_by(*_ITEM, "region_id", "date_from").agg(pl.col("share").sum())
    for row in sums.filter(pl.col("share") > 1.0 + 1e-4).sort(*_ITEM, "region_id").iter_rows(named=True):
        where = " / ".join(str(row[name]) for name in (*_ITEM, "region_id"))
        text = f"Shares of {where} from {row['date_from']} on sum to {row['share']:.4f}."
        found.append(Violation("joint.sourcing", where, row["date_from"], write_number(row["share"]), "1", text))
    return found


def _check_storage(tables: Mapping[str, pl.DataFrame]) -> list[Violation]:
    key = (*_ITEM, "warehouse_id")
    latest = tables["stands"].rename({"units": "there"})
    both = tables["stock_allocations"].select(*key, "units").join(latest, on=key, how="full", coalesce=True)
    both = both.with_columns(pl.col("units", "there").fill_null(0))
    sums = both.group_by("warehouse_id").agg(
        stands=pl.max_horizontal("units", "there").sum(), before=pl.col("there").sum()
    )
    over = (
        sums.join(tables["warehouses"].select("warehouse_id", "storage_capacity"), on="warehouse_id", how="left")
        .filter((pl.col("stands") > pl.max_horizontal("storage_capacity", "before")).fill_null(True))
        .sort("warehouse_id")
    )
    return [
        Violation(
            "stock.storage", row["warehouse_id"], None, write_number(row["stands"]), write_number(row["storage_capacity"] or 0),
            f"Warehouse {row['warehouse_id']} is to hold {row['stands']} units, it has room for {row['storage_capacity'] or 0}.",
        )
        for row in over.iter_rows(named=True)
    ]  # fmt: skip


def _check_cost(tables: Mapping[str, pl.DataFrame], terms: StockTerms) -> list[Violation]:
    """Hold the cost that the certificate of the stock tells against what its tables add up to."""
    own = tables["plan_certificates"].filter(pl.col("plan") == "stock")
    due = recompute_cost(tables, terms) if own.height == 1 else None
    if due is None:
        return []
    claimed = float(own["cost"][0])
    parts = abs(due.bring_in) + abs(due.storage) + abs(due.opening) + abs(due.waiting)
    if abs(claimed - due.total) <= _CNY + _RELATIVE * parts:
        return []
    text = (
        f"The stock's certificate says a cost of {claimed:,.2f}; its tables add up to {due.total:,.2f}: {due.bring_in:,.2f} bringing in, "
        f"{due.storage:,.2f} storage, {due.opening:,.2f} opening, {due.waiting:,.2f} days of waiting."
    )
    return [Violation("cost.total", "stock.cost", None, write_number(claimed), write_number(due.total), text)]


def _check_certificates(certificates: pl.DataFrame, found: int) -> list[Violation]:
    cost = dict(certificates.select("plan", "cost").iter_rows())
    trunk = certificates.filter(pl.col("plan") == "trunk")
    if trunk.height != 1 or "stock" not in cost:
        text = "A joint plan has rows of its trunk and its stock in plan_certificates."
        return [Violation("certificate.missing", "joint", None, ", ".join(sorted(cost)), "trunk, stock, joint", text)]
    row = trunk.row(0, named=True)
    totals = Totals(
        float(cost["trunk"]) + float(cost["stock"]),
        float(row["parcels_demanded"]),
        float(row["parcels_planned"]),
        float(row["parcels_short"]),
    )
    return check_certificate(certificates, "joint", totals, found)
