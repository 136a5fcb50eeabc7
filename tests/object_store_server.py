"""A server that speaks S3, for tests: moto's, which comes from a registry, is one process, and keeps conditional puts as S3 does."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

THERE = all(importlib.util.find_spec(name) is not None for name in ("obstore", "moto", "flask"))
needs_store = pytest.mark.skipif(
    not THERE, reason='no object store to test with: pip install "parcelradar[s3]" "moto[server]"'
)


@contextmanager
def serve(bucket: str) -> Iterator[str]:
    """Serve an empty bucket and give the server's address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    begun = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            assert begun.poll() is None, "the server did not start"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        urllib.request.urlopen(urllib.request.Request(f"{address}/{bucket}", method="PUT")).read()
        yield address
    finally:
        begun.terminate()
        begun.wait(10)
