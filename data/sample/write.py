"""Writes a sample network as a workspace."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from data.contracts import contract
from data.errors import RadarError
from data.progress import SILENT, Progress
from data.sample.make import DEFAULT_SEED, build_sample
from data.sample.truth import write_truth
from data.settings import FILE_NAME
from data.workspace import Workspace

OUTLINES = Path(__file__).resolve().parent.parent / "outlines" / "china_provinces.geojson"


# Hours of unloading a vehicle, and before midnight at which a hub without sorts takes its last arrivals; days on top of the
# shortest way by road that a route is promised (judgement).
_HOURS = {"unload_hours": 1.0, "day_cut_off_hours": 2.0, "default_promise_days": 1}


def write_sample(
    folder: Path, scale: str = "small", seed: int = DEFAULT_SEED, progress: Progress = SILENT
) -> Workspace:
    """Make a sample network and write it as a new workspace: tables, ``regions.geojson`` and the truth beside them.

    Parameters
    ----------
    folder
        Folder of the new workspace; it may exist but be no workspace yet.
    scale
        ``small`` or ``national``.
    seed
        The same seed gives the same tables, to the byte.
    progress
        Told how far the work is.

    Raises
    ------
    RadarError
        For an unknown scale, a folder that is a workspace already or cannot be written.
    """
    if (folder / FILE_NAME).exists():
        raise RadarError(f"{folder} is a workspace already", action="choose another folder for the sample")
    sample = build_sample(scale, seed, progress)
    workspace = Workspace.create(folder)
    _set_hours(folder / FILE_NAME)
    with workspace.run("demo", {"scale": scale, "seed": seed}, seed=seed) as run:
        for name, table in sample.tables.items():
            if contract(name).group == "results":
                run.append(name, table)
            else:
                run.replace(name, table)
    shutil.copyfile(OUTLINES, workspace.folder / "regions.geojson")
    write_truth(sample.truth, workspace.folder)
    return workspace


def _set_hours(settings: Path) -> None:
    """Set in ``radar.toml`` what the sample says of hours."""
    text = settings.read_text(encoding="utf-8")
    for name, hours in _HOURS.items():
        text = re.sub(rf"^# {name} = .*$", f"{name} = {hours}", text, flags=re.MULTILINE)
    settings.write_text(text, encoding="utf-8")
