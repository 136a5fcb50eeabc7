"""A workspace as it begins: settings, a template for each table, and the events of a country."""

from __future__ import annotations

from pathlib import Path

from data.calendar import build_calendar
from data.object_store import Bucket
from data.templates import write_templates
from data.workspace import Workspace


def make_workspace(folder: Path, calendar: str = "CN", store: str = "") -> Workspace:
    """Make a workspace and fill in what is known without a planner.

    Parameters
    ----------
    folder
        It may exist, but be no workspace yet.
    calendar
        Country whose holidays and shopping events are filled in: CN, BR or US.
    store
        ``s3://BUCKET/PREFIX`` in which the tables are at home; one that holds a workspace already is joined as it is. Empty: the folder.

    Raises
    ------
    RadarError
        When it is a workspace already, cannot be written, or the calendar is not known.
    """
    events = build_calendar(calendar)
    if store:
        Bucket.open(store).list("tables/runs")  # it can be reached before anything is made
    workspace = Workspace.create(folder, calendar, store)
    write_templates(workspace.folder / "templates")
    if store and workspace.version("runs") is not None:
        return workspace
    with workspace.run("init", {"calendar": calendar}) as run:
        run.replace("events", events)
    return workspace
