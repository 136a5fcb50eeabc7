"""What-ifs: workspaces that lie over another one and read its tables through their edits.

A what-if is a folder ``whatifs/NAME`` of its workspace with a file ``whatif.toml`` (its edits) and the tables its own runs write.
Every other table is read from the workspace below, so that nothing is copied, and nothing below is ever written.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import polars as pl

from data.contracts import contract
from data.edits import Edit, apply_edits
from data.errors import RadarError
from data.settings import FILE_NAME, Settings
from data.spelling import ask_near
from data.table_reader import TableReader
from data.workspace import Workspace

WHATIF_FILE = "whatif.toml"
_FOLDER = "whatifs"
_NAME = re.compile(r"\w[\w .-]{0,59}(?<![ .])")
# What changes tables that are read from below, or their versions.
_REFUSED = ("load", "remove", "undo", "clean", "repair", "init")


class WhatIf(Workspace):
    """A workspace that lies over another.

    Reference tables, history and forecasts are those of the workspace below with the edits made; results and runs are those of
    both, its own the later ones.

    Parameters
    ----------
    folder
        With ``whatif.toml``.

    Raises
    ------
    RadarError
        When ``whatif.toml`` is broken, or the workspace below is gone.
    """

    def __init__(self, folder: Path) -> None:
        TableReader.__init__(self, folder.resolve())
        file = self.folder / WHATIF_FILE
        try:
            stored = tomllib.loads(file.read_text(encoding="utf-8"))
            self.edits = tuple(Edit.parse(line) for line in stored["edits"])
            self.made_at = datetime.fromisoformat(stored["made_at"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RadarError(
                f"no what-if ({error})", "edits and made_at", "make it anew: radar whatif new", file=file
            ) from error
        self.base = Workspace(self.folder.parent.parent)

    @property
    def name(self) -> str:
        """Its name."""
        return self.folder.name

    @cached_property
    def settings(self) -> Settings:
        """What the ``radar.toml`` of the workspace below says."""
        return self.base.settings

    @property
    def mirror(self) -> None:
        """Its own tables stand in its folder, whatever those below do."""
        return

    def pin(self) -> None:
        """Read the tables of both workspaces as they stood at one moment; its own runs too read those below so."""
        super().pin()
        self.base.pin()

    def version(self, name: str) -> int | None:
        """Return the version of a table its runs read: its own where its runs wrote one, else that of the workspace below."""
        own = super().version(name)
        return own if own is not None else self.base.version(name)

    def read(self, name: str, version: int | None = None) -> pl.DataFrame:
        """Return a table with the edits made; of results the rows of both workspaces."""
        if name == "runs":
            return self.runs()
        own = super().version(name)
        if own is None:
            return apply_edits(self.edits, name, self.base.read(name, version))
        below = apply_edits(self.edits, name, self.base.read(name))
        mine = super().read(name, own)
        return pl.concat([below, mine]) if mine.height else below

    def scan(self, name: str, version: int | None = None) -> pl.LazyFrame:
        """Return a table unread; one that is edited is read."""
        if any(edit.table == name for edit in self.edits):
            return self.read(name, version).lazy()
        return self.base.scan(name, version)

    def results(self, name: str, run_id: str | None = None) -> pl.DataFrame:
        """Return the rows of one finished run, by default of the latest that wrote the table, in either workspace."""
        if run_id is None:
            writers = self.writers(name)
            if not writers:
                return contract(name).empty()
            run_id = writers[-1]
        if run_id in set(self.own_runs()["run_id"]):
            return super().results(name, run_id)
        return apply_edits(self.edits, name, self.base.results(name, run_id))

    def runs(self) -> pl.DataFrame:
        """Return the runs below that began before its first own one, then its own."""
        own, below = self.own_runs(), self.base.runs()
        if own.height:
            below = below.filter(~pl.col("run_id").is_in(own["run_id"].implode()))
        return pl.concat([below, own])

    @contextmanager
    def writing(self, command: str) -> Iterator[None]:
        """Hold the what-if as its one writer; the workspace below needs no holding.

        Raises
        ------
        RadarError
            For a command that would write tables read from below.
        """
        if command in _REFUSED:
            raise RadarError(
                f"`radar {command}` in the what-if {self.name}",
                action=f"use {self.base.folder}, or make a what-if with other edits: radar whatif new",
            )
        with super().writing(command):
            yield


def open_workspace(folder: Path) -> Workspace:
    """Open a workspace or a what-if."""
    return WhatIf(folder) if (folder / WHATIF_FILE).is_file() else Workspace.open(folder)


def find_workspace(start: Path) -> Workspace:
    """Open the workspace or what-if in ``start`` or in the nearest parent that is one."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / WHATIF_FILE).is_file() or (folder / FILE_NAME).is_file():
            return open_workspace(folder)
    return Workspace.find(start)


