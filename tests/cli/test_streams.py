"""What the streams of a command cannot take: a full disk, letters the locale lacks, more rows than anybody reads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from cli import console

RADAR = str(Path(sys.executable).parent / "radar")
FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_an_output_that_takes_no_more_is_one_sentence(options: list[str], tmp_path: Path) -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            [RADAR, "tables", *options], stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path, check=False
        )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "stdout cannot be written (No space left on device)" in done.stderr.replace("Stdout", "stdout")


def test_a_locale_of_ascii_alone_takes_chinese(tmp_path: Path) -> None:
    ascii_alone = {**os.environ, "LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ascii_alone.pop("PYTHONIOENCODING", None)
    done = subprocess.run([RADAR, "tables", "hubs"], capture_output=True, env=ascii_alone, cwd=tmp_path, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "分拨中心" in done.stdout.decode()


def test_more_rows_than_anybody_reads_are_counted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "_MOST_ROWS", 3)
    rows = pl.DataFrame({"hub_id": list("ABCDE")})
    console.out_rows(rows, json=False)
    told = capsys.readouterr()
    assert ("C" in told.out, "D" in told.out) == (True, False)
    assert "2 more rows" in told.err
    console.out_rows(rows.head(3), json=False)
    assert capsys.readouterr().err == ""
