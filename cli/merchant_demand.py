"""The demand cube a stock plan reads: the one the forecast kept, or one made from the same tables where none is kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from cli.console import warn

if TYPE_CHECKING:
    import polars as pl

    from data.runs import Run
    from data.table_reader import TableReader
    from data.workspace import Workspace

_INPUTS = ("route_volumes", "sales", "merchants", "events", "promotions", "network_changes", "merchant_plans")
_DAYS_FROM_SALES = 60  # days ahead where sales alone give the demand and no last day is given


def read_cube(
    run: Run, *, forecast: str | None = None, as_of: date | None = None, last: date | None = None, timezone: str = "UTC"
) -> pl.DataFrame:
    """Read what merchants are expected to sell.

    Parameters
    ----------
    run
        The command's run.
    forecast
        Forecast to stand on; None takes the latest that knew no more than `as_of`.
    as_of
        Last day that may be known; None takes what the forecast knew.
    last
        Last day needed.
    timezone
        Of business dates.

    Returns
    -------
    polars.DataFrame
        Rows of ``merchant_forecasts``: those of the forecast (weather moves parcels to other days, not orders), or, of a forecast
        that kept none and of a workspace without one, made here from sales and what there is.
    """
    hubs = _find_forecast(run, forecast, as_of)
    if hubs is not None:
        own_cube = _find_kept(run, str(hubs["run_id"][0]))
        if own_cube is not None:
            return own_cube
    tables = {name: run.read(name) for name in _INPUTS}
    return _make(tables, hubs, as_of, last, timezone)


def _make(
    tables: dict[str, pl.DataFrame], hubs: pl.DataFrame | None, as_of: date | None, last: date | None, timezone: str
) -> pl.DataFrame:
    """Make the cube from sales, the forecast of the hubs where there is one, and what merchants plan."""
    from forecasting.history.as_of_view import restrict
    from forecasting.inputs import ForecastInputs
    from forecasting.merchants.cube import forecast_merchants, merchant_inputs

    inputs = ForecastInputs(**tables, timezone=timezone)
    known = as_of or (hubs["as_of"][0] if hubs is not None else inputs.sales["date"].max())
    if not isinstance(known, date):
        return forecast_merchants(merchant_inputs(inputs, None), date.min, 1).table
    end = hubs["date"].max() if hubs is not None else last or known + timedelta(days=_DAYS_FROM_SALES)
    horizon = max((end - known).days, 1) if isinstance(end, date) else 1
    return forecast_merchants(merchant_inputs(restrict(inputs, known), hubs), known, horizon).table


def remake_cube(workspace: Workspace, plan: dict[str, Any]) -> pl.DataFrame | None:
    """Make the cube of a past joint plan again where its forecast kept none: from the tables as they stood then, up to the stock's last day.

    Returns
    -------
    polars.DataFrame or None
        None of a plan for given demand, of one made before its days were kept, and where nothing was sold.
    """
    from cli.past_plans import read_as_planned

    options, versions = plan["options"], plan["tables_read"]
    if "stock_to" not in options or "sales" not in versions:
        return None
    read = {name: read_as_planned(workspace, name, versions.get(name), plan) for name in (*_INPUTS, "stock_demand")}
    if not read.pop("stock_demand").is_empty() or read["sales"].is_empty():
        return None
    hubs_run = options.get("hub_forecasts_run")
    hubs = None if hubs_run is None else workspace.results("hub_forecasts", hubs_run)
    as_of = date.fromisoformat(options["as_of"]) if options.get("as_of") else None
    last = date.fromisoformat(options["stock_to"])
    return _make(read, hubs, as_of, last, workspace.settings.workspace.timezone)


def tell_first_editions(tables: Mapping[str, pl.DataFrame], first: date, last: date) -> None:
    """Say which shopping events of the days planned for have no earlier edition among the sales; nothing where units are given."""
    names = list_first_editions(tables["events"], tables["sales"], first, last)
    if tables["stock_demand"].is_empty() and names:
        warn(
            f"Events without an earlier edition among the sales: {', '.join(names)}. What is sold then is judged by other events alone."
        )


def list_first_editions(events: pl.DataFrame, sales: pl.DataFrame, first: date, last: date) -> list[str]:
    """Names of shopping events between two days that no sales of an earlier edition tell anything of, in order."""
    import polars as pl

    shopping = events.filter(pl.col("kind") == "shopping")
    ahead = shopping.filter((pl.col("date_from") <= last) & (pl.col("date_to") >= first))
    begin = sales["date"].min()
    seen = shopping.filter((pl.col("date_to") < first) & (pl.col("date_from") >= begin)) if begin else shopping.clear()
    return (
        ahead.join(seen, on="name", how="anti").sort("date_from", "name")["name"].unique(maintain_order=True).to_list()
    )


def _find_forecast(run: Run, forecast: str | None, as_of: date | None) -> pl.DataFrame | None:
    """Forecast of the hubs the plan stands on; None without one that knew no more than the plan may."""
    import polars as pl

    # looked at before it is noted: a forecast that knew too much is no input of the run
    found = run.reader.results("hub_forecasts", forecast)
    if found.is_empty() or (as_of is not None and found.select((pl.col("as_of") > as_of).any()).item()):
        return None
    return run.results("hub_forecasts", found["run_id"][0])


def _find_kept(run: Run, forecast: str) -> pl.DataFrame | None:
    """Cube of a forecast, or of the one that the weather was applied to."""
    seen = _name_kept(run.reader, forecast)
    return None if seen is None else run.results("merchant_forecasts", seen)


def find_cube(workspace: TableReader, forecast: str | None) -> pl.DataFrame | None:
    """Cube that a past plan stood on: the one its forecast kept; None where it kept none and the plan made its own."""
    seen = None if forecast is None else _name_kept(workspace, forecast)
    return None if seen is None else workspace.results("merchant_forecasts", seen)


def _name_kept(reader: TableReader, forecast: str) -> str | None:
    """Run whose cube a forecast stands on: its own, or that of the one that the weather was applied to."""
    cube_runs = set(reader.writers("merchant_forecasts"))
    stands_on = dict(reader.runs().select("run_id", "forecast_run").iter_rows())
    seen: str | None = forecast
    while seen is not None and seen not in cube_runs:
        seen = stands_on.get(seen)
    return seen
