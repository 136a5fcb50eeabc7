"""Numeric constants with a meaning: each beside its unit and where it comes from, so that pages can list them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, fields
from typing import Any, TypeVar

T = TypeVar("T")

SOURCES = ("published", "fitted", "judgement")
"""What a provenance begins with: a source outside, a measurement of ours with its command and data, or judgement."""


def constant(value: T, unit: str, meaning: str, provenance: str) -> T:
    """Give a field of a frozen dataclass its value, unit, meaning and provenance.

    Parameters
    ----------
    value
        A number, a tuple of numbers, or a mapping to numbers.
    unit
        Unit; ``1`` for a ratio.
    meaning
        What it is, in words that follow its value and unit.
    provenance
        Begins with one of :data:`SOURCES`.

    Raises
    ------
    ValueError
        For another provenance.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Rules:
    ...     half_life: float = constant(14.0, "days", "of the recent level", "judgement")
    >>> Rules().half_life
    14.0
    >>> next(describe_constants(Rules))
    ('half_life', 14.0, 'days', 'of the recent level', 'judgement')
    """
    if not provenance.startswith(SOURCES):
        raise ValueError(f"provenance {provenance!r} begins with none of {', '.join(SOURCES)}")
    description = {"unit": unit, "meaning": meaning, "provenance": provenance}
    if isinstance(value, Mapping):
        mapping: T = field(default_factory=lambda: value, metadata=description)
        return mapping
    return field(default=value, metadata=description)


def describe_constants(rules: type[Any]) -> Iterator[tuple[str, object, str, str, str]]:
    """Give name, value, unit, meaning and provenance of each constant of a dataclass.

    Parameters
    ----------
    rules
        A dataclass whose fields are made by :func:`constant`.

    Yields
    ------
    tuple
        Name, value, unit, meaning, provenance.
    """
    constants = rules()
    for one in fields(rules):
        yield (
            one.name,
            getattr(constants, one.name),
            one.metadata["unit"],
            one.metadata["meaning"],
            one.metadata["provenance"],
        )
