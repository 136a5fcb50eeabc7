"""The tables of a workspace whose home is an object store: the workspace's own folder keeps a copy of what was read or written.

In the store each table is a Delta table as in a folder: ``PREFIX/tables/NAME`` with its log and its files, for any reader of Delta. Its files
never change, so a copy that is there stays good; of the log the tags say whether it does. A version is made in the folder first and counts
once its commit has been put into the store, where none of that number may be: what did not get there is taken away by the next writer.
"""

from __future__ import annotations

import json
import re
import shutil
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from data import delta
from data.errors import RadarError
from data.lease import Lease
from data.object_store import Bucket, StoredObject

_TABLES = "tables"
_COPIED = ".copied.json"  # tags of the log's files as they stand in the folder
_HOME = ".store"  # the address of the store whose tables are copied here
_COMMIT = re.compile(r"_delta_log/(\d{20})\.json")
_FRESH_SECONDS = 2.0  # for which a listing serves readers (judgement)
_LOOKS = 50


@dataclass
class Mirror:
    """Tables of an object store and their copy in a folder.

    Attributes
    ----------
    bucket
        The store.
    folder
        Folder of the workspace.
    lease
        Held while this process writes.
    """

    bucket: Bucket
    folder: Path
    lease: Lease | None = None
    _listed: dict[str, dict[str, StoredObject]] = field(default_factory=dict)
    _looked: float | None = None

    @classmethod
    def open(cls, url: str, folder: Path) -> Mirror:
        """Open the store of a workspace's folder.

        Raises
        ------
        RadarError
            When the folder holds tables of its own, or a copy of another store's.
        """
        bucket = Bucket.open(url)
        mark = folder / _TABLES / _HOME
        stands = mark.read_text(encoding="utf-8") if mark.is_file() else None
        if stands is None and any((folder / _TABLES).glob("*/_delta_log")):
            raise RadarError(
                f"{folder} holds tables of its own",
                f"a folder for copies of {url}",
                f"make one: radar init DIR --store {url}",
            )
        if stands not in (None, url):
            raise RadarError(f"{folder} holds copies of {stands}", url, f"make one more: radar init DIR --store {url}")
        if stands is None:
            _write(mark, url.encode())
        return cls(bucket, folder)

    def look(self) -> None:
        """List the store as it stands at one moment: no run began or ended while it was listed.

        Raises
        ------
        RadarError
            When it cannot be reached, or is written to without a pause.
        """
        runs = f"{_TABLES}/runs/_delta_log"
        before = self.bucket.list(runs)
        for _ in range(_LOOKS):
            found = self.bucket.list(_TABLES)
            after = self.bucket.list(runs)
            if before.keys() == after.keys():
                break
            before = after
        else:
            raise RadarError(f"{self.bucket.url} is written to without a pause", action="run it again in a moment")
        self._listed = {}
        for path, stored in found.items():
            _, table, below = path.split("/", 2)
            self._listed.setdefault(table, {})[below] = stored
        self._looked = time.monotonic()

    def newest(self, table: str) -> int | None:
        """Return the newest version in the store, None where nothing was ever committed."""
        if self._looked is None or (self.lease is None and time.monotonic() - self._looked > _FRESH_SECONDS):
            self.look()
        found = [int(match[1]) for path in self._listed.get(table, ()) if (match := _COMMIT.fullmatch(path))]
        return max(found, default=None)

    def bring_log(self, table: str) -> None:
        """Bring what the folder lacks of a table's log, and take away what is no longer in the store."""
        self.newest(table)
        place, copied = self._place(table), self._copied(table)
        before = dict(copied)
        stands = {path: stored for path, stored in self._listed.get(table, {}).items() if _is_log(path)}
        for path in [path for path in copied if path not in stands]:
            (place / path).unlink(missing_ok=True)
            del copied[path]
        for path, stored in stands.items():
            if copied.get(path) == stored.tag and (place / path).is_file():
                continue
            found = self.bucket.get(f"{_TABLES}/{table}/{path}")
            if found is not None:
                _write(place / path, found[0])
                copied[path] = found[1]
        if copied != before:
            _write(place / _COPIED, json.dumps(copied).encode())

    def bring(self, table: str, files: Iterable[delta.DataFile]) -> None:
        """Bring the data files that the folder lacks or holds damaged."""
        place = self._place(table)
        for file in files:
            if file.fault_to_readers() is None:
                continue
            found = self.bucket.get(f"{_TABLES}/{table}/{file.path.relative_to(place).as_posix()}")
            if found is not None:
                _write(file.path, found[0])

    def publish(self, table: str) -> None:
        """Put the newest version of the folder into the store: its files, then its commit, then what speeds reading up.

        Raises
        ------
        RadarError
            When the lease is lost, another has committed this version, or the store cannot be reached; the version is then taken away again.
        """
        place, there = self._place(table), self._listed.setdefault(table, {})
        made = sorted(path for path in _list_below(place) if path not in there)
        commits = [path for path in made if _COMMIT.fullmatch(path)]
        try:
            for path in made:
                if not _is_log(path):
                    self._put(table, path)
            for path in commits:
                self._commit(table, path)
        except BaseException:
            for path in made:
                if _is_log(path) and path not in self._listed[table]:
                    (place / path).unlink(missing_ok=True)
            raise
        log = [path for path in _list_below(place) if _is_log(path) and not _COMMIT.fullmatch(path)]
        for path in log:
            if path.endswith(("_last_checkpoint", delta.REMOVED)) or path not in there:
                self._put(table, path)
        copied = self._copied(table)
        copied.update({path: stored.tag for path, stored in there.items() if _is_log(path)})
        _write(place / _COPIED, json.dumps(copied).encode())

    def drop(self, table: str) -> None:
        """Take a table out of the store, its log first, the newest commit before older ones."""
        self._require()
        listed = self._listed.pop(table, {})
        order = sorted(listed, key=lambda path: (_is_log(path), path), reverse=True)
        self.bucket.delete(f"{_TABLES}/{table}/{path}" for path in order)

    def take_away_unpublished(self) -> None:
        """Take away what a killed writer left in the folder and never put into the store. Only the writer may."""
        for place in sorted((self.folder / _TABLES).glob("*/_delta_log")):
            table = place.parent.name
            copied = self._copied(table)
            for path in _list_below(place.parent):
                if _is_log(path) and path not in copied:
                    (place.parent / path).unlink(missing_ok=True)
            if not self._listed.get(table):
                shutil.rmtree(place.parent)

    def _commit(self, table: str, path: str) -> None:
        content = (self._place(table) / path).read_bytes()
        self._require()
        tag = self.bucket.create(f"{_TABLES}/{table}/{path}", content)
        if tag is None:
            raise RadarError(
                f"table {table} of {self.bucket.url} was written to by another command; nothing was written over it",
                action="run it again",
            )
        self._listed[table][path] = StoredObject(len(content), tag)

    def _put(self, table: str, path: str) -> None:
        content = (self._place(table) / path).read_bytes()
        self._require()
        self._listed[table][path] = StoredObject(len(content), self.bucket.put(f"{_TABLES}/{table}/{path}", content))

    def _require(self) -> None:
        if self.lease is None:
            raise RadarError(f"{self.bucket.url} is written to without its lease", action="run it again")
        self.lease.require()

    def _place(self, table: str) -> Path:
        return self.folder / _TABLES / table

    def _copied(self, table: str) -> dict[str, str]:
        try:
            tags: dict[str, str] = json.loads((self._place(table) / _COPIED).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return tags


def _is_log(path: str) -> bool:
    return path.startswith("_delta_log/") or path == delta.REMOVED


def _list_below(place: Path) -> list[str]:
    """Return the files of a table by their paths below it; halves of files and hidden ones are none."""
    found = (path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())
    return [path for path in found if path == delta.REMOVED or not path.rpartition("/")[2].startswith(".")]


def _write(path: Path, content: bytes) -> None:
    """Put a file in place at once, so that who reads meanwhile sees the old one or the new."""
    with delta.faults_told(path.parent, writing=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{uuid.uuid4().hex}.part")
        partial.write_bytes(content)
        partial.replace(path)
