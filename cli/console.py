"""What the planner sees: results on stdout, everything else on stderr, known errors as one red sentence."""

from __future__ import annotations

import codecs
import functools
import io
import json as json_text
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import typer

from cli.column_blocks import split_columns
from cli.translation import coded_columns, head_of, in_language, tell, tell_cell
from cli.words import word
from data.errors import RadarError
from data.progress import SILENT, Progress

if TYPE_CHECKING:
    import polars as pl
    from rich.progress import Progress as RichProgress

    from data.workspace import Workspace

P = ParamSpec("P")
R = TypeVar("R")

DEBUG_VARIABLE = "RADAR_DEBUG"
EXIT_ERROR = 1
EXIT_INCOMPLETE = 3
EXIT_INTERRUPTED = 130
_SECONDS_BEFORE_A_BAR = 2.0
_WIDTH_OF_A_FILE = 160
# Rows of a table for the eye: drawing takes half a millisecond each, and nobody reads on.
_MOST_ROWS = 5_000
# Columns that hold words of the product and no ids; `--json` gives them as they stand in the tables.
TOLD = frozenset(
    [
        "detail",
        "kind",
        "state",
        "lacks",
        "rule",
        "note",
        "reason",
        "binding",
        "cheapest_fix",
        "found",
        "meaning",
        "group",
        "subject",
        "what",
        "known",
        "lack",
        "text",
        "told",
        "status",
        "outcome",
        "change",
        "type",
        "direction",
        "key",
        "required",
        "message",
        "value",
        "proof",
        "part",
        "way",
        "plan",
        "effect",
        "basis",
        "unknown",
        "stream",
        "cause",
        "source",
    ]
)

# Numbers that are names, to be typed as they stand: no separators within them.
TYPED = frozenset(["seed", "edition", "year"])
# Degrees keep their decimals beyond 100 too.
PLACES = frozenset(["latitude", "longitude"])


def workspace_of(context: typer.Context) -> Workspace:
    """Return the workspace of ``--workspace``, or the one the current folder lies in, read as it stands at one moment."""
    from pathlib import Path

    from data.whatif import find_workspace, open_workspace

    chosen: Path | None = context.find_root().params.get("workspace")
    workspace = open_workspace(chosen) if chosen is not None else find_workspace(Path.cwd())
    workspace.pin()
    return workspace


def known_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Turn a known error into one red sentence and exit code 1, Ctrl-C into exit code 130.

    With ``radar --debug`` the traceback is shown.
    """

    @functools.wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        _refuse_endless(kwargs)
        try:
            return command(*args, **kwargs)
        except RadarError as error:
            if _debugging():
                raise
            tell_known(error)
            raise typer.Exit(EXIT_ERROR) from error
        except KeyboardInterrupt as error:
            tell_error("Interrupted: the workspace is as it was.")
            raise typer.Exit(EXIT_INTERRUPTED) from error

    return guarded


def _refuse_endless(options: Mapping[str, object]) -> None:
    """Refuse ``inf`` and ``nan``, which Python takes for numbers: a search of endless effort ends never."""
    for name, value in options.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise typer.BadParameter("Input should be a finite number", param_hint=f"'--{name.replace('_', '-')}'")


def _debugging() -> bool:
    return os.environ.get(DEBUG_VARIABLE, "") not in ("", "0")


def tell_error(sentence: str) -> None:
    """Write one red sentence to stderr."""
    typer.secho(f"{word('word.error')}{in_language(sentence)}", fg=typer.colors.RED, err=True)


def tell_known(error: RadarError) -> None:
    """Write a known error as one red sentence to stderr."""
    typer.secho(f"{word('word.error')}{tell(error)}", fg=typer.colors.RED, err=True)


def say(text: str) -> None:
    """Write a line about what is going on to stderr."""
    typer.echo(in_language(text), err=True)


def warn(text: str) -> None:
    """Write a line the planner should see to stderr, in yellow."""
    typer.secho(in_language(text), fg=typer.colors.YELLOW, err=True)


def ask(question: str) -> bool:
    """Ask on stderr whether to go on; an empty answer is no."""
    return typer.confirm(in_language(question), err=True)


@contextmanager
def _to_stdout() -> Iterator[None]:
    """Turn a stdout that takes no more into a known error; who closed it as it has seen enough is no error."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        # what is still in the buffer would be tried once more, and told as a traceback, when Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
        raise RadarError(
            f"stdout cannot be written ({error.strerror})", action="make room, or choose another file"
        ) from error


