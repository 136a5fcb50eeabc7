"""Small networks are relaxed by as many steps as large ones get at least, but where the bound itself is looked at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from routing.trunk.search.find_plan import RULES
from tests.brief_plans import brief_plans

WHOLE = (
    "test_bound",
    "test_bound_by_clock",
    "test_budget",
    "test_compiling",
    "test_dual_ascent",
    "test_fixed_charge",
    "test_forcing_prices",
    "test_plan",
    "test_subgradient",
    "test_trunk_families",
    "test_trunk_optimum",
)


@pytest.fixture(scope="module", autouse=True)
def _steps_are_few(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.module.__name__.split(".")[-1] in WHOLE:
        yield
        return
    with brief_plans(RULES.steps, exact=True):
        yield
