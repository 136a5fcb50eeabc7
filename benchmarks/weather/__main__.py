"""`python -m benchmarks.weather`: exposure of a large network. `... real SHARED`: rain against parcels. `... days WORKSPACE`: bad days and fair ones.
`... replan WORKSPACE`: a plan near the one that stands when lanes are shut. `... page FILE WORKSPACE SHARED`: all of them as a page.

SHARED holds `weather/inmet`, `weather/beijing-cma` and `real/olist`; WORKSPACE is a finished sample (`radar demo --no-storm`). One JSON object a line.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.weather.exposure import THREE_SORTS, measure_exposure
from benchmarks.weather.observed import measure_beijing, measure_days, measure_sao_paulo
from benchmarks.weather.page import write_page
from benchmarks.weather.replan import measure_replan


def main() -> None:
    """Print what was asked for."""
    match sys.argv[1:]:
        case []:
            rows = [dict(measure_exposure(closes)) for closes in ((), THREE_SORTS)]
        case ["real", shared]:
            rows = [*measure_sao_paulo(Path(shared)), *measure_beijing(Path(shared))]
        case ["days", workspace]:
            rows = measure_days(Path(workspace))
        case ["replan", workspace]:
            rows = measure_replan(Path(workspace))
        case ["page", file, workspace, shared]:
            write_page(Path(file), Path(workspace), Path(shared))
            return
        case _:
            raise SystemExit(__doc__)
    for row in rows:
        print(json.dumps(row, ensure_ascii=False))


if __name__ == "__main__":
    main()
