"""``radar plan explain``: why parcels are short, what fills a hub, why a lane runs; of any past trunk plan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.console import known_errors, out_json, out_rows, say, workspace_of
from cli.options import Json, parse_day
from cli.trunk_task import read_options

if TYPE_CHECKING:
    import polars as pl

Tables = Mapping[str, "pl.DataFrame"]
Told = dict[str, tuple[str, "pl.DataFrame"]]  # rows with their title, by what they are


def register(group: typer.Typer) -> None:
    """Add ``explain`` to the group ``radar plan``."""
    group.command("explain")(plan_explain)


@known_errors
def plan_explain(
    context: typer.Context,
    hub: Annotated[str | None, typer.Option("--hub", metavar="HUB", help="What fills this hub.")] = None,
    lane: Annotated[str | None, typer.Option("--lane", metavar="LANE", help="Why this lane runs.")] = None,
    shortfalls: Annotated[
        bool,
        typer.Option("--shortfalls", help="Why parcels are short, and what would carry them, by the fix they share."),
    ] = False,
    day: Annotated[
        date | None,
        typer.Option("--date", parser=parse_day, metavar="DATE", help="This day; else all, and the busiest in detail."),
    ] = None,
    plan: Annotated[
        str, typer.Option("--plan", metavar="RUN", help="The trunk plan; by default the latest.")
    ] = "trunk",
    top: Annotated[int, typer.Option("--top", min=1, help="Rows of each list.")] = 10,
    json: Json = False,
) -> None:
    """Explain a trunk plan: without an option its shortfalls, fullest hubs and busiest lanes, with one the matter whole.

    A lane's worth is planned: what its parcels would cost without it, everything else as it is.

    Example: `radar plan explain --hub HAN --date 2025-11-11`
    """
    from cli.past_plans import find_plan, read_trunk_plan
    from data.errors import RadarError

    if sum((hub is not None, lane is not None, shortfalls)) > 1:
        raise RadarError("more than one of --hub, --lane and --shortfalls", "one of them", "ask one after the other")
    workspace = workspace_of(context)
    run_id, kind = find_plan(workspace, plan)
    if kind not in ("trunk", "joint"):
        raise RadarError(f"{run_id} is a {kind} plan", "a trunk plan", "name one with --plan")
    tables, options = read_trunk_plan(workspace, run_id)
    for name in ("hub_prices", "shortfalls"):
        tables[name] = workspace.read(name).filter(workspace.read(name)["run_id"] == run_id)
    sentence = ""
    if hub is not None:
        tables_shown, sentence = _explain_hub(tables, hub, day, top)
    elif lane is not None:
        tables_shown, sentence = _explain_lane(tables, options, lane, day, top)
    elif shortfalls:
        tables_shown = {"shortfalls": ("Shortfalls by their fix", _group_shortfalls(tables, day))}
    else:
        tables_shown = _overview(tables, day, top)
    if json:
        out_json(
            {"run_id": run_id, **{name: rows.to_dicts() for name, (_, rows) in tables_shown.items()}, "told": sentence}
        )
        return
    for title, rows in tables_shown.values():
        if rows.height:
            out_rows(rows, json=False, title=title)
    if "shortfalls" in tables_shown and not tables_shown["shortfalls"][1].height:
        sentence = f"Nothing is short in {run_id}."
    if sentence:
        say(sentence)


def _overview(tables: Tables, day: date | None, top: int) -> Told:
    from routing.trunk.explain.hub_loads import list_hub_days
    from routing.trunk.explain.lane_loads import list_lane_days

    hub_days = _on(list_hub_days(tables, _list_visits(tables)), day)
    full = hub_days.sort(["utilisation", "date", "hub_id"], descending=[True, False, False], nulls_last=True)
    busy = _on(list_lane_days(tables), day).sort(["parcels", "date", "lane_id"], descending=[True, False, False])
    return {
        "shortfalls": ("Shortfalls by their fix", _group_shortfalls(tables, day).head(top)),
        "hubs": ("Fullest hubs", full.head(top)),
        "lanes": ("Busiest lanes", busy.head(top)),
    }


def _list_visits(tables: Tables) -> pl.DataFrame:
    from data.hub_load import list_sort_visits, list_visits, names_hours

    flows = tables["trunk_flows"]
    return list_sort_visits(tables) if names_hours(flows) else list_visits(flows, tables["lanes"])


def _group_shortfalls(tables: Tables, day: date | None) -> pl.DataFrame:
    from data.plan_outcome import group_by_fix

    return group_by_fix(_on(tables["shortfalls"], day))


def _explain_hub(tables: Tables, hub: str, day: date | None, top: int) -> tuple[Told, str]:
    import polars as pl

    from routing.trunk.explain.hub_loads import list_fill, list_hub_days

    visits = _list_visits(tables).filter(pl.col("hub_id") == hub)
    days = list_hub_days(tables, visits).filter(pl.col("hub_id") == hub)
    days = _on(_known(days, f"hub {hub}", tables["hubs"]["hub_id"]), day)
    keys = ["date", "sort_id"] if "sort_id" in days.columns else ["date"]
    row = days.sort(["handled", "date"], descending=[True, False], maintain_order=True).row(0, named=True)
    fill = list_fill(visits.filter(pl.col(key) == row[key] for key in keys), top)
    in_sort = f" in sort {row['sort_id']}" if "sort_id" in row else ""
    before, after = ("sort before", "for the next sort") if in_sort else ("night before", "over the night")
    busiest = f"{row['date']}{in_sort}"
    used = f", {row['utilisation']:.0%} of {row['capacity']:,}" if row["capacity"] else ""
    waited = f"; {row['waited']:,} of them waited from the {before}" if row["waited"] else ""
    worth = f"; one parcel more of sort capacity saves {row['price']:,.2f} CNY" if row["price"] else ""
    text = f"{hub} sorts {row['handled']:,} parcels on {busiest}{used}{waited}; {row['held']:,} wait {after}{worth}."
    return {"days": (hub, days.drop("hub_id")), "fill": (f"What fills {hub} on {busiest}", fill)}, text


def _explain_lane(tables: Tables, options: dict[str, Any], lane: str, day: date | None, top: int) -> tuple[Told, str]:
    import polars as pl

    from routing.trunk.explain.lane_loads import describe_dropped, list_lane_days, list_riders

    days = list_lane_days(tables).filter(pl.col("lane_id") == lane)
    days = _on(_known(days, f"lane {lane}", tables["lanes"]["lane_id"]), day)
    busiest = day or days.sort(["parcels", "date"], descending=[True, False])["date"][0]
    riders = list_riders(tables["trunk_flows"]).filter((pl.col("lane_id") == lane) & (pl.col("date") == busiest))
    riders = riders.sort(["parcels", "origin_hub_id", "destination_hub_id"], descending=[True, False, False])
    share = pl.col("parcels") / max(int(riders["parcels"].sum()), 1)
    dropped = _drop(tables, options, lane, busiest)
    text = f"{lane} on {busiest}: {describe_dropped(dropped)}."
    rows = riders.with_columns(share=share).drop("date", "lane_id").head(top)
    return {"days": (lane, days.drop("lane_id")), "riders": (f"Who rides on {lane} on {busiest}", rows)}, text


def _drop(tables: Tables, options: dict[str, Any], lane: str, day: date) -> Any:
    from routing.trunk.explain.lane_loads import drop_arc
    from routing.trunk.replan.from_tables import DepartureBook, read_draft
    from routing.trunk.task.build_network import build_network
    from routing.trunk.task.inputs import TrunkInputs

    network = build_network(TrunkInputs.gather(tables), read_options(options))
    draft = read_draft(network, tables)
    return drop_arc(network, draft, *DepartureBook(network).find_arcs_of_day(lane, day))


def _known(rows: pl.DataFrame, what: str, ids: pl.Series) -> pl.DataFrame:
    from data.errors import RadarError
    from data.spelling import ask_near

    if rows.is_empty():
        asked = what.split(" ", 1)[1]
        lists = "`radar plan explain` lists the fullest and busiest"
        if asked in ids.to_list():
            raise RadarError(f"{what} does nothing in this plan", action=lists)
        raise RadarError(f"{what} is unknown", action=ask_near(asked, ids) or lists)
    return rows


def _on(rows: pl.DataFrame, day: date | None) -> pl.DataFrame:
    from data.errors import RadarError

    if day is None:
        return rows
    on_day = rows.filter(rows["date"] == day)
    if on_day.is_empty() and rows.height:
        known = rows["date"].unique().sort().to_list()
        raise RadarError(f"nothing on {day}", f"a day from {known[0]} to {known[-1]}", "set --date")
    return on_day
