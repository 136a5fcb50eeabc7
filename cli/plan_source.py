"""``radar plan source``: which stock serves the orders that wait."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import EXIT_INCOMPLETE, known_errors, out_json, out_rows, progress, say, warn, workspace_of
from cli.options import Json, TimeLimit, parse_day
from cli.past_plans import find_sourcing

if TYPE_CHECKING:
    from routing.stock.order_sourcing import OrderPlan


def register(group: typer.Typer) -> None:
    """Add ``source`` to the group ``radar plan``."""
    group.command("source")(plan_source)


@known_errors
def plan_source(
    context: typer.Context,
    as_of: Annotated[
        date | None,
        typer.Option(
            "--as-of",
            parser=parse_day,
            metavar="DATE",
            help="Last day of orders, counts and sales; else the last order's.",
        ),
    ] = None,
    day_cost: Annotated[float, typer.Option(help="Worth of a day on which a buyer waits [CNY/unit].")] = 0.5,
    time_limit: TimeLimit = None,
    json: Json = False,
) -> None:
    """Choose for each waiting order (`open_orders`) the stock that serves it cheapest in time; nothing is sold twice.

    What was sold since the counts of stock (`sales`) has left the warehouse it is sourced from. Orders that wait are not yet among the sales.
    Exit code 3: an order has to wait, or the check finds an error.

    Example: `radar plan source --as-of 2025-11-11`
    """
    from routing.budget import Deadline
    from routing.checker.orders import check_orders
    from routing.checker.violations import count_broken
    from routing.stock.order_sourcing import ORDER_TABLES, source_orders

    workspace = workspace_of(context)
    limit = workspace.settings.plan.time_limit_seconds if time_limit is None else time_limit
    run_options = {"as_of": as_of, "day_cost": day_cost, "time_limit": limit}
    with progress("Sourcing"), workspace.run("plan source", run_options) as run:
        tables = {name: run.read(name) for name in ORDER_TABLES}
        sourcing, zone = find_sourcing(run.reader), workspace.settings.workspace.timezone
        found = source_orders(
            tables, as_of=as_of, day_cost=day_cost, deadline=Deadline(limit), sourcing=sourcing, timezone=zone
        )
        given = {**tables, "order_sources": found.sources, "sourcing_today": sourcing}
        broken = count_broken(check_orders(given, as_of=found.as_of, timezone=zone))
        run.append("order_sources", found.sources)
        counts = {
            name: found.sources.filter(found.sources["status"] == name).height for name in ("stock", "home", "waits")
        }
        run.outcome = "shortfalls" if counts["waits"] else "done"
        run.message = f"{counts['stock']:,} orders from stock, {counts['home']:,} from home, {counts['waits']:,} wait"
    late = found.sources.filter(found.sources["late_hours"] > 0).height
    if json:
        out_json(
            {
                "run_id": run.run_id,
                "orders": found.sources.height,
                **counts,
                "late": late,
                "cost": found.cost,
                "lower_bound": found.lower_bound,
                "units_sold_since_counts": found.on_hand.sold,
                "units_received_since_counts": found.on_hand.received,
                "counts_too_old": found.on_hand.stale,
                "violations": broken,
                "sources": found.sources.to_dicts(),
            }
        )
    else:
        _print(found, run.run_id)
        say(f"{run.message}; {late:,} come after their promise.")
        _tell_on_hand(found)
    if broken:
        warn(f"The checker finds {broken} violations: an order is lost or stock is sold twice.")
    if counts["waits"] or broken:
        raise typer.Exit(EXIT_INCOMPLETE)


def _print(found: OrderPlan, run_id: str) -> None:
    import polars as pl

    rows = found.sources.group_by("status", "warehouse_id", "origin_hub_id").agg(
        orders=pl.len(),
        units=pl.col("units").sum(),
        late=(pl.col("late_hours") > 0).sum(),
        cost=pl.col("cost").sum().round(2),
    )
    out_rows(rows.sort("status", "warehouse_id", "origin_hub_id"), json=False, title=run_id)


def _tell_on_hand(found: OrderPlan) -> None:
    """Say what of the stock counted is sold by now, what came in, and which counts are too old."""
    on_hand = found.on_hand
    if on_hand.sold or on_hand.received:
        say(f"By {found.as_of} {on_hand.sold:,} of the units counted are sold; {on_hand.received:,} came in since.")
    if on_hand.stale:
        warn(f"{on_hand.stale:,} counts of stock are older than a year and left out: load a newer count.")
