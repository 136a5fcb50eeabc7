"""``radar forecast``: how many parcels will flow, at every level."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import known_errors, out_rows, progress, say, warn, workspace_of
from cli.forecast_basis import warn_of_lost_weather
from cli.forecast_views import capacity, draws, staffing
from cli.options import Bridge, Closed, Json, Seed, parse_day, parse_spans

if TYPE_CHECKING:
    import polars as pl

    from forecasting.results import Forecasts


class Level(StrEnum):
    """Levels of the forecast, as the option names them."""

    network = "network"
    region = "region"
    hub = "hub"
    route = "route"
    outlet = "outlet"


def register(app: typer.Typer) -> None:
    """Add ``radar forecast`` and what belongs to it."""
    group = typer.Typer(invoke_without_command=True, no_args_is_help=False)
    group.callback()(forecast)
    group.command("capacity")(capacity)
    group.command("staffing")(staffing)
    group.command("draws")(draws)
    app.add_typer(group, name="forecast")


@known_errors
def forecast(
    context: typer.Context,
    as_of: Annotated[
        date | None,
        typer.Option(
            "--as-of",
            parser=parse_day,
            metavar="DATE",
            help="Last day of history the forecast may know; by default the last day of route_volumes.",
        ),
    ] = None,
    horizon: Annotated[int, typer.Option("--horizon", min=1, help="Days ahead.")] = 14,
    level: Annotated[Level, typer.Option("--level", help="Level to print; all are stored.")] = Level.network,
    closed: Closed = None,
    bridge: Bridge = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Forecast the network, regions, hubs, routes and outlets, with intervals; every forecast is kept.

    Example: `radar forecast --as-of 2025-10-25 --horizon 21`
    """
    if context.invoked_subcommand is not None:
        return
    from cli.forecast_inputs import read_inputs, settings_of, silence_options
    from forecasting.forecast import forecast as make_forecast

    workspace = workspace_of(context)
    spans = parse_spans(closed)
    options = {
        "as_of": None if as_of is None else str(as_of),
        "horizon": horizon,
        **silence_options(spans, bridge=bridge),
    }
    with workspace.run("forecast", options=options, seed=seed) as run, progress("Forecast") as bar:
        inputs = read_inputs(run, workspace.settings.workspace.timezone)
        day = as_of or _last_day(inputs.outlet_volumes if inputs.route_volumes.is_empty() else inputs.route_volumes)
        made = make_forecast(inputs, day, horizon, seed, settings_of(workspace.settings, spans, bridge=bridge), bar)
        for name in Level:
            run.append(f"{name}_forecasts", _table(made, name))
        if made.merchant.height:
            run.append("merchant_forecasts", made.merchant)
        run.append("forecast_calibration", made.calibration)
    for note in made.notes:
        warn(note)
    if level is Level.outlet and made.outlet.is_empty():
        say("There are no outlets in this workspace, so there is no outlet forecast.")
    out_rows(_table(made, level), json=json, columns=_columns(_table(made, level)))
    warn_of_lost_weather(workspace, run.run_id)
    known = f"Volumes are known up to {made.known_until}." if made.known_until != day else ""
    text = f"Forecast from {day} for {horizon} days, run {run.run_id}: {made.network['mean'].sum():,} parcels."
    say(f"{text} {known}".rstrip())


def _last_day(volumes: pl.DataFrame) -> date:
    day = volumes["date"].max()
    if not isinstance(day, date):
        raise TypeError("volumes without a date")
    return day


def _table(made: Forecasts, level: Level) -> pl.DataFrame:
    table: pl.DataFrame = getattr(made, level.value)
    return table


def _columns(table: pl.DataFrame) -> list[str]:
    return [name for name in table.columns if name not in ("as_of", "q05", "q25", "q75", "q95")]
