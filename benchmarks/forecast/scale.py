"""Seconds and memory of a whole forecast of made networks: they must grow with the rows, not faster."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Callable

SIZES = (1_000, 10_000, 100_000)
DAYS = 730
HORIZON = 28
FIRST = dt.date(2023, 1, 1)


def measure_scale(tell: Callable[[str], None]) -> list[dict[str, float]]:
    """Forecast networks of growing size, each in a process of its own so that memory is its own."""
    found: list[dict[str, float]] = []
    for routes in SIZES:
        run = subprocess.run(
            [sys.executable, "-m", "benchmarks.forecast.scale", str(routes)], check=True, capture_output=True, text=True
        )
        figures: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
        tell("{routes:,.0f} routes: {wall:.1f} s wall, {cpu:.1f} s CPU, {memory:.2f} GB".format(**figures))
        found.append(figures)
    return found


def main(routes: int) -> None:
    """Make a network, forecast it, and print what it took as one line of JSON."""
    import resource
    import time

    import numpy as np
    import polars as pl

    from data.calendar import build_calendar
    from forecasting.forecast import forecast
    from forecasting.inputs import ForecastInputs

    generator = np.random.default_rng(0)
    hubs = max(20, int(0.7 * routes**0.5))
    pairs = [(courier, pair) for courier in range(4) for pair in generator.choice(hubs**2, routes // 4, replace=False)]
    level = generator.lognormal(-1.5, 2.6, routes)  # three cells in four are empty, as in the real network
    weekly = 1 + 0.1 * np.sin(np.arange(DAYS) * 2 * np.pi / 7)
    frames = []
    for start in range(0, routes, 20_000):
        block = generator.poisson(level[start : start + 20_000, None] * weekly)
        route, day = np.nonzero(block)
        dates = np.datetime64(FIRST, "D") + day
        frames.append(pl.DataFrame({"date": dates, "route": route + start, "parcels": block[route, day]}))
    names = pl.DataFrame(
        {
            "route": np.arange(routes),
            "courier_id": [f"C{courier}" for courier, _ in pairs],
            "origin_hub_id": [f"H{pair // hubs:04d}" for _, pair in pairs],
            "destination_hub_id": [f"H{pair % hubs:04d}" for _, pair in pairs],
        }
    )
    volumes = pl.concat(frames).join(names, on="route").drop("route")
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
    main(int(sys.argv[1]))
