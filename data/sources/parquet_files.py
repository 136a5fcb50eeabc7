"""Parquet files, read in batches of rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from data.errors import RadarError
from data.sources.apart import read_apart
from data.sources.batch import Batch, Source, drop_blank_rows, no_broken, unique_names
from data.sources.limits import require_columns

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 500_000


def open_parquet(path: Path, name: str) -> Source:
    """Open a Parquet file; its values keep their types. The line of a row is its number, the first being 1.

    Raises
    ------
    RadarError
        When it is no whole Parquet file.
    """  # noqa: DOC501 (a function makes the error)
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            columns = tuple(file.schema_arrow.names)
            size = float(file.metadata.num_rows)
            _require_types(file.schema_arrow, name)
    except (pa.ArrowInvalid, OSError) as error:
        raise _unreadable(error, name) from error
    require_columns(len(columns), name)

    def read() -> Iterator[Batch]:
        start = 0
        # A text that stands once in the file may stand in a million of its rows, so its size says little of what it unpacks to.
        for rows in read_apart(_take_rows, path, name, name=name, kind="Parquet"):
            lines = pl.int_range(start + 1, start + rows.height + 1, dtype=pl.Int64, eager=True).alias("line")
            start += rows.height
            yield Batch(*drop_blank_rows(rows, lines), no_broken(), float(start))

    return Source(name, columns, size, read)


def _take_rows(path: Path, name: str) -> Iterator[pl.DataFrame]:
    """Take the rows, some at a time, under internal column names."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = unique_names(tuple(file.schema_arrow.names))
            for arrow in file.iter_batches(batch_size=_ROWS):
                yield pl.DataFrame(pl.from_arrow(pa.RecordBatch.from_arrays(arrow.columns, names=names)))
    except (pa.ArrowInvalid, OSError) as error:
        raise _unreadable(error, name) from error


def _require_types(schema: pa.Schema, name: str) -> None:
    """Raise RadarError for a column of a type that no table can take: Polars would panic over some of them."""
    for field in schema:
        if not _is_known(field.type):
            raise RadarError(
                f"a Parquet file with values of type {str(field.type)[:60]}",
                "numbers (decimals of at most 38 digits), text, dates and times",
                f"write column {field.name} as one of these",
                file=name,
                column=field.name,
            )


def _is_known(kind: pa.DataType) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        return _is_known(kind.value_type)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _is_known(kind.value_type)
    if types.is_struct(kind):
        return all(_is_known(field.type) for field in kind)
    known = (
        types.is_null, types.is_boolean, types.is_integer, types.is_floating, types.is_decimal128, types.is_string,
        types.is_large_string, types.is_string_view, types.is_binary, types.is_large_binary, types.is_binary_view,
        types.is_fixed_size_binary, types.is_date, types.is_time, types.is_timestamp, types.is_duration,
    )  # fmt: skip
    return any(test(kind) for test in known)


def _unreadable(error: Exception, name: str) -> RadarError:
    message = str(error).splitlines()[0]
    return RadarError(f"no whole Parquet file ({message})", "a Parquet file", "write or copy it again", file=name)
