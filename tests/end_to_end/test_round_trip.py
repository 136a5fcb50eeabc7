"""What `radar export` writes, `radar load` reads back as it was."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from cli.app import app
from data.contracts import contract
from data.workspace import Workspace

RUNNER = CliRunner()
IDS = ["=1+1", 'a "quoted", id', "../up", "杭州;分拨", "007", "a|b", "<b>x</b>"]
TABLES = {
    "hubs": pl.DataFrame(
        {
            "hub_id": IDS,
            "name": IDS,
            "latitude": [30.25, -1.5, None, 0.0, 1e-5, 12.0, 12.125],
            "sort_capacity": [None, 1000, 2, 3, 4, 5, 6],
        }
    ),
    "couriers": pl.DataFrame({"courier_id": ["NA", "null"], "name": ["x", "y"]}),
    "lanes": pl.DataFrame(
        {
            "lane_id": ["L1"],
            "origin_hub_id": ["=1+1"],
            "destination_hub_id": ["007"],
            "mode": ["rail"],
            "distance_km": [1234.5],
            "transit_hours": [0.0],
        }
    ),
    "route_volumes": pl.DataFrame(
        {
            "date": [date(2022, 6, 7), date(2022, 12, 31)],
            "courier_id": ["NA", "null"],
            "origin_hub_id": ["007", "../up"],
            "destination_hub_id": ["a|b", "007"],
            "parcels": [0, 12_345_678],
        }
    ),
    "waybills": pl.DataFrame(
        {
            "waybill_id": ["1e5", "00012345678901234567"],
            "origin_hub_id": ["007", "007"],
            "destination_hub_id": ["007", "../up"],
            "ordered_at": [datetime(2022, 6, 7, 23, 59, 59, 123456, tzinfo=UTC), datetime(2022, 6, 7, tzinfo=UTC)],
            "picked_up_at": [None, datetime(2022, 6, 8, tzinfo=UTC)],
            "status": ["created", "picked_up"],
            "exception": ["line\nbreak, and comma", None],
        }
    ),
}


@pytest.mark.parametrize("form", ["csv", "parquet", "json", "xlsx"])
def test_every_format_comes_back_as_it_was(tmp_path: Path, form: str) -> None:
    old, new = Workspace.create(tmp_path / "old"), Workspace.create(tmp_path / "new")
    with old.run("load") as run:
        for name, frame in TABLES.items():
            run.replace(name, contract(name).arrange(frame))
    for name in TABLES:
        file = tmp_path / f"{name}.{form}"
        told = RUNNER.invoke(app, ["-w", str(old.folder), "export", name, "--format", form, "--out", str(file)])
        assert told.exit_code == 0, told.output
        told = RUNNER.invoke(app, ["-w", str(new.folder), "load", name, str(file), "--no-volumes"])
        assert told.exit_code == 0, told.output
        keys = list(contract(name).keys)
        assert_frame_equal(new.read(name).sort(keys), old.read(name).sort(keys))
