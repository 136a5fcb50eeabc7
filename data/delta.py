"""A Delta table in a folder of any name: its versions, its files, its commits; every fault is one sentence.

The Delta library sees a plain folder alone (:mod:`data.plain_folder`); data files are written and read here, by their real path.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, unquote

import polars as pl

from data.errors import RadarError
from data.plain_folder import open_table, plain_folder
from data.spelling import tell_spans

if TYPE_CHECKING:
    from deltalake import DeltaTable, PostCommitHookProperties
    from deltalake.transaction import AddAction

_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint")
_SUM_IN_NAME = re.compile(r"-([0-9a-f]{32})\.parquet$")
_READ_AT_ONCE = 1 << 22
# Old versions never vanish by themselves: a plan of last year is checked on the tables it was made from.
_CONFIGURATION = {"delta.enableExpiredLogCleanup": "false"}
# Versions that `radar clean` removed, as a JSON list; Delta itself pays no heed to hidden files.
REMOVED = ".removed_versions"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_RIGHT = (errno.EACCES, errno.EPERM, errno.EROFS)


# Files this process found whole, by path, size and time: a file is written once.
_WHOLE: set[tuple[Path, int, int]] = set()


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file of a version: where it is, its size [bytes], its rows where known, and the run whose rows it holds."""

    path: Path
    size: int
    rows: int | None
    run_id: str | None

    def fault_to_readers(self) -> str | None:
        """Say what is wrong with the file as far as its size and its checksum tell; its bytes are looked at once a process."""
        if _SUM_IN_NAME.search(self.path.name) is None:
            return self.fault(sums=False)
        try:
            about = self.path.stat()
        except OSError:
            return self.fault(sums=False)
        looked_at = (self.path, about.st_size, about.st_mtime_ns)
        if about.st_size == self.size and looked_at in _WHOLE:
            return None
        found = self.fault(sums=True)
        if found is None:
            _WHOLE.add(looked_at)
        return found

    def fault(self, *, sums: bool) -> str | None:
        """Say what is wrong with the file, None when it is whole; with ``sums`` every byte is looked at."""
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return "is not there"
        except OSError as error:
            return f"cannot be read ({error.strerror})"
        if size != self.size:
            return f"has {size:,} bytes instead of {self.size:,}"
        sum_in_name = _SUM_IN_NAME.search(self.path.name)
        if not sums:
            return None
        try:
            if sum_in_name is not None:
                return None if checksum(self.path) == sum_in_name[1] else "has other bytes than were written"
            pl.read_parquet(self.path, glob=False, hive_partitioning=False)
        except (pl.exceptions.PolarsError, OSError):
            return "cannot be read"
        return None


def newest_version(folder: Path) -> int | None:
    """Return the newest committed version of the table in ``folder``, None where nothing was ever committed."""
    return max(committed_versions(folder), default=None)


def committed_versions(folder: Path) -> list[int]:
    """Return the versions whose commit stands in the log, oldest first."""
    try:
        with os.scandir(folder / "_delta_log") as entries:
            found = [match for entry in entries if (match := _COMMIT.fullmatch(entry.name))]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise RadarError(
            f"table {folder.name} cannot be read ({error.strerror})", action=f"see to the rights of {folder}"
        ) from error
    return sorted(int(match[1]) for match in found)


def list_files(folder: Path, version: int) -> list[DataFile]:
    """Return the data files of a version in the order in which they are read.

    Raises
    ------
    RadarError
        When the version is not there or its log cannot be read.
    """
    if version not in committed_versions(folder):
        versions = _readable_versions(folder)
        raise RadarError(
            f"table {folder.name} has no version {version}",
            f"one of the versions {tell_spans(versions)}" if versions else "a table that was written",
            "what was made on it cannot be recomputed: run it again on the tables of today",
        )
    if version in removed_versions(folder):
        raise RadarError(
            f"version {version} of table {folder.name} was removed by `radar clean`, or lost in `radar repair`",
            action="what was made on it cannot be recomputed: run it again on the tables of today",
        )
    with faults_told(folder):
        return _files_of(folder, version)


def _readable_versions(folder: Path) -> list[int]:
    """Return the versions whose commits can be followed from the first one or from a checkpoint, and that were not removed."""
    versions = committed_versions(folder)
    starts = {int(match[1]) for path in (folder / "_delta_log").glob("*") if (match := _CHECKPOINT.match(path.name))}
    readable = list[int]()
    for number in versions:
        if number == 0 or number in starts or (readable and readable[-1] == number - 1):
            readable.append(number)
    return sorted(set(readable) - removed_versions(folder))


