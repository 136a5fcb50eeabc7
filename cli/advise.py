"""``radar advise``: a file for each merchant with what to send where by when, and why."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import known_errors, out_rows, progress, say, workspace_of
from cli.options import Json, Language

if TYPE_CHECKING:
    import polars as pl

    from data.workspace import Workspace


class AdviceFormat(StrEnum):
    """Kinds of file."""

    xlsx = "xlsx"
    csv = "csv"
    json = "json"


def register(app: typer.Typer) -> None:
    """Add ``radar advise``."""
    app.command("advise")(advise)


@known_errors
def advise(
    context: typer.Context,
    merchant: Annotated[str | None, typer.Argument(metavar="MERCHANT", help="Merchant, e.g. M0123.")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every merchant of the stock plan.")] = False,
    form: Annotated[AdviceFormat, typer.Option("--format", help="Kind of file.")] = AdviceFormat.xlsx,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder for the files; by default advice/ in the workspace."),
    ] = None,
    run_id: Annotated[
        str | None, typer.Option("--run", metavar="RUN_ID", help="Stock plan to use; by default the latest.")
    ] = None,
    lang: Language = None,
    json: Json = False,
) -> None:
    """Write advice for merchants: what, how many, where, ship by when, why, how sure, and the cost if two days later.

    Example: `radar advise M0123 --format xlsx --out advice`
    """
    import polars as pl

    from data.errors import RadarError
    from data.language import default_languages
    from data.spelling import ask_near
    from reports.advice import advise_merchant
    from reports.advice_files import list_files, write_advice
    from reports.page import languages

    if everyone == (merchant is not None):
        raise RadarError(
            "a merchant and --all" if everyone else "neither a merchant nor --all",
            "one of the two",
            "name a merchant, or add --all",
        )
    workspace = workspace_of(context)
    chosen_languages = languages(lang or default_languages())
    plans = workspace.writers("stock_allocations")
    if not plans:
        raise RadarError("no stock plan to advise from", "a finished stock plan", "run `radar plan stock` first")
    plan = plans[-1] if run_id is None else run_id
    tables = {
        "stock_allocations": workspace.results("stock_allocations", plan),
        "courier_allocations": workspace.results("courier_allocations"),
        "care_list": workspace.results("care_list"),
        "relieved": _read_relieved(workspace, plan),
        "stock": workspace.read("stock"),
        "warehouses": workspace.read("warehouses"),
        **{name: workspace.read(name) for name in ("categories", "couriers", "events", "hubs", "regions")},
    }
    as_of = _last_day_known(workspace, plan)
    merchants = workspace.read("merchants").sort("merchant_id")
    if merchant is not None:
        known = merchants["merchant_id"]
        merchants = merchants.filter(pl.col("merchant_id") == merchant)
        if merchants.is_empty():
            action = ask_near(merchant, known) or "see `radar export merchants`"
            raise RadarError(f"merchant {merchant}", "a merchant_id of the table merchants", action)
    else:
        advised = pl.concat([tables[name]["merchant_id"] for name in ("stock_allocations", "courier_allocations")])
        merchants = merchants.filter(pl.col("merchant_id").is_in(advised.implode()))
    folder = workspace.folder / "advice" if out is None else out
    paths, written = [], []
    with progress("Advice") as bar:
        for number, row in enumerate(merchants.iter_rows(named=True)):
            bar.step(number, merchants.height, row["merchant_id"])
            advice = [advise_merchant(row, tables, language, run_id=plan, as_of=as_of) for language in chosen_languages]
            paths.append(write_advice(advice, form.value, folder))
            written.append(advice[0])
    files = list_files(paths, written)
    if json:
        out_rows(files, json=True)
        return
    out_rows(files if files.height <= 40 else files.head(40), json=False)
    say(f"Advice for {files.height:,} merchant{'' if files.height == 1 else 's'} from {plan} in {folder}")


def _read_relieved(workspace: Workspace, plan: str) -> pl.DataFrame:
    """Hub-days that a joint plan's stock ahead relieves; none of a stock plan made alone, which knows no hub's load."""
    import polars as pl

    from cli.past_plans import read_run

    names = {"date": pl.Date, "hub_id": pl.String, "before": pl.Float64, "after": pl.Float64}
    rows = [
        {**row, "date": date.fromisoformat(row["date"])}
        for row in read_run(workspace, plan)["options"].get("relieved") or []
    ]
    return pl.DataFrame(rows, schema=names)


def _last_day_known(workspace: Workspace, plan: str) -> date | None:
    """Return the last day a stock plan knew: its option --as-of, else the last day of the sales it read."""
    from cli.past_plans import read_run

    run = read_run(workspace, plan)
    if run["options"].get("as_of"):
        return date.fromisoformat(run["options"]["as_of"])
    sales = workspace.read("sales", run["tables_read"].get("sales"))
    last: date | None = sales["date"].max() if sales.height else None  # type: ignore[assignment]
    return last
