"""Sentences in Chinese, found by their form: the English stands where it is said, the Chinese in ``messages/sentences``.

A line there is ``"English {form}" = "中文{form}"``: a name in braces stands for any text and is carried over as it is, with ``:t``
behind it in the Chinese it is translated in its turn. With ``:n`` it is names that are to be typed: they stay, what joins them is translated.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from data.errors import cut
from data.language import read_catalogue

_NAME = re.compile(r"\{(\w+)\}")
# A form that says next to nothing itself, such as ``{first} to {last}``, takes single words only, but for names that hold sentences.
_FEW_LETTERS = 8
_ALSO_KEPT = ("outcome.", "risk.", "money.")
# An error as data.errors writes it.
_ERROR = re.compile(
    r"(?P<place>(?:(?P<file>[^:;]*\.\w+)(?:, )?)?(?:row (?P<row>\d+)(?:, )?)?(?:column (?P<column>[^:;]+))?: )?"
    r"(?:[Ff]ound (?=.*, expected ))?(?P<found>.+?)(?:, expected (?P<expected>.+?))?(?:; (?P<action>.+))?\.",
    re.DOTALL,
)
_WORDS = re.compile(r"[A-Za-z]{2,} [a-z]")
# A name for a value as the file has it stands for one quoted text, whatever is in it; a count is a number, and so is n.
_COUNT = r"\d[\d,]*|⟦\d+⟧"
_NUMBER = r"-?\d[\d,.]*|⟦\d+⟧"
# What joins rules that rows break: each begins with its count, and may hold a semicolon of its own.
_RULES = r"; (?=\d[\d,]* x )"
_QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|⟦\d+⟧"""
_SENTENCES = ("told", "why", "rest", "purpose", "days", "spans", "who", "action", "what", "command", "names", "hints")


@dataclass(frozen=True)
class _Form:
    english: str
    chinese: str

    @property
    def literals(self) -> list[str]:
        return [part for part in _NAME.split(self.english)[::2] if part]


class _Part(str):
    """What a name of a form stands for; ``{name:t}`` translates it, ``{name:n}`` only what joins names."""

    __slots__ = ()

    def __format__(self, how: str) -> str:
        if how == "n":
            return _join_names(str(self))
        return in_chinese(str(self)) if how == "t" else str(self)


def _join_names(text: str) -> str:
    """Join names that are to be typed as Chinese joins them.

    Examples
    --------
    >>> _join_names("hubs, lanes or stock")
    'hubs、lanes 或 stock'
    >>> _join_names("date (or 日期, day), --hub and --lane")
    'date（或 日期、day）、--hub 与 --lane'
    """
    joined = re.sub(r" \(or ([^()]*)\)", r"（或 \1）", text)
    for joint, chinese in ((", or ", " 或 "), (", ", "、"), (" or ", " 或 "), (" and ", " 与 ")):
        joined = joined.replace(joint, chinese)
    return joined


@lru_cache(maxsize=4096)
def in_chinese(text: str) -> str:
    """Translate a text, or a part of an error, by the form that says most of it; what has no form stays as it is.

    Examples
    --------
    >>> in_chinese("run `radar forecast` first")
    '请先运行 `radar forecast`'
    >>> in_chinese("7 feet")
    '7 feet'
    """
    chinese_text = _by_form(text)
    if chinese_text is None and text[:1].isupper():
        chinese_text = _by_form(text[:1].lower() + text[1:])
    if chinese_text is None and text.endswith(".") and (chinese := in_chinese(text[:-1])) != text[:-1]:
        chinese_text = f"{chinese}。"
    if chinese_text is None:
        chinese_text = _as_searches(text)
    if chinese_text is None:
        chinese_text = _as_error(text)
    return _in_parts(text) if chinese_text is None else chinese_text


def write_error(
    found: str,
    expected: str,
    action: str,
    *,
    file: object = None,
    row: object = None,
    column: object = None,
) -> str:
    """Write the parts of a known error as one sentence in Chinese.

    Examples
    --------
    >>> write_error("3 columns", "5 columns", "", file="a.csv", row=7)
    'a.csv，第7行：发现3列，应为5列。'
    """
    places = (file, None if row is None else f"第{row}行", None if column is None else f"列 {column}")
    where = "，".join(str(place) for place in places if place is not None)
    found, expected, action = (in_chinese(cut(text)) for text in (found, expected, action))
    body = f"发现{found}，应为{expected}" if expected else found
    if action:
        body = f"{body}；{action}"
    end = "" if body.endswith(("？", "！")) else "。"
    return f"{where}：{body}{end}" if where else f"{body}{end}"


