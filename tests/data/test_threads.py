from __future__ import annotations

import scipy.linalg  # noqa: F401
from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

from data.threads import one_thread


def of_blas() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_linear_algebra_keeps_to_one_thread_for_as_long_as_asked() -> None:
    before = of_blas()
    with one_thread("blas"):
        assert of_blas() == {1}
    assert of_blas() == before
