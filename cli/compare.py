"""``radar compare``: what differs between two forecasts or two plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.console import known_errors, out_json, out_rows, out_text, say, workspace_of
from cli.options import Json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import polars as pl

    from data.comparison import Comparison, Kind, RunResults
    from data.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add ``radar compare``."""
    app.command("compare")(compare)


@known_errors
def compare(
    context: typer.Context,
    before: Annotated[str, typer.Argument(metavar="RUN", help="The earlier of the two (see `radar runs`).")],
    after: Annotated[str, typer.Argument(metavar="RUN", help="The later of the two.")],
    top: Annotated[int, typer.Option("--top", min=1, help="Print the largest changes only; --json has all.")] = 10,
    json: Json = False,
) -> None:
    """Say what differs between two forecasts or two plans of one kind: in all, by day, hub, lane, route, and in cost.

    Rows are compared over the days both cover; what only one of them covers is named. Why a forecast changed tells
    `radar revisions`.

    Example: `radar compare plan-trunk-0007 plan-trunk-0012`
    """
    from data.comparison import compare_results
    from data.errors import RadarError

    if before == after:
        raise RadarError(f"run {before} twice", "two runs to compare", "see `radar runs`")
    workspace = workspace_of(context)
    kind = _kind_of_both(workspace, before, after)
    found = compare_results(kind, _read_side(workspace, kind, before), _read_side(workspace, kind, after))
    if json:
        out_json(_as_values(workspace, found, before, after))
        return
    _print(found, before, after, top)


def _kind_of_both(workspace: Workspace, before: str, after: str) -> Kind:
    """Return the kind of results both runs left.

    Raises
    ------
    RadarError
        When a run is none that finished, left nothing to compare, or the two are of two kinds.
    """
    from data.comparison import MARKS
    from data.errors import RadarError
    from data.spelling import ask_near

    wrote = {kind: workspace.writers(mark, withdrawn=True) for kind, mark in MARKS.items()}
    known = sorted({run for runs in wrote.values() for run in runs})
    for run in (before, after):
        if run not in known:
            near = ask_near(run, known)
            raise RadarError(
                f"no finished forecast or plan {run}{f' ({near})' if near else ''}",
                f"one of the {len(known)} kept",
                "see `radar runs`",
            )
    kinds = [[kind for kind, runs in wrote.items() if run in runs] for run in (before, after)]
    shared = [kind for kind in kinds[0] if kind in kinds[1]]
    if not shared:
        raise RadarError(
            f"{before} ({kinds[0][0]}) and {after} ({kinds[1][0]})",
            "two forecasts, or two plans of one kind",
            "see `radar runs`",
        )
    return shared[0]


def _read_side(workspace: Workspace, kind: Kind, run_id: str) -> RunResults:
    import polars as pl

    from cli.plan_outcome import list_facts, read_plan_outcome
    from data.comparison import VIEWS, RunResults

    names = dict.fromkeys(view.table for view in VIEWS[kind])
    tables = {
        name: workspace.results(name, run_id) for name in names if run_id in workspace.writers(name, withdrawn=True)
    }
    if kind in ("trunk", "joint"):
        outcome = read_plan_outcome(workspace, run_id)
        return RunResults(tables, list_facts(outcome) | {"parcels_late": float(outcome.late)})
    if kind == "stock" and run_id in workspace.writers("plan_certificates", withdrawn=True):
        certificate = workspace.results("plan_certificates", run_id).filter(pl.col("plan") == kind)
        return RunResults(tables, {name: float(certificate[name].sum()) for name in ("cost", "lower_bound")})
    return RunResults(tables)


def _as_values(workspace: Workspace, found: Comparison, before: str, after: str) -> dict[str, Any]:
    from cli.forecast_basis import basis_of

    return {
        "kind": found.kind,
        "same": found.same,
        "before": {"run_id": before, **basis_of(workspace, before)},
        "after": {"run_id": after, **basis_of(workspace, after)},
        "common_days": found.common_days,
        "only_before": found.only_before,
        "only_after": found.only_after,
        "totals": found.totals.to_dicts(),
        "views": {name: frame.to_dicts() for name, frame in found.views.items()},
    }


def _print(found: Comparison, before: str, after: str, top: int) -> None:
    from cli.words import term, word

    if found.same:
        out_text(word("compare.same", before=before, after=after))
        return
    out_rows(
        _with_heads(found.totals), json=False, title=word("compare.totals", before=before, after=after), by_row=True
    )
    for run, days in ((before, found.only_before), (after, found.only_after)):
        if days:
            say(word("compare.only", run=run, days=_span(days), n=len(days)))
    for name, frame in found.views.items():
        title = word("compare.view", view=term("view", name), n=f"{frame.height:,}", shown=min(top, frame.height))
        if frame.height:
            out_rows(_with_heads(frame.head(top)), json=False, title=title)
        else:
            say(word("compare.view_same", view=term("view", name)))


def _span(days: Sequence[date]) -> str:
    return str(days[0]) if len(days) == 1 else f"{days[0]} … {days[-1]}"


def _with_heads(frame: pl.DataFrame) -> pl.DataFrame:
    """Give columns and measures their words in the reader's language."""
    import polars as pl

    from cli.translation import head_of
    from cli.words import word
    from data.comparison import SIDES

    heads = {}
    for name in frame.columns:
        measure, _, side = name.rpartition("_")
        if name in SIDES:
            heads[name] = word(f"compare.{name}")
        elif measure and side in SIDES:
            heads[name] = word("compare.side", measure=head_of(measure), side=word(f"compare.{side}"))
    if "measure" in frame.columns:
        heads_of = pl.col("measure").map_elements(head_of, return_dtype=pl.String)
        frame = frame.with_columns(heads_of)
    return frame.rename(heads)
