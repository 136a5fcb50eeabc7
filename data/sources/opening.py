"""Which kind a file is, and the source that reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from data.errors import RadarError
from data.sources.batch import Source
from data.sources.csv_files import open_csv
from data.sources.excel_files import open_excel
from data.sources.geojson_files import open_geojson
from data.sources.json_lines import open_json
from data.sources.parquet_files import open_parquet

_TEXT = (".csv", ".tsv", ".txt", ".dat", "")
_EXCEL = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
_JSON = (".jsonl", ".ndjson", ".json")
_ENDINGS = (
    "CSV (.csv, .tsv, .txt), Excel (.xlsx, .xls), Parquet (.parquet), JSON lines (.jsonl, .json) or GeoJSON (.geojson)"
)


def open_files(paths: Sequence[Path], sheet: str | None = None, usual_sheet: str | None = None) -> list[Source]:
    """Open several files; see ``open_file``."""
    return [open_file(path, sheet, usual_sheet) for path in paths]


def open_file(path: Path, sheet: str | None = None, usual_sheet: str | None = None) -> Source:
    """Open a file as the kind its ending says; ``.gz`` before it is unpacked for text and JSON.

    Parameters
    ----------
    path
        The file.
    sheet
        Name of the sheet of an Excel file to take; it must be there.
    usual_sheet
        Without ``sheet``: the one to take where the file has it; else the first with anything on it.

    Raises
    ------
    RadarError
        When there is no such file, it is a folder, it may not be read, or is not what its ending says.
    """
    name = str(path)
    _require_file(path, name)
    ending = path.suffix.lower()
    if ending == ".gz":
        ending = Path(path.stem).suffix.lower()
    if ending in _TEXT:
        return open_csv(path, name)
    if ending in _JSON:
        return open_json(path, name)
    if path.suffix.lower() == ".gz":
        raise RadarError(f"a packed {ending} file", "gzip around CSV or JSON lines only", "unpack it first", file=name)
    if ending in _EXCEL:
        return open_excel(path, name, sheet, usual_sheet)
    if ending in (".parquet", ".pq"):
        return open_parquet(path, name)
    if ending == ".geojson":
        return open_geojson(path, name)
    raise RadarError(f"a file ending in {ending}", _ENDINGS, "save it as one of these", file=name)


def _require_file(path: Path, name: str) -> None:
    if path.is_dir():
        inside = sorted(child.name for child in path.iterdir() if child.is_file())
        told = f"a folder with {len(inside)} files"
        raise RadarError(told, "a file", f"name the files, e.g. {path / '*.csv'}", file=name)
    if not path.exists():
        raise RadarError("no such file", "a file that exists", "check the path", file=name)
    if not path.is_file():
        raise RadarError("no ordinary file", "a file on disk", "write it to a file first", file=name)
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise RadarError(
            f"a file that may not be read ({error.strerror})", "a readable one", "check its rights", file=name
        ) from error
