"""``radar verify``: the independent checker on a plan of the workspace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.console import EXIT_ERROR, known_errors, out_json, out_rows, say, workspace_of
from cli.edited_plan import judge_edited, print_edited
from cli.options import Json
from cli.past_plans import find_plan
from cli.plan_outcome import list_facts, tell_outcome, warn_of_shortfalls
from cli.plan_rolling import check_past
from cli.playback import list_playback, play_run, print_playback, read_hours_of, tell_playback
from cli.translation import head_of
from cli.trunk_task import read_prices
from cli.verify_risk import Replayed, list_broken, replay_risk, tell_replayed
from cli.words import term, word

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import polars as pl

    from data.plan_outcome import PlanOutcome
    from data.workspace import Workspace
    from routing.checker.playback.playback import Playback
    from routing.checker.violations import Violation

_STOCK_INPUTS = ("merchants", "warehouses", "stock", "stock_receipts", "sales")


def register(app: typer.Typer) -> None:
    """Add ``radar verify``."""
    app.command("verify")(verify)


@known_errors
def verify(
    context: typer.Context,
    plan: Annotated[
        str,
        typer.Argument(
            metavar="PLAN",
            help="A run (see `radar runs`), trunk, stock, rolling or joint (its latest plan), or latest.",
        ),
    ] = "latest",
    top: Annotated[int, typer.Option("--top", min=1, help="Violations to print; --json prints all.")] = 50,
    playback: Annotated[
        bool,
        typer.Option("--playback", help="List what misses its sort or vehicle when the plan is played by the clock."),
    ] = False,
    edited: Annotated[
        Path | None,
        typer.Option(
            "--edited",
            metavar="FILE",
            help="Judge the trunk plan with the departures of this file, an export of trunk_departures edited by hand.",
        ),
    ] = None,
    risk: Annotated[
        bool,
        typer.Option("--risk", help="Play the certificate's overflow probabilities again on its draws, by other code."),
    ] = False,
    json: Json = False,
) -> None:
    """Recompute every balance, capacity, cost and the lower bound of a plan from its tables alone, and list what does not hold.

    A trunk plan is also played by the clock of its hubs' sorts, minute by minute; what misses its sort or vehicle breaks a rule
    when the plan names hours. Exit code 0: nothing is wrong. 1: the plan breaks a rule.

    Example: `radar verify trunk`
    """
    from data.errors import RadarError

    workspace = workspace_of(context)
    run_id, kind = find_plan(workspace, plan)
    if edited is not None:
        if kind != "trunk":
            raise RadarError(f"{run_id} is a {kind} plan", "a trunk plan", "name one before --edited")
        found = judge_edited(workspace, run_id, edited)
        print_edited(run_id, found, top, json=json)
        if found.violations:
            raise typer.Exit(EXIT_ERROR)
        return
    checked = check_plan(workspace, run_id, kind)
    violations: list[Violation] = checked.pop("violations")
    outcome: PlanOutcome | None = checked.pop("outcome", None)
    played: Playback | None = checked.pop("playback", None)
    replayed = _replay(workspace, run_id) if risk and kind not in ("stock", "rolling") else None
    if replayed is not None:
        checked["risk"] = [one.facts() for one in replayed]
        violations += list_broken(replayed)
    if played is not None:
        checked["playback"] = list_playback(played)
    if outcome is not None:
        checked["outcome"] = list_facts(outcome) | {"waiting": outcome.waiting.to_dicts()}
    if json:
        rows = [violation.as_row() for violation in violations]
        out_json({"run_id": run_id, "plan": kind, "valid": not violations, "violations": rows, **checked})
    else:
        _print_check(run_id, kind, violations, checked, top, outcome)
        if played is not None and (playback or not violations):
            say(tell_playback(played))
            if playback:
                print_playback(played, top)
        if replayed is not None:
            say(tell_replayed(replayed))
    if violations:
        raise RadarError(f"plan {run_id} breaks {len(violations)} rules", "none", "see the list above and plan again")


def _replay(workspace: Workspace, run_id: str) -> list[Replayed]:
    from cli.past_plans import read_trunk_plan

    tables, rules = read_hours_of(workspace, run_id, read_trunk_plan(workspace, run_id)[0])
    return replay_risk(workspace, run_id, tables, rules)


def check_plan(workspace: Workspace, run_id: str, kind: str) -> dict[str, Any]:
    """Check one plan on the table versions it read; return violations, cost, parts, summary, bound and playback."""
    from dataclasses import asdict

    from cli.past_plans import find_sourcing, read_as_planned, read_run, read_trunk_plan
    from routing.checker.stock import check_stock
    from routing.checker.trunk import check_trunk

    if kind == "joint":
        return _check_joint(workspace, run_id)
    if kind == "rolling":
        return {"violations": check_past(workspace, run_id)}
    if kind == "stock":
        run = read_run(workspace, run_id)
        versions = run["tables_read"]
        tables = {name: read_as_planned(workspace, name, versions.get(name), run) for name in _STOCK_INPUTS}
        tables["plan_certificates"] = workspace.results("plan_certificates", run_id)
        tables["stock_allocations"] = workspace.results("stock_allocations", run_id)
        tables["sourcing_today"] = find_sourcing(workspace, before=run_id)
        return {"violations": check_stock(tables, as_of=_last_day_known(workspace, versions, run["options"]))}
    tables, options = read_trunk_plan(workspace, run_id)
    prices = read_prices(options)
    tables, rules = read_hours_of(workspace, run_id, tables)
    check = check_trunk(tables, **prices, rules=rules)
    played = play_run(tables, rules)
    return {
        "violations": [*check.violations, *(played.violations if played.by_clock else ())],
        "playback": played,
        "outcome": _tell_outcome(tables, prices["short_cost"]),
        "cost": check.cost,
        "parts": check.parts,
        "summary": check.summary,
        "bound": asdict(check.bound),
    }


def _check_joint(workspace: Workspace, run_id: str) -> dict[str, Any]:
    """Check a joint plan: its trunk as any trunk plan, and what it says beyond."""
    from cli.merchant_demand import find_cube, remake_cube
    from cli.past_plans import find_sourcing, read_as_planned, read_run
    from routing.checker.joint import check_joint
    from routing.checker.stock_cost import NEEDED, StockTerms

    checked = check_plan(workspace, run_id, "trunk")
    run = read_run(workspace, run_id)
    versions = run["tables_read"]
    tables = {name: read_as_planned(workspace, name, versions.get(name), run) for name in _STOCK_INPUTS}
    results = ("route_demand", "stock_allocations", "sourcing", "plan_certificates")
    tables |= {name: workspace.results(name, run_id) for name in results}
    tables["sourcing_today"] = find_sourcing(workspace, before=run_id)
    options = run["options"]
    cube = find_cube(workspace, run["forecast_run"])
    cube = remake_cube(workspace, run) if cube is None else cube
    terms = None
    if cube is not None and "putaway_days" in options:
        tables |= {name: read_as_planned(workspace, name, versions.get(name), run) for name in NEEDED[1:]}
        tables["merchant_forecasts"] = cube
        terms = StockTerms(options["day_cost"], options["putaway_days"])
    as_of = _last_day_known(workspace, versions, options)
    proven: float | None = None
    of_bound: list[Violation] = []
    if terms is not None and "stock_from" in options and as_of is not None:
        proven, of_bound = _recompute_bound(workspace, run_id, tables, as_of)
    found = check_joint(tables, as_of=as_of, terms=terms, of_bound=of_bound)
    found += _check_relief(workspace, run_id, options)
    joint = _sum_up_joint(tables["plan_certificates"], options) | {"bound_recomputed": proven}
    return {**checked, "violations": [*checked["violations"], *found], "joint": joint}


def _recompute_bound(
    workspace: Workspace, run_id: str, tables: dict[str, pl.DataFrame], as_of: date
) -> tuple[float | None, list[Violation]]:
    """Recompute a joint plan's bound from its tables and the prices kept with it; None where there are none."""
    from cli.joint_relief import read_joint_terms
    from cli.past_plans import read_trunk_plan
    from routing.checker.joint_bound import check_joint_bound

    trunk, options = read_trunk_plan(workspace, run_id)
    hubs = options.get("hub_forecasts_run")
    beside = {} if hubs is None else {"hub_forecasts": workspace.results("hub_forecasts", hubs)}
    return check_joint_bound({**tables, **trunk, **beside}, read_joint_terms(options, as_of))


