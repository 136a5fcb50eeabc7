"""Tables of constants in the method pages say what the code holds."""

from __future__ import annotations

import re
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path

from data.constants import describe_constants
from scripts.constant_tables import fill_constants, method_pages

ROOT = Path(__file__).resolve().parent.parent.parent


def test_a_marked_place_is_filled_and_the_rest_stays() -> None:
    page = (
        "before\n<!-- constants: forecasting.events.deviations:DeviationRules -->\nold\n<!-- end of constants -->\nafter\n"
        "<!-- constants: forecasting.intervals.interval_model:IntervalRules -->\n<!-- end of constants -->\n"
    )
    filled = fill_constants(page)
    assert filled.startswith("before\n")
    assert "\nafter\n" in filled
    assert "old" not in filled
    assert "| `origin_pooling` | 2 | editions |" in filled
    assert "network: 0.25, region: 0.5, hub: 0.75" in filled
    assert fill_constants(filled) == filled


def test_every_dataclass_of_constants_stands_in_a_page() -> None:
    shown = set(re.findall(r"constants: ([\w.]+:\w+)", "\n".join(method_pages().values())))
    held = set()
    for room in ("data", "forecasting", "weather", "routing", "operations", "cli"):
        for path in (ROOT / room).rglob("*.py"):
            if "constant(" not in path.read_text(encoding="utf-8"):
                continue
            module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            for name, one in vars(module).items():
                if is_dataclass(one) and isinstance(one, type) and one.__module__ == module.__name__:
                    try:
                        described = list(describe_constants(one))
                    except (KeyError, TypeError):
                        continue
                    assert described, name
                    held.add(f"{module.__name__}:{name}")
    assert held == shown
