"""Seconds and memory of a whole forecast of made networks: they must grow with the rows, not faster."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

SIZES = (1_000, 10_000, 100_000)
DAYS = 730
HORIZON = 28
FIRST = dt.date(2023, 1, 1)


def measure_scale(tell: Callable[[str], None]) -> list[dict[str, float]]:
    """Forecast networks of growing size, each in a process of its own so that memory is its own.

    The volumes are made and written by another process: what a maker of random numbers leaves behind is not the forecast's.
    """
    found: list[dict[str, float]] = []
    for routes in SIZES:
        with tempfile.TemporaryDirectory() as place:
            file = str(Path(place) / "route_volumes.parquet")
            _run("make", str(routes), file)
            figures: dict[str, float] = json.loads(_run("forecast", str(routes), file).splitlines()[-1])
        tell("{routes:,.0f} routes: {wall:.1f} s wall, {cpu:.1f} s CPU, {memory:.2f} GB".format(**figures))
        found.append(figures)
    return found


def _run(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks.forecast.scale", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def make_volumes(routes: int, file: str) -> None:
    """Draw a network and write its volumes: three cells in four are empty, as in the real network."""
    import numpy as np
    import polars as pl

    generator = np.random.default_rng(0)
    hubs = max(20, int(0.7 * routes**0.5))
    pairs = [(courier, pair) for courier in range(4) for pair in generator.choice(hubs**2, routes // 4, replace=False)]
    level = generator.lognormal(-1.5, 2.6, routes)
    weekly = 1 + 0.1 * np.sin(np.arange(DAYS) * 2 * np.pi / 7)
    frames = []
    for start in range(0, routes, 20_000):
        block = generator.poisson(level[start : start + 20_000, None] * weekly)
        route, day = np.nonzero(block)
        dates = np.datetime64(FIRST, "D") + day.astype("timedelta64[D]")
        frames.append(pl.DataFrame({"date": dates, "route": route + start, "parcels": block[route, day]}))
    names = pl.DataFrame(
        {
            "route": np.arange(routes),
            "courier_id": [f"C{courier}" for courier, _ in pairs],
            "origin_hub_id": [f"H{pair // hubs:04d}" for _, pair in pairs],
            "destination_hub_id": [f"H{pair % hubs:04d}" for _, pair in pairs],
        }
    )
    pl.concat(frames).join(names, on="route").drop("route").write_parquet(file)


def time_forecast(routes: int, file: str) -> None:
    """Forecast the volumes of a file, and print what it took as one line of JSON."""
    import resource
    import time

    import polars as pl

    from data.calendar import build_calendar
    from forecasting.forecast import forecast
    from forecasting.inputs import ForecastInputs

    volumes = pl.read_parquet(file)
    inputs = ForecastInputs(route_volumes=volumes, events=build_calendar("CN", 2022, 2026))
    wall, cpu = time.perf_counter(), time.process_time()
    forecast(inputs, FIRST + dt.timedelta(days=DAYS - 1), HORIZON)
    figures = {
        "routes": routes,
        "rows": volumes.height,
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    {"make": make_volumes, "forecast": time_forecast}[sys.argv[1]](int(sys.argv[2]), sys.argv[3])
