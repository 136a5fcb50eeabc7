"""Ids that are one id to a reader but not to a computer, ids that Excel has damaged, ids that are close to a known one."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from data.contracts import TableContract, links_of

Reader = Callable[[str], pl.DataFrame]

EXPONENT = "is an id that Excel has turned into a number (6.21E+11): export the column as text"
DIGITS_LOST = "is an id of which Excel has kept 15 digits only: export the column as text"
NO_VALUE = "is what Excel shows where it has no value (#N/A, ####): correct the formula, or widen the column"
LETTERS_LOST = "holds letters that were lost (�): save the file as UTF-8, or convert it from its own encoding"
# U+FFFD, and the letters for private use that another encoding (Big5) becomes where it is read as GB18030.
_LOST = r"[\x{fffd}\x{e000}-\x{f8ff}]"
# An id may be NA or null; a hub that is made of one is told.
_NOTHING = ("null", "none", "nan", "nat", "n/a", "na", "-", "--", "—", "\\n", "<na>", "(null)", "无", "空")
SHEET_ERROR = r"^#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NULL!|NUM!|SPILL!|CALC!|#{2,})$"
# Excel writes it so, with a capital E and a sign; 1e5 may well be an id.
_EXPONENT = r"^\d(?:\.\d+)?E\+\d{2,3}$"
_LONG = r"^\d{16,}$"
_CUT = r"^\d{15}0+$"
# One such id may be chance; where most long ids end in zeros it is Excel.
_CUT_SHARE = 0.5
_INVISIBLE = re.compile(r"[\s\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\u061c\ufe00-\ufe0f\ufeff]+")
# Cyrillic and Greek letters that look like Latin ones (Unicode TS 39, capital and small letters of the same shape), and dashes.
# A cell quoted wrongly ("S"H") is read as SH"; a leading apostrophe is how a spreadsheet marks text, and some exports keep it.
_STRAY = r"\"|^['\x{2018}\x{2019}]"
_DOUBLE_MARKS, _TEXT_MARKS = '"\u201c\u201d', "'\u2018\u2019"
# What a column of whole numbers becomes when a program reads it as fractions.
_WHOLE_AS_FRACTION = re.compile(r"(\d+)\.0+")
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_LOOKS_LIKE = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеорсухіјѕΑΒΕΖΗΙΚΜΝΟΡΤΥΧο" + _DASHES,
    "ABESIJKMHOPCTYXaeopcyxijsABEZHIKMNOPTYXo" + "-" * len(_DASHES),
)
_MOST_NOTES = 5


def fold_id(text: str) -> str:
    r"""Return what an id looks like to a reader: without case, width, spaces, invisible and look-alike letters, and quotation marks around it.

    Of an id of digits alone the zeros before it, and a fraction of zeros behind it, go too: a spreadsheet that takes it for a number
    leaves them out, or puts them there.

    Examples
    --------
    >>> fold_id("ＳＨ１ "), fold_id("sh\u200b1"), fold_id("SН1"), fold_id("SH–1")
    ('sh1', 'sh1', 'sh1', 'sh-1')
    >>> fold_id("0007"), fold_id("7"), fold_id("000"), fold_id("A007")
    ('7', '7', '0', 'a007')
    >>> fold_id("123.0"), fold_id("1.23"), fold_id('SH"'), fold_id("'0123")
    ('123', '1.23', 'sh', '123')
    """
    folded = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).translate(_LOOKS_LIKE).casefold()
    folded = folded.strip(_DOUBLE_MARKS).lstrip(_TEXT_MARKS) or folded
    if whole := _WHOLE_AS_FRACTION.fullmatch(folded):
        folded = whole[1]
    return folded.lstrip("0") or "0" if folded.isdecimal() else folded


@dataclass(frozen=True)
class IdsRead:
    """Rows whose ids are spelt one way, and what was done, in sentences."""

    rows: pl.DataFrame
    notes: tuple[str, ...]


def spell_ids(rows: pl.DataFrame, table: TableContract, read_table: Reader, *, as_written: bool = False) -> IdsRead:
    """Spell ids that differ only in case, width, spaces or look-alike letters as the reference table, else most rows, do.

    An id that the reference table holds stays as it is. Keys that name no other table are only told.

    Parameters
    ----------
    rows
        Rows of the table.
    table
        Its contract.
    read_table
        Gives a table of the workspace by name.
    as_written
        Whether every spelling is an id of its own.
    """
    notes: list[str] = []
    links = [link for link in links_of(table.name) if link.column in rows.columns and link.target != table.name]
    changed: dict[str, pl.Series] = {}
    for target in dict.fromkeys(link.target for link in links):
        columns = [link.column for link in links if link.target == target]
        known = read_table(target)[next(link.target_column for link in links if link.target == target)]
        counted = _count(rows, columns)
        empty = counted.filter(pl.col("id").str.to_lowercase().is_in(_NOTHING) & ~pl.col("id").is_in(known.implode()))
        if empty.height:
            words = ", ".join(repr(word) for word in empty["id"].sort())
            notes.append(f"{target}: {words} taken as an id: if it says that there is none, leave the cell empty")
        renamed = _renamed(counted, known)
        notes.extend(_tell_stray(target, counted["id"], known, () if as_written else renamed))
        if not renamed:
            continue
        sentences = _tell(renamed)
        if as_written:
            notes.append(f"{target}: {sentences}: each is an id of its own (--ids-as-written)")
            continue
        notes.append(f"{target}: {sentences} (--ids-as-written keeps them apart)")
        for column in columns:
            changed[column] = rows[column].replace(list(renamed), list(renamed.values()))
    linked = {link.column for link in links}
    own = [c.name for c in table.columns if c.key and c.dtype == pl.String and c.name not in linked]
    for name in own:
        notes.extend(_tell_stray(name, rows[name].unique(), read_table(table.name)[name], ()))
        alike = find_alike(pl.concat([rows[name], read_table(table.name)[name]]))
        notes.extend(f"{name}: {' and '.join(map(repr, ids))} look like one id" for ids in alike[:_MOST_NOTES])
    return IdsRead(rows.with_columns(series.alias(name) for name, series in changed.items()), tuple(notes))


def find_alike(ids: pl.Series) -> list[tuple[str, ...]]:
    """Return groups of different ids that look the same to a reader, sorted."""
    groups: dict[str, list[str]] = {}
    for text in ids.drop_nulls().unique().sort():
        groups.setdefault(fold_id(text), []).append(text)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def suggest_ids(unknown: Sequence[str], known: Sequence[str], target: str) -> list[str]:
    """Say for ids that lead nowhere which known one is close, at most five."""
    sentences = []
    for text in unknown[:_MOST_NOTES]:
        close = difflib.get_close_matches(text, list(known), n=1, cutoff=0.6)
        if close:
            sentences.append(f"{text!r} is no id of {target}: did you mean {close[0]!r}?")
    return sentences


def find_damaged(values: pl.Series) -> pl.Series:
    """Return the damage Excel, or a wrong encoding, has done to each id, null where there is none."""
    rules = pl.Series("rule", [None], dtype=pl.String).new_from_index(0, values.len())
    if values.dtype != pl.String:
        return rules
    error = values.str.contains(SHEET_ERROR).fill_null(False)
    if error.any():
        rules = rules.zip_with(~error, pl.Series([NO_VALUE]))
    lost = values.str.contains(_LOST).fill_null(False)
    if lost.any():
        rules = rules.zip_with(~lost, pl.Series([LETTERS_LOST]))
    if not (values.str.len_bytes() >= 5).any():
        return rules
    exponent = values.str.contains(_EXPONENT).fill_null(False)
    if exponent.any():
        rules = rules.zip_with(~exponent, pl.Series([EXPONENT]))
    long = values.str.contains(_LONG).fill_null(False)
    if long.any():
        cut = values.str.contains(_CUT).fill_null(False)
        if int(cut.sum()) > _CUT_SHARE * int(long.sum()):
            rules = rules.zip_with(~cut, pl.Series([DIGITS_LOST]))
    return rules


def _tell_stray(where: str, ids: pl.Series, known: pl.Series, renamed: Collection[str]) -> list[str]:
    """Say which new ids hold a quotation mark: most come from cells that the file quotes wrongly."""
    marked = ids.filter(ids.str.contains(_STRAY).fill_null(False))
    new = [text for text in marked.sort() if text not in renamed and text not in known]
    if not new:
        return []
    words = ", ".join(repr(text) for text in new[:_MOST_NOTES])
    return [f"{where}: {words} taken as an id with a quotation mark in it: check how the file quotes that cell"]


def _count(rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    pieces = [rows.group_by(pl.col(column).alias("id")).agg(pl.len().alias("rows")) for column in columns]
    return pl.concat(pieces).drop_nulls("id").group_by("id").agg(pl.col("rows").sum())


def _renamed(counted: pl.DataFrame, known: pl.Series) -> dict[str, str]:
    """Map each spelling that is not known to the one it is taken as."""
    standing = set(known.to_list())
    by_fold: dict[str, list[str]] = {}
    for text in standing:
        by_fold.setdefault(fold_id(text), []).append(text)
    new = counted.filter(~pl.col("id").is_in(known.implode()))
    renamed: dict[str, str] = {}
    chosen: dict[str, str] = {}
    # The commonest spelling without a stray quotation mark; of equally common ones that in plain width and composed letters.
    stray = set(new["id"].filter(new["id"].str.contains(_STRAY)))
    ordered = sorted(
        new.iter_rows(),
        key=lambda row: (row[0] in stray, -row[1], unicodedata.normalize("NFKC", row[0]) != row[0], row[0]),
    )
    for text, _ in ordered:
        folded = fold_id(text)
        holds = by_fold.get(folded, [])
        if len(holds) == 1:
            renamed[text] = holds[0]
        elif not holds:
            first = chosen.setdefault(folded, text)
            if first != text:
                renamed[text] = first
    return renamed


def _tell(renamed: Mapping[str, str]) -> str:
    groups: dict[str, list[str]] = {}
    for spelling, taken in renamed.items():
        groups.setdefault(taken, []).append(spelling)
    sentences = [
        f"{', '.join(repr(spelling) for spelling in spellings[:_MOST_NOTES])} taken as {taken!r}"
        for taken, spellings in list(groups.items())[:_MOST_NOTES]
    ]
    more = len(groups) - len(sentences)
    return "; ".join(sentences) + (f"; and {more:,} more ids" if more else "")
