"""Help, table heads and errors in the reader's language: texts by command and English sentence, contracts' own aliases, sentences by their form."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

from cli.counts import tell_one
from cli.sentences import in_chinese, write_error
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
    chinese = texts["command"].get(" ".join(path) or "radar")
    if chinese:
        example = re.search(r"^Example: .*$", command.help or "", re.MULTILINE)
        command.short_help = chinese.split("。")[0]
        command.help = chinese if example is None else f"{chinese}\n\n{example[0].replace('Example: ', '例：')}"
    command.context_class = _chinese_context(command.context_class)
    for option in command.params:
        text = getattr(option, "help", None)
        if text:  # by its sentence, not by its name: --to is a day of one command and an as-of date of another
            option.help = texts["option"].get(text, text)
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
            super().write_dl([(name, _in_brackets(term("heading", text))) for name, text in rows], *rest, **more)

    return ChineseFormatter


def _in_brackets(text: str) -> str:
    """Translate what Click adds to an option's help: its default, whether it must be given."""
    for english in ("[default: ", "[required]", "[env var: ", "; required]"):
        text = text.replace(english, term("heading", english))
    return text


def head_of(column: str, *, flag: bool = False) -> str:
    """Return the head of a column of a printed table: in Chinese the catalogue's word for it, else its alias in the contracts.

    A name that means another thing in each of several tables, as ``kind`` does, has a word in the catalogue that fits all of them.
    A ``flag`` (yes or no) may have a word of its own, as ``held`` does: parcels held over night, and an answer that held.
    """
    if current_language() != "zh":
        return column
    if flag and (own := term("column", f"{column}_flag")) != f"{column}_flag":
        return own
    name = term("column", column)
    return name if name != column else _aliases().get(column, column)


@lru_cache(maxsize=1)
def _aliases() -> Mapping[str, str]:
    """Return the first Chinese alias of each column to which all tables give the same one."""
    from data.contracts import TABLES

    found: dict[str, set[str]] = {}
    for table in TABLES.values():
        for column in table.columns:
            chinese = next((alias for alias in column.aliases if re.search(r"[\u4e00-\u9fff]", alias)), None)
            if chinese is not None:
                found.setdefault(column.name, set()).add(chinese)
    return {name: next(iter(aliases)) for name, aliases in found.items() if len(aliases) == 1}


def tell(error: RadarError) -> str:
    """Write a known error as one sentence in the reader's language."""
    if current_language() != "zh":
        return tell_one(str(error))
    return write_error(error.found, error.expected, error.action, file=error.file, row=error.row, column=error.column)


def in_language(text: str) -> str:
    """Return what the command says in the language of the person at the keyboard."""
    return in_chinese(text) if current_language() == "zh" else tell_one(text)


def coded_columns() -> frozenset[str]:
    """Return the columns whose values are code words."""
    return frozenset(_read("codes.zh.toml"))


def tell_cell(column: str, text: str) -> str:
    """Return a cell that holds words of the product, or a code word, in the reader's language, line by line."""
    if current_language() != "zh":
        return tell_one(text)
    code = _read("codes.zh.toml").get(column, {}).get(text)
    if code is not None:
        return str(code)
    # sentences about shortfalls are many in one: the forms of a part would take the others for a day or a name
    told = _in_words_of_reports(column, text) if column in ("cheapest_fix", "reason") else text
    if told != text:
        return told
    chinese = "\n".join(in_chinese(line) for line in text.split("\n"))
    if chinese != text:
        return chinese
    if column == "source":  # titles of books stay as they are, the words of the product beside them do not
        return "；".join(in_chinese(part) for part in text.split("; "))
    return _in_words_of_reports(column, text)


def _in_words_of_reports(column: str, text: str) -> str:
    """Write what reports have words of their own for: fixes and reasons of shortfalls, causes of weather."""
    from reports.cause_words import CauseWords
    from reports.fix_words import FixWords
    from reports.messages import Messages

    messages = Messages("zh")
    match column:
        case "cheapest_fix":
            return FixWords(messages).fix(text)
        case "reason":
            return FixWords(messages).reason(text)
        case "cause":
            return CauseWords(messages)(text)
    return text
