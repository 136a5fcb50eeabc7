"""``radar plan stock``: where merchants' stock should stand before a peak."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import EXIT_INCOMPLETE, known_errors, out_json, out_rows, progress, say, warn, workspace_of
from cli.forecast_basis import basis_of, tell_basis
from cli.merchant_demand import read_cube, tell_first_editions
from cli.options import Effort, FirstDay, Json, LastDay, Seed, TimeLimit, parse_day
from cli.past_plans import find_sourcing
from cli.stock_facts import find_prices, read_prices, tell_on_hand

_MERCHANTS_SHOWN = 10

if TYPE_CHECKING:
    import polars as pl

    from data.workspace import Workspace
    from routing.checker.violations import Violation
    from routing.stock.options import StockOptions
    from routing.stock.plan import StockPlan


def register(group: typer.Typer) -> None:
    """Add ``stock`` to the group ``radar plan``."""
    group.command("stock")(plan_stock)


@known_errors
def plan_stock(
    context: typer.Context,
    first: FirstDay = None,
    last: LastDay = None,
    as_of: Annotated[
        date | None, typer.Option("--as-of", parser=parse_day, metavar="DATE", help="Last day of sales to use.")
    ] = None,
    on_shelf: Annotated[
        date | None,
        typer.Option(
            "--on-shelf", parser=parse_day, metavar="DATE", help="Day by which goods can be sold; else the first day."
        ),
    ] = None,
    confidence: Annotated[
        float | None,
        typer.Option(
            help="Probability of being there in time, by the lead times waybills show; else the lanes' hours."
        ),
    ] = None,
    service_level: Annotated[
        float | None,
        typer.Option(help="Probability with which an item's stock suffices; by default the pay-off of a unit sets it."),
    ] = None,
    from_home: Annotated[
        bool,
        typer.Option(
            "--from-home/--all-ahead",
            help="Leave at home what costs less from there or finds no room, or place everything ahead.",
        ),
    ] = True,
    effort: Effort = None,
    time_limit: TimeLimit = None,
    short_cost: Annotated[float, typer.Option(help="Price put on a unit without room [CNY].")] = 20.0,
    day_cost: Annotated[float, typer.Option(help="Worth of a day on which a buyer waits [CNY/unit].")] = 0.5,
    hub_prices: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="CSV hub_id,price: what a parcel off a hub is worth [CNY]; by default the latest trunk plan's prices.",
        ),
    ] = None,
    rolling: Annotated[
        bool,
        typer.Option(
            "--rolling",
            help="Fill warehouses up week by week, from home and from one another; else once, for an event.",
        ),
    ] = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Plan how many units of each merchant and category should stand in which warehouse by which day, and why.

    Without --from and --to it plans for the shopping events that begin within 30 days. Exit code 3: some stock has no room.

    Example: `radar plan stock --from 2025-11-01 --to 2025-11-13 --service-level 0.9`
    """
    from cli.plan_rolling import plan_rolling, set_rolling
    from routing.stock.options import StockOptions

    workspace = workspace_of(context)
    settings = workspace.settings.plan
    options = StockOptions(
        first=first,
        last=last,
        as_of=as_of,
        on_shelf=on_shelf,
        confidence=confidence,
        service_level=service_level,
        from_home=from_home,
        short_cost=short_cost,
        day_cost=day_cost,
        effort=settings.effort if effort is None else effort,
        time_limit=settings.time_limit_seconds if time_limit is None else time_limit,
    )
    given = None if hub_prices is None else read_prices(hub_prices)
    if rolling:
        plan_rolling(workspace, set_rolling(options), given, seed, json=json)
    else:
        _plan_event(workspace, options, given, seed, json=json)


def _plan_event(
    workspace: Workspace, options: StockOptions, given: dict[str, float] | None, seed: int, *, json: bool
) -> None:
    """Plan the stock of an event and tell it; `given` are prices of hubs, None takes the latest trunk plan's."""
    from routing.checker.violations import count_broken
    from routing.stock.plan import plan_stock as plan
    from routing.stock.task import CUBE, SOURCING, TABLES, WAYBILLS

    chosen = {name: getattr(options, name) for name in options.__slots__}
    with progress("Stock plan") as bar, workspace.run("plan stock", options=chosen, seed=seed) as run:
        prices = find_prices(run) if given is None else given
        run.options = {**chosen, "hub_prices": prices}
        tables = {name: run.read(name) for name in TABLES}
        if tables["stock_demand"].is_empty():
            zone = workspace.settings.workspace.timezone
            tables[CUBE] = read_cube(run, as_of=options.as_of, last=options.last, timezone=zone)
        tables[SOURCING] = find_sourcing(run.reader)
        if options.confidence is not None:
            tables[WAYBILLS] = run.read("waybills")
        found = plan(tables, options, hub_prices=prices, progress=bar)
        violations = _check(found, tables)
        certificate = found.certificate.with_columns(violations=count_broken(violations))
        run.append("stock_allocations", found.allocations)
        run.append("plan_certificates", certificate)
        run.outcome = "shortfalls" if found.shortages.height else "done"
        run.message = _sum_up(found)
    _print_plan(found, run.run_id, basis_of(workspace, run.run_id), json=json, priced=any(prices.values()))
    if not json:
        tell_basis(workspace, run.run_id)
        tell_first_editions(tables, found.window.first, found.window.last)
    if violations:
        warn(f"The checker finds {len(violations)} violations: see `radar verify {run.run_id}`.")
    if found.shortages.height:
        raise typer.Exit(EXIT_INCOMPLETE)


