"""``radar backtest``: how good the forecast would have been."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import known_errors, out_json, out_rows, progress, say, workspace_of
from cli.options import Bridge, Closed, Json, Seed, parse_days, parse_spans

if TYPE_CHECKING:
    import polars as pl

_SHOWN = (
    "level",
    "model",
    "lead_days",
    "window",
    "accuracy",
    "bias",
    "mase",
    "weighted_quantile_loss",
    "coverage_80",
    "width_80",
    "coverage_90",
    "width_90",
    "cutoffs",
)
_MOST_BREAKS = 12
_LEVELS_SHOWN = (
    "network",
    "region/out",
    "region/in",
    "hub/out",
    "hub/in",
    "route",
    "route_weekly",
    "outlet/pickup",
    "outlet/delivery",
)


def register(app: typer.Typer) -> None:
    """Add ``radar backtest``."""
    app.command("backtest")(backtest)


@known_errors
def backtest(
    context: typer.Context,
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="DATE,DATE,...", help="Last known day of each cut-off, joined by commas.")
    ],
    horizon: Annotated[int, typer.Option("--horizon", min=1, max=180, help="Days ahead.")] = 14,
    models: Annotated[
        str | None,
        typer.Option(
            "--models", metavar="NAME,...", help="Models to score; by default all. The naive ones always are."
        ),
    ] = None,
    detail: Annotated[
        bool,
        typer.Option("--detail", help="Show every lead block, event and volume class, not the whole horizon only."),
    ] = False,
    closed: Closed = None,
    bridge: Bridge = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Forecast from past dates on what was known then, and score it against what came.

    The seasonal naive and the mean of the weekday over four weeks are always scored beside.

    Example: `radar backtest --as-of 2025-05-20,2025-06-03 --horizon 14`
    """
    import polars as pl

    from cli.forecast_inputs import read_inputs, settings_of, silence_options
    from forecasting.evaluation.backtest import run_backtest
    from forecasting.evaluation.scores import mean_scores
    from forecasting.forecast import forecast

    workspace = workspace_of(context)
    dates = parse_days(as_of)
    names = None if models is None else [name.strip() for name in models.split(",") if name.strip()]
    spans = parse_spans(closed)
    span_options = silence_options(spans, bridge=bridge)
    options = {"as_of": [str(day) for day in dates], "horizon": horizon, "models": names, **span_options}
    with workspace.run("backtest", options=options, seed=seed) as run, progress("Backtest") as bar:
        found = run_backtest(
            read_inputs(run, workspace.settings.workspace.timezone),
            dates,
            horizon,
            forecast,
            models=names,
            seed=seed,
            settings=settings_of(workspace.settings, spans, bridge=bridge),
            progress=bar,
        )
        run.append("backtest_scores", found.scores)
    pooled = mean_scores(found.scores)
    shown = pooled if detail else _whole_horizon(pooled, horizon)
    if json:
        parts = {name: getattr(found, name).to_dicts() for name in ("causes", "breaks", "notes")}
        out_json({"run_id": run.run_id, "scores": shown.to_dicts(), **parts})
        return
    out_rows(shown.select(_SHOWN), json=False, title="Scores over all cut-offs (accuracy = 1 - WAPE)")
    steps = found.causes.group_by("known", maintain_order=True).agg(pl.col("accuracy", "gain").mean())
    out_rows(steps, json=False, title="Route accuracy if a part of the forecast were known")
    if found.breaks.height:
        title = "Hubs that changed unannounced (error_share: part of the routes' error on their routes in those days)"
        out_rows(found.breaks.head(_MOST_BREAKS), json=False, title=title)
        say("A change known beforehand belongs in network_changes: forecasts and plans follow it from its date.")
    for note in found.notes["note"].unique(maintain_order=True):
        say(note)
    say(f"Every score stands in backtest_scores, run {run.run_id}.")


def _whole_horizon(pooled: pl.DataFrame, horizon: int) -> pl.DataFrame:
    import polars as pl

    order = {level: at for at, level in enumerate(_LEVELS_SHOWN)}
    whole = pooled.filter(
        pl.col("lead_days").is_in([f"1-{horizon}", f"1-{horizon // 7 * 7}"]),
        pl.col("window") == "all",
        pl.col("level").is_in(_LEVELS_SHOWN),
        (pl.col("level") == "route_weekly") | (pl.col("lead_days") == f"1-{horizon}"),
    )
    return whole.sort(
        pl.col("level").replace_strict(order), pl.col("accuracy"), descending=[False, True], maintain_order=True
    )
