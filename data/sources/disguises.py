"""What a file that is called a workbook is: systems write text, web pages and locked workbooks under that name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from data.errors import RadarError

_LOOKED_AT = 4096
_ZIP, _OLE = b"PK", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCKED = "EncryptedPackage".encode("utf-16-le")
_BLOCK = 1 << 20

Look = Literal["workbook", "old workbook", "text"]


def look_at_workbook(path: Path, name: str) -> Look:
    """Say by its first bytes whether a file is a workbook in a zip, one of the old kind, or text in columns.

    Raises
    ------
    RadarError
        For a web page, and for a workbook locked by a password.
    """
    with path.open("rb") as file:
        first = file.read(_LOOKED_AT)
        if first.startswith(_OLE):
            if _LOCKED in first or _holds(path, _LOCKED):
                raise RadarError(
                    "a workbook locked by a password", "one without", "take the password off and save it", file=name
                )
            return "old workbook"
    if first.startswith(_ZIP):
        return "workbook"
    if first.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
        raise RadarError(
            "a web page under the name of a workbook",
            "an Excel workbook",
            "open it in Excel and save it as .xlsx",
            file=name,
        )
    return "text" if _is_text(first) else "workbook"


def _holds(path: Path, mark: bytes) -> bool:
    rest = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if mark in rest + block:
                return True
            rest = block[-len(mark) :]
    return False


def _is_text(first: bytes) -> bool:
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if not first.strip() or any(byte < 32 and byte not in b"\t\r\n\f" for byte in first):
        return False
    # the last character may be cut
    return any(_decodes(first[: len(first) - cut], code) for code in ("utf-8", "gb18030") for cut in range(4))


def _decodes(text: bytes, code: str) -> bool:
    try:
        text.decode(code)
    except UnicodeDecodeError:
        return False
    return True
