"""The notebook page's code works as it stands, in order, in an empty folder."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "notebook.md"


def test_the_notebook_page_runs(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 3
    done = subprocess.run([sys.executable, "-c", "\n".join(blocks)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "2",
        "900000",
        "[{'name': '北京'}, {'name': '杭州'}]",
        "The workspace holds no route volumes; load route_volumes or waybills first.",
        "['done', 'done', 'failed']",
    ]
