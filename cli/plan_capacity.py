"""``radar plan capacity``: how many vehicles to commit, week by week, ahead of contracts."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.console import known_errors, out_json, out_rows, progress, say, warn, workspace_of
from cli.forecast_basis import ForecastRun, basis_of, tell_basis
from cli.options import EngineName, FirstDay, Json, LastDay, Seed, engine_of
from cli.plan_contracts import Asked
from cli.trunk_task import keep_options, set_options

if TYPE_CHECKING:
    import polars as pl

    from data.runs import Run
    from data.workspace import Workspace
    from routing.capacity.needs import CapacityPlan

_TABLES = ("hubs", "lanes", "vehicle_types", "lane_vehicles", "network_changes")


def register(group: typer.Typer) -> None:
    """Add ``capacity`` to the group ``radar plan``."""
    group.command("capacity")(plan_capacity)


@known_errors
def plan_capacity(
    context: typer.Context,
    service_level: Annotated[
        float | None,
        typer.Option(
            "--service-level", help="Quantile of the day's parcels to have vehicles for; else plan.service_level."
        ),
    ] = None,
    first: FirstDay = None,
    last: LastDay = None,
    effort: Annotated[
        float | None,
        typer.Option(
            "--effort",
            metavar="X",
            help="How much is searched for all volumes together, counted: the same seed and effort repeat the result to "
            "the byte; else half of plan.effort. A national network wants 2.5.",
        ),
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(
            "--time-limit",
            metavar="SECONDS",
            help="Emergency brake for all volumes together, which says so when it cuts in; else plan.time_limit_seconds.",
        ),
    ] = None,
    volumes: Annotated[int, typer.Option("--volumes", min=2, help="Volumes that are planned.")] = 5,
    forecast: ForecastRun = None,
    draws: Annotated[
        int | None,
        typer.Option(
            "--draws",
            metavar="N",
            help="Instead: book departures by lane and day over N futures of the forecast, 20 to 50, and judge them on others.",
        ),
    ] = None,
    engine: EngineName = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Say how many own, contract, hired and rail vehicles each week needs, and what committing too few or too many costs.

    From the quantiles of the latest forecast. Other numbers' costs: table capacity_costs. With --draws departures are booked by lane and day.

    Example: `radar plan capacity --service-level 0.95`
    """
    from routing.budget import tell_end
    from routing.capacity.needs import CapacityOptions
    from routing.capacity.needs import plan_capacity as plan

    workspace = workspace_of(context)
    settings = workspace.settings.plan
    options = CapacityOptions(
        service_level=settings.service_level if service_level is None else service_level,
        idle_cost_share=settings.idle_cost_share,
        spot_peak_factor=settings.spot_peak_factor,
        late_cost=settings.late_cost,
        trunk=set_options(
            workspace.settings,
            effort=settings.effort / 2 if effort is None else effort,
            time_limit=time_limit,
            seed=seed,
        ),
        volumes=volumes,
    )
    run_options = {
        "from": None if first is None else first.isoformat(),
        "to": None if last is None else last.isoformat(),
        "service_level": options.service_level,
        "idle_cost_share": options.idle_cost_share,
        "spot_peak_factor": options.spot_peak_factor,
        **keep_options(options.trunk),
        "volumes": volumes,
        "forecast": forecast,
    }
    if draws is not None:
        asked = Asked(draws, seed, engine_of(workspace, engine), settings, options.trunk)
        _book(workspace, asked, (first, last), run_options | {"draws": draws}, json)
        return
    with progress("Vehicle needs") as bar, workspace.run("plan capacity", run_options, seed) as run:
        tables = {name: run.read(name) for name in _TABLES} | _read_forecasts(run, first, last, forecast)
        found = plan(tables, options, bar)
        run.append("capacity_needs", found.needs)
        run.append("capacity_costs", found.costs)
        run.message = f"{_sum_up(found)}; {tell_end(found.curve.ended_by)}"
    if json:
        out_json(
            {
                "run_id": run.run_id,
                **basis_of(workspace, run.run_id),
                "needs": found.needs.to_dicts(),
                "costs": found.costs.to_dicts(),
                "contracts": [],
                "certificate": None,
            }
        )
    else:
        _print_needs(run.run_id, found)
        tell_basis(workspace, run.run_id)


