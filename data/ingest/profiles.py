"""What was found out about a file, kept so that tomorrow's file of the same kind loads with one word."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from data.errors import RadarError

_FOLDER = "profiles"
_NAME = re.compile(r"^[^\s/\\.:*?\"<>|][^/\\:*?\"<>|]{0,99}$")


@dataclass(frozen=True)
class Profile:
    """How the files of one kind are loaded.

    Parameters
    ----------
    table
        Table they go to.
    files
        Where they stood the last time.
    sheet, header_row, span, wide, units, fill_down, add_up, ids_as_written, allow_future
        As the options of ``radar load`` say them, given or found; ``span`` is its ``--columns``.
    constants, add_missing, sql
        Likewise.
    columns
        Name in the table to header in the file, as found; for people, it is not used.
    """

    table: str
    files: tuple[str, ...] = ()
    sheet: str | None = None
    header_row: int | None = None
    span: str | None = None
    wide: str | None = None
    units: dict[str, str] = field(default_factory=dict)
    fill_down: tuple[str, ...] = ()
    add_up: bool = False
    ids_as_written: bool = False
    allow_future: bool = False
    constants: dict[str, str] = field(default_factory=dict)
    add_missing: tuple[str, ...] = ()
    sql: str | None = None
    columns: dict[str, str] = field(default_factory=dict)

    def tell(self) -> str:
        """Say the settings that are not the default, in the words of the options."""
        # a header of two lines is told in one
        columns = [f"{name}={' '.join(head.split())}" for name, head in self.columns.items() if name != head]
        settings = [
            f"sheet {self.sheet}" if self.sheet else "",
            f"header row {self.header_row}" if self.header_row else "",
            f"columns {self.span}" if self.span else "",
            f"wide {self.wide}" if self.wide else "",
            *(f"unit {name}={unit}" for name, unit in self.units.items()),
            f"columns {', '.join(columns)}" if columns else "",
        ]
        return "; ".join(part for part in settings if part)


def write_profile(folder: Path, name: str, profile: Profile) -> Path:
    """Keep a profile under its name in the workspace ``folder``; RadarError for a name that is no file name."""
    path = _path(folder, name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(asdict(profile), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return path


def read_profile(folder: Path, name: str) -> Profile | None:
    """Return a profile of the workspace ``folder``, None where there is none; RadarError for a broken one."""
    if not _NAME.match(name) or not _path(folder, name).is_file():
        return None
    path = _path(folder, name)
    try:
        stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        known = {item.name for item in fields(Profile)}
        values: dict[str, Any] = {key: value for key, value in stored.items() if key in known}
        values |= {key: tuple(stored[key]) for key in ("files", "fill_down", "add_missing") if key in stored}
        return Profile(**values)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise RadarError(
            f"a profile that cannot be read ({str(error)[:200]})", "one that radar wrote", "delete it", file=path
        ) from error


def profile_names(folder: Path) -> Sequence[str]:
    """Return the names of the profiles of a workspace, sorted."""
    return sorted(path.stem for path in (folder / _FOLDER).glob("*.json"))


def _path(folder: Path, name: str) -> Path:
    if not _NAME.match(name):
        raise RadarError(f"profile name {name!r}", "a plain word that can be a file name", "choose another")
    return folder / _FOLDER / f"{name}.json"
