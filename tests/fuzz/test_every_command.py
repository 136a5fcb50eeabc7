"""Every command over odd workspaces, in process: no traceback, no NaN told as a number, a sentence where it cannot go on."""

from __future__ import annotations

import json
import re
import shlex
import tempfile
import traceback
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jsonschema import validate  # type: ignore[import-untyped]
from typer.main import get_command
from typer.testing import CliRunner

from cli.answer_keys import Answer
from cli.answers import ANSWERS
from cli.app import app
from data.contracts import TABLES
from tests.answers import find_answer
from tests.fuzz.odd_tables import AS_OF, IDS, Oddity, write_odd_workspace

RUNNER = CliRunner()
DAY = str(AS_OF)
# In the order of a planner's day; those that make results come before those that read them.
QUICK = """
init {out}/new
check --json
check
tables lanes --json
forecast --as-of {day} --horizon 2 --json
forecast capacity --json
forecast staffing --json
forecast draws --draws 3 --out {out}/draws.parquet
revisions --from 2025-11-02 --to {day} --json
weather impact --from {day} --to 2025-11-05 --as-of {day} --json
weather apply --json
weather effects --json
weather calibrate --json
plan trunk --demand given --effort 0.001 --time-limit 2 --json
plan trunk --demand forecast --effort 0.001 --time-limit 2
plan explain --json
plan explain --shortfalls
plan explain --hub A --json
plan explain --lane A --json
plan timetable --out {out}/gtfs --json
plan trunk --timetable {out}/gtfs --demand given --effort 0.001 --time-limit 2 --json
export trunk_departures --out {out}/departures.csv
plan locks {out}/departures.csv --every --json
plan source --json
plan stock --from 2025-11-04 --to 2025-11-06 --as-of {day} --effort 0.001 --time-limit 2 --json
plan stock --rolling --to 2025-11-12 --as-of {day} --effort 0.001 --time-limit 2 --json
plan capacity --effort 0.001 --time-limit 2 --volumes 2 --json
verify trunk --json
verify rolling --json
verify stock
stress --draws 20 --json
report forecast --out {out}/forecast.html --lang zh
report plan --out {out}/plan.html --lang en
report sheets --out {out}/sheets.html --lang en
advise --all --format csv --out {out}/advice --json
track rates --as-of {day} --json
track care --as-of {day} --json
export --all --out {out}/tables
load route_volumes {out}/tables/route_volumes.csv --dry-run --json
load --folder {out}/tables --dry-run --json
weather load {out}/tables/weather_observations.csv --json
weather fetch open-meteo --url http://127.0.0.1:9 --json
sql "SELECT count(*) AS n FROM runs" --json
whatif new "更多 sorters" --edit "hubs sort_capacity*=1.1" --json
whatif list --json
withdraw forecast-0002 --json
withdraw forecast-0002 --undo --json
compare forecast-0002 weather-apply-0004 --json
remove route_volumes --where parcels=0 --yes --json
undo --yes --json
clean --dry-run --json
repair --json
runs --json
runs
""".strip().splitlines()
SLOW = [
    f"backtest --as-of 2025-10-30,{DAY} --horizon 2 --json",
    "plan all --effort 0.001 --time-limit 2 --json",
    "stress --draws 200 --risk 0.02",
    "plan joint --effort 0.001 --time-limit 2 --json",
    "playbook --draws 10 --max-changes 0 --json",
    "drill --draws 10 --most 1 --json",
    "whatif run --effort 0.001 --json",
    "whatif compare --json",
]
# It takes no workspace but writes one, and has tests of its own.
ALONE = {"demo"}
FLAWS = re.compile(r"(?<![\w.])(?:nan|-?inf)(?![\w.])|Traceback", re.IGNORECASE)


def no_number(word: str) -> NoReturn:
    raise AssertionError(f"{word} in JSON")


