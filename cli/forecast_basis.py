"""Which forecast a plan stands on, and what a newer forecast lost against the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import say, warn

if TYPE_CHECKING:
    from data.table_reader import TableReader

ForecastRun = Annotated[
    str | None,
    typer.Option("--forecast", metavar="RUN", help="Forecast to stand on (see `radar runs`); by default the latest."),
]


def basis_of(reader: TableReader, run_id: str) -> dict[str, object]:
    """Return the forecast a run stands on and the last day it knew, as ``forecast_run`` and ``as_of``."""
    import polars as pl

    row = reader.runs().row(by_predicate=pl.col("run_id") == run_id, named=True)
    return {"forecast_run": row["forecast_run"], "as_of": row["as_of"]}


def tell_basis(reader: TableReader, run_id: str) -> None:
    """Name the forecast a run stands on and the last day it knew, and say when it lost the weather of the one before."""
    basis = basis_of(reader, run_id)
    forecast_run = basis["forecast_run"]
    if isinstance(forecast_run, str):
        say(f"It stands on {forecast_run}, which knew the days up to {basis['as_of']}.")
        warn_of_lost_weather(reader, forecast_run)


def warn_of_lost_weather(reader: TableReader, forecast_run: str) -> None:
    """Say so when a forecast has no weather in it while the one before it had."""
    commands = dict(reader.runs().select("run_id", "command").iter_rows())
    writers = reader.writers("route_forecasts")
    if forecast_run not in writers or commands[forecast_run] == "weather apply":
        return
    before = writers[: writers.index(forecast_run)]
    if before and commands[before[-1]] == "weather apply":
        warn(
            f"{forecast_run} has no weather in it, while {before[-1]} before it had: run `radar weather impact` and "
            "`radar weather apply` to bring it in."
        )
