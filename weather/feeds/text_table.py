"""Weather text as a table: read as every CSV is, rows that do not fit the header put down as bad rows."""

from __future__ import annotations

from collections import Counter

import polars as pl

from data.errors import RadarError
from data.sources.csv_files import open_text
from weather.feeds.bad_rows import ENTRY, BadRows


def read_text_table(text: str, bad: BadRows, first_line: int = 1) -> pl.DataFrame:
    """Read the text of a CSV as text columns under the header's names, and ``ENTRY``: the line of each row.

    Parameters
    ----------
    text
        Header and rows, separated by comma, semicolon or tab.
    bad
        Takes rows with more or fewer cells than the header.
    first_line
        Line of the file that the text starts on.

    Raises
    ------
    RadarError
        When it is no table, a column stands twice, or no row is there.
    """
    content = text.encode()
    source = open_text(lambda: iter([content] if content else []), bad.file, float(len(content)))
    twice = [name for name, count in Counter(source.columns).items() if count > 1 and name]
    if twice:
        raise RadarError(f"column {twice[0]!r} twice", "each once", "drop the other", file=bad.file)
    names = [name or f"column {number}" for number, name in enumerate(source.columns, start=1)]
    frames = []
    read = 0
    for batch in source.read():
        shift = first_line - 1
        bad.add_broken(batch.broken.with_columns(pl.col("row") + shift))
        read += batch.frame.height + batch.broken.height
        frame = batch.frame.rename(dict(zip(batch.frame.columns, names, strict=True)))
        frames.append(frame.with_columns((batch.lines + shift).alias(ENTRY)))
    if not read:
        raise RadarError("a header without rows", "at least one row", "name another file", file=bad.file)
    return pl.concat(frames)


def level_separators(lines: list[str], separator: str) -> list[str]:
    """Give the header as many cells as most rows have, where some writers end only one of the two with a separator."""
    counts = Counter(line.count(separator) for line in lines[1:] if line.strip())
    if not counts:
        return lines
    usual, header = counts.most_common(1)[0][0], lines[0].rstrip()
    if usual == header.count(separator) + 1:
        return [header + separator, *lines[1:]]
    if usual == header.count(separator) - 1 and header.endswith(separator):
        return [header.removesuffix(separator), *lines[1:]]
    return lines
