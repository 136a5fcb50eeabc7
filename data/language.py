"""The language of the person at the keyboard: chosen by `radar --lang`, else that of the system's locale."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from contextvars import ContextVar
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Literal

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")

_chosen: ContextVar[Language | None] = ContextVar("language", default=None)


def choose_language(language: Language | None) -> None:
    """Set the language for what follows; None goes by the locale again."""
    _chosen.set(language)


def current_language() -> Language:
    """Return the language chosen, else ``zh`` where LC_ALL, LC_MESSAGES or LANG (the first that is set) begins with zh, else ``en``."""
    chosen = _chosen.get()
    if chosen is not None:
        return chosen
    locale = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "zh" if locale.lower().startswith("zh") else "en"


def default_languages() -> str:
    """Return the languages of pages and advice nobody chose one for: the one chosen for the command or ``zh`` by locale, else both."""
    return current_language() if _chosen.get() is not None or current_language() == "zh" else ",".join(LANGUAGES)


@lru_cache(maxsize=16)
def read_catalogue(package: str, language: Language) -> Mapping[str, str]:
    """Read a package's ``messages/LANGUAGE.toml``, its sections flattened to ``section.key``."""
    text = resources.files(package).joinpath("messages", f"{language}.toml").read_text(encoding="utf-8")
    return MappingProxyType(dict(_flatten(tomllib.loads(text))))


def _flatten(table: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in table.items():
        rows += _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else [(f"{prefix}{key}", str(value))]
    return rows
