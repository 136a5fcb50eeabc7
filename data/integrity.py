"""Which tables of a workspace are damaged, and the way back to what is whole."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from data import delta
from data.contracts import TABLES, contract
from data.errors import RadarError
from data.progress import SILENT, Progress
from data.table_reader import FINISHED, TableReader


@dataclass(frozen=True, slots=True)
class Damage:
    """A table that is not as it was written.

    Parameters
    ----------
    table
        Name of the table.
    version
        The newest version, in which the damage was found.
    file
        The file that is damaged, relative to the table's folder.
    found
        What is wrong with it.
    whole_version
        The newest version that is whole, None where none is.
    """

    table: str
    version: int
    file: str
    found: str
    whole_version: int | None

    @property
    def sentence(self) -> str:
        """The damage as one sentence, with the way out."""
        if self.whole_version is None:
            return f"file {self.file} {self.found}; no version is whole: `radar repair {self.table}` sets the table aside, then load it again"
        return f"file {self.file} {self.found}; version {self.whole_version} is whole: `radar repair {self.table}` goes back to it"


@dataclass(frozen=True, slots=True)
class Repair:
    """What was done to a damaged table.

    Attributes
    ----------
    table
        Name of the table.
    version
        The version as which it stands again, None where it was set aside.
    moved_to
        Where it was set aside to.
    lost
        Runs whose rows in it are gone. Of results no part of such a run is read any more.
    """

    table: str
    version: int | None
    moved_to: Path | None
    lost: tuple[str, ...] = ()


def list_damage(reader: TableReader, progress: Progress = SILENT) -> list[Damage]:
    """Look at every byte of the newest version of every table, and return the tables that are not as they were written.

    Files written by this version carry their checksum; of older ones the size is compared and the rows are decoded.
    """
    found = []
    for number, name in enumerate(TABLES):
        progress.step(number, len(TABLES), name)
        if damage := find_damage(reader, name):
            found.append(damage)
    return found


def find_damage(reader: TableReader, name: str) -> Damage | None:
    """Return the damage of one table, None where it is whole or was never written."""
    store = reader.store(name)
    folder, version = store.folder, store.version()
    if version is None:
        return None
    if store.mirror is not None:
        with suppress(RadarError):  # what cannot be read is what is looked for
            store.bring(version)
    fault = _fault_of_log(folder, version) or _fault_of_files(folder, version)
    if fault is None:
        return None
    return Damage(name, version, *fault, whole_version=delta.last_whole_version(folder, sums=True))


def _fault_of_log(folder: Path, version: int) -> tuple[str, str] | None:
    """Return the first commit that cannot be read and what is wrong with it, None where the version can be listed."""
    try:
        delta.list_files(folder, version)
    except RadarError as error:
        for number in delta.committed_versions(folder):
            file = folder / "_delta_log" / f"{number:020}.json"
            if fault := _fault_of_commit(file):
                return f"_delta_log/{file.name}", fault
        return "_delta_log", f"cannot be read ({error.found})"
    return None


def _fault_of_commit(file: Path) -> str | None:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        for line in lines:
            json.loads(line)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    except ValueError:
        return "is cut off or holds other bytes than were written"
    return None if lines else "is empty"


def _fault_of_files(folder: Path, version: int) -> tuple[str, str] | None:
    for file in delta.list_files(folder, version):
        if fault := file.fault(sums=True):
            return file.path.relative_to(folder).as_posix(), fault
    return None


def repair(reader: TableReader, name: str) -> Repair | None:
    """Take a damaged table back to its newest whole version; where there is none set it aside. None: it is whole.

    What cannot be read is kept beside the table, under a name that ends with ``.damaged``. Numbers of lost versions are not given
    again: what was made on one of them is told that it is gone. Runs that lost results count as failed, for readers see whole runs only.

    Raises
    ------
    RadarError
        When the folder cannot be written.
    """
    refuse_on_object_store(reader, "repair")
    damage = find_damage(reader, name)
    if damage is None:
        return None
    folder = reader.store(name).folder
    with delta.faults_told(folder, writing=True):
        if damage.whole_version is None:
            target = _free_name(folder)
            folder.rename(target)
            return Repair(name, None, target, _give_up(reader, name, -1))
        log = folder / "_delta_log"
        for version in delta.committed_versions(folder):
            if version > damage.whole_version:
                file = log / f"{version:020}.json"
                file.rename(_free_name(file))
        for file in log.glob("*.checkpoint*.parquet"):
            if int(file.name[:20]) > damage.whole_version:
                file.rename(_free_name(file))
        (log / "_last_checkpoint").unlink(missing_ok=True)
        delta.pass_over(folder, damage.whole_version, damage.version)
    return Repair(name, damage.whole_version, None, _give_up(reader, name, damage.whole_version))


def _give_up(reader: TableReader, name: str, whole_version: int) -> tuple[str, ...]:
    """Name the runs that wrote later versions of a table; those of results are put down as failed."""
    if name == "runs":
        return ()
    try:
        runs = reader.own_runs()
    except RadarError:  # damaged as well
        return ()
    written = pl.col("tables_written").str.json_path_match(f"$.{name}").cast(pl.Int64)
    lost = runs.filter(pl.col("outcome").is_in(FINISHED) & (written > whole_version))
    if contract(name).group == "results" and lost.height:
        told = pl.lit(f"its rows of {name} were lost: run it again")
        reader.store("runs").upsert(
            lost.with_columns(outcome=pl.lit("failed"), message=told, tables_written=pl.lit("{}"))
        )
    return tuple(lost["run_id"])


def refuse_on_object_store(reader: TableReader, command: str) -> None:
    """Refuse what takes files away where the tables are at home in an object store.

    Raises
    ------
    RadarError
        When they are.
    """
    if reader.mirror is not None:
        raise RadarError(
            f"`radar {command}` on {reader.mirror.bucket.url}",
            "a workspace whose tables stand in its folder",
            f"copy its tables into one of your own, run `radar {command}` there and put them on a store again (docs/how-to/scale-out.md)",
        )


def _free_name(path: Path) -> Path:
    names = (path.with_name(f"{path.name}{number or ''}.damaged") for number in range(1_000))
    return next(name for name in names if not name.exists())
