from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from data.errors import RadarError
from data.workspace import Workspace
from forecasting.evaluation.vintages import find_vintage, list_vintages

MONDAY = dt.date(2025, 10, 20)


def vintage(as_of: dt.date, mean: int, days: int = 3) -> pl.DataFrame:
    row = dict.fromkeys(("mean", "q05", "q10", "q25", "q50", "q75", "q90", "q95"), mean)
    dates = [as_of + dt.timedelta(days=at + 1) for at in range(days)]
    frame = pl.DataFrame({"as_of": [as_of] * days, "date": dates})
    factors = {"baseline": float(mean), "event": 1.0, "weather": 1.0, "override": 1.0}
    return frame.with_columns(*[pl.lit(value).alias(name) for name, value in {**row, **factors}.items()])


def test_a_forecast_never_changes_an_earlier_one(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "ws")
    kept: list[tuple[str, int]] = []
    for as_of, mean in ((MONDAY, 100), (MONDAY + dt.timedelta(days=1), 120), (MONDAY, 90)):
        earlier = [workspace.results("network_forecasts", run_id) for run_id, _ in kept]
        with workspace.run("forecast") as run:
            run.append("network_forecasts", vintage(as_of, mean))
        kept.append((run.run_id, mean))
        for (run_id, _), rows in zip(kept, earlier, strict=False):
            assert workspace.results("network_forecasts", run_id).sort("date").equals(rows.sort("date"))
    table, writers = workspace.read("network_forecasts"), workspace.writers("network_forecasts")
    assert list_vintages(table, writers)["run_id"].to_list() == [kept[0][0], kept[2][0], kept[1][0]]
    assert find_vintage(table, writers, MONDAY)["mean"].to_list() == [90] * 3


def test_a_date_never_forecast_is_named_with_those_there_are() -> None:
    table = vintage(MONDAY, 5).with_columns(run_id=pl.lit("forecast-0001"))
    with pytest.raises(RadarError, match=r"no forecast as of 2025-11-01.*2025-10-20"):
        find_vintage(table, ["forecast-0001"], dt.date(2025, 11, 1))
    with pytest.raises(RadarError, match="none yet"):
        find_vintage(table, [], MONDAY)