def _check_relief(workspace: Workspace, run_id: str, options: dict[str, Any]) -> list[Violation]:
    """Check what a joint plan says of the hubs against the trunk plan it was held against; nothing where there was none."""
    from routing.checker.relief import check_relief

    if not options.get("against"):
        return []
    names = ("hub_loads", "shortfalls", "plan_certificates", "route_demand")
    own, other = (
        {name: workspace.results(name, run) for name in names} for run in (run_id, options["against"]["run_id"])
    )
    return check_relief(own, other, options, float(options["short_cost"]))


def _sum_up_joint(certificates: pl.DataFrame, options: dict[str, Any]) -> dict[str, Any]:
    """Cost of trunk and stock, bound, and the plan with nothing ahead it is held against, as the certificates tell them."""
    rows = {row["plan"]: row for row in certificates.iter_rows(named=True)}
    if not {"trunk", "stock", "joint"} <= rows.keys():
        return {}
    priced = float(options["short_cost"]) * rows["joint"]["parcels_short"]
    return {
        "trunk_cost": rows["trunk"]["cost"] - priced,
        "stock_cost": rows["stock"]["cost"],
        "cost": rows["joint"]["cost"] - priced,
        "lower_bound": rows["joint"]["lower_bound"],
        "priced_bound": rows["joint"]["priced_bound"],
        "against": options.get("against"),
    }


