"""Any shape of file brought to a table's columns by one SELECT over the table ``input`` (DuckDB, nothing else in reach)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from data.errors import RadarError
from data.sources.batch import Batch, Source, drop_blank_rows, no_broken, unique_names
from data.sources.load_limits import check_limits, stopping

_ROWS = 500_000


def read_query(path: Path) -> str:
    """Read the SQL of a file; RadarError when there is none."""
    try:
        query = path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise RadarError(
            f"SQL that cannot be read ({problem})", "a text file with one SELECT", "check the path", file=path
        ) from error
    if not query:
        raise RadarError("an empty file", "one SELECT over the table input", "write the query", file=path)
    return query


def map_with_sql(sources: Sequence[Source], query: str, label: str) -> Source:
    """Make one source of a query over the rows of others.

    Parameters
    ----------
    sources
        Files or queries of one shape; together they are the table ``input``. Columns of text files are text.
    query
        One SELECT in DuckDB's dialect. It sees no file, no network and no other table.
    label
        What the SQL is called in errors, usually its file.

    Returns
    -------
    Source
        The query's rows; the line of a row is its number in the result.

    Raises
    ------
    RadarError
        With DuckDB's own words when the query is wrong, is no single SELECT, or when the inputs differ in columns.
    """  # noqa: DOC501 (a function makes the error)
    import duckdb

    rows = _gather(sources)
    connection = duckdb.connect(":memory:")
    try:
        connection.register("input", rows.to_arrow())
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        statements = connection.extract_statements(query)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise RadarError(
                "SQL that is no single SELECT", "one SELECT over the table input", "correct the query", file=label
            )
        # Bound without a row read: a wrong column is told before anything is computed.
        described = connection.execute(f"DESCRIBE {query.rstrip().rstrip(';')}").fetchall() or []
        columns = tuple(str(row[0]) for row in described)
    except duckdb.Error as error:
        connection.close()
        raise _refused(error, label) from error
    except RadarError:
        connection.close()
        raise

    name = f"{', '.join(source.name for source in sources)} by {label}"

    def read() -> Iterator[Batch]:
        import pyarrow as pa

        start = 0
        try:
            with stopping(connection.interrupt):
                for arrow in connection.sql(query).to_arrow_reader(_ROWS):
                    renamed = pa.RecordBatch.from_arrays(arrow.columns, names=unique_names(columns))
                    frame = pl.DataFrame(pl.from_arrow(renamed))
                    lines = pl.int_range(start + 1, start + frame.height + 1, dtype=pl.Int64, eager=True).alias("line")
                    start += frame.height
                    yield Batch(*drop_blank_rows(frame, lines), no_broken(), float(min(start, rows.height)))
        # a query that was interrupted may end as a plain RuntimeError
        except (duckdb.Error, pa.ArrowException, OSError, RuntimeError) as error:
            check_limits()  # it was asked to stop
            raise _refused(error, label) from error

    return Source(name, columns, float(rows.height), read)


def _refused(error: Exception, label: str) -> RadarError:
    message = " ".join(str(error).split("\n\nLINE")[0].split())
    return RadarError(
        f"the SQL cannot be answered: {message}", action="correct the query; the input is the table input", file=label
    )


def _gather(sources: Sequence[Source]) -> pl.DataFrame:
    """Bring all rows of the sources under their own column names."""
    columns = _name_columns(sources[0])
    frames = []
    for source in sources:
        if _name_columns(source) != columns:
            raise RadarError(
                f"columns {', '.join(source.columns)}",
                f"those of {sources[0].name}: {', '.join(sources[0].columns)}",
                "load files of different shape one by one",
                file=source.name,
            )
        for batch in source.read():
            if batch.broken.height:
                first = batch.broken.row(0, named=True)
                raise RadarError(
                    f"a row that {first['rule']}", action="correct the file", file=source.name, row=first["row"]
                )
            frames.append(batch.frame.rename(dict(zip(batch.frame.columns, columns, strict=True))))
    if not frames:
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String()))
    try:
        return pl.concat(frames, how="vertical_relaxed")
    except pl.exceptions.PolarsError as error:
        raise RadarError(
            f"files whose columns differ in type ({str(error).splitlines()[0]})",
            "files of one shape",
            "load them one by one",
            file=", ".join(source.name for source in sources),
        ) from error


def _name_columns(source: Source) -> list[str]:
    names = [name or f"column_{at}" for at, name in enumerate(source.columns, start=1)]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise RadarError(
            f"two columns named {doubled[0]!r}", "each name once", "rename one of them", file=source.name, row=1
        )
    return names
