"""Every command speaks Chinese to a Chinese reader: whatever it prints for the eye holds no sentence of English."""

from __future__ import annotations

import re
import shlex
import tempfile
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from cli.app import app
from data.contracts import TABLES
from scripts.sentences import find_english, lacks_chinese, list_sentences
from tests.fuzz.odd_tables import Oddity, write_odd_workspace
from tests.fuzz.test_every_command import DAY, MONTH, NOTHING, QUICK

RUNNER = CliRunner()
# Names, ids and paths of the workspace, and texts that come from elsewhere: a reader's own words are not translated.
ELSEWHERE = re.compile(
    r"^用法：.*$|/[^\s│，。；：）]+|[A-Z][A-Z\d]*\b|<[^>]*>|\bx{5,}\b|\b(?:weather|plan|report|track|forecast|load) [a-z_]+\b",
    re.MULTILINE,
)
EVERYDAY = [command.replace(" --json", "") for command in QUICK]
WRONG = """
frocast
plan trnk
plan trunk --efort 1
plan trunk --effort much
plan trunk --demand none
plan trunk --from tomorrow
verify one two
remove hubs
remove hubs --where nonsense --yes
load hub x.csv
load hubs nothing.csv
load --folder nowhere
load runs x.csv
tables hub
export hub
export --all
compare forecast-0001 forecast-0001
runs forecast-9999
withdraw nothing
undo --yes
sql SELEC
sql SELECT*FROM(hubz)
stress --draws 0
plan stock --short-cost -1
backtest --as-of 2001-01-01
weather fetch qweather
weather load nothing.json
advise NOBODY
report plan --run nothing
init {here}
""".strip().splitlines()


def _english_heads(output: str) -> list[str]:
    """Heads of printed tables that are English, a head over several lines joined."""
    found, cells = [], None
    for line in output.splitlines():
        if line.startswith("┃"):
            parts = [part.strip() for part in line.strip("┃").split("┃")]
            cells = parts if cells is None else [a + b for a, b in zip(cells, parts, strict=True)]
        elif cells is not None:
            found += [cell for cell in cells if re.search(r"[a-z]{2}", cell)]
            cells = None
    return found


def _english_of(folder: Path, command: str) -> list[str]:
    words = [word.format(day=DAY, out=folder.parent / "out", here=folder) for word in shlex.split(command)]
    result = RUNNER.invoke(app, ["--lang", "zh", "--workspace", str(folder), *words])
    assert result.exception is None or isinstance(result.exception, SystemExit), f"radar {command}"
    foreign = command.startswith(
        ("sql ", "weather effects")
    )  # the database speaks for itself, and so do titles of sources
    lines = [] if foreign else result.output.splitlines()
    english = [(find_english(ELSEWHERE.sub("⟦1⟧", line)), line.strip()) for line in lines]
    found = [f"radar {command}: {words!r} in {line}" for words, line in english if words]
    return found + [f"radar {command}: column {head}" for head in _english_heads(result.output)]


@pytest.mark.parametrize(
    "odd", [pytest.param(*MONTH.values, id="three hubs, a month", marks=pytest.mark.slow), NOTHING]
)
def test_no_command_speaks_english_to_a_chinese_reader(odd: Oddity) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "计划 a b"
        write_odd_workspace(folder, odd)
        assert [line for command in [*EVERYDAY, *WRONG] for line in _english_of(folder, command)] == []


def test_every_sentence_of_the_source_has_its_chinese() -> None:
    assert [f"{one.file}:{one.line}: {one.text}" for one in list_sentences() if lacks_chinese(one.text)] == []


def test_every_table_and_column_says_what_it_holds_in_chinese() -> None:
    told = {table.meaning for table in TABLES.values()}
    told |= {column.meaning for table in TABLES.values() for column in table.columns}
    assert sorted(text for text in told if lacks_chinese(text)) == []


def test_the_hunt_finds_what_has_none() -> None:
    assert lacks_chinese("⟦1⟧ apples fell far from the tree")
    assert not lacks_chinese("⟦1⟧ bytes freed.")
    assert find_english("读入 hubs.csv，found three rows") == "found three"


def test_the_hunt_looks_into_lists_that_are_said(tmp_path: Path) -> None:
    (tmp_path / "cli").mkdir()
    made = 'told = [f"{n} apples fell" for n in many]\nnotes.extend(f"{n} pears fell" for n in many)\n'
    (tmp_path / "cli" / "a.py").write_text(f'{made}def tell():\n    return ["plums fell"]\n', encoding="utf-8")
    assert {one.text for one in list_sentences(tmp_path)} == {"⟦1⟧ apples fell", "⟦1⟧ pears fell", "plums fell"}


def test_help_of_every_command_is_chinese() -> None:
    """Each command, argument and option; what Click writes itself included."""

    def walk(command: object, words: tuple[str, ...]) -> list[tuple[str, ...]]:
        inner = getattr(command, "commands", {})
        return [words, *(path for name, one in inner.items() for path in walk(one, (*words, name)))]

    english = []
    for words in walk(get_command(app), ()):
        told = RUNNER.invoke(app, ["--lang", "zh", *words, "--help"]).stdout
        told = re.sub(r"`[^`]*`|\[默认：[^\]]*\]", "⟦1⟧", told)  # examples and values as they are typed
        english += [f"{words}: {line}" for line in told.splitlines() if find_english(ELSEWHERE.sub("⟦1⟧", line))]
    assert english == []
