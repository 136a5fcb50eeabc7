"""``radar track``: where the parcels stand."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import known_errors, out_rows, say, workspace_of
from cli.options import FirstDay, Json, LastDay, parse_day

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


def register(app: typer.Typer) -> None:
    """Add ``radar track`` and its commands."""
    group = typer.Typer(name="track", help="Where the parcels stand.", no_args_is_help=True)
    # a group of one command would swallow the command's name
    group.callback()(lambda: None)
    group.command("rates")(rates)
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
    chosen = None if as_of is None else _parse_as_of(as_of, settings.zone)
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


def _parse_as_of(text: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        moment = None
    if moment is None or len(text.strip()) <= len("2025-11-12"):
        return datetime.combine(parse_day(text) + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
