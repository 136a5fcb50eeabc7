"""Which file of a folder is meant for which table: by its name, in the order in which tables lean on each other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.errors import RadarError

_ENDINGS = re.compile(
    r"\.(csv|tsv|txt|xlsx|xlsm|xls|xlsb|ods|parquet|pq|jsonl|ndjson|json|geojson)(\.gz)?$", re.IGNORECASE
)


@dataclass(frozen=True)
class FolderFiles:
    """Files by table, and the names of files that no table is named like."""

    tables: Mapping[str, tuple[Path, ...]]
    others: Sequence[str]


def match_files(folder: Path, tables: Sequence[str]) -> FolderFiles:
    """Match the files of a folder with tables: ``hubs.csv``, ``route_volumes-2025.xlsx``, ``Route Volumes 11月.csv``.

    Parameters
    ----------
    folder
        The folder; its own folders are not looked into.
    tables
        Names of the tables in the order they are to be loaded.

    Raises
    ------
    RadarError
        When it is no folder that can be read, or no file in it is named like a table.
    """
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith((".", "~$")))
    except OSError as error:
        raise RadarError(
            f"no folder that can be read ({error.strerror})", "a folder with files", "check the path", file=folder
        ) from error
    by_table: dict[str, list[Path]] = {name: [] for name in tables}
    others = []
    for path in files:
        table = name_table(path.name, tables)
        if table is None:
            others.append(path.name)
        else:
            by_table[table].append(path)
    found = {name: tuple(paths) for name, paths in by_table.items() if paths}
    if not found:
        raise RadarError(
            f"{len(files)} files, none named like a table", "names such as hubs.csv", "rename them", file=folder
        )
    return FolderFiles(found, others)


def name_table(name: str, tables: Sequence[str]) -> str | None:
    """Return the table that a file is named like, if it is named like one.

    Examples
    --------
    >>> name_table("Hubs 2025.csv", ["hubs", "lanes"]), name_table("README.md", ["hubs"])
    ('hubs', None)
    """
    if not _ENDINGS.search(name):
        return None
    stem = re.sub(r"[\s\-]+", "_", _ENDINGS.sub("", name).casefold())
    fitting = [table for table in tables if stem == table or re.match(rf"{table}[^a-z]", stem)]
    # route_volumes_2025 is no outlet; lane_vehicles is no lane
    return max(fitting, key=len, default=None) if not _longer(stem, fitting) else None


def _longer(stem: str, fitting: Sequence[str]) -> bool:
    """Whether a letter follows the table's name and an underline: hubs_closed is another thing than hubs."""
    best = max(fitting, key=len, default="")
    return bool(best) and bool(re.match(r"_[a-z]", stem[len(best) :]))
