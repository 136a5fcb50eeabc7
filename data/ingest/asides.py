"""Rows of a file that are no data: sums, headers repeated in the middle, foot notes. They are told apart, and left out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from data.contracts import TableContract, links_of
from data.ingest.columns import fold_name
from data.sources import Batch
from data.sources.batch import BROKEN_SCHEMA, blank

SUM, HEADER, NOTE = "is a sum row", "repeats the header", "is a foot note"
ASIDES = (SUM, HEADER, NOTE)
_CHINESE_SUMS = "合计|合計|总计|總計|小计|小計|共计|共計|汇总|匯總|彙總|总和|總和|累计|累計|総計"
_OTHER_SUMS = (
    r"(?:gesamt|zwischen|end)?summe|gesamt|insgesamt|итого|всего|(?:общий\s+)?итог|somme|soma|suma|somma|sous[\s_\-]*total|totaux|"
    r"totale|totaal|razem|toplam|jumlah|tổng(?:\s+cộng)?|합\s*계|총\s*계|소\s*계|รวม"
)
_MEANS = "平均|平均值|均值|日均|average|avg|mean|média"
_SUM_WORDS = (
    rf"(?:grand|sub|sum|over)?[\s_\-]*totals?|sum|sums|overall|ttl|.*\S[\s_\-]+(?:sub)?totals?|(?:sub)?totals?[\s_\-]+(?:geral|g[eé]n[eé]rale?)|"
    rf"(?:sub|grand[\s_\-]*)?totals?\s*[(].*[)]|{_OTHER_SUMS}|.*(?:{_CHINESE_SUMS})|(?:{_CHINESE_SUMS})[(].*[)]|全网|全網|全网络|"
    rf"[总總](?:数|數|量|件量|货量|貨量|票数)?|[计計]|全部|合\s*[计計]|[总總]\s*[计計]|小\s*[计計]|[汇匯]\s*[总總]|{_MEANS}"
)
_SUM = re.compile(rf"^(?:{_SUM_WORDS})\s*[:：]?$")
# Brackets and stars around a word: [Total], （合计）, *Total*.
_AROUND = " \t*#=-<>()[]{}「」【】《》\"'"
_NOTES = re.compile(
    r"^\W*(?:注\s*[:：0-9一二三、.释]|备注|说明|附注|数据来源|资料来源|来源|制表|制作|填表|打印|导出|单位|截至|统计口径|口径|以上|审核|复核|审批|"
    r"notes?\b|sources?\b|remarks?\b|comment|exported|generated|printed|end of|\*|"
    r"\d+\s*(?:行受影响|rows? (?:affected|selected|in set))|完成时间|completion time)",
    re.IGNORECASE,
)
# A sentence, or a short name and what it is: 负责人：张三.
_LABEL = r"^\s*[^\W\d][^\d:：]{0,11}(?:：|:\s)"
_SIGNED = re.compile(_LABEL)
_SENTENCE = re.compile(rf"[。；;!！?？]|\w[.:：]?\s+\w+\s+\w|{_LABEL}")


@dataclass(frozen=True)
class Parted:
    """A batch without its asides, and these (``BROKEN_SCHEMA``)."""

    batch: Batch
    asides: pl.DataFrame


def is_sum(text: str) -> bool:
    """Whether an id is a word for a sum, or a mean, of others: 合计, 小计, Total, 华东 小计, Grand Total, 平均.

    Examples
    --------
    >>> is_sum(" 合 计 "), is_sum("Ｔｏｔａｌ:"), is_sum("（合計）"), is_sum("北京"), is_sum("Totalis")
    (True, True, True, False, False)
    """
    folded = unicodedata.normalize("NFKC", text).strip().casefold()
    return bool(_SUM.match(folded) or _SUM.match(folded.strip(_AROUND)))


def part_asides(batch: Batch, positions: Mapping[str, int], table: TableContract, columns: Sequence[str]) -> Parted:
    """Take the rows that are no data out of a batch.

    Parameters
    ----------
    batch
        Rows as the file holds them.
    positions
        Which column of the table stands where in the file.
    table
        Contract of the table; sums are looked for in its keys, its ids and its names.
    columns
        Header of the file.
    """
    frame = batch.frame
    if not frame.height and not batch.broken.height:
        return Parted(batch, batch.broken)
    texts = {name: frame.to_series(at) for name, at in positions.items() if frame.to_series(at).dtype == pl.String}
    rules = pl.Series("rule", [None], dtype=pl.String).new_from_index(0, frame.height)
    for rule, where in (
        (NOTE, _notes(frame)),
        (HEADER, _headers(texts, {name: columns[at] for name, at in positions.items()})),
        (SUM, _sums({name: texts[name] for name in _naming(table) if name in texts})),
        (SUM, _sums_beside(frame, positions, table)),
    ):
        if where is not None and where.any():
            rules = rules.zip_with(~where, pl.Series([rule]))
    aside = rules.is_not_null()
    broken = batch.broken
    odd = _odd_asides(broken)
    if not aside.any() and not odd.is_not_null().any():
        return Parted(batch, broken.clear())
    shown = frame.filter(aside).select(pl.concat_str(pl.all().cast(pl.String), separator=",", ignore_nulls=True))
    found = pl.DataFrame(
        {
            "row": batch.lines.filter(aside),
            "column": pl.Series([None], dtype=pl.String).new_from_index(0, int(aside.sum())),
            "value": shown.to_series(),
            "rule": rules.filter(aside),
        },
        schema=BROKEN_SCHEMA,
    )
    lost = broken.with_columns(odd.alias("rule")).filter(odd.is_not_null())
    data_rows = Batch(frame.filter(~aside), batch.lines.filter(~aside), broken.filter(odd.is_null()), batch.done)
    return Parted(data_rows, pl.concat([found, lost.filter(pl.col("rule") != "")]))


def _naming(table: TableContract) -> tuple[str, ...]:
    """Columns that say what a row is about: keys, ids of other tables, the name."""
    links = [link.column for link in links_of(table.name)]
    return tuple(dict.fromkeys([*table.keys, *links, *(["name"] if "name" in table.polars_schema else [])]))


def _sums(texts: Mapping[str, pl.Series]) -> pl.Series | None:
    where: pl.Series | None = None
    for series in texts.values():
        words = [text for text in series.unique().drop_nulls() if len(text) < 60 and is_sum(text)]
        if words:
            found = series.is_in(words).fill_null(False)
            where = found if where is None else where | found
    return where


def _sums_beside(frame: pl.DataFrame, positions: Mapping[str, int], table: TableContract) -> pl.Series | None:
    """Rows that say 合计 in a column of the file that the table lacks, and name nothing that a row is about."""
    known = set(positions.values())
    others = [at for at, dtype in enumerate(frame.dtypes) if at not in known and dtype == pl.String]
    keys = [frame.columns[positions[name]] for name in table.keys if name in positions]
    if not others or not keys:
        return None
    where = _sums({str(at): frame.to_series(at) for at in others})
    if where is None:
        return None
    return where & frame.select(pl.all_horizontal(blank(key, frame.schema[key]) for key in keys)).to_series()


def _headers(texts: Mapping[str, pl.Series], headers: Mapping[str, str]) -> pl.Series | None:
    if len(texts) < 2:
        return None
    where: pl.Series | None = None
    for name, series in texts.items():
        first = (series == headers[name]).fill_null(False)
        if not first.any():
            folded = fold_name(headers[name])
            same = [text for text in series.unique().drop_nulls().to_list() if fold_name(text) == folded]
            first = series.is_in(same).fill_null(False)
        where = first if where is None else where & first
        if not where.any():
            return None
    return where


def _notes(frame: pl.DataFrame) -> pl.Series | None:
    if frame.width < 2 or not frame.height or frame.dtypes[0] != pl.String:
        return None
    first, second = frame.columns[:2]
    if not frame.select(blank(second, frame.schema[second]).any()).item():
        return None
    # a note alone in its row, or signatures beside each other: 制表：王五, 审核：赵六
    filled = [~blank(name, frame.schema[name]) for name in frame.columns]
    cells = pl.sum_horizontal(filled)
    signed = pl.col(first).str.contains(r"：|:\s").fill_null(False) & (cells * 2 <= frame.width)
    few = frame.select(((cells == 1) | signed) & filled[0]).to_series()
    if not few.any():
        return None
    notes = [_are_notes([str(cell) for cell in row if cell is not None]) for row in frame.filter(few).iter_rows()]
    return pl.Series([False]).new_from_index(0, frame.height).scatter(few.arg_true(), notes)


def _are_notes(cells: Sequence[str]) -> bool:
    texts = [cell.strip() for cell in cells if cell.strip()]
    return _is_note(texts[0]) if len(texts) == 1 else all(_SIGNED.match(text) for text in texts)


def _is_note(text: str) -> bool:
    return bool(_NOTES.match(text.strip()) or _SENTENCE.search(text.strip()))


def _odd_asides(broken: pl.DataFrame) -> pl.Series:
    """Name the kind of each record that does not fit the header; empty text for a blank one."""
    return pl.Series("rule", [_odd_kind(value or "") for value in broken["value"]], dtype=pl.String)


def _odd_kind(record: str) -> str | None:
    cells = [cell.strip().strip('"').strip() for cell in re.split(r"[,;\t|]", record)]
    filled = [cell for cell in cells if cell]
    if not filled:
        return "" if any(mark in record for mark in ",;\t|") else None
    if is_sum(filled[0]):
        return SUM
    return NOTE if (len(filled) == 1 and _is_note(filled[0])) or _NOTES.match(filled[0]) else None