def _as_searches(text: str) -> str | None:
    """Translate parts of a search that the clock cut short, by the words that pages have for them; None where one is none.

    Examples
    --------
    >>> _as_searches("bound and fixes of shortfalls")
    '下界与缺口补救'
    """
    words = read_catalogue("reports", "zh")
    parts = [words.get(f"search.{part}") for part in text.split(" and ")]
    return None if None in parts else "与".join(part for part in parts if part is not None)


def _as_error(text: str) -> str | None:
    """Translate an error that was kept as its sentence, as runs keep theirs; None where it is none."""
    parts = _ERROR.fullmatch(text)
    if parts is None or (parts["expected"] is None and parts["place"] is None):
        return None
    if in_chinese(parts["found"]) == parts["found"] and _WORDS.search(parts["found"]):
        return None
    places = {name: parts[name] for name in ("file", "row", "column")}
    return write_error(parts["found"], parts["expected"] or "", parts["action"] or "", **places)


def _by_form(text: str) -> str | None:
    for form, literals in _forms():
        if all(literal in text for literal in literals):
            found = _compile(form.english).fullmatch(text)
            if found is not None:
                return form.chinese.format(**{name: _Part(value) for name, value in found.groupdict().items()})
    return None


def _in_parts(text: str) -> str:
    """Translate parts that are joined by semicolons or commas, if each of them has a form or no words of its own.

    Examples
    --------
    >>> _in_parts("2 x share is not a number (first: row 3 of a.csv, value 'x; y'); 1 x date is too long (first: row 4 of a.csv)")
    "2次：share 不是数（首见：a.csv 第3行，值 'x; y'）；1次：date 太长（首见：a.csv 第4行）"
    """
    for joint, chinese in ((_RULES, "；"), ("; ", "；"), (", ", "，")):
        parts = _split(text, joint)
        if len(parts) == 1:
            continue
        translated = [in_chinese(part) for part in parts]
        pairs = list(zip(parts, translated, strict=True))
        if any(a != b for a, b in pairs) and all(a != b or not _WORDS.search(a) for a, b in pairs):
            return chinese.join(translated)
    return text


def _split(text: str, joint: str) -> list[str]:
    """Split at a joint, but not inside a value quoted from a file.

    Examples
    --------
    >>> _split("value 'a; b'; c", "; ")
    ["value 'a; b'", 'c']
    """
    parts, start = [], 0
    for found in re.finditer(rf"value (?:{_QUOTED})|(?P<joint>{joint})", text):
        if found["joint"] is not None:
            parts.append(text[start : found.start()])
            start = found.end()
    return [*parts, text[start:]]


@lru_cache(maxsize=2048)
def _compile(english: str) -> re.Pattern[str]:
    parts = _NAME.split(english)
    short = sum(letter.isalpha() for part in parts[::2] for letter in part) < _FEW_LETTERS
    part = r"\S+?" if short else r"(?:(?!; ).)*?"
    any_text = {name: ".*?" if name in _SENTENCES else part for name in parts[1::2]}
    any_text |= {"quoted": _QUOTED, "quoted_ids": rf"(?:{_QUOTED})(?:, (?:{_QUOTED}))*"}
    any_text |= {"count": _COUNT, "n": _NUMBER, "rule": rf"(?:(?!{_RULES}).)*?"}
    named = [
        re.escape(part) if number % 2 == 0 else f"(?P<{part}>{any_text[part]})" for number, part in enumerate(parts)
    ]
    return re.compile("".join(named), re.DOTALL)


@lru_cache(maxsize=1)
def _forms() -> tuple[tuple[_Form, list[str]], ...]:
    """Every form with its literal parts: those that begin with a word of their own before others, those that say most first."""
    forms = [(form, form.literals) for form in _read_forms()]
    return tuple(sorted(forms, key=lambda pair: (pair[0].english.startswith("{"), -sum(map(len, pair[1])))))


def _read_forms() -> Iterator[_Form]:
    catalogue = read_catalogue("cli", "en")
    for key, chinese in read_catalogue("cli", "zh").items():
        if key.startswith(_ALSO_KEPT):  # what a run said in English and keeps in the table runs
            yield _Form(catalogue[key], chinese)
    for file in sorted(resources.files("cli").joinpath("messages", "sentences").iterdir(), key=lambda path: path.name):
        if file.name.endswith(".toml"):
            for english, chinese in tomllib.loads(file.read_text(encoding="utf-8")).items():
                yield _Form(english, chinese)
