"""What a trunk plan is made from and by, in one place: its tables, its costs and hours as settings say and as a run kept them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from data.runs import Run
    from data.settings import PlanSettings, Settings
    from data.workspace import Workspace
    from routing.checker.playback.clock import ClockRules
    from routing.trunk.task.inputs import TrunkOptions

TABLES = ("hubs", "lanes", "vehicle_types", "lane_vehicles", "network_changes", "service_promises")
HOURS = (
    "hub_sorts",
    "hub_days",
    "hub_closures",
    "hand_in_profile",
    "lane_departures",
    "delivery_waves",
    "vehicle_stands",
    "departure_locks",
)
_WITHIN_DAYS = ("hub_sorts", "hand_in_profile", "lane_departures", "delivery_waves")
PRICES = ("hold_cost", "short_cost", "late_cost", "co2_price")
_KEPT = (*PRICES, "extra_sort_cost", "extra_buffer_cost", "unload_hours", "day_cut_off_hours", "turn_round_hours")
_SEARCH = ("effort", "time_limit")
_PROMISE = "default_promise_days"
_PATHS = ("max_legs", "max_detour_ratio", "max_detour_km")
_ORDER = "sort_plan"
_FIXES = "most_extra_share"


def set_options(
    settings: Settings, *, effort: float | None, time_limit: float | None, seed: int, sort_plan: str = "free"
) -> TrunkOptions:
    """Options of a plan by ``radar.toml``; effort, time limit and sort plan as asked for."""
    from routing.trunk.task.inputs import TrunkOptions

    plan = settings.plan
    return TrunkOptions(
        **{name: getattr(plan, name) for name in _KEPT},
        **bound_paths(plan),
        most_extra_share=plan.most_extra_share,
        effort=plan.effort if effort is None else effort,
        time_limit=plan.time_limit_seconds if time_limit is None else time_limit,
        seed=seed,
        time_zone=settings.workspace.timezone,
        default_promise_days=plan.default_promise_days,
        sort_plan=sort_plan,
    )


def bound_paths(plan: PlanSettings) -> dict[str, Any]:
    """What ``radar.toml`` asks of paths; without a ratio the kilometres bound nothing, and 0 legs are any."""
    km = plan.max_detour_km if plan.max_detour_ratio else None
    return dict(zip(_PATHS, (plan.max_legs or None, plan.max_detour_ratio or None, km), strict=True))


def read_lane_weather(run: Run, *, weather: bool = True) -> tuple[dict[str, pl.DataFrame], dict[str, Any]]:
    """Read what a plan made now sees of the weather on lanes.

    Returns
    -------
    tables
        ``lane_weather`` of the latest run that wrote it, and ``lane_closures`` that are certain, of that run and of the latest
        load; neither without ``weather``, nor where there is none.
    kept
        The runs, as the plan's options keep them.
    """
    tables: dict[str, pl.DataFrame] = {}
    reader = run.reader
    writers = reader.writers("lane_weather") if weather else []
    seen = writers[-1] if writers else None
    if seen is not None:
        tables["lane_weather"] = run.results("lane_weather", seen)
    commands = {row["run_id"]: row["command"] for row in reader.read("runs").iter_rows(named=True)}
    shut = reader.writers("lane_closures") if weather else []
    loaded = [name for name in shut if commands.get(name, "").startswith("load")]
    taken = [name for name in dict.fromkeys([seen, *loaded[-1:]]) if name is not None and name in shut]
    if taken:
        tables["lane_closures"] = choose_certain([run.results("lane_closures", name) for name in taken])
    return tables, {"lane_weather_run": seen, "lane_closures_runs": taken}


def choose_certain(closures: list[pl.DataFrame]) -> pl.DataFrame:
    """Closures that are no scenario but certain: of probability 1."""
    import polars as pl

    return pl.concat(closures).filter(pl.col("probability") >= 1.0)


def leave_room_beside(
    reader: Run | Workspace, tables: Mapping[str, pl.DataFrame], options: TrunkOptions, beside: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """``hub_days`` as trunk plans of other parcels leave them, in place of those read, and what these take of which hub-days."""
    from routing.trunk.task.inputs import TrunkInputs
    from routing.trunk.task.shared_hubs import leave_room

    loads = [reader.results("hub_loads", run_id) for run_id in beside]
    return leave_room(TrunkInputs.gather(tables), options, loads)


def list_hours(by: str) -> tuple[str, ...]:
    """List the tables of hours a plan by ``sorts`` or ``days`` reads: by days nothing that happens within one counts."""
    return HOURS if by == "sorts" else tuple(name for name in HOURS if name not in _WITHIN_DAYS)


def keep_options(options: TrunkOptions) -> dict[str, Any]:
    """List the options of a plan as its run keeps them."""
    return {name: getattr(options, name) for name in (*_SEARCH, *_KEPT, "time_zone", _PROMISE, *_PATHS, _ORDER, _FIXES)}


def read_options(run_options: Mapping[str, Any]) -> TrunkOptions:
    """Return the costs and hours a past plan was made with; those a run of earlier days did not keep count nothing."""
    from routing.trunk.task.inputs import TrunkOptions

    values: dict[str, Any] = {name: float(run_options.get(name) or 0.0) for name in _KEPT}
    zone = str(run_options.get("time_zone") or "Asia/Shanghai")
    values |= {name: run_options.get(name) for name in _PATHS}
    values[_FIXES] = float(run_options.get(_FIXES, "inf"))
    return TrunkOptions(**values, time_zone=zone, default_promise_days=run_options.get(_PROMISE))


def read_prices(run_options: Mapping[str, Any]) -> dict[str, float]:
    """Return the prices of waiting, shortage, lateness and carbon that a run kept."""
    return {name: float(run_options.get(name) or 0.0) for name in PRICES}


def read_rules(run_options: Mapping[str, Any], time_zone: str) -> ClockRules:
    """Return what a run kept of hours, for the checker: of plans before time zones were kept, the workspace's."""
    from routing.checker.playback.clock import ClockRules

    return ClockRules(
        time_zone=str(run_options.get("time_zone") or time_zone),
        unload_hours=float(run_options.get("unload_hours") or 0.0),
        day_cut_off_hours=float(run_options.get("day_cut_off_hours") or 0.0),
        default_promise_days=run_options.get(_PROMISE),
        turn_round_hours=float(run_options.get("turn_round_hours") or 0.0),
        sort_plan=str(run_options.get(_ORDER) or "free"),
        **{name: run_options.get(name) for name in _PATHS},
    )
