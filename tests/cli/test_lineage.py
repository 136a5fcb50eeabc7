"""The inputs a run records are those it looked at: a table handed over and never touched is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from data.runs import Run
from data.workspace import Workspace
from tests.cli.test_forecast_choice import WORDS, days, folder, radar  # noqa: F401 (fixtures)
from tests.routing.stock_cases import AS_OF

# What a frame is asked before anybody looks at its rows.
_OUTSIDE = ("height", "width", "columns", "schema", "is_empty")
COMMANDS: tuple[tuple[str, ...], ...] = (
    *((*path, *words) for path, words in WORDS.items()),
    ("weather", "apply", "--no-learn"),
    ("weather", "impact", "--from", "2025-11-01", "--to", "2025-11-02"),
    ("weather", "impact", "--from", "2025-11-01", "--to", "2025-11-02", "--no-learn"),
    ("plan", "stock", "--as-of", str(AS_OF), "--from", "2025-11-01", "--to", "2025-11-02"),
)


class Watched(pl.DataFrame):
    """A table that says when somebody looks at its rows."""

    looked_at: list[str]
    label: str

    def __getattribute__(self, name: str) -> Any:
        inside = object.__getattribute__(self, "__dict__")
        if "label" in inside and not name.startswith("_") and name not in (*_OUTSIDE, "label", "looked_at"):
            inside["looked_at"].append(inside["label"])
        return object.__getattribute__(self, name)


def _watch(frame: pl.DataFrame, name: str, looked_at: list[str]) -> pl.DataFrame:
    if frame.is_empty():  # that it is empty is all there is to see
        looked_at.append(name)
        return frame
    watched = Watched(frame)
    watched.__dict__.update(label=name, looked_at=looked_at)
    return watched


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_run_records_only_what_it_looked_at(
    folder: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
) -> None:
    looked_at: list[str] = []
    read, results = Run.read, Run.results
    monkeypatch.setattr(Run, "read", lambda run, name: _watch(read(run, name), name, looked_at))
    monkeypatch.setattr(
        Run, "results", lambda run, name, run_id=None: _watch(results(run, name, run_id), name, looked_at)
    )
    result = radar(folder, *words)
    assert result.exit_code in (0, 3), result.output
    kept = Workspace.open(folder).runs().row(-1, named=True)
    recorded = set(json.loads(kept["tables_read"]))
    assert recorded
    assert recorded <= set(looked_at), recorded - set(looked_at)


def test_a_forecast_that_knew_too_much_is_no_input(folder: Path) -> None:  # noqa: F811
    early = ("--as-of", "2025-10-15", "--from", "2025-11-01", "--to", "2025-11-02")
    result = radar(folder, "plan", "stock", *early)
    assert result.exit_code in (0, 3), result.output
    kept = Workspace.open(folder).runs().row(-1, named=True)
    assert "hub_forecasts" not in json.loads(kept["tables_read"])
    assert kept["forecast_run"] is None or kept["forecast_run"].startswith("plan")
