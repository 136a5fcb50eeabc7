"""Options of ``radar load``, each with its help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Table = Annotated[
    str | None,
    typer.Argument(metavar="TABLE", help="Table to load, e.g. route_volumes, or the name of a profile."),
]
Files = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="FILE...",
        help="CSV (also gzip), Excel, Parquet, JSON lines or GeoJSON files; none: those of the profile.",
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option("--folder", metavar="DIR", help="Load each file of a folder into the table it is named like."),
]
Mapping = Annotated[
    Path | None,
    typer.Option(
        "--sql",
        metavar="FILE",
        help="One SELECT over the table input that brings the files to the table's columns.",
    ),
]
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        envvar="RADAR_DATABASE",
        show_envvar=False,
        help="PostgreSQL server, e.g. postgresql://user@host/database; the password best in PGPASSWORD or ~/.pgpass.",
    ),
]
Query = Annotated[
    str | None, typer.Option("--query", metavar="SQL", help="One SELECT for --database; it can only read.")
]
Constants = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="COLUMN=VALUE", help="Fill a column with one value; may be repeated."),
]
AddMissing = Annotated[
    str,
    typer.Option("--add-missing", metavar="TABLES", help="Make reference rows for new ids, e.g. hubs,couriers."),
]
Replace = Annotated[bool, typer.Option("--replace", help="Start the table anew instead of adding by key.")]
Sheet = Annotated[
    str | None,
    typer.Option(
        "--sheet",
        help="Sheet of an Excel file, '*' for all visible ones; by default the one named like the table, else those that hold it.",
    ),
]
HeaderRow = Annotated[
    int | None, typer.Option("--header-row", metavar="N", min=1, help="Line the header stands on, from 1.")
]
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns", metavar="FIRST:LAST", help="Columns of the table where others stand beside it, e.g. A:F."
    ),
]
Wide = Annotated[
    str | None,
    typer.Option("--wide", metavar="COLUMN", help="The header holds this column's values, e.g. one column a date."),
]
FillDown = Annotated[
    str,
    typer.Option("--fill-down", metavar="COLUMNS", help="Empty cells of these columns hold what stands above them."),
]
Units = Annotated[
    list[str] | None,
    typer.Option("--unit", metavar="COLUMN=UNIT", help="Unit of a column, e.g. parcels=万件; may be repeated."),
]
AddUp = Annotated[bool, typer.Option("--sum", help="Add up rows of one key, e.g. several shifts of a day.")]
AllowFuture = Annotated[
    bool, typer.Option("--allow-future", help="Take history dated later than tomorrow, e.g. made data.")
]
IdsAsWritten = Annotated[bool, typer.Option("--ids-as-written", help="Keep SH1 and sh1 apart as two ids.")]
Volumes = Annotated[
    bool | None,
    typer.Option(
        "--volumes/--no-volumes",
        help="Whether waybills also renew route_volumes and outlet_volumes; by default unless that would more than halve them.",
    ),
]
KeepAs = Annotated[
    str | None,
    typer.Option("--profile", metavar="NAME", help="Keep these settings under a name, for `radar load NAME`."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be read; write nothing.")]
