"""``radar whatif``: what a plan would come to if tables were other than they are."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.console import known_errors, out_json, out_rows, progress, say, warn, workspace_of
from cli.options import Effort, Json, TimeLimit
from cli.words import word

if TYPE_CHECKING:
    from data.whatif import WhatIf
    from data.workspace import Workspace

whatifs = typer.Typer(no_args_is_help=True, help="Plan as if tables were other than they are, and compare.")
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="What-ifs; all without one.")]
PlanRun = Annotated[
    str,
    typer.Option("--plan", metavar="RUN", help="Plan of the workspace to stand beside: a run, or trunk (the latest)."),
]


def register(app: typer.Typer) -> None:
    """Add ``radar whatif``."""
    whatifs.command("new")(new)
    whatifs.command("list")(list_all)
    whatifs.command("run")(run)
    whatifs.command("compare")(compare)
    app.add_typer(whatifs, name="whatif")


@known_errors
def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name.")],
    edit: Annotated[
        list[str] | None,
        typer.Option(
            "--edit",
            metavar="EDIT",
            help="TABLE[column=value] column=value, or *=, +=, -=; TABLE[…] remove; TABLE add column=value, … Repeat it for more.",
        ),
    ] = None,
    edits: Annotated[
        Path | None, typer.Option("--edits", metavar="FILE", help="A TOML file with edits = [ … ], made first.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a what-if: edits of tables, tried at once, that nothing but its own plans will see.

    It is a workspace of its own in the folder whatifs/NAME: every command works on it with --workspace.

    Example: `radar whatif new "more sorters" --edit "hub_sorts[hub_id=JIN] sort_capacity*=1.15"`
    """
    from data.whatif import list_overruled, make_whatif

    workspace = workspace_of(context)
    lines = [*(_read_edits(edits) if edits is not None else []), *(edit or [])]
    made = make_whatif(workspace, name, lines)
    overruled = list_overruled(made)
    for column, hubs in overruled.items():
        warn(word("whatif.overruled", column=column, hubs=", ".join(hubs), first=hubs[0]))
    if json:
        facts = {"name": made.name, "folder": str(made.folder), "edits": [one.line for one in made.edits]}
        out_json(facts | {"overruled": overruled})
    else:
        say(word("whatif.made", name=made.name, n=len(made.edits), folder=made.folder))


@known_errors
def list_all(context: typer.Context, json: Json = False) -> None:
    """List the what-ifs of the workspace, their edits and their latest plans.

    Example: `radar whatif list`
    """
    import polars as pl

    from data.whatif import list_whatifs

    rows: list[dict[str, Any]] = [
        {
            "name": one.name,
            "made_at": one.made_at.astimezone(one.settings.workspace.zone).isoformat(timespec="minutes"),
            "edits": [edit.line for edit in one.edits],
            "plan": _latest_own(one),
        }
        for one in list_whatifs(workspace_of(context).folder)
    ]
    if json:
        out_json(rows)
    elif rows:
        out_rows(pl.DataFrame([row | {"edits": "; ".join(row["edits"])} for row in rows]), json=False)
    else:
        say(word("whatif.none"))


@known_errors
def run(
    context: typer.Context,
    names: Names = None,
    plan: PlanRun = "trunk",
    effort: Effort = None,
    time_limit: TimeLimit = None,
    near: Annotated[
        bool, typer.Option("--near", help="Stay near the workspace's plan instead of planning from nothing.")
    ] = False,
    max_changes: Annotated[
        int | None,
        typer.Option("--max-changes", min=0, metavar="N", help="With --near: departures that may differ from it."),
    ] = None,
    json: Json = False,
) -> None:
    """Plan the trunk of each what-if as the workspace's plan was made: the same days, level, demand and seed.

    Example: `radar whatif run "more sorters" --effort 0.5`
    """
    from cli.past_plans import find_plan
    from cli.plan import make_trunk_plan
    from data.errors import RadarError

    if max_changes is not None and not near:
        raise RadarError("--max-changes without a plan to count from", "--near as well")
    workspace = workspace_of(context)
    run_id, _ = find_plan(workspace, plan)
    request = _request_of(workspace, run_id, effort, time_limit, run_id if near else None, max_changes)
    made: dict[str, str] = {}
    for one in _chosen(workspace, names):
        with progress(one.name) as bar:
            made[one.name], _ = make_trunk_plan(one, request, bar)
        say(word("whatif.planned", name=one.name, run=made[one.name]))
    _tell(workspace, run_id, list(made), json)


@known_errors
def compare(context: typer.Context, names: Names = None, plan: PlanRun = "trunk", json: Json = False) -> None:
    """Lay the latest plans of what-ifs beside the workspace's: cost, risk, parcels late and short, vehicles, changes.

    What differs lane by lane tells `radar compare` in the what-if's folder.

    Example: `radar whatif compare`
    """
    from cli.past_plans import find_plan

    workspace = workspace_of(context)
    run_id, _ = find_plan(workspace, plan)
    _tell(workspace, run_id, [one.name for one in _chosen(workspace, names)], json)


