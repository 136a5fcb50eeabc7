"""Parquet files, read in batches of rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from data.errors import RadarError
from data.sources.batch import Batch, Source, drop_blank_rows, no_broken, unique_names

_ROWS = 500_000


def open_parquet(path: Path, name: str) -> Source:
    """Open a Parquet file; its values keep their types. The line of a row is its number, the first being 1.

    Raises
    ------
    RadarError
        When it is no whole Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            columns = tuple(file.schema_arrow.names)
            rows = file.metadata.num_rows
    except (pa.ArrowInvalid, OSError) as error:
        raise _unreadable(error, name) from error

    def read() -> Iterator[Batch]:
        start = 0
        try:
            with pq.ParquetFile(path) as file:
                for arrow in file.iter_batches(batch_size=_ROWS):
                    renamed = pa.RecordBatch.from_arrays(arrow.columns, names=unique_names(columns))
                    frame = pl.DataFrame(pl.from_arrow(renamed))
                    lines = pl.int_range(start + 1, start + frame.height + 1, dtype=pl.Int64, eager=True).alias("line")
                    start += frame.height
                    frame, lines = drop_blank_rows(frame, lines)
                    yield Batch(frame, lines, no_broken(), float(start))
        except (pa.ArrowInvalid, OSError) as error:
            raise _unreadable(error, name) from error

    return Source(name, columns, float(rows), read)


def _unreadable(error: Exception, name: str) -> RadarError:
    told = str(error).splitlines()[0]
    return RadarError(f"no whole Parquet file ({told})", "a Parquet file", "write or copy it again", file=name)
