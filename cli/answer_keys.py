"""How an answer with ``--json`` is described: keys, types and meanings.

A key is written as ``name: type, meaning``; a type that ends with ``?`` may be null. ``rows`` is a list of records, ``map`` an object
whose keys are data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TYPES: Mapping[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "day": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"},
    "whole": {"type": "integer"},
    "number": {"type": "number"},
    "yes/no": {"type": "boolean"},
    "list": {"type": "array"},
    "rows": {"type": "array", "items": {"type": "object"}},
    "map": {"type": "object"},
}


@dataclass(frozen=True)
class Key:
    """One key of an answer."""

    name: str
    kind: str
    meaning: str

    @property
    def schema(self) -> dict[str, Any]:
        """Its part of the JSON schema."""
        part = _TYPES[self.kind.removesuffix("?")]
        schema: dict[str, Any] = {"description": self.meaning}
        return schema | ({"anyOf": [part, {"type": "null"}]} if self.kind.endswith("?") else part)


@dataclass(frozen=True)
class Answer:
    """What a command answers.

    Attributes
    ----------
    command
        Its words after ``radar``; an argument in capitals where it changes the answer.
    rows
        Whether it is a list of records with these keys, not one object.
    keys
        Keys that are always there.
    also
        What else may stand beside them; empty when nothing may.
    """

    command: str
    rows: bool
    keys: tuple[Key, ...]
    also: str = ""

    @property
    def schema(self) -> dict[str, Any]:
        """JSON schema of the answer."""
        record = {
            "type": "object",
            "properties": {key.name: key.schema for key in self.keys},
            "required": [key.name for key in self.keys],
            "additionalProperties": bool(self.also),
        }
        return {"type": "array", "items": record} if self.rows else record


def _keys(text: str) -> tuple[Key, ...]:
    keys = []
    for line in filter(None, map(str.strip, text.splitlines())):
        names, _, rest = line.partition(": ")
        kind, _, meaning = rest.partition(", ")
        keys += [Key(name, kind, meaning) for name in names.split(", ")]
    return tuple(keys)


def record(command: str, text: str, also: str = "") -> Answer:
    """Describe the answer of a command that prints one object, a line of ``text`` a key."""
    return Answer(command, False, _keys(text), also)


def records(command: str, text: str, also: str = "") -> Answer:
    """Describe the answer of a command that prints a list of objects, a line of ``text`` a key."""
    return Answer(command, True, _keys(text), also)
