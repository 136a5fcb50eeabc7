"""``radar track``: where the parcels stand."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import track_care
from cli.console import known_errors, out_rows, say, workspace_of
from cli.options import FirstDay, Json, LastDay, parse_as_of


def register(app: typer.Typer) -> None:
    """Add ``radar track`` and its commands."""
    group = typer.Typer(name="track", help="Where the parcels stand.", no_args_is_help=True)
    group.command("rates")(rates)
    group.command("care")(track_care.care)
    app.add_typer(group)


@known_errors
def rates(
    context: typer.Context,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="TIME",
            help="Look at this time, e.g. 2025-11-12T18:00, or at the end of a date; by default at the latest time the waybills know.",
        ),
    ] = None,
    first: FirstDay = None,
    last: LastDay = None,
    by: Annotated[
        str,
        typer.Option(
            "--by", metavar="CUTS", help="Cut by courier, merchant, origin_hub, destination_hub; joined by commas."
        ),
    ] = "",
    json: Json = False,
) -> None:
    """Pick-up, in-transit, signed and exception rate of the waybills ordered from --from to --to: table tracking_rates.

    Not picked + in transit + signed + returned = 100 %; an open exception comes on top.

    Example: `radar track rates --from 2025-11-11 --to 2025-11-11 --by courier`
    """
    from operations.tracking import latest_moment, measure_rates, with_partition

    workspace = workspace_of(context)
    settings = workspace.settings.workspace
    cuts = [part.strip() for part in by.split(",") if part.strip()]
    options = {"as_of": as_of, "from": first, "to": last, "by": cuts}
    chosen = None if as_of is None else parse_as_of(as_of, settings.zone)
    with workspace.run("track rates", options=options) as run:
        waybills = run.read("waybills")
        moment = chosen or latest_moment(waybills)
        measured = measure_rates(waybills, moment, first, last, cuts, settings.zone, settings.cutoff_hour)
        run.append("tracking_rates", measured)
        run.message = f"{measured['parcels'][0]:,} waybills as at {moment.astimezone(settings.zone).isoformat(timespec='minutes')}"
    whole = ["not_picked_rate", "in_transit_rate", "signed_rate", "returned_rate"]
    columns = ["dimension", "member", "parcels", "pickup_rate", *whole, "exception_rate"]
    shown = with_partition(measured)
    out_rows(shown, json=json, columns=None if json else columns)
    say(f"{run.message}, ordered {shown['window_from'][0]} to {shown['window_to'][0]} (run {run.run_id}).")
