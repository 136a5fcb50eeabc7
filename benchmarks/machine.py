"""Where a measurement was made: machine and versions, printed above every figure."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = (
    "parcelradar",
    "numpy",
    "polars",
    "numba",
    "scikit-learn",
    "statsmodels",
    "prophet",
    "ortools",
    "statsforecast",
    "lightgbm",
    "hierarchicalforecast",
)


def describe_machine() -> str:
    """Return one paragraph: processor, cores, memory, system, Python and package versions."""
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{_processor()}, {cores} cores, {_memory_gb():.0f} GB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}; {', '.join(found)}"
    )


def shared_folder() -> Path | None:
    """Return the folder with real data sets (PARCELRADAR_SHARED, or ``shared`` beside the repo), if it is there."""
    root = Path(__file__).resolve().parent.parent
    folder = Path(os.environ.get("PARCELRADAR_SHARED", root.parent / "shared"))
    return folder if (folder / "real").is_dir() else None


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
