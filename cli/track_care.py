"""``radar track care``: whom to tell before they ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.console import known_errors, out_json, out_rows, say, workspace_of
from cli.options import Json, parse_as_of
from cli.words import word

if TYPE_CHECKING:
    import polars as pl

    from data.runs import Run
    from data.workspace import Workspace
    from operations.care import CareTables

_WORTH_TELLING = 0.5  # hours a closure may add before it is told (judgement)


@known_errors
def care(
    context: typer.Context,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", metavar="TIME", help="Now, e.g. 2025-11-10T18:00; by default the latest time the waybills know."
        ),
    ] = None,
    warning: Annotated[
        str | None,
        typer.Option("--warning", metavar="ID", help="Only what this warning causes; by default all weather."),
    ] = None,
    plan: Annotated[
        str | None, typer.Option("--plan", metavar="RUN", help="Trunk plan whose paths count; by default the latest.")
    ] = None,
    least_hours: Annotated[float, typer.Option("--least-hours", min=0.0, help="Shorter delays are left out.")] = 1.0,
    top: Annotated[int, typer.Option("--top", min=1, help="Rows to print; --json prints all.")] = 20,
    json: Json = False,
) -> None:
    """List parcels and merchants whose remaining path crosses lanes under bad weather, with what to tell them: table care_list.

    Run `radar weather impact` first. Waybills under way follow the paths of the trunk plan; parcels still planned are parted among the
    merchants that sent on their route in the last 28 days. `radar advise` tells each merchant its own.

    Example: `radar track care --as-of 2025-11-10T18:00 --warning snow-red-20251109`
    """
    from cli.past_plans import find_plan
    from cli.weather_tables import latest_run
    from operations.care import list_care, sum_by_merchant
    from operations.tracking import latest_moment

    workspace = workspace_of(context)
    zone = workspace.settings.workspace.zone
    chosen = None if as_of is None else parse_as_of(as_of, zone)
    plans = workspace.writers("trunk_flows")
    plan_run = find_plan(workspace, plan)[0] if plan is not None else plans[-1] if plans else None
    options = {"as_of": as_of, "warning": warning, "plan": plan_run, "least_hours": least_hours}
    with workspace.run("track care", options=options) as run:
        impact_run = latest_run(workspace, "lane_closures", "weather impact", "radar weather impact")
        tables = _read_tables(workspace, run, plan_run, impact_run)
        moment = chosen or latest_moment(tables.waybills)
        hour = workspace.settings.weather.departure_hour
        found = write_texts(list_care(tables, moment, zone, hour, warning, least_hours), run.read("hubs"))
        run.append("care_list", found)
        merchants = sum_by_merchant(found)
        run.message = _sum_up(found, merchants)
    if json:
        out_json(
            {
                "run_id": run.run_id,
                "as_of": moment,
                "plan": plan_run,
                "impact_run": impact_run,
                "care": found.to_dicts(),
                "merchants": merchants.to_dicts(),
            }
        )
        return
    say(f"{run.message} ({run.run_id}).")
    _print_care(found, merchants, top)


def _read_tables(workspace: Workspace, run: Run, plan_run: str | None, impact_run: str) -> CareTables:
    from data.departure_times import TimetableTables
    from operations.care import CareTables

    flows = run.results("trunk_flows", plan_run) if plan_run else workspace.results("trunk_flows").clear()
    timetable = TimetableTables(
        run.read("hubs"),
        run.read("hub_sorts"),
        run.read("hub_closures"),
        run.read("lane_departures"),
        workspace.settings.plan.day_cut_off_hours,
    )
    return CareTables(
        run.read("waybills"),
        run.read("lanes"),
        flows,
        run.results("lane_weather", impact_run),
        run.results("lane_closures", impact_run),
        timetable,
    )


def _sum_up(found: pl.DataFrame, merchants: pl.DataFrame) -> str:
    under_way = int(found.filter(found["kind"] == "under_way")["parcels"].sum())
    return word(
        "care.sum",
        under_way=f"{under_way:,}",
        planned=f"{int(found['parcels'].sum()) - under_way:,}",
        named=f"{int(found.filter(found['merchant_id'].is_not_null())['parcels'].sum()):,}",
        merchants=merchants["merchant_id"].drop_nulls().len(),
    )


def _print_care(found: pl.DataFrame, merchants: pl.DataFrame, top: int) -> None:
    from data.language import current_language

    if found.height:
        out_rows(merchants.head(top), json=False, title="Merchants")
        text = f"text_{current_language()}"
        out_rows(
            found.head(top),
            json=False,
            columns=["care_id", "parcels", "expected_hours", "severity", text],
            title="Parcels",
        )
        if found.height > top:
            say(word("care.more", n=f"{found.height - top:,}"))


def write_texts(care: pl.DataFrame, hubs: pl.DataFrame) -> pl.DataFrame:
    """Write to each row of a care list what to tell, in English and Chinese: columns ``text_en`` and ``text_zh``."""
    import polars as pl

    from data.language import read_catalogue
    from reports.cause_words import CauseWords
    from reports.messages import Messages

    written = {}
    for language in ("en", "zh"):
        words, causes = read_catalogue("cli", language), CauseWords(Messages(language))
        named = hubs["name_zh" if language == "zh" and "name_zh" in hubs.columns else "name"]
        names = {hub: name or hub for hub, name in zip(hubs["hub_id"], named, strict=True)}
        texts = [
            words[_key_of(row)].format(
                parcels=f"{row['parcels']:,}",
                id=row["care_id"],
                origin=names.get(row["origin_hub_id"], row["origin_hub_id"]),
                destination=names.get(row["destination_hub_id"], row["destination_hub_id"]),
                day=row["date"],
                expected=f"{row['expected_hours']:.0f}",
                worst=f"{row['worst_hours']:.0f}",
                cause=causes(row["cause"]),
            )
            for row in care.iter_rows(named=True)
        ]
        written[f"text_{language}"] = pl.Series(f"text_{language}", texts, dtype=pl.String)
    return care.with_columns(**written)


def _key_of(row: dict[str, Any]) -> str:
    """Which sentence a row calls for: one that may come much later still, where a lane may be closed, is told so."""
    shut = row["worst_hours"] > row["expected_hours"] + _WORTH_TELLING
    return f"care.{row['kind']}_shut" if shut else f"care.{row['kind']}"
