"""Hands cut-offs to the peers' environment and brings their forecasts back as matrices.

All cut-offs are asked first and run in one process beside ours, so that its imports and compilations are paid once.
"""

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

from forecasting.events.phases import archetype_of
from forecasting.history.as_of_view import restrict
from forecasting.inputs import ForecastInputs
from forecasting.intervals.interval_model import CALIBRATED_LEVELS
from forecasting.series.panel import ROUTE_KEYS, Panel

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
INSTALL = "uv venv .venv-peers && uv pip install --python .venv-peers/bin/python -r benchmarks/requirements-peers.txt"
_INTERVAL_COLUMNS = ("lo-95", "lo-90", "lo-80", "lo-50", "mean", "hi-50", "hi-80", "hi-90", "hi-95")


@dataclass(frozen=True)
class PeerForecast:
    """What one peer said.

    Attributes
    ----------
    mean
        [routes x horizon] parcels, routes as in ``PeerRun.panel``.
    quantiles
        [routes x horizon x levels] at ``intervals.CALIBRATED_LEVELS``; None for a peer that gives no intervals.
    wall, cpu
        Seconds it took.
    """

    mean: NDArray[np.float64]
    quantiles: NDArray[np.float64] | None
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


@dataclass(frozen=True)
class _Task:
    folder: Path
    panel: Panel
    as_of: dt.date
    horizon: int
    models: tuple[str, ...]


class PeerQueue:
    """Cut-offs asked of the peers; ``start`` runs them in a process beside, ``collect`` waits for one."""

    def __init__(self) -> None:
        # Lives as long as the queue: the folders are gone with it.
        self._place = tempfile.TemporaryDirectory()
        self._tasks: list[_Task] = []
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, inputs: ForecastInputs, as_of: dt.date, horizon: int, models: Sequence[str]) -> int:
        """Put down what was known on a day, and return the number to collect the answer by."""
        number = len(self._tasks)
        folder = Path(self._place.name) / str(number)
        folder.mkdir()
        known = restrict(inputs, as_of)
        panel = Panel.from_route_volumes(known.route_volumes, None, as_of)
        _history(panel).write_parquet(folder / "history.parquet")
        _event_days(known.events).write_parquet(folder / "events.parquet")
        (folder / "task.json").write_text(json.dumps({"horizon": horizon, "models": list(models)}), "utf-8")
        self._tasks.append(_Task(folder, panel, as_of, horizon, tuple(models)))
        return number

    def start(self) -> None:
        """Run all that was asked, in the order asked."""
        if self._tasks:
            script = str(Path(__file__).with_name("peers.py"))
            command = [str(PYTHON), "-W", "ignore", script, *(str(task.folder) for task in self._tasks)]
            with (Path(self._place.name) / "log").open("wb") as log:
                self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def collect(self, number: int) -> PeerRun:
        """Wait for the peers' forecasts of one cut-off."""
        task = self._tasks[number]
        done = task.folder / "seconds.json"
        while not done.exists():
            if self._process is None or self._process.poll() is not None:
                if done.exists():
                    break
                log = (Path(self._place.name) / "log").read_text("utf-8", "replace")
                raise RuntimeError(f"the peers ended before {task.as_of}: {log[-2000:]}")
            try:
                self._process.wait(timeout=1.0)
            except subprocess.TimeoutExpired:
                continue
        table = pl.read_parquet(task.folder / "forecasts.parquet")
        seconds: dict[str, dict[str, float]] = json.loads(done.read_text("utf-8"))
        return PeerRun(task.panel, {name: _read(table, name, task, seconds[name]) for name in task.models})


def peers_installed() -> bool:
    """Say whether the peers' environment is there (see ``INSTALL``)."""
    return PYTHON.exists()


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
    event_days = events.filter(pl.col("kind") != "other").select(
        "name",
        pl.struct("name", "name_zh", "kind")
        .map_elements(lambda row: archetype_of(row["name"], row["name_zh"], row["kind"]), return_dtype=pl.String)
        .alias("kind"),
        pl.date_ranges("date_from", "date_to").alias("ds"),
    )
    return event_days.explode("ds").unique().sort("ds", "name")


def _read(table: pl.DataFrame, model: str, task: _Task, seconds: Mapping[str, float]) -> PeerForecast:
    panel, first = task.panel, np.datetime64(task.as_of, "D") + np.timedelta64(1, "D")
    rows = table.filter(pl.col("model") == model)
    numbered = panel.routes.select(pl.concat_str(ROUTE_KEYS, separator="|").alias("unique_id")).with_row_index("route")
    rows = rows.join(numbered, on="unique_id", how="inner")
    route = rows["route"].to_numpy().astype(np.int64)
    day = (rows["ds"].cast(pl.Date).to_numpy().astype("datetime64[D]") - first).astype(np.int64)
    mean = np.zeros((panel.size, task.horizon))
    mean[route, day] = rows["mean"].to_numpy()
    quantiles = None
    if "lo-80" in rows.columns and rows["lo-80"].null_count() < rows.height:
        quantiles = np.zeros((panel.size, task.horizon, len(CALIBRATED_LEVELS)))
        for at, column in enumerate(_INTERVAL_COLUMNS):
            # A series that a model could not fit has no interval: it counts as a point.
            quantiles[route, day, at] = rows[column].fill_nan(None).fill_null(rows["mean"]).to_numpy()
    return PeerForecast(mean, quantiles, seconds["wall"], seconds["cpu"])