def _check(found: StockPlan, tables: Mapping[str, pl.DataFrame]) -> list[Violation]:
    """Have the independent checker judge a stock plan against the tables it was made from."""
    from routing.checker.stock import check_stock
    from routing.stock.task import SOURCING

    checked = {
        **{name: tables[name] for name in ("merchants", "warehouses", "stock", "stock_receipts", "sales")},
        "sourcing_today": tables[SOURCING],
        "stock_allocations": found.allocations,
        "plan_certificates": found.certificate,
    }
    return check_stock(checked, as_of=found.as_of)


def latest_dispatch(found: StockPlan) -> pl.DataFrame:
    """Say by which day each merchant's first goods must leave, and what it costs if they come two days later.

    Returns
    -------
    polars.DataFrame
        merchant_id, send [units], dispatch_by, missed (goods whose day has passed), two_days_late [CNY], the dearest first.
    """
    import polars as pl

    from data.reasons import read_reason

    rows = [
        (row["merchant_id"], reason.send, row["ship_by"], bool(reason.missed), reason.late)
        for row in found.allocations.iter_rows(named=True)
        if (reason := read_reason(row["reason"])) is not None and reason.send > 0
    ]
    schema = {
        "merchant_id": pl.String,
        "send": pl.Int64,
        "dispatch_by": pl.Date,
        "missed": pl.Boolean,
        "two_days_late": pl.Float64,
    }
    frame = pl.DataFrame(rows, schema=schema, orient="row").group_by("merchant_id")
    return frame.agg(
        pl.col("send").sum(), pl.col("dispatch_by").min(), pl.col("missed").sum(), pl.col("two_days_late").sum()
    ).sort("two_days_late", "merchant_id", descending=[True, False])


def _sum_up(found: StockPlan) -> str:
    from routing.budget import tell_end

    row = found.certificate.row(0, named=True)
    lost = found.short_cost
    short = f"; {row['parcels_short']:,} units without room at {lost:,.0f} CNY more" if row["parcels_short"] else ""
    return (
        f"{row['parcels_planned']:,} units in {found.allocations['warehouse_id'].n_unique()} warehouses for "
        f"{found.window.name}, {row['cost'] - lost:,.0f} CNY, within {100 * row['gap']:.2f} % of the least possible{short}; "
        f"{tell_end(row['ended_by'])}"
    )


def _print_plan(found: StockPlan, run_id: str, basis: dict[str, object], *, json: bool, priced: bool) -> None:
    import polars as pl

    if json:
        out_json(
            {
                "run_id": run_id,
                **basis,
                "from": found.window.first,
                "to": found.window.last,
                "cost_today": found.cost_today,
                "units_from_home": found.at_home,
                "warehouses_full": list(found.full),
                "latest_dispatch": latest_dispatch(found).to_dicts(),
                "certificate": found.certificate.row(0, named=True),
                "shortages": found.shortages.to_dicts(),
                "allocations": found.allocations.to_dicts(),
            }
        )
        return
    sites = found.allocations.group_by("warehouse_id").agg(
        merchants=pl.col("merchant_id").n_unique(), rows=pl.len(), units=pl.col("units").sum(),
        ship_by_from=pl.col("ship_by").min(), ship_by_to=pl.col("ship_by").max(),
    )  # fmt: skip
    out_rows(sites.sort("warehouse_id"), json=False, title=run_id)
    late = latest_dispatch(found)
    out_rows(late.head(_MERCHANTS_SHOWN), json=False, title=f"Latest dispatch, the dearest {_MERCHANTS_SHOWN} to miss")
    if found.shortages.height:
        out_rows(found.shortages, json=False, title="No room for")
        unreached = int(found.shortages.filter(pl.col("full") == "")["units"].sum())
        if unreached:
            warn(
                f"No warehouse is full: {unreached:,} units are for buyers to whom no lane or courier's rate leads, from a warehouse or from home."
            )
    say(_sum_up(found) + ".")
    if found.at_home:
        say(f"{found.at_home:,} units leave from home as today: that costs less, or no warehouse has room.")
    tell_on_hand(found.on_hand, found.window.first, found.full)
    if found.cost_today:
        say(
            f"The same units sent from where the merchants are today, without a warehouse: {found.cost_today:,.0f} CNY."
        )
    if priced and found.cost_today:
        say(
            "Both costs hold what a parcel less at each hub is worth to the trunk plan; merchants are told theirs without."
        )
    say("`radar advise --all` writes a file for each merchant.")
