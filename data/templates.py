"""Empty files a planner can fill: one a table, with a line that says what each column holds."""

from __future__ import annotations

from pathlib import Path

from data.contracts import GIVEN_RESULTS, TABLES, ColumnContract, TableContract


def write_templates(folder: Path) -> list[Path]:
    """Write ``<table>.csv`` for every table a planner gives: its header alone, ready for `radar load`.

    Beside them ``README.md`` says what each column holds. Returns the files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    tables = [
        table for table in TABLES.values() if table.group in ("reference", "history") or table.name in GIVEN_RESULTS
    ]
    for table in tables:
        path = folder / f"{table.name}.csv"
        path.write_text(",".join(column.name for column in _given(table)) + "\n", encoding="utf-8-sig")
        written.append(path)
    guide = folder / "README.md"
    guide.write_text("\n\n".join(_describe(table) for table in tables) + "\n", encoding="utf-8")
    return [*written, guide]


def _describe(table: TableContract) -> str:
    return f"## {table.name}\n\n{table.meaning}\n\n" + "\n".join(_line(column) for column in _given(table))


def _given(table: TableContract) -> list[ColumnContract]:
    """Columns a planner fills: all but the run, which the load itself is."""
    return [column for column in table.columns if column.name != "run_id"]


def _line(column: ColumnContract) -> str:
    needed = "may be empty" if column.nullable or column.default is not None else "needed"
    unit = f" [{column.unit}]" if column.unit else ""
    others = f" Also read as: {', '.join(column.aliases)}." if column.aliases else ""
    return f"- `{column.name}`{unit} ({needed}): {column.meaning}{others}"