def list_whatifs(folder: Path) -> list[WhatIf]:
    """Return the what-ifs over the workspace in a folder in the order they were made."""
    files = sorted((folder / _FOLDER).glob(f"*/{WHATIF_FILE}"))
    return sorted((WhatIf(file.parent) for file in files), key=lambda one: (one.made_at, one.name))


def find_whatif(workspace: Workspace, name: str) -> WhatIf:
    """Return a what-if by its name.

    Raises
    ------
    RadarError
        When there is none.
    """
    known = {one.name: one for one in list_whatifs(workspace.folder)}
    if name not in known:
        names = ", ".join(known) or "none yet"
        raise RadarError(f"no what-if {name}", f"one of {names}", ask_near(name, known) or "radar whatif new makes one")
    return known[name]


def list_overruled(made: WhatIf) -> dict[str, list[str]]:
    """Give by column of hubs the hubs of which it is edited for nothing in plans by sorts: those read it from hub_sorts, that stand as before."""
    keys = ["hub_id", "sort_id", "date_from"]
    sorts, sorts_before = (place.read("hub_sorts") for place in (made, made.base))
    found: dict[str, list[str]] = {}
    for column in ("sort_capacity", "buffer_capacity"):
        hubs, before = (place.read("hubs").select("hub_id", column) for place in (made, made.base))
        edited = set(hubs.join(before, on=hubs.columns, how="anti", nulls_equal=True)["hub_id"])
        own = [*keys, column]
        same = sorts.select(own).join(sorts_before.select(own), on=own, how="semi", nulls_equal=True)
        if column == "buffer_capacity":  # without one of its own a sort has the hub's
            same = same.filter(pl.col(column).is_not_null())
        names = sorted(edited & set(same["hub_id"]))
        found |= {column: names} if names else {}
    return found


def make_whatif(workspace: Workspace, name: str, lines: Sequence[str]) -> WhatIf:
    """Make a what-if: its edits are tried on the tables before anything is written.

    Raises
    ------
    RadarError
        For a name no folder may have or that is taken, no edits, and edits that cannot be made.
    """
    if isinstance(workspace, WhatIf):
        raise RadarError(f"a what-if over the what-if {workspace.name}", "one over a workspace", "repeat its edits")
    if not _NAME.fullmatch(name):
        raise RadarError(f"the name {name!r}", "letters, digits, spaces, dots, dashes, at most 60", "choose another")
    folder = workspace.folder / _FOLDER / name
    if folder.exists():
        raise RadarError(f"what-if {name} is there already", action="choose another name")
    edits = [Edit.parse(line) for line in lines]
    if not edits:
        raise RadarError("a what-if without edits", "at least one --edit or --edits FILE")
    for table in dict.fromkeys(edit.table for edit in edits):
        before = workspace.read(table) if contract(table).group != "results" else workspace.results(table)
        apply_edits(edits, table, before)
    edit_lines = "".join(f"  {_quote(line)},\n" for line in lines)
    text = f'made_at = "{datetime.now(UTC).isoformat()}"\nedits = [\n{edit_lines}]\n'
    try:
        folder.mkdir(parents=True)
        (folder / WHATIF_FILE).write_text(text, encoding="utf-8")
    except OSError as error:
        raise RadarError(
            f"{folder} cannot be written ({error.strerror})", action="see to the folder's rights"
        ) from error
    return WhatIf(folder)


def _quote(line: str) -> str:
    """Write a text as TOML: JSON's strings are TOML's basic strings."""
    return json.dumps(line, ensure_ascii=False)
