"""``radar plan stock --rolling``: stock filled up week by week, from home and from warehouses that can do without."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import typer

from cli.console import EXIT_INCOMPLETE, out_json, out_rows, progress, say, warn
from cli.forecast_basis import basis_of, tell_basis
from cli.merchant_demand import read_cube, tell_first_editions
from cli.past_plans import find_sourcing
from cli.stock_facts import find_prices, tell_on_hand

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from data.workspace import Workspace
    from routing.checker.violations import Violation
    from routing.stock.options import StockOptions
    from routing.stock.rolling import RollingPlan

_MERCHANTS_SHOWN = 10


def plan_rolling(
    workspace: Workspace, options: StockOptions, prices: dict[str, float] | None, seed: int, *, json: bool
) -> None:
    """Plan week by week and tell it.

    Parameters
    ----------
    workspace
        Where the tables are.
    options
        What the planner set.
    prices
        Prices of hubs given in a file; None takes the latest trunk plan's.
    seed
        Kept with the run.
    json
        Whether to print JSON.
    """
    from routing.checker.rolling import INPUTS
    from routing.checker.violations import count_broken
    from routing.stock.rolling import roll_stock
    from routing.stock.task import CUBE, SOURCING, TABLES, WAYBILLS

    chosen: dict[str, Any] = {name: getattr(options, name) for name in options.__slots__} | {"rolling": True}
    with progress("Rolling stock plan") as bar, workspace.run("plan stock", options=chosen, seed=seed) as run:
        known = find_prices(run) if prices is None else prices
        tables = {name: run.read(name) for name in dict.fromkeys((*TABLES, *INPUTS))}
        zone = workspace.settings.workspace.timezone
        tables[CUBE] = read_cube(run, as_of=options.as_of, last=options.last, timezone=zone)
        tables[SOURCING] = find_sourcing(run.reader)
        if options.confidence is not None:
            tables[WAYBILLS] = run.read("waybills")
        found = roll_stock(tables, options, hub_prices=known, progress=bar)
        last = found.weeks[-1].last.isoformat()
        run.options = {**chosen, "hub_prices": known, "as_of": found.as_of.isoformat(), "stock_to": last}
        violations = judge(found, tables, options)
        certificate = found.certificate().with_columns(violations=count_broken(violations))
        run.append("stock_levels", found.levels)
        run.append("stock_transfers", found.transfers)
        run.append("plan_certificates", certificate)
        short = int(certificate["parcels_short"][0])
        run.outcome = "shortfalls" if short else "done"
        run.message = _sum_up(found)
    _print_plan(found, certificate, run.run_id, basis_of(workspace, run.run_id), json=json)
    if not json:
        tell_basis(workspace, run.run_id)
        tell_first_editions(tables, found.weeks[0].first, found.weeks[-1].last)
    if violations:
        warn(f"The checker finds {len(violations)} violations: see `radar verify {run.run_id}`.")
    if short:
        raise typer.Exit(EXIT_INCOMPLETE)


def judge(found: RollingPlan, tables: Mapping[str, pl.DataFrame], options: StockOptions) -> list[Violation]:
    """Have the independent checker judge a rolling plan against the tables it was made from."""
    from routing.checker.rolling import INPUTS, RollingTerms, check_rolling
    from routing.stock.task import CUBE, SOURCING

    given = {name: tables[name] for name in INPUTS}
    given |= {"merchant_forecasts": tables[CUBE], "sourcing_today": tables[SOURCING]}
    given |= {
        "stock_levels": found.levels,
        "stock_transfers": found.transfers,
        "plan_certificates": found.certificate(),
    }
    return check_rolling(given, RollingTerms(found.as_of, options.putaway_days, options.short_cost))


def check_past(workspace: Workspace, run_id: str) -> list[Violation]:
    """Check a past rolling plan on the tables it read."""
    from cli.merchant_demand import find_cube, remake_cube
    from cli.past_plans import read_as_planned, read_run
    from data.contracts import contract
    from routing.checker.rolling import INPUTS, RollingTerms, check_rolling

    run = read_run(workspace, run_id)
    versions, options = run["tables_read"], run["options"]
    tables = {name: read_as_planned(workspace, name, versions.get(name), run) for name in INPUTS}
    tables |= {
        name: workspace.results(name, run_id)
        if run_id in workspace.writers(name, withdrawn=True)
        else contract(name).empty()
        for name in ("stock_levels", "stock_transfers", "plan_certificates")
    }
    tables["sourcing_today"] = find_sourcing(workspace, before=run_id)
    cube = find_cube(workspace, run["forecast_run"])
    cube = remake_cube(workspace, run) if cube is None else cube
    if cube is not None:
        tables["merchant_forecasts"] = cube
    terms = RollingTerms(date.fromisoformat(options["as_of"]), options["putaway_days"], options["short_cost"])
    return check_rolling(tables, terms)


def _sum_up(found: RollingPlan) -> str:
    from routing.budget import tell_end

    row = found.certificate().row(0, named=True)
    moved = found.transfers.filter(found.transfers["origin_warehouse_id"].is_not_null())["units"].sum()
    brought = int(found.transfers["units"].sum()) - int(moved)
    home = int(found.levels.filter(found.levels["warehouse_id"].is_null())["sold"].sum())
    short = (
        f"; {row['parcels_short']:,} units nothing serves at {found.short_cost:,.0f} CNY more"
        if row["parcels_short"]
        else ""
    )
    return (
        f"{len(found.weeks)} weeks, {row['parcels_planned']:,} units ordered: {brought:,} brought from home, {moved:,} moved between warehouses, "
        f"{home:,} leave from home as today; {row['cost'] - found.short_cost:,.0f} CNY, within {100 * row['gap']:.2f} % of the least "
        f"possible{short}; {tell_end(row['ended_by'])}"
    )


def list_weeks(found: RollingPlan) -> pl.DataFrame:
    """Sum each week and warehouse up: units there, in, out, to stand ready, sold, left."""
    import polars as pl

    named = found.levels.filter(pl.col("warehouse_id").is_not_null())
    counts = ("opening", "under_way", "moved_in", "moved_out", "order_up_to", "sold", "closing")
    return named.group_by("date", "warehouse_id").agg(pl.col(*counts).sum()).sort("date", "warehouse_id")


def first_dispatch(found: RollingPlan) -> pl.DataFrame:
    """Say what each merchant sends first: merchant_id, send [units], dispatch_by, missed and two_days_late, in order of the day."""
    import polars as pl

    return (
        found.transfers.group_by("merchant_id")
        .agg(send=pl.col("units").sum(), dispatch_by=pl.col("ship_on").min())
        .with_columns(missed=pl.lit(0, pl.UInt32), two_days_late=pl.lit(None, pl.Float64))
        .sort("dispatch_by", "merchant_id")
    )


def _print_plan(
    found: RollingPlan, certificate: pl.DataFrame, run_id: str, basis: dict[str, object], *, json: bool
) -> None:
    import polars as pl

    weeks, sent = list_weeks(found), first_dispatch(found)
    home = found.levels.filter(pl.col("warehouse_id").is_null())
    short = home.filter(pl.col("short") > 0).group_by("merchant_id", "category").agg(units=pl.col("short").sum())
    short = short.with_columns(full=pl.lit("")).sort("merchant_id", "category")
    if json:
        out_json(
            {
                "run_id": run_id,
                **basis,
                "from": found.weeks[0].first,
                "to": found.weeks[-1].last,
                "cost_today": found.cost_today,
                "units_from_home": int(home["sold"].sum()),
                "warehouses_full": list(found.full),
                "latest_dispatch": sent.to_dicts(),
                "certificate": certificate.row(0, named=True),
                "shortages": short.to_dicts(),
                "allocations": [],
                "weeks": weeks.to_dicts(),
                "levels": found.levels.to_dicts(),
                "transfers": found.transfers.to_dicts(),
            }
        )
        return
    out_rows(weeks, json=False, title=run_id)
    out_rows(
        sent.head(_MERCHANTS_SHOWN).select("merchant_id", "send", "dispatch_by"),
        json=False,
        title=f"First dispatch, the first {_MERCHANTS_SHOWN}",
    )
    if short.height:
        out_rows(short.select("merchant_id", "category", "units"), json=False, title="Nothing serves")
    say(_sum_up(found) + ".")
    tell_on_hand(found.on_hand, found.weeks[0].first, found.full)
    if found.cost_today:
        say(
            f"The same units sent from where the merchants are today, without a warehouse: {found.cost_today:,.0f} CNY."
        )
    say(
        "`radar export stock_transfers` writes what is to be sent, `radar export stock_levels` each warehouse week by week."
    )


def set_rolling(options: StockOptions) -> StockOptions:
    """Options of a rolling plan.

    Raises
    ------
    RadarError
        For options that only an event has.
    """
    from data.errors import RadarError

    wrong = "--on-shelf" if options.on_shelf is not None else "--all-ahead" if not options.from_home else None
    if wrong is not None:
        raise RadarError(f"--rolling with {wrong}", "one of the two", "leave the other out")
    return replace(options, from_home=True)