def _files_of(folder: Path, version: int) -> list[DataFile]:
    log = folder / "_delta_log" / f"{version:020}.json"
    if not log.stat().st_size:
        raise ValueError(f"_delta_log/{log.name} is empty")
    actions = pl.DataFrame(open_table(folder, version).get_add_actions(flatten=True))
    files = [
        DataFile(folder / unquote(row["path"]), row["size_bytes"], row.get("num_records"), row.get("partition.run_id"))
        for row in actions.iter_rows(named=True)
    ]
    committed, rows = committed_rows(folder, version), [file.rows for file in files]
    held = sum(row for row in rows if row is not None)
    if committed is not None and None not in rows and held != committed:
        raise ValueError(f"_delta_log/{log.name} names files with {held:,} rows where {committed:,} were committed")
    return sorted(files, key=lambda file: file.path.name)


def commit(
    folder: Path, frame: pl.DataFrame, mode: Literal["append", "overwrite"], *, by_run: bool, rows_before: int | None
) -> None:
    """Write rows as one more version: the files first, then the commit that makes them part of the table.

    The checksum of a file stands in its name and its rows in the log; the rows of the whole version in the commit.

    Parameters
    ----------
    folder
        The table.
    frame
        Rows with the contract's columns.
    mode
        ``append`` adds them, ``overwrite`` puts them in place of all others.
    by_run
        Whether a file holds the rows of one run only.
    rows_before
        Rows of the version before, where known.

    Raises
    ------
    RadarError
        When the folder cannot be written or has no room left; the version before stands.
    """
    from deltalake import CommitProperties, Schema
    from deltalake.transaction import create_table_with_add_actions

    with faults_told(folder, writing=True):
        (folder / "_delta_log").mkdir(parents=True, exist_ok=True)
        schema = Schema.from_arrow(frame.clear().to_arrow().schema)
        parts = frame.partition_by("run_id", as_dict=True, include_key=False) if by_run else {(None,): frame}
        actions = [_write_file(folder, part, key[0]) for key, part in parts.items() if part.height]
        rows = frame.height if mode == "overwrite" else None if rows_before is None else rows_before + frame.height
        properties = CommitProperties(custom_metadata={"rows": "" if rows is None else str(rows)})
        partition = ["run_id"] if by_run else []
        if newest_version(folder) is None:
            create_table_with_add_actions(
                str(plain_folder(folder)),
                schema,
                actions,
                "append",
                partition,
                configuration=_CONFIGURATION,
                commit_properties=properties,
                post_commithook_properties=_hooks(),
            )
            return
        table = _widen(open_table(folder), schema)
        partition = list(table.metadata().partition_columns)
        if bool(partition) != by_run:
            raise RadarError(f"table {folder.name} is laid out in another way", action="load it into a new workspace")
        table.create_write_transaction(
            [*actions],
            mode,
            table.schema(),
            partition,
            commit_properties=properties,
            post_commithook_properties=_hooks(),
        )


def restore(folder: Path, version: int) -> None:
    """Go back to an earlier version by one more commit.

    Raises
    ------
    RadarError
        When the version or one of its files is not there, or the folder cannot be written.
    """  # noqa: DOC501 (a function makes the error)
    for file in list_files(folder, version):
        if fault := file.fault(sums=False):
            raise tell_damage(folder, f"{file.path.name} of version {version} {fault}")
    with faults_told(folder, writing=True):
        # the files are there: looked at by their real path, which the library does not know
        open_table(folder).restore(version, ignore_missing_files=True)


def pass_over(folder: Path, whole: int, lost: int) -> None:
    """Commit a version as it stands again behind lost ones, whose numbers are noted as removed and never given again."""
    rows = committed_rows(folder, whole)
    about = {"operation": "REPAIR", "timestamp": int(time.time() * 1000)} | (
        {} if rows is None else {"rows": str(rows)}
    )
    for version in range(whole + 1, lost + 2):
        commit_file = folder / "_delta_log" / f"{version:020}.json"
        commit_file.write_text(json.dumps({"commitInfo": about}) + "\n", encoding="utf-8")
    note_removed(folder, range(whole + 1, lost + 1))


