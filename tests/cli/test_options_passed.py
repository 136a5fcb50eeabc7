"""No option is dropped on its way: what is set one field at a time is set to the last field, and a new field fails here until it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from cli import plan_capacity
from cli.app import app
from cli.forecast_inputs import settings_of
from cli.plan_demand import TrunkRequest, keep_request, read_request
from cli.trunk_task import keep_options, read_options, read_rules, set_options
from data.ingest import files
from data.ingest.profiles import Profile
from data.settings import EventPrior, PlanSettings, Settings
from data.settings import ForecastSettings as ForecastSection
from data.workspace import Workspace
from forecasting.inputs import ForecastSettings
from routing.checker.playback.clock import ClockRules
from routing.trunk.task.inputs import TrunkOptions
from weather.feeds.loading import Sources
from weather.fetch.services import _sources_at

DAY = date(2025, 11, 11)


def _unset(value: object, but: tuple[str, ...] = ()) -> list[str]:
    """Names of the fields of a dataclass that stand at their default."""
    assert is_dataclass(value)
    found = []
    for one in fields(value):
        default = one.default if one.default_factory is MISSING else one.default_factory()
        if default is not MISSING and getattr(value, one.name) == default and one.name not in but:
            found.append(one.name)
    return found


def _command(*words: str) -> Any:
    command: Any = get_command(app)
    for word in words:
        command = command.commands[word]
    return command


def _parameters(*words: str) -> set[str]:
    return {one.name for one in _command(*words).params if one.name != "help"}


# Every value is another than the default.
PLAN = PlanSettings(
    service_level=0.7, effort=0.3, time_limit_seconds=77.0, hold_cost=0.9, late_cost=2.5, co2_price=0.4, short_cost=321.0,
    idle_cost_share=0.1, spot_peak_factor=1.7, extra_sort_cost=1.1, extra_buffer_cost=1.2, most_extra_share=0.4, default_promise_days=2, max_legs=3,
    max_detour_ratio=2.5, max_detour_km=55.0, unload_hours=1.5, turn_round_hours=2.5, day_cut_off_hours=3.5,
)  # fmt: skip
SETTINGS = Settings(
    workspace={"timezone": "Europe/Paris"},
    plan=PLAN,
    forecast=ForecastSection(cost_too_few=7.0, cost_too_many=2.0, prophet=False),
    events={"gala": EventPrior(multiple=3.0, spread=0.4, weight=2.0)},
)
# What a plan sets for itself: its days, what the limit is measured in, how much may go into a proof, how lanes are ordered.
OF_THE_PLAN = ("last_day", "clock", "proof_share", "proof_columns", "sort_plan")


def test_the_samples_above_leave_no_setting_at_its_default() -> None:
    for section in (PLAN, SETTINGS.forecast):
        kind = type(section)
        assert [name for name, one in kind.model_fields.items() if getattr(section, name) == one.default] == []


def test_every_setting_of_the_plan_reaches_the_planner_and_is_kept() -> None:
    options = set_options(SETTINGS, effort=None, time_limit=None, seed=9)
    assert _unset(options, OF_THE_PLAN) == []
    kept = json.loads(json.dumps(keep_options(options)))
    again = read_options(kept)
    of_the_search = ("effort", "time_limit", "seed")
    for one in fields(TrunkOptions):
        if one.name not in (*OF_THE_PLAN, *of_the_search):
            assert getattr(again, one.name) == getattr(options, one.name), one.name
    rules = read_rules(kept, "Asia/Tokyo")
    assert {one.name for one in fields(ClockRules)} <= set(kept)
    assert all(getattr(rules, one.name) == kept[one.name] for one in fields(ClockRules))


def test_what_is_asked_of_a_trunk_plan_is_its_request_and_can_be_asked_again() -> None:
    assert _parameters("plan", "trunk") - {"json", "write_fix", "hours"} == {one.name for one in fields(TrunkRequest)}
    asked = TrunkRequest(
        DAY,
        date(2025, 11, 12),
        0.8,
        "given",
        9.0,
        0.2,
        4,
        "plan-trunk-0001",
        3,
        "forecast-0002",
        False,
        0.05,
        "days",
        250,
        "fixed",
        "时刻表/gtfs",
        ["plan-trunk-0003", "plan-trunk-0004"],
    )
    assert _unset(asked) == []
    kept = json.loads(json.dumps(keep_request(asked)))
    assert read_request({"options": kept, "seed": 4, "forecast_run": "forecast-0002"}) == asked
    old: Mapping[str, Any] = {"options": {"from": None}, "seed": None, "forecast_run": None}  # of a run of earlier days
    assert read_request(old) == TrunkRequest(sort_plan="free")  # lanes had no order then


def test_every_setting_of_the_forecast_reaches_it() -> None:
    made = settings_of(SETTINGS, ((DAY, DAY),), bridge=True)
    assert _unset(made, ("use_trees", "inner_cutoffs", "pooling")) == []  # no planner sets these
    assert _unset(made.event_priors["gala"]) == []
    assert {one.name for one in fields(ForecastSettings)} >= {"closed", "bridge"}


PROFILE = Profile(
    "route_volumes", files=("a.csv",), sheet="s", header_row=3, wide="date", units={"parcels": "万件"}, fill_down=("date",),
    add_up=True, ids_as_written=True, allow_future=True, constants={"courier_id": "x"}, add_missing=("hubs",), sql="map.sql",
    columns={"date": "日期"}, span="A:F",
)  # fmt: skip


def test_every_option_of_a_load_is_in_its_profile_and_reaches_the_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = {"table", "files", "folder", "database", "query", "replace", "volumes", "profile", "dry_run", "json"}
    given = _parameters("load") - beside
    # --columns A:F is the profile's span; its columns are names
    assert given == {one.name for one in fields(Profile)} - {"table", "files", "span"}
    assert _unset(PROFILE) == []
    workspace = Workspace.create(tmp_path / "ws")
    assert _unset(files.instruct(workspace, PROFILE, replace=True), ("latest",)) == []
    layouts: list[Any] = []

    def keep(_paths: object, layout: object) -> list[Any]:
        layouts.append(layout)
        return []

    monkeypatch.setattr(files, "open_files", keep)
    files.open_sources(replace(PROFILE, sql=None))
    assert _unset(layouts[0]) == []
    options = files.options_of(PROFILE, [], replace=True, derive=True, given=False)
    assert {"set" if name == "constants" else name for name in given} <= set(options)


def test_an_answer_of_a_weather_service_is_read_as_the_command_was_asked() -> None:
    from zoneinfo import ZoneInfo

    asked = Sources(
        ZoneInfo("Asia/Shanghai"),
        "csv",
        "forecasts",
        None,
        (1.0, 2.0),
        {"a": (1.0, 2.0)},
        {"r": {"type": "Point"}},
        DAY,
    )
    told = _sources_at(asked, "qweather", (3.0, 4.0))
    assert (told.provider, told.place) == ("qweather", (3.0, 4.0))
    for one in fields(Sources):
        if one.name not in ("provider", "place"):
            assert getattr(told, one.name) == getattr(asked, one.name), one.name


def test_vehicle_needs_are_planned_by_the_settings_of_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from routing.capacity import needs

    workspace = Workspace.create(tmp_path / "ws")
    lines = [f"{name} = {value}" for name, value in PLAN.model_dump().items()]
    text = "\n".join(["[workspace]", 'timezone = "Europe/Paris"', "[plan]", *lines])
    (workspace.folder / "radar.toml").write_text(text, encoding="utf-8")
    asked: list[Any] = []

    def keep(_tables: object, options: object, _bar: object) -> None:
        asked.append(options)
        raise typer.Exit(0)

    monkeypatch.setattr(needs, "plan_capacity", keep)
    monkeypatch.setattr(plan_capacity, "_read_forecasts", lambda *_: {})
    words = ["-w", str(workspace.folder), "plan", "capacity", "--seed", "4", "--volumes", "7"]
    CliRunner().invoke(app, words)
    assert asked, "the planner was not asked"
    assert _unset(asked[0]) == []
    assert _unset(asked[0].trunk, OF_THE_PLAN) == []
