"""The PostgreSQL server of the tests of this folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import lacks
from tests.postgres_server import Server, find_binaries, run_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Run a real server for the whole session."""
    if find_binaries() is None:
        lacks("PostgreSQL server", "install Debian's package postgresql (apt-get install postgresql)")
    # Not pytest's own folder: another user must be able to enter it.
    with tempfile.TemporaryDirectory(prefix="radar-pg-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with run_server(Path(folder)) as server:
            yield server
