"""What the weather costs a trunk plan: told beside the plan of the same days that was made without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.words import money, word

if TYPE_CHECKING:
    import polars as pl

    from data.workspace import Workspace
    from reports.weather_basis import WeatherBasis

_OWN = ("weather", "lane_weather_run", "lane_closures_runs", "reference", "max_changes", "draws")
"""Options in which a plan and its plan without weather may differ: on how many futures it is played changes no plan."""


def read_weather_cost(workspace: Workspace, run_id: str) -> dict[str, Any] | None:
    """Say what the weather does to a trunk plan.

    Parameters
    ----------
    workspace
        Where the plans are.
    run_id
        A trunk plan.

    Returns
    -------
    dict
        ``lane_days`` slowed or shut and ``parcels_on_them``, ``parcels_moved`` to later days by the forecast's weather; when a plan
        of the same options was made with ``--no-weather``: ``fair_run`` and ``cost``, ``late``, ``short`` each as ``_with`` and
        ``_without`` [CNY, parcels]. None for a plan that saw no weather or carries nothing.
    """
    from cli.past_plans import read_run, read_trunk_plan
    from cli.report_weather import worked_days
    from data.plan_outcome import read_outcome

    tables, options = read_trunk_plan(workspace, run_id)
    if not {"lane_weather", "route_demand", "trunk_departures"} <= set(tables):
        return None  # it saw no weather, or carried nothing the weather could touch
    days = tables["route_demand"]["date"].unique()
    touched = _touched(tables["lane_weather"], tables["trunk_departures"], worked_days(tables))
    found: dict[str, Any] = {
        "lane_days": touched.height,
        "parcels_on_them": int(touched["parcels"].sum()),
        "parcels_moved": _moved(workspace, read_run(workspace, run_id)["tables_read"], run_id, days),
        "fair_run": _fair_twin(workspace, run_id, options),
    }
    if found["fair_run"] is None:
        return found
    fair, fair_options = read_trunk_plan(workspace, found["fair_run"])
    with_it = read_outcome(tables, float(options.get("short_cost", 0.0)))
    without = read_outcome(fair, float(fair_options.get("short_cost", 0.0)))
    for name in ("cost", "late", "short"):
        found |= {f"{name}_with": getattr(with_it, name), f"{name}_without": getattr(without, name)}
    return found


def tell_weather_cost(found: dict[str, Any]) -> str:
    """Tell it in a sentence."""
    facts = {name: f"{found[name]:,}" for name in ("lane_days", "parcels_on_them", "parcels_moved")}
    sentence = word("plan_weather.touched", **facts)
    if found["fair_run"] is None:
        return sentence + word("plan_weather.no_twin")
    return sentence + word(
        "plan_weather.cost",
        run=found["fair_run"],
        cost=("+" if found["cost_with"] >= found["cost_without"] else "")
        + money(found["cost_with"] - found["cost_without"]),
        late=f"{found['late_with'] - found['late_without']:+,}",
        short=f"{found['short_with'] - found['short_without']:+,}",
    )


def read_weather_basis(workspace: Workspace, run_id: str) -> WeatherBasis:
    """Read which lane weather a trunk plan stands on, or that it stands on none."""
    from cli.past_plans import run_facts
    from cli.report_weather import read_basis

    days = workspace.results("route_demand", run_id)["date"]
    return read_basis(workspace, run_facts(workspace, run_id), days)


def tell_weather_basis(workspace: Workspace, run_id: str) -> str:
    """Tell it, in the language of the person at the keyboard and in the words of the plan report."""
    from markupsafe import Markup

    from data.language import current_language
    from reports.formats import Formats
    from reports.messages import Messages

    language = current_language()
    zone = workspace.settings.workspace.timezone
    sentences = read_weather_basis(workspace, run_id).tell(zone, Messages(language), Formats(language))
    plain = (Markup(str(one).replace("<code>", "`").replace("</code>", "`")).striptags() for one in sentences)  # noqa: S704 - tags go
    return ("" if language == "zh" else " ").join(plain)


def tell_weather(workspace: Workspace, run_id: str, cost: dict[str, Any] | None) -> list[str]:
    """Tell what a trunk plan stands on, and, where the weather touches it, what that does."""
    return [tell_weather_basis(workspace, run_id), *([tell_weather_cost(cost)] if cost and cost["lane_days"] else [])]


def list_weather(workspace: Workspace, run_id: str, cost: dict[str, Any] | None) -> dict[str, Any]:
    """List both as ``--json`` says them."""
    return {"weather": cost, "weather_basis": read_weather_basis(workspace, run_id).facts()}


def _touched(weather: pl.DataFrame, departures: pl.DataFrame, days: pl.Series) -> pl.DataFrame:
    """Lane-days of the plan that the weather touches, as the plan report counts them, with the parcels on them."""
    import polars as pl

    from reports.weather_map import is_touched

    carried = departures.group_by("date", "lane_id").agg(pl.col("parcels").sum())
    rows = weather.filter(is_touched() & pl.col("date").is_in(days.implode())).select("date", "lane_id")
    return rows.join(carried, on=["date", "lane_id"], how="left").with_columns(pl.col("parcels").fill_null(0))


def _moved(workspace: Workspace, read: dict[str, int], run_id: str, days: pl.Series) -> int:
    """Parcels that the weather in the plan's forecast moved away from its days; 0 for given demand."""
    import polars as pl

    from cli.forecast_basis import basis_of

    forecast = basis_of(workspace, run_id).get("forecast_run")
    if "route_forecasts" not in read or forecast not in workspace.writers("network_forecasts", withdrawn=True):
        return 0
    rows = workspace.results("network_forecasts", str(forecast)).filter(pl.col("date").is_in(days.implode()))
    fair = (pl.col("baseline") * pl.col("event") * pl.col("override")).round(0)
    return int(rows.select((fair - pl.col("mean")).clip(lower_bound=0).sum()).item() or 0)


def _fair_twin(workspace: Workspace, run_id: str, options: dict[str, Any]) -> str | None:
    """Latest trunk plan with the same options, the same forecast, and no weather."""
    import json

    import polars as pl

    from cli.forecast_basis import basis_of

    asked = {name: value for name, value in options.items() if name not in _OWN}
    seed, forecast = _seed(workspace, run_id), basis_of(workspace, run_id).get("forecast_run")
    plans = workspace.read("runs").filter(pl.col("command") == "plan trunk")
    known = set(workspace.writers("trunk_flows"))
    for run, stored, of in plans.sort("started_at", descending=True).select("run_id", "options", "seed").iter_rows():
        others = json.loads(stored)
        if run not in known or others.get("weather") is not False or of != seed:
            continue
        if {name: value for name, value in others.items() if name not in _OWN} != asked:
            continue
        if basis_of(workspace, run).get("forecast_run") == forecast:
            return str(run)
    return None


def _seed(workspace: Workspace, run_id: str) -> int | None:
    from cli.past_plans import read_run

    seed = read_run(workspace, run_id)["seed"]
    return None if seed is None else int(seed)
