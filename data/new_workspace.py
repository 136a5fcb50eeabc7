"""A workspace as it begins: settings, a template for each table, and the events of a country."""

from __future__ import annotations

from pathlib import Path

from data.calendar import build_calendar
from data.templates import write_templates
from data.workspace import Workspace


def make_workspace(folder: Path, calendar: str = "CN") -> Workspace:
    """Make a workspace and fill in what is known without a planner.

    Parameters
    ----------
    folder
        It may exist, but be no workspace yet.
    calendar
        Country whose holidays and shopping events are filled in: CN, BR or US.

    Raises
    ------
    RadarError
        When it is a workspace already, cannot be written, or the calendar is not known.
    """
    events = build_calendar(calendar)
    workspace = Workspace.create(folder, calendar)
    write_templates(workspace.folder / "templates")
    with workspace.run("init", {"calendar": calendar}) as run:
        run.replace("events", events)
    return workspace
