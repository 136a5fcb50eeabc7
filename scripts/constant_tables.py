"""Fills the tables of constants in method and how-to pages from the dataclasses that hold them.

A page marks the place with ``<!-- constants: module:Class -->`` and ``<!-- end of constants -->``; what stands between is made.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from pathlib import Path

from data.constants import describe_constants

DOCS = Path(__file__).resolve().parent.parent / "docs"
_MARK = re.compile(r"(<!-- constants: ([\w.]+):(\w+) -->\n).*?(<!-- end of constants -->)", re.DOTALL)


def method_pages() -> dict[str, str]:
    """Return every method or how-to page that has tables of constants, by its path seen from docs/reference."""
    pages = {}
    for folder in ("methods", "how-to"):
        for path in sorted((DOCS / folder).glob("*.md")):
            text = path.read_text(encoding="utf-8")
            if _MARK.search(text):
                pages[f"../{folder}/{path.name}"] = fill_constants(text)
    return pages


def fill_constants(text: str) -> str:
    """Return a page with its tables of constants made anew."""
    return _MARK.sub(lambda found: found[1] + _table(found[2], found[3]) + found[4], text)


def _table(module: str, name: str) -> str:
    rules = getattr(importlib.import_module(module), name)
    rows = [
        f"| `{constant}` | {_show(value)} | {unit} | {meaning} | {provenance} |"
        for constant, value, unit, meaning, provenance in describe_constants(rules)
    ]
    return "\n".join(["", "| constant | value | unit | meaning | from |", "|---|---|---|---|---|", *rows, "", ""])


def _show(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_show(one)}" for key, one in value.items())
    if isinstance(value, tuple):
        return ", ".join(_show(one) for one in value)
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
