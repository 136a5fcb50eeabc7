"""Sources: one module a kind of file or database, all giving the same thing, batches of rows with their lines."""

from __future__ import annotations

from data.sources.batch import Batch, Source
from data.sources.opening import Layout, open_file, open_files

__all__ = ["Batch", "Layout", "Source", "open_file", "open_files"]
