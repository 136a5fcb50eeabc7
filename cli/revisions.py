"""``radar revisions``: why the forecast changed."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

import typer

from cli.console import known_errors, out_json, out_rows, say, workspace_of
from cli.options import Json, parse_day


class Level(StrEnum):
    """Level whose change is split."""

    network = "network"
    region = "region"
    hub = "hub"
    route = "route"
    outlet = "outlet"


_KEYS: dict[Level, tuple[str, ...]] = {
    Level.network: (),
    Level.region: ("region_id", "direction"),
    Level.hub: ("hub_id", "direction"),
    Level.route: ("courier_id", "origin_hub_id", "destination_hub_id"),
    Level.outlet: ("outlet_id", "direction"),
}


def register(app: typer.Typer) -> None:
    """Add ``radar revisions``."""
    app.command("revisions")(revisions)


@known_errors
def revisions(
    context: typer.Context,
    before: Annotated[
        date, typer.Option("--from", parser=parse_day, metavar="DATE", help="As-of date of the earlier forecast.")
    ],
    after: Annotated[
        date, typer.Option("--to", parser=parse_day, metavar="DATE", help="As-of date of the later forecast.")
    ],
    level: Annotated[Level, typer.Option("--level", help="Level to compare.")] = Level.network,
    top: Annotated[int, typer.Option("--top", min=1, help="Print the largest changes only.")] = 20,
    json: Json = False,
) -> None:
    """Split the change between two forecasts into level, calendar, event, growth, weather and override.

    The parts of a row add up to its change. Of several forecasts from one date the latest counts.

    Example: `radar revisions --from 2025-10-20 --to 2025-10-27 --level hub`
    """
    from data.errors import RadarError
    from forecasting.evaluation.revisions import split_revision, sum_revision
    from forecasting.evaluation.vintages import find_vintage

    if before == after:
        raise RadarError(
            f"the same as-of date {before} twice", "two forecasts to compare", "choose another --from or --to"
        )
    workspace = workspace_of(context)
    name = f"{level.value}_forecasts"
    table, writers = workspace.read(name), workspace.writers(name)
    keys = _KEYS[level]
    found = split_revision(find_vintage(table, writers, before), find_vintage(table, writers, after), keys)
    summed = sum_revision(found, keys).head(top)
    if json:
        by_day = found if level is Level.network else found.join(summed.select(keys), on=keys, how="semi")
        out_json({"total": sum_revision(found).to_dicts()[0], "rows": summed.to_dicts(), "days": by_day.to_dicts()})
        return
    if level is Level.network:
        out_rows(found, json=False, title="Change of the network forecast, parcels by day")
    else:
        out_rows(summed, json=False, title=f"Largest changes by {level.value}, parcels over all common days")
    total = sum_revision(found).row(0, named=True)
    say(f"{found['date'].n_unique()} common days: {total['before']:,} parcels before, {total['after']:,} after.")
