"""Stock forecasters on one cut-off, in the peers' environment: ``python peers.py FOLDER``.

The folder holds ``history.parquet`` (unique_id, origin, destination, ds, y; every day of every route), ``events.parquet``
(name, kind, ds) and ``task.json`` (horizon, models). It gets ``forecasts.parquet`` (model, unique_id, ds, mean, and lo-80,
hi-80 ... where the model gives intervals) and ``seconds.json``. Each model is used as its documentation shows; nothing of ParcelRadar is imported.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

SEASON = 7
RECENT = 28
LAGS = (1, 2, 3, 7, 14, 21, 28)
LONGEST_TRAINING = 400
LARGEST = 150
INTERVALS = (50, 80, 90, 95)

Model = Callable[[pd.DataFrame, pd.DataFrame, int], pd.DataFrame]


def main() -> None:
    """Run the models of the task in each folder, one folder after the other."""
    for place in sys.argv[1:]:
        folder = Path(place)
        task = json.loads((folder / "task.json").read_text())
        history = pd.read_parquet(folder / "history.parquet")
        history["ds"] = pd.to_datetime(history["ds"])
        events = pd.read_parquet(folder / "events.parquet")
        events["ds"] = pd.to_datetime(events["ds"])
        found, seconds = [], {}
        for name in task["models"]:
            started, cpu = time.perf_counter(), time.process_time()
            frame = MODELS[name](history, events, task["horizon"])
            seconds[name] = {"wall": time.perf_counter() - started, "cpu": time.process_time() - cpu}
            found.append(frame.assign(model=name))
        pd.concat(found).to_parquet(folder / "forecasts.parquet", index=False)
        # Whoever waits for the seconds must find them whole.
        (folder / "seconds.new").write_text(json.dumps(seconds))
        (folder / "seconds.new").rename(folder / "seconds.json")


def _statsforecast(history: pd.DataFrame, model: object, horizon: int, intervals: bool = False) -> pd.DataFrame:
    from statsforecast import StatsForecast

    fitted = StatsForecast(models=[model], freq="D", n_jobs=1)
    asked = {"level": list(INTERVALS)} if intervals else {}
    table = fitted.forecast(df=history[["unique_id", "ds", "y"]], h=horizon, **asked)
    value = next(name for name in table.columns if name not in ("unique_id", "ds"))
    renamed: pd.DataFrame = table.rename(columns={value: "mean"})
    return renamed.rename(columns=lambda name: name.removeprefix(f"{value}-"))


def _per_route(make: Callable[[], object], intervals: bool = False) -> Model:
    def run(history: pd.DataFrame, events: pd.DataFrame, horizon: int) -> pd.DataFrame:
        del events
        table = _statsforecast(history, make(), horizon, intervals)
        values = [name for name in table.columns if name not in ("unique_id", "ds")]
        return table.assign(**{name: table[name].clip(lower=0) for name in values})

    return run


def _model(name: str, **options: object) -> Callable[[], object]:
    def make() -> object:
        from statsforecast import models

        return getattr(models, name)(**options)

    return make


def _total(history: pd.DataFrame) -> pd.DataFrame:
    total: pd.DataFrame = history.groupby("ds", as_index=False)["y"].sum().assign(unique_id="total")
    return total


def _share_out(history: pd.DataFrame, total: pd.DataFrame) -> pd.DataFrame:
    """Split a forecast of the total by the routes' shares of the last four weeks."""
    recent = history[history["ds"] > history["ds"].max() - pd.Timedelta(days=RECENT)]
    shares = recent.groupby("unique_id")["y"].sum()
    shares = (shares / max(shares.sum(), 1e-9)).rename("share").reset_index()
    table = total[["ds", "mean"]].merge(shares, how="cross")
    return table.assign(mean=(table["mean"] * table["share"]).clip(lower=0))


