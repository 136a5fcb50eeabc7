"""Help, table heads and errors in Chinese: texts by command and option, contracts' own aliases, and sentences by their form.

The English stands where it is said; what has no Chinese text stays English.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

from cli.words import term
from data.errors import RadarError
from data.language import current_language


@lru_cache(maxsize=4)
def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files("cli").joinpath("messages", name).read_text(encoding="utf-8"))


def translate_help(command: Any, path: tuple[str, ...] = ()) -> None:
    """Put Chinese help into a tree of Click commands, in place; nothing is done where English is read.

    Parameters
    ----------
    command
        A Click command or group.
    path
        Its words after ``radar``.
    """
    if current_language() != "zh":
        return
    texts = _read("help.zh.toml")
    told = texts["command"].get(" ".join(path) or "radar")
    if told:
        example = re.search(r"^Example: .*$", command.help or "", re.MULTILINE)
        command.short_help = told.split("。")[0]
        command.help = told if example is None else f"{told}\n\n{example[0].replace('Example: ', '例：')}"
    command.context_class = _chinese_context(command.context_class)
    for option in command.params:
        name = option.opts[0].lstrip("-")
        text = texts["option"].get(f"{' '.join(path)} {name}") or texts["option"].get(name)
        if text and getattr(option, "help", None):
            option.help = text
    for name, inner in getattr(command, "commands", {}).items():
        translate_help(inner, (*path, name))


@lru_cache(maxsize=8)
def _chinese_context(context_class: type[Any]) -> type[Any]:
    return type(
        "ChineseContext", (context_class,), {"formatter_class": chinese_formatter(context_class.formatter_class)}
    )


def chinese_formatter(base: type[Any]) -> type[Any]:
    """Return a help formatter whose headings are Chinese."""

    class ChineseFormatter(base):  # type: ignore[misc]
        def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
            super().write_usage(prog, args, prefix or term("heading", "Usage"))

        def write_heading(self, heading: str) -> None:
            super().write_heading(term("heading", heading))

        def write_dl(self, rows: Any, *rest: Any, **more: Any) -> None:
            super().write_dl([(name, term("heading", text)) for name, text in rows], *rest, **more)

    return ChineseFormatter


def head_of(column: str) -> str:
    """Return the head of a column of a printed table: in Chinese the first Chinese alias a contract gives it."""
    if current_language() != "zh":
        return column
    return term("column", _aliases().get(column, column)) if column in _aliases() else term("column", column)


@lru_cache(maxsize=1)
def _aliases() -> Mapping[str, str]:
    from data.contracts import TABLES

    found: dict[str, str] = {}
    for table in TABLES.values():
        for column in table.columns:
            chinese = next((alias for alias in column.aliases if re.search(r"[\u4e00-\u9fff]", alias)), None)
            if chinese is not None:
                found.setdefault(column.name, chinese)
    return found


def tell(error: RadarError) -> str:
    """Write a known error as one sentence in the reader's language."""
    if current_language() != "zh":
        return str(error)
    places = [str(error.file) if error.file is not None else ""]
    places += [
        f"第{error.row}行" if error.row is not None else "",
        f"列 {error.column}" if error.column is not None else "",
    ]
    where = "，".join(place for place in places if place)
    found, expected, action = (_say(text) for text in (error.found, error.expected, error.action))
    body = f"发现{found}，应为{expected}" if expected else found
    if action:
        body = f"{body}；{action}"
    return f"{f'{where}：' if where else ''}{body}。"


def _say(text: str) -> str:
    """Translate a part of an error by its form; of parts joined by a comma or ``or`` each that is known."""
    for form, chinese in _forms():
        found = form.fullmatch(text)
        if found is not None:
            return chinese.format(**found.groupdict())
    return text


@lru_cache(maxsize=1)
def _forms() -> tuple[tuple[re.Pattern[str], str], ...]:
    def compile_form(english: str) -> re.Pattern[str]:
        parts = re.split(r"\{(\w+)\}", english)
        named = [re.escape(part) if number % 2 == 0 else f"(?P<{part}>.+?)" for number, part in enumerate(parts)]
        return re.compile("".join(named), re.DOTALL)

    return tuple((compile_form(row["en"]), row["zh"]) for row in _read("errors.zh.toml")["form"])