def _tell_outcome(tables: dict[str, Any], short_cost: float) -> PlanOutcome | None:
    """Tell what a plan comes to by its own certificate; None where it has none to read (the checker says so)."""
    from data.plan_outcome import read_outcome

    certificates = tables["plan_certificates"]
    known = certificates.height and "trunk" in certificates["plan"].to_list()
    return read_outcome(tables, short_cost) if known else None


def _last_day_known(workspace: Workspace, versions: dict[str, int], options: dict[str, Any]) -> date | None:
    """Return the as-of date of a stock plan: the one given, else the last day of the sales it read."""
    from datetime import date

    import polars as pl

    if options.get("as_of"):
        return date.fromisoformat(options["as_of"])
    last: date | None = workspace.read("sales", versions.get("sales")).select(pl.col("date").max()).item()
    return last


def _print_check(
    run_id: str,
    kind: str,
    violations: Sequence[Violation],
    checked: dict[str, Any],
    top: int,
    outcome: PlanOutcome | None,
) -> None:
    import polars as pl

    if violations:
        rows = pl.DataFrame([v.as_row() for v in violations[:top]], infer_schema_length=None)
        out_rows(rows.select("rule", "where", "date", "found", "allowed", "text"), json=False)
        if len(violations) > top:
            say(f"{len(violations) - top:,} more; `--json` prints all.")
        return
    if outcome is not None:
        warn_of_shortfalls(outcome)
    say(word("verify.clean", run=run_id, kind=term("plan_kind", kind)))
    if outcome is not None:
        say(tell_outcome(outcome))
    if checked.get("joint"):
        _print_joint(checked["joint"])
    if "summary" in checked:
        parts = {name: value for name, value in checked["parts"].items() if name != "short"}
        costs = {"carrying_cost": sum(parts.values()), **{f"cost_{name}": value for name, value in parts.items()}}
        if checked["parts"]["short"]:
            costs["shortage_price"] = checked["parts"]["short"]
        facts = {**checked["summary"], **costs, "proof": checked["bound"]["told"]}
        flat = [{"what": head_of(name), "value": _tell(value)} for name, value in facts.items()]
        out_rows(pl.DataFrame(flat), json=False)


def _print_joint(joint: dict[str, Any]) -> None:
    say(
        f"Trunk and stock together: {joint['trunk_cost']:,.0f} + {joint['stock_cost']:,.0f} = {joint['cost']:,.0f} CNY; "
        f"no joint plan below {joint['lower_bound']:,.0f}."
    )
    if joint["bound_recomputed"] is not None:
        say(
            f"Of that {joint['bound_recomputed']:,.0f} is added up anew from the prices kept and the tables; the rest is what safety costs."
        )
    elif joint["priced_bound"] is not None:
        say("Its bound is not added up anew: what merchants are expected to sell is not known from the tables.")
    against = joint["against"]
    if against is not None:
        say(f"The same parcels with nothing ahead cost {against['cost']:,.0f} CNY in {against['run_id']}.")


def _tell(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{count:,} {term('ownership', name)}" for name, count in value.items())
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
