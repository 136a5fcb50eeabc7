"""The one exception for everything a user can put right."""

from __future__ import annotations

import re
from pathlib import Path

# A header of 16,000 columns or a server's page of text says no more than its beginning.
_LONGEST_PART = 600
# An address with a password in it, or a token, also as a path, which has one of the strokes; a drive has a single letter.
_ADDRESS = re.compile(
    r"\b(https?:/{1,2}|[A-Za-z][A-Za-z0-9+.\-]+:/{1,2}(?=[^\n]*:[^\n]*@))(?!\S*\*\*\*@)[^\n]*@([^\s?]*)(\?\S*)?"
)


class RadarError(Exception):
    """A known error, told in one sentence: what was found, what was expected, what to do.

    Parameters
    ----------
    found
        What was found, without a full stop.
    expected
        What was expected in its place; empty when ``found`` says it all.
    action
        What the user can do about it.
    file, row, column
        Where it was found. ``row`` is the line a person sees in the file.

    Examples
    --------
    >>> print(RadarError("3 columns", "5 columns", "add the missing ones", file="a.csv", row=7))
    a.csv, row 7: found 3 columns, expected 5 columns; add the missing ones.
    >>> print(RadarError("the workspace has no table lanes", action="run `radar load lanes FILE`"))
    The workspace has no table lanes; run `radar load lanes FILE`.
    >>> print(RadarError("hub bei is unknown", action="did you mean BEI?"))
    Hub bei is unknown; did you mean BEI?
    >>> print(RadarError("route_forecasts is no table that is loaded", action="see `radar runs`"))
    route_forecasts is no table that is loaded; see `radar runs`.
    >>> print(RadarError("h.csv cannot be written", action="choose another file"))
    h.csv cannot be written; choose another file.
    """

    def __init__(
        self,
        found: str,
        expected: str = "",
        action: str = "",
        *,
        file: str | Path | None = None,
        row: int | None = None,
        column: str | None = None,
    ) -> None:
        self.found, self.expected, self.action = (mask_addresses(part) for part in (found, expected, action))
        self.file = None if file is None else mask_addresses(str(file))
        self.row = row
        self.column = column
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        places = [str(self.file) if self.file is not None else ""]
        places.append(f"row {self.row}" if self.row is not None else "")
        places.append(f"column {self.column}" if self.column is not None else "")
        where = ", ".join(place for place in places if place)
        found, expected, action = (cut(part) for part in (self.found, self.expected, self.action))
        body = f"found {found}, expected {expected}" if expected else found
        if action:
            body = f"{body}; {action}"
        sentence = f"{where}: {body}" if where else _capitalise(body)
        sentence = sentence.rstrip(".")
        return sentence if sentence.endswith("?") else f"{sentence}."


def _capitalise(body: str) -> str:
    """Begin a sentence; the name of a table, a run or a file stays as it is to be typed."""
    return body[:1].upper() + body[1:] if re.match(r"[a-z]+(?:[’'][a-z]+)?(?:[,;:.]?\s|[.:]?$)", body) else body


def cut(text: str) -> str:
    """Return the beginning of a part of an error that would fill the screen."""
    return text if len(text) <= _LONGEST_PART else f"{text[: _LONGEST_PART - 1]}…"


def mask_addresses(text: str) -> str:
    """Return a text in which no address shows who opens it with which password, wherever it was given by mistake.

    Examples
    --------
    >>> mask_addresses("no file https:/planner:se#cr@et@example.org/a.csv?key=1")
    'no file https:/***@example.org/a.csv'
    >>> mask_addresses("C:/a@b.csv; postgresql://planner:***@db/parcels")
    'C:/a@b.csv; postgresql://planner:***@db/parcels'
    >>> mask_addresses("postgresql://planner@db/parcels"), mask_addresses("https://t0ken@example.org/a")
    ('postgresql://planner@db/parcels', 'https://***@example.org/a')
    """
    return _ADDRESS.sub(r"\1***@\2", text) if "@" in text else text
