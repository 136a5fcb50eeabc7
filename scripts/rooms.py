"""Draws the rooms: for each folder of the code, which of its files import which, as a picture in Markdown (Mermaid).

``scripts.docs`` writes the page and checks that it is fresh, so the pictures are always those of the present code.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("cli", "parcelradar", "reports", "operations", "forecasting", "weather", "routing", "data")
_HEAD = """# Rooms

Made from the imports by `make docs`; do not edit. An arrow goes from the file that imports to the file it imports. The first
picture is the whole house, then one picture a room; what a room takes from other rooms stands in the picture of the house.
"""


def write_rooms() -> str:
    """Return the page of pictures."""
    rooms = [room for room in ROOMS if (ROOT / room / "__init__.py").exists()]
    graph = grimp.build_graph(*rooms, include_external_packages=False, cache_dir=None)
    arrows = {(one, other) for one in graph.modules for other in graph.find_modules_directly_imported_by(one)}
    lines = [_HEAD, "## The house", "", *_draw(_lift(arrows, 1))]
    for room in sorted(rooms):
        lines += _draw_room(room, set(graph.modules), arrows)
    return "\n".join(lines) + "\n"


def _draw_room(room: str, modules: set[str], arrows: set[tuple[str, str]]) -> list[str]:
    """Return the picture of a folder and, below it, of each folder inside that has files of its own."""
    depth = room.count(".") + 2
    inside = {(one, other) for one, other in arrows if _is_in(one, room) and _is_in(other, room)}
    lines = ["", f"## {room.replace('.', '/')}", "", *_draw(_lift(inside, depth))]
    children = sorted(
        {module for module in modules if module.startswith(f"{room}.") and module.count(".") == depth - 1}
    )
    for child in children:
        if any(module.startswith(f"{child}.") for module in modules):
            lines += _draw_room(child, modules, arrows)
    return lines


def _is_in(module: str, room: str) -> bool:
    return module.startswith(f"{room}.")


def _lift(arrows: set[tuple[str, str]], depth: int) -> dict[str, set[str]]:
    """Return the arrows between names cut to a depth, those inside one name left out."""
    lifted: dict[str, set[str]] = defaultdict(set)
    for one, other in arrows:
        tail, head = (".".join(name.split(".")[:depth]) for name in (one, other))
        if tail != head:
            lifted[tail].add(head)
    return lifted


def _draw(arrows: dict[str, set[str]]) -> list[str]:
    if not arrows:
        return ["No file here imports another of this room."]
    names = sorted(set(arrows).union(*arrows.values()))
    ids = {name: f"n{number}" for number, name in enumerate(names)}
    boxes = [f'    {ids[name]}["{name.rsplit(".", 1)[-1]}"]' for name in names]
    lines = [f"    {ids[tail]} --> {ids[head]}" for tail in sorted(arrows) for head in sorted(arrows[tail])]
    return ["```mermaid", "flowchart TD", *boxes, *lines, "```"]
