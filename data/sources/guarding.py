"""Whatever a reader trips over is told in one sentence that names the file and its kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from data.errors import RadarError
from data.sources.batch import Batch, Source

_SHOWN = 200
# Rust libraries raise this when they panic; it is no Exception, and each library has its own.
_PANIC = "PanicException"


@contextmanager
def one_sentence(name: str, kind: str) -> Iterator[None]:
    """Turn every error of a reader into RadarError; an interrupt stays one.

    Parameters
    ----------
    name
        File or query.
    kind
        What it is: CSV, JSON, Excel, Parquet, GeoJSON.

    Raises
    ------
    RadarError
        For every error of the reader.
    """
    try:
        yield
    except RadarError:
        raise
    except MemoryError as error:
        raise RadarError(
            f"a {kind} file that needs more memory than there is", "a smaller one", "part it", file=name
        ) from error
    except RecursionError as error:
        raise RadarError(
            f"a {kind} file nested too deep", "a flat table", "check the export that wrote it", file=name
        ) from error
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != _PANIC:
            raise
        lines = str(error).splitlines() or [""]
        message = f"{type(error).__name__}: {lines[0]}".encode("utf-8", "replace").decode()[:_SHOWN]
        raise RadarError(
            f"a {kind} file that cannot be read ({message})", "a whole one", "write or export it again", file=name
        ) from error


def guard(source: Source, kind: str) -> Source:
    """Return the source with every error of its reading told in one sentence."""

    def read() -> Iterator[Batch]:
        batches = source.read()
        while True:
            with one_sentence(source.name, kind):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    return replace(source, read=read)
