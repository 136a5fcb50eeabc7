"""Plans that the tests of commands make are brief, but in the modules named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.brief_plans import brief_plans

# Here the command runs all of the planner, or tells what it proves; and worker processes plan as what they are held against does.
WHOLE = ("test_plan_trunk", "test_plan_outcome", "test_verify", "test_engines")


@pytest.fixture(scope="module", autouse=True)
def _plans_are_brief(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.module.__name__.split(".")[-1] in WHOLE:
        yield
        return
    with brief_plans(300, exact=False):
        yield
