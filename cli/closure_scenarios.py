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
        One for each cause, the likeliest first; its name tells the cause and how likely it is. In it every lane that
        the cause may close is shut in its hours: one storm shuts its lanes together, not each by a throw of its own.

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
    writers = workspace.writers("lane_closures")
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
    return tuple(_by_cause(found))


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
