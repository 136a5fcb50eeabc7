"""A table too wide for the screen, taken apart into blocks of whole columns: no id and no number is broken over two lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# What must not be broken: ids, numbers, dates, words. Chinese may be broken anywhere, text at its spaces.
_PIECE = re.compile(r"[!-~]+")
# A piece longer than this (a path of lanes, a query) is folded.
_LONGEST_PIECE = 26
_EDGE = 3  # characters a column takes beside its cells
_WORTH_A_COLUMN = 8  # characters: text that could be broken anywhere is not broken into shorter lines than this
_MOST_KEYS = 3


@dataclass(frozen=True, slots=True)
class Block:
    """Columns that stand beside each other, and the width of each [characters]."""

    columns: tuple[int, ...]
    widths: tuple[int, ...]


def least_width(head: str, cells: Sequence[str]) -> int:
    """Width a column needs so that no piece of its cells is broken; heads are broken at their underscores."""
    from rich.cells import cell_len

    parts = head.replace("_", " ")
    pieces = (len(piece) for text in (parts, *cells) for piece in _PIECE.findall(text))
    lines = (min(cell_len(text), _WORTH_A_COLUMN) for text in (*cells, *parts.split()))
    return max(2, min(max(pieces, default=2), _LONGEST_PIECE), max(lines, default=2))


def split_columns(heads: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[Block]:
    """Group columns into blocks that fit a width; those that tell the rows apart stand first in each.

    Parameters
    ----------
    heads
        What stands above the columns.
    rows
        Cells as printed.
    width
        Of the screen [characters].

    Returns
    -------
    list of Block
        One block where all fit.
    """
    from rich.cells import cell_len

    columns = range(len(heads))
    texts = [[row[n] for row in rows] for n in columns]
    least = [least_width(head, cells) for head, cells in zip(heads, texts, strict=True)]
    full = [max(map(cell_len, (head, *cells))) for head, cells in zip(heads, texts, strict=True)]
    return [
        Block(tuple(block), tuple(_share(block, least, full, width - 1 - _EDGE * len(block))))
        for block in _group(rows, least, width - 1)
    ]


def _group(rows: Sequence[Sequence[str]], least: Sequence[int], room: int) -> list[list[int]]:
    taken = [one + _EDGE for one in least]
    if sum(taken) <= room or len(taken) < 2:
        return [list(range(len(taken)))]
    keys = _find_keys(rows, taken, room)
    blocks: list[list[int]] = []
    left = 0
    for n in range(keys, len(taken)):
        if not blocks or taken[n] > left:
            blocks.append(list(range(keys)))
            left = room - sum(taken[:keys])
        blocks[-1].append(n)
        left -= taken[n]
    return blocks


def _share(block: Sequence[int], least: Sequence[int], full: Sequence[int], room: int) -> list[int]:
    """Give each column what it needs, and what is left to those that lack least."""
    widths = {n: min(least[n], full[n]) for n in block}
    left = room - sum(widths.values())
    waiting = sorted(block, key=lambda n: full[n] - widths[n])
    for place, n in enumerate(waiting):
        more = min(full[n] - widths[n], max(left, 0) // (len(waiting) - place))
        widths[n] += more
        left -= more
    return [max(widths[n], 1) for n in block]


def _find_keys(rows: Sequence[Sequence[str]], least: Sequence[int], room: int) -> int:
    """Count the leading columns that tell rows apart and leave half of the screen to others; else the first alone."""
    for keys in range(1, min(_MOST_KEYS, len(least) - 1) + 1):
        if 2 * sum(least[:keys]) > room:
            break
        if len({tuple(row[:keys]) for row in rows}) == len(rows):
            return keys
    return 1
