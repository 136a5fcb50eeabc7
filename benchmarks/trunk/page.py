"""The run as one Markdown page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]
Aim = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Section:
    """One part: its aims (figure, ours, target, verdict), and tables besides (title, header, rows)."""

    title: str
    note: str
    aims: Sequence[Aim] = ()
    tables: Sequence[Table] = ()


def judge(met: bool) -> str:
    """Return the verdict in one word."""
    return "met" if met else "**missed**"


def write_page(machine: str, sections: Sequence[Section]) -> str:
    """Lay out what one run found."""
    lines = [
        "# Trunk plan: measured",
        "",
        "Written by `python -m benchmarks.trunk`; each section is one run of its part. One process a measurement,",
        "one after the other, one thread; CPU seconds are of planning alone, violations are counted by the independent checker,",
        "which also draws up the cost. Gap = cost / bound - 1. Method: [trunk plan](../methods/trunk-plan.md).",
        "",
        f"Machine: {machine}.",
        "",
        "## Aims",
        "",
        *_table(("figure", "ours", "target", ""), [row for section in sections for row in section.aims]),
    ]
    for section in sections:
        lines += [f"## {section.title}", "", section.note, ""]
        for title, header, rows in section.tables:
            lines += ([f"**{title}**", ""] if title else []) + _table(header, rows)
    return "\n".join(lines).rstrip() + "\n"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    align = ["---"] + ["---:" if name not in ("", "target", "broken rules") else "---" for name in header[1:]]
    lines = ["| " + " | ".join(header) + " |", "|" + "|".join(align) + "|"]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]
