"""A folder of plain name for the Delta library, whatever the table's own is called.

The library takes the folder for an address: ``%20`` means a space to it, and it gives up on ``[``. It therefore only ever sees
the table's own folder where that is plain, or, where it has letters beyond ASCII, signs or spaces, one of the temporary folder
whose log is a link to the table's log.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from data.errors import RadarError

if TYPE_CHECKING:
    from deltalake import DeltaTable

_PLAIN = re.compile(r"[A-Za-z0-9/_.\-]+")


def open_table(folder: Path, version: int | None = None) -> DeltaTable:
    """Open a version of a table that was written (default: the newest)."""
    from deltalake import DeltaTable

    return DeltaTable(str(plain_folder(folder)), version=version)


def plain_folder(folder: Path) -> Path:
    """Return a folder of ASCII letters, digits, dots and dashes that holds the log of the table in ``folder``."""
    folder = folder.resolve()
    if _PLAIN.fullmatch(str(folder)):
        return folder
    top = _temporary_folder()
    stand_in = top / hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]
    stand_in.mkdir(exist_ok=True)
    link, target = stand_in / "_delta_log", folder / "_delta_log"
    try:
        link.symlink_to(target)
    except FileExistsError:
        if not link.is_symlink() or link.readlink() != target:
            raise RadarError(
                f"{link} is not what radar put there", action="remove it and run the command again"
            ) from None
    return stand_in


def _temporary_folder() -> Path:
    for place in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 (a folder of the user's own is made in it)
        if not _PLAIN.fullmatch(place) or not Path(place).is_dir():
            continue
        top = Path(place).resolve() / f"parcelradar-{os.getuid()}"
        top.mkdir(mode=0o700, exist_ok=True)
        about = top.lstat()
        if top.is_dir() and not top.is_symlink() and about.st_uid == os.getuid():
            return top
    raise RadarError("no temporary folder of this user's own", action="set TMPDIR to a folder you can write")
