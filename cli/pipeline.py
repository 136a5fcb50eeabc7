"""The peak plan as a chain of ``radar`` commands: what a planner would type, run one after the other."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cli.console import EXIT_INCOMPLETE, EXIT_INTERRUPTED
from data.errors import RadarError

if TYPE_CHECKING:
    import typer

# What ends a step well: done, or done with shortfalls or rows set apart.
_GOOD_ENDS = (0, EXIT_INCOMPLETE)


# Futures that tell a plan's risk to two points (judgement: a demo shows what there is, in a minute or two); the plan as if
# every lane were fair is there for its cost, and plays none; that of the storm's evening takes as few as draws come in strata.
_DRAWS = 250
_DRAWS_OF_THE_EVENING = 25
_CHANGES = 40  # departures a dispatcher may move in an evening (judgement)

_PLAN_PURPOSES = {
    "trunk": "paths and whole vehicles, hubs within capacity",
    "stock": "how much of what in which warehouse by when",
    "couriers": "which courier takes how many parcels",
    "outlets": "runs between hubs and outlets",
    "joint": "stock and trunk decided together",
}


@dataclass(frozen=True)
class Peak:
    """What a peak plan is made for.

    Parameters
    ----------
    as_of
        Last day of history the forecast may know.
    horizon
        Days forecast.
    first, last
        Days the trunk and the stock are planned for.
    effort
        How much the trunk plan is searched.
    seed
        Seed of everything random.
    """

    as_of: date
    horizon: int
    first: date
    last: date
    effort: float
    seed: int


@dataclass(frozen=True)
class Step:
    """One command of the chain: its words after ``radar`` and what it is for."""

    words: tuple[str, ...]
    purpose: str

    @property
    def line(self) -> str:
        """The command as it would be typed."""
        return " ".join(("radar", *self.words))


@dataclass(frozen=True)
class StepEnd:
    """How a step ended: its exit code, what it printed, and how long it took [seconds]."""

    step: Step
    exit_code: int
    printed: str
    seconds: float


def list_peak_steps(peak: Peak) -> tuple[Step, ...]:
    """List the commands of a whole peak plan: forecast, weather, trunk plan, check, stock plan, reports, advice."""
    seed = ("--seed", str(peak.seed))
    window = ("--from", str(peak.first), "--to", str(peak.last))
    effort = ("--effort", f"{peak.effort:g}")
    return (
        Step(
            ("forecast", "--as-of", str(peak.as_of), "--horizon", str(peak.horizon), *seed),
            "parcels of every route, hub, region and outlet",
        ),
        Step(("weather", "impact", "--as-of", str(peak.as_of)), "what the weather does to lanes and outlets"),
        Step(
            ("weather", "apply", "--close", "likely"),
            "forecasts and lane times with the weather in them, lanes likely shut are shut",
        ),
        # before the trunk plan, whose loops may still be compiled
        Step(("report", "forecast"), "the forecast as a page"),
        Step(("plan", "stock"), "how much of what in which warehouse by when"),
        Step(
            ("plan", "trunk", *window, "--no-weather", *effort, "--draws", "0", *seed),
            "the plan as if every lane were fair, to hold the next one against",
        ),
        Step(
            ("plan", "trunk", *window, *effort, "--draws", str(_DRAWS), *seed),
            "paths and whole vehicles, hubs within capacity; what the weather costs",
        ),
        Step(("verify", "trunk"), "every balance, capacity and cost recomputed"),
        Step(("report", "plan"), "the plan as a page"),
        Step(("advise", "--all"), "what each merchant should know"),
    )


def list_storm_steps(peak: Peak, known: date) -> tuple[Step, ...]:
    """List the commands of the evening of a storm's red warning: lanes shut, the plan of the days left near the one that stands.

    Parameters
    ----------
    known
        The day by whose end the warning is out.
    """
    day = timedelta(days=1)
    window = ("--from", str(known + day), "--to", str(peak.last))
    near = ("--reference", "trunk", "--max-changes", str(_CHANGES))
    effort = ("--effort", f"{peak.effort:g}")
    return (
        Step(
            ("weather", "impact", "--as-of", str(known), "--from", str(known), "--to", str(peak.last + day)),
            "what the storm does to lanes and outlets, by the warnings out now",
        ),
        Step(("weather", "apply", "--close", "likely"), "lanes likely shut are shut; parcels wait for the days after"),
        Step(
            ("plan", "trunk", *window, *near, *effort, "--draws", str(_DRAWS_OF_THE_EVENING), "--seed", str(peak.seed)),
            "the days left, near the plan that stands: what is needed changes",
        ),
        Step(("verify", "trunk"), "every balance, capacity and cost recomputed"),
        Step(("report", "plan"), "the plan under the storm as a page"),
    )


def list_plan_steps(plans: Sequence[str], options: Sequence[tuple[str, object]]) -> tuple[Step, ...]:
    """List the commands of `radar plan all`: each plan with the options that were given, the trunk plan checked."""
    given = tuple(word for name, value in options if value is not None for word in (name, str(value)))
    steps: list[Step] = []
    for plan in plans:
        steps.append(Step(("plan", plan, *given), _PLAN_PURPOSES[plan]))
        if plan in ("trunk", "joint"):
            steps.append(Step(("verify", plan), "every balance, capacity and cost recomputed"))
    return tuple(steps)


def run_steps(app: typer.Typer, folder: Path, steps: Sequence[Step], show: Callable[[str], None]) -> Iterator[StepEnd]:
    """Run commands one after the other on a workspace, in this process and through the same door as the planner's.

    What a step prints to stdout is kept from there, so that the caller's own result stands alone on it.

    Parameters
    ----------
    app
        The application ``radar``.
    folder
        The workspace.
    steps
        The commands.
    show
        Given what each step printed, also when it failed.

    Yields
    ------
    StepEnd
        As each step ends; shortfalls (exit code 3) do not end the chain.

    Raises
    ------
    RadarError
        When a step fails; its own error stands on stderr already.
    KeyboardInterrupt
        When a step was interrupted.
    """
    from typer.main import get_command

    command = get_command(app)
    for step in steps:
        started = time.monotonic()
        with _stdout_kept() as printed:
            code = command.main(["--workspace", str(folder), *step.words], prog_name="radar", standalone_mode=False)
        exit_code = code if isinstance(code, int) else 0
        text = printed.getvalue()
        show(text)
        if exit_code == EXIT_INTERRUPTED:
            raise KeyboardInterrupt
        if exit_code not in _GOOD_ENDS:
            raise RadarError(
                f"`{step.line}` ended with exit code {exit_code}",
                action=f"correct what it says above; the steps before it are done and stay in {folder}",
            )
        yield StepEnd(step, exit_code, text, time.monotonic() - started)


@contextmanager
def _stdout_kept() -> Iterator[io.StringIO]:
    buffer = io.StringIO()
    with redirect_stdout(buffer):
        yield buffer