def speak_any_letter() -> None:
    """Let both streams take every letter: UTF-8 where the locale knows ASCII alone, an escape where it lacks one."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            if codecs.lookup(stream.encoding).name == "ascii":
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")
            elif codecs.lookup(stream.encoding).name != "utf-8":
                stream.reconfigure(errors="backslashreplace")


def out_text(text: str) -> None:
    """Write a result to stdout."""
    with _to_stdout():
        typer.echo(in_language(text))


def out_json(value: object) -> None:
    """Write a result to stdout as JSON."""
    with _to_stdout():
        typer.echo(json_text.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def _plain(value: object) -> int | float | str:
    """Bring what JSON has no word for to what it has: a sum of whole numbers in SQL is a decimal, and stays a number."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)


def out_rows(
    frame: pl.DataFrame,
    *,
    json: bool,
    columns: Sequence[str] | None = None,
    title: str = "",
    by_row: bool = False,
    as_typed: bool = False,
) -> None:
    """Write rows to stdout: as a table for the eye, or with ``json`` as a list of records.

    Parameters
    ----------
    by_row
        Each row is a measure of its own, so that counts beside shares are told row by row; else a column is one measure.
    as_typed
        Rows are shown as the tables hold them: what stands in a cell is what a filter or a file would name.
    """
    if columns is not None:
        frame = frame.select(columns)
    if json:
        out_json(frame.to_dicts())
        return
    import polars as pl
    from rich.console import Console
    from rich.table import Table

    beyond = frame.height - _MOST_ROWS
    frame = frame.head(_MOST_ROWS)
    counts = {name: _are_whole(frame[name]) for name in frame.columns}
    cells: list[list[str]] = []
    for row in frame.iter_rows():
        of_row = by_row and _are_whole(row)
        cells.append(
            [
                _cell(value, name, whole=of_row if by_row else counts[name], as_typed=as_typed)
                for value, name in zip(row, frame.columns, strict=True)
            ]
        )
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE, markup=False, highlight=False)
    heads = [head_of(name, flag=dtype == pl.Boolean) for name, dtype in frame.schema.items()]
    numbers = [dtype.is_numeric() for dtype in frame.dtypes]
    for number, block in enumerate(split_columns(heads, cells, console.width)):
        table = Table(title=(in_language(title) or None) if number == 0 else None, title_justify="left")
        for n, wide in zip(block.columns, block.widths, strict=True):
            table.add_column(heads[n], justify="right" if numbers[n] else "left", overflow="fold", width=wide)
        for texts in cells:
            table.add_row(*(texts[n] for n in block.columns))
        with _to_stdout():
            console.print(table)
    if beyond > 0:
        warn(f"{beyond:,} more rows; --json prints all.")


def _are_whole(values: Iterable[object]) -> bool:
    """Say whether all the decimal numbers there are could as well be counts."""
    return all(value.is_integer() for value in values if isinstance(value, float))


def _cell(value: object, column: str, *, whole: bool, as_typed: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return word("word.yes" if value else "word.no")
    if isinstance(value, str) and not as_typed and (column in TOLD or column in coded_columns()):
        return tell_cell(column, value)
    if isinstance(value, int):
        return str(value) if column in TYPED else f"{value:,}"
    if isinstance(value, float):
        if whole:
            return f"{value:z,.0f}"
        return f"{value:z,.3f}" if abs(value) < 100 or column in PLACES else f"{value:z,.0f}"
    return str(value)


class _Bar:
    """Draws nothing in the first two seconds, then a bar with an estimate."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._since = time.monotonic()
        self._bar: RichProgress | None = None

    def step(self, done: float, total: float, note: str = "") -> None:
        """Move the bar to ``done`` of ``total``."""
        if self._bar is None:
            if time.monotonic() - self._since < _SECONDS_BEFORE_A_BAR:
                return
            self._bar = self._open()
        self._bar.update(self._bar.task_ids[0], completed=done, total=total, note=in_language(note))

    def _open(self) -> RichProgress:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        bar = Progress(*columns, TextColumn("{task.fields[note]}"), console=Console(stderr=True), transient=True)
        bar.add_task(self._label, total=None, note="")
        bar.start()
        return bar

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()


@contextmanager
def progress(label: str) -> Iterator[Progress]:
    """Show how far long work is, on stderr; nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield SILENT
        return
    bar = _Bar(in_language(label))
    try:
        yield bar
    finally:
        bar.close()