def _tell(workspace: Workspace, run_id: str, names: list[str], json: bool) -> None:
    import polars as pl

    from data.whatif import find_whatif

    base = _facts(workspace, run_id, "")
    rows = [base]
    for name in names:
        whatif = find_whatif(workspace, name)
        own = _latest_own(whatif)
        if own is None:
            warn(word("whatif.unplanned", name=name))
            continue
        rows.append(_facts(whatif, own, name) | _changes(workspace, run_id, whatif, own))
        for table in _moved_on(workspace, run_id, whatif, own):
            warn(word("whatif.moved_on", name=name, table=table, run=run_id))
    frame = pl.DataFrame(rows, infer_schema_length=None)
    # where other parcels are left behind, the cost is that of carrying others, and no saving
    alike = pl.col("parcels_short") == base["parcels_short"]
    frame = frame.with_columns(cost_change=pl.when(alike).then(pl.col("carrying_cost") - base["carrying_cost"]))
    for row in rows[1:]:
        more = row["parcels_short"] - base["parcels_short"]
        if more:
            key = "whatif.shorter" if more > 0 else "whatif.fuller"
            warn(word(key, name=row["whatif"], n=f"{abs(more):,}"))
    out_rows(frame, json=json)


def _facts(workspace: Workspace, run_id: str, name: str) -> dict[str, Any]:
    import polars as pl

    from cli.plan_outcome import read_plan_outcome

    outcome = read_plan_outcome(workspace, run_id)
    certificates = workspace.results("plan_certificates", run_id)
    certificate = certificates.row(by_predicate=pl.col("plan") == "trunk", named=True)
    departures = workspace.results("trunk_departures", run_id)
    return {
        "whatif": name,
        "run_id": run_id,
        "carrying_cost": outcome.cost,
        "parcels_demanded": outcome.demanded,
        "parcels_short": outcome.short,
        "parcels_late": outcome.late,
        "departures": int(departures["departures"].sum()),
        "departures_changed": 0,
        "overflow_probability": certificate["overflow_probability"],
        "overflow_low": certificate["overflow_low"],
        "overflow_high": certificate["overflow_high"],
        "expected_cost": certificate["expected_cost"],
    }


def _changes(workspace: Workspace, run_id: str, whatif: WhatIf, own: str) -> dict[str, int]:
    """Count the departures added and taken out against the workspace's plan, by day, lane and vehicle type."""
    import polars as pl

    keys = ["date", "lane_id", "vehicle_type_id"]
    before, after = (
        one.results("trunk_departures", run).group_by(keys).agg(pl.col("departures").sum().cast(pl.Int64))
        for one, run in ((workspace, run_id), (whatif, own))
    )
    both = before.join(after, on=keys, how="full", coalesce=True, suffix="_after").fill_null(0)
    return {"departures_changed": int((both["departures_after"] - both["departures"]).abs().sum())}


def _moved_on(workspace: Workspace, run_id: str, whatif: WhatIf, own: str) -> list[str]:
    """Return tables that both plans read, but at different versions, so that more differs than the edits."""
    from cli.past_plans import read_run
    from data.contracts import contract

    before, after = (read_run(one, run)["tables_read"] for one, run in ((workspace, run_id), (whatif, own)))
    return [
        name
        for name, version in before.items()
        if name in after and after[name] != version and contract(name).group == "reference"
    ]


def _latest_own(whatif: WhatIf) -> str | None:
    own = set(whatif.own_runs()["run_id"])
    plans = [run for run in whatif.writers("trunk_departures") if run in own]
    return plans[-1] if plans else None


def _chosen(workspace: Workspace, names: list[str] | None) -> list[WhatIf]:
    from data.errors import RadarError
    from data.whatif import find_whatif, list_whatifs

    found = [find_whatif(workspace, name) for name in names] if names else list_whatifs(workspace.folder)
    if not found:
        raise RadarError("no what-if", action='make one: radar whatif new NAME --edit "…"')
    return found


def _request_of(
    workspace: Workspace,
    run_id: str,
    effort: float | None,
    time_limit: float | None,
    reference: str | None,
    max_changes: int | None,
) -> Any:
    """Ask for what a plan was asked for, so that only the edits differ."""
    from cli.past_plans import read_run
    from cli.plan_demand import read_request

    asked = read_request(read_run(workspace, run_id))
    return replace(
        asked,
        time_limit=asked.time_limit if time_limit is None else time_limit,
        effort=asked.effort if effort is None else effort,
        reference=reference,
        max_changes=max_changes,
        sort_plan=None if max_changes is not None else asked.sort_plan,
    )


def _read_edits(file: Path) -> list[str]:
    from data.errors import RadarError

    try:
        lines = tomllib.loads(file.read_text("utf-8-sig")).get("edits")
    except OSError as error:
        raise RadarError(f"it cannot be read ({error.strerror})", "", "choose another --edits", file=file) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RadarError(f"no TOML ({error})", "edits = [ … ]", "correct it", file=file) from error
    if not isinstance(lines, list) or not lines or not all(isinstance(line, str) for line in lines):
        raise RadarError("no edits", 'edits = ["hubs[hub_id=A] sort_capacity*=1.1", …]', "correct it", file=file)
    return lines