def autoets_total_shares(history: pd.DataFrame, events: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """AutoETS on the total, shared out."""
    del events
    return _share_out(history, _statsforecast(_total(history), _model("AutoETS", season_length=SEASON)(), horizon))


def autoets_largest(history: pd.DataFrame, events: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """AutoETS on each of the 150 largest routes, the other routes by their shares in AutoETS on the total."""
    shared = autoets_total_shares(history, events, horizon)
    recent = history[history["ds"] > history["ds"].max() - pd.Timedelta(days=RECENT)]
    largest = recent.groupby("unique_id")["y"].sum().nlargest(LARGEST).index
    mine = history[history["unique_id"].isin(largest)]
    own = _statsforecast(mine, _model("AutoETS", season_length=SEASON)(), horizon)
    own = own.assign(mean=own["mean"].clip(lower=0))
    return pd.concat([shared[~shared["unique_id"].isin(largest)], own])[["unique_id", "ds", "mean"]]


def prophet_archetypes(history: pd.DataFrame, events: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """Prophet as in ``prophet_total_shares``, but told that all main sales are one holiday, and so all openings."""
    return prophet_total_shares(history, events.assign(name=events["kind"]), horizon)


def prophet_total_shares(history: pd.DataFrame, events: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """Prophet with the calendar as its holidays on the total, shared out."""
    import logging

    from prophet import Prophet

    logging.getLogger("cmdstanpy").disabled = True
    total = _total(history)
    known = total[["ds", "y"]]
    days = events.rename(columns={"name": "holiday"})[["holiday", "ds"]].drop_duplicates()
    # Holidays that lie ahead only break its predict, so those never seen are left out.
    seen = set(days.loc[days["ds"].between(known["ds"].min(), known["ds"].max()), "holiday"])
    days = days[days["holiday"].isin(seen)]
    model = Prophet(holidays=days if len(days) else None, weekly_seasonality=True, uncertainty_samples=0)
    ahead = model.fit(known).make_future_dataframe(periods=horizon, include_history=False)
    table = model.predict(ahead)[["ds", "yhat"]].rename(columns={"yhat": "mean"})
    return _share_out(history, table)


def lightgbm_tweedie(history: pd.DataFrame, events: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """One global LightGBM with Tweedie loss: lags, rolling means, calendar, days to and from events; recursive."""
    import lightgbm

    wide = history.pivot(index="unique_id", columns="ds", values="y").fillna(0.0)
    values, dates = wide.to_numpy(np.float32), pd.DatetimeIndex(wide.columns)
    marks = _event_marks(events, dates[0], len(dates) + horizon)
    first = max(56, values.shape[1] - LONGEST_TRAINING)
    rows, targets = [], []
    for day in range(first, values.shape[1]):
        features = _features(values[:, :day], day, dates[0], marks)
        active = values[:, max(0, day - 56) : day + 1].any(axis=1)
        rows.append(features[active])
        targets.append(values[active, day])
    model = lightgbm.LGBMRegressor(
        objective="tweedie",
        tweedie_variance_power=1.3,
        n_estimators=300,
        num_leaves=63,
        learning_rate=0.05,
        min_child_samples=50,
        n_jobs=1,
        verbose=-1,
        seed=0,
    )
    model.fit(np.vstack(rows), np.concatenate(targets))
    for step in range(horizon):
        day = len(dates) + step
        ahead = np.asarray(model.predict(_features(values, day, dates[0], marks)), dtype=np.float32)
        values = np.hstack([values, ahead[:, None]])
    days = pd.date_range(dates[-1] + pd.Timedelta(days=1), periods=horizon)
    table = pd.DataFrame(values[:, -horizon:], index=wide.index, columns=days)
    return table.reset_index().melt(id_vars="unique_id", var_name="ds", value_name="mean")


def _event_marks(events: pd.DataFrame, start: pd.Timestamp, days: int) -> np.ndarray:
    """Days to the next and since the last event day, and which event it is, by day."""
    codes = {name: number + 1 for number, name in enumerate(sorted(events["name"].unique()))}
    at = ((events["ds"] - start).dt.days).to_numpy()
    order = np.argsort(at, kind="stable")
    at, names = at[order], events["name"].to_numpy()[order]
    marks = np.full((days, 3), 30.0, dtype=np.float32)
    marks[:, 2] = 0
    for day in range(days):
        place = int(np.searchsorted(at, day))
        if place < len(at):
            marks[day, 0] = min(30, at[place] - day)
            if at[place] - day <= 7:
                marks[day, 2] = codes[names[place]]
        if place and at[place - 1] < day:
            marks[day, 1] = min(30, day - at[place - 1])
    return marks


def _features(past: np.ndarray, day: int, start: pd.Timestamp, marks: np.ndarray) -> np.ndarray:
    date = start + pd.Timedelta(days=day)
    lags = [past[:, -lag] for lag in LAGS]
    means = [past[:, -span:].mean(axis=1) for span in (7, 14, 28, 56)]
    weekday = past[:, -28:][:, ::-7].mean(axis=1) if past.shape[1] >= 28 else past.mean(axis=1)
    fixed = [date.dayofweek, date.day, date.month, *marks[day]]
    columns = [*lags, *means, weekday, *[np.full(len(past), value) for value in fixed]]
    return np.stack(columns, axis=1).astype(np.float32)


def mintrace(history: pd.DataFrame, events: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """AutoETS on total and hubs, TSB on routes, made coherent by hierarchicalforecast (non-negative sparse MinTrace)."""
    from hierarchicalforecast.methods import MinTraceSparse
    from scipy.sparse import coo_matrix, eye, vstack

    del events
    routes = history[["unique_id", "origin", "destination"]].drop_duplicates().sort_values("unique_id")
    sums = [_total(history)]
    for side in ("origin", "destination"):
        by_hub = history.groupby([side, "ds"], as_index=False)["y"].sum()
        sums.append(by_hub.assign(unique_id=side + by_hub[side].astype(str))[["unique_id", "ds", "y"]])
    upper = _statsforecast(pd.concat(sums), _model("AutoETS", season_length=SEASON)(), horizon)
    lower = _statsforecast(history, _model("TSB", alpha_d=0.2, alpha_p=0.2)(), horizon)
    upper_table = upper.pivot(index="unique_id", columns="ds", values="mean")
    lower_table = lower.pivot(index="unique_id", columns="ds", values="mean").loc[routes["unique_id"]]
    rows = []
    for name in upper_table.index:
        if name == "total":
            rows.append(np.ones(len(routes)))
        else:
            side = "origin" if name.startswith("origin") else "destination"
            rows.append((side + routes[side].astype(str) == name).to_numpy(float))
    summing = vstack([coo_matrix(np.array(rows)), eye(len(routes))]).tocsr()
    solved = MinTraceSparse(method="wls_struct", nonnegative=True).fit_predict(
        S=summing, y_hat=np.vstack([upper_table.to_numpy(), lower_table.to_numpy()])
    )
    table = pd.DataFrame(solved["mean"][-len(routes) :], index=lower_table.index, columns=lower_table.columns)
    return table.reset_index().melt(id_vars="unique_id", var_name="ds", value_name="mean")


MODELS: dict[str, Model] = {
    "seasonal_naive": _per_route(_model("SeasonalNaive", season_length=SEASON), intervals=True),
    "tsb": _per_route(_model("TSB", alpha_d=0.2, alpha_p=0.2)),
    "adida": _per_route(_model("ADIDA")),
    "croston_sba": _per_route(_model("CrostonSBA")),
    "theta": _per_route(_model("Theta", season_length=SEASON), intervals=True),
    "autoets": _per_route(_model("AutoETS", season_length=SEASON)),
    "lightgbm_tweedie": lightgbm_tweedie,
    "autoets_total_shares": autoets_total_shares,
    "autoets_largest": autoets_largest,
    "prophet_total_shares": prophet_total_shares,
    "prophet_archetypes": prophet_archetypes,
    "mintrace": mintrace,
}


if __name__ == "__main__":
    main()
