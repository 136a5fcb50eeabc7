"""Hands a cut-off to the peers' environment and brings their forecasts back as matrices."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.horizon_view import restrict
from forecasting.inputs import ForecastInputs
from forecasting.panel import ROUTE_KEYS, Panel

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
INSTALL = "uv venv .venv-peers && uv pip install --python .venv-peers/bin/python -r benchmarks/requirements-peers.txt"

PEERS = (
    "seasonal_naive",
    "tsb",
    "adida",
    "croston_sba",
    "lightgbm_tweedie",
    "autoets_total_shares",
    "prophet_total_shares",
    "mintrace",
)
"""Peers quick enough for every cut-off; ``theta`` and ``autoets`` on every route take minutes each."""


@dataclass(frozen=True)
class PeerForecast:
    """What one peer said.

    Attributes
    ----------
    mean
        [routes x horizon] parcels, routes as in ``PeerRun.panel``.
    wall, cpu
        Seconds it took.
    """

    mean: NDArray[np.float64]
    wall: float
    cpu: float


@dataclass(frozen=True)
class PeerRun:
    """All peers on one cut-off.

    Attributes
    ----------
    panel
        The history they saw; its routes are the rows of the forecasts.
    forecasts
        Model -> forecast.
    """

    panel: Panel
    forecasts: Mapping[str, PeerForecast]


def peers_installed() -> bool:
    """Say whether the peers' environment is there (see ``INSTALL``)."""
    return PYTHON.exists()


def run_peers(
    inputs: ForecastInputs, as_of: dt.date, horizon: int, models: Sequence[str] = PEERS, timeout: float = 1800.0
) -> PeerRun:
    """Let the peers forecast from what was known on a day.

    Parameters
    ----------
    inputs
        All tables; restricted to the as-of date here.
    as_of, horizon
        Last known day and days ahead.
    models
        Names of ``peers.MODELS``.
    timeout
        Seconds after which all are stopped.
    """
    known = restrict(inputs, as_of)
    panel = Panel.from_route_volumes(known.route_volumes, None, as_of)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        _history(panel).write_parquet(folder / "history.parquet")
        _event_days(known.events).write_parquet(folder / "events.parquet")
        (folder / "task.json").write_text(json.dumps({"horizon": horizon, "models": list(models)}), "utf-8")
        command = [str(PYTHON), "-W", "ignore", str(Path(__file__).with_name("peers.py")), str(folder)]
        subprocess.run(command, check=True, timeout=timeout, capture_output=True, text=True)
        table = pl.read_parquet(folder / "forecasts.parquet")
        seconds: dict[str, dict[str, float]] = json.loads((folder / "seconds.json").read_text("utf-8"))
    first = np.datetime64(as_of, "D") + 1
    return PeerRun(
        panel, {name: PeerForecast(_matrix(table, name, panel, first, horizon), **seconds[name]) for name in models}
    )


def _history(panel: Panel) -> pl.DataFrame:
    days = panel.dates.size
    routes = panel.routes.select(
        pl.concat_str(ROUTE_KEYS, separator="|").alias("unique_id"),
        pl.col("origin_hub_id").alias("origin"),
        pl.col("destination_hub_id").alias("destination"),
    )
    spread = routes[np.repeat(np.arange(routes.height), days)]
    dates = pl.Series("ds", np.tile(panel.dates, routes.height)).cast(pl.Date)
    return spread.with_columns(dates, pl.Series("y", panel.parcels.ravel().astype(np.float64)))


def _event_days(events: pl.DataFrame) -> pl.DataFrame:
    told = events.filter(pl.col("kind") != "other").select("name", pl.date_ranges("date_from", "date_to").alias("ds"))
    return told.explode("ds").unique().sort("ds", "name")


def _matrix(table: pl.DataFrame, model: str, panel: Panel, first: np.datetime64, horizon: int) -> NDArray[np.float64]:
    rows = table.filter(pl.col("model") == model)
    numbered = panel.routes.select(pl.concat_str(ROUTE_KEYS, separator="|").alias("unique_id")).with_row_index("route")
    rows = rows.join(numbered, on="unique_id", how="inner")
    mean = np.zeros((panel.size, horizon))
    day = (rows["ds"].cast(pl.Date).to_numpy().astype("datetime64[D]") - first).astype(np.int64)
    mean[rows["route"].to_numpy().astype(np.int64), day] = rows["mean"].to_numpy()
    return mean
