"""Reads a report as a test wants it: its words, its numbers, its drawings."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from string import Formatter

_SKIPPED = ("style", "script", "svg")
_BLOCKS = ("p", "h1", "h2", "h3", "tr", "dt", "dd", "li", "figcaption", "summary", "caption", "title", "header")
_UNITS = {
    "亿": 100_000_000, "万": 10_000, "billion": 1_000_000_000, "million": 1_000_000, "thousand": 1_000, "%": 0.01,
}  # fmt: skip


def placeholders(text: str) -> frozenset[str]:
    """Return the names of the placeholders in a text."""
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = [""]
        self.tokens: list[str] = []
        self.shown: list[tuple[str, str]] = []
        self._skip = 0
        self._value: str | None = None
        self._spans: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in _SKIPPED:
            self._skip += 1
        if self._skip:
            return
        if tag in _BLOCKS:
            self.lines.append("")
        if tag in ("td", "th"):
            self.lines[-1] += " | "
        if tag == "span":
            self._spans.append(named.get("class") == "name")
        if tag == "data":
            self._value = named["value"] or ""
            self.tokens.append(self._value)
        if tag == "time":
            self.tokens.append(named["datetime"] or "")
            self._value = "time"

    def handle_endtag(self, tag: str) -> None:
        if tag in _SKIPPED:
            self._skip -= 1
        if tag in ("data", "time"):
            self._value = None
        if tag == "span" and not self._skip:
            self._spans.pop()

    def handle_data(self, data: str) -> None:
        if self._skip:
            return
        self.lines[-1] += data.replace("\n", " ")
        if self._value is None:
            # Names come from the data and may differ between the languages, digits and all.
            if any(self._spans):
                return
            self.tokens += re.findall(r"\d+(?:\.\d+)?", data)
        elif self._value != "time":
            self.shown.append((self._value, data))


def words(page: str) -> str:
    """Return what a reader reads, one block a line, drawings left out."""
    lines = [" ".join(line.split()) for line in _read(page).lines]
    return "\n".join(line for line in lines if line) + "\n"


def numbers(page: str) -> list[str]:
    """Return every number and date in reading order: exact values where the page keeps them, else the digits."""
    return _read(page).tokens


def shown_values(page: str) -> list[tuple[float, str]]:
    """Return each kept value with what the reader sees of it."""
    return [(float(value), text) for value, text in _read(page).shown]


def value_of(text: str) -> tuple[float, float]:
    """Read a shown number back: its value, and half a unit of its last digit."""
    clean = text.replace(",", "").replace("\u2212", "-").replace("CNY", "").replace("元", "").strip()
    clean = clean.replace(" ", "").replace("\u202f", "").replace("\u00a0", "").replace("×", "").replace("+", "")
    unit = next((unit for unit in _UNITS if clean.endswith(unit)), "")
    number = clean.removesuffix(unit)
    decimals = len(number.partition(".")[2])
    scale = _UNITS.get(unit, 1)
    last = 10.0**-decimals
    if unit and decimals == 0 and unit != "%":
        # Three significant digits: 6,770 万 is good to the next ten.
        last = 10.0 ** max(0, len(number.lstrip("-")) - 3)
    return float(number) * scale, 0.5 * last * scale


def drawings(page: str) -> list[str]:
    """Return the geometry of every drawing."""
    return re.findall(r'\s(?:d|points|cx|cy|r|stroke-width)="([^"]*)"', page)


def _read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    return reader
