"""A workspace whose methods are the commands: each is called through the same door as on the command line."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl
    from typer.core import TyperCommand

    from data.workspace import Workspace as Store


class Workspace:
    """A workspace folder, and a method for every command that works on it.

    A command's words are joined by underscores: ``radar plan trunk --time-limit 60`` is ``ws.plan_trunk(time_limit=60)``. Arguments
    are given by position, options by name; dates may be dates or text. What the command prints with ``--json`` comes back as Python
    values, of commands without it the text they print. Exit code 3 (parcels short, rows set apart) is no error: it stands in
    ``last_exit_code``.

    Parameters
    ----------
    folder
        Folder with ``radar.toml``.

    Examples
    --------
    >>> import tempfile, parcelradar as pr
    >>> ws = pr.create(tempfile.mkdtemp() + "/peak")
    >>> ws.table("events").columns[:2]
    ['event_id', 'name']
    >>> [run["command"] for run in ws.runs()]
    ['init']
    >>> ws.sql("SELECT 1 + 1 AS two")
    [{'two': 2}]
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.last_exit_code = 0

    @cached_property
    def store(self) -> Store:
        """The tables on disk."""
        from data.whatif import open_workspace

        return open_workspace(self.folder)

    def table(self, name: str, run: str | None = None) -> pl.DataFrame:
        """Return a table; of a result table the rows of one run, by default of the latest.

        Raises
        ------
        RadarError
            When there is no such table or run.
        """
        from data.contracts import contract

        return self.store.results(name, run) if contract(name).group == "results" else self.store.read(name)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return the method of a command."""
        command = _commands().get(name)
        if command is None:
            raise AttributeError(f"radar has no command {name.replace('_', ' ')}")
        words, parsed = command

        def call(*arguments: object, **options: object) -> Any:
            return self._call(words, parsed, arguments, options)

        call.__name__, call.__doc__ = name, parsed.help
        return call

    def __dir__(self) -> list[str]:
        """Return the names of the commands as well."""
        return sorted({*super().__dir__(), *_commands()})

    def _call(
        self, words: tuple[str, ...], parsed: TyperCommand, arguments: tuple[object, ...], options: dict[str, object]
    ) -> Any:
        """Run a command in this process; a known error is raised as it is."""
        from typer.main import get_command

        from cli.app import app
        from cli.console import DEBUG_VARIABLE, EXIT_INCOMPLETE, EXIT_INTERRUPTED
        from data.errors import RadarError

        flags = {flag for parameter in parsed.params for flag in (*parameter.opts, *parameter.secondary_opts)}
        typed = ["--workspace", str(self.folder), *words]
        if "--json" in flags:
            typed.append("--json")
        for name, value in options.items():
            typed += _option(f"--{name.rstrip('_').replace('_', '-')}", value, flags)
        typed += ["--", *(_word(argument) for argument in arguments)] if arguments else []
        printed, before = io.StringIO(), os.environ.get(DEBUG_VARIABLE)
        os.environ[DEBUG_VARIABLE] = "1"  # known errors are raised instead of printed
        try:
            with redirect_stdout(printed):
                code = get_command(app).main(typed, prog_name="radar", standalone_mode=False)
        finally:
            os.environ.pop(DEBUG_VARIABLE) if before is None else os.environ.update({DEBUG_VARIABLE: before})
        self.last_exit_code = code if isinstance(code, int) else 0
        if self.last_exit_code == EXIT_INTERRUPTED:
            raise KeyboardInterrupt
        if self.last_exit_code not in (0, EXIT_INCOMPLETE):
            raise RadarError(
                f"`radar {' '.join(words)}` ended with exit code {self.last_exit_code}", action="see above"
            )
        text = printed.getvalue()
        return json.loads(text) if "--json" in flags else text


def open(folder: str | Path) -> Workspace:  # noqa: A001 (named as the reader would say it: pr.open)
    """Open an existing workspace.

    Raises
    ------
    RadarError
        When the folder is none.
    """
    workspace = Workspace(folder)
    _ = workspace.store
    return workspace


def create(folder: str | Path, calendar: str = "CN") -> Workspace:
    """Make an empty workspace, as ``radar init`` does, by the same function.

    Raises
    ------
    RadarError
        When it is one already, or the folder cannot be written.
    """
    from data.new_workspace import make_workspace

    make_workspace(Path(folder), calendar)
    return open(folder)


def _commands() -> dict[str, tuple[tuple[str, ...], TyperCommand]]:
    """Every command by its words joined with underscores."""
    from typer.main import get_command

    from cli.app import app

    found: dict[str, tuple[tuple[str, ...], TyperCommand]] = {}

    def walk(words: tuple[str, ...], command: Any) -> None:
        if words and (not hasattr(command, "commands") or command.invoke_without_command):
            found["_".join(words).replace("-", "_")] = words, command
        for name, below in getattr(command, "commands", {}).items():
            walk((*words, name), below)

    walk((), get_command(app))
    return found


def _option(flag: str, value: object, flags: set[str]) -> list[str]:
    if value is None:
        return []
    if isinstance(value, bool):
        opposite = f"--no-{flag.removeprefix('--')}"
        return [flag] if value else [opposite] if opposite in flags else []
    if isinstance(value, (list, tuple)):
        return [word for one in value for word in (flag, _word(one))]
    return [flag, _word(value)]


def _word(value: object) -> str:
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)
