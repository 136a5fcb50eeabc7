"""``--beside RUN``: a plan of other parcels over the same hubs, which leaves less of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.console import say
from cli.trunk_task import leave_room_beside
from cli.words import word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from data.runs import Run
    from data.workspace import Workspace
    from routing.trunk.task.inputs import TrunkOptions

Beside = Annotated[
    list[str] | None,
    typer.Option(
        "--beside",
        metavar="RUN",
        help="A trunk plan of other parcels over the same hubs, such as another courier's: its sorting and waiting leave that much less. May be repeated.",
    ),
]


def find_beside(workspace: Workspace, words: Sequence[str] | None) -> list[str]:
    """Runs of the trunk plans that are to run beside a new one, each once."""
    from cli.past_plans import find_plan
    from data.errors import RadarError

    found: list[str] = []
    for name in words or ():
        run_id, kind = find_plan(workspace, "trunk" if name == "latest" else name)
        if kind not in ("trunk", "joint"):
            raise RadarError(f"{run_id}, a {kind} plan, for --beside", "a trunk plan", "see `radar runs`")
        found.append(run_id)
    return list(dict.fromkeys(found))


def read_beside(
    run: Run, tables: Mapping[str, pl.DataFrame], options: TrunkOptions, beside: Sequence[str]
) -> dict[str, pl.DataFrame]:
    """``hub_days`` as the plans beside leave them, and say what they take; no table where there are none."""
    if not beside:
        return {}
    left, taken = leave_room_beside(run, tables, options, beside)
    say(_tell_taken(beside, taken))
    return {"hub_days": left}


def _tell_taken(beside: Sequence[str], taken: pl.DataFrame) -> str:
    """Say what other plans take of the hubs, and where most."""
    runs = word("outcome.comma").join(beside)
    if taken.is_empty():
        return word("beside.nothing", runs=runs)
    row: dict[str, Any] = taken.row(0, named=True)
    figures = {name: f"{row[name]:,}" for name in ("capacity", "handled", "left")}
    return word("beside.taken", runs=runs, sorts=f"{taken.height:,}", hub=row["hub_id"], day=row["date"], **figures)