def _book(
    workspace: Workspace, asked: Asked, days: tuple[date | None, date | None], run_options: dict[str, Any], json: bool
) -> None:
    """Book over draws, keep and tell it."""
    from cli.plan_contracts import book_contracts, check_draws, print_contracts, sum_up_contracts

    check_draws(asked.draws)
    with progress("Contracts over draws") as bar, workspace.run("plan capacity", run_options, asked.seed) as run:
        found = book_contracts(run, _read_forecasts(run, *days, run_options["forecast"]), asked, bar)
        run.append("contract_departures", found.departures)
        run.append("contract_certificates", found.certificate)
        run.message = sum_up_contracts(found)
    if json:
        answer = {"contracts": found.departures.to_dicts(), "certificate": found.certificate.row(0, named=True)}
        out_json({"run_id": run.run_id, **basis_of(workspace, run.run_id), "needs": [], "costs": [], **answer})
        return
    print_contracts(run.run_id, found)
    tell_basis(workspace, run.run_id)


def _read_forecasts(run: Run, first: date | None, last: date | None, named: str | None) -> dict[str, pl.DataFrame]:
    """Read the forecast named, else the latest, cut to the days asked for."""
    import polars as pl

    from data.errors import RadarError

    routes = run.results("route_forecasts", named)
    if routes.is_empty():
        raise RadarError("no forecast to plan for", "rows in route_forecasts", "run `radar forecast` first")
    network = run.results("network_forecasts", routes["run_id"][0])
    wanted = pl.lit(True)
    if first is not None:
        wanted = wanted & (pl.col("date") >= first)
    if last is not None:
        wanted = wanted & (pl.col("date") <= last)
    in_days = {"route_forecasts": routes.filter(wanted), "network_forecasts": network.filter(wanted)}
    if in_days["network_forecasts"].is_empty():
        days = network["date"].unique().sort().to_list()
        raise RadarError(
            "no forecast in these days", f"days from {days[0]} to {days[-1]}", "forecast them, or set --from and --to"
        )
    return in_days


def _sum_up(found: CapacityPlan) -> str:
    import polars as pl

    if found.needs.is_empty():
        return "no vehicles are needed"
    peak = found.needs.filter(pl.col("week") == found.needs.sort("needed")["week"][-1])
    parts = [
        f"{row['recommended']:,} {row['ownership']} by {row['mode']}"
        for row in peak.group_by("ownership", "mode")
        .agg(pl.col("recommended").sum())
        .sort("mode", "ownership")
        .to_dicts()
    ]
    return f"week of {peak['week'][0]}: {'; '.join(parts)}"


def _print_needs(run_id: str, found: CapacityPlan) -> None:
    from routing.budget import tell_end

    columns = ["week", "vehicle_type_id", "ownership", "q50", "q80", "q95", "needed", "recommended", "fleet_size"]
    columns += ["critical_ratio", "cost_too_few", "cost_too_many"]
    out_rows(found.needs, json=False, columns=columns, title=run_id)
    scarce = found.needs.filter(
        (found.needs["ownership"] == "spot") & (found.needs["recommended"] > found.needs["fleet_size"])
    )
    for row in scarce.iter_rows(named=True):
        warn(
            f"Week of {row['week']}: {row['recommended']:,} {row['vehicle_type_id']} wanted on call, "
            f"{row['fleet_size']:,} can be hired."
        )
    if found.curve.short:
        warn(
            f"Whatever the vehicles, {found.curve.short:,} parcels of the largest day have no way: hubs and lanes are full."
        )
    say(_sum_up(found)[:1].upper() + _sum_up(found)[1:] + f"; {tell_end(found.curve.ended_by)}.")
    say("What other numbers would cost: `radar export capacity_costs`.")
