"""``radar plan timetable``: a trunk plan as a timetable that other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import known_errors, out_json, out_rows, say, warn, workspace_of
from cli.options import Json

if TYPE_CHECKING:
    import polars as pl


def register(group: typer.Typer) -> None:
    """Add ``timetable`` to the group ``radar plan``."""
    group.command("timetable")(plan_timetable)


@known_errors
def plan_timetable(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the files; made where there is none.")],
    plan: Annotated[
        str, typer.Option("--plan", metavar="RUN", help="The trunk plan; by default the latest.")
    ] = "trunk",
    sort_from: Annotated[
        float, typer.Option("--sort-from", help="Hour at which hubs begin to sort, in a plan by days.")
    ] = 8.0,
    sort_to: Annotated[
        float, typer.Option("--sort-to", help="Hour by which the last vehicle of a day leaves, in a plan by days.")
    ] = 24.0,
    agency: Annotated[str, typer.Option("--agency", help="Name of the carrier.")] = "Trunk network",
    agency_url: Annotated[
        str, typer.Option("--agency-url", help="Its address on the web: GTFS asks for one.")
    ] = "https://example.org/",
    json: Json = False,
) -> None:
    """Write a trunk plan as a timetable: a folder of GTFS files, one trip a departure, and what each trip holds.

    A plan by sorts says when vehicles leave and arrive. One by days says on which day; the hours are derived: those of a lane
    leave evenly over the sorting hours, the last at their end.

    Example: `radar plan timetable --out timetable`
    """
    from cli.past_plans import find_plan, read_trunk_plan
    from data.errors import RadarError
    from data.exports import write_folder
    from routing.timetable import FILES, write_timetable

    workspace = workspace_of(context)
    run_id, kind = find_plan(workspace, plan)
    if kind not in ("trunk", "joint"):
        raise RadarError(f"{run_id} is a {kind} plan", "a trunk plan", "name one with --plan")
    tables, options = read_trunk_plan(workspace, run_id)
    frames = write_timetable(
        tables,
        timezone=workspace.settings.workspace.timezone,
        agency=agency,
        agency_url=agency_url,
        first_hour=sort_from,
        last_hour=sort_to,
        turn_round_hours=float(options.get("turn_round_hours") or 0.0),
    )
    write_folder({f"{name}.txt": frames[name] for name in FILES}, out)
    rows = {f"{name}.txt": frames[name].height for name in FILES}
    if json:
        out_json({"run_id": run_id, "folder": str(out), "rows": rows})
    else:
        import polars as pl

        out_rows(pl.DataFrame({"file": list(rows), "rows": list(rows.values())}), json=False, title=str(out))
    _tell_duties(frames["duties"])
    nowhere = frames["stops"].filter(frames["stops"]["stop_lat"] == "").height
    if nowhere:
        warn(f"{nowhere} hubs have no coordinates: their stops have none either, which GTFS readers may refuse.")
    say(f"The timetable of {run_id}: {rows['trips.txt']:,} departures.")


def _tell_duties(duties: pl.DataFrame) -> None:
    """Say what the trips ask of drivers."""
    import polars as pl

    from routing.duties import RULES

    hours = duties["driving_hours"].cast(pl.Float64).sum()
    breaks, drivers = (int(duties[name].cast(pl.Int64).sum()) for name in ("breaks", "drivers"))
    several = int((duties["drivers"].cast(pl.Int64) > 1).sum())
    say(
        f"At the wheel: {hours:,.0f} h in {duties.height:,} duties, {drivers:,} drivers in all; {several:,} duties are of more than "
        f"{RULES.daily_hours:g} h within 24 and need drivers in turn; {breaks:,} breaks of {RULES.break_minutes:g} minutes are due after "
        f"{RULES.continuous_hours:g} h, which lengthen a trip unless its lane's hours hold them (duties.txt)."
    )
