"""``python -m benchmarks.outlets``: outlets of a real chain, forecast 42 days ahead, with gradient boosting in the same run.

Prints one Markdown page and writes it to ``docs/measured/outlets.md``. Boosting runs in the peers' Python
(``benchmarks/requirements-peers.txt``); without it its column is left empty and the page is not written.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.forecast.peer_runs import PYTHON
from benchmarks.machine import describe_machine, shared_folder
from benchmarks.outlets.shops import CUTOFFS, FURTHER, HORIZON, WEEK_OF_CHRISTMAS, Shops, read_shops
from forecasting.forecast import forecast
from forecasting.inputs import no_promotions
from forecasting.series.baselines import day_of_week_mean
from forecasting.series.panel import days_from

Matrix = NDArray[np.float64]
PAGE = Path(__file__).resolve().parents[2] / "docs" / "measured" / "outlets.md"
BOOSTING = Path(__file__).with_name("boosting.py")
Figures = dict[str, float]
OURS, UNTOLD, PEER, NAIVE = (
    "ParcelRadar",
    "ParcelRadar, promotions not told",
    "LightGBM, same calendar",
    "mean of 4 weeks",
)


def main() -> int:
    """Run every cut-off and lay it out."""
    shared = shared_folder()
    if shared is None or not (shared / "real" / "rossmann").is_dir():
        print("No real data: set PARCELRADAR_SHARED to a folder that holds real/rossmann.", file=sys.stderr)
        return 0
    shops = read_shops(shared)
    found = {day: _score_cutoff(shops, day) for day in (*CUTOFFS, *FURTHER)}
    page = _write_page(found)
    print(page)
    if all(PEER in figures for figures in found.values()):
        PAGE.write_text(page, encoding="utf-8")
    return 0


def _score_cutoff(shops: Shops, day: dt.date) -> dict[str, Figures]:
    known = int((np.datetime64(day) - shops.dates[0]).astype(int)) + 1
    scores = {}
    for name, inputs in ((OURS, shops.inputs), (UNTOLD, replace(shops.inputs, promotions=no_promotions()))):
        cpu = time.process_time()
        made = forecast(inputs, day, HORIZON)
        spent = time.process_time() - cpu
        table = made.outlet.sort("outlet_id", "date")
        shape = (shops.parcels.shape[0], HORIZON)
        mean = table["mean"].to_numpy().reshape(shape).astype(np.float64)
        figures = _figures(shops, known, mean) | {"CPU [s]": spent}
        low, high = (table[column].to_numpy().reshape(shape) for column in ("q05", "q95"))
        figures["covered by 90 %"] = _covered(shops, known, low, high)
        hubs = made.hub.sort("hub_id", "date")
        figures["hubs covered by 90 %"] = _hubs_covered(shops, known, hubs["q05"].to_numpy(), hubs["q95"].to_numpy())
        scores[name] = figures
    naive = day_of_week_mean(shops.parcels[:, :known].astype(np.float32), HORIZON).astype(np.float64)
    scores[NAIVE] = _figures(shops, known, naive)
    said = _boost(shops, known)
    if said is not None:
        scores[PEER] = _figures(shops, known, said[0]) | {"CPU [s]": said[1]}
    return scores


def _scored(shops: Shops, known: int, mean: Matrix) -> tuple[Matrix, Matrix]:
    end = min(known + HORIZON, shops.dates.size)
    there = shops.known[:, known:end]
    return shops.parcels[:, known:end] * there, mean[:, : end - known] * there


def _figures(shops: Shops, known: int, mean: Matrix) -> Figures:
    actual, said = _scored(shops, known, mean)
    days = shops.dates[known : known + actual.shape[1]]
    figures = {
        "outlet day": _accuracy(actual, said),
        "hub day": _accuracy(_by_hub(shops, actual), _by_hub(shops, said)),
        "total day": _accuracy(actual.sum(axis=0), said.sum(axis=0)),
        "bias": float(said.sum() / actual.sum() - 1.0),
    }
    chosen = (days >= np.datetime64(WEEK_OF_CHRISTMAS[0])) & (days <= np.datetime64(WEEK_OF_CHRISTMAS[1]))
    if chosen.sum() == (WEEK_OF_CHRISTMAS[1] - WEEK_OF_CHRISTMAS[0]).days + 1:
        figures["15 to 24 December"] = _accuracy(actual[:, chosen], said[:, chosen])
    return figures


def _accuracy(actual: Matrix, said: Matrix) -> float:
    return float(1.0 - np.abs(actual - said).sum() / actual.sum())


def _by_hub(shops: Shops, matrix: Matrix) -> Matrix:
    hubs, place = np.unique(shops.hub, return_inverse=True)
    sums = np.zeros((hubs.size, matrix.shape[1]))
    np.add.at(sums, place, matrix)
    return sums


def _covered(shops: Shops, known: int, low: NDArray[np.int64], high: NDArray[np.int64]) -> float:
    """Of the outlet-days that are no days of rest: on those every interval is 0 to 0."""
    end = min(known + HORIZON, shops.dates.size)
    actual, width = shops.parcels[:, known:end], end - known
    open_days = shops.known[:, known:end] & (actual > 0)
    inside = (actual >= low[:, :width]) & (actual <= high[:, :width])
    return float(inside[open_days].mean())


def _hubs_covered(shops: Shops, known: int, low: NDArray[np.int64], high: NDArray[np.int64]) -> float:
    end = min(known + HORIZON, shops.dates.size)
    # A hub of which a shop has no rows for a while is not the hub that was forecast.
    whole = _by_hub(shops, (~shops.known[:, known:end]).astype(np.float64)) == 0
    names = np.unique(np.array([f"H{number}" for number in shops.hub]))
    order = [int(np.flatnonzero(names == f"H{number}")[0]) for number in np.unique(shops.hub)]
    actual = _by_hub(shops, shops.parcels[:, known:end])
    lows, highs = (part.reshape(names.size, HORIZON)[order, : end - known] for part in (low, high))
    busy = whole & (actual > 0)
    return float(((actual >= lows) & (actual <= highs))[busy].mean())


def _boost(shops: Shops, known: int) -> tuple[Matrix, float] | None:
    if not PYTHON.exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        given, said = Path(folder) / "given.npz", Path(folder) / "said.npz"
        end = known + HORIZON
        span = days_from(shops.dates[0], end)
        flags = {name: np.zeros(end, dtype=bool) for name in ("promotion", "holiday")}
        for name, flag in flags.items():
            history = getattr(shops, name)[:end]
            flag[: history.size] = history
        np.savez(
            given,
            parcels=shops.parcels[:, :known],
            known=shops.known[:, :known],
            dates=span,
            horizon=HORIZON,
            promotion=flags["promotion"],
            holiday=flags["holiday"],
        )
        # The peer may use only what stands in its own environment.
        subprocess.run([str(PYTHON), str(BOOSTING), str(given), str(said)], check=True)
        found = np.load(said)
        return found["mean"], float(found["cpu"])


def _write_page(found: dict[dt.date, dict[str, Figures]]) -> str:
    columns = (
        "outlet day",
        "hub day",
        "total day",
        "bias",
        "15 to 24 December",
        "covered by 90 %",
        "hubs covered by 90 %",
        "CPU [s]",
    )
    lines = [
        "# Outlets: one run",
        "",
        "Written by `python -m benchmarks.outlets`. Shops of a real chain as outlets (parcels = sales / 50, hub = shop number modulo 12), no route",
        f"volumes, {HORIZON} days ahead; accuracy = 1 − WAPE. National holidays and promotion weeks are known ahead; which days a shop will be",
        "open is not. Days without a row in the source are not scored. The half-life of the level was chosen with all five cut-offs in view.",
        "",
        f"Machine: {describe_machine()}.",
        "",
    ]
    groups = {str(day): [scores] for day, scores in found.items()}
    groups[f"mean of {', '.join(map(str, CUTOFFS))}"] = [found[day] for day in CUTOFFS]
    for title, several in groups.items():
        lines += [f"## {title}", "", "| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
        for name in several[0]:
            cells = [
                _cell(column, [scores[name][column] for scores in several if column in scores[name]])
                for column in columns
            ]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _cell(column: str, values: list[float]) -> str:
    if not values:
        return ""
    value = float(np.mean(values))
    if column == "bias":
        return f"{value:+.1%}"
    return f"{value:.1f}" if column.endswith("[s]") else f"{value:.3f}"


if __name__ == "__main__":
    sys.exit(main())
