"""Text of unknown encoding as a stream of UTF-8: UTF-8 with or without BOM, GB18030, UTF-16 with BOM."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from string import ascii_letters
from typing import BinaryIO

from data.errors import RadarError

_BLOCK = 1 << 20
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CONTROL = frozenset(range(9)) | frozenset(range(14, 27)) | frozenset(range(28, 32))
# GB18030 takes nearly any bytes. A character that UTF-8 writes in three bytes is seldom chance, and Chinese seldom
# stands alone beside a Latin letter, as an accented letter read wrongly does (S鉶 Paulo).
_THREE_BYTES = "\u0800"
_RUN = re.compile(r"[A-Za-z]?[^\x00-\x7f]+[A-Za-z]?")
_LATIN_SHARE = 0.8


def utf8_blocks(stream: BinaryIO, name: str) -> Iterator[bytes]:
    """Read a text stream of unknown encoding as blocks of valid UTF-8.

    A stream is read once: while it is plain ASCII nothing is decided; the first other byte decides between UTF-8 and
    GB18030, and that choice holds to the end.

    Parameters
    ----------
    stream
        The bytes as they stand in the file, already unpacked.
    name
        What the file is called in an error.

    Yields
    ------
    bytes
        UTF-8 without byte order mark.

    Raises
    ------
    RadarError
        When the bytes are no text, or text in no known encoding.
    """  # noqa: DOC501 (a function makes the error)
    block = stream.read(_BLOCK)
    encoding = None
    for mark, named in _BOMS:
        if block.startswith(mark):
            encoding, block = named, block[len(mark) :]
            break
    if encoding in (None, "utf-8"):
        refuse_binary(block, name)
    decoder = codecs.getincrementaldecoder(encoding)() if encoding else None
    line = 1
    while block:
        following = stream.read(_BLOCK)
        if decoder is None and block.isascii():
            yield block
        else:
            if decoder is None:
                decoder = codecs.getincrementaldecoder(_choose(block, not following, name, line))()
            try:
                text = decoder.decode(block, final=not following)
            except UnicodeDecodeError as error:
                raise _wrong_encoding(name, line + block.count(b"\n", 0, error.start)) from error
            yield text.encode()
        line += block.count(b"\n")
        block = following


def refuse_binary(block: bytes, name: str) -> None:
    """Raise RadarError when the first bytes of a file are no text."""
    head = block[:4096]
    kinds = ((b"PK\x03\x04", "an Excel or zip file"), (b"PAR1", "a Parquet file"), (b"\x1f\x8b", "a gzip file"))
    for magic, kind in (*kinds, (b"\xd0\xcf\x11\xe0", "an old Excel file"), (b"%PDF", "a PDF file")):
        if head.startswith(magic):
            raise RadarError(
                kind, "text in columns, as its name says", "give it its right ending or save it as CSV", file=name
            )
    if any(byte in _CONTROL for byte in head):
        raise RadarError("bytes that are no text", "a text file (UTF-8 or GB18030)", "save it as CSV", file=name)


def _choose(block: bytes, whole: bool, name: str, line: int) -> str:
    """Name the encoding of the first block that is not plain ASCII; a character may be cut at its end."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(block, final=whole)
        return "utf-8"
    except UnicodeDecodeError as error:
        try:
            text = codecs.getincrementaldecoder("gb18030")().decode(block, final=whole)
        except UnicodeDecodeError:
            raise _wrong_encoding(name, line + block.count(b"\n", 0, error.start)) from error
        before = block[: error.start].decode()
        if any(character >= _THREE_BYTES for character in before) or _looks_latin(text):
            raise _wrong_encoding(name, line + block.count(b"\n", 0, error.start)) from error
        return "gb18030"


def _looks_latin(text: str) -> bool:
    runs = _RUN.findall(text)
    lone = sum(len(run.strip(ascii_letters)) == 1 and len(run) > 1 for run in runs)
    return lone >= _LATIN_SHARE * len(runs)


def _wrong_encoding(name: str, row: int) -> RadarError:
    return RadarError(
        "bytes that are neither UTF-8 nor GB18030",
        "text in one of these",
        "save the file as CSV UTF-8",
        file=name,
        row=row,
    )
