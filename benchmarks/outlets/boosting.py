"""Gradient boosting with the same calendar: every outlet and day a row, the level of the last weeks among the features.

Run by the peers' Python: reads a ``.npz``, writes a ``.npy``. It knows numpy and lightgbm only.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def features(
    parcels: Array, dates: Array, promotion: Array, holiday: Array, cutoff: int, days: int
) -> tuple[Array, Array]:
    """Rows of the days after a cut-off, [outlets x days x features]."""
    past = parcels[:, :cutoff]
    worked = past > 0
    outlets = past.shape[0]

    def level(span: int) -> Array:
        part, there = past[:, -span:], worked[:, -span:]
        return np.asarray(part.sum(axis=1) / np.maximum(there.sum(axis=1), 1))

    weekday = (dates.astype("datetime64[D]").astype(int) + 3) % 7
    by_weekday = np.zeros((outlets, 7))
    for at in range(7):
        mine = np.flatnonzero(weekday[:cutoff] == at)[-13:]
        by_weekday[:, at] = past[:, mine].mean(axis=1)
    ahead = np.arange(cutoff, cutoff + days)
    day = dates[ahead]
    year_start = day.astype("datetime64[Y]").astype("datetime64[D]")
    month_start = day.astype("datetime64[M]").astype("datetime64[D]")
    year = day.astype("datetime64[Y]").astype(int) + 1970
    christmas = np.array([(np.datetime64(f"{y}-12-25") - d).astype(int) for y, d in zip(year, day, strict=True)])
    near = [np.roll(holiday.astype(float), shift)[ahead] for shift in (-3, -2, -1, 0, 1, 2)]
    on = promotion.astype(float)
    shared = np.stack(
        [
            weekday[ahead],
            (day - year_start).astype(int),
            (day - month_start).astype(int),
            np.clip(christmas, -10, 60),
            on[ahead],
            np.roll(on, 1)[ahead],
            np.roll(on, -1)[ahead] if cutoff + days < on.size else np.r_[on[ahead][1:], 0.0],
            np.arange(1, days + 1),
            *near,
        ],
        axis=1,
    )
    scale = np.maximum(level(56), 1.0)
    own = np.stack(
        [np.arange(outlets), level(14) / scale, level(28) / scale, level(182) / scale, level(364) / scale], axis=1
    )
    table = np.empty((outlets, days, shared.shape[1] + own.shape[1] + 1))
    table[:, :, : shared.shape[1]] = shared
    table[:, :, shared.shape[1] : -1] = own[:, None, :]
    table[:, :, -1] = (by_weekday / scale[:, None])[:, weekday[ahead]]
    return table, scale


def shared_columns(table: Array) -> int:
    """Return the position of the outlet's number: behind what all outlets share, before five features of its own."""
    return int(table.shape[1]) - 6


def main() -> None:
    """Train on rows of earlier cut-offs two weeks apart, forecast the last."""
    import lightgbm

    given = np.load(sys.argv[1])
    parcels, dates, known = given["parcels"], given["dates"], given["known"]
    promotion, holiday, horizon = given["promotion"], given["holiday"], int(given["horizon"])
    cutoff = parcels.shape[1]
    started = time.process_time()
    rows, wanted, weight = [], [], []
    for earlier in range(120, cutoff - 6, 14):
        days = min(horizon, cutoff - earlier)
        table, scale = features(parcels, dates, promotion, holiday, earlier, days)
        there = known[:, earlier : earlier + days]
        rows.append(table[there])
        wanted.append((parcels[:, earlier : earlier + days] / scale[:, None])[there])
        weight.append(np.broadcast_to(scale[:, None], there.shape)[there])
    settings = {
        "objective": "tweedie",
        "tweedie_variance_power": 1.1,
        "learning_rate": 0.05,
        "num_leaves": 63,
        "min_data_in_leaf": 40,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "feature_fraction": 0.8,
        "seed": 0,
        "num_threads": 1,
        "verbose": -1,
    }
    column = shared_columns(rows[0])
    learnt = lightgbm.Dataset(
        np.concatenate(rows), np.concatenate(wanted), weight=np.concatenate(weight), categorical_feature=[column]
    )
    model = lightgbm.train(settings, learnt, num_boost_round=400)
    table, scale = features(parcels, dates, promotion, holiday, cutoff, horizon)
    said = model.predict(table.reshape(-1, table.shape[2])).reshape(table.shape[:2]) * scale[:, None]
    np.savez(sys.argv[2], mean=np.maximum(said, 0.0), cpu=time.process_time() - started)


if __name__ == "__main__":
    main()
