"""Constants keep their value, and say where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from data.constants import constant, describe_constants


@dataclass(frozen=True)
class Rules:
    days: int = constant(28, "days", "looked back on", "judgement")
    weights: Mapping[str, float] = constant({"a": 0.5}, "1", "of the members", "fitted: python -m benchmarks.forecast")


def test_values_are_those_given_and_may_be_replaced() -> None:
    assert (Rules().days, Rules().weights) == (28, {"a": 0.5})
    assert replace(Rules(), days=7).days == 7


def test_each_constant_is_described() -> None:
    assert list(describe_constants(Rules)) == [
        ("days", 28, "days", "looked back on", "judgement"),
        ("weights", {"a": 0.5}, "1", "of the members", "fitted: python -m benchmarks.forecast"),
    ]


def test_a_constant_without_provenance_is_refused() -> None:
    with pytest.raises(ValueError, match="begins with none of published, fitted, judgement"):
        constant(1, "days", "of something", "somebody's word")
