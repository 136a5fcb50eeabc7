"""Lanes the weather may close, as scenarios of a stress test: what one cause closes is closed together."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from data.errors import RadarError
from routing.stress.incidents import Incident, Scenario

if TYPE_CHECKING:
    import polars as pl

    from data.workspace import Workspace

Span = tuple[datetime, datetime]

BY_CHANCE = "weather by chance"
"""Scenario in which everything the weather may close is closed as often as it is likely."""


def planned_span(workspace: Workspace, run_id: str) -> Span:
    """Return the first and the last moment of the days a trunk plan carries parcels on."""
    from datetime import date

    days = workspace.results("trunk_flows", run_id).explode("departure_dates")["departure_dates"]
    first, last = days.min(), days.max()
    if not isinstance(first, date) or not isinstance(last, date):
        raise RadarError(f"{run_id} carries nothing", "a trunk plan with flows", "see `radar runs`")
    zone = workspace.settings.workspace.zone
    begin, end = (
        datetime.combine(day, time(), tzinfo=zone).astimezone(UTC) for day in (first, last + timedelta(days=1))
    )
    return begin, end


def read_closures(workspace: Workspace, least: float, span: Span) -> tuple[Scenario, ...]:
    """Read what the weather may close during a plan.

    Parameters
    ----------
    workspace
        Where ``lane_closures`` stands.
    least
        Closures less likely than this are left out.
    span
        Moments of the plan.

    Returns
    -------
    tuple of Scenario
        Where anything is less than certain, first all of it by chance: in each draw a cause shuts the lanes whose probability its one
        throw is below. Then one for each cause, the likeliest first; its name tells the cause and how likely it is. In it every lane
        that the cause may close is shut in its hours: one storm shuts its lanes together, not each by a throw of its own.

    Raises
    ------
    RadarError
        For a probability that is none, or when no closure is that likely.
    """
    import polars as pl

    if not 0.0 < least <= 1.0:
        raise RadarError(
            f"--closures {least:g}", "a least probability above 0 and at most 1, such as 0.3", "correct it"
        )
    played = set(workspace.read("runs").filter(pl.col("command") == "weather apply")["run_id"])
    writers = [run for run in workspace.writers("lane_closures") if run not in played]
    if not writers:
        raise RadarError("no lane_closures in this workspace", action="run `radar weather impact` first")
    begin, end = span
    found = workspace.results("lane_closures", writers[-1]).filter(
        (pl.col("probability") >= least) & (pl.col("starts_at") < end) & (pl.col("ends_at") > begin)
    )
    if found.is_empty():
        raise RadarError(
            f"no lane that may be closed with a probability of at least {least:g} during the plan",
            "rows of lane_closures",
            "give a smaller share, or leave --closures out",
        )
    by_chance = [] if (found["probability"] >= 1.0).all() else [Scenario(BY_CHANCE, tuple(_throw_by_cause(found)))]
    return (*by_chance, *_by_cause(found))


def lay_weather(
    workspace: Workspace, tables: dict[str, pl.DataFrame], named: str | None = None
) -> dict[str, pl.DataFrame]:
    """Give a plan's tables the weather it is played under.

    Parameters
    ----------
    workspace
        Where lane weather stands.
    tables
        Of a trunk plan, with the weather it was made for.
    named
        A run of `radar weather impact` or `apply` whose weather counts in place of that.

    Returns
    -------
    dict of str to polars.DataFrame
        The tables; of a plan by days the hours in which lanes are shut are told in ``lane_weather``.

    Raises
    ------
    RadarError
        When the named run wrote no lane weather.
    """
    from cli.trunk_task import choose_certain
    from data.contracts import contract
    from data.hub_load import names_hours
    from weather.adjustment.played_closures import fold_into_days

    if named is not None:
        writers = workspace.writers("lane_weather")
        if named not in writers:
            known = ", ".join(writers[-5:]) or "none yet"
            raise RadarError(f"no lane weather of a run {named}", f"one of {known}", "see `radar runs`")
        tables = {**tables, "lane_weather": workspace.results("lane_weather", named)}
        shut = workspace.writers("lane_closures")
        rows = workspace.results("lane_closures", named) if named in shut else contract("lane_closures").empty()
        tables["lane_closures"] = choose_certain([rows])
    if "lane_closures" not in tables or names_hours(tables["trunk_flows"]):
        return tables
    seen = tables.get("lane_weather", contract("lane_weather").empty())
    zone = workspace.settings.workspace.zone
    folded = {"lane_weather": fold_into_days(seen, tables["lane_closures"], tables["lanes"], zone)}
    return {name: frame for name, frame in tables.items() if name != "lane_closures"} | folded


def _throw_by_cause(closures: pl.DataFrame) -> list[Incident]:
    """Closures as likely as they are, those of a cause by one throw."""
    columns = ("lane_id", "starts_at", "ends_at", "probability", "cause")
    return [
        Incident("lane_shut", starts, ends, lane_id=lane, probability=min(probability, 1.0), throw=cause)
        for lane, starts, ends, probability, cause in closures.sort("cause", "lane_id", "starts_at")
        .select(columns)
        .iter_rows()
    ]


def _by_cause(closures: pl.DataFrame) -> list[Scenario]:
    import polars as pl

    scenarios = []
    likeliest = (
        closures.group_by("cause")
        .agg(pl.col("probability").max())
        .sort("probability", "cause", descending=[True, False])
    )
    for cause, probability in likeliest.iter_rows():
        rows = closures.filter(pl.col("cause") == cause).sort("lane_id", "starts_at")
        shut = tuple(
            Incident("lane_shut", starts, ends, lane_id=lane)
            for lane, starts, ends in rows.select("lane_id", "starts_at", "ends_at").iter_rows()
        )
        scenarios.append(Scenario(f"{cause}, {probability:.0%}", shut))
    return scenarios
