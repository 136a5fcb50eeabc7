"""The words of the reports: one catalogue a language, kept as data."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from markupsafe import Markup, escape

from reports.formats import Language

_TAG = re.compile(r"<[^>]*>")
_NUMBER = re.compile(r"\{(\w+):([^{}|]*)\|([^{}|]*)\}")


class Messages:
    """Looks up the texts of one language.

    Parameters
    ----------
    language
        ``"zh"`` or ``"en"``: which catalogue to read.
    """

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._texts = catalogue(language)

    def __call__(self, key: str, /, **values: object) -> Markup:
        """Return the text of ``key`` with its ``{placeholders}`` filled in and escaped, in the number they are of.

        Raises
        ------
        KeyError
            When the catalogue has no such key: a defect of the program, not of the user's data.
        """
        return _template(in_number(self._texts[key], values)).format(**values)

    def plain(self, key: str) -> str:
        """Return a text as it stands, for a drawing that escapes by itself."""
        return self._texts[key]

    def term(self, group: str, value: str) -> str:
        """Return the word for a coded value (``term("mode", "rail")``); a value without a word stays as it is."""
        return self._texts.get(f"{group}.{value}", value)


def in_number(text: str, values: Mapping[str, object]) -> str:
    """Choose in each ``{name:one|many}`` of a text the words for one where ``name`` stands for 1, else those for many.

    Examples
    --------
    >>> in_number("{n} {n:hub overflows|hubs overflow}", {"n": "1"})
    '{n} hub overflows'
    """
    return _NUMBER.sub(lambda found: found[2] if _TAG.sub("", str(values[found[1]])) == "1" else found[3], text)


@lru_cache(maxsize=2)
def catalogue(language: Language) -> MappingProxyType[str, str]:
    """Read the catalogue of a language, its sections flattened to ``section.key``."""
    text = resources.files("reports").joinpath("messages", f"{language}.toml").read_text(encoding="utf-8")
    return MappingProxyType(dict(_flatten(tomllib.loads(text))))


def _template(text: str) -> Markup:
    """Escape a text of the catalogue; what stands in backticks is a command."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704  escaped just before


def _flatten(table: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, dict):
            rows += _flatten(value, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", str(value)))
    return rows
