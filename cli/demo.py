"""``radar demo``: the sample network and the whole peak plan on it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.console import known_errors, out_text, progress, say
from cli.options import Seed

# Seconds of search for the trunk plan: the small one is to be through in under two minutes, two of them.
_EFFORT = {"small": 0.1, "national": 3.0}
_HORIZON_DAYS = 16
_LINES_A_STEP = 28


class ScaleName(StrEnum):
    """Sizes of the sample."""

    small = "small"
    national = "national"


def register(app: typer.Typer) -> None:
    """Add ``radar demo``."""
    app.command("demo")(demo)


@known_errors
def demo(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of the new workspace; it must not be one yet.")
    ] = Path("radar-demo"),
    scale: Annotated[
        ScaleName,
        typer.Option(
            "--scale", help="small: 12 hubs, 150 outlets, under two minutes; national: 100 hubs, 3,000 outlets."
        ),
    ] = ScaleName.small,
    seed: Seed = 20251111,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in place of a workspace that an earlier `radar demo` made there.")
    ] = False,
    storm: Annotated[
        bool,
        typer.Option(
            "--storm/--no-storm",
            help="Go on to the evening of 10 November: a red warning, lanes shut, the plan changed where it must.",
        ),
    ] = True,
    data_only: Annotated[bool, typer.Option("--data-only", help="Write the network's data and plan nothing.")] = False,
) -> None:
    """Write the sample network as a workspace, run the whole peak plan on it, and say where the report is.

    The network is made from the seed: real Chinese cities, invented couriers and merchants, two years of parcels, and
    a season that lies ahead. The chain is that of a planner: each command is shown before it runs. It goes on to the evening of a
    blizzard, when lanes are shut and the days left are planned again.

    Example: `radar demo peak --scale small`
    """
    from cli.app import app
    from cli.pipeline import Peak, list_peak_steps, list_storm_steps, run_steps
    from data.sample.scale import AS_OF, peak_days, storm_day
    from data.sample.write import write_sample

    started = time.monotonic()
    if replace:
        _remove_earlier_demo(directory)
    say(f"Sample network, scale {scale.value}, seed {seed} ...")
    with nullcontext() if data_only else _compiling() as compiled:
        with progress("Sample network") as bar:
            workspace = write_sample(directory, scale.value, seed, bar)
        say(f"Workspace {workspace.folder} ({time.monotonic() - started:.0f} s)")
        if compiled is None:
            out_text(str(workspace.folder))
            return
        first, last = peak_days()
        peak = Peak(AS_OF, _HORIZON_DAYS, first, last, _EFFORT[scale.value], seed)
        steps = list_peak_steps(peak) + (list_storm_steps(peak, storm_day()) if storm else ())
        reports: list[str] = []
        say(f"\n$ {steps[0].line}")
        for number, end in enumerate(run_steps(app, workspace.folder, steps, _show), start=1):
            say(f"({end.step.purpose}: {end.seconds:.0f} s)")
            if end.step.words[0] == "report":
                reports += end.printed.split("\n")
            if number < len(steps):
                say(f"\n$ {steps[number].line}")
                if steps[number].words[:2] == ("plan", "trunk"):
                    for child in compiled:
                        child.wait()
    say(f"\nThe whole chain took {time.monotonic() - started:.0f} s. The reports:")
    for report in reports:
        if report:
            out_text(report)


@contextmanager
def _compiling() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Have the loops of planner and player compiled by two other processes while the forecast is made; on disk already, they end at once."""
    carrying = "from routing.trunk.compiling import compile_carrying; compile_carrying()"
    player = "from routing.stress.two_hubs import compile_player; compile_player()"
    bounds = "from routing.trunk.compiling import compile_bounds; compile_bounds()"
    search = "from routing.trunk.compiling import compile_search; compile_search()"
    parts = (search, f"{carrying}; {player}; {bounds}")
    quiet = subprocess.DEVNULL
    children = [
        subprocess.Popen([sys.executable, "-P", "-c", part], stdin=quiet, stdout=quiet, stderr=quiet)  # noqa: S603 - words of our own
        for part in parts
    ]
    try:
        yield children
    finally:
        for child in children:
            if child.poll() is None:
                child.kill()
            child.wait()


def _show(text: str) -> None:
    """Show what a step printed, of long lists the beginning."""
    lines = text.splitlines()
    for line in lines[:_LINES_A_STEP]:
        say(line)
    if len(lines) > _LINES_A_STEP:
        say(f"... and {len(lines) - _LINES_A_STEP} lines more.")


def _remove_earlier_demo(directory: Path) -> None:
    """Take an earlier demo away; a folder that holds anything else is left alone."""
    import shutil

    from data.errors import RadarError
    from data.settings import FILE_NAME
    from data.workspace import Workspace

    if not (directory / FILE_NAME).exists():
        return
    runs = Workspace.open(directory).runs().sort("started_at")
    if runs.is_empty() or runs["command"][0] != "demo":
        raise RadarError(
            f"{directory} is a workspace that `radar demo` did not make",
            action="choose another folder: it is not replaced",
        )
    shutil.rmtree(directory)