def answer_of(words: list[str]) -> Answer:
    """What the longest known beginning of the words answers; an argument may change it."""
    if words[0] in ("tables", "load") and len(words) > 1 and not words[1].startswith("-"):
        return find_answer({"tables": "tables NAME", "load": "load TABLE"}[words[0]])
    known = {answer.command for answer in ANSWERS}
    return find_answer(next(name for size in (2, 1) if (name := " ".join(words[:size])) in known))


def run_command(folder: Path, words: list[str]) -> None:
    """Run one command; fails on anything a planner should never see."""
    result = RUNNER.invoke(app, ["--workspace", str(folder), *words])
    told = " ".join(words)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise AssertionError(f"radar {told}: {''.join(traceback.format_exception(result.exception))}")
    assert result.exit_code in (0, 1, 3), f"radar {told} ended with {result.exit_code}: {result.output}"
    assert FLAWS.search(result.output) is None, (
        f"radar {told}: {FLAWS.search(result.output)} in {result.output[-3000:]}"
    )
    if result.exit_code == 1:
        assert result.stderr.startswith("Error: ") or "\nError: " in result.stderr, f"radar {told}: {result.stderr}"
    elif "--json" in words:
        validate(json.loads(result.stdout, parse_constant=no_number), answer_of(words).schema)


def run_all(odd: Oddity, commands: list[str]) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "计划 a b"
        write_odd_workspace(folder, odd)
        for command in commands:
            words = [word.format(day=DAY, out=Path(place) / "out") for word in shlex.split(command)]
            run_command(folder, words)


NOTHING = pytest.param(Oddity(1, frozenset(TABLES), 0, 0, "plain", 1.0, 1), id="nothing loaded")
NETWORK = frozenset({"hub_sorts", "hub_days", "hub_closures", "hand_in_profile", "delivery_waves", "lane_departures"})
MONTH = pytest.param(
    Oddity(2, NETWORK | {"forecast_overrides"}, 6, 30, "plain", 0.5, 3),
    id="three hubs, a month",
    marks=pytest.mark.slow,
)
ODDITIES = st.builds(
    Oddity,
    seed=st.integers(0, 2**20),
    absent=st.one_of(st.just(frozenset()), st.frozensets(st.sampled_from(sorted(TABLES)))),
    rows=st.sampled_from([1, 2, 6]),
    days=st.sampled_from([0, 1, 2, 30]),
    numbers=st.sampled_from(["plain", "zero", "huge"]),
    empty=st.sampled_from([0.0, 0.5, 1.0]),
    ids=st.integers(1, len(IDS)),
)


def _leaves(command: Any, words: tuple[str, ...] = ()) -> set[str]:
    inner = getattr(command, "commands", {})
    below = {leaf for name, one in inner.items() for leaf in _leaves(one, (*words, name))}
    return below or {" ".join(words)}


def test_every_command_is_driven() -> None:
    driven = {" ".join(shlex.split(line)[:size]) for line in [*QUICK, *SLOW] for size in (1, 2)}
    assert _leaves(get_command(app)) - driven == ALONE


def test_a_workspace_with_nothing_loaded_is_answered_by_every_command() -> None:
    run_all(NOTHING.values[0], [*QUICK, *SLOW])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "odd",
    [
        MONTH,
        pytest.param(Oddity(3, NETWORK, 6, 3, "zero", 0.0, 3), id="nothing but zeros"),
        pytest.param(Oddity(4, NETWORK, 6, 3, "huge", 0.3, 4), id="huge and tiny", marks=pytest.mark.slow),
    ],
)
def test_odd_workspaces_give_answers_or_sentences(odd: Oddity) -> None:
    run_all(odd, QUICK)


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=list(HealthCheck), derandomize=False, print_blob=True)
@example(Oddity(5, frozenset(), 6, 30, "plain", 0.5, 3))
@example(Oddity(6, frozenset({"lanes", "lane_vehicles"}), 6, 30, "plain", 0.5, 3))
@given(odd=ODDITIES)
def test_any_odd_workspace_gives_answers_or_sentences(odd: Oddity) -> None:
    run_all(odd, [*QUICK, *SLOW])
