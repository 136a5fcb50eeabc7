"""A workspace: a folder with ``radar.toml`` and a reader of tables, and the runs that write to it."""

from __future__ import annotations

import os
import platform
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from pathlib import Path

from data.errors import RadarError
from data.lease import hold
from data.mirror import Mirror
from data.runs import Run, number_run, record_failure, recover
from data.settings import FILE_NAME, Settings, read_settings, write_template
from data.table_reader import TableReader, follow_own_writes


class Workspace(TableReader):
    """The only place where state lives.

    Every write is one commit of one Delta table and happens inside a run (see ``run``); a run's writes become
    visible together at its end. Readers need no lock.

    Parameters
    ----------
    folder
        An existing workspace.

    Raises
    ------
    RadarError
        When the folder holds no ``radar.toml`` or a broken one.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder.resolve())
        if folder.is_file():
            raise RadarError(f"{folder} is a file", "a workspace's folder", "name the folder")
        if not (self.folder / FILE_NAME).is_file():
            raise RadarError(
                f"{folder} is no workspace: it holds no {FILE_NAME}",
                action=f"make one with `radar init {shlex.quote(str(folder))}`",
            )

    @classmethod
    def open(cls, folder: Path) -> Workspace:
        """Open an existing workspace."""
        return cls(folder)

    @classmethod
    def find(cls, start: Path) -> Workspace:
        """Open the workspace in ``start`` or in the nearest parent that is one."""
        start = start.resolve()
        for folder in (start, *start.parents):
            if (folder / FILE_NAME).is_file():
                return cls(folder)
        raise RadarError(
            f"neither {start} nor a folder above it holds {FILE_NAME}",
            action="go to a workspace, name one with --workspace, or make one with `radar init DIR`",
        )

    @classmethod
    def create(cls, folder: Path, calendar: str = "CN", store: str = "") -> Workspace:
        """Make an empty workspace with a commented ``radar.toml``.

        Raises
        ------
        RadarError
            When the folder is a workspace already, or is a file, or cannot be written.
        """
        settings = folder / FILE_NAME
        if settings.exists():
            raise RadarError(f"{folder} is a workspace already", action="choose another folder, or use it as it is")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            settings.write_text(write_template(calendar, store), encoding="utf-8")
        except OSError as error:
            raise RadarError(
                f"{folder} cannot be written ({error.strerror})", action="choose another folder"
            ) from error
        return cls(folder)

    @cached_property
    def settings(self) -> Settings:
        """What ``radar.toml`` says."""
        return read_settings(self.folder / FILE_NAME)

    @cached_property
    def mirror(self) -> Mirror | None:
        """The object store in which the tables are at home, None where that is the folder."""
        store = self.settings.workspace.store
        return Mirror.open(store, self.folder) if store else None

    def writer_lives(self) -> bool:
        """Whether the process that wrote last of itself that it writes here is still at work."""
        try:
            holder = (self.folder / ".writer").read_text(encoding="utf-8")
        except OSError:
            return False
        process = re.search(r"\(process (\d+)\)", holder)
        if process is None:
            return False
        try:
            os.kill(int(process[1]), 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True  # of another user, and there
        return True

    @contextmanager
    def run(self, command: str, options: Mapping[str, object] | None = None, seed: int | None = None) -> Iterator[Run]:
        """Work as the one writer, kept in the table ``runs``.

        What the body stages with ``Run.upsert``, ``Run.replace`` and ``Run.append`` is committed when it ends well.
        When it raises, nothing is committed and the run is kept as ``failed`` or ``interrupted``.

        Yields
        ------
        Run
            What the body stages its tables with.

        Raises
        ------
        RadarError
            When another writer holds the workspace longer than ``lock_wait_seconds``.
        """
        with self.writing(command):
            recover(self)
            run = number_run(self, command, options or {}, seed)
            try:
                run.record("running", written={})
                yield run
                run.commit()
            except BaseException as error:
                record_failure(run, error)
                raise

    @contextmanager
    def writing(self, command: str) -> Iterator[None]:
        """Hold the workspace as its one writer, without a run.

        Who holds it reads what stands there now; a pinned reader (see ``pin``) goes on from what it left.

        Raises
        ------
        RadarError
            When another writer holds it longer than ``lock_wait_seconds``, when one changed a table that this reader had
            pinned and read, or the folder cannot be written.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / ".writer.lock")
        holder = self.folder / ".writer"
        try:
            lock.acquire(timeout=self.settings.workspace.lock_wait_seconds, poll_interval=0.05)
        except Timeout as error:
            writer = holder.read_text(encoding="utf-8") if holder.exists() else "another radar"
            raise RadarError(
                f"{writer} is writing to {self.folder}", action="wait until it has ended, then run it again"
            ) from error
        except OSError as error:
            raise RadarError(
                f"workspace {self.folder} cannot be written ({error.strerror}); it is as it was",
                action="see to the rights of the folder and the room on its disk",
            ) from error
        try:
            with suppress(
                OSError
            ):  # it only serves to tell who writes; whether the tables can be written shows by itself
                holder.write_text(f"`radar {command}` (process {os.getpid()})", encoding="utf-8")
            with self._leased(command), self._unpinned():
                yield
        finally:
            follow_own_writes(self.folder)
            with suppress(OSError):
                holder.unlink(missing_ok=True)
            lock.release()

    @contextmanager
    def _leased(self, command: str) -> Iterator[None]:
        """Hold the lease of the object store in which the tables are at home, where they are."""
        mirror, settings = self.mirror, self.settings.workspace
        if mirror is None:
            yield
            return
        holder = f"`radar {command}` on {platform.node()} (process {os.getpid()})"
        with ExitStack() as held:
            mirror.lease = held.enter_context(
                hold(mirror.bucket, holder, settings.lease_seconds, settings.lock_wait_seconds)
            )
            try:
                mirror.look()
                mirror.take_away_unpublished()
                yield
            finally:
                mirror.lease = None

    @contextmanager
    def _unpinned(self) -> Iterator[None]:
        """Read what stands here now, and pin that again at the end, before another writer comes."""
        if not self._pinned:
            yield
            return
        self._require_unchanged()
        self._pinned, self._moment = False, None
        try:
            yield
        finally:
            TableReader.pin(self)  # what lies below a what-if stays as it was pinned

    def _require_unchanged(self) -> None:
        if self._moment is None:
            return
        now = self.moment().tables
        changed = sorted(name for name in self._seen - {"runs"} if now[name] != self._moment.tables[name])
        if changed:
            raise RadarError(
                f"{', '.join(changed)}, changed by another command since this one read it",
                "tables that stay as they were read",
                "run it again; nothing was written",
            )
