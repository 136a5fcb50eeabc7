"""Plans of odd workspaces are brief: what is asked is whether a command answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.brief_plans import brief_plans


@pytest.fixture(scope="module", autouse=True)
def _plans_are_brief() -> Iterator[None]:
    with brief_plans(300, exact=False):
        yield
