"""``radar plan all``: every plan the workspace has data for, one after the other."""

from __future__ import annotations

import json as json_text
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import EXIT_INCOMPLETE, known_errors, out_json, say, warn, workspace_of
from cli.options import Effort, FirstDay, Json, LastDay, Seed, TimeLimit

if TYPE_CHECKING:
    from data.workspace import Workspace

# What each plan cannot be made without; of a group of alternatives one is enough. In the order in which they are made:
# where stock should stand takes the hubs' prices from the trunk plan; the joint plan is judged beside both.
_NEEDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "trunk": (("hubs",), ("lanes",), ("vehicle_types",), ("route_forecasts", "route_demand")),
    "stock": (("merchants",), ("warehouses",), ("sales",)),
    "couriers": (("couriers",), ("courier_rates",), ("courier_capacity",)),
    "outlets": (("outlets",), ("outlet_forecasts",)),
    "joint": (
        ("hubs",), ("lanes",), ("vehicle_types",), ("route_forecasts", "route_demand"), ("merchants",), ("warehouses",), ("sales",),
    ),
}  # fmt: skip


def register(group: typer.Typer) -> None:
    """Add ``all`` to the group ``radar plan``."""
    group.command("all")(plan_all)


@known_errors
def plan_all(
    context: typer.Context,
    first: FirstDay = None,
    last: LastDay = None,
    service_level: Annotated[
        float | None,
        typer.Option("--service-level", help="Quantile of the forecast to plan for; else plan.service_level."),
    ] = None,
    effort: Effort = None,
    time_limit: TimeLimit = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Make every plan there is data for: the trunk plan and its check, where stock should stand, and both decided together.

    Each command is shown before it runs, as it would be typed. A plan without its tables is left out, and said. Exit code 3:
    parcels are short or stock has no room.

    Example: `radar plan all --from 2025-11-09 --to 2025-11-15`
    """
    from cli.app import app
    from cli.pipeline import list_plan_steps, run_steps
    from data.errors import RadarError

    workspace = workspace_of(context)
    plans = [plan for plan in _list_commands(context) if _has_tables(workspace, plan)]
    if not plans:
        raise RadarError(
            f"no tables to plan with in {workspace.folder}",
            "hubs, lanes, vehicle_types and a forecast, or merchants, warehouses and sales",
            "load them; `radar check` says what each step lacks",
        )
    options = (
        ("--from", first), ("--to", last), ("--service-level", service_level), ("--effort", effort),
        ("--time-limit", time_limit), ("--seed", seed),
    )  # fmt: skip
    steps = list_plan_steps(plans, options)
    if json:
        steps = tuple(replace(step, words=(*step.words, "--json")) for step in steps)
    found: dict[str, object] = {}
    short = False
    say(f"$ {steps[0].line}")
    for number, end in enumerate(run_steps(app, workspace.folder, steps, _hide if json else _show), start=1):
        say(f"({end.step.purpose}: {end.seconds:.0f} s)")
        short |= end.exit_code == EXIT_INCOMPLETE
        if json:
            found["_".join(end.step.words[:2])] = json_text.loads(end.printed)
        if number < len(steps):
            say(f"\n$ {steps[number].line}")
    if json:
        out_json(found)
    if short:
        raise typer.Exit(EXIT_INCOMPLETE)


def _list_commands(context: typer.Context) -> list[str]:
    """Plans that have a command, in the order in which they are made."""
    group = context.parent.command if context.parent is not None else None
    return [plan for plan in _NEEDS if plan in getattr(group, "commands", {})]


def _has_tables(workspace: Workspace, plan: str) -> bool:
    there = set(workspace.present())
    missing = [" or ".join(names) for names in _NEEDS[plan] if not there.intersection(names)]
    if missing:
        warn(f"No {plan} plan: {', '.join(missing)} missing.")
    return not missing


def _show(text: str) -> None:
    typer.echo(text, nl=False)


def _hide(text: str) -> None:
    """Show nothing: the results are printed together at the end."""