def checksum(path: Path) -> str:
    """Return the checksum of a file's bytes: BLAKE2b of 128 bits in hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(_READ_AT_ONCE):
            digest.update(block)
    return digest.hexdigest()


def _write_file(folder: Path, frame: pl.DataFrame, run_id: str | None) -> AddAction:
    from deltalake.transaction import AddAction

    below = folder if run_id is None else folder / f"run_id={run_id}"
    below.mkdir(parents=True, exist_ok=True)
    partial = below / f".{uuid.uuid4().hex}.part"
    try:
        with partial.open("wb") as file:
            frame.write_parquet(file)
            file.flush()
            os.fsync(file.fileno())
        path = below / f"part-{uuid.uuid4().hex[:12]}-{checksum(partial)}.parquet"
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
    return AddAction(
        path=quote(path.relative_to(folder).as_posix(), safe="/="),
        size=path.stat().st_size,
        partition_values={} if run_id is None else {"run_id": run_id},
        modification_time=int(time.time() * 1000),
        data_change=True,
        stats=json.dumps({"numRecords": frame.height}),
    )


def _widen(table: DeltaTable, schema: object) -> DeltaTable:
    """Give a table the columns that joined its contract since it was made, by a commit of its own."""
    there = {field.name for field in table.schema().fields}
    new = [field for field in schema.fields if field.name not in there]  # type: ignore[attr-defined]
    if new:
        table.alter.add_columns(new, post_commithook_properties=_hooks())
    return table


def _hooks() -> PostCommitHookProperties:
    from deltalake import PostCommitHookProperties

    return PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)


@contextmanager
def faults_told(folder: Path, *, writing: bool = False) -> Iterator[None]:
    """Turn what the library and the disk raise about a table into one sentence."""
    from deltalake.exceptions import DeltaError

    try:
        yield
    except RadarError:
        raise
    except (OSError, DeltaError, pl.exceptions.PolarsError, ValueError, KeyError) as error:
        number = _disk_error(error)
        if writing and number is not None:
            raise _unwritable(folder, number) from error
        raise tell_damage(folder, _short(error)) from error
    except BaseException as error:
        # the library is written in Rust and its own assertions are no Exception
        if type(error).__name__ == "PanicException":
            raise tell_damage(folder, _short(error)) from error
        raise


def tell_damage(folder: Path, found: str) -> RadarError:
    """Return the error of a damaged table, with the newest version that is whole and the way back to it."""
    whole = last_whole_version(folder, sums=True)
    still = "no version of it is whole" if whole is None else f"version {whole} is whole"
    remedy = "load it again after `radar repair`" if whole is None else f"`radar repair {folder.name}` goes back to it"
    return RadarError(f"table {folder.name} is damaged: {found}; {still}", action=remedy)


def last_whole_version(folder: Path, *, sums: bool = False) -> int | None:
    """Return the newest version whose log can be read and whose files are all there, None where there is none."""
    from deltalake.exceptions import DeltaError

    for version in reversed(committed_versions(folder)):
        try:
            files = _files_of(folder, version)
        except (DeltaError, OSError, ValueError):
            continue
        except BaseException as error:
            if type(error).__name__ != "PanicException":
                raise
            continue
        if all(file.fault(sums=sums) is None for file in files):
            return version
    return None


def _unwritable(folder: Path, number: int) -> RadarError:
    version = _quiet_version(folder)
    stands = "nothing of it was written" if version is None else f"version {version} stands"
    if number in _NO_ROOM:
        action = "make room (`radar clean` frees what no plan needs) and run it again"
    elif number in _NO_RIGHT:
        action = "see to the rights of the folder and run it again"
    else:
        action = "see to the folder and run it again"
    return RadarError(
        f"table {folder.name} cannot be written ({os.strerror(number)}: {folder}); {stands}", action=action
    )


def _quiet_version(folder: Path) -> int | None:
    try:
        return newest_version(folder)
    except RadarError:
        return None


def _disk_error(error: BaseException) -> int | None:
    """Return the number of the system's error; the library tells it in its text alone."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    found = re.search(r"os error (\d+)|code: (\d+)", str(error))
    return int(found[1] or found[2]) if found else None


def _short(error: BaseException, most: int = 300) -> str:
    """Return what an error says, without the calls that the library lists behind it."""
    message = re.split(r"\s+(?:stack backtrace:|0: (?:<unknown>|0x|[\w:<>]+::))", " ".join(str(error).split()))[0]
    return message if len(message) <= most else f"{message[:most]} …"


def committed_rows(folder: Path, version: int) -> int | None:
    """Return the rows a version had when it was committed, None where that was not put down."""
    try:
        lines = (folder / "_delta_log" / f"{version:020}.json").read_text(encoding="utf-8").splitlines()
        about: Mapping[str, object] = next(
            (action["commitInfo"] for line in lines if "commitInfo" in (action := json.loads(line))), {}
        )
    except (OSError, ValueError):
        return None
    rows = about.get("rows")
    return int(rows) if isinstance(rows, str) and rows.isdigit() else None


def removed_versions(folder: Path) -> set[int]:
    """Return the versions whose files were removed on purpose."""
    try:
        return set(json.loads((folder / REMOVED).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return set()
    except (OSError, ValueError) as error:
        raise tell_damage(folder, f"{REMOVED} cannot be read") from error


def note_removed(folder: Path, versions: Iterable[int]) -> None:
    """Put down that versions are about to be removed on purpose."""
    partial = folder / f"{REMOVED}.part"
    partial.write_text(json.dumps(sorted(removed_versions(folder).union(versions))), encoding="utf-8")
    partial.replace(folder / REMOVED)
