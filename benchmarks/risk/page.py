"""What parts found, kept one file a part, and the page drawn from them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

HEAD = """# Risk of a trunk plan: measured

Written by `python -m benchmarks.risk WORKSPACE`, WORKSPACE being what `radar demo --no-storm` leaves. Each part is a run of its own (`--only`) and keeps what it
found; the page is drawn from what all of them kept. Method: [risk](../methods/risk.md).
"""


@dataclass(frozen=True)
class Bar:
    """A figure held against what was asked of it; ``met`` is None where it was not measured."""

    figure: str
    asked: str
    found: str
    met: bool | None

    @property
    def verdict(self) -> str:
        """In one word."""
        return "not measured" if self.met is None else "met" if self.met else "**missed**"


@dataclass(frozen=True)
class Table:
    """A table of the page: header and rows of written cells."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """What a part found: its title, bars, sentences and tables."""

    title: str
    bars: Sequence[Bar] = ()
    notes: Sequence[str] = ()
    tables: Sequence[Table] = ()
    machine: str = field(default="")

    def keep(self, path: Path) -> None:
        """Write it down."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Section:
        """Read what a part kept."""
        figures = json.loads(path.read_text(encoding="utf-8"))
        bars = [Bar(**one) for one in figures.pop("bars")]
        tables = [Table(**one) for one in figures.pop("tables")]
        return cls(bars=bars, tables=tables, **figures)


def write_page(sections: Sequence[Section], missing: Sequence[str] = ()) -> str:
    """Draw the page; parts that are missing are named."""
    bars = [[one.figure, one.asked, one.found, one.verdict] for section in sections for one in section.bars]
    machines = list(dict.fromkeys(section.machine for section in sections))
    lines = [
        HEAD,
        *([f"Machine: {machines[0]}.\n"] if len(machines) == 1 else []),
        "## Bars",
        "",
        *_rows(Table(("figure", "bar", "found", ""), bars)),
    ]
    lines += [f"Not measured yet: {', '.join(f'`--only {name}`' for name in missing)}.", ""] if missing else []
    for section in sections:
        lines += [f"## {section.title}", ""]
        for note in section.notes:
            lines += [note, ""]
        for table in section.tables:
            lines += _rows(table)
        lines += [f"*{section.machine}*", ""] if len(machines) > 1 else []
    return "\n".join(lines).rstrip() + "\n"


def _rows(table: Table) -> list[str]:
    head = ["| " + " | ".join(table.header) + " |", "|" + "---|" * len(table.header)]
    return [*head, *("| " + " | ".join(row) + " |" for row in table.rows), ""]
